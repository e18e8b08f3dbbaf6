"""The files of public sets: small ones of their published shape, broken ones, and the real ones where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anirec.core.errors import BadTable, SourceError, UnknownLayout
from anirec.sources.importer import import_folder, recognise
from sources.files import folder_of, imported, rejects, rows, silent

COOPER_ANIME = """anime_id,name,genre,type,episodes,rating,members
5114,Fullmetal Alchemist: Brotherhood,"Action, Military, Shounen",TV,64,9.26,793665
9969,Gintama&#039;,"Action, Comedy, Shounen",TV,51,9.16,151266
33662,Taka no Tsume,,,Unknown,,13
8726,"Say ""hi"" now",Hentai,OVA,Unknown,6.0,10
"""
COOPER_RATING = "user_id,anime_id,rating\n1,5114,10\n1,9969,-1\n2,9969,7\n"


def test_cooperunion_gives_anime_with_missing_facts_and_unrated_entries_without_a_score(tmp_path: Path) -> None:
    out, report = imported(folder_of(tmp_path, anime__csv=COOPER_ANIME, rating__csv=COOPER_RATING))
    assert (report.layout, report.kept, report.rejects) == ("cooperunion2016", {"anime": 4, "ratings": 3}, ())
    facts = "anime_id, title, type, episodes, score, members, genres, themes, demographics, adult"
    assert rows(out / "anime.parquet", facts) == [
        (5114, "Fullmetal Alchemist: Brotherhood", "TV", 64, pytest.approx(9.26), 793665)  # noqa: RUF005 - one row
        + (["Action"], ["Military"], ["Shounen"], False),
        (8726, 'Say "hi" now', "OVA", None, 6.0, 10, ["Hentai"], [], [], True),
        (9969, "Gintama'", "TV", 51, pytest.approx(9.16), 151266, ["Action", "Comedy"], [], ["Shounen"], False),
        (33662, "Taka no Tsume", None, None, None, 13, [], [], [], False),
    ]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score, status") == [
        (1, 5114, 10, 2),
        (1, 9969, None, 2),
        (2, 9969, 7, 2),
    ]


HERNAN_HEADER = (
    "MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,Producers,Licensors,Studios,"
    "Source,Duration,Rating,Ranked,Popularity,Members,Favorites,Watching,Completed,On-Hold,Dropped,Plan to Watch,"
    "Score-10,Score-9,Score-8,Score-7,Score-6,Score-5,Score-4,Score-3,Score-2,Score-1"
)
HERNAN_TAIL = ",".join(["1.0"] * 15)
HERNAN_ANIME = f"""{HERNAN_HEADER}
1,Cowboy Bebop,8.78,"Action, Space, Dementia",Cowboy Bebop,カウボーイビバップ,TV,26,"Apr 3, 1998 to Apr 24, 1999",\
Spring 1998,"Bandai Visual","Funimation",Sunrise,Original,24 min. per ep.,R - 17+ (violence & profanity),28.0,39,\
1251960,61971,{HERNAN_TAIL}
44983,Nantoka,Unknown,Unknown,Unknown,Unknown,Movie,Unknown,2001,Unknown,Unknown,Unknown,Unknown,Unknown,\
1 hr. 55 min.,Rx - Hentai,Unknown,0,5,0,{HERNAN_TAIL}
"""


def test_hernan_gives_dates_seasons_minutes_and_statuses(tmp_path: Path) -> None:
    lists = (
        "user_id,anime_id,rating,watching_status,watched_episodes\n0,1,9,1,5\n0,44983,0,6,0\n1,1,7,33,26\n"  # 33: odd
    )
    complete = "user_id,anime_id,rating\n0,1,9\n"
    folder = folder_of(tmp_path, anime__csv=HERNAN_ANIME, animelist__csv=lists, rating_complete__csv=complete)
    out, report = imported(folder)
    assert (report.layout, report.kept, report.rejects) == ("hernan2020", {"anime": 2, "ratings": 3}, ())
    facts = "anime_id, start_date, year, season, minutes, adult, genres, themes, studios, title_japanese, score"
    assert rows(out / "anime.parquet", facts) == [
        (1, "1998-04-03", 1998, "spring", 24, False, ["Action", "Avant Garde"], ["Space"], ["Sunrise"])  # noqa: RUF005
        + ("カウボーイビバップ", pytest.approx(8.78)),
        (44983, "2001", 2001, None, 115, True, [], [], [], None, None),
    ]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score, status") == [
        (0, 1, 9, 1),
        (0, 44983, None, 6),
        (1, 1, 7, 0),
    ]


def test_hernan_gives_synopses_from_the_misspelt_column(tmp_path: Path) -> None:
    content = 'MAL_ID,Name,Score,Genres,sypnopsis\n1,Cowboy Bebop,8.78,"Action, Space","In the year\n2071."\n'
    content += (
        "2,B,Unknown,Unknown,No synopsis information has been added to this title.\n3,C,7,Drama,\n4,D,7,Drama,Four.\n"
    )
    out, report = imported(folder_of(tmp_path, anime_with_synopsis__csv=content))
    assert (report.layout, report.kept) == ("hernan2020", {"synopses": 2})
    assert [(place, reason) for _, place, reason, _ in rejects(out)] == [
        ("line 4", "no synopsis"),
        ("line 5", "no text"),
    ]
    assert rows(out / "synopses.parquet", "anime_id, text") == [(1, "In the year\n2071."), (4, "Four.")]


def test_animerecbert_ids_are_those_in_the_urls(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        animes__json=json.dumps({"1": ["Moving Castle", "Ugoku Shiro"], "2": ["Death Note"], "3": ["?"]}),
        anime_to_malurl__json=json.dumps(
            {"1": "https://site.net/anime/431", "2": "https://site.net/anime/1535/Death_Note", "3": "none"}
        ),
        anime_to_typenseq__json=json.dumps({"1": ["MOVIE", False, False], "2": ["TV", False, True]}),
        id_to_genres__json=json.dumps({"2": ["Supernatural", "Shounen"]}),
        id_to_url__json=json.dumps({"1": "https://site.net/1.jpg", "2": "https://site.net/anime/1535"}),
    )
    np.save(folder / "ratings.npy", np.array([[7, 1, 9], [7, 2, 0], [8, 1, 11], [8, 99, 5]], dtype=np.int32))
    out, report = imported(folder)
    assert report.kept == {"anime": 2, "ratings": 2}
    assert [str(reject) for reject in report.rejects] == [
        '1 row of animes.json: no MyAnimeList id in its URL (first: id 3, "none")',
        '1 row of ratings.npy: score outside 1..10 (first: row 3, "11")',
        '1 row of ratings.npy: unknown id (first: row 4, "99")',
    ]
    assert rows(out / "anime.parquet", "anime_id, title, title_english, type, genres, demographics, image_url") == [
        (431, "Ugoku Shiro", "Moving Castle", "Movie", [], [], "https://site.net/1.jpg"),
        (1535, "Death Note", None, "TV", ["Supernatural"], ["Shounen"], None),
    ]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score") == [(7, 431, 9), (7, 1535, None)]


def test_ratings_with_parts_of_points_or_none_at_all_are_counted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, animes__json='{"1": ["A"]}', anime_to_malurl__json='{"1": "x/anime/1"}')
    np.save(folder / "ratings.npy", np.array([[1, 1, 9], [2, 1, 8.5], [3, 1, np.nan], [4, 1, np.inf], [5, 1, 0]]))
    _, report = imported(folder, max_reject_share=0.7)
    assert report.kept["ratings"] == 2
    assert [str(r) for r in report.rejects] == ['3 rows of ratings.npy: not whole numbers (first: row 2, "the row")']


def test_ratings_that_would_have_to_be_unpickled_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, animes__json='{"1": ["A"]}', anime_to_malurl__json='{"1": "x/anime/1"}')
    np.save(folder / "ratings.npy", np.array([[{}, 1, 2]], dtype=object), allow_pickle=True)
    with pytest.raises(BadTable, match=r"ratings\.npy cannot be read as an array of numbers"):
        imported(folder)


BROKEN = {
    "a score of 11": (
        b"1,5114,10\n1,9969,11\n2,9969,7\n",
        '1 row of rating.csv: score outside 1..10 (first: line 3, "11")',
    ),
    "a score of 0": (b"1,5114,0\n2,9969,7\n", '1 row of rating.csv: score outside 1..10 (first: line 2, "0")'),
    "a score that is a text": (
        b"1,5114,10\n1,9969,good\n2,9969,7\n",
        '1 row of rating.csv: rating is not a whole number (first: line 3, "good")',
    ),
    "a score with a part": (
        b"1,5114,9.5\n1,9969,9.0\n2,9969,7\n",
        '1 row of rating.csv: rating is not a whole number (first: line 2, "9.5")',
    ),
    "a duplicate row": (
        b"1,5114,10\n2,9969,7\n1,5114,3\n",
        "1 row of rating.csv: a row with the same user_id, anime_id stands before "
        '(first: line 4, "user_id 1, anime_id 5114")',
    ),
    "a byte that is not UTF-8": (
        b"1,5114,10\n1,99\xff69,8\n2,9969,7\n",
        '1 row of rating.csv: not UTF-8 (first: line 3, "1,99?69,8")',
    ),
    "too few columns": (
        b"1,5114,10\n1,9969\n2,9969,7\n",
        '1 row of rating.csv: too few columns (first: line 3, "1,9969")',
    ),
    "too many columns": (
        b"1,5114,10\n1,9969,8,8\n2,9969,7\n",
        '1 row of rating.csv: too many columns (first: line 3, "1,9969,8,8")',
    ),
    "a file that is cut off": (
        b"1,5114,10\n2,9969,7\n2,51",
        "1 row of rating.csv: too few columns in the last line: the file seems to be cut off "
        '(first: line 4, "2,51")',
    ),
    "no id": (
        b",5114,10\n2,,7\n1,5114,10\n1,9969,10\n",
        '1 row of rating.csv: anime_id is not a whole number from 1 (first: line 3)',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_row_is_left_out_counted_and_listed_with_its_line(tmp_path: Path, case: str) -> None:
    body, message = BROKEN[case]
    out, report = imported(folder_of(tmp_path, rating__csv=b"user_id,anime_id,rating\n" + body))
    assert message in [str(reject) for reject in report.rejects]
    assert report.kept["ratings"] == body.strip().count(b"\n") + 1 - report.n_rejected
    listed = rejects(out)
    assert len(listed) == report.n_rejected
    assert listed[0][1] == report.rejects[0].first or len(report.rejects) > 1


def test_lines_are_counted_in_the_file_whatever_stands_before(tmp_path: Path) -> None:
    anime = b'anime_id,name,genre,type,episodes,rating,members\r\n1,"two\r\nlines",,TV,1,1,1\r\n\r\n2,short\r\n'
    anime += b"x,A,,TV,1,1,1\r\n"
    anime += b'3,"three\r\n\r\nlines",,TV,1,1,1\r\n-4,B,,TV,1,1,1\r\n5,C,,TV,1,1,1\r\n'
    out, report = imported(folder_of(tmp_path, anime__csv=anime))
    assert report.kept == {"anime": 3}
    assert [(place, reason, value) for _, place, reason, value in rejects(out)] == [
        ("line 5", "too few columns", "2,short"),
        ("line 6", "anime_id is not a whole number from 1", "x"),
        ("line 10", "anime_id is not a whole number from 1", "-4"),
    ]


LINES = {
    "good": b"%d,5114,8",
    "short": b"%d,5114",
    "long": b"%d,5114,8,8",
    "not UTF-8": b"%d,51\xff14,8",
    "eleven": b"%d,5114,11",
    "a word": b"%d,five,8",
    "blank": b"",
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=30),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    ended=st.booleans(),
)
def test_every_line_is_kept_or_listed_with_its_number(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], line_end: bytes, ended: bool
) -> None:
    kinds = ["good", *kinds]
    lines = [LINES[kind] % number if b"%d" in LINES[kind] else b"" for number, kind in enumerate(kinds)]
    content = line_end.join([b"user_id,anime_id,rating", *lines]) + (line_end if ended else b"")
    out, report = imported(folder_of(tmp_path_factory.mktemp("fuzz"), rating__csv=content), max_reject_share=1.0)
    bad = {f"line {n}" for n, kind in enumerate(kinds, start=2) if kind not in ("good", "blank")}
    assert report.kept["ratings"] == kinds.count("good")
    assert {place for _, place, _, _ in rejects(out)} == bad if bad else report.rejects == ()


def test_a_mostly_broken_file_is_refused_with_its_reasons_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, rating__csv="user_id,anime_id,rating\n1,1,11\n1,2,12\n1,3,9\n")
    message = r"2 of 3 rows of rating\.csv cannot be used:\s+2 rows .* \(first: line 2, \"11\"\)"
    with pytest.raises(BadTable, match=message):
        imported(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert imported(folder, max_reject_share=0.7)[1].kept == {"ratings": 1}


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", BadTable, r"rating\.csv is empty; it should begin with a header that holds user_id, anime_id, rating"),
        (b"user_id,anime_id,rating\n", BadTable, r"rating\.csv has a header and not one row that can be read"),
        (b"user,anime,stars\n1,2,3\n", UnknownLayout, r"rating\.csv lacks user_id, anime_id, rating; it has user"),
        (b"1,5114,10\n2,9969,7\n", UnknownLayout, r"rating\.csv lacks user_id, anime_id, rating; it has 1, 5114, 10"),
        (b"\xff\xfeu\x00", UnknownLayout, r"rating\.csv lacks user_id, anime_id, rating; it has no header"),
    ],
    ids=["empty", "header only", "wrong header", "no header", "UTF-16"],
)
def test_a_file_without_its_header_or_rows_is_refused(
    tmp_path: Path, content: bytes, error: type[SourceError], message: str
) -> None:
    folder = folder_of(tmp_path, rating__csv=content)
    with pytest.raises(error, match=message):
        imported(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_missing_file_of_a_layout_is_named_among_the_known_layouts(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, animes__json='{"1": ["A"]}')
    with pytest.raises(UnknownLayout, match=r"animerecbert2025: animes\.json and anime_to_malurl\.json"):
        recognise(folder)


def test_a_byte_order_mark_windows_line_ends_and_extra_columns_do_no_harm(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfrating,when,user_id,anime_id\r\n10,x,1,5114\r\n"
    out, report = imported(folder_of(tmp_path, rating__csv=content))
    assert report.rejects == ()
    assert rows(out / "ratings.parquet", "user_id, anime_id, score") == [(1, 5114, 10)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cooperunion2016", {"anime": 12_294}),
        ("hernan2020", {"ratings": 99_999}),
        ("animerecbert2025", {"anime": 20_237}),
    ],
)
def test_the_real_files_are_read_without_a_reject(
    shared_data: Path, tmp_path: Path, name: str, kept: dict[str, int]
) -> None:
    report = import_folder(shared_data / "raw" / name, tmp_path / "out", progress=silent)
    assert (report.layout, report.kept, report.rejects) == (name, kept, ())
