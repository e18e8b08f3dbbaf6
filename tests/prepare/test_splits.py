from __future__ import annotations

from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import LIKED_FROM
from anirec.prepare.dataset import Dataset, from_rows
from anirec.prepare.splits import Split, by_time, cut_at, held_out_users, leave_one_out

SOURCES = ("favourites-x", "full", "sample")
CUT = 50

Entry = tuple[int, int, int, int]
"""score, status, time, source; as in a `Dataset`."""
Row = tuple[int, int, Entry]
"""user, anime, entry"""
World = dict[int, dict[int, Entry]]

entries = st.sampled_from(
    list(product((0, 3, 7, 9), (Status.UNKNOWN, Status.COMPLETED, Status.PLANNED), (-1, 10, 49, 50, 90), (0, 1, 2)))
)
lists = st.dictionaries(
    st.integers(-3, 12), st.dictionaries(st.integers(1, 9), entries, min_size=1, max_size=8), min_size=1, max_size=5
)
"""{user: {anime: entry}}; user ids may be negative."""

SPLITS: dict[str, Callable[[Dataset, np.random.Generator], Split]] = {
    "held out": lambda d, rng: held_out_users(d, n_users=4, rng=rng, min_likes=2),
    "whole lists": lambda d, rng: held_out_users(d, n_users=4, rng=rng, min_likes=2, likes_only=False),
    "leave one out": lambda d, rng: leave_one_out(d, n_users=4, rng=rng),
    "by time": lambda d, _: by_time(d, cut=CUT),
}


def split_by(name: str, rows: list[Row], seed: int) -> Split:
    return SPLITS[name](dataset_of(rows), np.random.default_rng(seed))


def dataset_of(rows: list[Row]) -> Dataset:
    values = np.array([entry for _, _, entry in rows]).reshape(-1, 4)
    return from_rows(
        users=np.array([user for user, _, _ in rows], dtype=np.int64),
        anime=np.array([anime for _, anime, _ in rows], dtype=np.int32),
        scores=values[:, 0].astype(np.int8),
        statuses=values[:, 1].astype(np.int8),
        updated_at=values[:, 2].astype(np.int64),
        sources=values[:, 3].astype(np.int16),
        source_names=SOURCES,
    )


def rows_of(world: World) -> list[Row]:
    return [(user, anime, entry) for user, listed in world.items() for anime, entry in listed.items()]


def pairs(dataset: Dataset) -> set[tuple[int, int]]:
    users, anime = dataset.user_ids[dataset.users], dataset.anime_ids[dataset.items]
    return set(zip(users.tolist(), anime.tolist(), strict=True))


def likes(world: World, user: int) -> set[int]:
    return {
        anime
        for anime, (score, _, _, source) in world[user].items()
        if score >= LIKED_FROM or (score == 0 and SOURCES[source].startswith("favourites"))
    }


def simple(likes_by_user: dict[int, int]) -> Dataset:
    """Users with so many likes each (of the anime 1, 2, ...), without times."""
    entry = (9, Status.COMPLETED, -1, 1)
    return dataset_of([(user, anime, entry) for user, n in likes_by_user.items() for anime in range(1, n + 1)])


@given(world=lists, seed=st.integers(0, 5))
def test_no_target_is_learned_from_or_given(world: World, seed: int) -> None:
    for name in SPLITS:
        made = split_by(name, rows_of(world), seed)
        learned = pairs(made.train)
        assert learned <= {(user, anime) for user, anime, _ in rows_of(world)}
        for case in made.cases:
            targets = set(case.targets.tolist())
            assert not {(case.user_id, anime) for anime in targets} & learned
            assert not targets & set(case.given.anime_ids.tolist())


@given(world=lists, seed=st.integers(0, 5))
def test_a_case_has_likes_as_targets_and_is_given_what_is_on_the_list_all_ascending(world: World, seed: int) -> None:
    for name in SPLITS:
        made = split_by(name, rows_of(world), seed)
        assert np.all(np.diff([case.user_id for case in made.cases]) > 0)
        for case in made.cases:
            targets, known = case.targets.tolist(), case.given.anime_ids.tolist()
            assert targets
            assert targets == sorted(likes(world, case.user_id).intersection(targets))
            assert known == sorted(set(world[case.user_id]).intersection(known))


@given(world=lists, seed=st.integers(0, 5), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(world: World, seed: int, shuffle: Random) -> None:
    rows = rows_of(world)
    shuffled = shuffle.sample(rows, len(rows))
    for name in SPLITS:
        one, two = split_by(name, rows, seed), split_by(name, shuffled, seed)
        assert repr(one.cases) == repr(two.cases)
        assert pairs(one.train) == pairs(two.train)


@given(world=lists, seed=st.integers(0, 5))
def test_no_entry_that_says_nothing_is_given_as_a_like(world: World, seed: int) -> None:
    for name in SPLITS:
        for case in split_by(name, rows_of(world), seed).cases:
            for anime, liking in zip(case.given.anime_ids.tolist(), case.given.liking.tolist(), strict=True):
                score, status, _, _ = world[case.user_id][anime]
                if score == 0 and status == Status.UNKNOWN and anime not in likes(world, case.user_id):
                    assert liking == 0


@given(world=lists, seed=st.integers(0, 5))
def test_nothing_of_a_held_out_user_is_learned_from_and_everything_of_others_is(world: World, seed: int) -> None:
    made = split_by("held out", rows_of(world), seed)
    held = {case.user_id for case in made.cases}
    assert pairs(made.train) == {(user, anime) for user, anime, _ in rows_of(world) if user not in held}


@pytest.mark.parametrize(
    ("share", "given_by_likes"),
    [(0.8, {2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 6, 10: 8, 12: 10, 13: 10}), (0.5, {5: 2, 7: 4}), (0.01, {5: 1})],
)
def test_the_share_of_likes_given_is_rounded_and_neither_none_nor_all(
    share: float, given_by_likes: dict[int, int]
) -> None:
    for n, n_given in given_by_likes.items():
        rng = np.random.default_rng(0)
        (case,) = held_out_users(simple({1: n}), n_users=1, rng=rng, min_likes=2, input_share=share).cases
        assert (len(case.given), len(case.targets)) == (n_given, n - n_given)


MIXED = dataset_of([
    *((7, anime, (9, Status.COMPLETED, -1, 1)) for anime in range(1, 6)),
    (7, 11, (2, Status.DROPPED, -1, 1)),
    (7, 12, (0, Status.ON_HOLD, -1, 1)),
    (7, 13, (0, Status.UNKNOWN, -1, 2)),
])  # fmt: skip


def test_only_likes_are_given_unless_whole_lists_are_asked_for() -> None:
    rng = np.random.default_rng
    (bare,) = held_out_users(MIXED, n_users=1, rng=rng(0)).cases
    (whole,) = held_out_users(MIXED, n_users=1, rng=rng(0), likes_only=False).cases
    assert bare.targets.tolist() == whole.targets.tolist()
    assert whole.given.anime_ids.tolist() == sorted([*bare.given.anime_ids.tolist(), 11, 12, 13])
    assert set(bare.given.anime_ids.tolist()) | set(bare.targets.tolist()) == {1, 2, 3, 4, 5}


def test_on_a_whole_list_an_entry_that_says_nothing_counts_as_planned() -> None:
    (case,) = held_out_users(MIXED, n_users=1, rng=np.random.default_rng(0), likes_only=False).cases
    assert case.given.statuses[case.given.anime_ids == 13].tolist() == [Status.PLANNED]
    assert case.given.statuses[case.given.anime_ids == 12].tolist() == [Status.ON_HOLD]


def test_favourites_without_a_score_are_given_as_likes() -> None:
    data = dataset_of([(1, anime, (0, Status.UNKNOWN, -1, 0)) for anime in range(1, 6)])
    (case,) = held_out_users(data, n_users=1, rng=np.random.default_rng(0), likes_only=False).cases
    assert case.given.liked.all()


def test_a_share_of_the_users_is_left_to_learn_from() -> None:
    data = simple(dict.fromkeys(range(1, 11), 6))
    made = held_out_users(data, n_users=10, rng=np.random.default_rng(0), max_share=0.35)
    assert (len(made.cases), len(np.unique(made.train.users))) == (3, 7)


def test_users_with_too_few_likes_are_never_held_out() -> None:
    made = held_out_users(simple({1: 4, 2: 5, 3: 6, 4: 1}), n_users=10, rng=np.random.default_rng(0), min_likes=5)
    assert [case.user_id for case in made.cases] == [2, 3]


def test_users_without_a_row_of_an_eligible_source_are_never_held_out() -> None:
    rows = [(user, anime, (9, 2, -1, 2)) for user in (1, 2) for anime in range(1, 7)]
    rows.append((2, 9, (3, 2, -1, 1)))  # one row of a full list, not even a like
    made = held_out_users(dataset_of(rows), n_users=10, rng=np.random.default_rng(0), eligible_sources={"full"})
    assert [case.user_id for case in made.cases] == [2]
    assert set(made.cases[0].targets.tolist()) <= set(range(1, 7))


def test_where_nobody_has_enough_likes_there_are_no_cases() -> None:
    made = held_out_users(simple({1: 2}), n_users=3, rng=np.random.default_rng(0))
    assert made.cases == ()
    assert made.train.n_rows == 2


def test_other_seeds_hold_other_users_out_as_many_as_asked_for() -> None:
    data = simple(dict.fromkeys(range(200), 5))
    splits = [held_out_users(data, n_users=5, rng=np.random.default_rng(seed)) for seed in range(4)]
    drawn = {tuple(case.user_id for case in made.cases) for made in splits}
    assert len(drawn) == 4
    assert all(len(users) == 5 for users in drawn)


def test_every_like_is_a_target_about_as_often_as_any_other() -> None:
    made = held_out_users(simple(dict.fromkeys(range(2000), 10)), n_users=2000, rng=np.random.default_rng(0))
    times = np.bincount(np.concatenate([case.targets for case in made.cases]), minlength=11)[1:]
    np.testing.assert_allclose(times, 400, atol=4.5 * np.sqrt(2000 * 0.2 * 0.8))


@pytest.mark.parametrize(
    "wrong", [{"input_share": 0.0}, {"input_share": 1.0}, {"min_likes": 1}, {"max_share": 0.0}, {"max_share": 1.1}]
)
def test_a_case_with_nothing_to_give_or_nothing_to_find_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))} is {next(iter(wrong.values())):g}"):
        held_out_users(simple({1: 5}), n_users=1, rng=np.random.default_rng(0), **wrong)


@given(world=lists, seed=st.integers(0, 5), n=st.integers(0, 5))
def test_with_few_likes_given_the_targets_stay_and_fewer_are_part_of_more(world: World, seed: int, n: int) -> None:
    made = split_by("whole lists", rows_of(world), seed)
    for whole, more, less in zip(made.cases, made.few(n + 1).cases, made.few(n).cases, strict=True):
        assert less.targets.tolist() == whole.targets.tolist()
        assert len(less.given) == min(n, int(whole.given.liked.sum()))
        assert set(less.given.anime_ids.tolist()) <= set(more.given.anime_ids.tolist())
        assert less.given.liked.all()


def test_few_likes_are_drawn_at_random_not_by_id() -> None:
    made = held_out_users(simple(dict.fromkeys(range(300), 10)), n_users=300, rng=np.random.default_rng(0)).few(1)
    assert np.mean([case.given.anime_ids[0] for case in made.cases]) == pytest.approx(5.5, abs=0.6)


@given(world=lists, seed=st.integers(0, 5), most=st.integers(1, 6))
def test_cut_cases_have_fewer_likes_than_whole_ones_and_the_same_targets(world: World, seed: int, most: int) -> None:
    made = split_by("whole lists", rows_of(world), seed)
    whole = {case.user_id: case for case in made.cases}
    cut = made.cut(most, np.random.default_rng(seed)).cases
    for case in cut:
        before = whole[case.user_id]
        assert case.targets.tolist() == before.targets.tolist()
        assert 1 <= len(case.given) <= most
        assert set(case.given.anime_ids.tolist()) < set(before.given.anime_ids[before.given.liked].tolist())
    again = made.cut(most, np.random.default_rng(seed)).cases
    assert [case.given.anime_ids.tolist() for case in again] == [case.given.anime_ids.tolist() for case in cut]


def test_cases_are_cut_to_few_likes_as_often_as_to_many_on_a_logarithmic_scale() -> None:
    made = held_out_users(simple(dict.fromkeys(range(3000), 40)), n_users=3000, rng=np.random.default_rng(0))
    sizes = [len(case.given) for case in made.cut(15, np.random.default_rng(0)).cases]
    assert [np.mean([n < top for n in sizes]) for top in (2, 4, 8, 16)] == pytest.approx([0.25, 0.5, 0.75, 1], abs=0.03)


@given(world=lists, seed=st.integers(0, 5))
def test_exactly_one_like_of_each_case_is_held_out_and_nothing_else(world: World, seed: int) -> None:
    made = split_by("leave one out", rows_of(world), seed)
    held = {(case.user_id, int(case.targets[0])) for case in made.cases}
    assert all(len(case.targets) == 1 for case in made.cases)
    assert pairs(made.train) == {(user, anime) for user, anime, _ in rows_of(world)} - held
    for case in made.cases:
        assert set(case.given.anime_ids.tolist()) == set(world[case.user_id]) - set(case.targets.tolist())


def test_the_latest_like_is_held_out_where_all_have_times() -> None:
    rows = [(1, anime, (9, 2, time, 1)) for anime, time in ((1, 30), (2, 90), (3, 60))]
    rows.append((1, 4, (3, 2, 99, 1)))  # later, but no like
    made = leave_one_out(dataset_of(rows), n_users=1, rng=np.random.default_rng(0))
    assert made.cases[0].targets.tolist() == [2]


def test_the_last_like_stored_is_held_out_where_one_has_no_time() -> None:
    rows = [(1, anime, (9, 2, time, 1)) for anime, time in ((1, 30), (2, 90), (3, -1))]
    rows.append((1, 4, (3, 2, 99, 1)))
    made = leave_one_out(dataset_of(rows), n_users=1, rng=np.random.default_rng(0))
    assert made.cases[0].targets.tolist() == [3]


def test_what_is_kept_back_and_not_wanted_is_known_of_a_case() -> None:
    likes = dict.fromkeys(range(1, 11), 9)
    rows = [(1, anime, (score, 2, -1, 1)) for anime, score in {**likes, 20: 4, 21: 5}.items()]
    rows += [(1, 30, (0, 4, -1, 1)), (1, 31, (8, 4, -1, 1))]  # dropped; dropped and liked all the same
    case = held_out_users(dataset_of(rows), n_users=1, rng=np.random.default_rng(0)).cases[0]
    assert (case.disliked.tolist(), case.dropped.tolist()) == ([20], [30])
    whole = held_out_users(dataset_of(rows), n_users=1, rng=np.random.default_rng(0), likes_only=False).cases[0]
    assert (whole.disliked.tolist(), whole.dropped.tolist()) == ([], [])


@given(world=lists)
def test_nothing_from_the_cut_on_is_learned_from_or_given(world: World) -> None:
    made = by_time(dataset_of(rows_of(world)), cut=CUT)
    assert (made.train.updated_at < CUT).all()
    for case in made.cases:
        assert all(0 <= world[case.user_id][anime][2] < CUT for anime in case.given.anime_ids.tolist())


@given(world=lists)
def test_all_likes_from_the_cut_on_are_targets_and_only_they(world: World) -> None:
    expected = {}
    for user, listed in world.items():
        liked = likes(world, user)
        late = {anime for anime in liked if listed[anime][2] >= CUT}
        if late and any(0 <= listed[anime][2] < CUT for anime in liked):
            expected[user] = late
    made = by_time(dataset_of(rows_of(world)), cut=CUT)
    assert {case.user_id: set(case.targets.tolist()) for case in made.cases} == expected


def test_rows_without_a_time_are_learned_from_only_where_the_user_ends_before_the_cut() -> None:
    early, late, undated = ((9, 2, time, 1) for time in (10, 90, -1))
    disliked_late = (2, 2, 90, 1)
    rows = [(1, 1, early), (1, 2, undated), (2, 1, early), (2, 2, undated), (2, 3, late), (3, 2, undated),
            (3, 3, disliked_late), (4, 2, undated)]  # fmt: skip
    made = by_time(dataset_of(rows), cut=CUT)
    assert pairs(made.train) == {(1, 1), (1, 2), (2, 1), (4, 2)}
    (case,) = made.cases
    assert (case.user_id, case.given.anime_ids.tolist(), case.targets.tolist()) == (2, [1], [3])


def test_the_cut_at_a_share_leaves_that_share_of_the_dated_likes_before_it() -> None:
    rows = [(1, anime, (9, 2, 10 * anime, 1)) for anime in range(1, 12)]
    rows += [(2, 1, (9, 2, -1, 1)), (2, 2, (3, 2, 999, 1))]  # undated, and no like
    assert cut_at(dataset_of(rows), 0.8) == 90
    assert cut_at(dataset_of(rows), 1.0) == 110


def test_a_cut_in_ratings_without_times_is_refused() -> None:
    with pytest.raises(InputError, match="updated_at"):
        cut_at(simple({1: 5}), 0.8)
