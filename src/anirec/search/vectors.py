"""Chunk vectors, and the nearest of them to a query: in two steps that together cost a tenth of the exact one.

Vectors are kept as 8-bit numbers with one scale each. First the signs alone are compared (48 bytes a chunk where the
vector has 1,536): the share of equal signs tells the angle. Then the best `pool` are compared in full.
Source: Charikar 2002, "Similarity estimation techniques from rounding algorithms" (signs tell angles).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

EXACT_BELOW: Final = 4096
"""Chunks up to which all are compared in full: there is nothing to save."""
BLOCK: Final = 8192
AT_ONCE: Final = 512
"""Vectors that are unpacked at a time where few are looked at: as many as stay in the cache next to the processor."""
STEPS: Final = 127
FEW_STEPS: Final = 7
"""So many to each side go into 4 bits: half the size, and cosines are off by some .01."""


class VectorIndex(Protocol):
    """Finds the chunks nearest to queries."""

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the places of the k nearest of n chunks and their inner products, best first, ties by place.

        queries: float32 [q, size]. Returns int64 [q, min(k, n)] and float32 of that shape.
        """
        ...


@dataclass(frozen=True, eq=False)
class Vectors:
    """n vectors in 8 bits. steps: int8 [n, size]. scales: float32 [n]: a vector is its steps times its scale."""

    steps: NDArray[np.int8]
    scales: NDArray[np.float32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.scales)

    def of(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32 [len(places), size]."""
        found: NDArray[np.float32] = self.steps[places].astype(np.float32) * self.scales[places, None]
        return found

    def products(self, places: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [len(places)]: their inner products with a query [size], a few at a time, as caches are."""
        found = np.empty(len(places), dtype=np.float32)
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            found[start : start + AT_ONCE] = self.steps[some].astype(np.float32) @ query
        return found * self.scales[places]


def packed(vectors: NDArray[np.floating], *, steps: int = STEPS) -> Vectors:
    """Return vectors, [n, size], in so many steps to each side; a number is off by half a step at most.

    steps: 1..127; with `FEW_STEPS` they can be kept in 4 bits.
    """
    largest = np.abs(vectors).max(axis=1, initial=0).astype(np.float32)
    scales = np.where(largest > 0, largest / steps, 1).astype(np.float32)
    return Vectors(np.rint(vectors / scales[:, None]).astype(np.int8), scales)


def halved(steps: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return steps of -8..7, [n, size], two in a byte: uint8 [n, (size + 1) // 2]."""
    even = np.pad(steps, ((0, 0), (0, steps.shape[1] % 2))).astype(np.uint8) & 15
    return np.asarray(even[:, ::2] | even[:, 1::2] << 4)


def unhalved(halves: NDArray[np.uint8], size: int) -> NDArray[np.int8]:
    """Return the int8 [n, size] that `halved` made these of."""
    steps = np.empty((len(halves), 2 * halves.shape[1]), dtype=np.int8)
    steps[:, ::2] = (halves << 4).view(np.int8) >> 4
    steps[:, 1::2] = halves.view(np.int8) >> 4
    return np.ascontiguousarray(steps[:, :size])


@dataclass(frozen=True, eq=False)
class Exact:
    """Compares with every chunk, in full: the truth that others are measured by, and what serves few chunks."""

    vectors: Vectors

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `VectorIndex`."""
        n = len(self.vectors)
        scores = np.empty((len(queries), n), dtype=np.float32)
        for start in range(0, n, BLOCK):
            places = np.arange(start, min(start + BLOCK, n))
            scores[:, places] = queries @ self.vectors.of(places).T
        return _best(scores, np.broadcast_to(np.arange(n), scores.shape), k)


@dataclass(frozen=True, eq=False)
class Signs:
    """Compares signs with every chunk, then the best in full. pool: how many of those, well above what is asked for."""

    vectors: Vectors
    pool: int = 5000

    @cached_property
    def bits(self) -> NDArray[np.uint64]:
        """uint64 [words, n]: the signs of every chunk, 64 numbers a word."""
        return _signs(self.vectors.steps)

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `VectorIndex`; some of the nearest may be missed where there are more than `EXACT_BELOW` chunks."""
        n = len(self.vectors)
        if n <= max(EXACT_BELOW, self.pool):
            return Exact(self.vectors).nearest(queries, k)
        found, scores = [], []
        for query, signs in zip(queries, _signs(queries).T, strict=True):
            differing = np.bitwise_count(self.bits[0] ^ signs[0]).astype(np.uint16)
            for word in range(1, len(signs)):
                differing += np.bitwise_count(self.bits[word] ^ signs[word])
            places = least(differing, self.pool)
            found.append(places)
            scores.append(self.vectors.products(places, query))
        return _best(np.array(scores), np.array(found), k)


def least(counts: NDArray[np.uint16], m: int) -> NDArray[np.int64]:
    """Return the places, ascending, of the m least counts, the first of those that are equal; m <= how many there are.

    By how often each count comes: a fourth of the time that finding the m-th of unknown numbers takes.
    """
    last = int(np.searchsorted(np.cumsum(np.bincount(counts)), m))
    below = np.flatnonzero(counts < last)
    return np.sort(np.concatenate([below, np.flatnonzero(counts == last)[: m - len(below)]]))


def _signs(vectors: NDArray[np.int8] | NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return uint64 [words, n]: which numbers are above 0; missing ones at the end are 0."""
    n, size = vectors.shape
    width = -(-size // 64) * 8
    packed_bits = np.zeros((n, width), dtype=np.uint8)
    for start in range(0, n, BLOCK):
        packed_bits[start : start + BLOCK, : -(-size // 8)] = np.packbits(vectors[start : start + BLOCK] > 0, axis=1)
    return np.ascontiguousarray(packed_bits.view(np.uint64).T)


def _best(
    scores: NDArray[np.float32], places: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k best of each row, best first, ties by place; places ascend within a row."""
    k = min(k, scores.shape[1])
    rows: Sequence[NDArray[np.int64]] = [_top(row, k) for row in scores]
    order = np.array(rows, dtype=np.int64).reshape(len(scores), k)
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _top(row: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    if k == 0:
        return np.empty(0, dtype=np.int64)
    floor = np.partition(row, len(row) - k)[len(row) - k]
    candidates = np.flatnonzero(row >= floor)
    order: NDArray[np.int64] = candidates[np.argsort(-row[candidates], kind="stable")][:k]
    return order
