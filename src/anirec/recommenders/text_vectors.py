"""Titles that are written of alike: one vector a title, made from texts, compared by cosine.

What it does: keeps vectors in one byte a number, and scores by the cosine with the likings-weighted mean of the
profile's titles. A title without a text has no place here: it is no item. What it does not: read texts; each kind of
text has a maker of its own (`review_vectors` for reviews, an encoder of sentences for synopses).

`sharpness` is the power that cosines are raised to: a blend of lenses should hear the near titles, and many are fairly
near. It changes no order.

Memory: 5 bytes a number in use, 1 in a bundle. Workable sizes: any; a profile takes n k operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.recommenders.vectors import of_unit_length, weights_of

KIND: Final = "text_vectors"
LARGEST: Final = 127


@dataclass(frozen=True)
class TextVectorsConfig:
    """How vectors are kept. dimensions: at most so many numbers a title. sharpness: see above."""

    dimensions: int = 128
    sharpness: float = 2.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.dimensions < 1 or not 0 < self.sharpness < np.inf:
            raise InputError(f"vectors of texts need at least one dimension and sharpness > 0; got {self}")


@dataclass(frozen=True, eq=False)
class TextVectors:
    """A fitted model. items: int32 [n]. codes: int8 [n, k], each title's direction, never 0. sharpness: above 0."""

    items: NDArray[np.int32]
    codes: NDArray[np.int8]
    sharpness: float

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: cosines to the power of `sharpness`, 0 where they are below 0; -1..1."""
        means = np.zeros((len(profiles), self.codes.shape[1]), dtype=np.float32)
        for row, profile in enumerate(profiles):
            places, weights = weights_of(self.items, profile)
            means[row] = weights @ self._unit[places]
        cosines: NDArray[np.float32] = np.clip(of_unit_length(means) @ self._unit.T, 0, 1)
        return cosines**self.sharpness

    @cached_property
    def _unit(self) -> NDArray[np.float32]:
        """float32 [n, k], each of length 1."""
        return of_unit_length(self.codes.astype(np.float32))

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {"items": self.items, "codes": self.codes}
        return State(kind=KIND, arrays=arrays, facts={"sharpness": self.sharpness})


def fit(anime_ids: NDArray[np.int32], vectors: NDArray[np.float32], config: TextVectorsConfig) -> TextVectors | None:
    """Keep the vectors [n, d] of these ids, in as many dimensions as are wanted.

    Those of length 0 (nothing is written of the title) are left out. Returns None where none is left.
    """
    vectors = principal(of_unit_length(vectors), config.dimensions)
    largest = np.abs(vectors).max(axis=1, initial=0)
    told = largest > 0
    if not told.any():
        return None
    codes = np.rint(vectors[told] * (LARGEST / largest[told, np.newaxis])).astype(np.int8)
    return TextVectors(anime_ids[told], codes, config.sharpness)


def averaged(rows: NDArray[np.int64], vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return float32 [n, d]: the mean of the vectors [m, d] of each row; rows: [m], 0..n - 1. 0 where there is none."""
    sums = np.zeros((n, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, rows, vectors)
    means: NDArray[np.float32] = (sums / np.maximum(np.bincount(rows, minlength=n), 1)[:, np.newaxis]).astype(
        np.float32
    )
    return means


def principal(vectors: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Return [n, k]: the vectors [n, d] turned so that k numbers keep most of what they differ in; all, if d <= k.

    Each column's sign is that of its largest entry, which is not left to the library. Rows of zeros stay.
    """
    if vectors.shape[1] <= k:
        return vectors
    whole = vectors.astype(np.float64)
    _, axes = np.linalg.eigh(whole.T @ whole)
    turned = whole @ axes[:, ::-1][:, :k]
    signs = np.sign(turned[np.abs(turned).argmax(axis=0), np.arange(k)])
    signed: NDArray[np.float32] = (turned * np.where(signs == 0, 1, signs)).astype(np.float32)
    return signed


def without_common(vectors: NDArray[np.float32], components: int) -> NDArray[np.float32]:
    """Return the vectors [n, d] without their part in the first principal components: what all texts have in common.

    Source: Arora, Liang, Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", algorithm 1, which
    takes away one. Rows of zeros stay.
    """
    if components == 0 or not len(vectors):
        return vectors
    unit = of_unit_length(vectors).astype(np.float64)
    _, axes = np.linalg.eigh(unit.T @ unit)
    common = axes[:, ::-1][:, :components]
    own: NDArray[np.float32] = (unit - unit @ common @ common.T).astype(np.float32)
    return own


def restore(state: State) -> TextVectors:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, codes, sharpness = state.arrays["items"], state.arrays["codes"], float(state.facts["sharpness"])
    if codes.ndim != 2 or codes.dtype != np.int8 or len(codes) != len(items) or not codes.any(axis=1).all():
        raise ValueError("the vectors of texts are not one row of bytes per item, none of them empty")
    if not 0 < sharpness < np.inf:
        raise ValueError(f"the sharpness of vectors of texts is {sharpness}")
    return TextVectors(items, codes, sharpness)
