"""A folder that is canonical already: checked and copied."""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.core.columns import TABLES
from anirec.sources.layout import File, Layout, Reading
from anirec.tables import full_list_sources, quoted

_FILES = {table: f"{table}.parquet" for table in TABLES}


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:  # noqa: ARG001 - all layouts are called alike
    return {
        table: Reading(f"SELECT {', '.join(TABLES[table])} FROM read_parquet({quoted(folder / file)})", file)
        for table, file in _FILES.items()
        if (folder / file).is_file()
    }


LAYOUT = Layout(
    name="canonical",
    about="anirec's own tables, as `anirec data import` writes them",
    files=tuple(File(file, tuple(TABLES[table])) for table, file in _FILES.items()),
    read=_read,
    licence="that of what it was imported from",
    full_list_sources=full_list_sources,
)
