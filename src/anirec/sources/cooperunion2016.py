"""The "Anime Recommendations Database" of 2016: a catalogue of 12,294 anime and 7.8 M ratings of MyAnimeList users.

Files: anime.csv (anime_id,name,genre,type,episodes,rating,members; HTML entities in names, "Unknown" episodes, genres
missing), rating.csv (user_id,anime_id,rating; -1 = watched, not rated).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb

from anirec.core.columns import Status
from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading, csv_scan
from anirec.sources.mal import BAD_ANIME_ID, labels, scored_lists

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
        status = f"{Status.COMPLETED:d}"
        scores = partial(scored_lists, source="cooperunion2016", none=-1, status=status)
        readings["ratings"] = csv_scan(con, path, RATING, scores)
    return readings


LAYOUT = Layout(
    name="cooperunion2016",
    about="the CooperUnion Anime Recommendations Database of 2016",
    files=(File("anime.csv", ANIME), File("rating.csv", RATING)),
    read=_read,
    licence="CC0 1.0 as published",
)
