"""What lists are like besides right: how new, how varied, how true to the profile, and what should not be on them.

All take `tops`, int [p, k]: catalogue rows of the first k of each list, -1 past the end of a short one; and return
float64 [p], nan where a list, or a profile, says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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

    likes: [catalogue], in train. n_users: who has a like in train. genres: float32 [catalogue, g], 0 or 1; eras: the
    same by the year of a title, none where that is not known. given: of each case, the catalogue rows it is given and
    likes. disliked, dropped: of each case, catalogue rows.
    """

    likes: NDArray[np.int64]
    n_users: int
    genres: NDArray[np.float32]
    eras: NDArray[np.float32]
    given: tuple[NDArray[np.int64], ...]
    disliked: tuple[NDArray[np.int64], ...]
    dropped: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, cases: Sequence[Case], catalogue: Catalogue, likes: NDArray[np.int64], n_users: int) -> World:
        """Look at all cases once."""
        return cls(
            likes=likes,
            n_users=n_users,
            genres=np.unpackbits(catalogue.labels.bits, axis=1, count=len(catalogue)).T.astype(np.float32),
            eras=_one_hot(catalogue.years // ERA),
            given=tuple(catalogue.rows_of(case.given.liked_ids) for case in cases),
            disliked=tuple(catalogue.rows_of(case.disliked) for case in cases),
            dropped=tuple(catalogue.rows_of(case.dropped) for case in cases),
        )


def _one_hot(numbers: NDArray[np.int16]) -> NDArray[np.float32]:
    found = np.unique(numbers[numbers > 0])
    flags: NDArray[np.float32] = (numbers[:, np.newaxis] == found).astype(np.float32)
    return flags


def novelty(tops: Tops, world: World) -> Values:
    """Return the mean inverse user frequency in bits: -log2 of the share of users who like a title, over the list.

    Source: Zhou et al. 2010; Castells, Hurley & Vargas 2015, MIUF. What nobody likes counts as liked by one.
    """
    bits = -np.log2(np.maximum(world.likes, 1) / max(world.n_users, 1))
    return _means(bits, tops)


def diversity(tops: Tops, world: World) -> Values:
    """Return 1 less the mean cosine of the genres of two titles of a list, 0..1. Source: Ziegler et al. 2005, ILD."""
    values = np.full(len(tops), np.nan)
    for i, top in enumerate(tops):
        rows = top[top >= 0]
        if (n := len(rows)) > 1:
            own = world.genres[rows]
            own = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1)
            whole, alone = np.square(own.sum(axis=0)).sum(), np.square(own).sum()
            values[i] = 1 - (whole - alone) / (n * (n - 1))
    return values


def miscalibration(tops: Tops, world: World, traits: NDArray[np.float32]) -> Values:
    """Return how far the traits of a list are from those of what is given and liked, in nats: 0 = the same shares.

    KL(p || 0.99 q + 0.01 p), p of the profile and q of the list; a title shares 1 among its traits. traits: `genres` or
    `eras`. Source: Steck 2018, "Calibrated recommendations", eq. 2 to 5.
    """
    values = np.full(len(tops), np.nan)
    for i, (top, given) in enumerate(zip(tops, world.given, strict=True)):
        own, listed = (traits[rows] for rows in (given, top[top >= 0]))
        p, q = (
            (each / np.maximum(each.sum(axis=1, keepdims=True), 1)).sum(axis=0, dtype=np.float64)
            for each in (own, listed)
        )
        if p.sum() > 0 and q.sum() > 0:
            p, q = p / p.sum(), q / q.sum()
            mixed = (1 - MIXED_IN) * q + MIXED_IN * p
            has = p > 0
            values[i] = p[has] @ np.log(p[has] / mixed[has])
    return values


def lift(tops: Tops, world: World) -> Values:
    """Return by how much more popular a list is than what is given and liked: 0 the same, 1 twice, -0.5 half.

    Source: Abdollahpouri et al. 2019, "The unfairness of popularity bias", group average popularity, here by user.
    """
    own = np.array([world.likes[given].mean() if len(given) else np.nan for given in world.given])
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = _means(world.likes.astype(np.float64), tops) / own - 1
    return np.where(np.isfinite(lifts), lifts, np.nan)


def rate(tops: Tops, unwanted: Sequence[NDArray[np.int64]]) -> Values:
    """Return the share of the first k places held by what the user does not want; nan where no such thing is known."""
    k = tops.shape[1]
    return np.array(
        [np.isin(top, rows).sum() / k if len(rows) else np.nan for top, rows in zip(tops, unwanted, strict=True)]
    )


def measures(tops: Tops, world: World) -> dict[str, Values]:
    """Return all of them by name."""
    return {
        "novelty": novelty(tops, world),
        "diversity": diversity(tops, world),
        "genre miscalibration": miscalibration(tops, world, world.genres),
        "era miscalibration": miscalibration(tops, world, world.eras),
        "popularity lift": lift(tops, world),
        "disliked@10": rate(tops, world.disliked),
        "dropped@10": rate(tops, world.dropped),
    }


def _means(of_rows: NDArray[np.float64], tops: Tops) -> Values:
    shown = tops >= 0
    counts = shown.sum(axis=1)
    sums = np.where(shown, of_rows[tops], 0).sum(axis=1)
    means: Values = np.divide(sums, counts, out=np.full(len(tops), np.nan), where=counts > 0)
    return means
