"""The same lists looked at by parts: by the length of the profile, and by how known and how old the targets are.

By profile: NDCG@10 of the cases of a group. By target: of the targets of a group, the share that stands in the list
(`recall@100`), averaged over the cases that have one. Who finds more on the whole finds more of everything, so targets
by popularity are shown once more at equal overall recall: each list cut off at the place where the models have found
as much on average as the worst of them in all its 100 places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.evaluate.figures import Judge
from anirec.prepare.splits import Case

SIZES: Final = (1, 6, 21, 61, 151)
"""Where groups of profiles begin, in titles given."""
RANKS: Final = (1, 101, 501, 1001, 3001)
"""Where bands of popularity begin, 1 being the most liked title in train."""
YEARS: Final = (0, 1, 1990, 2000, 2010, 2015, 2020)
"""Where groups of years begin; 0 is not known."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """One part. label: for people. values: by model float64 [cases], nan for those that say nothing of it."""

    label: str
    values: Mapping[str, Values]


def by_size(cases: Sequence[Case], ndcg: Mapping[str, Values]) -> list[Group]:
    """Return NDCG@10 by the number of titles given. ndcg: by model float64 [cases], nan where not counted."""
    given = np.array([len(case.given) for case in cases])
    return [
        Group(label, {name: np.where(inside, of_model, np.nan) for name, of_model in ndcg.items()})
        for label, inside in _parts(SIZES, given)
    ]


@dataclass(frozen=True)
class Found:
    """Every target of every case, under the figure `raw`.

    case: int [t]. row: int [t], of the catalogue. place: by model int [t], where it stands, from 0; the length of the
    lists where it does not.
    """

    n_cases: int
    case: NDArray[np.int64]
    row: NDArray[np.int64]
    place: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, judge: Judge, lists: Mapping[str, NDArray[np.int64]]) -> Found:
        """Look every target up. lists: by model int [cases, depth]."""
        case = np.repeat(np.arange(len(judge.targets)), judge.n_targets)
        row = np.concatenate([np.empty(0, dtype=np.int64), *judge.targets])
        return cls(len(judge.targets), case, row, {name: _places(case, row, rows) for name, rows in lists.items()})

    def recall(self, model: str, inside: NDArray[np.bool_], depth: int) -> Values:
        """Return float64 [cases]: of the targets marked in `inside` [t], the share above `depth`; nan without any."""
        wanted = np.bincount(self.case[inside], minlength=self.n_cases)
        hit = inside & (self.place[model] < depth)
        got = np.bincount(self.case[hit], minlength=self.n_cases)
        shares: Values = np.divide(got, wanted, out=np.full(self.n_cases, np.nan), where=wanted > 0)
        return shares


def by_popularity(found: Found, likes: NDArray[np.int64], depths: Mapping[str, int]) -> list[Group]:
    """Return recall by how many like a target in train. likes: [catalogue]. depths: how far each list is read."""
    rank = np.empty(len(likes), dtype=np.int64)
    rank[np.lexsort((np.arange(len(likes)), -likes))] = np.arange(1, len(likes) + 1)
    return _by_target(found, _parts(RANKS, rank[found.row]), depths)


def by_year(found: Found, catalogue: Catalogue, depths: Mapping[str, int]) -> list[Group]:
    """Return recall by the year of a target. depths: how far each list is read."""
    return _by_target(found, _parts(YEARS, catalogue.years[found.row]), depths)


def equal_recall(found: Found, models: Sequence[str], depth: int) -> dict[str, int]:
    """Return how far each model's lists are read until all have found as much as the worst does in `depth` places.

    At least 1; the first place at which a model has found at least as much.
    """
    every = np.ones(len(found.row), dtype=np.bool_)
    curves: dict[str, list[float]] = {
        name: [float(np.nanmean(found.recall(name, every, k))) for k in range(1, depth + 1)] if len(every) else [0.0]
        for name in models
    }
    least = min((curve[-1] for curve in curves.values()), default=0.0)
    return {name: 1 + next(i for i, value in enumerate(curve) if value >= least) for name, curve in curves.items()}


def _by_target(found: Found, parts: Sequence[tuple[str, NDArray[np.bool_]]], depths: Mapping[str, int]) -> list[Group]:
    return [
        Group(label, {name: found.recall(name, inside, depth) for name, depth in depths.items()})
        for label, inside in parts
    ]


def _parts(starts: Sequence[int], numbers: NDArray[np.integer]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return a label and a mask for each range of whole numbers that begins at one start and ends before the next."""
    parts = [(_label(a, b - 1), (numbers >= a) & (numbers < b)) for a, b in pairwise(starts)]
    return [*parts, (f"{starts[-1]} and more", numbers >= starts[-1])]


def _label(first: int, last: int) -> str:
    if first == last == 0:
        return "not known"
    return f"to {last}" if first <= 1 else f"{first} to {last}"


def _places(case: NDArray[np.int64], row: NDArray[np.int64], lists: NDArray[np.int64]) -> NDArray[np.int64]:
    n, depth = lists.shape
    most = max(int(lists.max(initial=0)), int(row.max(initial=0))) + 2
    keys = (np.arange(n)[:, np.newaxis] * most + lists + 1).ravel()  # what is no title has the key of no target
    order = np.argsort(keys, kind="stable")
    wanted = case * most + row + 1
    at = np.searchsorted(keys[order], wanted)
    at[at == len(keys)] = 0
    hit = keys[order[at]] == wanted if len(keys) else np.zeros(len(wanted), dtype=np.bool_)
    places: NDArray[np.int64] = np.where(hit, order[at] % depth, depth)
    return places
