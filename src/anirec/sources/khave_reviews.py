"""Reviews with the page of their anime: Anime Title, Review, Image URL, MAL Link; the file may have any name.

An anime's id is the number in its link; a title is never a key.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading

COLUMNS = ("Anime Title", "Review", "Image URL", "MAL Link")
NO_ID = {"no MyAnimeList id in its link": ("anime_id IS NULL", '"MAL Link"')}


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    path = next(file for file in sorted(folder.glob("*.csv")) if set(COLUMNS) <= set(csv_file.header_of(file)))
    table = csv_file.load(con, path, columns=COLUMNS)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE linked AS SELECT *, "
        f"whole(regexp_extract(\"MAL Link\", '/anime/([0-9]{{1,9}})(?:[/?#]|$)', 1)) AS anime_id FROM {table}"
    )
    reviews = f"""SELECT place, anime_id, place AS review_id, known(Review) AS text, 'khave' AS source,
        {checks(NO_ID)} FROM linked"""
    anime = """SELECT anime_id, arg_min(plain("Anime Title"), place) AS title,
        arg_min(known("Image URL"), place) AS image_url FROM linked WHERE anime_id IS NOT NULL GROUP BY anime_id"""
    return {
        "reviews": csv_reading(con, path, reviews),
        "anime": Reading(anime, f"{path.name}, its titles", optional=True),
    }


LAYOUT = Layout(
    name="khave-reviews",
    about="khave's reviews with links to MyAnimeList",
    files=(File("*.csv", COLUMNS),),
    read=_read,
    licence="as published",
)
