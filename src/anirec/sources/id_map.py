"""Fribb's anime-lists: which numbers the same anime has at other sites.

File: anime-list-full.json or -mini.json, an array of objects such as
`{"mal_id": 1, "anilist_id": 1, "anidb_id": 23, "kitsu_id": 1, "thetvdb_id": 76885, "themoviedb_id": 30991}`.
Newer versions write tvdb_id, an object of tv and movie for themoviedb_id, and lists where a site has several.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from anirec.core.errors import BadTable
from anirec.sources.json_rows import Rows, is_id
from anirec.sources.layout import File, Layout, Reading

FILES: Final = ("anime-list-full.json", "anime-list-mini.json", "anime-lists.json")

SITES: Final = {
    "anilist_id": "anilist",
    "anidb_id": "anidb",
    "kitsu_id": "kitsu",
    "thetvdb_id": "tvdb",
    "tvdb_id": "tvdb",
    "imdb_id": "imdb",
    "simkl_id": "simkl",
    "livechart_id": "livechart",
    "anisearch_id": "anisearch",
    "animecountdown_id": "animecountdown",
    "anime-planet_id": "anime-planet",
}


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    path = next(folder / name for name in FILES if (folder / name).is_file())
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadTable(f"{path} is not whole JSON ({error}); it may be cut off") from error
    if not isinstance(found, list):
        raise BadTable(f"{path} should hold an array of objects, one for each anime")
    ids = Rows("ids")
    for number, record in enumerate(found, start=1):
        where = f"entry {number}"
        if not isinstance(record, dict):
            ids.reject(where, "no object", record)
            continue
        numbers = [value for value in _values(record.get("mal_id")) if is_id(value)]
        if not numbers:
            ids.reject(where, "no MyAnimeList id", record.get("anidb_id"))
        elsewhere = sorted(set(_sites(record)))
        if numbers and not elsewhere:
            ids.reject(where, "no number at another site", numbers[0])
        for anime_id in dict.fromkeys(numbers):
            for site, site_id in elsewhere:
                ids.add(where, {"anime_id": anime_id, "site": site, "site_id": site_id})
    return {"ids": ids.reading(con, path.name)}


def _sites(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, site in SITES.items():
        for value in _values(record.get(name)):
            if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip() not in ("", "0"):
                yield site, str(value).strip()
    tmdb = record.get("themoviedb_id")
    kinds = tmdb if isinstance(tmdb, dict) else {"movie" if record.get("type") == "MOVIE" else "tv": tmdb}
    for kind, numbers in kinds.items():
        for value in _values(numbers):
            if is_id(value):
                yield "tmdb", f"{kind}/{value}"


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


LAYOUT = Layout(
    name="id-map",
    about="Fribb's anime-lists",
    files=tuple(File(name) for name in FILES),
    read=_read,
    licence="as published; derived from anime-offline-database (ODbL 1.0) and ScudLee's anime-lists",
)
