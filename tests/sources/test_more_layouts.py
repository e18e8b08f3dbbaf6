"""Public sets of which no file is at hand: fixtures written to their published columns."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from anirec.core.errors import BadTable
from sources.files import folder_of, imported, rejects, rows

AZATHOTH_HEADER = (
    "anime_id,title,title_english,title_japanese,title_synonyms,image_url,type,source,episodes,status,airing,"
    "aired_string,aired,duration,rating,score,scored_by,rank,popularity,members,favorites,background,premiered,"
    "broadcast,related,producer,licensor,studio,genre,opening_theme,ending_theme"
)
RELATED = (
    "{'Sequel': [{'mal_id': 9863, 'type': 'anime', 'title': 'Next'}], 'Adaptation': [{'mal_id': 3, 'type': 'manga'}]}"
)
AZATHOTH_ANIME = f"""{AZATHOTH_HEADER}
11013,Inu x Boku SS,Inu X Boku Secret Service,妖狐×僕SS,Youko x Boku SS,https://x/1.jpg,TV,Manga,12,Finished Airing,False,\
"Jan 13, 2012 to Mar 30, 2012","{{'from': '2012-01-13', 'to': '2012-03-30'}}",24 min. per ep.,PG-13 - Teens 13 or older,7.63,\
139250,1274.0,231,283882,2809,Some text.,Winter 2012,Fridays at Unknown,"{RELATED}","Aniplex","Sentai",David Production,\
"Comedy, Supernatural, Shounen",[],[]
"""
AZATHOTH_LISTS = """username,anime_id,my_watched_episodes,my_start_date,my_finish_date,my_score,my_status,my_rewatching,\
my_rewatching_ep,my_last_updated,my_tags
somebody,11013,12,0000-00-00,0000-00-00,8,2,0,0,1362307973,
else,11013,0,0000-00-00,0000-00-00,0,6,0,0,0,
somebody,21,500,0000-00-00,0000-00-00,9,1,,0,1362307974,
,21,500,0000-00-00,0000-00-00,9,1,,0,1362307974,
"""


def test_azathoth_gives_dated_lists_without_names_and_relations(tmp_path: Path) -> None:
    out, report = imported(folder_of(tmp_path, AnimeList__csv=AZATHOTH_ANIME, UserAnimeList__csv=AZATHOTH_LISTS))
    assert (report.layout, report.kept) == ("azathoth2018", {"anime": 1, "relations": 1, "ratings": 3})
    assert [str(r) for r in report.rejects] == ["1 row of UserAnimeList.csv: no username (first: line 5)"]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score, status, updated_at") == [
        (1, 11013, None, 6, None),
        (2, 21, 9, 1, 1362307974),
        (2, 11013, 8, 2, 1362307973),
    ]
    facts = "title, title_english, synonyms, start_date, year, season, minutes, genres, demographics, studios"
    assert rows(out / "anime.parquet", facts) == [
        (
            *("Inu x Boku SS", "Inu X Boku Secret Service", ["Youko x Boku SS"], "2012-01-13", 2012, "winter", 24),
            *(["Comedy", "Supernatural"], ["Shounen"], ["David Production"]),
        )
    ]
    assert rows(out / "relations.parquet", "*") == [(11013, "Sequel", 9863)]
    assert b"somebody" not in b"".join(file.read_bytes() for file in out.iterdir())


DBD_ANIME = """anime_id,Name,English name,Other name,Score,Genres,Synopsis,Type,Episodes,Aired,Premiered,Status,Producers,\
Licensors,Studios,Source,Duration,Rating,Rank,Popularity,Favorites,Scored By,Members,Image URL
1,Cowboy Bebop,Cowboy Bebop,カウボーイビバップ,8.75,"Action, Award Winning, Sci-Fi","Crime is timeless.
Two lines.",TV,26.0,"Apr 3, 1998 to Apr 24, 1999",spring 1998,Finished Airing,Bandai Visual,Funimation,Sunrise,Original,\
24 min per ep,R - 17+ (violence & profanity),41.0,43,78525,914193.0,1771505,https://x/1.jpg
55731,Nantoka,UNKNOWN,UNKNOWN,UNKNOWN,UNKNOWN,No description available for this anime.,ONA,UNKNOWN,Not available,UNKNOWN,\
Not yet aired,UNKNOWN,UNKNOWN,UNKNOWN,UNKNOWN,Unknown,UNKNOWN,UNKNOWN,0,0,UNKNOWN,0,https://x/2.jpg
"""


def test_dbdmobile_gives_anime_synopses_and_ratings(tmp_path: Path) -> None:
    scores = "user_id,Username,anime_id,Anime Title,rating\n1,somebody,1,Cowboy Bebop,9\n4,else,1,Cowboy Bebop,12\n"
    scores += "4,else,55731,Nantoka,7\n"
    details = (
        "Mal ID,Username,Gender,Birthday,Location,Joined,Days Watched,Mean Score,Watching,Completed,On Hold,Dropped,"
    )
    details += "Plan to Watch,Total Entries,Rewatched,Episodes Watched\n"
    details += (
        "1,somebody,Male,1985-03-04T00:00:00+00:00,California,2004-11-05T00:00:00+00:00,142.3,7.37,1.0,233.0,8.0,"
    )
    details += "93.0,64.0,399.0,60.0,8458.0\n4,else,,,,2004-11-09T00:00:00+00:00,,0,,,,,,,,\n"
    files = {"anime-dataset-2023__csv": DBD_ANIME, "users-score-2023__csv": scores, "users-details-2023__csv": details}
    out, report = imported(folder_of(tmp_path, **files))
    assert (report.layout, report.kept) == ("dbdmobile2023", {"anime": 2, "synopses": 1, "ratings": 2, "users": 2})
    assert rows(
        out / "users.parquet", "user_id, entries, completed, mean_score::DECIMAL(4, 2)::VARCHAR, joined_at"
    ) == [
        (1, 399, 233, "7.37", 1099612800),
        (4, None, None, None, 1099958400),
    ]
    assert [str(r) for r in report.rejects] == [
        '1 row of users-score-2023.csv: score outside 1..10 (first: line 3, "12")'
    ]
    assert rows(out / "anime.parquet", "anime_id, title_japanese, episodes, season, minutes, scored_by, score") == [
        (1, "カウボーイビバップ", 26, "spring", 24, 914193, 8.75),
        (55731, None, None, None, None, None, None),
    ]
    assert rows(out / "synopses.parquet", "anime_id, text") == [(1, "Crime is timeless.\nTwo lines.")]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score") == [(1, 1, 9), (4, 55731, 7)]


def test_marlesson_gives_reviews_their_scores_and_favourites_without_names(tmp_path: Path) -> None:
    animes = """uid,title,synopsis,genre,aired,episodes,members,popularity,ranked,score,img_url,link
28891,Haikyuu!! Second Season,After the Inter-High.,"['Comedy', 'Sports', 'School', 'Shounen']",\
"Oct 4, 2015 to Mar 27, 2016",25.0,489888,141,25.0,8.82,https://x/1.jpg,https://x/anime/28891
28891,Haikyuu!! Second Season,After the Inter-High.,"['Comedy']","Oct 4, 2015",25.0,1,141,25.0,8.82,https://x,https://x
"""
    reviews = """uid,profile,anime_uid,text,score,scores,link
255938,somebody,28891,"Great.

More.",8,"{'Overall': '8'}",https://x
259117,else,28891,,0,{},https://x
"""
    profiles = """profile,gender,birthday,favorites_anime,link
else,Male,,"['28891', '5']",https://x
somebody,,,[],https://x
"""
    out, report = imported(folder_of(tmp_path, animes__csv=animes, reviews__csv=reviews, profiles__csv=profiles))
    assert report.kept == {"anime": 1, "synopses": 1, "reviews": 1, "ratings": 3}
    assert [(place, reason) for _, place, reason, _ in rejects(out)] == [
        ("line 3", "a row with the same anime_id stands before"),
        ("line 5", "no text"),
    ]
    assert rows(out / "anime.parquet", "anime_id, start_date, genres, themes, demographics") == [
        (28891, "2015-10-04", ["Comedy", "Sports"], ["School"], ["Shounen"])
    ]
    assert rows(out / "reviews.parquet", "anime_id, review_id, user_id, score, text") == [
        (28891, 255938, 2, 8, "Great.\n\nMore.")
    ]
    assert rows(out / "ratings.parquet", "user_id, anime_id, score, source") == [
        (1, 5, None, "favourites_marlesson2020"),
        (1, 28891, None, "favourites_marlesson2020"),
        (2, 28891, 8, "marlesson2020"),
    ]


RECORDS = [
    {"$schema": "https://x/schema.json", "license": {"name": "ODbL"}, "lastUpdate": "2026-06-01"},
    {
        "sources": ["https://anidb.net/anime/23", "https://anilist.co/anime/1", "https://myanimelist.net/anime/1"],
        "title": "Cowboy Bebop",
        "type": "TV",
        "episodes": 26,
        "status": "FINISHED",
        "animeSeason": {"season": "SPRING", "year": 1998},
        "picture": "https://x/1.jpg",
        "duration": {"value": 1440, "unit": "SECONDS"},
        "score": {"arithmeticGeometricMean": 8.5},
        "synonyms": ["カウボーイビバップ", "CB"],
        "studios": ["sunrise"],
        "relatedAnime": ["https://myanimelist.net/anime/5", "https://anilist.co/anime/5"],
        "tags": ["space", "noir"],
    },
    {"sources": ["https://kitsu.app/anime/7"], "title": "Elsewhere", "type": "UNKNOWN", "episodes": 0, "tags": []},
]


@pytest.mark.parametrize("name", ["json", "jsonl", "jsonl.zst"])
def test_the_offline_database_is_read_in_each_of_its_forms(tmp_path: Path, name: str) -> None:
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS) + "\n"
    folder = folder_of(tmp_path)
    file = folder / f"anime-offline-database.{name}"
    if name == "json":
        file.write_text(json.dumps({"license": {}, "data": RECORDS[1:]}), encoding="utf-8")
    elif name == "jsonl":
        file.write_text(lines, encoding="utf-8")
    else:
        con = duckdb.connect()
        con.execute(
            f"COPY (SELECT unnest(?::VARCHAR[]) AS line) TO '{file}' "
            "(FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '', COMPRESSION zstd)",
            [lines.strip().split("\n")],
        )
    out, report = imported(folder)
    assert report.kept == {"anime": 1, "relations": 1}
    assert [(r.reason, r.rows, r.value) for r in report.rejects] == [("no page at MyAnimeList", 1, "Elsewhere")]
    facts = (
        "anime_id, anilist_id, anidb_id, title, synonyms, type, episodes, airing, year, season, minutes, tags, studios"
    )
    assert rows(out / "anime.parquet", facts) == [
        (
            *(1, 1, 23, "Cowboy Bebop", ["カウボーイビバップ", "CB"], "TV", 26, "Finished Airing", 1998, "spring", 24),
            *(["space", "noir"], ["sunrise"]),
        )
    ]
    assert rows(out / "relations.parquet", "*") == [(1, "Related", 5)]


def test_an_offline_database_that_is_cut_off_is_refused_with_the_line(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(record) for record in RECORDS)[:-20]
    folder = folder_of(tmp_path, **{"anime-offline-database__jsonl": lines})
    with pytest.raises(BadTable, match=r"jsonl, line 3: not whole JSON .*; the file may be cut off"):
        imported(folder)


def test_khave_goes_by_the_link_whatever_the_file_is_called(tmp_path: Path) -> None:
    content = """Anime Title,Review,Image URL,MAL Link
Death Note,"A
review",https://x/1.jpg,https://myanimelist.net/anime/1535/Death_Note
Death Note,Another,https://x/1.jpg,https://myanimelist.net/anime/1535/Death_Note
Nowhere,Lost,https://x/2.jpg,
"""
    out, report = imported(folder_of(tmp_path, whatever__csv=content))
    assert (report.layout, report.kept) == ("khave-reviews", {"reviews": 2, "anime": 1})
    assert [str(r) for r in report.rejects] == ["1 row of whatever.csv: no MyAnimeList id in its link (first: line 5)"]
    assert rows(out / "reviews.parquet", "anime_id, text") == [(1535, "A\nreview"), (1535, "Another")]
    assert rows(out / "anime.parquet", "anime_id, title") == [(1535, "Death Note")]
