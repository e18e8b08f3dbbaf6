"""The "Anime Recommendation Database 2020": 17,562 anime, 109 M list entries and 57.6 M ratings of MyAnimeList users.

Files: anime.csv (35 columns), animelist.csv (user_id,anime_id,rating,watching_status,watched_episodes; rating 0 = none
given; a few rows have a status that the set does not explain: read as not known), rating_complete.csv
(user_id,anime_id,rating of what was completed and scored), anime_with_synopsis.csv (its column is spelt so: sypnopsis).
animelist.csv has all that rating_complete.csv has, so it is read instead where it is there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb

from anirec.core.columns import Status
from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading, csv_scan
from anirec.sources.mal import adult_by, bad_anime_id, first_date, labels, minutes, scored_lists

ANIME = (
    *("MAL_ID", "Name", "Score", "Genres", "English name", "Japanese name", "Type", "Episodes", "Aired", "Premiered"),
    *("Studios", "Source", "Duration", "Rating", "Members", "Favorites"),
)
LIST = ("user_id", "anime_id", "rating", "watching_status")
COMPLETE = ("user_id", "anime_id", "rating")
SYNOPSES = ("MAL_ID", "sypnopsis")
NO_SYNOPSIS = "No synopsis %"


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    readings = {}
    if (path := folder / "anime.csv").is_file():
        readings["anime"] = _anime(con, path)
    if (path := folder / "animelist.csv").is_file():
        readings["ratings"] = csv_scan(con, path, LIST, _entries)
    elif (path := folder / "rating_complete.csv").is_file():
        query = partial(scored_lists, source="hernan2020", none=0, status=f"{Status.COMPLETED:d}")
        readings["ratings"] = csv_scan(con, path, COMPLETE, query)
    if (path := folder / "anime_with_synopsis.csv").is_file():
        readings["synopses"] = _synopses(con, path)
    return readings


def _synopses(con: duckdb.DuckDBPyConnection, path: Path) -> Reading:
    table = csv_file.load(con, path, columns=SYNOPSES)
    bad = bad_anime_id("MAL_ID") | {"no synopsis": (f"sypnopsis LIKE '{NO_SYNOPSIS}'", "sypnopsis")}
    query = (
        f"SELECT place, whole(MAL_ID) AS anime_id, plain(known(sypnopsis)) AS text, 'hernan2020' AS source, "
        f"{checks(bad)} FROM {table}"
    )
    return csv_reading(con, path, query)


def _anime(con: duckdb.DuckDBPyConnection, path: Path) -> Reading:
    table = csv_file.load(con, path, columns=ANIME)
    query = f"""SELECT place, whole(MAL_ID) AS anime_id, plain(Name) AS title,
        plain(known("English name")) AS title_english, plain(known("Japanese name")) AS title_japanese,
        known(Type) AS type, whole(Episodes) AS episodes, {first_date("Aired")} AS start_date,
        TRY_CAST(left(start_date, 4) AS INTEGER) AS year, lower(split_part(known(Premiered), ' ', 1)) AS season,
        known(Source) AS source, {minutes("Duration")} AS minutes, known(Rating) AS age_rating,
        {adult_by("Rating", "Genres")} AS adult, {labels("Genres", adult=False)}, parts(Studios) AS studios,
        TRY_CAST(known(Score) AS FLOAT) AS score, whole(Members) AS members, whole(Favorites) AS favorites,
        {checks(bad_anime_id("MAL_ID"))} FROM {table}"""
    return csv_reading(con, path, query)


def _entries(rows: str) -> str:
    numbered = f"SELECT *, whole(watching_status) AS number FROM ({rows})"
    known = " ".join(f"WHEN {status:d} THEN {status:d}" for status in Status)
    status = f"CASE number {known} ELSE 0 END"  # `number IN (...)` would be run as a join
    return scored_lists(numbered, source="hernan2020", none=0, status=status)


LAYOUT = Layout(
    name="hernan2020",
    about="hernan4444's Anime Recommendation Database 2020",
    files=(
        File("anime.csv", ANIME),
        File("animelist.csv", LIST),
        File("rating_complete.csv", COMPLETE),
        File("anime_with_synopsis.csv", SYNOPSES),
    ),
    read=_read,
    licence="CC0 1.0 as published",
)
