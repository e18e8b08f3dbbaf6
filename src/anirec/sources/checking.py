"""One table: its rows checked, the good ones sorted and written, the others counted and listed.

Nothing here holds a table in memory: the rows wait on disk (see `tables.scratch`), sorting spills, and that no key
stands twice is seen by comparing neighbours in the sorted file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from anirec.core.columns import KEYS, MAX_SCORE, MIN_SCORE, TABLES
from anirec.core.errors import BadTable
from anirec.sources import layout
from anirec.sources.layout import Reading
from anirec.tables import quoted, write_parquet

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


def import_table(
    con: duckdb.DuckDBPyConnection, table: str, reading: Reading, folder: Path, max_reject_share: float
) -> tuple[int | None, list[Reject]]:
    """Write one table; returns how many rows were kept (None: no table was written), and what was left out.

    Raises:
        BadTable: there is not one row, or a larger share than `max_reject_share` is unusable.
    """
    file = folder / f"{table}.parquet"
    total = _take(con, table, reading)
    written = _write(con, table, file) if total else 0
    repeated = _set_repeated_aside(con, table, reading, file) if written else 0
    kept = written - repeated
    found = _left_out(con, reading, some=kept < total)
    n_rejected = sum(reject.rows for reject in found)
    total = kept + n_rejected
    if total == 0 and reading.optional:
        return None, []
    if total == 0:
        raise BadTable(f"{reading.file} holds not one row for the table {table}")
    if n_rejected > max_reject_share * total:
        reasons = "\n".join(f"  {reject}" for reject in found)
        raise BadTable(f"{n_rejected:,} of {total:,} rows of {reading.file} cannot be used:\n{reasons}")
    if repeated:
        _write(con, table, file)
    return kept, found


def _take(con: duckdb.DuckDBPyConnection, table: str, reading: Reading) -> int:
    """Put the rows into the table `incoming`, with a reason for those that cannot be used, which go to `unusable`, too.

    Returns how many there are.
    """
    columns, keys = TABLES[table], KEYS[table]
    found = {f"no {key}": (f"{key} IS NULL", "NULL") for key in keys}
    if "text" in columns:
        found["no text"] = ("text IS NULL", "NULL")
    if "user_id" in columns and "score" in columns:
        outside = f"NOT score BETWEEN {MIN_SCORE} AND {MAX_SCORE}"
        found[f"score outside {MIN_SCORE}..{MAX_SCORE}"] = (outside, "score::VARCHAR")
    reason, value = layout.cases(found)
    given = {str(row[0]) for row in con.execute(f"DESCRIBE {reading.query}").fetchall()}
    every = columns | ({} if reading.scanned else {"place": "BIGINT"}) | {"reason": "VARCHAR", "value": "VARCHAR"}
    wanted = ", ".join(name if name in given else f"NULL::{kind} AS {name}" for name, kind in every.items())
    con.execute(
        f"CREATE OR REPLACE TABLE incoming AS SELECT * REPLACE (coalesce(reason, {reason}) AS reason, "
        f"CASE WHEN reason IS NULL THEN {value} ELSE value END AS value) FROM (SELECT {wanted} FROM ({reading.query}))"
    )
    con.execute(
        f"CREATE OR REPLACE TABLE unusable AS SELECT {_place(reading)} AS place, {_shown(keys)} AS keys, reason, value "
        f"FROM incoming WHERE reason IS NOT NULL"
    )
    con.execute("CREATE OR REPLACE TABLE repeated(id BIGINT, place BIGINT, keys VARCHAR)")
    (total,) = con.execute("SELECT count(*) FROM incoming").fetchone() or (0,)
    if reading.scanned:
        reading.scanned(total)
    return int(total)


def _place(reading: Reading) -> str:
    """Return SQL for the place of a row of `incoming`; rows that have none are in the order of their `rowid`."""
    return "rowid + 1" if reading.scanned else "place"


def _shown(keys: tuple[str, ...]) -> str:
    """Return SQL for the key of a row as it is shown."""
    return " || ', ' || ".join(f"'{key} ' || coalesce({key}::VARCHAR, '?')" for key in keys)


def _write(con: duckdb.DuckDBPyConnection, table: str, file: Path) -> int:
    """Write the rows of `incoming` that are not `unusable`, sorted by key; returns how many."""
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in TABLES[table].items())
    rows = f"SELECT {typed} FROM incoming WHERE reason IS NULL"
    if con.execute("SELECT count(*) FROM repeated").fetchone() != (0,):
        rows += " AND rowid NOT IN (SELECT id FROM repeated)"
    return write_parquet(con, f"{rows} ORDER BY {', '.join(KEYS[table])}", file)


def _set_repeated_aside(con: duckdb.DuckDBPyConnection, table: str, reading: Reading, file: Path) -> int:
    """Add the rows of `incoming` whose key a row before has to `repeated` and `unusable`; returns how many there are.

    file: the rows sorted by key, where those of one key are neighbours; grouping them would take memory for all keys.
    """
    columns, keys = TABLES[table], KEYS[table]
    joined = ", ".join(keys)
    same = " AND ".join(f"{key} = lag({key}) OVER ()" for key in keys)
    con.execute(
        f"CREATE OR REPLACE TABLE repeated_keys AS SELECT DISTINCT {joined} "
        f"FROM (SELECT {joined}, {same} AS repeated FROM read_parquet({quoted(file)})) WHERE repeated"
    )
    if con.execute("SELECT count(*) FROM repeated_keys").fetchone() == (0,):
        return 0
    typed = ", ".join(f"{key}::{columns[key]} AS {key}" for key in keys)
    con.execute(
        f"INSERT INTO repeated SELECT id, place, {_shown(keys)} FROM (SELECT rowid AS id, {_place(reading)} AS place, "
        f"{typed} FROM incoming WHERE reason IS NULL) SEMI JOIN repeated_keys USING ({joined}) "
        f"QUALIFY row_number() OVER (PARTITION BY {joined} ORDER BY place, id) > 1"
    )
    added = con.execute(
        f"INSERT INTO unusable SELECT place, keys, 'a row with the same {joined} stands before', keys FROM repeated"
    ).fetchone()
    return int(added[0]) if added else 0


def _left_out(con: duckdb.DuckDBPyConnection, reading: Reading, *, some: bool) -> list[Reject]:
    """Count the rows of a file that are left out, by reason, and file them with their places in `left_out`."""
    file = quoted(reading.file)
    con.execute("CREATE OR REPLACE TEMP TABLE places(place BIGINT, nth BIGINT)")
    if some:
        shown = con.execute(
            f"(SELECT place FROM unusable WHERE place IS NOT NULL ORDER BY place LIMIT {REJECTS_SHOWN}) "
            f"UNION SELECT min(place) FROM unusable WHERE place IS NOT NULL GROUP BY reason ORDER BY place"
        ).fetchall()
        places = [int(row[0]) for row in shown]
        lines = reading.places(places) if reading.places else places
        con.execute("INSERT INTO places SELECT unnest(?::BIGINT[]), unnest(?::BIGINT[])", [places, lines])
    con.execute(
        f"CREATE OR REPLACE TABLE bad AS "
        f"SELECT coalesce('{reading.unit} ' || nth, keys) AS place, nth, reason, value "
        f"FROM unusable LEFT JOIN places USING (place) "
        f"UNION ALL SELECT 'line ' || line, line, reason, value FROM rejects WHERE file = {file}"
    )
    con.execute(
        f"INSERT INTO left_out SELECT {file}, place, nth, reason, left(value, {TEXT_SHOWN}) FROM bad "
        f"ORDER BY nth, place LIMIT {REJECTS_SHOWN}"
    )
    last = "coalesce(nth, 9223372036854775807)"  # rows without a place come last
    rows = con.execute(
        f"SELECT reason, count(*), arg_min(place, {last}), "
        f"coalesce(left(arg_min(value, {last}), {TEXT_SHOWN}), '') FROM bad GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    return [Reject(reading.file, str(reason), int(n), str(first), str(value)) for reason, n, first, value in rows]
