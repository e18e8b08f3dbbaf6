"""Vectors in a store that many replicas ask: what a store owes, and how one is asked so that nobody waits for it.

A store keeps the vectors of one bundle under a name made from their bytes, so that replicas of the old and of the new
bundle can ask the same store while a fleet is renewed, and none is answered from vectors that are not its own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import Unreachable
from anirec.search.vectors import VectorIndex, Vectors

BLOCK: Final = 4096
"""Vectors that are sent at a time."""
PATIENCE: Final = 5.0
"""Seconds that a store has to answer, and that it is left alone after it did not."""

EXACT_UP_TO: Final = 50_000
"""Vectors up to which a store compares all of them."""

Progress = Callable[[int, int], None]
Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Places and scores, as `VectorIndex` returns them."""


class VectorStore(VectorIndex, Protocol):
    """An index outside of this process. All may raise Unreachable; opening one does not connect yet."""

    def put(self, vectors: Vectors, progress: Progress) -> bool:
        """Keep vectors, whole or not at all; returns whether they were not there already.

        progress: called with how many are sent and how many there are.
        """
        ...


def name_of(vectors: Vectors) -> str:
    """Return the name that these vectors have in every store; others have another one."""
    digest = hashlib.sha256(f"{vectors.steps.shape}".encode())
    for start in range(0, len(vectors), BLOCK):
        digest.update(np.ascontiguousarray(vectors.steps[start : start + BLOCK]).data)
    digest.update(np.ascontiguousarray(vectors.scales).data)
    return f"anirec_{digest.hexdigest()[:16]}"


def nearest_of_each(queries: NDArray[np.float32], k: int, ask: Callable[[], Sequence[Found]]) -> Found:
    """Return what `VectorIndex.nearest` owes. ask: returns what was found for each query; not called if k is 0."""
    if k == 0:
        return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
    found = ask()
    places, scores = zip(*found, strict=True) if found else ((), ())
    return np.array(places, np.int64).reshape(-1, k), np.array(scores, np.float32).reshape(-1, k)


def best_first(places: NDArray[np.int64], scores: NDArray[np.float32]) -> Found:
    """Return what a store found for one query in the order that `VectorIndex` wants: best first, ties by place."""
    order = np.lexsort((places, -scores))
    return places[order], scores[order]


@dataclass(eq=False)
class Guarded:
    """A store that is left alone for a while after it did not answer: in that time it is said at once that it is not.

    wait: seconds. clock: what time it is, in seconds.
    """

    store: VectorIndex
    wait: float = PATIENCE
    clock: Callable[[], float] = time.monotonic
    _until: float = field(default=float("-inf"), init=False)
    _reason: str = field(default="", init=False)

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `VectorIndex`.

        Raises:
            Unreachable: the store does not answer, or did not a short while ago.
        """
        if self.clock() < self._until:
            raise Unreachable(self._reason)
        try:
            return self.store.nearest(queries, k)
        except Unreachable as error:
            self._reason, self._until = str(error), self.clock() + self.wait
            raise
