"""What a canonical folder holds, and questions to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from anirec.core.columns import TABLES
from anirec.core.errors import BadTable, InputError
from anirec.tables import connect, quoted, read_manifest, sha256


def status(folder: Path) -> dict[str, Any]:
    """Return layout, licence, rejects, and by table its rows, size and hash.

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
            tables.append({"table": name, "rows": rows, "megabytes": size, "sha256": sha256(file)})
    known = {name: manifest.get(name) for name in ("layout", "licence", "inputs")}
    return known | {"tables": tables, "rejects": manifest.get("rejects", [])}


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
    found = {name: folder / f"{name}.parquet" for name in TABLES if (folder / f"{name}.parquet").is_file()}
    if not found:
        raise BadTable(f"{folder} holds no canonical table; make it with `anirec data import`")
    return found
