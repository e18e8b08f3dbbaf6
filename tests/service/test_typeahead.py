from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.errors import InputError
from anirec.service.typeahead import Typeahead, edits_to_prefix
from anirec.titles import Level, TitleIndex, title_key
from anirec.wiring.serve import load
from worlds import catalogue_of

TITLES = [
    (1, "Cowboy Bebop", Level.MAIN), (1, "カウボーイビバップ", Level.MAIN), (2, "Cowboy Bebop: The Movie", Level.MAIN),
    (3, "One Piece", Level.MAIN), (4, "One", Level.MAIN), (5, "One Punch Man", Level.MAIN),
    (6, "Shingeki no Kyojin", Level.MAIN), (6, "Attack on Titan", Level.MAIN), (6, "進撃の巨人", Level.MAIN),
    (6, "AoT", Level.SYNONYM), (7, "Steins;Gate", Level.MAIN), (8, "Naruto", Level.MAIN), (9, "Onegai", Level.MAIN),
    (10, "Bleach", Level.MAIN), (11, "𠮷野の夏", Level.MAIN),
]  # fmt: skip
MEMBERS = {1: 2_000_000, 2: 300_000, 3: 2_500_000, 4: 100, 5: 3_000_000, 6: 4_000_000, 7: 2_400_000, 8: 2_800_000}


@pytest.fixture(scope="module")
def titles() -> TitleIndex:
    catalogue = catalogue_of(11, members=MEMBERS, adult=[9])
    texts, keys = [title for _, title, _ in TITLES], [title_key(title) for _, title, _ in TITLES]
    return TitleIndex(
        catalogue=catalogue,
        anime_ids=np.array([anime for anime, _, _ in TITLES], dtype=np.int32),
        levels=np.array([level for _, _, level in TITLES], dtype=np.int8),
        places_of=lambda key: [i for i, own in enumerate(keys) if own == key],
        texts=lambda: (texts, keys),
    )


@pytest.fixture(scope="module")
def typeahead(titles: TitleIndex) -> Typeahead:
    return Typeahead.of(titles)


def ids(typeahead: Typeahead, text: str, k: int = 8) -> list[int]:
    return [hit.anime_id for hit in typeahead.complete(text, k)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cow", [1, 2]),  # the better known first
        ("COWBOY BEBOP:", [1, 2]),
        ("one p", [5, 3]),
        ("onepiece", [3]),  # blanks do not matter
        ("beb", [1, 2]),  # a word inside
        ("bebop cowboy", [1, 2]),  # words in any order
        ("カウボ", [1]),
        ("巨人", [6]),  # inside, where a script knows no blanks
        ("attack t", [6]),
        ("aot", [6]),
        ("steinsg", [7]),
        ("narto", [8]),  # left out
        ("nraut", [8]),  # swapped
        ("blaech", [10]),
        ("steinz gate", [7]),  # replaced
        ("attack onn titan", [6]),  # too many
        ("bttack on titan", [6]),  # the very first
        ("shingeki no kyojun", [6]),
        ("𠮷野", [11]),  # beyond 16 bits
        ("", []),
        ("  ", []),
        ("qqqqqq", []),
    ],
)
def test_what_was_typed_so_far_finds(typeahead: Typeahead, typed: str, expected: list[int]) -> None:
    assert ids(typeahead, typed)[: len(expected)] == expected
    if not expected:
        assert ids(typeahead, typed) == []


def test_the_title_as_typed_is_worth_more_than_a_famous_one_that_goes_on_only_if_fame_is_not_far_off(
    titles: TitleIndex,
) -> None:
    near = Typeahead.of(replace(titles, catalogue=catalogue_of(11, members=MEMBERS | {4: 400_000})))
    assert ids(near, "one")[0] == 4
    assert 4 in ids(Typeahead.of(titles), "one"), "an unknown one is still there"


def test_a_hit_says_which_title_fits_and_how_well(typeahead: Typeahead) -> None:
    (hit,) = typeahead.complete("進撃")
    assert (hit.anime_id, hit.title, hit.matched, hit.similarity) == (6, "Shingeki no Kyojin", "進撃の巨人", 100.0)
    assert (hit.kind, hit.year, hit.members) == ("TV", 2010, 4_000_000)
    assert typeahead.complete("narto")[0].similarity == 80.0


def test_adult_titles_are_hidden_unless_asked_for(typeahead: Typeahead) -> None:
    assert ids(typeahead, "onega") == []
    assert [hit.anime_id for hit in typeahead.complete("onega", adult=True)] == [9]


def test_asking_for_none_is_refused(typeahead: Typeahead) -> None:
    with pytest.raises(InputError, match="at least 1"):
        typeahead.complete("one", 0)


def by_definition(typed: str, text: str) -> int:
    """Optimal string alignment to every beginning of a text, by the whole table; the least."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(text) + 1)] for i in range(len(typed) + 1)]
    for i in range(1, len(typed) + 1):
        for j in range(1, len(text) + 1):
            least = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (typed[i - 1] != text[j - 1]))
            if i > 1 and j > 1 and typed[i - 1] == text[j - 2] and typed[i - 2] == text[j - 1]:
                least = min(least, table[i - 2][j - 2] + 1)
            table[i][j] = least
    return min(table[-1])


@given(
    typed=st.text("abc", min_size=1, max_size=8),
    texts=st.lists(st.text("abc", max_size=10), min_size=1, max_size=6),
    most=st.integers(1, 3),
)
def test_edits_are_what_their_definition_says(typed: str, texts: list[str], most: int) -> None:
    padding = "\n" * 16
    signs = np.frombuffer("".join(text + padding for text in texts).encode("utf-16-le"), dtype=np.uint16)
    places = np.cumsum([0, *(len(text) + 16 for text in texts[:-1])]).astype(np.int32)
    wanted = np.frombuffer(typed.encode("utf-16-le"), dtype=np.uint16)
    expected = [min(by_definition(typed, text + padding), most + 1) for text in texts]
    assert edits_to_prefix(wanted, signs, places, most).tolist() == expected


@given(st.text(max_size=60))
def test_any_text_is_answered_without_a_title_twice(typeahead: Typeahead, text: str) -> None:
    found = ids(typeahead, text, 4)
    assert len(found) == len(set(found)) <= 4


def test_an_index_of_no_titles_finds_nothing() -> None:
    nothing = np.empty(0, dtype=np.int32)
    empty = TitleIndex(catalogue_of(0), nothing, nothing.astype(np.int8), lambda _: [], lambda: ([], []))
    assert Typeahead.of(empty).complete("one") == []


def test_typos_in_well_known_titles_are_forgiven_in_milliseconds() -> None:
    service = load()
    typeahead = Typeahead.of(service.titles)
    rng = np.random.default_rng(0)
    known = np.argsort(-service.catalogue.members)[:1500]
    shown = service.facts.of(service.catalogue.anime_ids[known].tolist())
    times, found = [], {"prefix": 0, "typo": 0}
    drawn = [anime for anime in shown.values() if len(title_key(anime.title)) >= 10][:400]
    for anime in drawn:
        key = title_key(anime.title)
        at = int(rng.integers(1, 8))
        typed = {"prefix": key[:10], "typo": key[:at] + key[at + 1] + key[at] + key[at + 2 :]}
        for kind, text in typed.items():
            started = time.perf_counter()
            hits = typeahead.complete(text, 8, adult=True)
            times.append(1000 * (time.perf_counter() - started))
            franchise = service.catalogue.franchise[service.catalogue.rows_of(np.array([anime.anime_id], np.int32))]
            of_hits = service.catalogue.franchise[
                service.catalogue.rows_of(np.array([hit.anime_id for hit in hits], np.int32))
            ]
            found[kind] += bool(np.isin(franchise, of_hits).all())
    assert found["prefix"] >= 0.97 * len(drawn), "ten signs lead to the title, or to one of its franchise"
    assert found["typo"] >= 0.95 * len(drawn)
    assert np.median(times) < 20, "a machine that has other work, too"
