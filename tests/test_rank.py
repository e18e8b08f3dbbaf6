from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.core.ranking import Filters, FranchiseMode, Query
from anirec.rank import align, rank
from worlds import catalogue_of

ANYTHING = FranchiseMode.ANYTHING
NOBODY = Profile.of([])


def scores_of(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def ranked(
    scores: NDArray[np.float32],
    catalogue: Catalogue,
    *,
    profile: Profile = NOBODY,
    k: int = 20,
    mode: FranchiseMode = ANYTHING,
    filters: Filters | None = None,
    include_planned: bool = False,
) -> list[int]:
    query = Query(k=k, filters=filters or Filters(), franchise=mode, include_planned=include_planned)
    return [int(i) for i in rank(scores, profile, catalogue, query).anime_ids]


def test_best_scores_come_first_and_equal_ones_are_ordered_by_id() -> None:
    assert ranked(scores_of(1, 3, 2, 3, 2), catalogue_of(5)) == [2, 4, 3, 5, 1]


def test_equal_scores_at_the_end_of_the_list_are_cut_by_id() -> None:
    assert ranked(scores_of(0, 1, 0, 0, 0), catalogue_of(5), k=3) == [2, 1, 3]


def test_the_slider_leads_to_what_few_or_many_people_know() -> None:
    catalogue = catalogue_of(4, members={1: 2_000_000, 2: 200_000, 3: 50_000, 4: 100})
    scores = scores_of(0.5, 0.3, 0.2, 0.0)

    def leaning(popularity: float) -> list[int]:
        query = Query(k=4, filters=Filters(), franchise=ANYTHING, popularity=popularity)
        return [int(i) for i in rank(scores, NOBODY, catalogue, query).anime_ids]

    assert leaning(0) == leaning(0.5) == [1, 2, 3, 4]
    assert leaning(-0.5) == [3, 2, 1, 4], "what has no score at all is no hidden gem"
    with pytest.raises(InputError, match="from -1"):
        leaning(1.5)


@given(popularity=st.floats(-1, 1), data=st.data())
def test_the_slider_keeps_the_order_of_equally_known_titles(popularity: float, data: st.DataObject) -> None:
    scores = np.array(data.draw(st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=6)), dtype=np.float32)
    scores = np.round(scores, 3)
    query = Query(k=6, filters=Filters(), franchise=ANYTHING, popularity=popularity)
    found = rank(scores, NOBODY, catalogue_of(6), query).anime_ids
    assert found.tolist() == ranked(scores, catalogue_of(6))


def test_titles_on_the_profile_never_come_back() -> None:
    profile = Profile.of([Entry(2, 9), Entry(4, status=Status.DROPPED), Entry(5, status=Status.PLANNED)])
    assert ranked(scores_of(1, 9, 1, 9, 9), catalogue_of(5), profile=profile) == [1, 3]


def test_planned_titles_come_back_if_asked_for() -> None:
    profile = Profile.of([Entry(2, 9), Entry(5, status=Status.PLANNED)])
    assert ranked(scores_of(1, 9, 1, 2, 9), catalogue_of(5), profile=profile, include_planned=True) == [5, 4, 1, 3]


def test_what_has_no_score_is_not_recommended() -> None:
    assert ranked(scores_of(1, -np.inf, 2), catalogue_of(3)) == [3, 1]


def test_scores_are_returned_beside_the_ids() -> None:
    ranking = rank(scores_of(1, 3, 2), NOBODY, catalogue_of(3), Query(k=2, franchise=ANYTHING))
    assert ranking.scores.tolist() == [3, 2]


def test_asking_for_no_titles_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        ranked(scores_of(1), catalogue_of(1), k=0)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(kinds=frozenset({"Movie"})), [2]),
        (Filters(kinds=frozenset({"Movie", "OVA"})), [2, 3]),
        (Filters(year_from=2011), [5]),
        (Filters(year_to=2009), [1]),
        (Filters(year_from=2010, year_to=2010), [2, 3]),
        (Filters(min_members=900), [1, 2, 3]),
        (Filters(max_members=100), [5]),
        (Filters(min_episodes=13), [1]),
        (Filters(max_episodes=2), [2]),
        (Filters(max_minutes=23), []),
        (Filters(genres_in=frozenset({"Drama"})), [1, 3]),
        (Filters(genres_in=frozenset({"Drama", "Space"})), [3]),
        (Filters(genres_out=frozenset({"Drama"})), [2, 4, 5]),
        (Filters(adult=True), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_each_filter_keeps_exactly_what_it_says(filters: Filters, expected: list[int]) -> None:
    catalogue = catalogue_of(
        6,
        kinds={2: "Movie", 3: "OVA"},
        years={1: 2009, 4: 0, 5: 2011, 6: 1990},
        members={4: 0, 5: 100, 6: 1},
        episodes={1: 13, 2: 1, 4: 0},
        genres={1: ["Drama"], 3: ["Drama", "Space"], 4: ["Space"]},
        adult=[6],
    )
    assert ranked(np.zeros(6, dtype=np.float32), catalogue, filters=filters) == expected


def test_an_unknown_fact_never_passes_a_bound_on_it() -> None:
    catalogue = catalogue_of(2, years={2: 0}, members={2: 0}, episodes={2: 0})
    for filters in (
        Filters(year_from=1), Filters(year_to=3000), Filters(min_members=1), Filters(max_members=10**6),
        Filters(min_episodes=1), Filters(max_episodes=1000),
    ):  # fmt: skip
        assert ranked(scores_of(0, 1), catalogue, filters=filters) == [1]


def test_unknown_kinds_and_labels_are_refused_with_the_known_ones() -> None:
    catalogue = catalogue_of(1, genres={1: ["Drama"]})
    with pytest.raises(InputError, match=r"Musical.*types are.*Movie"):
        ranked(scores_of(1), catalogue, filters=Filters(kinds=frozenset({"Musical"})))
    with pytest.raises(InputError, match=r'"Dramedy".*genres are Drama'):
        ranked(scores_of(1), catalogue, filters=Filters(genres_in=frozenset({"Dramedy"})))


SERIES = catalogue_of(8, franchises=[[1, 2, 3], [5, 6]])


class TestFranchises:
    """Titles 1, 2, 3 are three seasons; 5, 6 two; 4, 7, 8 stand alone."""

    def test_no_later_season_is_shown_before_its_first(self) -> None:
        assert ranked(scores_of(1, 2, 9, 3, 4, 8, 0, 0), SERIES, mode=FranchiseMode.ENTRY) == [1, 5, 4, 7, 8]

    def test_the_opener_takes_the_place_that_its_best_season_earned(self) -> None:
        ranking = rank(scores_of(1, 2, 9, 3, 4, 0, 0, 0), NOBODY, SERIES, Query(k=1))
        assert (ranking.anime_ids.tolist(), ranking.scores.tolist()) == ([1], [9])

    def test_franchises_on_the_profile_are_known_already(self) -> None:
        profile = Profile.of_likes([2])
        assert ranked(np.arange(8, dtype=np.float32), SERIES, profile=profile, mode=FranchiseMode.ENTRY) == [8, 7, 5, 4]

    def test_of_two_openers_the_better_one_stands_for_the_franchise(self) -> None:
        catalogue = catalogue_of(4, franchises=[[1, 2]])
        catalogue.requires[1] = -1  # a remake: one may start there as well
        assert ranked(scores_of(1, 2, 0, 0), catalogue, mode=FranchiseMode.ENTRY) == [2, 3, 4]
        assert ranked(scores_of(2, 1, 0, 0), catalogue, mode=FranchiseMode.ENTRY) == [1, 3, 4]

    def test_a_filtered_opener_is_not_replaced_by_its_sequel(self) -> None:
        catalogue = catalogue_of(3, franchises=[[1, 2]], years={1: 1990})
        filters = Filters(year_from=2000)
        assert ranked(scores_of(9, 9, 0), catalogue, mode=FranchiseMode.ENTRY, filters=filters) == [3]

    def test_an_opener_gets_nothing_from_seasons_that_a_filter_leaves_out(self) -> None:
        catalogue = catalogue_of(4, franchises=[[1, 2]], years={1: 1990, 2: 2010, 3: 2010, 4: 2010})
        catalogue.requires[1] = -1  # a remake
        scores, filters = scores_of(9, 1, 3, 2), Filters(year_from=2000)
        assert ranked(scores, catalogue, mode=FranchiseMode.ENTRY, filters=filters) == [3, 4, 2]
        assert ranked(scores, catalogue, mode=FranchiseMode.ENTRY) == [1, 3, 4]

    def test_next_is_the_season_after_the_last_one_seen(self) -> None:
        profile = Profile.of_likes([1, 5])
        assert ranked(scores_of(9, 1, 5, 9, 9, 2, 9, 9), SERIES, profile=profile, mode=FranchiseMode.NEXT) == [6, 2]
        profile = Profile.of_likes([1, 2])
        assert ranked(scores_of(9, 1, 5, 9, 9, 2, 9, 9), SERIES, profile=profile, mode=FranchiseMode.NEXT) == [3]

    def test_a_planned_title_is_not_seen_yet(self) -> None:
        profile = Profile.of([Entry(1, status=Status.PLANNED)])
        assert ranked(np.ones(8, dtype=np.float32), SERIES, profile=profile, mode=FranchiseMode.NEXT) == []

    def test_mixed_gives_openers_and_next_seasons_one_per_franchise(self) -> None:
        profile = Profile.of_likes([1])
        got = ranked(scores_of(9, 5, 6, 4, 3, 9, 2, 1), SERIES, profile=profile, mode=FranchiseMode.MIXED)
        assert got == [2, 4, 5, 7, 8]

    def test_unrelated_gives_any_season_of_new_franchises(self) -> None:
        profile = Profile.of_likes([3])
        got = ranked(scores_of(9, 9, 9, 1, 5, 6, 0, 0), SERIES, profile=profile, mode=FranchiseMode.UNRELATED)
        assert got == [6, 5, 4, 7, 8]


def by_definition(
    scores: NDArray[np.float32], profile: Profile, catalogue: Catalogue, mode: FranchiseMode, k: int, year: int
) -> list[int]:
    """Ranking one title at a time, without arrays; none from before `year`."""
    seen = {int(i) for i in profile.anime_ids[profile.seen]}
    row = {int(anime_id): r for r, anime_id in enumerate(catalogue.anime_ids)}
    known = {int(catalogue.franchise[row[i]]) for i in seen}

    def allowed(anime_id: int) -> bool:
        r = row[anime_id]
        needed = int(catalogue.requires[r])
        opener, related = needed < 0, int(catalogue.franchise[r]) in known
        reachable = opener or int(catalogue.anime_ids[needed]) in seen
        return {
            FranchiseMode.ANYTHING: True,
            FranchiseMode.UNRELATED: not related,
            FranchiseMode.ENTRY: opener and not related,
            FranchiseMode.NEXT: reachable and related,
            FranchiseMode.MIXED: reachable,
        }[mode]

    passing = [i for i in row if catalogue.years[row[i]] >= year]
    candidates = [i for i in passing if allowed(i) and i not in set(profile.anime_ids.tolist())]
    merit = {i: float(scores[row[i]]) for i in candidates}
    if mode in (FranchiseMode.ENTRY, FranchiseMode.NEXT, FranchiseMode.MIXED):
        groups: dict[int, list[int]] = {}
        for i in candidates:
            groups.setdefault(int(catalogue.franchise[row[i]]), []).append(i)
        candidates = [min(group, key=lambda i: (-merit[i], i)) for group in groups.values()]
    if mode is FranchiseMode.ENTRY:
        merit = {i: max(float(scores[row[j]]) for j in passing
                        if catalogue.franchise[row[j]] == catalogue.franchise[row[i]]) for i in candidates}  # fmt: skip
    return sorted(candidates, key=lambda i: (-merit[i], i))[:k]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[NDArray[np.float32], Profile, Catalogue, FranchiseMode, int]:
    n = draw(st.integers(1, 14))
    groups: dict[int, list[int]] = {}
    for anime_id in range(1, n + 1):
        groups.setdefault(draw(st.integers(0, 5)), []).append(anime_id)
    years = draw(st.lists(st.sampled_from([1990, 2010]), min_size=n, max_size=n))
    catalogue = catalogue_of(n, franchises=list(groups.values()), years=dict(enumerate(years, start=1)))
    for r in range(n):
        if draw(st.booleans()):
            catalogue.requires[r] = -1
    scores = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=np.float32)
    statuses = st.sampled_from([Status.COMPLETED, Status.DROPPED, Status.PLANNED])
    entries = draw(st.dictionaries(st.integers(1, n), statuses, max_size=4))
    profile = Profile.of(Entry(i, status=status) for i, status in entries.items())
    return scores, profile, catalogue, draw(st.sampled_from(FranchiseMode)), draw(st.integers(1, 15))


@given(worlds(), st.sampled_from([0, 2000]))
def test_ranking_is_what_its_definition_says(
    world: tuple[NDArray[np.float32], Profile, Catalogue, FranchiseMode, int], year: int
) -> None:
    scores, profile, catalogue, mode, k = world
    filters = Filters(year_from=year) if year else Filters()
    assert ranked(scores, catalogue, profile=profile, mode=mode, k=k, filters=filters) == by_definition(
        scores, profile, catalogue, mode, k, year
    )


@given(worlds(), st.integers(0, 2**32 - 1))
def test_the_list_is_refilled_to_k_while_candidates_last(
    world: tuple[NDArray[np.float32], Profile, Catalogue, FranchiseMode, int], seed: int
) -> None:
    _, profile, catalogue, mode, k = world
    scores = np.random.default_rng(seed).random(len(catalogue), dtype=np.float32)
    everything = ranked(scores, catalogue, profile=profile, mode=mode, k=len(catalogue))
    assert ranked(scores, catalogue, profile=profile, mode=mode, k=k) == everything[:k]


def test_one_giant_franchise_in_front_does_not_starve_the_list() -> None:
    catalogue = catalogue_of(3000, franchises=[range(1, 2001)])
    scores = -np.arange(3000, dtype=np.float32)
    catalogue.requires[:] = -1
    assert ranked(scores, catalogue, mode=FranchiseMode.ENTRY, k=20) == [1, *range(2001, 2020)]
    assert ranked(scores, catalogue, mode=FranchiseMode.MIXED, k=20) == [1, *range(2001, 2020)]


@given(world=worlds(), offset=st.integers(0, 15), popularity=st.sampled_from([-0.5, 0.0, 1.0]))
def test_a_page_goes_on_exactly_where_the_one_before_it_ended(
    world: tuple[NDArray[np.float32], Profile, Catalogue, FranchiseMode, int], offset: int, popularity: float
) -> None:
    scores, profile, catalogue, mode, k = world
    page = Query(k=k, filters=Filters(year_from=2000), franchise=mode, popularity=popularity, offset=offset)
    whole = rank(scores, profile, catalogue, replace(page, k=offset + k, offset=0))
    found = rank(scores, profile, catalogue, page)
    assert found.anime_ids.tolist() == whole.anime_ids[offset:].tolist()
    assert found.scores.tolist() == whole.scores[offset:].tolist()


def test_pages_of_a_long_list_hold_every_title_once() -> None:
    scores = np.random.default_rng(0).random(3000, dtype=np.float32)
    pages = [rank(scores, NOBODY, catalogue_of(3000), Query(k=700, offset=at)).anime_ids for at in range(0, 3500, 700)]
    assert [len(page) for page in pages] == [700, 700, 700, 700, 200]
    assert np.concatenate(pages).tolist() == (np.argsort(-scores, kind="stable") + 1).tolist()
    with pytest.raises(InputError, match="begins at 0"):
        rank(scores, NOBODY, catalogue_of(3000), Query(offset=-1))


def test_scores_of_a_model_that_knows_less_are_spread_over_the_catalogue() -> None:
    catalogue = catalogue_of(4)
    spread = align(scores_of(5, 6), catalogue.rows_of(np.array([2, 4], np.int32)), catalogue)
    assert spread.tolist() == [-np.inf, 5, -np.inf, 6]
