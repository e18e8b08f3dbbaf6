"""How far a layout can be believed: are those that stand together alike, and do those that are alike stand together?

Trustworthiness looks at the k nearest on the map and takes off for each that is not among the k most alike, the more
the further down it stands in the order of likeness; continuity looks at the k most alike and takes off for each that
stands further away on the map than the k nearest. 1 is perfect, a random layout has about .5.

With n titles, s of them looked at, U_i those of the k nearest of i that are not among its k most alike, and r(i, j) the
place of j in the order of likeness to i, from 1:

    T(k) = 1 - 2 / (s k (2 n - 3 k - 1)) sum_i sum_{j in U_i} (r(i, j) - k);

continuity is the same with the two orders exchanged. Source: Venna & Kaski 2001, "Neighborhood preservation in
nonlinear projection methods". Looking at some titles gives the mean over these; each is compared with all n. Ties go
by row, on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError

Likeness = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Given rows [b], float32 [b, n]: how much each title is like each of these; what it says of a title itself is
ignored."""


@dataclass(frozen=True)
class Trust:
    """By k, trustworthiness and continuity, 0..1."""

    trustworthiness: Mapping[int, float]
    continuity: Mapping[int, float]


def measure(
    likeness: Likeness,
    layouts: Mapping[str, NDArray[np.float32]],
    rows: NDArray[np.int64],
    ks: Sequence[int] = (10, 30),
) -> dict[str, Trust]:
    """Measure several layouts of the same n titles by the same order of likeness.

    layouts: by name, float32 [n, 2]. rows: int64 [s], which titles to look at, at least one. ks: each below n / 2.

    Raises:
        InputError: a k is not below n / 2, or there is nothing to look at.
    """
    n = len(next(iter(layouts.values())))
    if not len(rows) or not ks or min(ks) < 1 or 2 * max(ks) >= n:
        raise InputError(f"trustworthiness of {n:,} titles can be measured for k from 1 to below half of them")
    lost = {name: np.zeros((2, len(ks))) for name in layouts}
    for row, told in _one_by_one(likeness, rows):
        alike = _order(-told, row)
        rank = _ranks(alike)
        for name, xy in layouts.items():
            near = _order(_distances(xy, row), row)
            lost[name] += _missed(near, rank, ks), _missed(alike, _ranks(near), ks)
    scale = np.array([2.0 / (len(rows) * k * (2 * n - 3 * k - 1)) for k in ks])
    found = {name: 1.0 - sums * scale for name, sums in lost.items()}
    return {
        name: Trust(
            trustworthiness=dict(zip(ks, both[0].tolist(), strict=True)),
            continuity=dict(zip(ks, both[1].tolist(), strict=True)),
        )
        for name, both in found.items()
    }


def _one_by_one(likeness: Likeness, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, len(rows), 64):
        some = rows[start : start + 64]
        yield from zip(some.tolist(), likeness(some), strict=True)


def _distances(xy: NDArray[np.float32], row: int) -> NDArray[np.float64]:
    away = xy.astype(np.float64) - xy[row].astype(np.float64)
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", away, away)
    return squares


def _order(keys: NDArray[np.floating], row: int) -> NDArray[np.int64]:
    """Return all rows but this one by ascending key, ties by row: int64 [n - 1]."""
    order = np.argsort(keys, kind="stable")
    others: NDArray[np.int64] = order[order != row]
    return others


def _ranks(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 [n]: the place of each row in an order, from 1; 0 for the row that it lacks."""
    ranks = np.zeros(len(order) + 1, dtype=np.int64)
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _missed(first: NDArray[np.int64], ranks: NDArray[np.int64], ks: Sequence[int]) -> list[float]:
    """Return for each k how far the first k are beyond place k of the other order, added up."""
    return [float(np.maximum(ranks[first[:k]] - k, 0).sum()) for k in ks]
