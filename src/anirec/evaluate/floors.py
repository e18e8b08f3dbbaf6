"""The two rows that every table has: what chance finds, and what everybody likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.profile import Profile


@dataclass(frozen=True)
class RandomFloor:
    """Scores drawn anew for every profile. items: int32 [n], ascending."""

    items: NDArray[np.int32]
    rng: np.random.Generator

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n], uniform in 0..1."""
        return self.rng.random((len(profiles), len(self.items)), dtype=np.float32)


@dataclass(frozen=True)
class PopularityFloor:
    """The number of likes, whoever asks. items: int32 [n], ascending. likes: [n]."""

    items: NDArray[np.int32]
    likes: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n], the likes."""
        return np.tile(self.likes, (len(profiles), 1))
