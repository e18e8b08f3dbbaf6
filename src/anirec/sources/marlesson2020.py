"""The "Anime Dataset with Reviews" of 2020: 16,000 anime, 192,000 reviews, and the favourites of 48,000 profiles.

Files: animes.csv (uid,title,synopsis,genre,aired,episodes,members,...; lists are written as Python literals, some rows
stand twice), reviews.csv (uid,profile,anime_uid,text,score,scores,link), profiles.csv (profile,...,favorites_anime).
Ratings are the overall scores of reviews, and the favourites. User names become numbers and are not kept.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.sources import csv_file
from anirec.sources.layout import File, Layout, Reading, checks, csv_reading, number_users
from anirec.sources.mal import bad_anime_id, bad_number, first_date, labels

ANIME = ("uid", "title", "synopsis", "genre", "aired", "episodes", "members", "score", "img_url")
REVIEWS = ("uid", "profile", "anime_uid", "text", "score")
PROFILES = ("profile", "favorites_anime")


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    readings, ratings = {}, []
    tables = {
        name: csv_file.load(con, folder / f"{name}.csv", columns=columns)
        for name, columns in (("animes", ANIME), ("reviews", REVIEWS), ("profiles", PROFILES))
        if (folder / f"{name}.csv").is_file()
    }
    if table := tables.get("animes"):
        readings["anime"] = csv_reading(con, folder / "animes.csv", _anime(table))
        query = (
            f"SELECT DISTINCT ON (anime_id) whole(uid) AS anime_id, plain(known(synopsis)) AS text, "
            f"'marlesson2020' AS source FROM {table} WHERE known(synopsis) IS NOT NULL AND whole(uid) > 0 "
            f"ORDER BY place"
        )
        readings["synopses"] = Reading(query, "animes.csv, synopsis", optional=True)
    names = [f"SELECT profile FROM {tables[name]}" for name in ("reviews", "profiles") if name in tables]
    if names:
        con.execute(f"CREATE OR REPLACE TEMP TABLE named AS {' UNION ALL '.join(names)}")
        users = number_users(con, "named", "profile")
    if table := tables.get("reviews"):
        readings["reviews"] = csv_reading(con, folder / "reviews.csv", _reviews(table, users))
        ratings.append(
            f"SELECT number AS user_id, whole(anime_uid) AS anime_id, whole(score) AS score, 'marlesson2020' AS source "
            f"FROM {table} JOIN {users} ON name = profile WHERE whole(score) BETWEEN 1 AND 10 AND whole(anime_uid) > 0"
        )
    if table := tables.get("profiles"):
        ratings.append(
            f"SELECT number, whole(unnest({_listed('favorites_anime')})) AS anime_id, NULL, 'favourites_marlesson2020' "
            f"FROM {table} JOIN {users} ON name = profile"
        )
    if ratings:
        query = (
            f"SELECT user_id, anime_id, max(score) AS score, arg_max(source, coalesce(score, 0)) AS source "
            f"FROM ({' UNION ALL '.join(ratings)}) WHERE anime_id IS NOT NULL GROUP BY user_id, anime_id"
        )
        readings["ratings"] = Reading(query, "reviews.csv, score, and profiles.csv, favorites_anime", optional=True)
    return readings


def _listed(column: str) -> str:
    """Return SQL for the list in a Python literal `['1', '2']`."""
    return f"parts(regexp_replace({column}, '[\\[\\]''\"]', '', 'g'))"


def _anime(table: str) -> str:
    genre = f"array_to_string({_listed('genre')}, ',')"
    return f"""SELECT place, whole(uid) AS anime_id, plain(title) AS title, whole(episodes) AS episodes,
        {first_date("aired")} AS start_date, TRY_CAST(left(start_date, 4) AS INTEGER) AS year, {labels(genre)},
        TRY_CAST(known(score) AS FLOAT) AS score, whole(members) AS members, known(img_url) AS image_url,
        {checks(bad_anime_id("uid"))} FROM {table}"""


def _reviews(table: str, users: str) -> str:
    bad = bad_number("uid") | bad_anime_id("anime_uid") | bad_number("score")
    return (
        f"SELECT place, whole(uid) AS review_id, whole(anime_uid) AS anime_id, number AS user_id, "
        f"nullif(whole(score), 0) AS score, known(text) AS text, 'marlesson2020' AS source, {checks(bad)} "
        f"FROM {table} LEFT JOIN {users} ON name = profile"
    )


LAYOUT = Layout(
    name="marlesson2020",
    about="marlesson's Anime Dataset with Reviews of 2020",
    files=(File("animes.csv", ANIME), File("reviews.csv", REVIEWS), File("profiles.csv", PROFILES)),
    read=_read,
    licence="CC0 1.0 as published",
)
