"""Small folders of files to import, and what came of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb

from anirec.sources.importer import ImportReport, import_folder


def silent(stage: str, done: int, total: int) -> None:
    pass


def folder_of(root: Path, **files: str | bytes) -> Path:
    folder = root / "in"
    folder.mkdir()
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def imported(folder: Path, **options: Any) -> tuple[Path, ImportReport]:
    out = folder.parent / "out"
    return out, import_folder(folder, out, progress=silent, **options)


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(f"SELECT {query} FROM '{file}' ORDER BY ALL").fetchall()


def rejects(out: Path) -> list[list[str]]:
    with (out / "rejects.csv").open(newline="") as handle:
        return list(csv.reader(handle))[1:]
