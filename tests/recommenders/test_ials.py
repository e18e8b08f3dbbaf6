from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import ials
from recommenders.test_conformance import dense_likings
from recommenders.test_conformance_linear import IALS, ials_by_definition
from worlds import dataset_of, two_tastes


def fitted(data: Dataset, **settings: float) -> ials.Ials:
    return ials.fit(data, replace(IALS, **settings), np.random.default_rng(0))  # type: ignore[arg-type]


def loss(data: Dataset, titles: NDArray[np.float64], model: ials.Ials) -> float:
    """What is minimised, cell by cell, with the best vectors of the users."""
    config = model.config
    likings = dense_likings(data)[:, np.isin(data.anime_ids, model.items)]
    users = np.array([model.vector(data.profile(user)) for user in range(data.n_users)], dtype=np.float64)
    products = users @ titles.T
    of_users = (likings.sum(axis=1) + config.alpha * len(titles)) ** config.nu
    of_titles = (likings.sum(axis=0) + config.alpha * len(users)) ** config.nu
    penalty = of_users @ (users**2).sum(axis=1) + of_titles @ (titles**2).sum(axis=1)
    return float((likings * (products - 1) ** 2).sum() + config.alpha * (products**2).sum() + config.l2 * penalty)


def only_liked(data: Dataset) -> Dataset:
    return data.where(data.liking > 0)


def test_every_epoch_lowers_the_loss() -> None:
    data = only_liked(two_tastes())
    losses = []
    for epochs in range(1, 7):
        model = fitted(data, epochs=epochs)
        losses.append(loss(data, model.titles.vectors.astype(np.float64), model))
    assert np.all(np.diff(losses) < 0)


def test_the_first_vectors_rebuild_a_matrix_of_few_directions() -> None:
    rng = np.random.default_rng(1)
    likings = rng.uniform(0, 1, (60, 3)) @ rng.uniform(0, 1, (3, 25))
    first = ials.first_vectors(sparse.csr_array(likings.astype(np.float32)), 3, rng).astype(np.float64)
    directions, sizes, _ = np.linalg.svd(likings)
    expected = (directions[:, :3] * sizes[:3]) @ directions[:, :3].T  # which no turn and no sign changes
    np.testing.assert_allclose(first @ first.T, expected, atol=1e-4)


def test_more_directions_than_titles_leave_the_rest_at_zero() -> None:
    first = ials.first_vectors(sparse.csr_array(np.eye(3, dtype=np.float32)), 5, np.random.default_rng(0))
    np.testing.assert_allclose(first @ first.T, np.eye(3), atol=1e-5)
    assert not first[:, 3:].any()


def test_titles_of_the_own_taste_come_before_those_of_the_other() -> None:
    model = fitted(two_tastes(users=400), d=4)
    scores = model.score([Profile.of_likes([2, 5])])[0]
    own, other = np.isin(model.items, [1, 3, 4, 6, 7, 8, 9, 10]), (model.items >= 11) & (model.items <= 20)
    assert scores[own].min() > scores[other].max()


def test_titles_that_nobody_likes_both_are_near_through_what_is_liked_with_each() -> None:
    # 1 and 3 are never on one list; both are liked with 2. A model of pairs alone says nothing of 1 to 3.
    pairs = {user: {1: 9, 2: 9} if user % 2 else {2: 9, 3: 9} for user in range(40)}
    others = {user: {4: 9, 5: 9} for user in range(40, 80)}
    model = fitted(dataset_of(pairs | others), d=2)
    scores = dict(zip(model.items.tolist(), model.score([Profile.of_likes([1])])[0].tolist(), strict=True))
    assert scores[3] > 0.2 > max(scores[4], scores[5])


def test_a_disliked_title_moves_its_kind_down() -> None:
    model = fitted(two_tastes())
    liked, torn = model.score([Profile.of_likes([2]), Profile.of([Entry(2), Entry(3, 1)])])
    assert torn[model.items == 5] < liked[model.items == 5]


@pytest.mark.parametrize("cells", [1, 40, 2**22])
def test_blocks_of_any_size_give_the_same_vectors(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = two_tastes()
    monkeypatch.setattr(ials, "CELLS", cells)
    model = fitted(data)
    expected = ials_by_definition(data, model.items, IALS)
    products = model.titles.vectors @ model.titles.vectors.T  # which no turn of the axes changes
    np.testing.assert_allclose(products, expected @ expected.T, atol=1e-4)


@pytest.mark.parametrize("length", [2, 6, 11])
def test_a_short_list_solved_in_its_own_size_gets_the_vector_of_a_long_one(length: int) -> None:
    rng = np.random.default_rng(1)
    side = ials.on_own_axes(rng.normal(size=(30, 6)).astype(np.float32))
    places = np.sort(rng.permutation(30)[:length])[np.newaxis]
    weights = rng.uniform(0.2, 1, (1, length)).astype(np.float32)
    targets = rng.choice([-1, 1], (1, length)).astype(np.float32)
    padding = ((0, 0), (0, 12 - length))
    short = side.solve(weights, targets, places, IALS)
    long = side.solve(np.pad(weights, padding), np.pad(targets, padding), np.pad(places, padding), IALS)
    np.testing.assert_allclose(short, long, atol=1e-4)


def test_users_without_likes_and_titles_below_the_threshold_are_no_trouble() -> None:
    model = fitted(dataset_of({1: {1: 9, 2: 9}, 2: {1: 9, 2: 8}, 3: {3: 2}, 4: {3: 9}}))
    assert model.items.tolist() == [1, 2]
    assert np.isfinite(model.titles.vectors).all()


def test_a_dataset_that_nobody_likes_anything_of_gives_a_model_of_nothing() -> None:
    model = fitted(dataset_of({1: {1: 3}, 2: {1: 2}}))
    assert model.score([Profile.of_likes([1])]).shape == (1, 0)


def test_the_same_seed_gives_the_same_bytes_and_another_other_vectors() -> None:
    one, two = (fitted(two_tastes()).titles.vectors.tobytes() for _ in range(2))
    other = ials.fit(two_tastes(), IALS, np.random.default_rng(1)).titles.vectors.tobytes()
    assert one == two != other


@pytest.mark.parametrize(
    "values",
    [
        {"d": 0},
        {"alpha": 0.0},
        {"alpha": float("nan")},
        {"l2": 0.0},
        {"l2": float("inf")},
        {"nu": 1.5},
        {"nu": float("nan")},
        {"epochs": 0},
        {"min_likes": 0},
        {"max_items": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="iALS"):
        ials.IalsConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["items", "vectors", "spectrum"])
def test_arrays_that_do_not_fit_together_are_refused(name: str) -> None:
    state = fitted(two_tastes()).state()
    broken = replace(state, arrays={**state.arrays, name: state.arrays[name][:-1]})
    with pytest.raises(ValueError, match="do not fit"):
        ials.restore(broken)
