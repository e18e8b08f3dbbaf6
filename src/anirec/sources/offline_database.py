"""The anime-offline-database: titles, types, seasons and the pages of each anime at a dozen sites, without ratings.

Files: anime-offline-database.jsonl, the same with .zst, or anime-offline-database(-minified).json. An anime's ids are
the numbers in its `sources`. Only anime with a page at MyAnimeList are kept; the others are counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from anirec.core.errors import BadTable
from anirec.sources.json_rows import BETWEEN, minutes_of
from anirec.sources.layout import File, Layout, Reading, checks, text_table

FILES: Final = (
    "anime-offline-database.jsonl",
    "anime-offline-database.jsonl.zst",
    "anime-offline-database-minified.json",
    "anime-offline-database.json",
)

SITES: Final = {
    "anime_id": re.compile(r"myanimelist\.net/anime/(\d{1,9})$"),
    "anilist_id": re.compile(r"anilist\.co/anime/(\d{1,9})$"),
    "anidb_id": re.compile(r"anidb\.net/anime/(\d{1,9})$"),
    "kitsu_id": re.compile(r"kitsu\.(?:io|app)/anime/(\d{1,9})$"),
}
TYPES: Final = {"TV": "TV", "MOVIE": "Movie", "OVA": "OVA", "ONA": "ONA", "SPECIAL": "Special"}
AIRING: Final = {"FINISHED": "Finished Airing", "ONGOING": "Currently Airing", "UPCOMING": "Not yet aired"}


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    path = next(folder / name for name in FILES if (folder / name).is_file())
    rows, relations = [], []
    for place, text in enumerate(_records(con, path), start=1):
        record = _parsed(path, place, text) if isinstance(text, str) else text
        if place == 1 and "sources" not in record and "title" not in record:
            continue  # the first line says what the file is
        ids = _ids(record)
        rows.append((place, *ids.values(), *_facts(record)))
        related = [_number(SITES["anime_id"], url) for url in _list(record, "relatedAnime")]
        relations += [(ids["anime_id"], target) for target in related if ids["anime_id"] and target]
    if not rows:
        raise BadTable(f"{path} holds not one anime")
    text_table(con, "offline_anime", ("place", *SITES, *FACTS), rows)
    split = ", ".join(f"string_split(nullif({name}, ''), '{BETWEEN}') AS {name}" for name in LISTS)
    plain = ", ".join(name for name in (*SITES, *FACTS) if name not in LISTS)
    missing = {"no page at MyAnimeList": ("anime_id IS NULL", "title")}
    query = (
        f"SELECT * REPLACE (plain(title) AS title, whole(episodes) AS episodes, whole(year) AS year, "
        f"whole(minutes) AS minutes, TRY_CAST(score AS FLOAT) AS score) FROM "
        f"(SELECT whole(place) AS place, {plain}, {split}, false AS adult, {checks(missing)} FROM offline_anime)"
    )
    readings = {"anime": Reading(query, path.name, "line" if ".jsonl" in path.name else "entry")}
    if relations:
        text_table(con, "offline_relations", ("anime_id", "target_id"), relations)
        query = (
            "SELECT DISTINCT whole(anime_id) AS anime_id, 'Related' AS relation, whole(target_id) AS target_id "
            "FROM offline_relations"
        )
        readings["relations"] = Reading(query, f"{path.name}, relatedAnime")
    return readings


LISTS: Final = ("synonyms", "tags", "studios")
FACTS: Final = ("title", "type", "episodes", "airing", "season", "year", "image_url", "minutes", "score", *LISTS)


def _facts(record: dict[str, Any]) -> tuple[Any, ...]:
    """Return the values of `FACTS`."""
    season = _dict(record, "animeSeason")
    seconds, score = _dict(record, "duration").get("value"), _dict(record, "score").get("arithmeticGeometricMean")
    name = str(season.get("season") or "").lower()
    return (
        record.get("title"),
        TYPES.get(str(record.get("type"))),
        record.get("episodes") or None,
        AIRING.get(str(record.get("status"))),
        name if name in ("winter", "spring", "summer", "fall") else None,
        season.get("year"),
        record.get("picture"),
        minutes_of(seconds),
        score,
        *(BETWEEN.join(_list(record, name)) for name in LISTS),
    )


def _ids(record: dict[str, Any]) -> dict[str, int | None]:
    """Return the first number of an anime at each site."""
    urls = _list(record, "sources")
    return {site: next((n for url in urls if (n := _number(page, url))), None) for site, page in SITES.items()}


def _number(page: re.Pattern[str], url: str) -> int | None:
    found = page.search(url)
    return int(found[1]) if found else None


def _list(record: dict[str, Any], name: str) -> list[str]:
    value = record.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


def _dict(record: dict[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _records(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str | dict[str, Any]]:
    """Yield the records of a file: lines of JSON as text, or the objects of one JSON document."""
    if path.suffix == ".json":
        found = _parsed(path, 1, path.read_text(encoding="utf-8"))
        yield from (item for item in found.get("data", []) if isinstance(item, dict))
        return
    packed = "zstd" if path.suffix == ".zst" else "none"
    lines = con.execute(
        "SELECT line FROM read_csv(?, columns={'line': 'VARCHAR'}, header=false, auto_detect=false, delim='\x01', "
        "quote='', escape='', max_line_size=10000000, compression=?)",
        [str(path), packed],
    )
    while rows := lines.fetchmany(1000):
        yield from (row[0] for row in rows)


def _parsed(path: Path, place: int, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadTable(f"{path}, line {place}: not whole JSON ({error}); the file may be cut off") from error
    if not isinstance(found, dict):
        raise BadTable(f"{path}, line {place}: a JSON object should stand here, not {str(found)[:40]}")
    return found


LAYOUT = Layout(
    name="anime-offline-database",
    about="manami-project's anime-offline-database or one of its forks",
    files=tuple(File(name) for name in FILES),
    read=_read,
    licence="ODbL 1.0 and DbCL 1.0 as published",
)
