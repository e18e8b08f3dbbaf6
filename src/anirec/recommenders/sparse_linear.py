"""A sparse matrix of what liking one title adds to another: what item-kNN and SLIM leave behind, and how it scores.

What it does: score a profile x as xW. What it does not: say where W comes from.
Memory: 8 bytes a weight. Workable sizes: any number of titles; 100 weights for each of 60,000 are 48 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.profile import Profile
from anirec.core.state import State, is_finite_vector
from anirec.recommenders.likings import known


@dataclass(frozen=True)
class SparseLinear:
    """The weights, by the title they come from.

    items: int32 [n]. indptr: int64 [n + 1]; what liking item i adds stands at indptr[i]:indptr[i + 1] of targets
    (int32, place in `items`, ascending) and weights (float32).
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the sum of the weights from the profile's titles, each times its liking."""
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            rows, liking = known(self.items, profile)
            if len(rows):
                blocks = [self._block(i) for i in rows]
                weights = np.concatenate([self.weights[b] * x for b, x in zip(blocks, liking, strict=True)])
                targets = np.concatenate([self.targets[b] for b in blocks])
                scores[row] = np.bincount(targets, weights, minlength=len(self.items))
        return scores

    def contributions(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return float32 [len(profile), len(anime_ids)]: what each title of the profile adds to each score.

        The columns of known titles sum to their scores. Zero for titles that the model does not know.
        """
        parts = np.zeros((len(profile), len(anime_ids)), dtype=np.float32)
        rows, liking = known(self.items, profile)
        places = np.flatnonzero(np.isin(profile.anime_ids, self.items))
        columns, wanted = np.flatnonzero(np.isin(anime_ids, self.items)), rows_of(self.items, anime_ids)
        for place, row, weight in zip(places, rows, liking, strict=True):
            added = np.zeros(len(self.items), dtype=np.float32)
            added[self.targets[self._block(row)]] = self.weights[self._block(row)] * weight
            parts[place, columns] = added[wanted]
        return parts

    def _block(self, row: np.int64) -> slice:
        return slice(int(self.indptr[row]), int(self.indptr[row + 1]))

    def state(self) -> State:
        """Return what a bundle keeps."""
        return State(
            kind="sparse_linear",
            arrays={"items": self.items, "indptr": self.indptr, "targets": self.targets, "weights": self.weights},
        )


def largest(values: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return int64 [b, min(k, n)]: the places of the k largest values of each row [b, n], ascending."""
    n = values.shape[1]
    first = n - min(k, n)
    return np.sort(np.argpartition(values, min(first, n - 1), axis=1)[:, first:], axis=1)


def of_columns(
    items: NDArray[np.int32], sources: Sequence[NDArray[np.int64]], weights: Sequence[NDArray[np.float32]]
) -> SparseLinear:
    """Put the model together from blocks of consecutive targets, in the order of `items`.

    sources: by block, [b, k] places in `items` of the titles that speak for each target; [b, k] their weights, 0 is
    left out.
    """
    lengths = [block.shape[1] for block in weights for _ in block]
    target = np.repeat(np.arange(len(items)), lengths)
    source = np.concatenate([np.empty(0, dtype=np.int64), *(block.ravel() for block in sources)])
    weight = np.concatenate([np.empty(0, dtype=np.float32), *(block.ravel() for block in weights)])
    kept = np.flatnonzero(weight)
    order = kept[np.lexsort((target[kept], source[kept]))]
    counts = np.bincount(source[order], minlength=len(items))
    return SparseLinear(
        items=items,
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        targets=target[order].astype(np.int32),
        weights=weight[order].astype(np.float32),
    )


def restore(state: State) -> SparseLinear:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    model = SparseLinear(**{name: state.arrays[name] for name in ("items", "indptr", "targets", "weights")})
    n, ends = len(model.items), model.indptr
    fits = ends.shape == (n + 1,) and ends[0] == 0 and (np.diff(ends) >= 0).all() and len(model.targets) == ends[-1]
    if not fits or not is_finite_vector(model.weights, int(ends[-1])):
        raise ValueError("the weights of a sparse linear model do not fit its items")
    if len(model.targets) and not 0 <= model.targets.min() <= model.targets.max() < n:
        raise ValueError("a sparse linear model names targets that it does not have")
    return model
