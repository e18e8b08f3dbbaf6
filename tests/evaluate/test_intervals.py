from __future__ import annotations

import itertools

import numpy as np
import pytest

from anirec.evaluate import intervals
from anirec.evaluate.intervals import Interval, bootstrap, holm, sign_flips


def test_intervals_of_normal_samples_hold_the_known_mean_95_times_in_100() -> None:
    rng = np.random.default_rng(11)
    samples = rng.normal(0.3, 0.2, size=(100, 500))  # 500 samples of 100 users
    held = 0
    for sample in samples.T:
        interval = bootstrap(sample[:, np.newaxis], rng, resamples=400)[0]
        held += interval.low <= 0.3 <= interval.high
    assert 0.92 <= held / 500 <= 0.97  # 95 % give or take two standard errors; the bootstrap is a little narrow


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(2).normal(size=(400, 1))
    interval = bootstrap(values, np.random.default_rng(3))[0]
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(400), rel=0.06)


def test_the_paired_interval_is_narrower_where_two_systems_agree() -> None:
    rng = np.random.default_rng(4)
    users = rng.normal(0.4, 0.3, size=300)
    one, two = users + rng.normal(0.05, 0.03, 300), users + rng.normal(0, 0.03, 300)
    paired = bootstrap((one - two)[:, np.newaxis], rng)[0]
    unpaired = bootstrap((one - rng.permutation(two))[:, np.newaxis], rng)[0]
    assert paired.high - paired.low < 0.25 * (unpaired.high - unpaired.low)
    assert paired.mean == pytest.approx(unpaired.mean)


def test_all_columns_are_resampled_alike() -> None:
    values = np.random.default_rng(5).random((50, 2))
    columns = np.column_stack([values, values[:, 0] - values[:, 1], values[:, 0] + 1])
    one, _, difference, shifted = bootstrap(columns, np.random.default_rng(6))
    assert shifted.low == pytest.approx(one.low + 1)
    assert shifted.high == pytest.approx(one.high + 1)
    assert difference.mean == pytest.approx((values[:, 0] - values[:, 1]).mean())


def test_the_mean_is_that_of_the_values_not_of_the_resamples() -> None:
    values = np.array([[0.0], [0.5], [1.0]])
    assert bootstrap(values, np.random.default_rng(0), resamples=10)[0].mean == 0.5


def test_users_who_are_all_alike_leave_no_doubt() -> None:
    interval = bootstrap(np.full((40, 1), 0.25), np.random.default_rng(0))[0]
    assert (interval.mean, interval.n) == (0.25, 40)
    assert interval.low == pytest.approx(0.25)
    assert interval.high == pytest.approx(0.25)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(8).random((60, 3))
    assert bootstrap(values, np.random.default_rng(1)) == bootstrap(values, np.random.default_rng(1))


def test_drawing_in_small_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(8).random((60, 3))
    whole = bootstrap(values, np.random.default_rng(1))
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 60 * 7)
    parts = bootstrap(values, np.random.default_rng(1))
    for a, b in zip(whole, parts, strict=True):
        assert (a.low, a.high) == pytest.approx((b.low, b.high))


def test_a_wider_level_gives_a_wider_interval() -> None:
    values = np.random.default_rng(8).random((60, 1))
    narrow = bootstrap(values, np.random.default_rng(1), level=0.5)[0]
    wide = bootstrap(values, np.random.default_rng(1), level=0.99)[0]
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_an_interval_reads_as_mean_and_bounds() -> None:
    assert str(Interval(mean=0.512, low=0.501, high=0.5234, n=9)) == "0.5120 [0.5010, 0.5234]"


def test_two_systems_that_differ_by_chance_alone_are_called_different_5_times_in_100() -> None:
    rng = np.random.default_rng(12)
    p = sign_flips(rng.normal(0, 0.2, size=(60, 400)), rng, flips=400)
    assert 0.03 <= (p <= 0.05).mean() <= 0.075


def test_the_chance_of_a_difference_is_what_counting_every_pattern_of_signs_gives() -> None:
    values = np.array([0.5, 0.25, 0.75, -0.125, 0.3])
    every = np.array(list(itertools.product([-1, 1], repeat=5)))
    exact = (np.abs(every @ values) >= abs(values.sum()) - 1e-9).mean()
    found = sign_flips(values[:, np.newaxis], np.random.default_rng(0), flips=40_000)[0]
    assert found == pytest.approx(exact, abs=0.01)


def test_no_difference_at_all_is_no_evidence() -> None:
    assert sign_flips(np.zeros((20, 1)), np.random.default_rng(0), flips=50)[0] == 1


def test_many_tests_at_once_are_corrected_as_holm_says() -> None:
    # By hand: .01 x 4, .015 x 3 = .045, .03 x 2 = .06, and .04 may not fall below it.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.015])), [0.06, 0.04, 0.06, 0.045])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1, 1])
