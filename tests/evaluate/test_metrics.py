"""The metrics against a slow definition, against `ir_measures`, and on lists whose value is known."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, P, R, Success, nDCG
from numpy.typing import NDArray

from anirec.evaluate import metrics

Metric = Callable[[NDArray[np.bool_], NDArray[np.int64], int], NDArray[np.float64]]
Case = tuple[list[int], set[int]]
"""A ranked list of ids, best first, and the targets."""

ids = st.integers(0, 40)
cases = st.tuples(st.lists(ids, unique=True, max_size=30), st.sets(ids, min_size=1, max_size=25))
cutoffs = st.integers(1, 35)


def slow_ndcg(ranked: list[int], targets: set[int], k: int) -> float:
    gained = sum(1 / log2(place + 1) for place, i in enumerate(ranked[:k], start=1) if i in targets)
    return gained / sum(1 / log2(place + 1) for place in range(1, min(len(targets), k) + 1))


def slow_recall(ranked: list[int], targets: set[int], k: int) -> float:
    return len(targets.intersection(ranked[:k])) / len(targets)


def slow_precision(ranked: list[int], targets: set[int], k: int) -> float:
    return len(targets.intersection(ranked[:k])) / k


def slow_hit(ranked: list[int], targets: set[int], k: int) -> float:
    return float(not targets.isdisjoint(ranked[:k]))


def slow_reciprocal_rank(ranked: list[int], targets: set[int], k: int) -> float:
    return next((1 / place for place, i in enumerate(ranked[:k], start=1) if i in targets), 0.0)


BY_DEFINITION: list[
    tuple[Metric, Callable[[list[int], set[int], int], float], Callable[[int], ir_measures.Measure]]
] = [
    (metrics.ndcg, slow_ndcg, lambda k: nDCG @ k),
    (metrics.recall, slow_recall, lambda k: R @ k),
    (metrics.precision, slow_precision, lambda k: P @ k),
    (metrics.hit, slow_hit, lambda k: Success @ k),
    (metrics.reciprocal_rank, slow_reciprocal_rank, lambda k: RR @ k),
]
METRICS: list[Metric] = [metric for metric, _, _ in BY_DEFINITION]


def as_hits(lists: list[Case], depth: int = 30) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    hits = np.zeros((len(lists), depth), dtype=np.bool_)
    for i, (ranked, targets) in enumerate(lists):
        hits[i, : len(ranked)] = [anime_id in targets for anime_id in ranked]
    return hits, np.array([len(targets) for _, targets in lists], dtype=np.int64)


@pytest.mark.parametrize(("metric", "slow"), [(fast, slow) for fast, slow, _ in BY_DEFINITION])
@given(lists=st.lists(cases, min_size=1, max_size=5), k=cutoffs)
def test_every_metric_is_that_of_its_definition(
    metric: Metric, slow: Callable[[list[int], set[int], int], float], lists: list[Case], k: int
) -> None:
    expected = [slow(ranked, targets, k) for ranked, targets in lists]
    np.testing.assert_allclose(metric(*as_hits(lists), k), expected, atol=1e-12)


@pytest.mark.parametrize("k", [1, 5, 10, 20, 100])
@pytest.mark.parametrize(("metric", "measure"), [(fast, measure) for fast, _, measure in BY_DEFINITION])
def test_every_metric_is_that_of_ir_measures(
    metric: Metric, measure: Callable[[int], ir_measures.Measure], k: int
) -> None:
    rng = np.random.default_rng(5)
    lists: list[Case] = []
    for _ in range(60):
        ranked = rng.permutation(400)[: rng.integers(1, 101)].tolist()
        lists.append((ranked, set(rng.choice(400, size=rng.integers(1, 60), replace=False).tolist())))
    qrels = [ir_measures.Qrel(f"{u:02}", str(i), 1) for u, (_, targets) in enumerate(lists) for i in targets]
    run = [
        ir_measures.ScoredDoc(f"{u:02}", str(i), -float(place))
        for u, (ranked, _) in enumerate(lists)
        for place, i in enumerate(ranked)
    ]
    theirs = {found.query_id: found.value for found in ir_measures.iter_calc([measure(k)], qrels, run)}
    assert len(theirs) == len(lists)
    np.testing.assert_allclose(metric(*as_hits(lists, 100), k), [theirs[u] for u in sorted(theirs)], atol=1e-6)


@pytest.mark.parametrize("k", [1, 10, 100])
def test_graded_ndcg_agrees_with_ir_measures(k: int) -> None:
    rng = np.random.default_rng(7)
    gained, ideal, qrels, run = np.zeros((60, 100)), np.zeros((60, 100)), [], []
    for u in range(60):
        worth = {int(i): int(g) for i, g in zip(rng.permutation(400)[:30], rng.integers(1, 6, 30), strict=True)}
        ranked = rng.permutation(400)[: rng.integers(1, 101)].tolist()
        gained[u, : len(ranked)] = [worth.get(i, 0) for i in ranked]
        ideal[u, :30] = sorted(worth.values(), reverse=True)
        qrels += [ir_measures.Qrel(f"{u:02}", str(i), g) for i, g in worth.items()]
        run += [ir_measures.ScoredDoc(f"{u:02}", str(i), -float(place)) for place, i in enumerate(ranked)]
    theirs = {found.query_id: found.value for found in ir_measures.iter_calc([nDCG @ k], qrels, run)}
    np.testing.assert_allclose(metrics.graded_ndcg(gained, ideal, k), [theirs[u] for u in sorted(theirs)], atol=1e-6)


@given(case=cases, k=cutoffs)
def test_graded_ndcg_of_targets_that_are_worth_the_same_is_ndcg(case: Case, k: int) -> None:
    hits, n_targets = as_hits([case], 30)
    ideal = np.where(np.arange(30) < n_targets[:, np.newaxis], 2.5, 0.0)
    same = metrics.graded_ndcg(np.where(hits, 2.5, 0.0), ideal, k)
    np.testing.assert_allclose(same, metrics.ndcg(hits, n_targets, k))


@given(n_targets=st.integers(1, 40), k=cutoffs)
def test_ndcg_of_a_perfect_list_is_one(n_targets: int, k: int) -> None:
    hits = (np.arange(100) < n_targets)[np.newaxis]
    np.testing.assert_allclose(metrics.ndcg(hits, np.array([n_targets]), k), 1.0)


def test_ndcg_of_a_list_worked_out_by_hand() -> None:
    # Targets at places 1 and 3 of three to find: (1 + 1/2) / (1 + 1/log2(3) + 1/2).
    hits = np.array([[True, False, True, False]])
    np.testing.assert_allclose(metrics.ndcg(hits, np.array([3]), 4), 1.5 / (1.5 + 1 / log2(3)))


@given(case=cases, k=cutoffs)
def test_a_hit_that_moves_up_never_lowers_a_metric(case: Case, k: int) -> None:
    hits, n_targets = as_hits([case])
    for place in np.flatnonzero(hits[0]):
        if place and not hits[0, place - 1]:
            better = hits.copy()
            better[0, [place - 1, place]] = True, False
            assert all((metric(better, n_targets, k) >= metric(hits, n_targets, k)).all() for metric in METRICS)


@given(lists=st.lists(cases, min_size=2, max_size=6), k=cutoffs, data=st.data())
def test_the_order_of_users_changes_nothing(lists: list[Case], k: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(lists))))
    hits, n_targets = as_hits(lists)
    for metric in METRICS:
        permuted, values = metric(hits[order], n_targets[order], k), metric(hits, n_targets, k)
        np.testing.assert_allclose(permuted, values[order], rtol=1e-12)


@given(lists=st.lists(cases, min_size=1, max_size=5), k=cutoffs)
def test_every_metric_lies_between_zero_and_one(lists: list[Case], k: int) -> None:
    for metric in METRICS:
        values = metric(*as_hits(lists), k)
        assert values.shape == (len(lists),)
        assert (values >= 0).all()
        assert (values <= 1 + 1e-12).all()


def test_what_stands_below_k_does_not_count() -> None:
    hits = np.array([[False, False, True]])
    assert [float(metric(hits, np.array([1]), 2)[0]) for metric in METRICS] == [0, 0, 0, 0, 0]


TOPS = np.array([[0, 2], [2, -1], [2, 3]])
LIKES = np.array([4, 9, 10, 0, 30])


def test_coverage_counts_each_title_once_and_no_empty_place() -> None:
    assert metrics.coverage(TOPS, 12) == 3 / 12


def test_popularity_is_the_mean_over_places_not_over_titles() -> None:
    assert metrics.mean_popularity(TOPS, LIKES) == (4 + 3 * 10 + 0) / 5


def test_percentile_is_the_share_of_liked_titles_that_have_fewer_likes() -> None:
    # The middle place holds the title of 10 likes; of the four liked titles two (4 and 9 likes) have fewer.
    assert metrics.median_popularity_percentile(TOPS, LIKES) == 2 / 4


def test_lists_without_titles_have_no_popularity_and_cover_nothing() -> None:
    empty = np.full((2, 3), -1)
    assert metrics.coverage(empty, 5) == 0
    assert metrics.mean_popularity(empty, LIKES) == 0
    assert metrics.median_popularity_percentile(empty, LIKES) == 0
    assert metrics.median_popularity_percentile(TOPS, np.zeros(5, dtype=np.int64)) == 0
