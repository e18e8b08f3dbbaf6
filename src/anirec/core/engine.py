"""Where work that can be parted is done: in this process, or wherever an `Engine` takes it.

Who parts the work sees to it that the parts give the same whatever they are given to: whole numbers that are added up,
or blocks that do not depend on how many there are of them. Work whose steps need one another's is done together: one
function on all ranks at once, which takes its own part of each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

Result = TypeVar("Result")
Value = TypeVar("Value")
Tell = Callable[[str, int, int], None]
"""Called as tell(stage, done, total): how far something is."""


class Engine(Protocol):
    """Runs functions over parts. What every implementation owes is written as tests in `tests/engines`."""

    @property
    def workers(self) -> int:
        """How many parts may be worked on at the same time."""
        ...

    @property
    def ranks(self) -> int:
        """In how many processes `together` calls a function."""
        ...

    @property
    def apart(self) -> bool:
        """Whether that is in other processes: functions and what they are given then have to be carried there."""
        ...

    def share(self, value: Value) -> Value:
        """Return what stands for a value that many parts are given, so that it is carried once and not with each.

        It is of use in parts alone, as one of their arguments; there, it is the value.
        """
        ...

    def map(self, function: Callable[..., Result], parts: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
        """Yield `function(*part)` of every part, in their order. A part whose worker dies is worked on again.

        Raises:
            Unreachable: the workers cannot be reached, or one part's die again and again.
        """
        ...

    def together(self, function: Callable[[Tell], Result], tell: Tell) -> Result:
        """Call `function(tell)` on all ranks, which torch.distributed connects, and return what the first one does.

        Only the first one is heard. When a rank dies, all are begun again, and the function goes on from what it kept.

        Raises:
            Unreachable: the workers cannot be reached, or ranks die again and again.
        """
        ...


@dataclass(frozen=True)
class Local:
    """In this process, one part after the other, when it is asked for."""

    workers: int = 1
    ranks: int = 1
    apart: bool = False

    def share(self, value: Value) -> Value:
        """See `Engine`."""
        return value

    def map(self, function: Callable[..., Result], parts: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
        """See `Engine`."""
        return (function(*part) for part in parts)

    def together(self, function: Callable[[Tell], Result], tell: Tell) -> Result:
        """See `Engine`."""
        return function(tell)


LOCAL: Final = Local()
