"""What tests of engines have done in parts, where worker processes find it too; and an engine that loses a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anirec.core.engine import Engine
from anirec.core.errors import InputError


@dataclass(frozen=True)
class Fatal:
    """An engine whose worker is killed in the midst of the second part, the first time that it is worked on."""

    engine: Engine
    flag: Path
    apart: bool = True

    @property
    def workers(self) -> int:
        return self.engine.workers

    def share(self, value: Any) -> Any:
        return self.engine.share(value)

    def map(self, function: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        return self.engine.map(fatal, ((self.flag, i, function, *part) for i, part in enumerate(parts)))


def fatal(flag: Path, place: int, function: Callable[..., Any], *part: Any) -> Any:
    if place == 1 and not flag.exists():
        flag.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*part)


def plus(shared: np.ndarray[Any, Any], number: int) -> int:
    return int(shared.sum()) + number


def refuse(number: int) -> int:
    if number == 2:
        raise InputError("not this one")
    return number


def die(_number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def where(_number: int) -> int:
    return os.getpid()
