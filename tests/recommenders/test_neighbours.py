from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import neighbours
from recommenders.test_conformance_linear import ITEM_KNN, USER_KNN
from worlds import dataset_of, two_tastes

RNG = np.random.default_rng(0)


def similarity(data: Dataset, one: int, other: int, shrink: float) -> float:
    model = neighbours.fit_items(data, neighbours.ItemKnnConfig(k=50, shrink=shrink, min_likes=1), RNG)
    return float(model.contributions(Profile.of_likes([one]), np.array([other], np.int32))[0, 0])


def a_sequel_and_a_title_that_all_like() -> Dataset:
    """Everybody likes 1; twenty like 2 and its sequel 3; 4 and 5 are liked together by one person only."""
    rest = {user: {1: 9} | ({6: 9} if user % 2 else {7: 9}) for user in range(100)}
    for user in range(20):
        rest[user] |= {2: 9, 3: 9}
    rest[20] |= {4: 9, 5: 9}
    return dataset_of(rest)


def test_the_sequel_comes_before_a_title_that_all_like() -> None:
    data = a_sequel_and_a_title_that_all_like()
    assert similarity(data, 2, 3, shrink=0) == pytest.approx(1)
    assert similarity(data, 2, 1, shrink=0) == pytest.approx(20 / np.sqrt(20 * 100))
    assert similarity(data, 2, 3, shrink=5) > similarity(data, 2, 1, shrink=5)


def test_one_person_is_believed_by_the_plain_cosine_and_not_by_the_shrunk_one() -> None:
    data = a_sequel_and_a_title_that_all_like()
    assert similarity(data, 4, 5, shrink=0) == pytest.approx(similarity(data, 2, 3, shrink=0))
    assert similarity(data, 4, 5, shrink=10) == pytest.approx(1 / 11)
    assert similarity(data, 2, 3, shrink=10) == pytest.approx(20 / 30)


def test_each_title_keeps_its_k_nearest_and_not_itself() -> None:
    model = neighbours.fit_items(two_tastes(), replace(ITEM_KNN, k=3), RNG)
    assert np.bincount(model.targets).max() == 3
    sources = np.repeat(np.arange(len(model.items)), np.diff(model.indptr))
    assert not (sources == model.targets).any()


def test_items_worked_on_in_several_blocks_have_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = neighbours.fit_items(two_tastes(), ITEM_KNN, RNG)
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    blocks = neighbours.fit_items(two_tastes(), ITEM_KNN, RNG)
    np.testing.assert_array_equal(whole.targets, blocks.targets)
    np.testing.assert_allclose(whole.weights, blocks.weights, rtol=1e-6)


def test_a_world_of_one_title_has_no_neighbours() -> None:
    model = neighbours.fit_items(dataset_of({1: {1: 9}}), neighbours.ItemKnnConfig(min_likes=1, shrink=0), RNG)
    assert model.score([Profile.of_likes([1])]).tolist() == [[0.0]]


def test_a_disliked_title_moves_its_neighbours_down() -> None:
    model = neighbours.fit_items(two_tastes(), replace(ITEM_KNN, k=20), RNG)
    liked, torn = model.score([Profile.of_likes([2]), Profile.of([Entry(2), Entry(3, 1)])])
    assert torn[model.items == 5] < liked[model.items == 5]


def test_neighbours_among_users_are_of_the_own_taste() -> None:
    model = neighbours.fit_users(two_tastes(users=400), replace(USER_KNN, k=30), RNG)
    scores = model.score([Profile.of_likes([2, 5, 6])])[0]
    own, other = np.isin(model.items, [1, 3, 4, 7, 8, 9, 10]), (model.items >= 11) & (model.items <= 20)
    assert scores[own].min() > scores[other].max()


def test_only_the_nearest_k_users_speak() -> None:
    data = dataset_of({1: {1: 9, 2: 9, 3: 9}, 2: {1: 9, 2: 9, 4: 9}, 3: {1: 9, 5: 9, 6: 9, 7: 9}})
    config = neighbours.UserKnnConfig(k=2, shrink=0, min_list=1, min_likes=1)
    scores = neighbours.fit_users(data, config, RNG).score([Profile.of_likes([1, 2])])[0]
    assert scores.tolist() == pytest.approx([1, 1, 0.5, 0.5, 0, 0, 0])


def test_sharpness_lets_the_nearest_count_for_more() -> None:
    data = dataset_of({1: {1: 9, 2: 9, 3: 9}, 2: {1: 9, 4: 9, 5: 9}})
    ratios = []
    for sharpness in (0.0, 1.0, 2.0):
        config = neighbours.UserKnnConfig(shrink=0, sharpness=sharpness, min_list=1, min_likes=1)
        scores = neighbours.fit_users(data, config, RNG).score([Profile.of_likes([1, 2])])[0]
        ratios.append(float(scores[2] / scores[3]))
    assert ratios == pytest.approx([1, 2, 4])


def test_a_profile_with_nothing_in_common_with_anybody_is_scored_zero() -> None:
    data = dataset_of({1: {1: 9, 2: 9}, 2: {1: 9, 3: 9}, 3: {4: 2}})
    model = neighbours.fit_users(data, neighbours.UserKnnConfig(shrink=0, min_list=1, min_likes=1), RNG)
    assert not model.score([Profile.of_likes([4, 77]), Profile.of([Entry(1, 1)])]).any()


def test_at_most_so_many_users_are_kept_and_none_with_a_short_list() -> None:
    lists = {user: dict.fromkeys(range(1, 4 if user < 10 else 9), 9) for user in range(40)}
    config = neighbours.UserKnnConfig(max_users=12, min_list=5, min_likes=1)
    model = neighbours.fit_users(dataset_of(lists), config, RNG)
    assert np.diff(model.indptr).tolist() == [8] * 12


def test_users_with_long_lists_are_drawn_more_often() -> None:
    lists = {user: dict.fromkeys(range(1, 41 if user < 200 else 11), 9) for user in range(400)}
    config = neighbours.UserKnnConfig(max_users=100, min_likes=1)
    model = neighbours.fit_users(dataset_of(lists), config, np.random.default_rng(5))
    long = int((np.diff(model.indptr) == 40).sum())
    assert 70 < long < 95  # four to one, a little less as they are used up


def test_the_state_holds_no_user_id_and_no_order_of_users() -> None:
    ids = [900_001 + 13 * user for user in range(30)]
    lists = {user: {1: 9} | {place + 2: 9} for place, user in enumerate(ids)}
    config = neighbours.UserKnnConfig(min_list=1, min_likes=1)
    arrays = neighbours.fit_users(dataset_of(lists), config, np.random.default_rng(0)).state().arrays
    assert set(arrays) == {"items", "indptr", "places", "likings"}
    assert max(int(array.max()) for array in arrays.values()) < 900_001
    own = arrays["places"][arrays["places"] > 0]
    assert sorted(own.tolist()) == list(range(1, 31)) != own.tolist()


def test_the_same_seed_keeps_the_same_users_and_another_others() -> None:
    config = replace(USER_KNN, max_users=10)
    one, two, other = (
        neighbours.fit_users(two_tastes(), config, np.random.default_rng(seed)).places.tobytes() for seed in (1, 1, 2)
    )
    assert one == two != other


def test_without_users_to_keep_it_is_refused_with_advice() -> None:
    with pytest.raises(InputError, match="lower min_list"):
        neighbours.fit_users(dataset_of({1: {1: 9}}), neighbours.UserKnnConfig(min_likes=1), RNG)


@pytest.mark.parametrize(
    "values", [{"k": 0}, {"shrink": -1.0}, {"shrink": float("nan")}, {"min_likes": 0}, {"max_items": 0}]
)
def test_settings_of_item_knn_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="item-kNN"):
        neighbours.ItemKnnConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [{"k": 0}, {"shrink": -1.0}, {"sharpness": -1.0}, {"sharpness": float("nan")}, {"max_users": 0}, {"min_list": 0}],
)
def test_settings_of_user_knn_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="user-kNN"):
        neighbours.UserKnnConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["items", "indptr", "places", "likings"])
def test_lists_that_do_not_fit_together_are_refused(name: str) -> None:
    state = neighbours.fit_users(two_tastes(), USER_KNN, RNG).state()
    broken = replace(state, arrays={**state.arrays, name: state.arrays[name][:-1]})
    with pytest.raises(ValueError, match="user-kNN"):
        neighbours.restore_users(broken)
