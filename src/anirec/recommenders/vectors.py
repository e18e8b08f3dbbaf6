"""Titles as vectors: a profile stands where its titles do, and what is near to it scores high.

What it does: takes the likings-weighted mean of the vectors of a profile's titles and scores each title by its inner
product with that mean. What it does not: find the vectors; each model that is served so does that in a file of its own
(`cold_start`, `co_rating`, `item2vec`).
Memory: 4 k bytes a title. Workable sizes: any; a profile takes 2 n k operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.prepare.dataset import Dataset


@dataclass(frozen=True)
class ItemVectors:
    """A fitted model of one vector a title. kind: which model found them. items: int32 [n]. vectors: float32 [n, k]."""

    kind: str
    items: NDArray[np.int32]
    vectors: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: inner products with the likings-weighted mean of each profile; 0 for an empty one."""
        means = np.zeros((len(profiles), self.vectors.shape[1]), dtype=np.float32)
        for row, profile in enumerate(profiles):
            places, weights = weights_of(self.items, profile)
            means[row] = weights @ self.vectors[places]
        return means @ self.vectors.T

    def state(self) -> State:
        """Return what a bundle keeps."""
        return State(kind=self.kind, arrays={"items": self.items, "vectors": self.vectors})


def weights_of(items: NDArray[np.int32], profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places in `items` of a profile's known titles, and their likings over the sum of their sizes."""
    rows, known = found_in(items, profile.anime_ids)
    liking = profile.liking[known]
    return rows, liking / np.float32(max(np.abs(liking).sum(), np.finfo(np.float32).tiny))


def of_unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows [n, k] scaled to length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def liked_by_enough(dataset: Dataset, min_likes: int) -> NDArray[np.int64]:
    """Return the places in `dataset.anime_ids` of the titles with at least so many likes, ascending."""
    return np.flatnonzero(dataset.like_counts() >= min_likes)


def is_sparse(arrays: Sequence[NDArray[np.generic]], shape: tuple[int, int]) -> bool:
    """Return whether (indptr, indices, values) are a CSR matrix of this shape with finite values."""
    indptr, indices, values = arrays
    return (
        indptr.shape == (shape[0] + 1,)
        and indices.shape == values.shape == (int(indptr[-1]),)
        and bool(np.all(np.diff(indptr.astype(np.int64)) >= 0))
        and bool(np.all((indices.astype(np.int64) >= 0) & (indices.astype(np.int64) < shape[1])))
        and bool(np.isfinite(values.astype(np.float64)).all())
    )


def restore(state: State) -> ItemVectors:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, vectors = state.arrays["items"], state.arrays["vectors"]
    if vectors.ndim != 2 or len(vectors) != len(items) or not np.isfinite(vectors).all():
        raise ValueError(f'the vectors of "{state.kind}" are not one finite row per item')
    return ItemVectors(kind=state.kind, items=items, vectors=vectors)
