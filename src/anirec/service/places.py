"""The franchise of an anime in watch order: what each title is there, and what can be left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, ROLES, Catalogue
from anirec.service.answers import Facts, Place

STORY, MUSIC, PROMO = (ROLES.index(role) for role in ("story", "music", "promo"))
_BY_KIND = {KINDS.index("Music"): MUSIC, KINDS.index("CM"): PROMO, KINDS.index("PV"): PROMO}


def watch_order(catalogue: Catalogue, facts: Facts, anime_id: int) -> tuple[Place, ...]:
    """Return the franchise of an anime that the catalogue has, itself among them, in watch order."""
    (row,) = catalogue.rows_of(np.array([anime_id], dtype=np.int32))
    rows = np.flatnonzero(catalogue.franchise == catalogue.franchise[row])
    rows = rows[np.argsort(catalogue.order[rows], kind="stable")]
    found = facts.of(catalogue.anime_ids[rows].tolist())
    roles, needed = _roles(catalogue, rows), _needed(catalogue, rows)
    return tuple(
        Place(
            anime=found[int(catalogue.anime_ids[r])],
            order=int(catalogue.order[r]),
            entry=bool(catalogue.requires[r] < 0),
            role=None if role is None else ROLES[role],
            optional=role not in (None, STORY) and int(r) not in needed,
        )
        for r, role in zip(rows, roles, strict=True)
    )


def _roles(catalogue: Catalogue, rows: NDArray[np.int64]) -> list[int | None]:
    """Return the role of each row; of bundles that keep none, those that follow from the type."""
    if catalogue.roles is not None:
        return [int(catalogue.roles[r]) for r in rows]
    return [_BY_KIND.get(int(catalogue.kinds[r])) for r in rows]


def _needed(catalogue: Catalogue, rows: NDArray[np.int64]) -> set[int]:
    """Return the rows that have to be seen before some title of the story, near or far."""
    needed: set[int] = set()
    for row, role in zip(rows.tolist(), _roles(catalogue, rows), strict=True):
        before = int(catalogue.requires[row])
        while role in (None, STORY) and before >= 0 and before not in needed:
            needed.add(before)
            before = int(catalogue.requires[before])
    return needed
