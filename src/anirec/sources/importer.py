"""Any known folder -> a canonical folder: recognised by its files, checked, sorted, written whole or not at all."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from anirec.core.columns import KEYS, MAX_SCORE, MIN_SCORE, TABLES
from anirec.core.errors import BadTable, UnknownLayout
from anirec.sources import canonical, workspace
from anirec.sources.layout import Layout
from anirec.tables import connect, new_folder, write_parquet

LAYOUTS: Final = (workspace.LAYOUT, canonical.LAYOUT)

Progress = Callable[[str, int, int], None]

_OUTSIDE: Final = f"score IS NOT NULL AND NOT score BETWEEN {MIN_SCORE} AND {MAX_SCORE}"


@dataclass(frozen=True)
class ImportReport:
    """layout: its name. kept, rejected: rows by table; a rejected row lacks an id or has a score outside 1..10."""

    layout: str
    kept: Mapping[str, int]
    rejected: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON-able values."""
        return asdict(self)


def recognise(folder: Path) -> Layout:
    """Return the layout of a folder.

    Raises:
        UnknownLayout: there is no such folder, or no layout's files are in it; the error names the known ones.
    """
    if not folder.is_dir():
        raise UnknownLayout(f"{folder} is not a folder")
    for layout in LAYOUTS:
        if all((folder / file).is_file() for file in layout.files):
            return layout
    known = "\n".join(f"  {layout.name}: {', '.join(layout.files)} ({layout.about})" for layout in LAYOUTS)
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
    raise UnknownLayout(f"{folder} has no known layout. It holds {found}. Known layouts:\n{known}")


def import_folder(path: Path, out: Path, *, progress: Progress, max_reject_share: float = 0.5) -> ImportReport:
    """Write the canonical tables of a folder of any known layout to the folder `out`. Same input, same bytes.

    Raises:
        UnknownLayout: see `recognise`.
        BadTable: a file cannot be read, or a larger share of a table's rows than `max_reject_share` is unusable.
    """
    layout = recognise(path)
    kept: dict[str, int] = {}
    rejected: dict[str, int] = {}
    with new_folder(out) as folder, connect() as con:
        con.create_function("plain", _plain, ["VARCHAR"], "VARCHAR")
        try:
            queries = layout.queries(con, path)
            for done, (table, query) in enumerate(queries.items()):
                progress("importing", done, len(queries))
                kept[table], rejected[table] = _import_table(con, table, query, folder, max_reject_share)
        except duckdb.Error as error:
            raise BadTable(f"the files in {path} cannot be read as the layout {layout.name}: {error}") from error
        progress("importing", len(queries), len(queries))
        report = ImportReport(layout.name, kept, rejected)
        manifest = report.to_json() | {"full_list_sources": list(layout.full_list_sources)}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return report


def _import_table(
    con: duckdb.DuckDBPyConnection, table: str, query: str, folder: Path, max_reject_share: float
) -> tuple[int, int]:
    """Write one table; returns how many rows were kept and rejected."""
    columns = TABLES[table]
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming({', '.join(columns)}) AS {query}")
    bad = " OR ".join([f"{key} IS NULL" for key in KEYS[table]] + ([_OUTSIDE] if table == "ratings" else []))
    total, rejects = con.execute(f"SELECT count(*), count(*) FILTER ({bad}) FROM incoming").fetchone() or (0, 0)
    if total == 0:
        raise BadTable(f"the table {table} is empty")
    if rejects > max_reject_share * total:
        raise BadTable(f"{rejects:,} of {total:,} rows of {table} lack an id or have a score outside 1..10")
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    rows = f"SELECT {typed} FROM incoming WHERE NOT ({bad}) ORDER BY {', '.join(KEYS[table])}"
    return write_parquet(con, rows, folder / f"{table}.parquet"), rejects


def _plain(text: str) -> str:
    """Undo HTML entities and outer blanks."""
    return html.unescape(text).strip()
