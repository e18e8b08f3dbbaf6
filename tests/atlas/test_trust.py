"""Trustworthiness and continuity, beside a definition that is slow and one of others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anirec.atlas import trust
from anirec.core.errors import InputError


def as_likeness(vectors: NDArray[np.float64]) -> trust.Likeness:
    def of(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        away = np.linalg.norm(vectors[rows][:, np.newaxis] - vectors, axis=2)
        likeness: NDArray[np.float32] = (-away).astype(np.float32)
        return likeness

    return of


def slow(vectors: NDArray[np.float64], xy: NDArray[np.float64], k: int) -> float:
    """The definition, word by word."""
    n, lost = len(xy), 0
    for i in range(n):
        alike = sorted((j for j in range(n) if j != i), key=lambda j: (np.linalg.norm(vectors[i] - vectors[j]), j))
        near = sorted((j for j in range(n) if j != i), key=lambda j: (np.linalg.norm(xy[i] - xy[j]), j))
        lost += sum(alike.index(j) + 1 - k for j in near[:k] if j not in alike[:k])
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * lost


@given(st.integers(0, 1000), st.integers(8, 24), st.integers(1, 3))
def test_it_is_what_the_definition_says_and_continuity_is_the_other_way_round(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, xy = rng.standard_normal((n, 5)), rng.standard_normal((n, 2)).astype(np.float32)
    found = trust.measure(as_likeness(vectors), {"map": xy}, np.arange(n), [k])["map"]
    assert found.trustworthiness[k] == pytest.approx(slow(vectors, xy.astype(np.float64), k))
    assert found.continuity[k] == pytest.approx(slow(xy.astype(np.float64), vectors, k))


def test_it_agrees_with_scikit_learn() -> None:
    manifold = pytest.importorskip("sklearn.manifold", reason="scikit-learn comes with the extra map")
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((120, 6))
    xy = (vectors[:, :2] + 0.4 * rng.standard_normal((120, 2))).astype(np.float32)
    found = trust.measure(as_likeness(vectors), {"map": xy}, np.arange(120), [5, 20])["map"]
    for k in (5, 20):
        assert found.trustworthiness[k] == pytest.approx(manifold.trustworthiness(vectors, xy, n_neighbors=k), abs=1e-6)


def test_the_same_space_is_perfect_and_chance_has_about_a_half() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((600, 2))
    layouts = {"same": vectors.astype(np.float32), "chance": rng.random((600, 2), dtype=np.float32)}
    found = trust.measure(as_likeness(vectors), layouts, np.arange(600), [10, 30])
    assert found["same"].trustworthiness == pytest.approx({10: 1.0, 30: 1.0}, abs=1e-3)
    for of in (found["chance"].trustworthiness, found["chance"].continuity):
        assert all(0.45 < value < 0.55 for value in of.values())


def test_some_titles_speak_for_all() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((500, 4))
    layouts = {"map": vectors[:, :2].astype(np.float32)}
    whole, some = (
        trust.measure(as_likeness(vectors), layouts, rows, [10])["map"].trustworthiness[10]
        for rows in (np.arange(500), np.arange(0, 500, 3))
    )
    assert some == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize(("k", "rows"), [(0, [0]), (6, [0]), (3, [])])
def test_what_cannot_be_measured_is_refused(k: int, rows: list[int]) -> None:
    xy = np.zeros((12, 2), np.float32)
    with pytest.raises(InputError, match="of 12 titles can be measured"):
        trust.measure(as_likeness(xy.astype(np.float64)), {"map": xy}, np.array(rows, np.int64), [k])
