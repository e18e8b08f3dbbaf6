"""Which engine each name means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError
from anirec.engines import on_ray, on_spark
from anirec.tables import Relations

ENGINES: Final[Mapping[str, Callable[[], AbstractContextManager[Engine]]]] = {
    "local": lambda: nullcontext(LOCAL),
    "ray": on_ray.opened,
}


def opened(name: str) -> AbstractContextManager[Engine]:
    """Return an engine for as long as a block lasts; errors as in `on_ray.opened`."""
    return ENGINES[name]()


MASTERS: Final = ("spark://", "k8s://", "yarn", "local[")
"""What the address of a Spark master begins with."""


def relations(name: str) -> AbstractContextManager[Relations | None]:
    """Return what works tables out, for as long as a block lasts; None = DuckDB. Errors as in `on_spark.opened`.

    name: local, spark, or the address of a Spark master.

    Raises:
        InputError: it is none of these.
    """
    if name == "local":
        return nullcontext(None)
    if name == "spark":
        return on_spark.opened()
    if name.startswith(MASTERS):
        return on_spark.opened(name)
    raise InputError(
        f'"{name}" is no engine for tables; there are local, spark, and masters of Spark: spark://HOST:7077'
    )
