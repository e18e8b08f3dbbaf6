"""The "Anime Recommendations Database" of 2016: a catalogue of 12,294 anime and 7.8 M ratings of MyAnimeList users.

Files: anime.csv (anime_id,name,genre,type,episodes,rating,members; HTML entities in names, "Unknown" episodes, genres
missing), rating.csv (user_id,anime_id,rating; -1 = watched, not rated).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.core.columns import Status
from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading
from anirec.sources.mal import BAD_ANIME_ID, BAD_USER_ID, bad_score, labels

ANIME = ("anime_id", "name", "genre", "type", "episodes", "rating", "members")
RATING = ("user_id", "anime_id", "rating")


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    readings = {}
    if (path := folder / "anime.csv").is_file():
        table = csv_file.load(con, path, columns=ANIME)
        query = (
            f"SELECT place, whole(anime_id) AS anime_id, plain(name) AS title, known(type) AS type, "
            f"whole(episodes) AS episodes, TRY_CAST(rating AS FLOAT) AS score, whole(members) AS members, "
            f"{labels('genre')}, {checks(BAD_ANIME_ID)} FROM {table}"
        )
        readings["anime"] = csv_reading(con, path, query)
    if (path := folder / "rating.csv").is_file():
        table = csv_file.load(con, path, columns=RATING)
        query = (
            f"SELECT place, whole(user_id) AS user_id, whole(anime_id) AS anime_id, "
            f"nullif(whole(rating), -1) AS score, {Status.COMPLETED:d} AS status, 'cooperunion2016' AS source, "
            f"{checks(BAD_USER_ID | BAD_ANIME_ID | bad_score('rating'))} FROM {table}"
        )
        readings["ratings"] = csv_reading(con, path, query)
    return readings


LAYOUT = Layout(
    name="cooperunion2016",
    about="the CooperUnion Anime Recommendations Database of 2016",
    files=(File("anime.csv", ANIME), File("rating.csv", RATING)),
    read=_read,
    licence="CC0 1.0 as published",
)
