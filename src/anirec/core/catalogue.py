"""The facts about every anime that ranking needs, as aligned arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("Unknown", "TV", "Movie", "OVA", "ONA", "Special", "TV Special", "Music", "CM", "PV")
"""The `type` column as codes: a kind's code is its place in this tuple."""

ROLES: Final = ("story", "side story", "recap", "music", "promo")
"""What a title is in its franchise, as codes; see `prepare.franchises`."""


@dataclass(frozen=True)
class Labels:
    """Which anime carry which genre, theme or demographic; one packed row of bits per label.

    names: the labels, sorted. bits: uint8 [labels, ceil(n / 8)], as `numpy.packbits` writes them.
    """

    names: tuple[str, ...]
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, labels_by_row: Sequence[Sequence[str]]) -> Labels:
        """Build the index from each row's labels."""
        names = tuple(sorted({label for labels in labels_by_row for label in labels}))
        number = {name: i for i, name in enumerate(names)}
        flags = np.zeros((len(names), len(labels_by_row)), dtype=np.bool_)
        for row, labels in enumerate(labels_by_row):
            for label in labels:
                flags[number[label], row] = True
        return cls(names=names, bits=np.packbits(flags, axis=1))

    def rows_with(self, name: str, n: int) -> NDArray[np.bool_]:
        """Return bool [n]: the rows that carry the label `name` (spelled exactly; KeyError otherwise)."""
        try:
            i = self.names.index(name)
        except ValueError:
            raise KeyError(name) from None
        return np.unpackbits(self.bits[i], count=n).astype(np.bool_)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All known anime, ascending by id; every array is aligned with `anime_ids` and [n] long.

    Two catalogues are equal only if they are the same object, so that what is worked out from one can be kept.

    A row is a place in these arrays and never leaves the process. 0 means "not known" in years, minutes,
    episodes and members.

    kinds: int8, index into `KINDS`. years: int16. minutes: int16, of one episode. episodes: int16.
    members: int32, people with the title on a list at its source. adult: bool.
    franchise: int32, the number of the group of related titles; a title without relatives has a group of its own.
    order: int16, place in the franchise's watch order, from 0.
    requires: int32, the row of the title to be seen before this one (its previous season, its parent story),
        or -1 where a newcomer may start here.
    roles: int8, index into `ROLES`; None in bundles from before they were kept.
    """

    anime_ids: NDArray[np.int32]
    kinds: NDArray[np.int8]
    years: NDArray[np.int16]
    minutes: NDArray[np.int16]
    episodes: NDArray[np.int16]
    members: NDArray[np.int32]
    adult: NDArray[np.bool_]
    franchise: NDArray[np.int32]
    order: NDArray[np.int16]
    requires: NDArray[np.int32]
    labels: Labels
    roles: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        """Return the number of anime."""
        return len(self.anime_ids)

    @cached_property
    def franchise_blocks(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows by franchise [n]; where each block of them starts, and the last ends [f + 1]; each row's block [n]."""
        rows = np.argsort(self.franchise, kind="stable")
        _, block = np.unique(self.franchise, return_inverse=True)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(block))])
        return rows, bounds.astype(np.int64), block.astype(np.int64)

    def rows_of(self, anime_ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the rows of the ids that are known, in the order given; unknown ids are left out."""
        return rows_of(self.anime_ids, anime_ids)


def rows_of(known_ids: NDArray[np.int32], anime_ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the places in `known_ids` (ascending) of those `anime_ids` that it holds, in the order given."""
    return found_in(known_ids, anime_ids)[0]


def places_among(
    items: NDArray[np.int32], of_models: Mapping[str, NDArray[np.int32]]
) -> dict[str, NDArray[np.int64] | slice]:
    """Return by name where the items of each model stand among all `items`; one that knows them all needs no list.

    items: int32 [n], ascending. of_models: int32 each, ascending, all of them among `items`.
    """
    return {name: slice(None) if len(own) == len(items) else rows_of(items, own) for name, own in of_models.items()}


def found_in(known_ids: NDArray[np.int32], anime_ids: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what `rows_of` does, and bool [len(anime_ids)]: which of the ids those are."""
    if len(known_ids) == 0:
        return np.empty(0, dtype=np.int64), np.zeros(len(anime_ids), dtype=np.bool_)
    rows = known_ids.searchsorted(anime_ids)
    np.minimum(rows, len(known_ids) - 1, out=rows)
    found: NDArray[np.bool_] = known_ids[rows] == anime_ids
    return rows[found], found
