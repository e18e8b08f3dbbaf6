"""What counts as a candidate and as a target under each figure, on planted franchises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from anirec.core.columns import Status
from anirec.core.profile import Entry, Profile
from anirec.core.protocols import Recommender
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.evaluate.figures import FIGURES
from anirec.evaluate.lists import DEPTH
from anirec.evaluate.report import Report
from anirec.evaluate.run import mean_ndcg
from anirec.prepare.splits import Case
from anirec.rank import rank
from evaluate.planted import CATALOGUE, Fixed, N, case, random_cases, report_of
from worlds import catalogue_of, dataset_of

SEASONS = catalogue_of(20, franchises=[[1, 2, 3], [10, 11, 12]])
SEQUELS = Fixed.of({anime: {2: 9, 3: 8, 12: 7, 10: 6}.get(anime, 1 / anime) for anime in range(1, 21)})
"""Recommends the sequels of 1 first, then the third season and the first of another franchise."""


ALL_LIKED = dataset_of({1: dict.fromkeys(range(1, 21), 9)})


def small_report(cases: Sequence[Case], model: Recommender = SEQUELS) -> Report:
    return report_of({"sequels": model}, cases, SEASONS, train=ALL_LIKED)


def test_relatives_of_what_is_given_are_neither_candidates_nor_targets_in_the_unrelated_figure() -> None:
    report = small_report([case([1], [2, 12])])
    assert report.row("sequels", "raw").metrics["recall@10"].mean == 1
    assert report.row("sequels", "raw").metrics["mrr"].mean == 1
    # 2 and 3 are gone, so 12 stands first; were they left among the candidates it would be third.
    assert report.row("sequels", "unrelated").metrics["mrr"].mean == 1
    # 2 is no target any more; were it one, half of the targets would be missed.
    assert report.row("sequels", "unrelated").metrics["recall@10"].mean == 1


def test_a_model_that_only_finds_sequels_has_nothing_left_without_relatives() -> None:
    sequels = {anime: 1.0 if anime in (2, 3) else 0.0 for anime in range(1, 21)}
    report = small_report([case([1], [2, 20])], Fixed.of(sequels))
    assert report.row("sequels", "raw").metrics["ndcg@10"].mean > 0.6
    assert report.row("sequels", "unrelated").metrics["ndcg@10"].mean == 0


def test_no_other_franchise_rule_holds_in_the_unrelated_figure() -> None:
    # 12 is a third season, and 10 of the same franchise follows it: both may be recommended.
    row = small_report([case([5], [10, 12])]).row("sequels", "unrelated")
    assert row.metrics["recall@10"].mean == 1


def test_as_served_a_franchise_counts_once_and_its_opener_stands_for_it() -> None:
    row = small_report([case([1], [11, 12])]).row("sequels", "franchises")
    assert (row.metrics["recall@10"].mean, row.metrics["ndcg@10"].mean) == (1, 1)
    assert row.metrics["precision@10"].mean == pytest.approx(1 / 10)


def test_cases_whose_targets_are_all_relatives_are_left_out_and_counted() -> None:
    report = small_report([case([1], [2, 3], user=1), case([1], [12], user=2)])
    assert report.cases == {"raw": 2, "unrelated": 1, "franchises": 1}
    row = report.row("sequels", "unrelated")
    assert {interval.n for interval in row.metrics.values()} == {1}
    assert row.metrics["ndcg@10"].mean == 1


def test_coverage_is_over_the_cases_that_count() -> None:
    # User 1 is shown 12; user 2, whose only target is a relative, would be shown 2.
    report = small_report([case([2], [20], user=1), case([12], [11], user=2)], Fixed.of({2: 1.0, 12: 2.0}))
    assert report.row("sequels", "raw").coverage == 1
    assert report.row("sequels", "unrelated").coverage == 1 / 2


def test_a_figure_without_a_case_has_no_rows_and_no_differences() -> None:
    report = small_report([case([1], [2, 3])])
    assert report.cases == {"raw": 1, "unrelated": 0, "franchises": 0}
    assert {row.figure for row in report.rows} == {"raw"}
    assert not report.differences["unrelated"]
    assert not report.over_popularity["unrelated"]
    with pytest.raises(KeyError):
        report.row("sequels", "unrelated")


def test_relatives_of_what_is_only_planned_stay() -> None:
    planned = Profile.of([Entry(1, status=Status.PLANNED), Entry(5)])
    report = small_report([Case(1, planned, np.array([2], dtype=np.int32))])
    assert report.cases["unrelated"] == 1
    assert report.row("sequels", "unrelated").metrics["mrr"].mean == 1


def test_what_is_measured_is_what_ranking_serves() -> None:
    catalogue = catalogue_of(N, franchises=[range(i, i + 3) for i in range(1, N - 3, 6)])
    scores = np.random.default_rng(3).random(N).astype(np.float32)
    cases = random_cases(n=8)
    report = report_of({"model": Fixed(CATALOGUE.anime_ids, scores)}, cases, catalogue)
    found = []
    for c in cases:
        query = Query(k=DEPTH, filters=NO_FILTERS, franchise=FranchiseMode.ENTRY)
        served = catalogue.franchise[rank(scores, c.given, catalogue, query).anime_ids - 1].tolist()
        wanted = set(catalogue.franchise[c.targets - 1]) - set(catalogue.franchise[c.given.anime_ids - 1])
        if wanted:
            found.append(len(wanted & set(served[:50])) / len(wanted))
    assert report.row("model", "franchises").metrics["recall@50"].mean == pytest.approx(np.mean(found))


def test_the_mean_that_training_chooses_by_is_that_of_the_report() -> None:
    cases = [case([1], [2, 12], user=1), case([1], [2], user=2), case([5], [12, 20], user=3)]
    report = small_report(cases)
    assert mean_ndcg(SEQUELS, cases, SEASONS) == {
        figure: pytest.approx(report.row("sequels", figure).metrics["ndcg@10"].mean) for figure in FIGURES
    }
    assert mean_ndcg(SEQUELS, cases[1:2], SEASONS)["unrelated"] == 0
