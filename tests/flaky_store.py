"""A store of vectors that can be turned off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import Unreachable
from anirec.search.vectors import Exact, Vectors


@dataclass
class Flaky:
    """A store that answers while it is up. asked: how often it was."""

    vectors: Vectors
    up: bool = True
    asked: int = 0

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        self.asked += 1
        if not self.up:
            raise Unreachable("the store is down")
        return Exact(self.vectors).nearest(queries, k)
