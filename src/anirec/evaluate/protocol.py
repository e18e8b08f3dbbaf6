"""Run recommenders over the same cases, through the ranking that is served, and report with floors and intervals.

Three figures for each recommender, all over its full catalogue, none on sampled candidates:

- raw: everything but the titles given may be recommended, and every held-out like is a target;
- unrelated: the relatives of the given titles are taken out of candidates and of targets (finding the second season of
  what somebody likes is no art);
- franchises: as served. One opener per franchise that is new to the user; the targets are the franchises of the
  held-out likes, each once, without those of the given titles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError
from anirec.core.protocols import Recommender
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.evaluate import metrics
from anirec.evaluate.floors import PopularityFloor, RandomFloor
from anirec.evaluate.intervals import Interval, bootstrap
from anirec.evaluate.report import POPULARITY, RANDOM, Report, Row
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case, Split
from anirec.rank import align, rank

__all__ = [
    "DEPTH",
    "FIGURES",
    "METRICS",
    "TOP",
    "CaseByCase",
    "Progress",
    "Report",
    "Row",
    "case_by_case",
    "mean_ndcg",
    "run",
]

DEPTH: Final = 100
TOP: Final = 10  # places that coverage and popularity look at
CHUNK: Final = 128  # profiles scored at a time: bounds memory to some 15 MB a model

MAIN: Final = "ndcg@10"
"""The metric that models are compared and chosen by."""

METRICS: Final = {
    MAIN: (metrics.ndcg, 10),
    "ndcg@20": (metrics.ndcg, 20),
    "ndcg@100": (metrics.ndcg, 100),
    "recall@10": (metrics.recall, 10),
    "recall@20": (metrics.recall, 20),
    "recall@50": (metrics.recall, 50),
    "recall@100": (metrics.recall, 100),
    "precision@10": (metrics.precision, 10),
    "hit@10": (metrics.hit, 10),
    "mrr": (metrics.reciprocal_rank, DEPTH),
}

FIGURES: Final = {
    "raw": FranchiseMode.ANYTHING,
    "unrelated": FranchiseMode.UNRELATED,
    "franchises": FranchiseMode.ENTRY,
}

Progress = Callable[[str, int, int], None]
"""Called as progress(model, cases done, cases in all), once per chunk."""


def run(
    recommenders: Mapping[str, Recommender],
    split: Split,
    catalogue: Catalogue,
    *,
    protocol: str,
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
    progress: Progress,
    popularity: float = 0.0,
) -> Report:
    """Evaluate recommenders on the cases of a split.

    protocol, parameters: for the report. popularity: where the slider stands, see `core.ranking.Query`. A row of chance
    and one of popularity over all anime with a like in train are added if there is no recommender of that name.

    Raises:
        InputError: a recommender has items that the catalogue lacks.
    """
    everyone = _floors(split.train, rng) | dict(recommenders)
    likes = _likes_by_row(split.train, catalogue)
    judges = {figure: _Judge.of(mode, split.cases, catalogue) for figure, mode in FIGURES.items()}
    lists = {
        name: _lists(recommender, name, split.cases, catalogue, judges, partial(progress, name), popularity)
        for name, recommender in everyone.items()
    }
    rows: list[Row] = []
    differences: dict[str, dict[str, dict[str, Interval]]] = {}
    for figure, judge in judges.items():
        if not judge.counted.any():
            differences[figure] = {}
            continue
        values = {name: judge.values(of_model[figure].hits) for name, of_model in lists.items()}
        found, differences[figure] = _intervals(values, rng)
        for name, recommender in everyone.items():
            tops, candidates = lists[name][figure].rows[judge.counted, :TOP], len(recommender.items)
            rows.append(
                Row(
                    model=name,
                    figure=figure,
                    candidates=candidates,
                    metrics=found[name],
                    coverage=metrics.coverage(tops, candidates),
                    popularity=metrics.mean_popularity(tops, likes),
                    popularity_percentile=metrics.median_popularity_percentile(tops, likes),
                )
            )
    cases = {figure: int(judge.counted.sum()) for figure, judge in judges.items()}
    return Report(protocol, dict(parameters), cases, tuple(rows), differences)


@dataclass(frozen=True)
class CaseByCase:
    """One recommender under one figure, before anything is averaged.

    counted: bool [cases], whether a case has a target under this figure. values: float64 [counted cases, metrics] in
    the order of `METRICS`. rows: int64 [cases, DEPTH], rows of the catalogue as recommended, best first; -1 = none.
    """

    counted: NDArray[np.bool_]
    values: NDArray[np.float64]
    rows: NDArray[np.int64]

    def of(self, metric: str) -> NDArray[np.float64]:
        """Return float64 [cases]: one metric of `METRICS`, nan for cases that are not counted."""
        spread = np.full(len(self.counted), np.nan)
        spread[self.counted] = self.values[:, list(METRICS).index(metric)]
        return spread


def case_by_case(
    recommender: Recommender, cases: Sequence[Case], catalogue: Catalogue, *, popularity: float = 0.0
) -> dict[str, CaseByCase]:
    """Return by figure what `run` averages, for comparisons that need every case by itself.

    popularity: where the slider stands, see `core.ranking.Query`.

    Raises:
        InputError: the recommender has items that the catalogue lacks.
    """
    judges = {figure: _Judge.of(mode, cases, catalogue) for figure, mode in FIGURES.items()}
    lists = _lists(recommender, "the recommender", cases, catalogue, judges, lambda _done, _total: None, popularity)
    return {
        figure: CaseByCase(judge.counted, judge.values(lists[figure].hits), lists[figure].rows)
        for figure, judge in judges.items()
    }


def mean_ndcg(recommender: Recommender, cases: Sequence[Case], catalogue: Catalogue) -> dict[str, float]:
    """Return the mean NDCG@10 of one recommender under each figure, 0 where no case has a target.

    It is what training chooses by.
    """
    column = list(METRICS).index(MAIN)
    values = {figure: found.values[:, column] for figure, found in case_by_case(recommender, cases, catalogue).items()}
    return {figure: float(found.mean()) if len(found) else 0.0 for figure, found in values.items()}


def _floors(train: Dataset, rng: np.random.Generator) -> dict[str, Recommender]:
    likes = train.like_counts()
    known = np.flatnonzero(likes)
    items = train.anime_ids[known]
    return {RANDOM: RandomFloor(items, rng), POPULARITY: PopularityFloor(items, likes[known].astype(np.float32))}


def _likes_by_row(train: Dataset, catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the likes in train of each row of the catalogue."""
    likes = np.zeros(len(catalogue), dtype=np.int64)
    shared = np.isin(train.anime_ids, catalogue.anime_ids)
    likes[catalogue.rows_of(train.anime_ids)] = train.like_counts()[shared]
    return likes


def _intervals(
    values: Mapping[str, NDArray[np.float64]], rng: np.random.Generator
) -> tuple[dict[str, dict[str, Interval]], dict[str, dict[str, Interval]]]:
    """Return by model its metrics, and by model and other model the difference in `MAIN`, all from the same draws.

    values: by model, float64 [cases, metrics].
    """
    names = list(values)
    main = np.stack([values[name][:, list(METRICS).index(MAIN)] for name in names], axis=1)
    pairs = main[:, :, np.newaxis] - main[:, np.newaxis, :]
    every_column = np.concatenate([*values.values(), pairs.reshape(len(main), -1)], axis=1)
    found = iter(bootstrap(every_column, rng))
    by_metric = {name: {metric: next(found) for metric in METRICS} for name in names}
    by_other = {name: {other: next(found) for other in names} for name in names}
    return by_metric, {
        name: {other: interval for other, interval in others.items() if other != name}
        for name, others in by_other.items()
    }


@dataclass(frozen=True)
class _Judge:
    """What counts as a hit under one figure.

    keys: int [catalogue], each row's own number or that of its franchise, below the length of the catalogue.
    targets: keys of each case, ascending.
    """

    mode: FranchiseMode
    keys: NDArray[np.int64]
    targets: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, mode: FranchiseMode, cases: Sequence[Case], catalogue: Catalogue) -> _Judge:
        by_franchise = mode is FranchiseMode.ENTRY
        keys = catalogue.franchise_blocks[2] if by_franchise else np.arange(len(catalogue))
        targets = []
        for case in cases:
            rows = catalogue.rows_of(case.targets)
            if mode is not FranchiseMode.ANYTHING:  # the franchises that ranking, too, leaves out
                seen = catalogue.franchise[catalogue.rows_of(case.given.anime_ids[case.given.seen])]
                rows = rows[~np.isin(catalogue.franchise[rows], seen)]
            targets.append(np.unique(keys[rows]))
        return cls(mode, keys, tuple(targets))

    @cached_property
    def n_targets(self) -> NDArray[np.int64]:
        return np.array([len(t) for t in self.targets], dtype=np.int64)

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """[cases] whether a case has a target at all; the others say nothing under this figure."""
        return self.n_targets > 0

    def values(self, hits: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return float64 [counted cases, metrics]."""
        kept, n_targets = hits[self.counted], self.n_targets[self.counted]
        return np.stack([metric(kept, n_targets, k) for metric, k in METRICS.values()], axis=1)


@dataclass(frozen=True)
class _Lists:
    """One recommender's lists under one figure. hits: bool [cases, DEPTH]. rows: int [cases, DEPTH], -1 = none."""

    hits: NDArray[np.bool_]
    rows: NDArray[np.int64]


def _lists(
    recommender: Recommender,
    name: str,
    cases: Sequence[Case],
    catalogue: Catalogue,
    judges: Mapping[str, _Judge],
    progress: Callable[[int, int], None],
    popularity: float = 0.0,
) -> dict[str, _Lists]:
    rows_of_items = catalogue.rows_of(recommender.items)
    if missing := len(recommender.items) - len(rows_of_items):
        raise InputError(
            f"the catalogue lacks {missing} of the {len(recommender.items)} anime that {name} recommends; "
            "use the catalogue of the data that it was fitted on"
        )
    n = len(cases)
    lists = {
        figure: _Lists(np.zeros((n, DEPTH), dtype=np.bool_), np.full((n, DEPTH), -1, dtype=np.int64))
        for figure in judges
    }
    for start in range(0, n, CHUNK):
        chunk = cases[start : start + CHUNK]
        scores = recommender.score([case.given for case in chunk])
        for i, case in enumerate(chunk, start=start):
            spread = align(scores[i - start], rows_of_items, catalogue)
            for figure, judge in judges.items():
                query = Query(DEPTH, NO_FILTERS, judge.mode, popularity=popularity)
                rows = catalogue.rows_of(rank(spread, case.given, catalogue, query).anime_ids)
                wanted = np.zeros(len(catalogue), dtype=np.bool_)
                wanted[judge.targets[i]] = True
                lists[figure].hits[i, : len(rows)] = wanted[judge.keys[rows]]
                lists[figure].rows[i, : len(rows)] = rows
        progress(start + len(chunk), n)
    return lists
