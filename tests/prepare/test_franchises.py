from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.catalogue import KINDS
from anirec.prepare.franchises import ROLES, Franchises, IdGroups, Relations, Titles, find_franchises
from anirec.prepare.franchises.facts import INVERSES

MIRRORED = ["Prequel", "Parent story", "Full story"]


@dataclass(frozen=True)
class Anime:
    """A title of a small world; its id is its place, counted from 1."""

    title: str
    date: str | None = None
    kind: str = "TV"
    episodes: int = 12
    members: int = 1000
    japanese: str | None = None
    english: str | None = None
    source: str | None = None
    adult: bool = False
    synonyms: Sequence[str] = ()


def world(
    anime: Sequence[Anime],
    relations: Sequence[tuple[int, str, int]] = (),
    id_map: Sequence[tuple[int, str]] = (),
) -> Franchises:
    """Find the franchises of the titles; relations: (id, what the other is to it, id of the other).

    id_map: (id, group).
    """
    titles = Titles(
        anime_ids=np.arange(1, len(anime) + 1, dtype=np.int32),
        title=[a.title for a in anime],
        english=[a.english for a in anime],
        japanese=[a.japanese for a in anime],
        synonyms=[list(a.synonyms) for a in anime],
        kinds=np.array([KINDS.index(a.kind) for a in anime], dtype=np.int8),
        start_dates=[a.date for a in anime],
        years=np.zeros(len(anime), dtype=np.int16),
        episodes=np.array([a.episodes for a in anime], dtype=np.int16),
        members=np.array([a.members for a in anime], dtype=np.int32),
        sources=[a.source for a in anime],
        adult=np.array([a.adult for a in anime], dtype=np.bool_),
    )
    table = Relations(
        anime_ids=np.array([a for a, _, _ in relations], dtype=np.int32),
        relations=[relation for _, relation, _ in relations],
        target_ids=np.array([b for _, _, b in relations], dtype=np.int32),
    )
    groups = IdGroups(np.array([a for a, _ in id_map], dtype=np.int32), [group for _, group in id_map])
    return find_franchises(titles, table, groups if id_map else None)


def needs(franchises: Franchises) -> list[int]:
    """The id that each title requires, 0 for a start."""
    return [int(row) + 1 for row in franchises.requires]


def test_a_season_requires_the_season_before_it() -> None:
    seasons = [Anime("Umi", "2010"), Anime("Umi no Hate", "2012"), Anime("Umi no Owari", "2014")]
    found = world(seasons, [(1, "Sequel", 2), (3, "Prequel", 2)])
    assert found.number.tolist() == [0, 0, 0]
    assert needs(found) == [0, 1, 2]
    assert found.order.tolist() == [0, 1, 2]


def test_a_title_without_relatives_is_a_franchise_of_its_own_and_a_start() -> None:
    found = world([Anime("Umi", "2010"), Anime("Yama", "2010")])
    assert found.number.tolist() == [0, 1]
    assert needs(found) == [0, 0]
    assert found.evidence == ("alone", "alone")


def test_season_and_part_marks_chain_titles_without_any_relation() -> None:
    titles = ["Kaze no Uta", "Kaze no Uta 2nd Season", "Kaze no Uta 2nd Season Part 2", "Kaze no Uta III"]
    found = world([Anime(title, f"202{i}") for i, title in enumerate(titles)])
    assert found.number.tolist() == [0, 0, 0, 0]
    assert needs(found) == [0, 1, 2, 3]


def test_evidence_leads_from_each_title_to_the_first_of_its_franchise() -> None:
    anime = [Anime("Kaze no Uta", "2020"), Anime("Kaze no Uta Season 2", "2022"), Anime("Hoshi", "2021", "Special", 1)]
    found = world(anime, [(2, "Side story", 3)])
    assert found.evidence == ("first of its franchise", "title: mark as in 1", "relation: Side story of 2")


def test_a_season_mark_without_its_series_stays_a_start_and_is_said_to_be_unmet() -> None:
    found = world([Anime("Kaze no Uta Season 3", "2022"), Anime("Yama", "2020")])
    assert needs(found) == [0, 0]
    assert found.unmet.tolist() == [True, False]


@pytest.mark.parametrize("name", ["Mob Psycho 100", "91 Days", "22/7", "86", "Zom 100", "No.6", "Saki"])
def test_digits_of_a_name_join_nothing(name: str) -> None:
    found = world([Anime(name, "2016"), Anime("Mob", "2015"), Anime("Days", "2014"), Anime("Zom", "2013")])
    assert found.number.tolist() == [0, 1, 2, 3]
    assert not found.unmet.any()


def test_a_name_that_ends_in_digits_can_have_a_second_season() -> None:
    assert needs(world([Anime("Mob Psycho 100", "2016"), Anime("Mob Psycho 100 II", "2019")])) == [0, 1]


def test_a_number_far_from_any_other_is_part_of_the_name() -> None:
    found = world([Anime("Saigo no Gensou", "1994", "OVA"), Anime("Saigo no Gensou VII", "2005", "Movie")])
    assert found.number.tolist() == [0, 1]


@pytest.mark.parametrize("title", ["K: Return", "Another: Nazo", "K Music Video"])
def test_a_short_name_swallows_nothing_by_a_colon(title: str) -> None:
    short = title.replace(":", "").split()[0]
    assert world([Anime(short, "2012"), Anime(title, "2014")]).number.tolist() == [0, 1]


def test_a_long_name_before_a_colon_joins() -> None:
    found = world([Anime("Sora no Kanata", "2012"), Anime("Sora no Kanata: Natsu-hen", "2014")])
    assert needs(found) == [0, 1]


def test_namesakes_far_apart_are_strangers_unless_they_adapt_the_same_sort_of_source() -> None:
    old = Anime("Uchuu Kaizoku", "1978", source="Manga")
    assert world([old, Anime("Uchuu Kaizoku", "2013", source="Novel")]).number.tolist() == [0, 1]
    again = world([old, Anime("Uchuu Kaizoku (2013)", "2013", source="Manga")])
    assert again.number.tolist() == [0, 0]
    assert needs(again) == [0, 0]


def test_a_title_for_adults_is_not_taken_for_its_namesake() -> None:
    found = world([Anime("Mai no Hime", "2004"), Anime("Mai no Hime", "2006", "OVA", adult=True)])
    assert found.number.tolist() == [0, 1]


def test_japanese_titles_that_differ_keep_namesakes_apart() -> None:
    found = world([Anime("Ikkyuu San", "1975", japanese="一休さん"), Anime("Ikkyuu San", "1978", japanese="一球さん")])
    assert found.number.tolist() == [0, 1]


def test_a_crossover_does_not_unite_two_series() -> None:
    anime = [
        Anime("Kaitou Rupan", "1971", members=900),
        Anime("Meitantei Konan", "1996", members=800),
        Anime("Kaitou Rupan vs. Meitantei Konan", "2009", "Special", 1, members=700),
    ]
    found = world(anime, [(1, "Side story", 3), (2, "Side story", 3), (3, "Parent story", 2)])
    assert found.number[0] != found.number[1]


def test_an_untyped_relation_joins_only_titles_that_share_a_name() -> None:
    anime = [
        Anime("Kaze no Uta", "2020"),
        Anime("Vigilante: Kaze no Uta Gaiden", "2022"),
        Anime("Isekai Yonjuusou", "2022"),
    ]
    found = world(anime, [(1, "Related", 2), (1, "Related", 3)])
    assert found.number.tolist() == [0, 0, 1]


def test_side_stories_summaries_and_specials_require_their_series() -> None:
    anime = [
        Anime("Umi", "2010"),
        Anime("Hoshi", "2011", "OVA", 2, members=10),
        Anime("Tsuki", "2011", "Movie", 1, members=10),
        Anime("Yuki", "2012", "Special", 3),
    ]
    found = world(anime, [(1, "Side story", 2), (1, "Summary", 3), (4, "Parent story", 1)])
    assert needs(found) == [0, 1, 1, 1]


def test_a_full_series_under_a_name_of_its_own_is_a_start_although_it_is_a_side_story() -> None:
    found = world([Anime("Kinsho", "2008"), Anime("Denjihou", "2009", episodes=24)], [(1, "Side story", 2)])
    assert needs(found) == [0, 0]


@pytest.mark.parametrize(
    ("relation", "kind", "start"),
    [
        ("Spin-off", "TV", True),
        ("Spin-off", "Movie", True),
        ("Spin-off", "Special", False),
        ("Alternative version", "TV", True),
        ("Alternative setting", "OVA", True),
        ("Alternative version", "Special", False),
    ],
)
def test_series_and_films_told_anew_or_spun_off_are_starts(relation: str, kind: str, *, start: bool) -> None:
    found = world([Anime("Renkin", "2003"), Anime("Renkin Shin", "2009", kind, 2)], [(1, relation, 2)])
    assert (needs(found)[1] == 0) is start


def test_a_prequel_that_came_later_never_closes_the_door_to_the_older_story() -> None:
    film = world([Anime("Bake", "2009"), Anime("Kizu", "2016", "Movie", 1)], [(2, "Sequel", 1)])
    assert needs(film) == [0, 1]
    series = world([Anime("Yoru", "2006"), Anime("Zero", "2011", episodes=25)], [(2, "Sequel", 1)])
    assert needs(series) == [0, 0]


def test_a_late_prequel_is_found_through_the_films_between() -> None:
    films = [Anime(f"Kizu {name}", f"201{i}", "Movie", 1) for i, name in enumerate(["Tetsu", "Netsu", "Rei"], 6)]
    found = world([Anime("Bake", "2009"), *films], [(2, "Sequel", 3), (3, "Sequel", 4), (4, "Sequel", 1)])
    assert needs(found) == [0, 1, 2, 3]


def test_a_series_requires_the_season_before_not_the_special_between() -> None:
    anime = [Anime("Umi", "2010"), Anime("Umi Natsu", "2011", "Special", 1), Anime("Umi Fuyu", "2012")]
    assert needs(world(anime, [(1, "Sequel", 2), (2, "Sequel", 3)])) == [0, 1, 1]


def test_a_series_requires_the_film_that_carries_its_story() -> None:
    anime = [Anime("Naraku", "2017"), Anime("Naraku Reimei", "2020", "Movie", 1), Anime("Naraku Retsujitsu", "2022")]
    assert needs(world(anime, [(1, "Sequel", 2), (2, "Sequel", 3)])) == [0, 1, 2]


def test_a_numbered_film_requires_its_series_not_the_film_before() -> None:
    films = [Anime(f"Meitantei Movie 0{i}", f"200{i}", "Movie", 1, 10) for i in (1, 2)]
    relations = [(1, "Side story", 2), (1, "Side story", 3), (2, "Sequel", 3)]
    assert needs(world([Anime("Meitantei", "1996"), *films], relations)) == [0, 1, 1]


def test_a_famous_series_does_not_require_the_little_known_ova_before_it() -> None:
    anime = [Anime("Shounan", "1994", "OVA", 5, members=90), Anime("Guretto", "1999", members=900)]
    assert needs(world(anime, [(1, "Sequel", 2)])) == [0, 0]


def test_a_special_ahead_of_its_series_requires_the_series() -> None:
    anime = [Anime("Umi", "2010-04-01"), Anime("Umi Yokoku", "2010-03-01", "Special", 1)]
    found = world(anime, [(1, "Other", 2)])
    assert needs(found) == [0, 1]
    assert found.order.tolist() == [0, 1]


def test_recaps_and_songs_come_last_in_the_watch_order() -> None:
    anime = [
        Anime("Umi", "2010"),
        Anime("Umi Song", "2010", "Music", 1),
        Anime("Umi Soushuuhen", "2011", "Special", 1),
        Anime("Umi Ni", "2012"),
    ]
    found = world(anime, [(1, "Sequel", 4), (1, "Summary", 3), (1, "Side story", 2)])
    assert found.order.tolist()[3] == 1


def test_a_season_without_a_date_comes_after_the_season_before_it() -> None:
    anime = [
        Anime("Kaze no Uta", "2024-04"),
        Anime("Kaze no Uta Season 2", None),
        Anime("Kaze no Uta Season 3", "2026"),
    ]
    assert needs(world(anime)) == [0, 1, 2]


def test_a_group_of_specials_only_still_has_a_start() -> None:
    found = world([Anime("A Song", "2010", "Music", 1), Anime("B Song", "2011", "Music", 1)], [(1, "Sequel", 2)])
    assert needs(found) == [0, 1]


def test_relations_of_unknown_titles_names_and_to_itself_are_ignored() -> None:
    anime = [Anime("Umi", "2010"), Anime("Yama", "2011")]
    found = world(anime, [(1, "Sequel", 99), (98, "Sequel", 2), (1, "Friend", 2), (1, "Sequel", 1)])
    assert found.number.tolist() == [0, 1]


def test_every_title_has_the_role_that_its_type_its_name_or_a_relation_gives_it() -> None:
    anime = [
        Anime("Umi", "2010", episodes=24),
        Anime("Umi Ni", "2012"),
        Anime("Umi Natsu", "2011", "Special", 1),
        Anime("Umi Gaiden", "2011", "Movie", 1),
        Anime("Umi Soushuuhen", "2011", "Special", 1),
        Anime("Umi no Matome", "2011", "Special", 1, synonyms=["The Sea Recap"]),
        Anime("Umi no Kioku", "2013", "Movie", 1),
        Anime("Umi Song", "2010", "Music", 1),
        Anime("Umi PV", "2009", "ONA", 1),
        Anime("Kaigan", "2013", episodes=24),
        Anime("Kaigan no Hi", "2013", "ONA", 2),
    ]
    relations = [(1, "Sequel", 2), (1, "Side story", 3), (1, "Side story", 4), (1, "Other", 5), (1, "Other", 6)]
    relations += [(1, "Summary", 7), (1, "Side story", 8), (1, "Other", 9), (1, "Side story", 10), (1, "Spin-off", 11)]
    side, roles = "side story", world(anime, relations).role
    assert roles == ("story", "story", side, side, "recap", "recap", "recap", "music", "promo", "story", side)


@pytest.mark.parametrize(("first", "second", "role"), [(2012, 2013, "recap"), (2030, 2031, "story")])
def test_films_in_parts_soon_after_their_series_are_compilations(first: int, second: int, role: str) -> None:
    films = [Anime("Mahou no Machi Movie 1: Asa", str(first), "Movie", 1)]
    films += [Anime("Mahou no Machi Movie 2: Yoru", str(second), "Movie", 1)]
    relations = [(1, "Alternative version", 2), (1, "Alternative version", 3), (2, "Sequel", 3)]
    assert world([Anime("Mahou no Machi", "2011"), *films], relations).role == ("story", role, role)


def test_a_single_film_that_tells_a_series_again_is_a_story() -> None:
    anime = [Anime("Mahou no Machi", "2011"), Anime("Mahou no Machi Movie", "2012", "Movie", 1)]
    assert world(anime, [(1, "Alternative version", 2)]).role == ("story", "story")


def test_an_id_map_joins_titles_that_no_typed_relation_reaches() -> None:
    anime = [Anime("Umi", "2020"), Anime("Hoshi", "2021", episodes=6), Anime("Tsuki", "2022"), Anime("Yama", "2020")]
    found = world(
        anime, [(3, "Other", 4)], [(1, "tvdb 7"), (2, "tvdb 7"), (3, "tvdb 8"), (4, "tvdb 9"), (99, "tvdb 9")]
    )
    assert found.number.tolist() == [0, 0, 1, 2]
    assert found.evidence == ("first of its franchise", "id map: tvdb 7", "alone", "alone")
    assert needs(found) == [0, 1, 0, 0]


def test_an_id_map_adds_to_one_family_of_typed_relations() -> None:
    anime = [Anime("Umi", "2020"), Anime("Hoshi", "2021"), Anime("Tsuki", "2022")]
    found = world(anime, [(1, "Sequel", 2)], [(i, "tvdb 7") for i in (1, 2, 3)])
    assert found.number.tolist() == [0, 0, 0]
    assert found.evidence[1:] == ("relation: Sequel of 1", "id map: tvdb 7")


def test_an_id_map_that_spans_two_families_of_typed_relations_joins_nothing() -> None:
    anime = [Anime(name, "2020") for name in ("Umi", "Hoshi", "Tsuki", "Yama", "Kawa")]
    found = world(anime, [(1, "Sequel", 2), (3, "Sequel", 4)], [(i, "tvdb 7") for i in (1, 3, 5)])
    assert found.number.tolist() == [0, 0, 1, 1, 2]


def test_two_groups_of_an_id_map_do_not_unite_two_families_through_a_title_in_both() -> None:
    anime = [Anime(name, "2020") for name in ("Umi", "Hoshi", "Tsuki", "Yama", "Kawa")]
    found = world(anime, [(1, "Sequel", 2), (3, "Sequel", 4)], [(1, "a"), (5, "a"), (3, "b"), (5, "b")])
    assert found.number.tolist() == [0, 0, 1, 1, 0]


def test_an_id_map_does_not_unite_two_large_groups() -> None:
    anime = [Anime(f"{chr(65 + i)}bcdefg", "2020") for i in range(10)]
    groups = [(i, "a") for i in range(1, 6)] + [(i, "b") for i in range(6, 11)]
    assert world(anime, (), [*groups, (1, "c"), (10, "c")]).number.tolist() == [0] * 5 + [1] * 5


SERIES = [Anime("Minamike", "2007"), *(Anime(f"Minamike {name}", f"20{n}") for n, name in enumerate("ABC", 10))]
IN_ORDER = [(1, "Sequel", 2), (2, "Sequel", 3), (3, "Sequel", 4)]


def test_a_title_joins_the_franchise_that_names_its_titles_as_it_is_named() -> None:
    found = world([*SERIES, Anime("Minamike Korekara", "2026")], IN_ORDER)
    assert found.number.tolist() == [0] * 5
    assert found.evidence[4] == "title: beginning as in 1"


@pytest.mark.parametrize(
    "anime",
    [
        Anime("Minamikeru", "2026"),
        Anime("Minamike x Umi", "2026"),
        Anime("Minamike Zen", "2026", adult=True),
        Anime("Minamike Zen", "1990"),
    ],
)
def test_a_habit_does_not_take_in_other_words_crossovers_other_readers_or_older_titles(anime: Anime) -> None:
    assert world([*SERIES, anime], IN_ORDER).number.tolist() == [0, 0, 0, 0, 1]


def test_a_franchise_with_fewer_titles_so_named_has_no_such_habit() -> None:
    found = world([*SERIES[:3], Anime("Minamike Korekara", "2026")], IN_ORDER[:2])
    assert found.number.tolist() == [0, 0, 0, 1]


def test_a_habit_that_another_franchise_shares_joins_nothing() -> None:
    others = [Anime("Minamike Umi", "2020"), Anime("Minamike Yama", "2021")]
    found = world([*SERIES, *others, Anime("Minamike Korekara", "2026")], [*IN_ORDER, (5, "Sequel", 6)])
    assert found.number.tolist() == [0, 0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(("title", "date", "start"), [("Umi (2018)", "2018", True), ("Umi (2018)", "1992", False)])
def test_a_namesake_after_many_years_is_a_start_though_it_is_called_a_sequel(
    title: str, date: str, *, start: bool
) -> None:
    found = world([Anime("Umi", "1988"), Anime(title, date)], [(1, "Sequel", 2)])
    assert (needs(found)[1] == 0) is start


def test_a_song_without_a_type_is_known_by_its_name() -> None:
    assert world([Anime("Umi (Music)", "2020", "Unknown", 0)]).role == ("music",)


def test_an_empty_catalogue_has_no_franchises() -> None:
    found = world([])
    assert found.number.tolist() == []
    assert found.evidence == found.role == ()


animes = st.builds(
    Anime,
    title=st.sampled_from(
        ["Umi", "Umi no Uta", "Umi no Uta 2", "Umi no Uta: Natsu", "Umi no Uta Part 2", "Yama", "Yama II"]
    ),
    date=st.one_of(st.none(), st.sampled_from(["2010", "2010-05", "2010-05-06", "2012", "2015-01-01", "2023-07"])),
    kind=st.sampled_from(KINDS),
    episodes=st.sampled_from([0, 1, 12]),
    members=st.integers(0, 5),
)


@st.composite
def worlds_of_titles(draw: st.DrawFn) -> tuple[list[Anime], list[tuple[int, str, int]]]:
    anime = draw(st.lists(animes, min_size=1, max_size=9))
    ids = st.integers(1, len(anime))
    relations = st.tuples(ids, st.sampled_from([*INVERSES, *MIRRORED]), ids)
    return anime, draw(st.lists(relations, max_size=14))


@given(worlds_of_titles(), st.randoms())
def test_franchises_do_not_depend_on_the_order_of_relations(
    made: tuple[list[Anime], list[tuple[int, str, int]]], chance: random.Random
) -> None:
    anime, relations = made
    shuffled = relations.copy()
    chance.shuffle(shuffled)
    one, other = world(anime, relations), world(anime, shuffled + relations[:1])
    assert one.number.tolist() == other.number.tolist()
    assert one.order.tolist() == other.order.tolist()
    assert one.requires.tolist() == other.requires.tolist()
    assert one.evidence == other.evidence


@given(worlds_of_titles())
def test_requirements_stay_in_the_franchise_and_every_one_leads_to_a_start(
    made: tuple[list[Anime], list[tuple[int, str, int]]],
) -> None:
    anime, relations = made
    found = world(anime, relations)
    for row in range(len(anime)):
        seen = [row]
        while found.requires[seen[-1]] >= 0:
            seen.append(int(found.requires[seen[-1]]))
            assert len(seen) <= len(anime), "requirements run in a circle"
            assert found.number[seen[-1]] == found.number[row]


@given(worlds_of_titles())
def test_the_watch_order_counts_each_franchise_from_zero_and_respects_requirements(
    made: tuple[list[Anime], list[tuple[int, str, int]]],
) -> None:
    found = world(*made)
    for group in np.unique(found.number):
        assert sorted(found.order[found.number == group].tolist()) == list(range(int(np.sum(found.number == group))))
    required = found.requires >= 0
    assert np.all(found.order[found.requires[required]] < found.order[required])


@given(worlds_of_titles())
def test_every_role_is_one_of_the_table(made: tuple[list[Anime], list[tuple[int, str, int]]]) -> None:
    assert set(world(*made).role) <= ROLES.keys()


@given(worlds_of_titles())
def test_franchises_are_numbered_in_the_order_of_their_first_titles(
    made: tuple[list[Anime], list[tuple[int, str, int]]],
) -> None:
    found = world(*made)
    _, first = np.unique(found.number, return_index=True)
    assert first.tolist() == sorted(first.tolist())
    assert found.number[first].tolist() == list(range(len(first)))


@given(worlds_of_titles())
def test_everything_that_is_related_by_sequel_is_in_one_franchise(
    made: tuple[list[Anime], list[tuple[int, str, int]]],
) -> None:
    anime, relations = made
    found = world(anime, relations)
    assert all(found.number[a - 1] == found.number[b - 1] for a, r, b in relations if r in {"Sequel", "Prequel"})
