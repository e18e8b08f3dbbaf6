"""Several canonical folders -> one: facts joined by MyAnimeList id, never by title; disagreements listed, not guessed.

The order of the folders is their precedence: of two facts about an anime the earlier folder's is taken. Ids are not
taken so: where folders, or an id map in one of them, do not agree which number of another site is whose, no claim is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from anirec.core.columns import ANIME, KEYS, TABLES
from anirec.core.errors import BadTable
from anirec.tables import quoted, write_parquet

ONE_TO_ONE: Final = ("anilist", "kitsu")
"""Sites that part anime as MyAnimeList does; AniDB and the sites of films and series put several under one number."""

ID_COLUMNS: Final = {"anilist": "anilist_id", "anidb": "anidb_id", "kitsu": "kitsu_id"}

VAGUE: Final = ("Related", "Other")
"""Relations that say less than any other between the same two anime."""

OWN_NUMBERS: Final = ("user_id", "review_id", "text_id")
"""Columns that every folder numbers for itself."""

CONFLICTS: Final = "conflicts"


def join(con: duckdb.DuckDBPyConnection, folders: Sequence[Path], out: Path) -> dict[str, int]:
    """Write the joined tables, and the table `conflicts`, to the folder `out`; returns the rows of each.

    Raises:
        BadTable: no folder has a table of anime, or a table cannot be read.
    """
    _stack(con, folders)
    queries = {
        "anime": _anime(con),
        "titles": "SELECT DISTINCT anime_id, lang, kind, title FROM all_titles",
        "ratings": "SELECT user_id, anime_id, score, status, updated_at, source FROM all_ratings",
        "relations": _RELATIONS,
        "recommendations": "SELECT anime_a, anime_b, max(votes) AS votes FROM all_recommendations GROUP BY 1, 2",
        "recommendation_texts": f"SELECT {_columns('recommendation_texts')} FROM all_recommendation_texts",
        "reviews": f"SELECT {_columns('reviews')} FROM all_reviews",
        "synopses": "SELECT anime_id, arg_min(text, nth) AS text, arg_min(source, nth) AS source FROM all_synopses "
        "GROUP BY anime_id",
        "users": f"SELECT {_columns('users')} FROM all_users",
        "ids": "SELECT DISTINCT anime_id, site, site_id FROM sound_ids",
    }
    written = {}
    for table, query in queries.items():
        ordered = f"SELECT * FROM ({query}) ORDER BY {', '.join(KEYS[table])}"
        if con.execute(f"SELECT 1 FROM ({query}) LIMIT 1").fetchone():
            written[table] = write_parquet(con, ordered, out / f"{table}.parquet")
    if "anime" not in written:
        raise BadTable("none of the folders has a table of anime; add one, such as an imported catalogue")
    ordered = "SELECT * FROM conflicts ORDER BY ALL"
    return written | {CONFLICTS: write_parquet(con, ordered, out / f"{CONFLICTS}.parquet")}


_RELATIONS: Final = f"""
SELECT DISTINCT anime_id, relation, target_id FROM all_relations r
WHERE relation NOT IN {VAGUE} OR NOT EXISTS (
    SELECT 1 FROM all_relations o WHERE (o.anime_id, o.target_id) = (r.anime_id, r.target_id)
    AND o.relation NOT IN {VAGUE})"""


def _columns(table: str) -> str:
    return ", ".join(TABLES[table])


def _stack(con: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """Make a view `all_<table>` of the rows of all folders, with `nth`, the folder's place.

    Numbers that every folder gives for itself are moved, so that those of two folders never meet.
    """
    further = dict.fromkeys(OWN_NUMBERS, 0)
    parts = {table: [f"SELECT {_nothing(columns)}, 0 AS nth WHERE false"] for table, columns in TABLES.items()}
    for nth, folder in enumerate(folders):
        highest = dict.fromkeys(OWN_NUMBERS, -1)
        for table, columns in TABLES.items():
            if not (file := folder / f"{table}.parquet").is_file():
                continue
            rows = f"read_parquet({quoted(file)})"
            has = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
            for name in set(OWN_NUMBERS) & set(columns) & has:
                (most,) = con.execute(f"SELECT coalesce(max({name}), -1) FROM {rows}").fetchone() or (-1,)
                highest[name] = max(highest[name], most)
            wanted = [
                f"NULL::{kind} AS {name}"
                if name not in has
                else f"{name} + {further[name]} AS {name}"
                if name in OWN_NUMBERS
                else name
                for name, kind in columns.items()
            ]
            parts[table].append(f"SELECT {', '.join(wanted)}, {nth} AS nth FROM {rows}")
        further = {name: further[name] + highest[name] + 1 for name in OWN_NUMBERS}
    for table, selects in parts.items():
        con.execute(f"CREATE OR REPLACE TEMP VIEW all_{table} AS {' UNION ALL '.join(selects)}")


def _nothing(columns: Mapping[str, str]) -> str:
    return ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())


def _anime(con: duckdb.DuckDBPyConnection) -> str:
    """Return SQL for the joined facts; fills `sound_ids` and `conflicts`."""
    con.execute("CREATE OR REPLACE TEMP TABLE conflicts(what VARCHAR, who VARCHAR, claims VARCHAR[])")
    _join_ids(con)
    _list_facts(con)
    firsts = ", ".join(
        f"arg_min({name}, nth) FILTER (WHERE {_is_known(name, kind)}) AS {name}"
        for name, kind in ANIME.items()
        if name not in ("anime_id", *ID_COLUMNS.values())
    )
    numbers = ", ".join(
        f"max(site_id) FILTER (WHERE site = '{site}')::INTEGER AS {column}" for site, column in ID_COLUMNS.items()
    )
    return f"""
        SELECT {_columns("anime")} FROM (SELECT anime_id, {firsts} FROM all_anime GROUP BY anime_id)
        LEFT JOIN (SELECT anime_id, {numbers} FROM (
            SELECT anime_id, site, any_value(site_id) AS site_id FROM sound_ids GROUP BY ALL HAVING count(*) = 1)
            GROUP BY anime_id) USING (anime_id)"""


def _is_known(name: str, kind: str) -> str:
    return f"len({name}) > 0" if kind.endswith("[]") else f"{name} IS NOT NULL"


def _join_ids(con: duckdb.DuckDBPyConnection) -> None:
    claims = ["SELECT anime_id, site, site_id, nth FROM all_ids"]
    claims += [
        f"SELECT anime_id, '{site}', {column}::VARCHAR, nth FROM all_anime WHERE {column} IS NOT NULL"
        for site, column in ID_COLUMNS.items()
    ]
    con.execute(f"CREATE OR REPLACE TEMP TABLE claims AS {' UNION ALL '.join(claims)}")
    sites = ", ".join(f"'{site}'" for site in ONE_TO_ONE)
    con.execute(
        f"INSERT INTO conflicts SELECT 'number of several anime', site || ' ' || site_id, "
        f"list_sort(list(DISTINCT 'anime ' || anime_id || ' by folder ' || (nth + 1))) FROM claims "
        f"WHERE site IN ({sites}) GROUP BY site, site_id HAVING count(DISTINCT anime_id) > 1"
    )
    con.execute(
        f"INSERT INTO conflicts SELECT 'several numbers of an anime', 'anime ' || anime_id, "
        f"list_sort(list(DISTINCT site || ' ' || site_id || ' by folder ' || (nth + 1))) FROM claims "
        f"WHERE site IN ({sites}) GROUP BY site, anime_id HAVING count(DISTINCT site_id) > 1"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE sound_ids AS SELECT DISTINCT anime_id, site, site_id FROM claims "
        f"WHERE site NOT IN ({sites}) OR ("
        f"(site, site_id) NOT IN (SELECT (site, site_id) FROM claims GROUP BY site, site_id "
        f"HAVING count(DISTINCT anime_id) > 1) AND (site, anime_id) NOT IN (SELECT (site, anime_id) FROM claims "
        f"GROUP BY site, anime_id HAVING count(DISTINCT site_id) > 1))"
    )


def _list_facts(con: duckdb.DuckDBPyConnection) -> None:
    """List anime that two folders take for different ones: another type, or years apart."""
    con.execute(
        "INSERT INTO conflicts SELECT 'different facts', 'anime ' || anime_id, "
        "list_sort(list(concat_ws(' ', type, year, 'by folder', nth + 1))) FROM all_anime GROUP BY anime_id "
        "HAVING count(DISTINCT type) > 1 OR max(year) - min(year) > 1"
    )
