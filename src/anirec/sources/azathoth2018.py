"""The "MyAnimeList Dataset" of 2018: lists of 300,000 users by name, with the time of each entry's last change.

Files: UserAnimeList.csv or animelists_cleaned.csv (username,anime_id,...,my_score,my_status,...,my_last_updated; a
score of 0 = none, times in epoch seconds), AnimeList.csv or anime_cleaned.csv (31 columns; `aired` and `related` are
written as Python literals). User names become numbers and are not kept.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from anirec.core.columns import Status
from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading, number_users
from anirec.sources.mal import BAD_ANIME_ID, adult_by, bad_number, labels, minutes

LISTS = ("username", "anime_id", "my_score", "my_status", "my_last_updated")
ANIME = (
    *("anime_id", "title", "title_english", "title_japanese", "title_synonyms", "image_url", "type", "source"),
    *("episodes", "status", "aired", "duration", "rating", "score", "scored_by", "members", "favorites", "premiered"),
    *("related", "studio", "genre"),
)
LIST_FILES = ("UserAnimeList.csv", "animelists_cleaned.csv")
ANIME_FILES = ("AnimeList.csv", "anime_cleaned.csv")
DAY = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    readings = {}
    for path in [folder / name for name in ANIME_FILES if (folder / name).is_file()][:1]:
        table = csv_file.load(con, path, columns=ANIME)
        readings["anime"] = csv_reading(con, path, _anime(table))
        if _load_relations(con, table):
            query = "SELECT DISTINCT anime_id, relation, target_id FROM relations_found"
            readings["relations"] = Reading(query, f"{path.name}, related")
    for path in [folder / name for name in LIST_FILES if (folder / name).is_file()][:1]:
        table = csv_file.load(con, path, columns=LISTS)
        readings["ratings"] = csv_reading(con, path, _ratings(con, table))
    return readings


def _ratings(con: duckdb.DuckDBPyConnection, table: str) -> str:
    users = number_users(con, table, "username")
    statuses = ", ".join(str(int(status)) for status in Status)
    bad = {"no username": ("known(username) IS NULL", "username")} | BAD_ANIME_ID | bad_number("my_score")
    return (
        f"SELECT place, number AS user_id, whole(anime_id) AS anime_id, nullif(whole(my_score), 0) AS score, "
        f"CASE WHEN whole(my_status) IN ({statuses}) THEN whole(my_status) ELSE 0 END AS status, "
        f"CASE WHEN whole(my_last_updated) > 0 THEN whole(my_last_updated) END AS updated_at, "
        f"'azathoth2018' AS source, {checks(bad)} FROM {table} LEFT JOIN {users} ON name = username"
    )


def _anime(table: str) -> str:
    return f"""SELECT place, whole(anime_id) AS anime_id, plain(title) AS title,
        plain(known(title_english)) AS title_english, plain(known(title_japanese)) AS title_japanese,
        parts(title_synonyms) AS synonyms, known(type) AS type, nullif(whole(episodes), 0) AS episodes,
        known(status) AS airing, nullif(regexp_extract(aired, '{DAY}'), '') AS start_date,
        TRY_CAST(left(start_date, 4) AS INTEGER) AS year, lower(split_part(known(premiered), ' ', 1)) AS season,
        known(table_.source) AS source, {minutes("duration")} AS minutes, known(rating) AS age_rating,
        {adult_by("rating", "genre")} AS adult, {labels("genre", adult=False)}, parts(studio) AS studios,
        TRY_CAST(known(score) AS FLOAT) AS score, whole(scored_by) AS scored_by, whole(members) AS members,
        whole(favorites) AS favorites, known(image_url) AS image_url, {checks(BAD_ANIME_ID)} FROM {table} table_"""


def _load_relations(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Put the relations to other anime in the table `relations_found`; returns whether there are any."""
    found: list[tuple[int, str, int]] = []
    for anime_id, related in con.execute(
        f"SELECT whole(anime_id), related FROM {table} WHERE is_whole(anime_id)"
    ).fetchall():
        found += [(anime_id, relation, target) for relation, target in _related(related)]
    if not found:
        return False
    columns = [np.array(column) for column in zip(*found, strict=True)]
    con.register("relations_found", dict(zip(("anime_id", "relation", "target_id"), columns, strict=True)))
    return True


def _related(text: str | None) -> list[tuple[str, int]]:
    """Return the relations in a Python literal `{'Sequel': [{'mal_id': 5, 'type': 'anime', ...}]}`, if it is one."""
    try:
        found: Any = ast.literal_eval(text or "{}")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    pairs = found.items() if isinstance(found, dict) else ()
    return [
        (str(relation), target["mal_id"])
        for relation, targets in pairs
        if isinstance(targets, list)
        for target in targets
        if isinstance(target, dict) and target.get("type") == "anime" and isinstance(target.get("mal_id"), int)
    ]


LAYOUT = Layout(
    name="azathoth2018",
    about="azathoth42's MyAnimeList Dataset of 2018",
    files=(
        *(File(name, LISTS) for name in LIST_FILES),
        *(File(name, ANIME) for name in ANIME_FILES),
    ),
    read=_read,
    licence="ODbL 1.0 as published",
)
