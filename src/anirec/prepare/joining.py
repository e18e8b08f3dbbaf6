"""Several canonical folders -> one: facts joined by MyAnimeList id, never by title; disagreements listed, not guessed.

The order of the folders is their precedence: of two facts about an anime the earlier folder's is taken. Ids are not
taken so: where folders, or an id map in one of them, do not agree which number of another site is whose, no claim is.

All of it is SQL that is written once: `tables.Relations` has it run by DuckDB, or by Spark where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from anirec.core.columns import ANIME, KEYS, TABLES
from anirec.core.errors import BadTable
from anirec.tables import Relations

ONE_TO_ONE: Final = ("anilist", "kitsu")
"""Sites that part anime as MyAnimeList does; AniDB and the sites of films and series put several under one number."""

ID_COLUMNS: Final = {"anilist": "anilist_id", "anidb": "anidb_id", "kitsu": "kitsu_id"}

VAGUE: Final = ("Related", "Other")
"""Relations that say less than any other between the same two anime."""

OWN_NUMBERS: Final = ("user_id", "review_id", "text_id")
"""Columns that every folder numbers for itself."""

CONFLICTS: Final = "conflicts"
CONFLICT_COLUMNS: Final = {"what": "VARCHAR", "who": "VARCHAR", "claims": "VARCHAR[]"}


def join(tables: Relations, folders: Sequence[Path], out: Path) -> dict[str, int]:
    """Write the joined tables, and the table `conflicts`, to the folder `out`; returns the rows of each.

    Raises:
        BadTable: no folder has a table of anime, or a table cannot be read.
    """
    there = _stack(tables, folders)
    queries = {
        "anime": _anime(tables),
        "titles": "SELECT DISTINCT anime_id, lang, kind, title FROM all_titles",
        "ratings": "SELECT user_id, anime_id, score, status, updated_at, source FROM all_ratings",
        "relations": _RELATIONS,
        "recommendations": "SELECT anime_a, anime_b, max(votes) AS votes FROM all_recommendations GROUP BY 1, 2",
        "recommendation_texts": f"SELECT {_columns('recommendation_texts')} FROM all_recommendation_texts",
        "reviews": f"SELECT {_columns('reviews')} FROM all_reviews",
        "synopses": f"SELECT anime_id, {_first('text')}, {_first('source')} FROM all_synopses GROUP BY anime_id",
        "users": f"SELECT {_columns('users')} FROM all_users",
        "ids": "SELECT DISTINCT anime_id, site, site_id FROM sound_ids",
    }
    written = {}
    for table, query in queries.items():
        if table not in there:
            continue
        n = tables.write(query, TABLES[table], KEYS[table], out / f"{table}.parquet", optional=True)
        if n:
            written[table] = n
    if "anime" not in written:
        raise BadTable("none of the folders has a table of anime; add one, such as an imported catalogue")
    every = f"SELECT {', '.join(CONFLICT_COLUMNS)} FROM conflicts"
    return written | {
        CONFLICTS: tables.write(every, CONFLICT_COLUMNS, list(CONFLICT_COLUMNS), out / f"{CONFLICTS}.parquet")
    }


_RELATIONS: Final = f"""
SELECT DISTINCT r.anime_id, r.relation, r.target_id FROM all_relations r
WHERE r.relation NOT IN {VAGUE} OR NOT EXISTS (
    SELECT 1 FROM all_relations o WHERE o.anime_id = r.anime_id AND o.target_id = r.target_id
    AND o.relation NOT IN {VAGUE})"""


def _columns(table: str) -> str:
    return ", ".join(TABLES[table])


def _stack(tables: Relations, folders: Sequence[Path]) -> set[str]:
    """Make a view `all_<table>` of the rows of all folders, with `nth`, the folder's place; returns what there may be.

    Numbers that every folder gives for itself are moved, so that those of two folders never meet.
    """
    further = dict.fromkeys(OWN_NUMBERS, 0)
    parts = {table: [f"SELECT {_nothing(columns)}, 0 AS nth WHERE false"] for table, columns in TABLES.items()}
    for nth, folder in enumerate(folders):
        highest = dict.fromkeys(OWN_NUMBERS, -1)
        for table, columns in TABLES.items():
            if not (file := folder / f"{table}.parquet").is_file():
                continue
            rows = tables.file(file)
            has = tables.columns(rows)
            for name in set(OWN_NUMBERS) & set(columns) & has:
                ((most,),) = tables.rows(f"SELECT coalesce(max({name}), -1) FROM {rows}")
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
        tables.view(f"all_{table}", " UNION ALL ".join(selects))
    return {"ids"} | {table for table, selects in parts.items() if len(selects) > 1}  # anime have ids, too


def _nothing(columns: Mapping[str, str]) -> str:
    return ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())


def _anime(tables: Relations) -> str:
    """Return SQL for the joined facts; makes `sound_ids` and `conflicts`."""
    tables.keep("conflicts", f"{_join_ids(tables)} UNION ALL {_DIFFERENT_FACTS}")
    firsts = ", ".join(
        _first(name, kind) for name, kind in ANIME.items() if name not in ("anime_id", *ID_COLUMNS.values())
    )
    numbers = ", ".join(
        f"(max(site_id) FILTER (WHERE site = '{site}'))::INTEGER AS {column}" for site, column in ID_COLUMNS.items()
    )
    return f"""
        SELECT {_columns("anime")} FROM (SELECT anime_id, {firsts} FROM all_anime GROUP BY anime_id) f
        LEFT JOIN (SELECT anime_id, {numbers} FROM (
            SELECT anime_id, site, any_value(site_id) AS site_id FROM sound_ids GROUP BY anime_id, site
            HAVING count(*) = 1) alone GROUP BY anime_id) n USING (anime_id)"""


def _first(name: str, kind: str = "VARCHAR") -> str:
    """Return SQL for what the first folder says that says anything."""
    known = f"array_length({name}) > 0" if kind.endswith("[]") else f"{name} IS NOT NULL"
    return f"arg_min({name}, nth) FILTER (WHERE {known}) AS {name}"


def _join_ids(tables: Relations) -> str:
    """Make `sound_ids`; returns SQL for the conflicts that were found."""
    claims = ["SELECT anime_id, site, site_id, nth FROM all_ids"]
    claims += [
        f"SELECT anime_id, '{site}' AS site, {column}::VARCHAR AS site_id, nth FROM all_anime "
        f"WHERE {column} IS NOT NULL"
        for site, column in ID_COLUMNS.items()
    ]
    tables.keep("claims", " UNION ALL ".join(claims))
    sites = ", ".join(f"'{site}'" for site in ONE_TO_ONE)
    tables.keep(
        "of_several",
        f"SELECT site, site_id FROM claims WHERE site IN ({sites}) GROUP BY site, site_id "
        f"HAVING count(DISTINCT anime_id) > 1",
    )
    tables.keep(
        "with_several",
        f"SELECT site, anime_id FROM claims WHERE site IN ({sites}) GROUP BY site, anime_id "
        f"HAVING count(DISTINCT site_id) > 1",
    )
    tables.keep(
        "sound_ids",
        "SELECT DISTINCT c.anime_id, c.site, c.site_id FROM claims c "
        "WHERE NOT EXISTS (SELECT 1 FROM of_several s WHERE s.site = c.site AND s.site_id = c.site_id) "
        "AND NOT EXISTS (SELECT 1 FROM with_several w WHERE w.site = c.site AND w.anime_id = c.anime_id)",
    )
    return (
        "SELECT 'number of several anime' AS what, c.site || ' ' || c.site_id AS who, "
        "list_sort(list(DISTINCT 'anime ' || c.anime_id || ' by folder ' || (c.nth + 1))) AS claims FROM claims c "
        "JOIN of_several s ON s.site = c.site AND s.site_id = c.site_id GROUP BY c.site, c.site_id "
        "UNION ALL SELECT 'several numbers of an anime' AS what, 'anime ' || c.anime_id AS who, "
        "list_sort(list(DISTINCT c.site || ' ' || c.site_id || ' by folder ' || (c.nth + 1))) AS claims FROM claims c "
        "JOIN with_several w ON w.site = c.site AND w.anime_id = c.anime_id GROUP BY c.site, c.anime_id"
    )


_DIFFERENT_FACTS: Final = (
    "SELECT 'different facts' AS what, 'anime ' || anime_id AS who, "
    "list_sort(list(DISTINCT concat_ws(' ', type, year, 'by folder', nth + 1))) AS claims FROM all_anime "
    "GROUP BY anime_id HAVING count(DISTINCT type) > 1 OR max(year) - min(year) > 1"
)
"""Anime that two folders take for different ones: another type, or years apart."""
