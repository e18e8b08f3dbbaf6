"""What can be said of the titles in front of a list, seen from one profile: numbers for a reranker.

What it does: puts side by side what the blend and its parts say of each candidate (how much, how far behind the first,
in which place), how well known it is beside what is liked, what of its franchise is on the profile, and how whole the
franchises on it are. What it does not: weigh any of it. Years, labels, kinds, lengths, scores of the profile and
neighbours of titles are left out: on the real data none of them added to what the parts know already.

Source: features of a recommender's second stage, as in Covington, Adams and Sargin 2016, "Deep Neural Networks for
YouTube Recommendations", section 4.

Memory: some 50 bytes a title. Time: about .3 ms for 150 candidates of a profile with 120 titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, rows_of

Floats = NDArray[np.float32]

LEAST: Final = 1e-5
"""A title with a smaller share of the most liked one's likes counts as having this share."""
FAR: Final = 6
"""Places in a franchise's order beyond which titles are no further apart."""
FIRST: Final = 10
"""How many titles are thought to be looked at."""


@dataclass(frozen=True, eq=False)
class Described:
    """What is known of each item of a model, [n] each and aligned with its items.

    likes: float32, by how many it is liked, in parts of the most liked title's, 0..1. fame: float32, its logarithm.
    members: float32, logarithm of how many have it on a list. franchise: int64, from 0. order: float32, place in it.
    requires: int64, the place among the items of what is to be seen before, -1 = nothing that is known. behind:
    float32, how many of the franchise have more likes. share: float32, likes in parts of the franchise's most liked;
    in_all: float32 [franchises], their sums.
    """

    likes: Floats
    fame: Floats
    members: Floats
    franchise: NDArray[np.int64]
    order: Floats
    requires: NDArray[np.int64]
    behind: Floats
    share: Floats
    in_all: Floats

    @classmethod
    def of(cls, items: NDArray[np.int32], likes: Floats, catalogue: Catalogue) -> Self:
        """Describe items (ids, ascending, all of them in the catalogue) by their likes, [n] in any unit.

        Raises:
            ValueError: the catalogue lacks an item.
        """
        rows = rows_of(catalogue.anime_ids, items)
        if len(rows) != len(items) or likes.shape != items.shape:
            raise ValueError("the catalogue and the likes do not fit the items of the blend")
        place = np.full(len(catalogue), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        _, franchise = np.unique(catalogue.franchise[rows], return_inverse=True)
        before = catalogue.requires[rows]
        parts = likes / max(float(likes.max(initial=0)), 1e-9)
        most = np.zeros(franchise.max(initial=-1) + 1)
        np.maximum.at(most, franchise, parts)
        share = parts / np.maximum(most, 1e-9)[franchise]
        return cls(
            likes=parts.astype(np.float32),
            fame=np.log(np.maximum(parts, LEAST)).astype(np.float32),
            members=np.log1p(catalogue.members[rows]).astype(np.float32),
            franchise=franchise.astype(np.int64),
            order=catalogue.order[rows].astype(np.float32),
            requires=np.where(before >= 0, place[before], -1),
            behind=_behind(franchise, parts),
            share=share.astype(np.float32),
            in_all=np.bincount(franchise, share).astype(np.float32),
        )


def _behind(franchise: NDArray[np.int64], likes: Floats) -> Floats:
    """Return float32 [n]: how many titles of its franchise have more likes than each; ties by place."""
    order = np.lexsort((-likes, franchise))
    starts = np.searchsorted(franchise[order], np.arange(franchise.max(initial=-1) + 1))
    behind = np.empty(len(order), dtype=np.float32)
    behind[order] = np.arange(len(order)) - starts[franchise[order]]
    return behind


def numbers(
    described: Described,
    liked: NDArray[np.int64],
    places: NDArray[np.int64],
    chances: Floats,
    views: Sequence[Floats],
) -> Floats:
    """Return float32 [f, c], one column for each of at least one candidate.

    liked: int64, places of what the profile likes, among the model's items. places: int64 [c], of the candidates.
    chances: float32 [c], what the blend gives them. views: of each part, float32 [v, c], see `readings`.
    """
    rows = _standing(np.log(np.maximum(chances, np.float32(1e-12))))
    for of_part in views:
        rows += [*_standing(of_part[0]), *of_part[1:]]
    rows += _fame(described, liked, places)
    rows += _whole(described, liked)
    rows += _relatives(described, liked, places)
    table = np.empty((len(rows), len(places)), dtype=np.float32)
    for row, values in zip(table, rows, strict=True):
        row[:] = values
    return table


def _standing(values: Floats) -> list[Floats | float]:
    """Return the values, how far each is behind the first, its place as a logarithm, and what the tenth has."""
    order = np.argsort(-values, kind="stable")
    places = np.empty(len(values), dtype=np.float32)
    places[order] = np.log1p(np.arange(len(values), dtype=np.float32))
    return [values, values[order[0]] - values, places, float(values[order[:FIRST][-1]])]


def _fame(described: Described, liked: NDArray[np.int64], places: NDArray[np.int64]) -> list[Floats | float]:
    """Return how well known each candidate is, by itself and beside what is liked, and how much that is."""
    known, n = np.sort(described.fame[liked]), len(liked)
    usual, least = (float(known.mean()), float(known[n // 10])) if n else (0.0, 0.0)
    fame, members = described.fame[places], described.members[places]
    return [fame, members, fame - members, fame - least, usual, least, float(np.log1p(n))]


def _whole(described: Described, liked: NDArray[np.int64]) -> list[float]:
    """Return how much of the franchises that somebody likes is liked, and how many of those there are."""
    of_several = liked[described.in_all[described.franchise[liked]] > 1]  # else nobody likes a second title of it
    own = described.franchise[of_several]
    touched = np.zeros(len(described.in_all), dtype=np.bool_)
    touched[own] = True
    franchises, there = int(np.count_nonzero(touched)), float(described.in_all[touched].sum())
    had = float(described.share[of_several].sum())
    rest = there - franchises  # of the share beside each one's most liked title
    sides = len(own) - franchises
    return [
        had / there if there else -1.0,
        (sides + 1) / (rest + 2),
        float(np.log1p(rest)),
        franchises / max(len(liked), 1),
    ]


def _relatives(described: Described, liked: NDArray[np.int64], places: NDArray[np.int64]) -> list[Floats]:
    """Return what of each candidate's franchise is liked: how much, how near, what was to be seen before it."""
    of_candidates = described.franchise[places]
    asked = np.zeros(len(described.in_all), dtype=np.bool_)
    asked[of_candidates] = True
    mates = liked[asked[described.franchise[liked]]]
    which, column = np.nonzero(of_candidates[:, np.newaxis] == described.franchise[mates])  # pairs, by candidate
    told = np.zeros((9, len(places)), dtype=np.float32)
    if not len(which):
        return [*told]
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    some, own, mates = which[starts], places[which], mates[column]
    theirs, fame = places[some], described.fame
    before = described.requires[theirs]
    on_profile = np.zeros(len(fame) + 1, dtype=np.bool_)  # the last is for what requires nothing
    on_profile[liked] = True
    better = np.add.reduceat(fame[mates] > fame[own], starts, dtype=np.float32)
    rest = np.maximum(described.in_all[of_candidates[some]] - described.share[theirs], np.float32(1e-6))
    after = described.order[own] - described.order[mates]
    told[:, some] = (
        np.ones(len(some), dtype=np.float32),
        np.diff(starts, append=len(which)),
        np.minimum(np.add.reduceat(described.share[mates], starts) / rest, 3),
        np.maximum(np.minimum(np.minimum.reduceat(after, starts), FAR), -FAR),
        np.maximum(np.minimum(np.maximum.reduceat(after, starts), FAR), -FAR),
        fame[theirs] - np.maximum.reduceat(fame[mates], starts),
        np.where(before < 0, 0, np.where(on_profile[before], 1, -1)),
        described.behind[theirs] - better,
        better,
    )
    return [*told]
