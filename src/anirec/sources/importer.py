"""Any known folder -> a canonical folder: recognised by its files, checked, sorted, written whole or not at all."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from anirec.core.errors import BadTable, InputError, UnknownLayout
from anirec.sources import (
    animerecbert2025,
    azathoth2018,
    canonical,
    collected,
    cooperunion2016,
    dbdmobile2023,
    hernan2020,
    id_map,
    khave_reviews,
    layout,
    marlesson2020,
    offline_database,
    workspace,
)
from anirec.sources.checking import Reject, import_table
from anirec.sources.csv_file import header_of as csv_header
from anirec.sources.layout import File, Layout
from anirec.tables import connect, new_folder, quoted, scratch, sha256

LAYOUTS: Final = (
    workspace.LAYOUT,
    canonical.LAYOUT,
    cooperunion2016.LAYOUT,
    hernan2020.LAYOUT,
    animerecbert2025.LAYOUT,
    azathoth2018.LAYOUT,
    dbdmobile2023.LAYOUT,
    marlesson2020.LAYOUT,
    offline_database.LAYOUT,
    id_map.LAYOUT,
    khave_reviews.LAYOUT,
    collected.LAYOUT,
)

Progress = Callable[[str, int, int], None]

REJECTS_FILE: Final = "rejects.csv"


@dataclass(frozen=True)
class ImportReport:
    """layout: its name. kept: rows by table. rejects: by file and reason, in that order."""

    layout: str
    kept: Mapping[str, int]
    rejects: tuple[Reject, ...]

    @property
    def n_rejected(self) -> int:
        """Rows that were left out."""
        return sum(reject.rows for reject in self.rejects)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON-able values."""
        return asdict(self)


def recognise(folder: Path) -> Layout:
    """Return the layout of a folder.

    Raises:
        UnknownLayout: there is no such folder, or no layout's files are in it; the error names the known ones, and
            where a file has the name but not the columns of one, those that it lacks.
    """
    if not folder.is_dir():
        raise UnknownLayout(f"{folder} is not a folder")
    near = []
    for known in LAYOUTS:
        present = [file for file in known.files if file.found(folder)]
        if not present or any(file.required and file not in present for file in known.files):
            continue
        wrong = [text for file in present for path in file.found(folder) if (text := _lacking(path, file))]
        if not wrong:
            return known
        near += [f"  {known.name}: {text}" for text in wrong]
    if near:
        raise UnknownLayout(
            "\n".join([f"the files in {folder} have the names but not the columns of a layout:", *near])
        )
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
    known_ones = "\n".join(f"  {known.name}: {_files_of(known)} ({known.about})" for known in LAYOUTS)
    raise UnknownLayout(f"{folder} has no known layout. It holds {found}. Known layouts:\n{known_ones}")


def need_canonical(folder: Path) -> None:
    """Refuse a folder that is not canonical.

    Raises:
        UnknownLayout: see `recognise`.
        InputError: it is of another layout; the error says how to import it.
    """
    if recognise(folder).name != "canonical":
        raise InputError(f"{folder} is not a canonical folder; make one with `anirec data import {folder} --to DIR`")


def _files_of(known: Layout) -> str:
    required = [file.name for file in known.files if file.required]
    return " and ".join(required) if required else "any of " + ", ".join(file.name for file in known.files)


def _lacking(path: Path, file: File) -> str | None:
    """Return what is wrong with the columns of a file, None if nothing is."""
    if not file.columns:
        return None
    if path.stat().st_size == 0:
        raise BadTable(f"{path} is empty; it should begin with a header that holds {', '.join(file.columns)}")
    header = csv_header(path) if path.suffix == ".csv" else _parquet_header(path)
    lacking = [column for column in file.columns if column not in header]
    return f"{path.name} lacks {', '.join(lacking)}; it has {', '.join(header) or 'no header'}" if lacking else None


def _parquet_header(path: Path) -> tuple[str, ...]:
    try:
        with connect() as con:
            described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(path)})").fetchall()
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as Parquet, it may be cut off: {error}") from error
    return tuple(str(row[0]) for row in described)


def import_folder(
    path: Path,
    out: Path,
    *,
    progress: Progress,
    max_reject_share: float = 0.5,
    ids: Path | None = None,
    now: float | None = None,
) -> ImportReport:
    """Write the canonical tables of a folder of any known layout to the folder `out`. Same input, same tables.

    Beside the tables stand `manifest.json` (layout, licence, hashes of what was read; of each table its sources, time,
    counts and hash) and, where rows were left out, `rejects.csv` (file, place, reason, value).

    ids: a canonical folder with the table `ids`, which says what the numbers of other sites mean.
    now: what the manifest calls the time of the import, epoch seconds; None = the clock's.

    Raises:
        UnknownLayout: see `recognise`.
        BadTable: a file cannot be read, or a larger share of a table's rows than `max_reject_share` is unusable.
    """
    known = recognise(path)
    kept: dict[str, int] = {}
    made: dict[str, Any] = {}
    rejects: list[Reject] = []
    with new_folder(out) as folder, scratch(folder) as con:
        con.create_function("plain", _plain, ["VARCHAR"], "VARCHAR")
        con.execute("CREATE TEMP TABLE rejects(file VARCHAR, nth BIGINT, line BIGINT, reason VARCHAR, value VARCHAR)")
        con.execute(
            "CREATE TEMP TABLE left_out(file VARCHAR, place VARCHAR, nth BIGINT, reason VARCHAR, value VARCHAR)"
        )
        layout.prepare(con)
        _load_ids(con, ids)
        try:
            readings = known.read(con, path)
            for done, (table, reading) in enumerate(readings.items()):
                progress("importing", done, len(readings))
                n_kept, found = import_table(con, table, reading, folder, max_reject_share)
                if n_kept is not None:
                    kept[table] = n_kept
                    made[table] = table_facts(
                        folder / f"{table}.parquet",
                        rows=n_kept,
                        rejects=sum(reject.rows for reject in found),
                        sources=[{"layout": known.name, "file": reading.file, "licence": known.licence}],
                        now=now if now is not None else time.time(),
                    )
                rejects += found
        except duckdb.Error as error:
            raise BadTable(f"the files in {path} cannot be read as the layout {known.name}: {error}") from error
        progress("importing", len(readings), len(readings))
        if rejects:
            con.execute(
                f"COPY (SELECT file, place, reason, value FROM left_out ORDER BY file, nth) "
                f"TO {quoted(folder / REJECTS_FILE)} (HEADER)"
            )
        report = ImportReport(known.name, kept, tuple(rejects))
        manifest = report.to_json() | {
            "licence": known.licence,
            "tables": made,
            "full_list_sources": list(known.full_list_sources(path)),
            "inputs": {
                found.name: {"bytes": found.stat().st_size, "sha256": sha256(found)}
                for file in known.files
                for found in file.found(path)
            },
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return report


def table_facts(
    file: Path, *, rows: int, rejects: int, sources: Sequence[Mapping[str, str]], now: float
) -> dict[str, Any]:
    """Return what a manifest says of one table: where it is from, under which terms, when, how much, and its hash."""
    made = datetime.fromtimestamp(int(now), UTC).isoformat()
    return {"sources": list(sources), "made": made, "rows": rows, "rejects": rejects, "sha256": sha256(file)}


def _load_ids(con: duckdb.DuckDBPyConnection, folder: Path | None) -> None:
    """Fill the table `id_map(anime_id, site, site_id)`, which readers may ask."""
    con.execute("CREATE TEMP TABLE id_map(anime_id INTEGER, site VARCHAR, site_id VARCHAR)")
    if folder is None:
        return
    file = folder / "ids.parquet"
    if not file.is_file():
        raise BadTable(f"{file} is missing; import an id map (`anirec data fetch id-map`, `anirec data import`)")
    con.execute(f"INSERT INTO id_map SELECT anime_id, site, site_id FROM read_parquet({quoted(file)})")


def _plain(text: str) -> str:
    """Undo HTML entities and outer blanks."""
    return html.unescape(text).strip()
