"""Which engine each name means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from anirec.core.engine import LOCAL, Engine
from anirec.engines import on_ray

ENGINES: Final[Mapping[str, Callable[[], AbstractContextManager[Engine]]]] = {
    "local": lambda: nullcontext(LOCAL),
    "ray": on_ray.opened,
}


def opened(name: str) -> AbstractContextManager[Engine]:
    """Return an engine for as long as a block lasts; errors as in `on_ray.opened`."""
    return ENGINES[name]()
