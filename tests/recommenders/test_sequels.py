"""What else of a franchise is liked, by definition and in a world whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.core.state import State
from anirec.recommenders import sequels
from conformance import Conformance, Subject
from recommenders.test_conformance import through_a_bundle
from worlds import catalogue_of, dataset_of, two_tastes

CONFIG = sequels.SequelsConfig(shrink=2.0, least=0.1)
FRANCHISES = [[1, 2, 3], [11, 12], [5, 20]]


class TestSequels(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data, catalogue = two_tastes(), catalogue_of(25, franchises=FRANCHISES)
        model = sequels.fit(data, CONFIG, np.random.default_rng(0), catalogue=catalogue)
        liked = np.zeros((data.n_users, len(data.anime_ids)), dtype=bool)
        liked[data.users[data.liked], data.items[data.liked]] = True
        place = {int(i): row for row, i in enumerate(data.anime_ids)}

        def by_definition(profile: Profile) -> NDArray[np.float64]:
            scores = []
            for j in model.items.tolist():
                missed = 1.0
                for i, liking in zip(profile.anime_ids.tolist(), profile.liking, strict=True):
                    together = any(i in group and j in group for group in FRANCHISES)
                    if i == j or not together or liking <= 0:
                        continue
                    both = int((liked[:, place[i]] & liked[:, place[j]]).sum())
                    chance = both / (int(liked[:, place[i]].sum()) + CONFIG.shrink)
                    missed *= 1 - min(chance * liking, 0.99) if chance > CONFIG.least else 1
                scores.append(1 - missed)
            return np.array(scores)

        restored = through_a_bundle(tmp_path, {"sequels": model.state()}, "sequels")
        return Subject(model, restored, by_definition, tolerance=1e-5)


def test_the_season_that_nearly_all_go_on_to_comes_before_the_film_that_few_see() -> None:
    lists = {user: {1: 9, 2: 8} | ({3: 8} if user % 4 == 0 else {}) for user in range(40)}
    catalogue = catalogue_of(4, franchises=[[1, 2, 3]])
    model = sequels.fit(dataset_of(lists, n=4), CONFIG, np.random.default_rng(0), catalogue=catalogue)
    scores = dict(zip(model.items.tolist(), model.score([Profile.of_likes([1])])[0].tolist(), strict=True))
    assert scores[2] == pytest.approx(40 / 42, abs=1e-6)
    assert scores[3] == pytest.approx(10 / 42, abs=1e-6)
    assert 4 not in scores


def test_what_was_disliked_brings_nothing_along() -> None:
    lists = {user: {1: 9, 2: 8} for user in range(9)}
    model = sequels.fit(
        dataset_of(lists), CONFIG, np.random.default_rng(0), catalogue=catalogue_of(2, franchises=[[1, 2]])
    )
    assert not model.score([Profile.of([Entry(1, score=2)])]).any()


def test_a_catalogue_without_franchises_leaves_nothing_to_say() -> None:
    model = sequels.fit(two_tastes(), CONFIG, np.random.default_rng(0), catalogue=catalogue_of(25))
    assert len(model.items) == 0
    assert model.score([Profile.of_likes([1])]).shape == (1, 0)


@pytest.mark.parametrize("wrong", [{"shrink": -1.0}, {"least": 1.0}, {"shrink": np.inf}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        sequels.SequelsConfig(**wrong)


@pytest.mark.parametrize(
    "damage",
    [
        {"chances": np.array([2.0, 0.5], np.float32)},
        {"targets": np.array([0, 7], np.int32)},
        {"indptr": np.array([0, 1], np.int64)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(damage: dict[str, NDArray[np.float32]]) -> None:
    lists = {user: {1: 9, 2: 8} for user in range(9)}
    state = sequels.fit(
        dataset_of(lists), CONFIG, np.random.default_rng(0), catalogue=catalogue_of(2, franchises=[[1, 2]])
    ).state()
    with pytest.raises(ValueError, match="sequels"):
        sequels.restore(State(state.kind, {**state.arrays, **damage}, state.facts))
