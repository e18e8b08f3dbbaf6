from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.errors import AmbiguousTitle, InputError, UnknownTitle
from anirec.titles import Level, TitleIndex, title_key
from worlds import catalogue_of

# Real titles; ids are renumbered 1..8.
BEBOP, TRIGUN, HARLOCK_1978, HARLOCK_2013, EIGHTY_SIX, FMA, FMA_SPECIALS, TITAN = range(1, 9)
TITLES = [
    (BEBOP, "Cowboy Bebop", Level.MAIN),
    (BEBOP, "カウボーイビバップ", Level.MAIN),
    (TRIGUN, "Trigun", Level.MAIN),
    (HARLOCK_1978, "Uchuu Kaizoku Captain Harlock", Level.MAIN),
    (HARLOCK_1978, "Space Pirate Captain Harlock", Level.MAIN),
    (HARLOCK_2013, "Space Pirate Captain Harlock", Level.MAIN),
    (EIGHTY_SIX, "86", Level.MAIN),
    (FMA, "Fullmetal Alchemist", Level.MAIN),
    (FMA, "FMA", Level.SYNONYM),
    (FMA_SPECIALS, "Fullmetal Alchemist Specials", Level.MAIN),
    (FMA_SPECIALS, "FMA", Level.SYNONYM),
    (TITAN, "Shingeki no Kyojin", Level.MAIN),
    (TITAN, "Attack on Titan", Level.MAIN),
    (TITAN, "進撃の巨人", Level.MAIN),
    (TITAN, "#1", Level.SYNONYM),
]
INDEX = TitleIndex(
    catalogue=catalogue_of(
        90,
        members={HARLOCK_1978: 9000, HARLOCK_2013: 40_000, FMA: 900_000, FMA_SPECIALS: 200_000},
        franchises=[[FMA, FMA_SPECIALS]],
    ),
    anime_ids=np.array([t[0] for t in TITLES], dtype=np.int32),
    levels=np.array([t[2] for t in TITLES], dtype=np.int8),
    places_of=lambda key: [place for place, t in enumerate(TITLES) if title_key(t[1]) == key],
    texts=lambda: ([t[1] for t in TITLES], [title_key(t[1]) for t in TITLES]),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cowboy Bebop", BEBOP),
        ("  cowboy   BEBOP ", BEBOP),
        ("ＣＯＷＢＯＹ　ＢＥＢＯＰ", BEBOP),
        ("カウボーイビバップ", BEBOP),
        ("attack on titan", TITAN),
        ("Shingeki no Kyojin", TITAN),
        ("進撃の巨人", TITAN),
        ("cowboy beebop", BEBOP),
        ("Trigon", TRIGUN),
        ("atack on titan", TITAN),
        ("shingeki", TITAN),
        ("2", TRIGUN),
        ("86", EIGHTY_SIX),
        ("1", BEBOP),
        ("#86", 86),
    ],
)
def test_a_title_is_found_in_any_language_case_width_and_with_a_typo(text: str, expected: int) -> None:
    assert INDEX.resolve(text).anime_id == expected


def test_two_anime_of_one_name_are_listed_and_not_guessed() -> None:
    with pytest.raises(AmbiguousTitle, match="several anime may be meant") as caught:
        INDEX.resolve("Space Pirate Captain Harlock")
    assert [match.anime_id for match in caught.value.candidates] == [HARLOCK_2013, HARLOCK_1978]
    assert "[3]" in str(caught.value)


def test_of_relatives_with_one_name_the_best_known_is_meant_and_the_others_are_mentioned() -> None:
    resolved = INDEX.resolve("FMA")
    assert resolved.anime_id == FMA
    assert [match.anime_id for match in resolved.others] == [FMA_SPECIALS]


def test_an_unknown_title_lists_the_nearest() -> None:
    with pytest.raises(UnknownTitle, match="no anime is called") as caught:
        INDEX.resolve("Full Metal Panic")
    assert caught.value.candidates[0].anime_id == FMA


def test_gibberish_is_refused_without_a_list() -> None:
    with pytest.raises(UnknownTitle) as caught:
        INDEX.resolve("qqqqqqqqqqqq")
    assert caught.value.candidates == []


@pytest.mark.parametrize("text", ["", "   ", "\t"])
def test_an_empty_title_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="empty title"):
        INDEX.resolve(text)


@pytest.mark.parametrize("text", ["91", "999999999999999999999"])
def test_an_id_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"no anime with the id {text}"):
        INDEX.resolve(text)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Steins;Gate", "steins gate"),
        ("Gintama&#039;", "gintama"),
        ("Kimi no Na wa.", "kimi no na wa"),
        ("Rock &amp; Roll", "rock roll"),
        ("Les Misérables", "les miserables"),
        ("ガンダム", "ガンダム"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
        ("…", "..."),
        ("Frieren: Beyond Journey’s End", "frieren beyond journeys end"),
    ],
)
def test_keys_undo_entities_width_case_accents_and_punctuation(title: str, key: str) -> None:
    assert title_key(title) == key


@given(st.text())
def test_a_key_is_its_own_key_and_only_blank_titles_have_none(title: str) -> None:
    key = title_key(title)
    assert title_key(key) == key or not key.isascii()
    assert key == key.strip()


@given(st.text(max_size=40))
def test_any_text_is_resolved_or_refused(text: str) -> None:
    try:
        anime_id = INDEX.resolve(text).anime_id
    except InputError:
        return
    assert 1 <= anime_id <= 90
