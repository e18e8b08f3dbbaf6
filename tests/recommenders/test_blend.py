"""The blend: how parts are read and weighed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.recommenders import blend, popularity, readings
from worlds import catalogue_of

SIZES = np.array([1, 10, 100], dtype=np.float32)


@given(st.integers(0, 5000))
def test_between_two_sizes_weights_lie_between_theirs_and_outside_they_stay(size: int) -> None:
    mix = blend.mixture(SIZES, size)
    expected = np.array([np.interp(np.log1p(size), np.log1p(SIZES), row) for row in np.eye(3)])
    assert mix == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("reading", sorted(readings.READINGS))
def test_every_reading_has_the_views_that_it_says_and_keeps_the_order_of_scores(reading: str) -> None:
    scores = np.sort(np.random.default_rng(0).random(30).astype(np.float32))
    views = readings.READINGS[reading](scores)
    assert views.shape == (readings.VIEWS[reading], 30)
    assert views.dtype == np.float32
    assert np.isfinite(views).all()
    assert np.all(np.diff(views, axis=1) >= 0)


@pytest.mark.parametrize("reading", sorted(set(readings.READINGS) - {"standard"}))
def test_a_title_that_a_part_does_not_know_is_read_as_the_least_of_all(reading: str) -> None:
    scores = np.append(np.random.default_rng(0).random(30), 0).astype(np.float32)
    assert readings.READINGS[reading](scores).min(axis=1) == pytest.approx(0, abs=1e-6)


def test_logits_are_read_as_logarithms_and_as_roots_of_chances() -> None:
    scores = np.random.default_rng(0).normal(size=30).astype(np.float32)
    logs, roots = readings.READINGS["logits"](scores)
    chances = np.exp(scores) / np.exp(scores).sum()
    assert logs == pytest.approx(np.log(chances) - np.log(chances).min(), abs=1e-5)
    assert roots == pytest.approx(np.sqrt(chances) - np.sqrt(chances).min(), abs=1e-6)


@pytest.mark.parametrize("reading", sorted(readings.READINGS))
def test_a_part_without_items_can_be_read(reading: str) -> None:
    assert readings.READINGS[reading](np.empty(0, np.float32)).shape == (readings.VIEWS[reading], 0)


def floor(values: list[float]) -> popularity.Popularity:
    return popularity.Popularity(np.arange(1, len(values) + 1, dtype=np.int32), np.array(values, np.float32))


def two_parts() -> blend.Blend:
    weights = {"a": np.ones((3, 1), np.float32), "b": np.array([[0], [1], [2]], np.float32)}
    parts = {"a": floor([0.1, 0.2, 0.4]), "b": floor([0.4, 0.1])}
    return blend.Blend(parts, {"a": "share", "b": "share"}, blend.BlendWeights(SIZES, weights))


def test_scores_are_chances_and_products_of_powers() -> None:
    profile = Profile.of_likes(range(1, 11))
    a, b = np.array([0.1, 0.2, 0.4]) + 1e-5, np.array([0.4, 0.1, 0.0]) + 1e-5
    assert two_parts().score([profile])[0] == pytest.approx(a * b / (a * b).sum(), rel=1e-4)
    alone: NDArray[np.float64] = a / a.sum()
    assert two_parts().score([Profile.of_likes([1])])[0] == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"parts": ["a", "b", "c"]}, "missing"),
        ({"readings": {"a": "share"}}, "how each part's scores are to be read"),
        ({"readings": {"a": "share", "b": "guess"}}, "how each part's scores are to be read"),
        ({"readings": {"a": "share", "b": "liking"}}, "do not fit its sizes"),
    ],
)
def test_a_blend_that_does_not_fit_together_is_refused(damage: dict[str, object], message: str) -> None:
    whole = two_parts()
    state = whole.state()
    with pytest.raises(ValueError, match=message):
        blend.restore(State(state.kind, state.arrays, {**state.facts, **damage}), whole.parts, catalogue_of(3))
