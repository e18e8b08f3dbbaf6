"""What every protocol is asked with."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.pairs import NO_PAIRS, Pairs
from anirec.prepare.splits import Case


@dataclass(frozen=True)
class Asked:
    """users: how many to ask, at most. seed: of all that is drawn.

    max_share: at most so many of those who could be held out are, to leave somebody to learn from. full_lists: sources
    whose users' lists are whole, and may be held out; None = all. pairs: what people named beside what.
    """

    users: int
    seed: int = 0
    max_share: float = 0.5
    full_lists: Set[str] | None = None
    pairs: Pairs = NO_PAIRS

    def rng(self, number: int) -> np.random.Generator:
        """Return a generator of its own for each number; 1 is that which draws users."""
        return np.random.default_rng([self.seed, number])

    def chosen(self, n: int) -> NDArray[np.int64]:
        """Return the places, ascending, of at most `users` of n cases."""
        return np.sort(self.rng(1).permutation(n)[: self.users])

    def some(self, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Return at most `users` of the cases, in their order."""
        return tuple(cases[i] for i in self.chosen(len(cases)))

    @property
    def parameters(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"seed": self.seed}
