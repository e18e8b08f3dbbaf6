"""What lists are like besides right: each measure on lists worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anirec.evaluate import beyond, metrics
from anirec.evaluate.beyond import World, flags, shared

NONE = np.empty(0, dtype=np.int64)


def rows(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def world(**changed: object) -> World:
    """Four titles: 0 and 1 drama, 2 comedy, 3 both; liked by 8, 4, 1 and none of 8 users."""
    facts: dict[str, object] = {
        "likes": rows(8, 4, 1, 0),
        "n_users": 8,
        "genres": shared(np.array([[1, 0], [1, 0], [0, 1], [1, 1]])),
        "eras": shared(np.array([[1, 0], [1, 0], [0, 1], [0, 0]])),
        "given": flags([rows(0)], 4),
        "disliked": flags([NONE], 4),
        "dropped": flags([NONE], 4),
    }
    return World(**(facts | changed))  # type: ignore[arg-type]


def test_novelty_is_the_surprise_in_bits_that_somebody_likes_a_title() -> None:
    tops = np.array([[0, 1], [2, -1], [3, -1], [-1, -1]])
    np.testing.assert_allclose(beyond.novelty(tops, world()), [(0 + 1) / 2, 3, 3, np.nan])


def test_diversity_is_one_less_the_mean_cosine_of_two_titles() -> None:
    tops = np.array([[0, 1, -1], [0, 2, -1], [0, 2, 3], [0, -1, -1]])
    alike = 1 / np.sqrt(2)  # of 3 with 0 and with 2
    np.testing.assert_allclose(beyond.diversity(tops, world()), [0, 1, 1 - (0 + 2 * alike) / 3, np.nan], atol=1e-6)


def test_a_list_like_the_profile_is_calibrated_and_another_is_not() -> None:
    given = flags([rows(0), rows(0, 2), rows(0), NONE], 4)
    tops = np.array([[0, 1], [3, -1], [2, -1], [0, 1]])
    found = beyond.miscalibration(tops, world(given=given), world().genres)
    # One genre only, and none of it on the list: KL of (1, 0) against 0.99 (0, 1) + 0.01 (1, 0).
    np.testing.assert_allclose(found, [0, 0, np.log(1 / 0.01), np.nan], atol=1e-9)


def test_calibration_by_era_leaves_out_what_has_no_year() -> None:
    found = beyond.miscalibration(np.array([[1, 3]]), world(), world().eras)
    assert found == pytest.approx([0])


@given(st.integers(0, 2**32 - 1))
def test_calibration_is_steck_s_sum_over_the_traits_of_the_profile(seed: int) -> None:
    rng = np.random.default_rng(seed)
    traits = shared(rng.random((12, 4)) < 0.4)
    given = [rng.choice(12, size=rng.integers(0, 6), replace=False) for _ in range(3)]
    tops = rng.integers(-1, 12, size=(3, 5))
    tops = np.stack([np.where(np.isin(np.arange(5), np.unique(top, return_index=True)[1]), top, -1) for top in tops])
    for own, top, found in zip(
        given, tops, beyond.miscalibration(tops, world(given=flags(given, 12)), traits), strict=True
    ):
        p, q = traits[own].sum(axis=0), traits[top[top >= 0]].sum(axis=0)
        if p.sum() and q.sum():
            p, q = p / p.sum(), q / q.sum()
            slow = sum(a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a > 0)
            assert found == pytest.approx(slow, abs=1e-5)
            assert found >= -1e-6
        else:
            assert np.isnan(found)


def test_lift_compares_with_what_is_given() -> None:
    tops = np.array([[0, -1], [0, 2], [0, -1], [0, -1]])
    found = beyond.lift(tops, world(given=flags([rows(1), rows(0, 2), NONE, rows(3)], 4)))
    np.testing.assert_allclose(found, [1, 0, np.nan, np.nan])  # nobody likes 3: twice nothing is not known


def test_the_rate_of_what_is_unwanted_is_of_all_places() -> None:
    found = beyond.rate(np.array([[0, 1], [0, -1], [2, 3]]), flags([rows(1), rows(3), NONE], 4))
    np.testing.assert_allclose(found, [1 / 2, 0, np.nan])


def test_gini_of_even_lists_is_nothing_and_of_one_title_for_all_nearly_everything() -> None:
    assert metrics.gini(np.arange(8).reshape(4, 2), 8) == pytest.approx(0)
    assert metrics.gini(np.zeros((5, 1), dtype=np.int64), 100) == pytest.approx(0.99)
    assert metrics.gini(np.full((3, 2), -1), 10) == 0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_gini_is_half_the_mean_difference_over_the_mean(shown: list[int]) -> None:
    counts = np.bincount(shown, minlength=10)
    slow = np.abs(counts[:, np.newaxis] - counts).mean() / (2 * counts.mean())
    assert metrics.gini(np.array([shown]), 10) == pytest.approx(slow)
