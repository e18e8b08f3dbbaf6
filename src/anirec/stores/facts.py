"""Facts about anime, read from a Parquet file when asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.catalogue import Catalogue
from anirec.core.columns import ANIME
from anirec.core.errors import DamagedBundle
from anirec.tables import connect, quoted, read_arrays, shared, write_parquet
from anirec.titles import Level, TitleIndex, title_key

_FIELDS = tuple(field.name for field in fields(Anime))
_COLUMNS = ", ".join(f"coalesce({f}, []) AS {f}" if ANIME[f].endswith("[]") else f for f in _FIELDS)


DECODED: Final = 12_000
"""Anime whose facts are held ready, some 2 KB each: most of what anybody is shown."""
AT_ONCE: Final = 1_000
"""Rows that are taken from the file at a time: all at once leave 36 MB behind that nobody needs."""


@dataclass(frozen=True)
class FactsTable:
    """The facts of a bundle.

    path: its `anime.parquet`. texts: JSON of all anime by id, for who answers many times, see `fill`; else empty.
    """

    path: Path
    texts: dict[int, bytes] = field(default_factory=dict, repr=False, compare=False)
    _ready: dict[int, Anime] = field(default_factory=dict, repr=False, compare=False)

    def warmed(self) -> FactsTable:
        """Return the same with all facts in memory, see `fill`."""
        table = FactsTable(self.path)
        table.fill()
        return table

    def fill(self) -> None:
        """Bring all facts into memory, some 1 KB each, so that the file is not read again; answers may go on meanwhile.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        query = f"SELECT anime_id, to_json(t)::VARCHAR FROM (SELECT {_COLUMNS} FROM {self._table}) t"
        texts: dict[int, bytes] = {}
        try:
            with shared() as con:
                found = con.execute(query)
                while rows := found.fetchmany(AT_ONCE):
                    texts.update(
                        {anime_id: text.encode() for anime_id, text in rows}
                    )  # bytes: half of what a str takes
        except duckdb.Error as error:
            raise DamagedBundle(f"{self.path} cannot be read: {error}") from error
        self.texts.update(texts)  # at once: who asks meanwhile finds none of them or all

    def of(self, anime_ids: Iterable[int]) -> dict[int, Anime]:
        """Return the facts of these anime by id; ids that the table does not have are left out.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        wanted = sorted({int(i) for i in anime_ids})
        if self.texts:
            return {anime_id: self._decoded(anime_id) for anime_id in wanted if anime_id in self.texts}
        which = "WHERE anime_id IN (SELECT unnest(?::INTEGER[]))"
        rows = self._rows(f"SELECT {_COLUMNS} FROM {self._table} {which}", [wanted])
        return {row[0]: _anime(zip(_FIELDS, row, strict=True)) for row in rows}

    def _decoded(self, anime_id: int) -> Anime:
        found = self._ready.get(anime_id)
        if found is None:
            found = _anime(json.loads(self.texts[anime_id]).items())
            if len(self._ready) >= DECODED:
                self._ready.clear()
            self._ready[anime_id] = found
        return found

    @property
    def _table(self) -> str:
        return f"read_parquet({quoted(self.path)})"

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with shared() as con:
                return con.execute(query, list(parameters)).fetchall()
        except duckdb.Error as error:
            raise DamagedBundle(f"{self.path} cannot be read: {error}") from error

    def by_anilist_id(self) -> dict[int, int]:
        """Return the id of each anime by its AniList id, of those that have one; the lowest where several share one.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        return dict(
            self._rows(
                f"SELECT anilist_id, min(anime_id) FROM {self._table} WHERE anilist_id IS NOT NULL GROUP BY anilist_id"
            )
        )

    def labels(self) -> dict[str, list[str]]:
        """Return what the genres, themes, demographics and airing of all anime are, each sorted.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        values = {name: f"unnest({name})" for name in ("genres", "themes", "demographics")} | {"airing": "airing"}
        found = {name: self._rows(f"SELECT DISTINCT {of_row} FROM {self._table}") for name, of_row in values.items()}
        return {name: sorted(row[0] for row in rows if row[0]) for name, rows in found.items()}

    def calendar(self) -> dict[str, NDArray[Any]]:
        """Return when anime begin, ascending by id, masked where it is not known.

        anime_id: int32. start_date: text, ISO, as much as is known. year: int32. season: text. airing: text.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        columns = "anime_id, start_date, year, season, airing"
        try:
            with shared() as con:
                return read_arrays(con, f"SELECT {columns} FROM read_parquet({quoted(self.path)}) ORDER BY anime_id")
        except duckdb.Error as error:
            raise DamagedBundle(f"{self.path} cannot be read: {error}") from error


def _anime(facts: Iterable[tuple[str, Any]]) -> Anime:
    """Return an anime; labels and studios, which many share, as one string in memory."""
    read: dict[str, Any] = {
        name: tuple(map(sys.intern, value)) if isinstance(value, list) else value for name, value in facts
    }
    return Anime(**read)


def read_titles(path: Path, catalogue: Catalogue) -> TitleIndex:
    """Read a bundle's `titles.parquet`: columns anime_id, title, key, level; main titles of an anime come first.

    Raises:
        DamagedBundle: the file cannot be read.
    """
    table = _TitlesTable(path)
    return TitleIndex(
        catalogue=catalogue,
        anime_ids=table.columns["anime_id"].astype(np.int32),
        levels=table.columns["level"].astype(np.int8),
        places_of=table.places_of,
        texts=table.texts,
    )


@dataclass(frozen=True)
class _TitlesTable:
    """The titles of a bundle; texts stay in the file until they are needed. path: its `titles.parquet`."""

    path: Path

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        return self._read("anime_id, level, hash(key) AS hash")

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.columns["hash"], kind="stable")

    @cached_property
    def _hashes(self) -> NDArray[np.uint64]:
        hashes: NDArray[np.uint64] = self.columns["hash"][self._order]
        return hashes

    def places_of(self, key: str) -> list[int]:
        with shared() as con:
            wanted = read_arrays(con, "SELECT hash(?) AS hash", [key])["hash"]
        first, last = (int(np.searchsorted(self._hashes, wanted, side)[0]) for side in ("left", "right"))
        return [int(place) for place in self._order[first:last]]

    def texts(self) -> tuple[list[str], list[str]]:
        read = self._read("title, key")
        return read["title"].tolist(), read["key"].tolist()

    def _read(self, columns: str) -> dict[str, NDArray[Any]]:
        try:
            with shared() as con:
                return read_arrays(con, f"SELECT {columns} FROM read_parquet({quoted(self.path)})")
        except duckdb.Error as error:
            raise DamagedBundle(f"{self.path} cannot be read: {error}") from error


def write_facts(folder: Path, path: Path) -> None:
    """Write the `anime.parquet` of a bundle from that of a canonical folder."""
    with connect(threads=1) as con:
        source = quoted(folder / "anime.parquet")
        write_parquet(con, f"SELECT {', '.join(_FIELDS)} FROM read_parquet({source}) ORDER BY anime_id", path)


def write_titles(folder: Path, path: Path) -> None:
    """Write the `titles.parquet` of a bundle: every title of every anime with its key, main ones first.

    Main titles are the three of the `anime` table and the main and official ones of the `titles` table; the rest are
    synonyms. A title that differs from another of the same anime in case or punctuation only is left out.
    """
    with connect(threads=1) as con:
        con.create_function("title_key", title_key, ["VARCHAR"], "VARCHAR")
        further = folder / "titles.parquet"
        more = (
            f"UNION ALL SELECT anime_id, title, CASE WHEN kind IN ('main', 'official') THEN 3 ELSE 5 END "
            f"FROM read_parquet({quoted(further)})"
            if further.is_file()
            else ""
        )
        anime = f"read_parquet({quoted(folder / 'anime.parquet')})"
        con.execute(
            f"CREATE TEMP TABLE named AS "
            f"SELECT anime_id, title, 0 AS place FROM {anime} UNION ALL SELECT anime_id, title_english, 1 FROM {anime} "
            f"UNION ALL SELECT anime_id, title_japanese, 2 FROM {anime} "
            f"UNION ALL SELECT anime_id, unnest(synonyms), 4 FROM {anime} {more}"
        )
        con.execute("CREATE TEMP TABLE keyed AS SELECT *, title_key(title) AS key FROM named WHERE trim(title) <> ''")
        first = "QUALIFY row_number() OVER (PARTITION BY anime_id, key ORDER BY place, title) = 1"
        level = f"CASE WHEN place <= 3 THEN {Level.MAIN:d} ELSE {Level.SYNONYM:d} END::TINYINT AS level"
        write_parquet(
            con, f"SELECT anime_id, title, key, {level} FROM keyed {first} ORDER BY anime_id, place, title", path
        )
