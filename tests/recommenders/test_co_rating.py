from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import co_rating
from anirec.recommenders.co_rating import CoRatingConfig
from worlds import dataset_of

CONFIG = CoRatingConfig(dimensions=8, min_likes=5, batch=256, pairs_per_rating=40)


def camps(users: int = 160, n: int = 24, seed: int = 1) -> Dataset:
    """Everybody has the same titles on the list; half rate the odd ones high and the even ones low, half the reverse.

    Users differ in how generous they are, and the titles 1..6 please everybody a little more.
    """
    rng = np.random.default_rng(seed)
    scores = {}
    for user in range(users):
        for_odd, mild = rng.random() < 0.6, int(rng.integers(-1, 2))
        titles = rng.choice(np.arange(1, n + 1), 14, replace=False)
        scores[user] = {
            int(i): int(np.clip((8 if (i % 2 == 1) == for_odd else 5) + mild + (i <= 6) + rng.integers(-1, 2), 1, 10))
            for i in titles
        }
    return dataset_of(scores, n=n)


@pytest.mark.parametrize("seed", range(3))
def test_titles_that_the_same_people_rate_high_are_near_though_all_have_both_on_the_list(seed: int) -> None:
    model = co_rating.fit(camps(), CONFIG, np.random.default_rng(seed))
    cosines = model.vectors @ model.vectors.T
    same = (model.items[:, np.newaxis] % 2) == (model.items % 2)
    np.fill_diagonal(cosines, np.nan)
    assert np.nanmean(cosines[same]) > 0.2
    assert np.nanmean(cosines[~same]) < -0.2


def test_whoever_likes_one_camp_is_shown_that_camp() -> None:
    model = co_rating.fit(camps(), CONFIG, np.random.default_rng(0))
    for given in ([7, 9], [8, 10]):
        scores = model.score([Profile.of_likes(given)])[0]
        best = [int(i) for i in model.items[np.argsort(-scores)] if i not in given][:8]
        assert np.mean([i % 2 == given[0] % 2 for i in best]) >= 0.8


def test_the_gradient_is_that_of_the_objective() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(5, 4)).astype(np.float32)
    first, second = np.array([0, 2, 2, 4]), np.array([2, 0, 3, 2])
    targets = rng.random(4).astype(np.float32)

    def half_loss(values: np.ndarray) -> float:
        total = 0.0
        for i, j, target in zip(first, second, targets, strict=True):
            rebuilt = values[i, 3] + values[j, 3] + values[i, :3] @ values[j, :3]
            total += (rebuilt - target) ** 2 + 0.1 * (values[i] @ values[i] + values[j] @ values[j])
        return total / 2

    rows, slopes = co_rating.gradient(table, first, second, targets, 0.1)
    assert rows.tolist() == [0, 2, 3, 4]
    for row, slope in zip(rows, slopes, strict=True):
        for column in range(4):
            step = np.zeros((5, 4))
            step[row, column] = 1e-5
            numeric = (half_loss(table.astype(float) + step) - half_loss(table.astype(float) - step)) / 2e-5
            assert slope[column] == pytest.approx(numeric, abs=1e-4)


def test_targets_are_geometric_means_of_shifted_offsets() -> None:
    data = dataset_of({1: {1: 9, 2: 5, 3: 4}})  # the mean is 6
    ratings = co_rating.ratings_of(data, np.arange(3), CoRatingConfig(spread=4, min_ratings=2))
    np.testing.assert_allclose(ratings.roots**2, [8 / 9, 4 / 9, 3 / 9])
    first, second, targets = co_rating.draw(ratings, 200, np.random.default_rng(0))
    assert np.all(first != second)
    np.testing.assert_allclose(targets, ratings.roots[first] * ratings.roots[second])


def test_both_titles_of_a_pair_are_rated_by_one_user() -> None:
    data = dataset_of({1: {1: 9, 2: 5, 3: 6}, 2: {4: 3, 5: 8}, 3: {6: 7, 7: 8, 8: 9}})
    ratings = co_rating.ratings_of(data, np.arange(8), CoRatingConfig(min_ratings=2))
    first, second, _ = co_rating.draw(ratings, 2000, np.random.default_rng(0))
    user = np.array([1, 1, 1, 2, 2, 3, 3, 3])
    np.testing.assert_array_equal(user[first], user[second])
    assert len(np.unique(np.concatenate([first, second]))) == 8


def test_evenness_draws_titles_that_few_rated_more_often() -> None:
    data = dataset_of({user: {1: 9, 2: 5, 3: 7, 4 + user: 6} for user in range(30)})
    share = {}
    for evenness in (0.0, 1.0):
        ratings = co_rating.ratings_of(data, np.arange(33), CoRatingConfig(min_ratings=2, evenness=evenness))
        first, _, _ = co_rating.draw(ratings, 5000, np.random.default_rng(0))
        share[evenness] = np.mean(first >= 3)
    assert share[0.0] == pytest.approx(0.25, abs=0.03)
    assert share[1.0] > 0.4


def test_same_seed_same_bytes() -> None:
    one, other = (co_rating.fit(camps(), CONFIG, np.random.default_rng(4)).vectors for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="nobody has"):
        co_rating.fit(dataset_of({1: {1: 8}}), CONFIG, np.random.default_rng(0))


@pytest.mark.parametrize(
    "bad",
    [
        *({"dimensions": 0}, {"batch": 0}, {"min_likes": 0}, {"min_ratings": 1}, {"spread": 0}, {"lr": 0}),
        *({"pairs_per_rating": 0}, {"l2": -1}, {"evenness": 1.5}, {"lr": float("nan")}),
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError):
        replace(CONFIG, **bad)  # type: ignore[arg-type]
