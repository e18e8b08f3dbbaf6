"""How well titles that are called similar meet those that people name: "if you liked this, try that".

A question is a title; its targets are the titles that people named beside it and nobody learned from, with gains
log2(1 + votes). Pairs have no direction: whoever holds a pair back holds it back from both its titles. What was learned
from for this title is no candidate; all else in the catalogue is. Two figures: raw, and unrelated, where relatives of
the title are neither candidates nor targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.evaluate.intervals import Interval, bootstrap
from anirec.prepare.pairs import Pairs

TOP: Final = 10
FIGURES: Final = ("raw", "unrelated")
DISCOUNTS: Final = 1.0 / np.log2(np.arange(2, TOP + 2))

Scorer = Callable[[int], NDArray[np.float32]]
"""Given the id of a title, float32 [catalogue]: how much each is like it; -inf = cannot be found."""


@dataclass(frozen=True)
class Question:
    """One title asked for. All places are rows of the catalogue.

    known: int64, those that were learned from beside it. targets: int64 [t], at least one; gains: float64 [t], above 0.
    """

    row: int
    known: NDArray[np.int64]
    targets: NDArray[np.int64]
    gains: NDArray[np.float64]

    def barred(self, figure: str, catalogue: Catalogue) -> NDArray[np.int64]:
        """Return the rows that are no candidates under one of `FIGURES`."""
        rows = np.append(self.known, self.row)
        return rows if figure == "raw" else np.concatenate([rows, self.relatives(catalogue)])

    def relatives(self, catalogue: Catalogue) -> NDArray[np.int64]:
        """Return the rows of the title's franchise."""
        return np.flatnonzero(catalogue.franchise == catalogue.franchise[self.row])


def gains_of(votes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log2(1 + votes); a pair that is only listed counts as one vote."""
    gains: NDArray[np.float64] = np.log2(1.0 + np.nan_to_num(votes.astype(np.float64), nan=1.0))
    return gains


def by_title(pairs: Pairs) -> dict[int, tuple[NDArray[np.int32], NDArray[np.float32]]]:
    """Return by title, ascending, the ids that it is paired with, ascending, and the votes of each."""
    one, other = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    order = np.lexsort((other, one))
    titles, first = np.unique(one[order], return_index=True)
    votes = np.concatenate([pairs.votes, pairs.votes])[order]
    parts = zip(np.split(other[order], first[1:]), np.split(votes, first[1:]), strict=True)
    return dict(zip(titles.tolist(), parts, strict=False)) if len(titles) else {}


def questions(held: Pairs, learned: Pairs, catalogue: Catalogue) -> tuple[Question, ...]:
    """Return a question for each title of a held-out pair, by row. Titles that the catalogue lacks are left out."""
    known = by_title(learned.known_to(catalogue.anime_ids))
    nothing = np.empty(0, dtype=np.int32)
    return tuple(
        Question(
            row=int(catalogue.rows_of(np.array([title]))[0]),
            known=catalogue.rows_of(known[title][0] if title in known else nothing),
            targets=catalogue.rows_of(ids),
            gains=gains_of(votes),
        )
        for title, (ids, votes) in by_title(held.known_to(catalogue.anime_ids)).items()
    )


def graded_ndcg(top: NDArray[np.int64], targets: NDArray[np.int64], gains: NDArray[np.float64]) -> float:
    """Return the normalised discounted cumulated gain of the first `TOP` rows, 0..1.

    Source: Järvelin & Kekäläinen 2002; the discount from place 1 on as in Burges et al. 2005.
    """
    gained = np.zeros(TOP)
    for place, row in enumerate(top[:TOP].tolist()):
        gained[place] = gains[targets == row].sum()
    best = np.sort(gains)[::-1][:TOP]
    return float(gained @ DISCOUNTS / (best @ DISCOUNTS[: len(best)]))


@dataclass(frozen=True)
class NamedReport:
    """By figure and scorer, NDCG@10 and the share of questions with a target among the first ten (`hit@10`).

    questions: by figure, how many had a target. values: by figure and scorer float64 [questions, 2], in their order.
    """

    questions: Mapping[str, int]
    rows: Mapping[str, Mapping[str, Mapping[str, Interval]]]
    values: Mapping[str, Mapping[str, NDArray[np.float64]]]


def measure(
    scorers: Mapping[str, Scorer], asked: Sequence[Question], catalogue: Catalogue, rng: np.random.Generator
) -> NamedReport:
    """Ask every scorer every question. Ties go by id."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {f: {name: [] for name in scorers} for f in FIGURES}
    for question in asked:
        anime_id = int(catalogue.anime_ids[question.row])
        scores = {name: scorer(anime_id) for name, scorer in scorers.items()}
        for figure in FIGURES:
            barred = question.barred(figure, catalogue)
            wanted = ~np.isin(question.targets, barred)
            if wanted.any():
                targets, gains = question.targets[wanted], question.gains[wanted]
                for name, of_one in scores.items():
                    top = _first(of_one, barred)
                    hit = float(np.isin(top, targets).any())
                    found[figure][name].append((graded_ndcg(top, targets, gains), hit))
    values = {f: {name: np.array(v) for name, v in by_name.items() if v} for f, by_name in found.items()}
    rows = {
        figure: {name: dict(zip(("ndcg@10", "hit@10"), bootstrap(v, rng), strict=True)) for name, v in of_all.items()}
        for figure, of_all in values.items()
    }
    counts = {figure: len(next(iter(of_all.values()), ())) for figure, of_all in values.items()}
    return NamedReport(questions=counts, rows=rows, values=values)


def _first(scores: NDArray[np.float32], barred: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the `TOP` best scores without the barred ones, ties by row."""
    left = scores.astype(np.float64)
    left[barred] = -np.inf
    floor = np.partition(left, len(left) - min(TOP, len(left)))[len(left) - min(TOP, len(left))]
    rows = np.flatnonzero((left >= floor) & (left > -np.inf))
    ordered: NDArray[np.int64] = rows[np.argsort(-left[rows], kind="stable")][:TOP]
    return ordered
