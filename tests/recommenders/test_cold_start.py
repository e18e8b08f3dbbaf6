from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.recommenders import cold_start
from anirec.recommenders.cold_start import ColdStartConfig
from anirec.recommenders.vectors import ItemVectors
from recommenders.described import labelled_world, place_of, without_ratings_of

CONFIG = ColdStartConfig(dimensions=8, min_likes=5, evenness=1)  # popularity has no say, only taste


def fitted(hidden: list[int], config: ColdStartConfig = CONFIG) -> ItemVectors:
    data, features = labelled_world()
    return cold_start.fit(without_ratings_of(data, hidden), config, np.random.default_rng(0), features=features)


def cold_places(model: ItemVectors, hidden: list[int], n_profiles: int = 60) -> list[int]:
    """Where hidden titles come for people who like them, given what else they like."""
    data, _ = labelled_world()
    places = []
    for user in range(n_profiles):
        liked = data.profile(user).liked_ids
        profile = Profile.of_likes([int(i) for i in liked if i not in hidden])
        scores = model.score([profile])[0]
        places += [place_of(scores, model.items, int(i), profile) for i in liked if i in hidden]
    return places


def test_a_title_without_ratings_ranks_where_its_twin_ranks() -> None:
    """1 and 4 are of one world; the ratings of 1 are hidden, and both have the same labels."""
    data, features = labelled_world()
    labels = features.matrix.toarray()
    twins = [i for i in range(4, 37) if np.array_equal(labels[i - 1], labels[0])]
    model = fitted([1])
    for user in range(30):
        given = [int(i) for i in data.profile(user).liked_ids if i != 1 and i not in twins]
        profile = Profile.of_likes(given)
        scores = model.score([profile])[0]
        cold = place_of(scores, model.items, 1, profile)
        theirs = [place_of(scores, model.items, twin, profile) for twin in twins]
        assert min(theirs) - 6 <= cold <= max(theirs) + 6


def test_titles_without_ratings_come_early_for_those_who_will_like_them() -> None:
    hidden = [2, 5, 9, 13]
    assert np.median(cold_places(fitted(hidden), hidden)) <= 10


def test_whoever_likes_only_titles_without_ratings_is_understood() -> None:
    model = fitted([3, 6])  # both of the third world
    scores = model.score([Profile.of_likes([3, 6])])[0]
    best = [int(i) for i in model.items[np.argsort(-scores)] if i not in (3, 6)][:8]
    assert np.mean([i % 3 == 0 for i in best]) >= 0.9


def test_every_title_that_something_is_known_of_is_an_item() -> None:
    assert fitted([1, 2, 3]).items.tolist() == list(range(1, 37))


def test_without_trust_a_rated_title_keeps_its_own_vector() -> None:
    data, features = labelled_world()
    model = fitted([], replace(CONFIG, trust=0))
    own = cold_start.collaborative(data, np.arange(36), CONFIG, np.random.default_rng(0))
    np.testing.assert_allclose(model.vectors, own, atol=1e-6)
    assert len(features.names) == 5


def test_same_seed_same_bytes() -> None:
    assert fitted([1]).vectors.tobytes() == fitted([1]).vectors.tobytes()


def test_too_few_rated_titles_are_refused() -> None:
    with pytest.raises(InputError, match="needs 3"):
        fitted(list(range(1, 35)))


@pytest.mark.parametrize(
    "bad",
    [
        {"dimensions": 0},
        {"min_likes": 0},
        {"l2": 0.0},
        {"l2": float("nan")},
        {"trust": -1},
        {"evenness": 2},
        {"trust": np.inf},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="cold start needs"):
        ColdStartConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("vectors", [np.ones((2, 8)), np.ones(36), np.full((36, 8), np.nan)])
def test_vectors_that_do_not_fit_are_refused(vectors: np.ndarray) -> None:
    state = fitted([]).state()
    with pytest.raises(ValueError, match="not one finite row"):
        cold_start.restore(replace(state, arrays={**state.arrays, "vectors": vectors}))
