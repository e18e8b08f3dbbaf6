from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.recommenders import ease
from recommenders.test_conformance import EASE, ease_by_definition
from worlds import dataset_of, two_tastes

RNG = np.random.default_rng(0)


def test_dense_weights_are_those_of_the_paper() -> None:
    data = two_tastes()
    model = ease.fit_dense(data, EASE, RNG)
    np.testing.assert_allclose(model.weights, ease_by_definition(data, model.items), atol=1e-5)


def test_a_matrix_too_large_for_one_piece_is_inverted_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    data = two_tastes()
    monkeypatch.setattr(ease, "WHOLE", 7)
    model = ease.fit_dense(data, EASE, RNG)
    np.testing.assert_allclose(model.weights, ease_by_definition(data, model.items), atol=1e-5)


def test_no_title_speaks_for_itself() -> None:
    assert not np.diagonal(ease.fit_dense(two_tastes(), EASE, RNG).weights).any()


def test_with_more_titles_than_one_block_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ease.fit(two_tastes(), EASE, RNG)
    monkeypatch.setattr(ease, "BLOCK", 7)
    blocks = ease.fit(two_tastes(), EASE, RNG)
    np.testing.assert_array_equal(whole.steps, blocks.steps)
    np.testing.assert_array_equal(whole.targets, blocks.targets)
    np.testing.assert_allclose(whole.scales, blocks.scales, rtol=1e-5)


def test_people_of_one_taste_are_recommended_their_own_kind() -> None:
    model = ease.fit(two_tastes(users=2000), EASE, RNG)
    scores = model.score([Profile.of_likes([2, 5])])[0]
    own = np.isin(model.items, [1, 3, 4, 6, 7, 8, 9, 10])
    other = (model.items >= 11) & (model.items <= 20)
    assert scores[own].min() > scores[other].max()


def test_a_disliked_title_moves_its_kind_down() -> None:
    model = ease.fit(two_tastes(), EASE, RNG)
    liked = model.score([Profile.of_likes([2])])[0]
    torn = model.score([Profile.of([Entry(2), Entry(3, 1)])])[0]
    neighbour = model.items == 5
    assert torn[neighbour] < liked[neighbour]


def test_titles_with_too_few_likes_are_left_out() -> None:
    data = dataset_of({1: {1: 9, 2: 9}, 2: {1: 9, 2: 8}, 3: {1: 8, 3: 9}})
    model = ease.fit(data, ease.EaseConfig(min_likes=2), RNG)
    assert model.items.tolist() == [1, 2]


def test_only_the_most_liked_titles_are_fitted_where_memory_is_bounded() -> None:
    data = dataset_of({1: {1: 9, 2: 9, 3: 9}, 2: {2: 9, 3: 8}, 3: {2: 8}})
    model = ease.fit(data, ease.EaseConfig(min_likes=1, max_items=2), RNG)
    assert model.items.tolist() == [2, 3]


WEIGHTS = np.array([[0, 0.5, 0.1, 0.4], [0.3, 0, 0.6, 0.4], [0.2, -0.9, 0, 0.4], [0.1, 0.1, 0.1, 0]], dtype=np.float32)


def pruned(likes: list[int], **settings: int) -> NDArray[np.float64]:
    dense = ease.DenseEase(items=np.array([1, 2, 3, 4], np.int32), weights=WEIGHTS.copy())
    model = ease.prune(dense, np.array(likes), ease.EaseConfig(**settings))
    kept = np.zeros((4, 4))
    for source in range(4):
        block = slice(model.indptr[source], model.indptr[source + 1])
        kept[source, model.targets[block]] = model.steps[block] * model.scales[model.targets[block]]
    return kept


def test_pruning_keeps_the_weights_that_matter_most_whatever_their_target() -> None:
    kept = pruned([100, 100, 100, 100], keep=1, keep_least=1)
    wanted = np.array([[0, 0.5, 0, 0.4], [0.3, 0, 0.6, 0.4], [0, -0.9, 0, 0.4], [0, 0, 0, 0]])  # ties at 0.4 all stay
    np.testing.assert_allclose(kept, wanted, atol=0.005)


def test_pruning_keeps_the_least_number_for_each_target_and_prefers_what_is_often_used() -> None:
    kept = pruned([100, 100, 1, 100], keep=1, keep_least=2)
    # The largest weight of the second target, -0.9, comes from a title that hardly anybody has: it goes.
    np.testing.assert_allclose(kept[:, 0], [0, 0.3, 0, 0.1], atol=0.003)
    np.testing.assert_allclose(kept[:, 1], [0.5, 0, 0, 0.1], atol=0.003)


def test_pruning_that_keeps_everything_loses_only_the_rounding() -> None:
    kept = pruned([5, 100, 1, 20], keep=100, keep_least=100)
    np.testing.assert_allclose(kept, WEIGHTS, atol=0.5 * 0.9 / 127 + 1e-6)


def test_contributions_sum_to_the_score() -> None:
    model = ease.fit(two_tastes(), EASE, RNG)
    profile = Profile.of([Entry(2, 9), Entry(5, 3), Entry(13, 6), Entry(999, 9)])
    parts = model.contributions(profile, model.items)
    assert parts.shape == (4, len(model.items))
    np.testing.assert_allclose(parts.sum(axis=0), model.score([profile])[0], atol=1e-5)
    assert not parts[profile.anime_ids == 999].any()


def test_contributions_to_an_unknown_title_are_zero() -> None:
    model = ease.fit(two_tastes(), EASE, RNG)
    assert not model.contributions(Profile.of_likes([2, 5]), np.array([12345], np.int32)).any()


@pytest.mark.parametrize(
    "values",
    [
        {"l2": 0.0},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"min_likes": 0},
        {"keep": 0},
        {"keep_least": 0},
        {"max_items": 70_000},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="EASE"):
        ease.EaseConfig(**values)  # type: ignore[arg-type]


def test_a_penalty_too_small_for_single_precision_is_refused_with_advice() -> None:
    data = dataset_of({user: dict.fromkeys(range(1, 8), 9) for user in range(3000)})
    with pytest.raises(ValueError, match=r"not positive definite .* raise l2"):
        ease.fit(data, ease.EaseConfig(l2=1e-6, dropout=0.0), RNG)


def test_the_same_data_give_the_same_bytes() -> None:
    one, two = (ease.fit(two_tastes(), EASE, RNG).state().arrays for _ in range(2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    state = ease.fit(two_tastes(), EASE, RNG).state()
    broken = type(state)(kind="ease", arrays={**state.arrays, "steps": state.arrays["steps"][:-1]})
    with pytest.raises(ValueError, match="do not fit"):
        ease.restore(broken)
