"""Let recommenders answer an exam and mark what they say, with floors, intervals and all comparisons.

Exam --lists.of_recommender--> Lists by figure --figures.Judge--> hits --metrics--> values by case --> Report
      another system's Parquet --lists.of_ranking--^                  |--slices, beyond-------------------^
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.engine import LOCAL, Engine
from anirec.core.protocols import Recommender
from anirec.evaluate import beyond, metrics, slices
from anirec.evaluate.exam import Exam
from anirec.evaluate.figures import FIGURES, Judge, judges_of
from anirec.evaluate.floors import PopularityFloor, RandomFloor
from anirec.evaluate.intervals import Interval, bootstrap, holm, sign_flips
from anirec.evaluate.lists import DEPTH, Lists, of_ranking, of_recommender
from anirec.evaluate.report import FLOORS, POPULARITY, RANDOM, Example, Report, Row, SampledRow, Slice
from anirec.evaluate.sampled import SAMPLED, ranks_among
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case

TOP: Final = 10  # places that everything but METRICS looks at

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
    "map": (metrics.average_precision, DEPTH),
}

Progress = Callable[[str, int, int], None]
"""Called as progress(model, cases done, cases in all), once per chunk."""

Values = NDArray[np.float64]
Key = TypeVar("Key")


def run(  # noqa: PLR0913 - what there is to be said, each by its name
    recommenders: Mapping[str, Recommender],
    exam: Exam,
    catalogue: Catalogue,
    *,
    rng: np.random.Generator,
    progress: Progress,
    popularity: float = 0.0,
    foreign: Mapping[str, Sequence[NDArray[np.int32]]] | None = None,
    examples: int = 0,
    engine: Engine = LOCAL,
) -> Report:
    """Mark recommenders on an exam.

    popularity: where the slider stands, see `core.ranking.Query`. foreign: by name, what other systems recommend to
    each case, see `lists.read_rankings`. examples: how many of the best cases, and of the worst, the report holds. A
    row of chance and one of popularity over all anime with a like in train are added if there is no recommender of
    that name. engine: where recommenders are asked; the floors are asked here, as chance is drawn in one go.

    Raises:
        InputError: a recommender has items that the catalogue lacks.
    """
    everyone = _floors(exam, rng) | dict(recommenders)
    judges = judges_of(exam, catalogue)

    def asked(name: str, one: Recommender) -> Lists:
        where = LOCAL if name in FLOORS else engine
        told = partial(progress, name)
        return of_recommender(
            one, name, exam.cases, catalogue, judges, told, popularity=popularity, barred=exam.barred, engine=where
        )

    lists = {name: asked(name, one) for name, one in everyone.items()}
    lists |= {
        name: of_ranking(ranked, exam.cases, catalogue, judges, exam.barred) for name, ranked in (foreign or {}).items()
    }
    candidates = {name: len(one.items) if (one := everyone.get(name)) else None for name in lists}
    likes = _likes_by_row(exam.train, catalogue)
    n_users = len(np.unique(exam.train.users[exam.train.liked]))
    world = beyond.World.of(exam.cases, catalogue, likes, n_users)
    marks = {
        (figure, name): _spread(judge.counted, judge_values(judge, lists[name][figure]))
        for figure, judge in judges.items()
        for name in lists
    }
    main = {figure: {name: marks[figure, name][:, 0] for name in lists} for figure in judges}
    found = _means(_columns(marks) | _beyond(judges, lists, world) | _apart(main), rng)
    rows = [
        _row(name, figure, candidates[name], found, _tops(judge, lists[name][figure]), likes)
        for figure, judge in judges.items()
        for name in lists
        if judge.counted.any()
    ]
    return Report(
        protocol=exam.protocol,
        version=exam.version,
        parameters=dict(exam.parameters),
        cases={figure: int(judge.counted.sum()) for figure, judge in judges.items()},
        rows=tuple(rows),
        differences={figure: _differences(figure, list(lists), found) for figure in judges},
        chances={figure: _chances(of_models, rng) for figure, of_models in main.items()},
        slices=_slices(exam, catalogue, judges["raw"], {n: one["raw"] for n, one in lists.items()}, main, likes, rng),
        sampled=_sampled(everyone, exam, rng),
        examples=_examples(exam, catalogue, {n: one["raw"] for n, one in lists.items()}, main["raw"], examples),
    )


def judge_values(judge: Judge, rows: NDArray[np.int64]) -> Values:
    """Return float64 [counted cases, metrics] of lists, int [cases, DEPTH], in the order of `METRICS`."""
    hits, n_targets = judge.hits(rows)[judge.counted], judge.n_targets[judge.counted]
    values = {name: metric(hits, n_targets, k) for name, (metric, k) in METRICS.items()}
    if judge.gains is not None:
        gained, ideal = judge.gained(rows)[judge.counted], judge.ideal(DEPTH)[judge.counted]
        graded = {name: k for name, (metric, k) in METRICS.items() if metric is metrics.ndcg}
        values |= {name: metrics.graded_ndcg(gained, ideal, k) for name, k in graded.items()}
    return np.stack(list(values.values()), axis=1)


@dataclass(frozen=True)
class CaseByCase:
    """One recommender under one figure, before anything is averaged.

    counted: bool [cases], whether a case has a target under this figure. values: float64 [counted cases, metrics] in
    the order of `METRICS`. rows: int64 [cases, DEPTH], rows of the catalogue as recommended, best first; -1 = none.
    """

    counted: NDArray[np.bool_]
    values: Values
    rows: NDArray[np.int64]

    def of(self, metric: str) -> Values:
        """Return float64 [cases]: one metric of `METRICS`, nan for cases that are not counted."""
        return _spread(self.counted, self.values[:, list(METRICS).index(metric)])


def case_by_case(
    recommender: Recommender,
    cases: Sequence[Case],
    catalogue: Catalogue,
    *,
    popularity: float = 0.0,
    gains: Sequence[Values] | None = None,
    barred: Sequence[NDArray[np.int32]] | None = None,
) -> dict[str, CaseByCase]:
    """Return by figure what `run` averages, for comparisons that need every case by itself.

    popularity: where the slider stands, see `core.ranking.Query`. gains, barred: see `Exam`.

    Raises:
        InputError: the recommender has items that the catalogue lacks.
    """
    judges = {figure: Judge.of(mode, cases, catalogue, gains=gains) for figure, mode in FIGURES.items()}
    lists: Lists = of_recommender(
        recommender,
        "the recommender",
        cases,
        catalogue,
        judges,
        lambda _done, _total: None,
        popularity=popularity,
        barred=barred,
    )
    return {
        figure: CaseByCase(judge.counted, judge_values(judge, lists[figure]), lists[figure])
        for figure, judge in judges.items()
    }


def mean_ndcg(recommender: Recommender, cases: Sequence[Case], catalogue: Catalogue) -> dict[str, float]:
    """Return the mean NDCG@10 of one recommender under each figure, 0 where no case has a target.

    It is what training chooses by.
    """
    column = list(METRICS).index(MAIN)
    values = {figure: found.values[:, column] for figure, found in case_by_case(recommender, cases, catalogue).items()}
    return {figure: float(found.mean()) if len(found) else 0.0 for figure, found in values.items()}


def _floors(exam: Exam, rng: np.random.Generator) -> dict[str, Recommender]:
    """Return chance and popularity over all that somebody likes in train, and what an exam asks for besides."""
    likes = exam.train.like_counts()
    asked = np.isin(exam.train.anime_ids, np.concatenate([np.empty(0, dtype=np.int32), *exam.among.values()]))
    known = np.flatnonzero((likes > 0) | asked)
    items = exam.train.anime_ids[known]
    return {RANDOM: RandomFloor(items, rng), POPULARITY: PopularityFloor(items, likes[known].astype(np.float32))}


def _likes_by_row(train: Dataset, catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the likes in train of each row of the catalogue."""
    likes = np.zeros(len(catalogue), dtype=np.int64)
    shared = np.isin(train.anime_ids, catalogue.anime_ids)
    likes[catalogue.rows_of(train.anime_ids)] = train.like_counts()[shared]
    return likes


def _spread(counted: NDArray[np.bool_], values: Values) -> Values:
    """Return values of the counted cases among all, nan for the others. values: float64 [counted cases, ...]."""
    spread = np.full((len(counted), *values.shape[1:]), np.nan)
    spread[counted] = values
    return spread


Column = tuple[str, str, str]
"""Figure, model, and what is told of it: a metric, a measure besides, or another model that it is compared with."""


def _columns(marks: Mapping[tuple[str, str], Values]) -> dict[Column, Values]:
    """Return every metric of every model under every figure. marks: float64 [cases, metrics] by figure and model."""
    return {
        (figure, name, metric): values[:, i]
        for (figure, name), values in marks.items()
        for i, metric in enumerate(METRICS)
    }


def _beyond(judges: Mapping[str, Judge], lists: Mapping[str, Lists], world: beyond.World) -> dict[Column, Values]:
    return {
        (figure, name, measure): values
        for figure, judge in judges.items()
        for name, of_model in lists.items()
        for measure, values in beyond.measures(_tops(judge, of_model[figure]), world).items()
    }


def _apart(main: Mapping[str, Mapping[str, Values]]) -> dict[Column, Values]:
    """Return the differences in `MAIN` of every two models on the same cases."""
    return {
        (figure, name, AGAINST + other): one - of_models[other]
        for figure, of_models in main.items()
        for name, one in of_models.items()
        for other in of_models
        if other != name
    }


AGAINST: Final = "against "


def _differences(figure: str, names: Sequence[str], found: Mapping[Column, Interval]) -> dict[str, dict[str, Interval]]:
    """Return by model and other model the interval of their difference; nothing without a case."""
    return {
        name: {other: found[figure, name, AGAINST + other] for other in names if other != name}
        for name in names
        if (figure, name, MAIN) in found
    }


def _chances(values: Mapping[str, Values], rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Return by model and other model p of random flips of signs, corrected after Holm over all pairs.

    values: by model float64 [cases], nan where not counted; without a case nothing is returned.
    """
    names, main = list(values), np.stack(list(values.values()), axis=1)
    main = main[~np.isnan(main[:, 0])]
    pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
    chances: dict[str, dict[str, float]] = {name: {} for name in names} if len(main) else {}
    if len(main) and pairs:
        apart = np.stack([main[:, a] - main[:, b] for a, b in pairs], axis=1)
        for (a, b), p in zip(pairs, holm(sign_flips(apart, rng)).tolist(), strict=True):
            chances[names[a]][names[b]] = chances[names[b]][names[a]] = p
    return chances


def _tops(judge: Judge, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first places of the lists of cases that count; -1 in the others."""
    return np.where(judge.counted[:, np.newaxis], rows[:, :TOP], -1)


def _row(
    name: str,
    figure: str,
    candidates: int | None,
    found: Mapping[Column, Interval],
    tops: NDArray[np.int64],
    likes: NDArray[np.int64],
) -> Row:
    among = candidates or int((likes > 0).sum())
    return Row(
        model=name,
        figure=figure,
        candidates=candidates,
        metrics={metric: found[figure, name, metric] for metric in METRICS},
        coverage=metrics.coverage(tops, among),
        gini=metrics.gini(tops, among),
        popularity=metrics.mean_popularity(tops, likes),
        popularity_percentile=metrics.median_popularity_percentile(tops, likes),
        beyond={one: found[key] for one in beyond.MEASURES if (key := (figure, name, one)) in found},
    )


def _means(values: Mapping[Key, Values], rng: np.random.Generator) -> dict[Key, Interval]:
    """Return the mean of each with its interval, nan left out; what is nothing but nan is left out itself."""
    said = {key: of_cases for key, of_cases in values.items() if not np.isnan(of_cases).all()}
    return dict(zip(said, bootstrap(np.stack(list(said.values()), axis=1), rng), strict=True)) if said else {}


def _slices(
    exam: Exam,
    catalogue: Catalogue,
    judge: Judge,
    lists: Mapping[str, NDArray[np.int64]],
    main: Mapping[str, Mapping[str, Values]],
    likes: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Slice, ...]:
    """Return all parts. judge, lists: of the figure raw. main: by figure and model, `MAIN` of every case."""
    found = slices.Found.of(judge, lists)
    whole = dict.fromkeys(lists, DEPTH)
    real = [name for name in lists if name not in FLOORS]
    equal = slices.equal_recall(found, real, DEPTH)
    parts = {
        ("profile size", "raw", MAIN): slices.by_size(exam.cases, main["raw"]),
        ("profile size", "franchises", MAIN): slices.by_size(exam.cases, main["franchises"]),
        ("popularity of the target", "raw", "recall@100"): slices.by_popularity(found, likes, whole),
        ("popularity of the target", "raw", "recall at equal overall recall"): slices.by_popularity(
            found, likes, equal
        ),
        ("year of the target", "raw", "recall@100"): slices.by_year(found, catalogue, whole),
    }
    values = {
        (place, group.label, name): of_cases
        for place, groups in parts.items()
        for group in groups
        for name, of_cases in group.values.items()
    }
    rows: dict[tuple[tuple[str, str, str], str], dict[str, Interval]] = {}
    for (place, label, name), interval in _means(values, rng).items():
        rows.setdefault((place, label), {})[name] = interval
    return tuple(
        Slice(by=by, figure=figure, metric=metric, label=label, rows=of_models)
        for ((by, figure, metric), label), of_models in rows.items()
    )


def _examples(
    exam: Exam,
    catalogue: Catalogue,
    lists: Mapping[str, NDArray[np.int64]],
    main: Mapping[str, Values],
    each: int,
) -> tuple[Example, ...]:
    """Return the cases that the best model did best by, then the worst; of equal ones those with most to find first.

    lists, main: of the figure raw.
    """
    able = [name for name in lists if name not in FLOORS and not np.isnan(main[name]).all()]
    if not each or not able:
        return ()
    best = max(able, key=lambda name: float(np.nanmean(main[name])))
    to_find = np.array([len(case.targets) for case in exam.cases])
    counted = np.flatnonzero(~np.isnan(main[best]))
    well, badly = (counted[np.lexsort((-to_find[counted], sign * main[best][counted]))][:each] for sign in (-1, 1))
    return tuple(
        Example(
            model=best,
            figure="raw",
            ndcg=float(main[best][i]),
            given=tuple(exam.cases[i].given.liked_ids.tolist()),
            targets=tuple(exam.cases[i].targets.tolist()),
            recommended=tuple(catalogue.anime_ids[_shown(lists[best][i])].tolist()),
        )
        for i in [*well, *badly[~np.isin(badly, well)][::-1]]
    )


def _shown(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:TOP][rows[:TOP] >= 0]


def _sampled(everyone: Mapping[str, Recommender], exam: Exam, rng: np.random.Generator) -> tuple[SampledRow, ...]:
    if exam.negatives is None:
        return ()
    rows = []
    for name, recommender in everyone.items():
        ranks = ranks_among(recommender, exam.cases, exam.negatives)
        values = np.stack([metric(ranks) for metric in SAMPLED.values()], axis=1)
        rows.append(
            SampledRow(name, 1 + exam.negatives.shape[1], dict(zip(SAMPLED, bootstrap(values, rng), strict=True)))
        )
    return tuple(rows)
