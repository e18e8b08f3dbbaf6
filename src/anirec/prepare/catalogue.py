"""The canonical `anime`, `relations` and `ids` tables -> franchises, and the catalogue that ranking works on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, ROLES, Catalogue, Labels
from anirec.core.errors import BadTable
from anirec.prepare.franchises import Franchises, IdGroups, Relations, Titles, find_franchises
from anirec.tables import connect, filled, new_file, quoted, read_arrays, write_parquet

SERIES_IDS: Final = "site = 'tvdb' OR (site = 'tmdb' AND site_id LIKE 'tv/%')"
"""Which rows of the `ids` table are of sites that give one id to a whole series, with all its seasons."""


def read_catalogue(folder: Path) -> Catalogue:
    """Read `anime` and, where there are such tables, `relations` and `ids` of a canonical folder; find the franchises.

    Raises:
        BadTable: a file is missing, damaged, or lacks a column.
    """
    anime, titles, franchises = _read(folder)
    return build_catalogue(anime, titles, franchises)


def write_franchises(folder: Path) -> int:
    """Find the franchises of a canonical folder and write them there as `franchises.parquet`; returns how many rows.

    One row for each anime, by id. franchise: the id of the first title in watch order. place: in the watch order, from
    0. requires: the id of what is to be seen before, NULL = a newcomer may start here. role, evidence: see
    `Franchises`.

    Raises:
        BadTable: a file is missing, damaged, or lacks a column.
    """
    _, titles, found = _read(folder)
    ids, firsts = titles.anime_ids, np.zeros(len(titles.anime_ids), dtype=np.int32)
    at_first = found.order == 0
    firsts[found.number[at_first]] = ids[at_first]
    columns = {
        "anime_id": ids,
        "franchise": firsts[found.number],
        "place": found.order,
        "required": np.where(found.requires >= 0, ids[found.requires], -1).astype(np.int32),
        "role": np.array(found.role, dtype=object),
        "evidence": np.array(found.evidence, dtype=object),
    }
    with connect() as con, new_file(folder / "franchises.parquet") as file:
        con.register("found", columns)
        names = "anime_id, franchise, place, nullif(required, -1) AS requires, role, evidence"
        return write_parquet(con, f"SELECT {names} FROM found ORDER BY anime_id", file)


def _read(folder: Path) -> tuple[dict[str, NDArray[Any]], Titles, Franchises]:
    path = folder / "anime.parquet"
    if not path.is_file():
        raise BadTable(f"{path} is missing; make a canonical folder with `anirec data import`")
    try:
        with connect() as con:
            anime = read_arrays(con, f"SELECT * FROM read_parquet({quoted(path)}) ORDER BY anime_id")
            related = _read_relations(con, folder / "relations.parquet")
            groups = _read_id_groups(con, folder / "ids.parquet")
    except duckdb.Error as error:
        raise BadTable(f"the tables in {folder} cannot be read: {error}") from error
    titles = _titles(anime)
    return anime, titles, find_franchises(titles, related, groups)


def build_catalogue(anime: dict[str, NDArray[Any]], titles: Titles, franchises: Franchises) -> Catalogue:
    """Put the catalogue together. anime: columns named as in `core.columns.ANIME`, ascending by id."""
    labels = [
        [label for column in ("genres", "themes", "demographics") for label in _list(anime[column][row])]
        for row in range(len(titles.anime_ids))
    ]
    return Catalogue(
        anime_ids=titles.anime_ids,
        kinds=titles.kinds,
        years=titles.years,
        minutes=filled(anime["minutes"], 0).clip(0, np.iinfo(np.int16).max).astype(np.int16),
        episodes=titles.episodes,
        members=titles.members,
        adult=filled(anime["adult"], False).astype(np.bool_),  # noqa: FBT003 - as below
        franchise=franchises.number,
        order=franchises.order,
        requires=franchises.requires,
        labels=Labels.of(labels),
        roles=np.array([ROLES.index(role) for role in franchises.role], dtype=np.int8),
    )


def _titles(anime: dict[str, NDArray[Any]]) -> Titles:
    kinds = np.array([KINDS.index(kind) if kind in KINDS else 0 for kind in _texts(anime["type"])], dtype=np.int8)
    return Titles(
        anime_ids=filled(anime["anime_id"], -1).astype(np.int32),
        title=[title or "" for title in _texts(anime["title"])],
        english=_texts(anime["title_english"]),
        japanese=_texts(anime["title_japanese"]),
        synonyms=[_list(value) for value in anime["synonyms"]],
        kinds=kinds,
        start_dates=_texts(anime["start_date"]),
        years=filled(anime["year"], 0).astype(np.int16),
        episodes=filled(anime["episodes"], 0).clip(0, np.iinfo(np.int16).max).astype(np.int16),
        members=filled(anime["members"], 0).astype(np.int32),
        sources=_texts(anime["source"]),
        adult=filled(anime["adult"], False).astype(np.bool_),  # noqa: FBT003 - the value of a missing fact
    )


def _read_relations(con: duckdb.DuckDBPyConnection, path: Path) -> Relations:
    if not path.is_file():
        return Relations(anime_ids=np.empty(0, np.int32), relations=[], target_ids=np.empty(0, np.int32))
    columns = read_arrays(con, f"SELECT anime_id, relation, target_id FROM read_parquet({quoted(path)}) ORDER BY ALL")
    return Relations(
        anime_ids=filled(columns["anime_id"], -1).astype(np.int32),
        relations=[str(relation) for relation in columns["relation"]],
        target_ids=filled(columns["target_id"], -1).astype(np.int32),
    )


def _read_id_groups(con: duckdb.DuckDBPyConnection, path: Path) -> IdGroups | None:
    if not path.is_file():
        return None
    key = "site || ' ' || site_id AS series"
    rows = f"SELECT anime_id, {key} FROM read_parquet({quoted(path)}) WHERE {SERIES_IDS} ORDER BY ALL"
    columns = read_arrays(con, rows)
    return IdGroups(
        anime_ids=filled(columns["anime_id"], -1).astype(np.int32), groups=[str(key) for key in columns["series"]]
    )


def _texts(column: NDArray[Any]) -> list[str | None]:
    """Return a text column as strings and None, whether or not it came with NULLs."""
    missing = np.ma.getmaskarray(column)
    return [None if m or not text else str(text) for text, m in zip(np.ma.getdata(column), missing, strict=True)]


def _list(value: Any) -> list[str]:
    return [] if value is None or value is np.ma.masked else [str(item) for item in value]


def read_titles(folder: Path) -> dict[int, str]:
    """Return the main title of every anime of a canonical folder, by id.

    Raises:
        BadTable: the table of anime cannot be read.
    """
    path = folder / "anime.parquet"
    try:
        with connect() as con:
            return dict(con.execute(f"SELECT anime_id, title FROM read_parquet({quoted(path)})").fetchall())
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as a table of anime: {error}") from error
