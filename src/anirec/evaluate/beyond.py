"""What lists are like besides right: how new, how varied, how true to the profile, and what should not be on them.

All take `tops`, int [p, k]: catalogue rows of the first k of each list, -1 past the end of a short one; and return
float64 [p], nan where a list, or a profile, says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anirec.core.catalogue import Catalogue
from anirec.prepare.splits import Case

Tops = NDArray[np.int64]
Values = NDArray[np.float64]

MIXED_IN: Final = 0.01
"""How much of the profile's distribution is mixed into that of the list, so that KL stays finite (Steck's alpha)."""
ERA: Final = 5
"""Years that count as one era."""


@dataclass(frozen=True)
class World:
    """What lists are compared with.

    likes: [catalogue], in train. n_users: who has a like in train. genres: float32 [catalogue, g], a title's 1 shared
    among its genres, all 0 where none is known; eras: the same by the year of a title. given: float32 [cases,
    catalogue], 1 for what a case is given and likes. disliked, dropped: the same for what should not be shown.
    """

    likes: NDArray[np.int64]
    n_users: int
    genres: NDArray[np.float32]
    eras: NDArray[np.float32]
    given: sparse.csr_array
    disliked: sparse.csr_array
    dropped: sparse.csr_array

    @classmethod
    def of(cls, cases: Sequence[Case], catalogue: Catalogue, likes: NDArray[np.int64], n_users: int) -> World:
        """Look at all cases once."""
        return cls(
            likes=likes,
            n_users=n_users,
            genres=shared(np.unpackbits(catalogue.labels.bits, axis=1, count=len(catalogue)).T),
            eras=shared(_one_hot(catalogue.years // ERA)),
            given=flags([catalogue.rows_of(case.given.liked_ids) for case in cases], len(catalogue)),
            disliked=flags([catalogue.rows_of(case.disliked) for case in cases], len(catalogue)),
            dropped=flags([catalogue.rows_of(case.dropped) for case in cases], len(catalogue)),
        )


def _one_hot(numbers: NDArray[np.int16]) -> NDArray[np.bool_]:
    found = np.unique(numbers[numbers > 0])
    flags: NDArray[np.bool_] = numbers[:, np.newaxis] == found
    return flags


def shared(marks: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return 0 or 1 [titles, traits] as float32, each title's 1 shared among its traits."""
    traits = marks.astype(np.float32)
    traits /= np.maximum(traits.sum(axis=1, keepdims=True), 1)
    return traits


def flags(rows: Sequence[NDArray[np.int64]], n: int) -> sparse.csr_array:
    """Return float32 [cases, n], 1 for the rows of each case."""
    indptr = np.concatenate([[0], np.cumsum([len(of_case) for of_case in rows])])
    places = np.concatenate([np.empty(0, dtype=np.int64), *rows])
    return sparse.csr_array((np.ones(len(places), np.float32), places, indptr), shape=(len(rows), n))


def novelty(tops: Tops, world: World) -> Values:
    """Return the mean inverse user frequency in bits: -log2 of the share of users who like a title, over the list.

    Source: Zhou et al. 2010; Castells, Hurley & Vargas 2015, MIUF. What nobody likes counts as liked by one.
    """
    bits = -np.log2(np.maximum(world.likes, 1) / max(world.n_users, 1))
    return _means(bits, tops)


def diversity(tops: Tops, world: World) -> Values:
    """Return 1 less the mean cosine of the genres of two titles of a list, 0..1. Source: Ziegler et al. 2005, ILD."""
    lengths = np.linalg.norm(world.genres, axis=1)
    directions = np.vstack([world.genres / np.maximum(lengths, 1e-9)[:, np.newaxis], np.zeros_like(world.genres[:1])])
    own = directions[tops]  # the last row, all 0, for places past the end
    n = (tops >= 0).sum(axis=1)
    alike = np.square(own.sum(axis=1)).sum(axis=1) - np.square(own).sum(axis=(1, 2))
    values: Values = np.divide(alike, n * (n - 1), out=np.full(len(tops), np.nan), where=n > 1)
    return 1 - values


def miscalibration(tops: Tops, world: World, traits: NDArray[np.float32]) -> Values:
    """Return how far the traits of a list are from those of what is given and liked, in nats: 0 = the same shares.

    KL(p || 0.99 q + 0.01 p), p of the profile and q of the list; a title shares 1 among its traits. traits: `genres` or
    `eras`. Source: Steck 2018, "Calibrated recommendations", eq. 2 to 5.
    """
    p, q = (_distribution(rows @ traits) for rows in (world.given, _placed(tops, len(traits))))
    mixed = (1 - MIXED_IN) * q + MIXED_IN * p
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / mixed), 0.0)
    return np.where(np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1), np.nan, terms.sum(axis=1))


def _placed(tops: Tops, n: int) -> sparse.csr_array:
    """Return float32 [p, n], 1 where a title stands on a list."""
    shown = tops >= 0
    indptr = np.concatenate([[0], np.cumsum(shown.sum(axis=1))])
    return sparse.csr_array((np.ones(indptr[-1], np.float32), tops[shown], indptr), shape=(len(tops), n))


def _distribution(sums: NDArray[np.float32]) -> Values:
    """Return the rows as shares of their sums, nan where that is 0."""
    whole = sums.sum(axis=1, keepdims=True, dtype=np.float64)
    shares: Values = np.divide(sums, whole, out=np.full(sums.shape, np.nan), where=whole > 0)
    return shares


def lift(tops: Tops, world: World) -> Values:
    """Return by how much more popular a list is than what is given and liked: 0 the same, 1 twice, -0.5 half.

    Source: Abdollahpouri et al. 2019, "The unfairness of popularity bias", group average popularity, here by user.
    """
    n = np.diff(world.given.indptr)
    own = np.divide(world.given @ world.likes.astype(np.float64), n, out=np.full(len(n), np.nan), where=n > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = _means(world.likes.astype(np.float64), tops) / own - 1
    return np.where(np.isfinite(lifts), lifts, np.nan)


def rate(tops: Tops, unwanted: sparse.csr_array) -> Values:
    """Return the share of the first k places held by what the user does not want; nan where no such thing is known.

    unwanted: [p, catalogue], not 0 for what each does not want.
    """
    shown = _placed(tops, unwanted.shape[1]).multiply(unwanted).sum(axis=1)
    return np.where(np.diff(unwanted.indptr) > 0, shown / tops.shape[1], np.nan)


MEASURES: Final[Mapping[str, Callable[[Tops, World], Values]]] = {
    "novelty": novelty,
    "diversity": diversity,
    "genre miscalibration": lambda tops, world: miscalibration(tops, world, world.genres),
    "era miscalibration": lambda tops, world: miscalibration(tops, world, world.eras),
    "popularity lift": lift,
    "disliked@10": lambda tops, world: rate(tops, world.disliked),
    "dropped@10": lambda tops, world: rate(tops, world.dropped),
}


def measures(tops: Tops, world: World) -> dict[str, Values]:
    """Return all of them by name."""
    return {name: measure(tops, world) for name, measure in MEASURES.items()}


def _means(of_rows: NDArray[np.float64], tops: Tops) -> Values:
    shown = tops >= 0
    counts = shown.sum(axis=1)
    sums = np.where(shown, of_rows[tops], 0).sum(axis=1)
    means: Values = np.divide(sums, counts, out=np.full(len(tops), np.nan), where=counts > 0)
    return means
