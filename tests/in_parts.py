"""What tests of engines have done, where worker processes find it too; and an engine that loses a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from anirec.core.engine import Engine, Tell
from anirec.core.errors import InputError


@dataclass(frozen=True)
class Fatal:
    """An engine whose worker is killed in the midst of the second part, the first time that it is worked on.

    Of ranks, the second one is killed at its step `step`, once its gradients are worked out and before they are sent.
    """

    engine: Engine
    flag: Path
    step: int = 0
    apart: bool = True

    @property
    def workers(self) -> int:
        return self.engine.workers

    @property
    def ranks(self) -> int:
        return self.engine.ranks

    def share(self, value: Any) -> Any:
        return self.engine.share(value)

    def map(self, function: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        return self.engine.map(fatal, ((self.flag, i, function, *part) for i, part in enumerate(parts)))

    def together(self, function: Callable[[Tell], Any], tell: Tell) -> Any:
        return self.engine.together(partial(fatal_rank, self.flag, self.step, function), tell)


def fatal(flag: Path, place: int, function: Callable[..., Any], *part: Any) -> Any:
    if place == 1 and not flag.exists():
        flag.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*part)


def fatal_rank(flag: Path, step: int, function: Callable[[Tell], Any], tell: Tell) -> Any:
    from anirec.recommenders.neural import together

    add_up, steps = together.add_up, count()

    def add_up_or_die(net: Any, loss: Any) -> Any:
        if next(steps) == step:
            flag.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return add_up(net, loss)

    if together.rank() == 1 and not flag.exists():
        together.add_up = add_up_or_die  # goes with the process
    return function(tell)


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
