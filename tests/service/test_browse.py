from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.catalogue import ROLES
from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Profile
from anirec.core.ranking import Filters
from anirec.prepare.franchises import ROLES as FOUND_ROLES
from anirec.service.browse import UNKNOWN_DAY, Browse, _began
from anirec.service.places import watch_order
from anirec.service.recommend import Service
from anirec.wiring.serve import load
from worlds import catalogue_of

N = 25
DATES = {
    4: "2021-01-10", 5: "2020-12-20", 6: "2020-05", 7: "2019", 8: "2020-06-30", 9: "2021-02-01", 10: "2021-03-31",
    11: "2020-04-01", 12: "2021-01-05", 20: "2020-04-02",
}  # fmt: skip
MEMBERS = {4: 50_000, 5: 90_000, 6: 4000, 8: 3000, 9: 60_000, 10: 500_000, 11: 900, 12: 6000}


@dataclass(frozen=True)
class DatedFacts:
    """The small bundle's facts with the dates above; 10 has not begun yet, 12 says another season than its date."""

    own: Any
    dates: dict[int, str]

    def of(self, anime_ids: Any) -> Any:
        return self.own.of(anime_ids)

    def by_anilist_id(self) -> dict[int, int]:
        return {}

    def labels(self) -> dict[str, list[str]]:
        return {}

    def calendar(self) -> dict[str, Any]:
        ids = np.arange(1, N + 1)

        def masked(values: list[Any]) -> Any:
            known = np.array([value is None for value in values])
            return np.ma.array(np.array(values, dtype=object), mask=known)

        airing = ["Not yet aired" if i == 10 else "Finished Airing" if i in self.dates else None for i in ids]
        return {
            "anime_id": ids,
            "start_date": masked([self.dates.get(int(i)) for i in ids]),
            "year": np.ma.array([2020 if i == 12 else 0 for i in ids], mask=[i != 12 for i in ids]),
            "season": masked(["fall" if i == 12 else None for i in ids]),
            "airing": masked(airing),
        }


@pytest.fixture(scope="module")
def browse(small_bundle: Path) -> Browse:
    service = load(small_bundle)
    members = np.array([MEMBERS.get(i, 1000) for i in range(1, N + 1)], dtype=np.int32)
    return Browse(replace(
        service, facts=DatedFacts(service.facts, DATES), catalogue=replace(service.catalogue, members=members)
    ))  # fmt: skip


def ids(found: Any) -> list[int]:
    return [item.anime.anime_id for item in found]


def test_a_season_is_three_months_most_members_first(browse: Browse) -> None:
    assert ids(browse.season(2020, "spring")) == [6, 8, 11]  # 6 by its month; 7 has only a year; 20 is for adults
    assert ids(browse.season(2021, "winter")) == [10, 9, 4]
    assert ids(browse.season(2020, "fall")) == [5, 12]  # what the data say goes before the date
    assert ids(browse.season(1950, "fall")) == []
    assert ids(browse.season(2020, "spring", filters=Filters(min_members=1000))) == [6, 8]
    first = browse.season(2020, "spring", k=2)
    assert ids(first) + ids(browse.season(2020, "spring", k=2, offset=2)) == [6, 8, 11]
    assert first.next_offset == 2


def test_a_season_in_ones_taste_has_all_of_it_what_is_like_the_profile_first(browse: Browse) -> None:
    second_taste = Profile.of_likes([13, 14, 15])
    assert ids(browse.season(2020, "spring", profile=second_taste))[0] == 11
    found = browse.season(2020, "spring", profile=Profile.of_likes([4, 6]))
    assert set(ids(found)) == {8, 11}, "what is on the profile does not come back"
    assert {why.anime_id for item in found for why in item.because} <= {4, 6}


def test_what_the_model_does_not_know_comes_last_and_is_not_left_out(browse: Browse) -> None:
    class Knows:
        items = np.array([11, 13], dtype=np.int32)

        def score(self, profiles: Any) -> Any:
            return np.full((len(profiles), 2), 0.5, dtype=np.float32)

    service = replace(browse.service, models={**browse.service.models, "blend": Knows()})
    found = Browse(service).season(2020, "spring", profile=Profile.of_likes([13]), explain=False)
    assert ids(found) == [11, 6, 8]


def test_trends_are_members_a_day_among_what_began_within_a_year_of_the_newest(browse: Browse) -> None:
    found = browse.trending()
    # today of the data is 2021-02-01: 9 counts as 30 days old, 5 is 43, 4 is 22 and counts as 30; 10 has not begun
    assert ids(found)[:3] == [5, 9, 4]
    assert [round(item.score) for item in found][:3] == [round(90_000 / 43), 2000, round(50_000 / 30)]
    assert not {7, 10, 20} & set(ids(found))


def test_one_by_chance_passes_the_filters_and_the_seed_decides(browse: Browse) -> None:
    drawn = {browse.random(seed=seed).anime_id for seed in range(60)}
    assert len(drawn) > 10
    assert not {2, 3, 20, 11} & drawn, "no sequel, no adult title, nothing that hardly anybody knows"
    assert browse.random(seed=4) == browse.random(seed=4)
    assert browse.random(seed=1, filters=Filters(max_members=900)).anime_id == 11
    with pytest.raises(InputError, match="loosen"):
        browse.random(filters=Filters(year_from=2050))


def test_a_bundle_without_dates_says_so(small_bundle: Path) -> None:
    browse = Browse(load(small_bundle))
    with pytest.raises(MissingAbility, match="start dates"):
        browse.trending()
    assert browse.calendar.today == UNKNOWN_DAY
    with pytest.raises(InputError, match="winter, spring, summer, fall"):
        browse.season(2020, "autumn")


@given(st.text(alphabet="0123456789-x", max_size=12))
def test_any_start_date_is_read_or_not(text: str) -> None:
    began, said = _began(text)
    assert (began is None) == (said == 0)


SERIES = [[1, 2, 3, 4, 5]]
"""1 story, 2 a side story that 3, the next season, requires; 4 a recap, 5 a music video."""


def small_service(small_bundle: Path, *, roles: bool) -> Service:
    service = load(small_bundle)
    catalogue = catalogue_of(N, franchises=SERIES, kinds={5: "Music"})
    catalogue.requires[3], catalogue.requires[4] = 0, 0
    of_first = [0, 1, 0, 2, 3]
    own = np.array([*of_first, *[0] * (N - 5)], dtype=np.int8) if roles else None
    return replace(service, catalogue=replace(catalogue, roles=own))


def test_the_watch_order_says_what_each_title_is_and_what_can_be_left_out(small_bundle: Path) -> None:
    service = small_service(small_bundle, roles=True)
    places = watch_order(service.catalogue, service.facts, 3)
    assert [place.anime.anime_id for place in places] == [1, 2, 3, 4, 5]
    assert [place.role for place in places] == ["story", "side story", "story", "recap", "music"]
    assert [place.optional for place in places] == [False, False, False, True, True], "3 requires 2"
    assert [place.entry for place in places] == [True, False, False, False, False]


def test_of_a_bundle_without_roles_only_what_the_type_says_is_said(small_bundle: Path) -> None:
    service = small_service(small_bundle, roles=False)
    places = watch_order(service.catalogue, service.facts, 3)
    assert [place.role for place in places] == [None, None, None, None, "music"]
    assert [place.optional for place in places] == [False, False, False, False, True]


def test_roles_have_one_list_of_names() -> None:
    assert tuple(FOUND_ROLES) == ROLES


def test_what_is_airing_can_be_asked_for_everywhere(browse: Browse) -> None:
    begun, not_yet = (Filters(airing=frozenset({name})) for name in ("finished airing", "Not yet aired"))
    assert ids(browse.season(2021, "winter", filters=begun)) == [9, 4]
    assert ids(browse.season(2021, "winter", filters=not_yet)) == [10]
    assert ids(browse.service.recommend([4, 5], filters=not_yet, franchise="anything")) == [10]
    assert {item.anime.anime_id for item in browse.service.recommend([4, 5], filters=begun, k=50)} <= set(DATES)
    both = Filters(airing=begun.airing | not_yet.airing)
    assert ids(browse.season(2021, "winter", filters=both)) == [10, 9, 4]
    with pytest.raises(InputError, match='said to be "soon"; there are Finished Airing, Not yet aired'):
        browse.season(2021, "winter", filters=Filters(airing=frozenset({"soon"})))


def test_a_season_leaves_out_what_was_seen_and_orders_the_rest_as_before(browse: Browse) -> None:
    profile = Profile.of_likes([4, 6])
    whole = ids(browse.season(2020, "spring", profile=profile))
    seen = np.array([whole[0]], dtype=np.int32)
    assert ids(browse.season(2020, "spring", profile=profile, seen=seen)) == whole[1:]
