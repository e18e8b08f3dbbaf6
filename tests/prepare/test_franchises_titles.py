from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.prepare.title_structure import FINAL, Form, NameIndex, Reading, Trust, name_of, readings, squeezed, tidy


def read(title: str) -> dict[str, Reading]:
    return {reading.base: reading for reading in readings(tidy(title))}


@pytest.mark.parametrize(
    ("title", "base", "season", "part"),
    [
        ("Vinland Saga Season 2", "vinlandsaga", 2, 1),
        ("Komi-san wa, Comyushou desu. 2nd Season", "komisanwacomyushoudesu", 2, 1),
        ("Re:Zero 2nd Season Part 2", "rezero", 2, 2),
        ("Haikyuu!! Second Season", "haikyuu", 2, 1),
        ("Shingeki no Kyojin: The Final Season", "shingekinokyojin", FINAL, 1),
        ("Shingeki no Kyojin: The Final Season - Kanketsu-hen", "shingekinokyojin", FINAL, FINAL),
        ("Fruits Basket: The Final", "fruitsbasket", FINAL, 1),
        ("Zoku Owarimonogatari", "owarimonogatari", 2, 1),
        ("Major S2", "major", 2, 1),
        ("Spy x Family Cour 2", "spyxfamily", 1, 2),
        ("葬送のフリーレン 第2期", "葬送のフリーレン", 2, 1),
        ("地獄楽第二期", "地獄楽", 2, 1),
        ("ゆるキャン△ SEASON3", "ゆるキャン", 3, 1),
        ("魔法科高校の劣等生 第3シーズン", "魔法科高校の劣等生", 3, 1),
        ("SAKAMOTO DAYS 第２クール", "sakamotodays", 1, 2),
        ("JoJo Part 6: Stone Ocean Part 3", "jojostoneocean", 6, 3),
    ],
)
def test_a_mark_leaves_the_base_and_says_season_and_part(title: str, base: str, season: int, part: int) -> None:
    reading = read(title)[base]
    assert reading.trust == Trust.MARK
    assert (reading.place.season, reading.place.part) == (season, part)


@pytest.mark.parametrize(
    ("title", "base", "season"),
    [
        ("Youjo Senki II", "youjosenki", 2),
        ("Mob Psycho 100 III", "mobpsycho100", 3),
        ("Kono Subarashii Sekai ni Shukufuku wo! 3", "konosubarashiisekainishukufukuwo", 3),
        ("Mushoku Tensei II: Isekai Ittara Honki Dasu", "mushokutenseiisekaiittarahonkidasu", 2),
        ("からかい上手の高木さん3", "からかい上手の高木さん", 3),
        ("時光代理人Ⅱ", "時光代理人", 2),
    ],
)
def test_a_bare_number_or_numeral_may_be_a_season(title: str, base: str, season: int) -> None:
    reading = read(title)[base]
    assert reading.trust == Trust.NUMBER
    assert reading.place.season == season


@pytest.mark.parametrize("title", ["91 Days", "22/7", "K", "86", "Saki", "Steins;Gate 0", "Mob Psycho 100"])
def test_digits_of_a_name_are_not_read_as_a_season(title: str) -> None:
    assert [reading.trust for reading in readings(tidy(title))] == [Trust.NAME]


@pytest.mark.parametrize(
    ("title", "form"),
    [
        ("Kimetsu no Yaiba Movie 1: Mugenjou-hen", Form.MOVIE),
        ("劇場版 呪術廻戦 0", Form.MOVIE),
        ("Overlord Specials", Form.EXTRA),
        ("Bakemonogatari Recap", Form.RECAP),
        ("Akuyaku Reijou Tensei Ojisan Mini", Form.EXTRA),
        ("Hataraku Saibou CM", Form.PROMO),
        ("Jujutsu Kaisen Official PV", Form.PROMO),
        ("Umi no Uta Music Video", Form.MUSIC),
        ("Berserk (Music)", Form.MUSIC),
        ("Kikansha no Mahou wa Tokubetsu desu", Form.PLAIN),
        ("A Returner's Magic Should Be Special Indeed", Form.PLAIN),
        ("Noragami OVA", Form.PLAIN),
    ],
)
def test_films_specials_and_recaps_are_told_apart(title: str, form: Form) -> None:
    assert readings(tidy(title))[0].place.form == form


def test_a_film_number_is_not_a_part() -> None:
    place = readings(tidy("Detective Conan Movie 06: The Phantom"))[0].place
    assert (place.number, place.part) == (6, 1)
    assert not place.continues


def test_html_entities_and_full_width_forms_are_resolved() -> None:
    assert tidy("Ａｎｇｅｌ &amp;  Ｂｅａｔｓ！") == "angel & beats!"


def test_a_version_in_brackets_is_a_namesake() -> None:
    assert read("Hunter x Hunter (2011)")["hunterxhunter"].trust == Trust.VERSION


def test_readings_come_in_order_of_trust_and_each_base_once() -> None:
    name = name_of("Youjo Senki II: Hajimari", "Saga of Tanya the Evil Season 2", "幼女戦記 II")
    trusts = [reading.trust for reading in name.readings]
    assert trusts == sorted(trusts)
    assert len({reading.base for reading in name.readings}) == len(trusts)


def test_agreement_counts_different_names_not_repeated_ones() -> None:
    first, second = name_of("Free!", "Free!", "Free!"), name_of("Free! Season 2", "Free! Season 2", "Free! 2期")
    assert second.agreement(first) == 1
    assert name_of("Umi", "The Sea", "海").agreement(name_of("Umi", "The Sea", "海")) == 3


def test_an_english_prefix_is_no_stem_without_a_season() -> None:
    series = name_of("Boku no Hero Academia", "My Hero Academia")
    assert name_of("Vigilante", "My Hero Academia: Vigilantes").stem(series) == ""
    assert name_of("Boku no Hero Academia: More", None).stem(series) == "bokunoheroacademia"


def test_other_seasons_are_offered_where_the_first_is_missing() -> None:
    names = [name_of("Kaze no Uta Season 2"), name_of("Kaze no Uta Season 3")]
    index = NameIndex(enumerate(names))
    marked = next(reading for reading in names[1].readings if reading.trust == Trust.MARK)
    assert index.others(1, marked) == [0]


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_read(romaji: str, english: str, japanese: str) -> None:
    name = name_of(romaji, english, japanese)
    assert all(reading.base == squeezed(reading.base) != "" for reading in name.readings)
