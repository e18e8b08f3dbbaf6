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

from anirec.core.columns import KEYS, MAX_SCORE, MIN_SCORE, TABLES
from anirec.core.errors import BadTable, UnknownLayout
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
from anirec.sources.csv_file import header_of as csv_header
from anirec.sources.layout import File, Layout, Reading
from anirec.tables import connect, new_folder, quoted, sha256, write_parquet

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
REJECTS_SHOWN: Final = 100_000
"""At most so many rejected rows of a file are written out one by one; all are counted."""

TEXT_SHOWN: Final = 200  # characters of what is wrong


@dataclass(frozen=True)
class Reject:
    """Rows of one file that cannot be used for one reason. first: where the first of them stands, as `line 812`."""

    file: str
    reason: str
    rows: int
    first: str
    value: str

    def __str__(self) -> str:
        """Return `3 rows of rating.csv: score outside 1..10 (first: line 812, "11")`."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        shown = f', "{self.value}"' if self.value else ""
        return f"{rows} of {self.file}: {self.reason} (first: {self.first}{shown})"


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
    with new_folder(out) as folder, connect() as con:
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
                n_kept, found = _import_table(con, table, reading, folder, max_reject_share)
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


def _import_table(
    con: duckdb.DuckDBPyConnection, table: str, reading: Reading, folder: Path, max_reject_share: float
) -> tuple[int | None, list[Reject]]:
    """Write one table; returns how many rows were kept (None: no table was written), and what was left out."""
    columns, keys = TABLES[table], ", ".join(KEYS[table])
    given = {str(row[0]) for row in con.execute(f"DESCRIBE {reading.query}").fetchall()}
    every = columns | {"place": "BIGINT", "reason": "VARCHAR", "value": "VARCHAR"}
    wanted = [name if name in given else f"NULL::{kind} AS {name}" for name, kind in every.items()]
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT {', '.join(wanted)} FROM ({reading.query})")
    bad = _mark(con, table)
    (total,) = con.execute("SELECT count(*) FROM incoming").fetchone() or (0,)
    found = _left_out(con, table, reading, some=bad > 0)
    n_rejected = sum(reject.rows for reject in found)
    total += n_rejected - bad
    if total == 0 and reading.optional:
        return None, []
    if total == 0:
        raise BadTable(f"{reading.file} holds not one row for the table {table}")
    if n_rejected > max_reject_share * total:
        reasons = "\n".join(f"  {reject}" for reject in found)
        raise BadTable(f"{n_rejected:,} of {total:,} rows of {reading.file} cannot be used:\n{reasons}")
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    rows = f"SELECT {typed} FROM incoming WHERE reason IS NULL ORDER BY {keys}"
    return write_parquet(con, rows, folder / f"{table}.parquet"), found


def _mark(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Give a reason to every row of `incoming` that no table of its kind may hold; returns how many have one."""
    keys = KEYS[table]
    found = {f"no {key}": (f"{key} IS NULL", "NULL") for key in keys}
    if "text" in TABLES[table]:
        found["no text"] = ("text IS NULL", "NULL")
    if "user_id" in TABLES[table] and "score" in TABLES[table]:
        outside = f"NOT score BETWEEN {MIN_SCORE} AND {MAX_SCORE}"
        found[f"score outside {MIN_SCORE}..{MAX_SCORE}"] = (outside, "score::VARCHAR")
    reasons = layout.checks(found)
    anything = " OR ".join(f"({condition})" for condition, _ in found.values())
    con.execute(
        f"UPDATE incoming SET reason = found.reason, value = found.value "
        f"FROM (SELECT rowid AS id, {reasons} FROM incoming WHERE reason IS NULL AND ({anything})) found "
        f"WHERE incoming.rowid = found.id"
    )
    joined = ", ".join(keys)
    (again,) = con.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM incoming WHERE reason IS NULL GROUP BY {joined} HAVING count(*) > 1)"
    ).fetchone() or (0,)
    if again:
        text = " || ', ' || ".join(f"'{key} ' || {key}::VARCHAR" for key in keys)
        con.execute(
            f"UPDATE incoming SET reason = 'a row with the same {joined} stands before', value = {text} "
            f"WHERE rowid IN (SELECT rowid FROM incoming WHERE reason IS NULL "
            f"QUALIFY row_number() OVER (PARTITION BY {joined} ORDER BY place, rowid) > 1)"
        )
    (bad,) = con.execute("SELECT count(*) FROM incoming WHERE reason IS NOT NULL").fetchone() or (0,)
    return int(bad)


def _left_out(con: duckdb.DuckDBPyConnection, table: str, reading: Reading, *, some: bool) -> list[Reject]:
    """Count the rows of a file that are left out, by reason, and file them with their places in `left_out`."""
    file = quoted(reading.file)
    con.execute("CREATE OR REPLACE TEMP TABLE places(place BIGINT, nth BIGINT)")
    if some:
        shown = con.execute(
            f"SELECT place FROM incoming WHERE reason IS NOT NULL AND place IS NOT NULL "
            f"ORDER BY place LIMIT {REJECTS_SHOWN}"
        ).fetchall()
        places = [int(row[0]) for row in shown]
        lines = reading.places(places) if reading.places else places
        con.execute("INSERT INTO places SELECT unnest(?::BIGINT[]), unnest(?::BIGINT[])", [places, lines])
    keys = " || ', ' || ".join(f"'{key} ' || coalesce({key}::VARCHAR, '?')" for key in KEYS[table])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE bad AS "
        f"SELECT coalesce('{reading.unit} ' || nth, {keys}) AS place, nth, reason, value "
        f"FROM incoming LEFT JOIN places USING (place) WHERE reason IS NOT NULL "
        f"UNION ALL SELECT 'line ' || line, line, reason, value FROM rejects WHERE file = {file}"
    )
    con.execute(
        f"INSERT INTO left_out SELECT {file}, place, nth, reason, left(value, {TEXT_SHOWN}) FROM bad "
        f"ORDER BY nth, place LIMIT {REJECTS_SHOWN}"
    )
    rows = con.execute(
        "SELECT reason, count(*), arg_min(place, coalesce(nth, 0)), "
        f"coalesce(left(arg_min(value, coalesce(nth, 0)), {TEXT_SHOWN}), '') "
        "FROM bad GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    return [Reject(reading.file, str(reason), int(n), str(first), str(value)) for reason, n, first, value in rows]


def _plain(text: str) -> str:
    """Undo HTML entities and outer blanks."""
    return html.unescape(text).strip()
