"""Newcomers in a planted world: titles of which only the labels are known stand with their likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.state import State
from anirec.recommenders import blend, ease, newcomers, popularity
from anirec.recommenders.newcomers import Explained, Newcomers, NewcomersConfig
from recommenders.described import labelled_world, place_of, without_ratings_of
from worlds import catalogue_of

CONFIG = NewcomersConfig(enough=5, heard_of=0, k=4, handicap=0.0)
EASE = ease.EaseConfig(l2=5.0, dropout=0.2, min_likes=2, keep=30, keep_least=5)
HIDDEN = [2, 5, 9, 13]


def of(hidden: list[int], config: NewcomersConfig = CONFIG) -> Newcomers:
    data, features = labelled_world()
    return newcomers.fit(without_ratings_of(data, hidden), config, features=features)


def blended(hidden: list[int], new: Newcomers | None) -> blend.Blend:
    data = without_ratings_of(labelled_world()[0], hidden)
    rng = np.random.default_rng(0)
    parts: dict[str, Recommender] = {
        "ease": ease.fit(data, EASE, rng),
        "popularity": popularity.fit(data, popularity.PopularityConfig(), rng),
    }
    weights = {"ease": np.array([[1, 1]], np.float32), "popularity": np.array([[0.1]], np.float32)}
    sizes = np.array([1], np.float32)
    return blend.Blend(parts, {"ease": "liking", "popularity": "share"}, blend.BlendWeights(sizes, weights), new)


def test_newcomers_are_those_with_few_likes_and_known_titles_of_the_same_labels_stand_for_them() -> None:
    _, features = labelled_world()
    labels = features.matrix.toarray()
    found = of(HIDDEN)
    assert found.items.tolist() == HIDDEN
    assert found.shares.sum(axis=1) == pytest.approx(1)
    for item, alike, shares in zip(found.items, found.alike, found.shares, strict=True):
        assert not np.isin(alike, HIDDEN).any()
        same = [np.array_equal(labels[i - 1], labels[item - 1]) for i in alike]
        assert same == sorted(same, reverse=True)
        assert (np.diff(shares) <= 1e-6).all()


def test_a_newcomer_stands_where_those_like_it_stand_less_the_handicap() -> None:
    new = of([2], replace(CONFIG, handicap=0.7, fame=0.0))
    model, profile = blended([2], new), Profile.of_likes([5, 8])
    logs = np.log(model.score([profile])[0].astype(np.float64))
    mean = logs[np.searchsorted(model.items, new.alike[0])] @ new.shares[0]
    assert logs[model.items == 2] == pytest.approx(mean - 0.7, abs=1e-4)


def test_what_many_have_on_a_list_stands_higher_than_its_likes() -> None:
    data, features = labelled_world()
    members = np.full(len(data.anime_ids), 1000, dtype=np.int32)
    members[data.anime_ids == 2] = 4000
    new = newcomers.fit(
        replace(without_ratings_of(data, [2, 5]), members=members), replace(CONFIG, fame=0.5), features=features
    )
    assert new.moved == pytest.approx([0.5 * np.log(4), 0])


def test_newcomers_come_early_for_those_who_will_like_them_and_last_without() -> None:
    data, _ = labelled_world()

    def places(model: blend.Blend) -> list[int]:
        found = []
        for user in range(40):
            liked = data.profile(user).liked_ids
            profile = Profile.of_likes([int(i) for i in liked if i not in HIDDEN])
            scores = model.score([profile])[0]
            found += [place_of(scores, model.items, int(i), profile) for i in liked if i in HIDDEN]
        return found

    assert np.median(places(blended(HIDDEN, of(HIDDEN)))) <= 10
    assert np.median(places(blended(HIDDEN, None))) > 20


def test_chances_still_add_up_and_known_titles_keep_their_order() -> None:
    with_them, without = blended(HIDDEN, of(HIDDEN)), blended(HIDDEN, None)
    profile = Profile.of_likes([3, 6, 7])
    a, b = with_them.score([profile])[0], without.score([profile])[0]
    assert a.sum() == pytest.approx(1, abs=1e-5)
    known = ~np.isin(with_them.items, HIDDEN)
    assert np.argsort(-a[known], kind="stable").tolist() == np.argsort(-b[known], kind="stable").tolist()


def test_they_are_kept_and_restored() -> None:
    model = blended(HIDDEN, of(HIDDEN))
    restored = blend.restore(model.state(), model.parts, catalogue_of(1))
    profile = Profile.of_likes([3, 6, 7])
    np.testing.assert_array_equal(restored.score([profile]), model.score([profile]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [("newcomer_items", np.array([1, 2, 5, 999], np.int32)), ("newcomer_moved", np.zeros(3, np.float32))],
)
def test_newcomers_that_do_not_fit_are_refused(name: str, damage: np.ndarray) -> None:
    model = blended(HIDDEN, of(HIDDEN))
    state = model.state()
    with pytest.raises(ValueError, match="newcomers"):
        blend.restore(State(state.kind, {**state.arrays, name: damage}, state.facts), model.parts, catalogue_of(1))


def test_a_newcomer_is_explained_by_those_it_stands_with() -> None:
    new = of([2])
    model = blended([2], new)
    linear = model.parts["ease"]
    assert isinstance(linear, ease.Ease)
    profile = Profile.of_likes([3, 5, 8])
    told = Explained(linear, new).contributions(profile, np.array([1, 2], dtype=np.int32))
    np.testing.assert_array_equal(told[:, 0], linear.contributions(profile, np.array([1], dtype=np.int32))[:, 0])
    expected = linear.contributions(profile, new.alike[0]) @ new.shares[0]
    assert told[:, 1] == pytest.approx(expected, abs=1e-6)
    assert np.abs(told[:, 1]).max() > 0


def test_titles_that_nobody_has_heard_of_or_of_which_nothing_is_known_are_left_where_they_are() -> None:
    data, features = labelled_world()
    bare = without_ratings_of(data, HIDDEN)
    members = np.full(len(data.anime_ids), 1000, dtype=np.int32)
    members[np.isin(data.anime_ids, [2, 5])] = [10, 0]  # nobody; not known
    found = newcomers.fit(replace(bare, members=members), replace(CONFIG, heard_of=300), features=features)
    assert found.items.tolist() == [5, 9, 13]
    unknown = features.of(~np.isin(features.anime_ids, [9]))
    assert 9 not in newcomers.fit(bare, CONFIG, features=unknown).items


def test_a_world_without_newcomers_or_without_known_titles_is_no_error() -> None:
    data, features = labelled_world()
    assert len(newcomers.fit(data, replace(CONFIG, enough=1), features=features).items) == 0
    assert len(newcomers.fit(data, replace(CONFIG, enough=10**6), features=features).items) == 0


@pytest.mark.parametrize("wrong", [{"enough": 0}, {"k": 0}, {"power": -1}, {"fame": -0.1}, {"heard_of": -1}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        NewcomersConfig(**wrong)  # type: ignore[arg-type]
