from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease
from recommenders.test_conformance import EASE, dense_likings, ease_by_definition
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


def variant_by_definition(data: Dataset, items: NDArray[np.int32], config: ease.EaseConfig) -> NDArray[np.float64]:
    """Moon et al. 2023 and Park et al. 2025 in double precision, user by user and title by title."""
    likings = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    n = len(items)
    gram = np.zeros((n, n))
    for of_user in likings:
        if of_user.any():
            gram += np.outer(of_user, of_user) * of_user.sum() ** -config.user_power
    penalty = config.l2 + config.dropout / (1 - config.dropout) * np.diag(gram)
    inverse = np.linalg.inv(gram + np.diag(penalty))
    weights = np.zeros((n, n))
    for j in range(n):
        free = np.eye(n)[j] - inverse[:, j] * penalty[j]  # ridge regression, unconstrained
        bound = np.eye(n)[j] - inverse[:, j] * (1 - config.slack) / inverse[j, j]
        weights[:, j] = free if free[j] <= config.slack else bound
        assert weights[j, j] <= config.slack + 1e-9
        for i in range(n):
            weights[i, j] *= (likings[:, i].sum() / likings[:, j].sum()) ** config.item_power if i != j else 0
    return weights


@pytest.mark.parametrize(
    "values", [{"slack": 0.3}, {"slack": 0.6, "item_power": 0.4}, {"user_power": 0.5, "l2": 1.0}, {"slack": 1.0}]
)
def test_the_published_variants_give_the_weights_of_their_papers(values: dict[str, float]) -> None:
    data, config = two_tastes(), replace(EASE, **values)  # type: ignore[arg-type]
    model = ease.fit_dense(data, config, RNG)
    np.testing.assert_allclose(model.weights, variant_by_definition(data, model.items, config), atol=2e-5)


def test_without_the_constraint_it_is_ridge_regression() -> None:
    data = two_tastes()
    model = ease.fit_dense(data, ease.EaseConfig(l2=2.0, dropout=0.0, min_likes=2, slack=1.0), RNG)
    likings = dense_likings(data)[:, np.isin(data.anime_ids, model.items)]
    ridge = np.linalg.solve(likings.T @ likings + 2.0 * np.eye(len(model.items)), likings.T @ likings)
    np.fill_diagonal(ridge, 0)
    np.testing.assert_allclose(model.weights, ridge, atol=1e-5)


def test_slack_makes_weights_smaller_and_turns_none_around() -> None:
    strict, slack = (ease.fit_dense(two_tastes(), replace(EASE, slack=s), RNG).weights for s in (0.0, 0.5))
    assert (np.abs(slack) <= np.abs(strict) + 1e-6).all()
    assert (slack * strict >= 0).all()


def a_title_that_all_like() -> Dataset:
    """Two tastes, and the title 25 that everybody likes."""
    tastes = two_tastes(users=400)
    scores: dict[int, dict[int, int]] = {}
    for user, item, score in zip(tastes.users, tastes.items, tastes.scores, strict=True):
        scores.setdefault(int(user), {25: 9})[int(tastes.anime_ids[item])] = int(score)
    return dataset_of(scores, n=25)


def test_item_power_moves_what_all_like_behind_what_fits_the_profile() -> None:
    profile = Profile.of_likes([2])
    places = []
    for item_power in (0.0, 0.8):
        config = ease.EaseConfig(l2=20.0, min_likes=2, item_power=item_power)
        model = ease.fit_dense(a_title_that_all_like(), config, RNG)
        scores = model.score([profile])[0]
        places.append(int((scores[model.items != 2] > scores[model.items == 25]).sum()))
    assert places[0] == 0
    assert places[1] > 0


def test_with_user_power_one_long_list_counts_like_a_short_one() -> None:
    long = {1: dict.fromkeys(range(1, 21), 9)}
    short = {user: {1: 9, 21: 9} for user in range(2, 4)}
    data = dataset_of(long | short, n=21)
    places = np.arange(21)
    plain, even = ease.gram_matrix(data, places), ease.gram_matrix(data, places, user_power=1.0)
    assert (plain[0, 1], plain[0, 20]) == (1, 2)
    np.testing.assert_allclose([even[0, 1], even[0, 20]], [1 / 20, 2 / 2], rtol=1e-6)
    np.testing.assert_array_equal(even, even.T)


@pytest.mark.parametrize("name", ["slack", "user_power", "item_power"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_variants_outside_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=r"in 0\.\.1"):
        ease.EaseConfig(**{name: value})  # type: ignore[arg-type]
