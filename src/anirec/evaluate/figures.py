"""Under which rules lists are made and marked, all over the full catalogue, none on sampled candidates.

- raw: everything but the titles given may be recommended, and every held-out like is a target;
- unrelated: the relatives of the given titles are taken out of candidates and of targets (finding the second season of
  what somebody likes is no art);
- franchises: as served. One opener per franchise that is new to the user; the targets are the franchises of the
  held-out likes, each once, without those of the given titles.

A protocol may add figures of its own in which only some titles are candidates and targets, otherwise as raw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in
from anirec.core.ranking import FranchiseMode
from anirec.evaluate.exam import Exam
from anirec.prepare.splits import Case

FIGURES: Final = {
    "raw": FranchiseMode.ANYTHING,
    "unrelated": FranchiseMode.UNRELATED,
    "franchises": FranchiseMode.ENTRY,
}


@dataclass(frozen=True, eq=False)
class Judge:
    """What may be recommended and what counts as a hit under one figure.

    allowed: bool [catalogue], candidates; None = all. keys: int [catalogue], each row's own number or that of its
    franchise, below the length of the catalogue. targets: keys of each case, ascending. gains: float64, what each of
    these is worth; None = all alike.
    """

    mode: FranchiseMode
    allowed: NDArray[np.bool_] | None
    keys: NDArray[np.int64]
    targets: tuple[NDArray[np.int64], ...]
    gains: tuple[NDArray[np.float64], ...] | None = None

    @classmethod
    def of(
        cls,
        mode: FranchiseMode,
        cases: Sequence[Case],
        catalogue: Catalogue,
        among: NDArray[np.int32] | None = None,
        gains: Sequence[NDArray[np.float64]] | None = None,
    ) -> Judge:
        """Judge cases by a franchise rule. among: ids that alone count; None = all.

        gains: of each case, what its targets are worth; a franchise is worth what the best of it is.
        """
        by_franchise = mode is FranchiseMode.ENTRY
        keys = catalogue.franchise_blocks[2] if by_franchise else np.arange(len(catalogue))
        allowed = None if among is None else np.isin(catalogue.anime_ids, among)
        case, row, known = _together([case.targets for case in cases], catalogue)
        kept = np.ones(len(row), dtype=np.bool_) if allowed is None else allowed[row]
        if mode is not FranchiseMode.ANYTHING:  # the franchises that ranking, too, leaves out
            owner, seen, _ = _together([case.given.anime_ids[case.given.seen] for case in cases], catalogue)
            n, block = len(catalogue), catalogue.franchise_blocks[2]
            kept &= ~np.isin(case * n + block[row], owner * n + block[seen])
        found, of_found = np.unique(case[kept] * len(catalogue) + keys[row[kept]], return_inverse=True)
        bounds = np.searchsorted(found, np.arange(1, len(cases)) * len(catalogue))
        targets = tuple(np.split(found % len(catalogue), bounds))
        if gains is None:
            return cls(mode, allowed, keys, targets)
        worth = np.zeros(len(found))
        np.maximum.at(worth, of_found, np.concatenate([np.empty(0), *gains])[known][kept])
        return cls(mode, allowed, keys, targets, tuple(np.split(worth, bounds)))

    @cached_property
    def n_targets(self) -> NDArray[np.int64]:
        """[cases] how many there are to find."""
        return np.array([len(t) for t in self.targets], dtype=np.int64)

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """[cases] whether a case has a target at all; the others say nothing under this figure."""
        return self.n_targets > 0

    def gained(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return float64 [cases, depth]: what each place of lists is worth, 0 where it holds no target; see `hits`."""
        every = self.gains or tuple(np.ones(n) for n in self.n_targets.tolist())
        worth = np.zeros(len(self.keys))
        gained = np.zeros(rows.shape)
        for of_case, targets, gains, row in zip(gained, self.targets, every, rows, strict=True):
            worth[targets] = gains
            of_case[:] = np.where(row >= 0, worth[self.keys[row]], 0)
            worth[targets] = 0
        return gained

    def ideal(self, depth: int) -> NDArray[np.float64]:
        """Return float64 [cases, depth]: what `gained` would be of the best of all lists."""
        best = np.zeros((len(self.targets), depth))
        for i, n in enumerate(self.n_targets.tolist()):
            own = np.ones(n) if self.gains is None else np.sort(self.gains[i])[::-1]
            best[i, : min(n, depth)] = own[:depth]
        return best

    def hits(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return bool [cases, depth]: which places of lists hold a target. rows: the lists, -1 = none."""
        found = np.zeros(rows.shape, dtype=np.bool_)
        wanted = np.zeros(len(self.keys), dtype=np.bool_)
        for of_case, targets, row in zip(found, self.targets, rows, strict=True):
            wanted[targets] = True
            of_case[:] = wanted[self.keys[row]] & (row >= 0)
            wanted[targets] = False
        return found


def _together(
    ids: Sequence[NDArray[np.int32]], catalogue: Catalogue
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the case and the row of every id of all cases that the catalogue knows, and which of all those are."""
    rows, known = found_in(catalogue.anime_ids, np.concatenate([np.empty(0, dtype=np.int32), *ids]))
    return np.repeat(np.arange(len(ids)), [len(of_case) for of_case in ids])[known], rows, known


def seen_rows(case: Case, catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the rows of what is given of a case and not only planned."""
    return catalogue.rows_of(case.given.anime_ids[case.given.seen])


def judges_of(exam: Exam, catalogue: Catalogue) -> Mapping[str, Judge]:
    """Return by figure how an exam is marked."""
    every = {figure: Judge.of(mode, exam.cases, catalogue, gains=exam.gains) for figure, mode in FIGURES.items()}
    return every | {
        figure: Judge.of(FranchiseMode.ANYTHING, exam.cases, catalogue, among, exam.gains)
        for figure, among in exam.among.items()
    }
