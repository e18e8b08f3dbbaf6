from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.dataset import Dataset, from_rows
from anirec.recommenders import ease, slim, sparse_linear
from recommenders.test_conformance import EASE, ease_by_definition
from recommenders.test_conformance_linear import SLIM
from worlds import dataset_of, two_tastes

RNG = np.random.default_rng(0)
WIDE = slim.SlimConfig(k=1000, l2=EASE.l2, dropout=EASE.dropout, min_likes=EASE.min_likes)


def dense(model: sparse_linear.SparseLinear) -> NDArray[np.float64]:
    weights = np.zeros((len(model.items), len(model.items)))
    weights[np.repeat(np.arange(len(model.items)), np.diff(model.indptr)), model.targets] = model.weights
    return weights


def a_chain(users: int = 300, parts: int = 6) -> Dataset:
    """Three franchises of `parts` parts: who likes a part has liked the one before; few get to the end."""
    rng = np.random.default_rng(7)
    scores: dict[int, dict[int, int]] = {}
    for user in range(users):
        first = 1 + parts * int(rng.integers(3))
        scores[user] = {first + part: 9 for part in range(int(rng.integers(1, parts + 1)))} | {19: 9}
    return dataset_of(scores, n=19)


def test_with_all_other_titles_as_sources_it_is_ease() -> None:
    data = two_tastes()
    model = slim.fit(data, WIDE, RNG)
    np.testing.assert_allclose(dense(model), ease_by_definition(data, model.items), atol=1e-5)


def test_the_more_sources_the_nearer_to_ease() -> None:
    data = two_tastes(users=400)
    exact = ease_by_definition(data, slim.fit(data, WIDE, RNG).items)
    far = [np.abs(dense(slim.fit(data, replace(WIDE, k=k), RNG)) - exact).sum() for k in (1, 4, 12, 22)]
    assert far == sorted(far, reverse=True)
    assert far[-1] < 0.2 * far[0]


def test_the_next_part_comes_first_although_all_like_another_title() -> None:
    model = slim.fit(a_chain(), slim.SlimConfig(k=3, l2=1.0, dropout=0.1), RNG)
    scores = dict(zip(model.items.tolist(), model.score([Profile.of_likes([7, 8])])[0].tolist(), strict=True))
    assert max(set(scores) - {7, 8, 19}, key=scores.__getitem__) == 9


def test_no_title_speaks_for_itself() -> None:
    assert not np.diagonal(dense(slim.fit(two_tastes(), WIDE, RNG))).any()


def test_only_the_most_liked_titles_speak_and_all_are_spoken_for() -> None:
    data = two_tastes()
    model = slim.fit(data, replace(SLIM, max_sources=6, k=6), RNG)
    speaking = model.items[np.diff(model.indptr) > 0]
    likes = data.like_counts()[np.searchsorted(data.anime_ids, model.items)]
    assert set(speaking.tolist()) == set(model.items[np.argsort(-likes, kind="stable")[:6]].tolist())
    assert len(np.unique(model.targets)) == len(model.items)


def test_targets_worked_on_in_several_blocks_get_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dense(slim.fit(two_tastes(), SLIM, RNG))
    monkeypatch.setattr(slim, "BLOCK", 7)
    monkeypatch.setattr(slim, "CELLS", 60)
    np.testing.assert_allclose(dense(slim.fit(two_tastes(), SLIM, RNG)), whole, atol=1e-6)


def test_a_large_catalogue_is_fitted_without_a_matrix_of_all_pairs() -> None:
    n = 30_000  # all pairs would be 3,600 MB
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(n), 4)
    likes = np.concatenate([[i, i + 1, (i + 2) % n, int(rng.integers(50))] for i in range(n)]) % n + 1
    pairs = np.unique(np.stack([users, likes]), axis=1)
    data = from_rows(users=pairs[0], anime=pairs[1].astype(np.int32), scores=np.full(pairs.shape[1], 9, np.int8))
    tracemalloc.start()
    model = slim.fit(data, slim.SlimConfig(k=5, l2=1.0, min_likes=1, max_sources=200), RNG)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(model.items) == n
    assert peak < 200e6


@pytest.mark.parametrize("scores", [{1: {1: 3}}, {1: {1: 9}}])
def test_a_world_of_at_most_one_liked_title_leaves_nothing_to_say(scores: dict[int, dict[int, int]]) -> None:
    model = slim.fit(dataset_of(scores), replace(SLIM, min_likes=1), RNG)
    assert not model.score([Profile.of_likes([1])]).any()


def test_contributions_sum_to_the_score() -> None:
    model = slim.fit(two_tastes(), SLIM, RNG)
    profile = Profile.of([Entry(2, 9), Entry(5, 3), Entry(13, 6), Entry(999, 9)])
    parts = model.contributions(profile, model.items)
    np.testing.assert_allclose(parts.sum(axis=0), model.score([profile])[0], atol=1e-5)
    assert not parts[profile.anime_ids == 999].any()
    assert not model.contributions(profile, np.array([12345], np.int32)).any()


def test_ease_and_slim_put_the_same_titles_first_in_a_small_world() -> None:
    data = a_chain()
    whole = ease.fit_dense(data, ease.EaseConfig(l2=1.0, dropout=0.1), RNG)
    few = slim.fit(data, slim.SlimConfig(k=4, l2=1.0, dropout=0.1), RNG)
    for liked in ([1], [1, 2], [7, 8, 9], [13]):
        one, two = (np.argsort(-m.score([Profile.of_likes(liked)])[0])[:3] for m in (whole, few))
        assert len(set(one) & set(two)) >= 2


def test_a_penalty_too_small_for_single_precision_is_refused_with_advice() -> None:
    data = dataset_of({user: dict.fromkeys(range(1, 4), 9) for user in range(3000)})
    with pytest.raises(ValueError, match="raise l2"):
        slim.fit(data, slim.SlimConfig(l2=1e-6, dropout=0.0), RNG)


def test_the_same_data_give_the_same_bytes() -> None:
    one, two = (slim.fit(two_tastes(), SLIM, RNG).weights.tobytes() for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    "values",
    [{"k": 0}, {"l2": 0.0}, {"l2": float("nan")}, {"dropout": 1.0}, {"min_likes": 0}, {"max_sources": 0}],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="SLIM"):
        slim.SlimConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["items", "indptr", "targets", "weights"])
def test_arrays_that_do_not_fit_together_are_refused(name: str) -> None:
    state = slim.fit(two_tastes(), SLIM, RNG).state()
    broken = replace(state, arrays={**state.arrays, name: state.arrays[name][:-1]})
    with pytest.raises(ValueError, match="sparse linear"):
        sparse_linear.restore(broken)


def test_targets_that_are_not_there_are_refused() -> None:
    state = slim.fit(two_tastes(), SLIM, RNG).state()
    broken = replace(state, arrays={**state.arrays, "targets": state.arrays["targets"] + 1})
    with pytest.raises(ValueError, match="does not have"):
        sparse_linear.restore(broken)
