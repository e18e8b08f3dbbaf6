"""The folder that anirec is developed with: a catalogue, ratings of many origins, favourites, relations.

Source: the README beside the data. One row per user and anime: a scored row wins over one without a score. Favourites
have a numbering of their own and become users from 1,000,000,000 on.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from anirec.core.errors import BadTable
from anirec.sources.layout import File, Layout, Reading
from anirec.tables import quoted

FAVOURITES_FROM = 1_000_000_000

FULL_LISTS = (
    "cooperunion_caserec",
    "mal_radite",
    "mal_matthew1906_2023",
    "mal_animeeye_2024",
    "mal_sd212_2022",
    "mal_corban10_2020",
    "mal_hatuank_2023",
    "mal2020_hernan_samples",
    "anilist_jt1446_2026",
)

LISTS = ("ratings_rescaled", "list_entries_unrated", "updates", "favourites")

FURTHER = {
    "titles": (
        "titles",
        "SELECT DISTINCT mal_id AS anime_id, lang, kind, plain(title) AS title FROM {table}",
    ),
    "relations": ("relations", "SELECT DISTINCT anime_id, relation, target_id FROM {table}"),
    "recommendations": (
        "recommendations",
        "SELECT least(anime_a, anime_b) AS anime_a, greatest(anime_a, anime_b) AS anime_b, "
        "nullif(max(greatest(votes_2021, votes_2017)), 0) AS votes FROM {table} GROUP BY 1, 2",
    ),
    "reviews": (
        "reviews",
        "SELECT anime_id, review_id, user_id, overall AS score, helpful, epoch(date) AS written_at, "
        "known(text) AS text, 'mal_reviews' AS source FROM {table}",
    ),
    "synopses": ("synopses", "SELECT mal_id AS anime_id, known(synopsis) AS text, as_of AS source FROM {table}"),
}
"""By canonical table, the file and the query of those that need no joining."""

_MINUTES = """CASE WHEN duration > 2 OR (duration > 0 AND type NOT IN ('Movie', 'OVA', 'ONA', 'Special', 'TV Special'))
    THEN duration END"""
"""Of what lasts "1 hr 46 min" the table has the 1: what may be hours is not known."""

_ANIME = f"""SELECT mal_id AS anime_id, anilist_id, anidb_id, kitsu_id, plain(title) AS title,
    nullif(plain(title_english), '') AS title_english, nullif(plain(title_japanese), '') AS title_japanese,
    list_transform(synonyms, lambda s: plain(s)) AS synonyms, type, episodes, status AS airing, start_date, year,
    season, source, {_MINUTES} AS minutes, age_rating, nsfw AS adult, genres, themes, demographics, tags, studios,
    score, scored_by, members, favorites, image_url"""


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    def table(name: str) -> str | None:
        file = folder / f"{name}.parquet"
        return f"read_parquet({quoted(file)})" if file.is_file() else None

    _name_sources(con, folder / "sources.json")
    lists = [
        f"SELECT user_id, anime_id, rating AS score, 0 AS status, ts AS updated_at, coalesce(name, r.source::VARCHAR) "
        f"AS source, 0 AS place FROM {table('ratings')} r LEFT JOIN source_names n ON n.number = r.source"
    ]
    if rescaled := table("ratings_rescaled"):
        lists.append(f"SELECT user_id, anime_id, rating, 0, NULL, 'mal_sabol_2021_rescaled', 1 FROM {rescaled}")
    if updates := table("updates"):
        lists.append(f"SELECT user_id, anime_id, nullif(rating, 0), status, ts, 'updates', 2 FROM {updates}")
    if unrated := table("list_entries_unrated"):
        lists.append(f"SELECT user_id, anime_id, NULL, status, NULL, 'list_entries_unrated', 3 FROM {unrated}")
    rows = (
        f"SELECT user_id, anime_id, arg_min(score, place) FILTER (score IS NOT NULL) AS score, "
        f"coalesce(arg_max(status, coalesce(updated_at, 0)) FILTER (status > 0), 0) AS status, "
        f"max(updated_at) AS updated_at, arg_min(source, place * 2 + (score IS NULL)::INTEGER) AS source "
        f"FROM ({' UNION ALL '.join(lists)}) GROUP BY user_id, anime_id"
    )
    if favourites := table("favourites"):
        rows += (
            f" UNION ALL SELECT DISTINCT profile + {FAVOURITES_FROM}, anime_id, NULL, 0, NULL, 'favourites_2020' "
            f"FROM {favourites}"
        )
    readings = {
        "anime": Reading(f"{_ANIME} FROM {table('catalogue')}", "catalogue.parquet"),
        "ratings": Reading(rows, "ratings.parquet and other lists"),
    }
    for name, (file, query) in FURTHER.items():
        if found := table(file):
            readings[name] = Reading(query.format(table=found), f"{file}.parquet")
    return readings


def _name_sources(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    try:
        names = json.loads(file.read_text(encoding="utf-8"))["sources"] if file.is_file() else {}
    except (OSError, ValueError, KeyError) as error:
        raise BadTable(f"{file} cannot be read: {error}") from error
    con.execute(
        "CREATE OR REPLACE TEMP TABLE source_names AS "
        "SELECT unnest(?::INTEGER[]) AS number, unnest(?::VARCHAR[]) AS name",
        [[int(number) for number in names], list(names.values())],
    )


LAYOUT = Layout(
    name="workspace",
    about="the data that anirec is developed with",
    files=(
        File("catalogue.parquet", ("mal_id", "title", "type", "genres", "members"), required=True),
        File("ratings.parquet", ("user_id", "anime_id", "rating", "ts", "source"), required=True),
        *(File(f"{name}.parquet") for name in (*LISTS, *(file for file, _ in FURTHER.values()))),
        File("sources.json"),
    ),
    read=_read,
    licence="facts and learned numbers only; origins in NOTICE",
    full_list_sources=lambda _folder: FULL_LISTS,
)
