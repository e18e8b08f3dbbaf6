"""The "Anime Dataset 2023": 24,905 anime with synopses, and 24 M ratings of MyAnimeList users.

Files: anime-dataset-2023.csv (anime_id,Name,English name,Other name,Score,Genres,Synopsis,Type,...; "UNKNOWN" where
nothing is known), users-score-2023.csv (user_id,Username,anime_id,Anime Title,rating). users-details-2023.csv holds
facts about people, which nothing here needs: it is not read. User names are not kept.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb

from anirec.core.columns import Status
from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading, csv_scan
from anirec.sources.mal import BAD_ANIME_ID, adult_by, first_date, labels, minutes, scored_lists

ANIME = (
    *("anime_id", "Name", "English name", "Other name", "Score", "Genres", "Synopsis", "Type", "Episodes", "Aired"),
    *(
        "Premiered",
        "Status",
        "Studios",
        "Source",
        "Duration",
        "Rating",
        "Favorites",
        "Scored By",
        "Members",
        "Image URL",
    ),
)
SCORES = ("user_id", "anime_id", "rating")
DETAILS = ("Mal ID", "Joined", "Mean Score", "Completed", "Total Entries")
NO_SYNOPSIS = "No description available for this anime."


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    readings = {}
    if (path := folder / "anime-dataset-2023.csv").is_file():
        table = csv_file.load(con, path, columns=ANIME)
        readings["anime"] = csv_reading(con, path, _anime(table))
        query = (
            f"SELECT whole(anime_id) AS anime_id, plain(known(Synopsis)) AS text, 'dbdmobile2023' AS source "
            f"FROM {table} WHERE known(Synopsis) IS NOT NULL AND Synopsis <> '{NO_SYNOPSIS}' AND whole(anime_id) > 0"
        )
        readings["synopses"] = Reading(query, f"{path.name}, Synopsis", optional=True)
    if (path := folder / "users-score-2023.csv").is_file():
        scores = partial(scored_lists, source="dbdmobile2023", none=0, status=f"{Status.UNKNOWN:d}")
        readings["ratings"] = csv_scan(con, path, SCORES, scores)
    if (path := folder / "users-details-2023.csv").is_file():
        table = csv_file.load(con, path, columns=DETAILS)
        readings["users"] = csv_reading(con, path, _users(table))
    return readings


def _users(table: str) -> str:
    """Counts only: names, birthdays and places stay where they are."""
    bad = {"Mal ID is not a whole number": ('NOT is_whole("Mal ID")', '"Mal ID"')}
    return (
        f'SELECT place, whole("Mal ID") AS user_id, whole("Total Entries") AS entries, whole(Completed) AS completed, '
        f'nullif(TRY_CAST("Mean Score" AS FLOAT), 0) AS mean_score, epoch(TRY_CAST(Joined AS TIMESTAMP)) AS joined_at, '
        f"'dbdmobile2023' AS source, {checks(bad)} FROM {table}"
    )


def _anime(table: str) -> str:
    return f"""SELECT place, whole(anime_id) AS anime_id, plain(Name) AS title,
        plain(known("English name")) AS title_english, plain(known("Other name")) AS title_japanese,
        known(Type) AS type, whole(Episodes) AS episodes, known(Status) AS airing, {first_date("Aired")} AS start_date,
        TRY_CAST(left(start_date, 4) AS INTEGER) AS year, lower(split_part(known(Premiered), ' ', 1)) AS season,
        known(Source) AS source, {minutes("Duration")} AS minutes, known(Rating) AS age_rating,
        {adult_by("Rating", "Genres")} AS adult, {labels("Genres", adult=False)}, parts(Studios) AS studios,
        TRY_CAST(known(Score) AS FLOAT) AS score, whole("Scored By") AS scored_by, whole(Members) AS members,
        whole(Favorites) AS favorites, known("Image URL") AS image_url, {checks(BAD_ANIME_ID)} FROM {table}"""


LAYOUT = Layout(
    name="dbdmobile2023",
    about="dbdmobile's Anime Dataset 2023",
    files=(
        File("anime-dataset-2023.csv", ANIME),
        File("users-score-2023.csv", SCORES),
        File("users-details-2023.csv", DETAILS),
    ),
    read=_read,
    licence="as published",
)
