"""What a canonical folder holds, and questions to it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from anirec.core.columns import TABLES
from anirec.core.errors import BadTable, InputError
from anirec.prepare.catalogue import write_franchises
from anirec.prepare.joining import join
from anirec.sources.importer import table_facts
from anirec.tables import OnDuckDB, Relations, connect, new_folder, quoted, read_manifest, sha256

MADE = ("franchises", "conflicts")
"""Tables that `build` makes of the others."""


def status(folder: Path) -> dict[str, Any]:
    """Return layout, licence, rejects, and by table its rows, size, hash, sources and time.

    Raises:
        BadTable: there is no canonical table there, or one cannot be read.
    """
    manifest = read_manifest(folder)
    tables = []
    with connect() as con:
        for name, file in _tables(folder).items():
            try:
                (rows,) = con.execute(f"SELECT count(*) FROM read_parquet({quoted(file)})").fetchone() or (0,)
            except duckdb.Error as error:
                raise BadTable(f"{file} cannot be read: {error}; import the data again") from error
            size = round(file.stat().st_size / 1e6, 3)
            said = manifest.get("tables", {}).get(name, {})
            known = {fact: said.get(fact) for fact in ("sources", "made", "rejects")}
            tables.append({"table": name, "rows": rows, "megabytes": size, "sha256": sha256(file)} | known)
    whole = {name: manifest.get(name) for name in ("layout", "licence", "inputs", "conflicts")}
    return whole | {"tables": tables, "rejects": manifest.get("rejects", [])}


@dataclass(frozen=True)
class Built:
    """What came of joining folders. rows: by table. conflicts: by kind. franchises: how many."""

    rows: Mapping[str, int]
    conflicts: Mapping[str, int]
    franchises: int


def build(folders: Sequence[Path], out: Path, *, now: float | None = None, tables: Relations | None = None) -> Built:
    """Join canonical folders into one, with franchises; earlier folders come first in precedence.

    now: what the manifest calls the time, epoch seconds; None = the clock's. tables: what works them out; None =
    DuckDB. The files are the same, byte by byte.

    Raises:
        BadTable: a folder has no canonical table, none has anime, or one cannot be read.
    """
    for folder in folders:
        _tables(folder)
    manifests = [read_manifest(folder) for folder in folders]
    with new_folder(out) as work, connect() as con:
        try:
            rows = join(tables or OnDuckDB(con), folders, work)
            found_conflicts = f"read_parquet({quoted(work / 'conflicts.parquet')})"
            counted = f"SELECT what, count(*) FROM {found_conflicts} GROUP BY what ORDER BY what"
            conflicts = dict(con.execute(counted).fetchall())
            full = [name for folder, m in zip(folders, manifests, strict=True) for name in _whole_lists(con, folder, m)]
        except duckdb.Error as error:
            raise BadTable(f"the tables cannot be joined: {error}; import the data again") from error
        rows["franchises"] = write_franchises(work)
        made = now if now is not None else time.time()
        manifest = {
            "layout": "joined",
            "licence": "; ".join(dict.fromkeys(str(m.get("licence", "not said")) for m in manifests)),
            "full_list_sources": sorted(set(full)),
            "inputs": {
                f"{nth}/{file.name}": {"bytes": file.stat().st_size, "sha256": sha256(file)}
                for nth, folder in enumerate(folders, start=1)
                for file in _tables(folder).values()
            },
            "tables": {
                table: table_facts(
                    work / f"{table}.parquet", rows=n, rejects=0, sources=_sources(manifests, table), now=made
                )
                for table, n in rows.items()
            },
            "conflicts": conflicts,
            "rejects": [reject for m in manifests for reject in m.get("rejects", [])],
        }
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        found = con.execute(
            f"SELECT count(DISTINCT franchise) FROM read_parquet({quoted(work / 'franchises.parquet')})"
        ).fetchone()
    return Built(rows, conflicts, int(found[0]) if found else 0)


def _whole_lists(con: duckdb.DuckDBPyConnection, folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the sources of a folder's ratings that hold whole lists; where its manifest names none, all do."""
    if manifest.get("full_list_sources") or not (file := folder / "ratings.parquet").is_file():
        return list(manifest.get("full_list_sources", []))
    return [row[0] for row in con.execute(f"SELECT DISTINCT source FROM read_parquet({quoted(file)})").fetchall()]


def _sources(manifests: Sequence[Mapping[str, Any]], table: str) -> list[dict[str, str]]:
    """Return where the rows of a table are from, by the manifests of what was joined; made tables are of anime."""
    found = [source for m in manifests for source in m.get("tables", {}).get(table, {}).get("sources", [])]
    return found or [{"layout": "joined", "file": "anime.parquet, relations.parquet, ids.parquet", "licence": "ours"}]


def ask(folder: Path, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Answer a question in SQL; returns the names of the columns and the rows.

    Raises:
        BadTable: there is no canonical table there.
        InputError: the question cannot be answered.
    """
    with connect() as con:
        for name, file in _tables(folder).items():
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({quoted(file)})")
        try:
            answer = con.execute(query)
            return [column[0] for column in answer.description or ()], answer.fetchall()
        except duckdb.Error as error:
            raise InputError(f"{error}\ntables: {', '.join(_tables(folder))}") from error


def _tables(folder: Path) -> dict[str, Path]:
    found = {name: folder / f"{name}.parquet" for name in (*TABLES, *MADE) if (folder / f"{name}.parquet").is_file()}
    if not found:
        raise BadTable(f"{folder} holds no canonical table; make it with `anirec data import`")
    return found
