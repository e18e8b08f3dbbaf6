from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.ranking import Filters
from anirec.service.groups import (
    STRATEGIES,
    GroupRecommendations,
    Member,
    Strategy,
    fairness,
    one_each,
    recommend_to_group,
    worths,
)
from anirec.service.recommend import Service
from anirec.wiring.serve import load

FIRST_TASTE, SECOND_TASTE = range(1, 11), range(11, 20)
MAJORITY = [Member(name, Profile.of_likes(likes)) for name, likes in (("a", [4, 5]), ("b", [5, 6]), ("c", [4, 6]))]
ALONE = Member("d", Profile.of_likes([12, 13]))


@pytest.fixture(scope="module")
def service(small_bundle: Path) -> Service:
    return load(small_bundle)


def ids(found: GroupRecommendations) -> list[int]:
    return [one.item.anime.anime_id for one in found]


def test_the_average_follows_the_majority_and_fairness_serves_the_one_who_differs(service: Service) -> None:
    group = [*MAJORITY, ALONE]
    by_average = ids(recommend_to_group(service, group, strategy="average", k=4))
    fair = ids(recommend_to_group(service, group, strategy="fairness", k=4))
    assert set(by_average) <= set(FIRST_TASTE)
    assert set(fair[:3]) & set(SECOND_TASTE), "the one who differs finds something among the first three"
    assert set(fair[:3]) & set(FIRST_TASTE)


def test_least_misery_avoids_what_anyone_would_like_least(service: Service) -> None:
    group = [MAJORITY[0], ALONE]
    found = recommend_to_group(service, group, strategy="least-misery", k=20, franchise="anything")
    worst = [max(view.place or 10_000 for view in one.members) for one in found]
    assert worst == sorted(worst)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_what_anybody_has_seen_does_not_come_back_and_pages_go_on(service: Service, strategy: Strategy) -> None:
    group = [*MAJORITY, ALONE]
    whole = recommend_to_group(service, group, strategy=strategy, k=10)
    assert not {4, 5, 6, 12, 13, 20} & set(ids(whole)), "20 is an adult title"
    first = recommend_to_group(service, group, strategy=strategy, k=4)
    second = recommend_to_group(service, group, strategy=strategy, k=6, offset=4)
    assert (*first.items, *second.items) == whole.items
    assert first.next_offset == 4
    assert recommend_to_group(service, group, strategy=strategy, k=100).next_offset is None


def test_the_order_of_members_changes_nothing_and_a_group_of_twins_gets_what_one_gets(service: Service) -> None:
    group = [*MAJORITY, ALONE]
    for strategy in Strategy:
        assert ids(recommend_to_group(service, group, strategy=strategy)) == ids(
            recommend_to_group(service, group[::-1], strategy=strategy)
        )
    alone = [item.anime.anime_id for item in service.recommend(like=[4, 5], k=8)]
    twins = [Member("x", Profile.of_likes([4, 5])), Member("y", Profile.of_likes([4, 5]))]
    for strategy in Strategy:
        assert ids(recommend_to_group(service, twins, strategy=strategy, k=8)) == alone


def test_each_member_is_told_the_place_on_their_own_list_and_why(service: Service) -> None:
    found = recommend_to_group(service, [MAJORITY[0], ALONE], k=6)
    for one in found:
        assert [view.name for view in one.members] == ["a", "d"]
        assert {why.anime_id for why in one.members[0].because} <= {4, 5}
        assert {why.anime_id for why in one.item.because} <= {4, 5, 12, 13}
    assert any(one.members[0].place == 1 for one in found)


def test_franchises_come_once_at_their_opener_and_filters_hold(service: Service) -> None:
    group = [Member("x", Profile.of_likes([4])), Member("y", Profile.of_likes([5]))]
    found = ids(recommend_to_group(service, group, k=30))
    assert len({1, 2, 3} & set(found)) == 1
    assert 1 in found
    assert ids(recommend_to_group(service, group, k=30, filters=Filters(year_from=2011))) == []
    known = [Member("x", Profile.of_likes([1])), Member("y", Profile.of_likes([5]))]
    assert not {2, 3} & set(ids(recommend_to_group(service, known, k=30)))
    assert ids(recommend_to_group(service, known, k=30, franchise="next")) == [2]


@pytest.mark.parametrize(
    ("members", "wishes", "message"),
    [
        (MAJORITY[:1], {}, "2 to 16 members; got 1"),
        ([Member(str(i), Profile.of_likes([4])) for i in range(17)], {}, "got 17"),
        ([MAJORITY[0], MAJORITY[0]], {}, "two members are called a"),
        (MAJORITY, {"strategy": "dictator"}, "there are average, least-misery, fairness"),
        (MAJORITY, {"k": 0}, "at least 1"),
        (MAJORITY, {"offset": -1}, "begin at 0"),
        (MAJORITY, {"franchise": "some"}, "franchise mode"),
    ],
)
def test_bad_groups_are_refused(
    service: Service, members: list[Member], wishes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        recommend_to_group(service, members, **wishes)  # type: ignore[arg-type]


def test_somebody_without_a_list_counts_as_everybody(service: Service) -> None:
    found = recommend_to_group(service, [MAJORITY[0], Member("new", Profile.of([]))], k=5)
    assert len(found) == 5


WORTHS = arrays(np.float64, st.tuples(st.integers(2, 4), st.integers(1, 8)), elements=st.floats(0, 1))


@given(WORTHS, st.sampled_from(sorted(STRATEGIES)), st.integers(1, 10))
def test_every_strategy_gives_each_title_once_and_shorter_lists_begin_longer_ones(
    worth: np.ndarray, strategy: Strategy, k: int
) -> None:
    whole, values = STRATEGIES[strategy](worth, worth.shape[1])
    assert sorted(whole.tolist()) == list(range(worth.shape[1]))
    assert (np.diff(values) <= 1e-12).all()
    assert STRATEGIES[strategy](worth, k)[0].tolist() == whole[:k].tolist()


@given(WORTHS)
def test_what_all_prefer_stands_first_by_every_strategy(worth: np.ndarray) -> None:
    worth = np.concatenate([worth * 0.9, np.full((len(worth), 1), 1.0)], axis=1)
    for strategy in STRATEGIES.values():
        assert strategy(worth, 1)[0].tolist() == [worth.shape[1] - 1]


def test_fairness_is_the_greedy_choice_that_its_definition_says() -> None:
    worth = np.array([[1.0, 0.9, 0.0], [1.0, 0.0, 0.8]])
    order, values = fairness(worth, 3)
    assert order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(values, [1.0, 0.5 * 0.5 * 0.9**4, 0.5 * 0.5 * 0.8**4])


def test_worth_falls_with_the_logarithm_of_the_place() -> None:
    rows = np.array([2, 5, 7])
    worth = worths([np.array([5, 2]), np.array([7])], rows)
    np.testing.assert_allclose(worth, [[1 - np.log(2) / np.log(1201), 1, 0], [0, 0, 1]])


def test_of_a_franchise_the_opener_that_most_is_made_of_stands_for_all() -> None:
    rows, worth = one_each(np.array([1, 2, 3]), np.array([[0.2, 0.9, 0.1], [0.8, 0.0, 0.3]]), np.array([4, 4, 6]))
    assert rows.tolist() == [1, 3]
    np.testing.assert_allclose(worth, [[0.9, 0.1], [0.8, 0.3]])
