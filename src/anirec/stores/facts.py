"""Facts about anime, read from a Parquet file when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from anirec.core.anime import Anime
from anirec.core.catalogue import Catalogue
from anirec.core.columns import ANIME
from anirec.core.errors import DamagedBundle
from anirec.tables import connect, quoted, read_arrays, write_parquet
from anirec.titles import Level, TitleIndex, title_key

_FIELDS = tuple(field.name for field in fields(Anime))
_COLUMNS = ", ".join(f"coalesce({f}, []) AS {f}" if ANIME[f].endswith("[]") else f for f in _FIELDS)


@dataclass(frozen=True)
class FactsTable:
    """The facts of a bundle. path: its `anime.parquet`."""

    path: Path

    def of(self, anime_ids: Iterable[int]) -> dict[int, Anime]:
        """Return the facts of these anime by id; ids that the table does not have are left out.

        Raises:
            DamagedBundle: the file cannot be read.
        """
        wanted = sorted({int(i) for i in anime_ids})
        try:
            with connect() as con:
                rows = con.execute(
                    f"SELECT {_COLUMNS} FROM read_parquet({quoted(self.path)}) "
                    "WHERE anime_id IN (SELECT unnest(?::INTEGER[]))",
                    [wanted],
                ).fetchall()
        except duckdb.Error as error:
            raise DamagedBundle(f"{self.path} cannot be read: {error}") from error
        return {
            row[0]: Anime(**{name: _plain(value) for name, value in zip(_FIELDS, row, strict=True)}) for row in rows
        }


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def read_titles(path: Path, catalogue: Catalogue) -> TitleIndex:
    """Read a bundle's `titles.parquet`: columns anime_id, title, key, level; main titles of an anime come first.

    Raises:
        DamagedBundle: the file cannot be read.
    """
    try:
        with connect() as con:
            columns = read_arrays(con, f"SELECT anime_id, title, key, level FROM read_parquet({quoted(path)})")
    except duckdb.Error as error:
        raise DamagedBundle(f"{path} cannot be read: {error}") from error
    return TitleIndex(
        catalogue=catalogue,
        anime_ids=np.asarray(columns["anime_id"], dtype=np.int32),
        titles=columns["title"].tolist(),
        keys=columns["key"].tolist(),
        levels=np.asarray(columns["level"], dtype=np.int8),
    )


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
