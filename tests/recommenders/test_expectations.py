"""Match and predicted scores, in worlds where it is known how people score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.splits import hide_scores
from anirec.recommenders import expectations
from anirec.recommenders.expectations import Expecting, Offsets, nearness
from worlds import dataset_of

N = 60
ITEMS = np.arange(1, N + 1, dtype=np.int32)
CONFIG = Expecting(front=N, ridge=0.1)


@dataclass
class Planted:
    """A blend whose chances are the same for everybody, and a linear model that knows which titles are alike."""

    chances: NDArray[np.float32]
    items: NDArray[np.int32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        return np.tile(self.chances, (len(profiles), 1))

    def contributions(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        alike = (profile.anime_ids[:, np.newaxis] % 2) == (anime_ids % 2)
        return np.where(alike, np.float32(0.1) * profile.liking[:, np.newaxis], np.float32(0))


def planted(seed: int = 0) -> Planted:
    chances = np.exp(np.random.default_rng(seed).uniform(-9, -3, N)).astype(np.float32)
    return Planted(chances, ITEMS)


def people(users: int, seed: int = 1, taste: float = 1.2) -> dict[int, dict[int, int]]:
    """Everybody has an own mean; titles differ; half of the people prefer odd titles, half even ones."""
    rng = np.random.default_rng(seed)
    quality = np.random.default_rng(9).normal(0, 0.7, N)
    found = {}
    for user in range(users):
        own, likes_odd = rng.normal(0, 1), rng.random() < 0.5
        seen = np.flatnonzero(rng.random(N) < 0.5)
        lean = np.where((ITEMS[seen] % 2 == 1) == likes_odd, taste, -taste)
        scores = np.clip(np.rint(6.5 + own + quality[seen] + lean + rng.normal(0, 0.5, len(seen))), 1, 10)
        found[user] = dict(zip(ITEMS[seen].tolist(), scores.astype(int).tolist(), strict=True))
    return found


def test_offsets_are_how_much_better_a_title_is_scored_than_its_users_score_else() -> None:
    data = dataset_of({1: {1: 8, 2: 6}, 2: {1: 6, 2: 4}, 3: {3: 9}}, n=4)
    config = Expecting(doubt_user=1e-9, doubt_title=1e-9)
    offsets = Offsets.of(data, config)
    assert offsets.mean == pytest.approx(33 / 5)
    np.testing.assert_allclose(offsets.at(np.array([1, 2, 3, 4, 77], np.int32)), [1, -1, 0, 0, 0], atol=1e-3)
    own, left = offsets.of_user(Profile.of([Entry(1, 9), Entry(2, 9), Entry(3)]), config)
    assert own == pytest.approx(9 - 33 / 5, abs=1e-3)
    np.testing.assert_allclose(left, [-1.0, 1.0, 0.0], atol=1e-3)
    doubted = Offsets.of(data, replace(config, doubt_title=2.0))
    np.testing.assert_allclose(doubted.at(np.array([1, 2], np.int32)), [0.5, -0.5], atol=1e-3)


def test_nearness_is_what_liking_does_not_change() -> None:
    profile = Profile.of([Entry(1, 9), Entry(3, 2), Entry(5, status=Status.PLANNED)])
    near = nearness(planted().contributions(profile, np.array([7, 8], np.int32)), profile)
    np.testing.assert_allclose(near, [[0.1, 0.0], [0.1, 0.0], [0.0, 0.0]], atol=1e-7)


def test_scores_know_the_person_the_title_and_what_is_near_to_it() -> None:
    model, train = planted(), dataset_of(people(300), n=N)
    offsets = Offsets.of(train, CONFIG)
    held = dataset_of({1000 + user: scored for user, scored in people(300, seed=2).items()}, n=N)
    cases = hide_scores(held, held.user_ids.tolist(), 0.3, np.random.default_rng(0))
    found = expectations.fit(model, model, offsets, cases, CONFIG, np.random.default_rng(0))
    assert found is not None
    rmse = found.found
    assert rmse["rmse_scores"] < 0.75
    assert 1.0 < rmse["rmse_user_and_title"] < rmse["rmse_title"]
    fresh = Profile.of([Entry(i, 9 if i % 2 else 5) for i in range(1, 20)])
    ids = np.array([41, 42], dtype=np.int32)
    near = nearness(model.contributions(fresh, ids), fresh)
    told = found.scores(fresh, ids, model.chances[ids - 1], near)
    assert told is not None
    assert told[0] - told[1] > 1.5
    assert found.scores(Profile.of([Entry(1, 9), Entry(3)]), ids, model.chances[ids - 1], near[:2]) is None


def test_where_tastes_do_not_differ_nothing_but_the_offsets_would_be_said_so_nothing_is() -> None:
    model, train = planted(), dataset_of(people(300, taste=0.0), n=N)
    held = dataset_of({1000 + user: scored for user, scored in people(40, seed=3, taste=0.0).items()}, n=N)
    cases = hide_scores(held, held.user_ids.tolist(), 0.1, np.random.default_rng(0))
    config = replace(CONFIG, ridge=1e-6)
    found = expectations.fit(
        model, model, Offsets.of(train, config), cases[:12], config, np.random.default_rng(0)
    )  # so few that the coefficients are noise
    assert found is not None
    assert found.found["rmse_scores"] > found.found["rmse_user_and_title"]
    assert found.scoring is None
    profile = Profile.of_likes({1: 9, 2: 8, 3: 7})
    assert found.scores(profile, ITEMS[:1], model.chances[:1], np.zeros((3, 1), np.float32)) is None


def test_match_is_the_share_of_those_who_liked_what_had_such_a_chance() -> None:
    model, rng = planted(), np.random.default_rng(5)
    truth = 1 / (1 + np.exp(-(2.0 + 0.6 * (np.log(model.chances) + 6))))

    def drawn(first: int, users: int) -> dict[int, dict[int, int]]:
        return {
            first + user: {int(i): int(rng.choice([8, 9]) if rng.random() < truth[i - 1] else 5)
                           for i in rng.choice(ITEMS, 30, replace=False)}
            for user in range(users)
        }  # fmt: skip

    held = dataset_of(drawn(0, 400), n=N)
    cases = hide_scores(held, held.user_ids.tolist(), 0.3, rng)
    found = expectations.fit(model, model, Offsets.of(held, CONFIG), cases, CONFIG, rng)
    assert found is not None
    assert np.abs(found.match(model.chances, 21) - truth).max() < 0.06
    assert found.found["brier"] < found.found["brier_of_all"]


def test_hidden_scores_and_what_is_given_are_the_whole_list() -> None:
    data = dataset_of(people(20), n=N)
    cases = hide_scores(data, data.user_ids[:10].tolist(), 0.4, np.random.default_rng(0))
    assert 8 <= len(cases) <= 10
    for case in cases:
        assert len(case.hidden) >= 1
        assert not np.isnan(case.hidden.scores).any()
        assert not set(case.given.anime_ids.tolist()) & set(case.hidden.anime_ids.tolist())
        few = case.few(3, np.random.default_rng(1))
        assert few is None or (len(few.given) <= 3 and np.isnan(few.given.scores).all())
        if few:
            assert few.hidden is case.hidden
            assert case.given.liked[np.isin(case.given.anime_ids, few.given.anime_ids)].all()


def test_what_was_learned_comes_back_from_a_bundle_and_damage_is_refused() -> None:
    model, data = planted(), dataset_of(people(200), n=N)
    cases = hide_scores(data, data.user_ids.tolist(), 0.3, np.random.default_rng(0))
    found = expectations.fit(model, model, Offsets.of(data, CONFIG), cases, CONFIG, np.random.default_rng(0))
    assert found is not None
    assert found.scoring is not None
    again = expectations.Expectations.restored(found.arrays(), found.facts())
    profile, near = Profile.of_likes({1: 9, 2: 8, 3: 7}), np.full((3, N), 0.1, np.float32)
    told, before = (some.scores(profile, ITEMS, model.chances, near) for some in (again, found))
    assert told is not None
    assert before is not None
    np.testing.assert_array_equal(told, before)
    np.testing.assert_array_equal(again.match(model.chances, 3), found.match(model.chances, 3))
    for name, broken in (("expected_offset", np.zeros(3, np.float16)), ("expected_matching", np.full(4, np.nan))):
        with pytest.raises(ValueError, match="does not fit together"):
            expectations.Expectations.restored({**found.arrays(), name: broken}, found.facts())


def test_nothing_is_learned_where_nobody_scored_or_all_liked_everything() -> None:
    model, rng = planted(), np.random.default_rng(0)
    all_liked = dataset_of({user: dict.fromkeys(range(1, 30), 9) for user in range(10)}, n=N)
    cases = hide_scores(all_liked, all_liked.user_ids.tolist(), 0.3, rng)
    assert expectations.fit(model, model, Offsets.of(all_liked, CONFIG), cases, CONFIG, rng) is None
    assert expectations.fit(model, model, Offsets.of(all_liked, CONFIG), (), CONFIG, rng) is None
    with pytest.raises(InputError, match="doubts above 0"):
        Expecting(doubt_near=0)
