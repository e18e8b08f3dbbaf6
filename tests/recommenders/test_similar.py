from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.profile import Profile
from anirec.recommenders.similar import Similar, of_the_best, restore
from recommenders.lensed import CATALOGUE, UNNAMED, UNRATED, three_lenses
from worlds import catalogue_of


def nearest(model: Similar, anime_id: int, k: int) -> list[int]:
    scores = model.score([Profile.of_likes([anime_id])])[0]
    scores[model.items == anime_id] = -np.inf
    return [int(model.items[i]) for i in np.argsort(-scores, kind="stable")[:k]]


def test_every_lens_finds_the_neighbours_that_were_planted_for_it() -> None:
    model = three_lenses()
    assert set(nearest(model.by("viewers"), 3, 5)) <= set(range(1, 11))
    assert set(nearest(model.by("genres"), 3, 4)) == {8, 13, 18, 23}
    assert nearest(model.by("crowd"), 3, 1) == [13]


def test_the_blend_puts_first_what_most_lenses_see() -> None:
    assert nearest(three_lenses(), 3, 1) == [13]  # of the same label and named beside it
    assert nearest(three_lenses({"viewers": 0.5, "genres": 0.5, "crowd": 0.0}), 3, 1) == [8]  # liked, same label


def test_a_title_that_nobody_rated_leans_on_what_it_is_about_and_on_what_people_name() -> None:
    model = three_lenses()
    profile = Profile.of_likes([UNRATED])
    assert set(model.views(profile)) == {"genres", "crowd"}
    assert nearest(model, UNRATED, 2) == [5, 12]
    assert model.score([profile])[0].max() > 0.5


def test_a_lens_that_knows_only_a_relative_looks_at_that() -> None:
    alone = three_lenses()
    franchise = alone.franchise.copy()
    franchise[UNRATED - 1] = franchise[4 - 1]
    related = replace(alone, franchise=franchise)
    views = related.views(Profile.of_likes([UNRATED]))
    assert views["viewers"].anime_ids.tolist() == [4]
    assert views["genres"].anime_ids.tolist() == [UNRATED]


def test_a_lens_that_knows_neither_title_nor_relatives_says_nothing() -> None:
    assert three_lenses().by("crowd").views(Profile.of_likes([UNNAMED])) == {}


def test_where_no_lens_says_anything_what_many_like_comes_first() -> None:
    model = three_lenses().by("crowd")
    assert nearest(model, UNNAMED, 1) == [int(model.items[np.argmax(model.likes)])]


def test_what_is_unlike_a_title_is_what_its_viewers_leave_out_and_shares_no_label() -> None:
    model = three_lenses()
    viewers, genres = (model.by(lens).unlike(Profile.of_likes([3])) for lens in ("viewers", "genres"))
    of_viewers = model.items[np.argsort(-viewers, kind="stable")[:5]]
    assert not set(of_viewers.tolist()) & set(range(1, 11))
    assert len(set(of_viewers.tolist()) & set(range(11, 21))) >= 4, "the other taste, not merely unknown titles"
    same = np.isin(model.items, [8, 13, 18, 23])
    assert genres[same].max() < genres[~same & (model.items != 3)].min()
    whole = model.unlike(Profile.of_likes([3]))
    assert int(np.argmin(whole)) + 1 in {3, 13}, "the title itself, or what all lenses see beside it"


def test_of_titles_that_are_unlike_alike_more_liked_ones_go_first() -> None:
    model = three_lenses().by("crowd")
    unlike = model.unlike(Profile.of_likes([UNNAMED]))
    assert int(np.argmax(unlike)) == int(np.argmax(model.likes))


def test_the_best_is_looked_for_among_titles_that_are_no_relatives() -> None:
    scores, related = np.array([9.0, 1.0, 0.25, -1.0], np.float32), np.array([True, False, False, False])
    assert of_the_best(scores, related).tolist() == [3.0, 1.0, 0.5, 0.0]
    assert of_the_best(scores, np.array([True, True, True, False])).tolist() == [0.0] * 4


def test_the_shares_of_the_lenses_add_up_to_one_and_name_who_saw_it() -> None:
    shares = three_lenses().shares(Profile.of_likes([3]), np.array([13, 8, 999], np.int32))
    total = np.sum(list(shares.values()), axis=0)
    np.testing.assert_allclose(total, [1, 1, 0], atol=1e-6)
    assert shares["crowd"][0] > 0.4
    assert shares["genres"][1] > 0.4


def test_votes_are_those_that_were_counted() -> None:
    model = three_lenses()
    assert model.votes(UNRATED, np.array([12, 5, 3], np.int32)).tolist() == [9, 2, 0]
    assert model.votes(UNNAMED, np.array([12], np.int32)).tolist() == [0]
    assert model.by("genres").votes(UNRATED, np.array([12], np.int32)).tolist() == [0]


def test_a_world_without_titles_has_nothing_to_say_and_says_so() -> None:
    none = np.empty(0, np.int32)
    empty = Similar(lenses={}, models={}, weights={}, items=none, likes=none, franchise=none)
    assert empty.score([Profile.of_likes([1])]).shape == (1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"likes": np.ones(3, np.int32)}, "do not fit the titles"),
        ({"items": np.arange(2, 27, dtype=np.int32)}, "do not fit the titles"),
        ({"models": {"viewers": "nobody", "genres": "no", "crowd": "no"}}, "lenses are missing: nobody"),
        ({"lenses": ["viewers"]}, "one weight each"),
        ({"weights": {"viewers": 1.0}}, "one weight each"),
        ({"weights": {"viewers": 1.0, "genres": float("nan"), "crowd": 1.0}}, "not a number"),
        ({"weights": {"viewers": 1.0, "genres": -1.0, "crowd": 1.0}}, "not a number"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    model = three_lenses()
    state = model.state()
    models = {model.models[name]: lens for name, lens in model.lenses.items()}
    arrays = {name: change.get(name, array) for name, array in state.arrays.items()}
    facts = {name: change.get(name, fact) for name, fact in state.facts.items()}
    with pytest.raises(ValueError, match=message):
        restore(replace(state, arrays=arrays, facts=facts), models, CATALOGUE)  # type: ignore[arg-type]


def test_a_title_of_which_the_catalogue_knows_no_franchise_is_refused() -> None:
    model = three_lenses()
    models = {model.models[name]: lens for name, lens in model.lenses.items()}
    with pytest.raises(ValueError, match="do not fit the titles"):
        restore(model.state(), models, catalogue_of(24))
