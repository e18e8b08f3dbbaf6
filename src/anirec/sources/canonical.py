"""A folder that is canonical already: checked and copied."""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.core.columns import TABLES
from anirec.sources.layout import Layout
from anirec.tables import quoted


def _queries(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:  # noqa: ARG001 - all layouts are called alike
    present = {table: folder / f"{table}.parquet" for table in TABLES if (folder / f"{table}.parquet").is_file()}
    return {t: f"SELECT {', '.join(TABLES[t])} FROM read_parquet({quoted(file)})" for t, file in present.items()}


LAYOUT = Layout(
    name="canonical",
    about="anirec's own tables, as `anirec data import` writes them",
    files=("anime.parquet", "ratings.parquet"),
    queries=_queries,
)
