"""The protocol in planted worlds, where the right answer is known before anything is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.evaluate import metrics
from anirec.evaluate.exam import Exam
from anirec.evaluate.figures import FIGURES
from anirec.evaluate.report import POPULARITY, RANDOM, Report
from anirec.evaluate.run import METRICS, case_by_case, run
from anirec.prepare.splits import held_out_users
from evaluate.planted import (
    CATALOGUE,
    GIVEN,
    LIKES,
    TRAIN,
    USERS,
    ByProfile,
    Fixed,
    N,
    case,
    random_cases,
    report_of,
    silent,
)
from worlds import catalogue_of, dataset_of

CONSTANT = Fixed.of(dict.fromkeys(range(1, N + 1), 0.5))


def expected_by_chance(n_targets: int, candidates: int, metric: str) -> float:
    """The mean over all orders: each place holds a target with the same chance, whatever k (hypergeometric)."""
    function, k = METRICS[metric]
    chance = n_targets / candidates
    if function is metrics.ndcg:
        discounts = 1 / np.log2(np.arange(2, k + 2))
        return float(chance * discounts.sum() / discounts[: min(n_targets, k)].sum())
    return chance if function is metrics.precision else k / candidates


@pytest.fixture(scope="module")
def by_chance() -> Report:
    return report_of({"constant": CONSTANT}, random_cases())


def test_an_oracle_is_perfect_and_recommends_nothing_that_is_given() -> None:
    cases = random_cases()
    row = report_of({"oracle": ByProfile.oracle(cases)}, cases).row("oracle")
    for name in ("ndcg@10", "ndcg@20", "ndcg@100", "recall@10", "recall@100", "hit@10", "mrr"):
        assert row.metrics[name].low == pytest.approx(1)
    assert row.metrics["precision@10"].mean == pytest.approx((LIKES - GIVEN) / 10)


@pytest.mark.parametrize("model", [RANDOM, "constant"])
@pytest.mark.parametrize(
    "metric", ["ndcg@10", "ndcg@100", "recall@10", "recall@20", "recall@50", "recall@100", "precision@10"]
)
def test_chance_lands_where_the_hypergeometric_distribution_says(by_chance: Report, model: str, metric: str) -> None:
    found = by_chance.row(model).metrics[metric]
    expected = expected_by_chance(LIKES - GIVEN, N - GIVEN, metric)
    # Fourteen looks at once: a 95 % interval, widened to three and a half standard errors.
    half = 3.5 / 1.96 * (found.high - found.low) / 2
    assert found.mean == pytest.approx(expected, abs=half)
    assert half < expected


def test_chance_draws_anew_for_every_user(by_chance: Report) -> None:
    places = USERS * 10
    assert by_chance.row(RANDOM).coverage == pytest.approx(1 - (1 - 1 / N) ** places, abs=0.01)
    assert by_chance.row("constant").coverage < 0.05  # ids 1 to 10, and what follows where some of them are given


def test_with_the_targets_of_others_an_oracle_falls_to_the_floor() -> None:
    cases = random_cases()
    swapped = [replace(c, targets=cases[i - 1].targets) for i, c in enumerate(cases)]
    row = report_of({"oracle": ByProfile.oracle(cases)}, swapped).row("oracle")
    assert row.metrics["ndcg@10"].mean < 2 * expected_by_chance(LIKES - GIVEN, N - GIVEN, "ndcg@10")
    assert row.metrics["recall@100"].mean == pytest.approx(100 / N, abs=0.06)


def test_what_is_given_is_never_a_hit() -> None:
    scores = {anime: 100.0 if anime in (1, 2, 3) else 1.0 / anime for anime in range(1, N + 1)}
    report = report_of({"echo": Fixed.of(scores)}, [case([1, 2, 3], [4])])
    assert report.row("echo").metrics["mrr"].mean == 1  # 1..3 are masked, so 4 comes first


def test_every_report_has_a_row_of_chance_and_one_of_popularity_in_every_figure() -> None:
    report = report_of({}, random_cases(n=5))
    assert [(row.model, row.figure) for row in report.rows] == [
        (model, figure) for figure in FIGURES for model in (RANDOM, POPULARITY)
    ]
    assert all(row.candidates == N and row.metrics.keys() == METRICS.keys() for row in report.rows)


def test_the_popularity_row_ranks_by_likes_in_train() -> None:
    train = dataset_of({1: {5: 9, 6: 9, 7: 2}, 2: {5: 8, 8: 10}, 3: {8: 9, 5: 7}}, n=N)
    row = report_of({}, [case([1], [8, 7])], train=train).row(POPULARITY)
    assert row.candidates == 3  # 7 is disliked: nobody's like
    assert row.metrics["mrr"].mean == 1 / 2  # 5 (three likes), 8 (two), 6 (one)
    assert row.metrics["recall@10"].mean == 1 / 2
    assert row.coverage == 1
    assert row.popularity == (3 + 2 + 1) / 3
    assert row.popularity_percentile == pytest.approx(1 / 3)


def test_a_recommender_called_popularity_takes_the_place_of_the_floor() -> None:
    report = report_of({POPULARITY: Fixed.of({1: 1.0, 2: 0.5})}, random_cases(n=5))
    assert report.row(POPULARITY).candidates == 2
    assert [row.model for row in report.rows if row.figure == "raw"] == [RANDOM, POPULARITY]


def test_a_target_that_a_model_does_not_know_is_a_miss_not_left_out() -> None:
    report = report_of({"narrow": Fixed.of({7: 1.0})}, [case([1], [7, 8])])
    assert report.row("narrow").metrics["recall@10"].mean == 1 / 2


def test_every_two_models_are_compared_with_the_paired_interval() -> None:
    cases = random_cases()
    models: dict[str, Recommender] = {"oracle": ByProfile.oracle(cases), "constant": CONSTANT}
    report = report_of(models, cases)
    raw, names = report.differences["raw"], {RANDOM, POPULARITY, "oracle", "constant"}
    assert {model: set(others) for model, others in raw.items()} == {name: names - {name} for name in names}
    ndcg = {name: report.row(name).metrics["ndcg@10"] for name in names}
    one, other = raw["oracle"]["constant"], raw["constant"]["oracle"]
    assert one.mean == pytest.approx(ndcg["oracle"].mean - ndcg["constant"].mean)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low > 0.9
    assert report.over_popularity["raw"] == {name: raw[name][POPULARITY] for name in names - {POPULARITY}}
    # All titles are equally popular, so the order is by id, as with the constant: no difference at all, no doubt.
    assert (raw["constant"][POPULARITY].low, raw["constant"][POPULARITY].high) == (0, 0)


def test_the_order_of_users_changes_no_mean() -> None:
    cases = random_cases(n=150)  # more than one chunk
    model: dict[str, Recommender] = {"ids": Fixed.of({i: float(i % 37) for i in range(1, N + 1)})}
    forward, backward = report_of(model, cases).row("ids"), report_of(model, cases[::-1]).row("ids")
    for name, interval in forward.metrics.items():
        assert interval.mean == pytest.approx(backward.metrics[name].mean, rel=1e-12)
    assert (forward.coverage, forward.popularity) == (backward.coverage, backward.popularity)


def test_the_same_seed_gives_the_same_report_to_the_last_digit() -> None:
    cases = random_cases(n=20)
    models: dict[str, Recommender] = {"oracle": ByProfile.oracle(cases)}
    one, two, other = (report_of(models, cases, seed=seed).to_json() for seed in (3, 3, 4))
    assert one == two
    assert one != other


def test_another_model_beside_it_does_not_change_the_random_row() -> None:
    cases = random_cases(n=20)
    alone, beside = report_of({}, cases), report_of({"oracle": ByProfile.oracle(cases)}, cases)
    for name in METRICS:
        assert alone.row(RANDOM).metrics[name].mean == beside.row(RANDOM).metrics[name].mean


def test_a_report_is_plain_json_with_protocol_parameters_and_counts() -> None:
    cases = random_cases(n=4)
    plain = json.loads(json.dumps(report_of({"oracle": ByProfile.oracle(cases)}, cases).to_json(), allow_nan=False))
    assert plain["protocol"] == "planted"
    assert plain["parameters"] == {"users": 4}
    assert plain["cases"]["raw"] == 4
    assert plain["rows"][2]["model"] == "oracle"
    assert plain["rows"][2]["metrics"]["mrr"] == {"mean": 1, "low": 1, "high": 1, "n": 4}
    assert plain["differences"]["raw"]["oracle"]["popularity"]["n"] == 4


def test_items_that_the_catalogue_lacks_are_refused_with_their_number() -> None:
    with pytest.raises(InputError, match="lacks 2 of the 3 anime that stranger recommends"):
        report_of({"stranger": Fixed.of({1: 1.0, N + 1: 1.0, N + 2: 1.0})}, random_cases(n=2))


def test_progress_reaches_the_end_once_for_every_model() -> None:
    said: list[tuple[str, int, int]] = []
    run(
        {},
        Exam("", 1, {}, TRAIN, random_cases(n=150)),
        CATALOGUE,
        rng=np.random.default_rng(0),
        progress=lambda *a: said.append(a),
    )
    assert said == [(model, done, 150) for model in (RANDOM, POPULARITY) for done in (128, 150)]


def test_held_out_users_of_two_tastes_are_told_apart_by_nothing_but_their_input() -> None:
    # The whole path: half like 1..30, half 31..60; whoever knows the input's half finds the targets.
    scores = {u: {i: 9 for i in range(1, 61) if (i > 30) == (u % 2 == 1) and (i + u) % 3} for u in range(80)}
    split = held_out_users(dataset_of(scores, n=N), n_users=40, rng=np.random.default_rng(0))

    class Taste:
        items = np.arange(1, 61, dtype=np.int32)

        def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
            mean = np.array([np.mean(profile.anime_ids > 30) for profile in profiles])[:, np.newaxis]
            return np.where(self.items > 30, mean, 1 - mean).astype(np.float32)

    exam = Exam("", 1, {}, split.train, split.cases)
    report = run({"taste": Taste()}, exam, CATALOGUE, rng=np.random.default_rng(0), progress=silent)
    assert report.row("taste").metrics["recall@20"].mean == 1
    assert report.over_popularity["raw"]["taste"].low > 0


def test_case_by_case_is_what_the_report_averages() -> None:
    cases, rng = random_cases(n=40), np.random.default_rng(7)
    model = Fixed.of(dict(zip(range(1, N + 1), rng.random(N).tolist(), strict=True)))
    report = report_of({"fixed": model}, cases)
    for figure, found in case_by_case(model, cases, CATALOGUE).items():
        for metric in METRICS:
            assert np.nanmean(found.of(metric)) == pytest.approx(report.row("fixed", figure).metrics[metric].mean)


def test_a_case_without_a_target_under_a_figure_is_nan_and_rows_are_what_was_recommended() -> None:
    world = catalogue_of(4, franchises=[[1, 2]])
    model = Fixed.of({1: 0.1, 2: 0.9, 3: 0.5, 4: 0.7})
    found = case_by_case(model, [case([1], [2]), case([3], [4], user=2)], world)
    np.testing.assert_array_equal(found["raw"].of("ndcg@10"), [1, 1 / np.log2(3)])
    np.testing.assert_array_equal(found["unrelated"].of("ndcg@10"), [np.nan, 1 / np.log2(3)])
    assert found["raw"].rows[0, :4].tolist() == [1, 3, 2, -1]
    assert found["unrelated"].rows[0, :3].tolist() == [3, 2, -1]
