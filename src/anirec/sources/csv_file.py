"""CSV files as others publish them: read as text, what cannot be parsed set aside with its line and the reason."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import duckdb

from anirec.core.errors import BadTable
from anirec.tables import quoted

REASONS: Final = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "INVALID ENCODING": "not UTF-8",
    "UNQUOTED VALUE": "a quote is not closed",
    "LINE SIZE OVER MAXIMUM": "the line is too long",
}
"""Ours for the parser's names of what is wrong with a line."""

HEADER_BYTES: Final = 65536

NAMES_OF_PEOPLE: Final = frozenset({"username", "user", "profile"})
"""Columns, in lower case, for whose sake a line that cannot be parsed is not shown."""


def header_of(path: Path) -> tuple[str, ...]:
    """Return the names in the first line of a CSV file, () if it is empty or no text."""
    with path.open("rb") as handle:
        first = handle.readline(HEADER_BYTES)
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ()
    return tuple(name.strip() for name in next(csv.reader(io.StringIO(text)), []))


def load(con: duckdb.DuckDBPyConnection, path: Path, *, columns: tuple[str, ...]) -> str:
    """Read a CSV file into a temporary table and return its name.

    columns: what is wanted of it, all in the header; they come as text, with `place`, the number of the record from 1.
    What cannot be parsed goes to the table `rejects(file, nth, line, reason, value)`.

    Raises:
        BadTable: the file is empty, or has a header and nothing else.
    """
    header = header_of(path)
    if not header:
        raise BadTable(f"{path} is empty or does not begin with a header in UTF-8; it should hold {','.join(columns)}")
    table = "csv_" + re.sub(r"\W", "_", path.stem)
    declared = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    wanted = ", ".join(f'c{header.index(name)} AS "{name}"' for name in columns)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS place, {wanted} FROM "
        f"read_csv({quoted(path)}, columns={{{declared}}}, header=true, auto_detect=false, delim=',', quote='\"', "
        f"escape='\"', strict_mode=true, store_rejects=true, rejects_limit=0, "
        f"rejects_table='reject_errors_{table}', rejects_scan='reject_scans_{table}')"
    )
    _set_aside(con, path, f"reject_errors_{table}", shown=NAMES_OF_PEOPLE.isdisjoint(map(str.lower, header)))
    rows = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    if rows == (0,):
        raise BadTable(f"{path} has a header and not one row that can be read")
    return table


def _set_aside(con: duckdb.DuckDBPyConnection, path: Path, errors: str, *, shown: bool) -> None:
    """Move what DuckDB could not parse to the table `rejects`, with the line that it begins in.

    shown: whether with its text. DuckDB counts records and blank lines; a record that spans lines is one.
    """
    found = con.execute(
        f"SELECT line, any_value(error_type::VARCHAR), any_value(trim(csv_line, chr(10) || chr(13))) "
        f"FROM {errors} GROUP BY line ORDER BY line"
    ).fetchall()
    if not found:
        return
    starts = {nth: start for nth, start, _ in _records(path)}
    last = max(starts)
    cut = not _ends_with_a_line_break(path)
    for nth, error, text in found:
        reason = REASONS.get(error, error.lower())
        if cut and nth == last:
            reason += " in the last line: the file seems to be cut off"
        row = [path.name, nth, starts.get(nth, nth), reason, text if shown else None]
        con.execute("INSERT INTO rejects VALUES (?, ?, ?, ?, ?)", row)


def _records(path: Path) -> Iterator[tuple[int, int, bool]]:
    """Yield the records and blank lines of a file: their number from 1, the line they begin in, whether it is blank."""
    nth, quoted_text = 0, False
    with path.open("rb") as handle:
        for line, text in enumerate(handle, start=1):
            if not quoted_text:
                nth += 1
                yield nth, line, not text.strip(b"\r\n")
            quoted_text ^= text.count(b'"') % 2 == 1


def _ends_with_a_line_break(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, io.SEEK_END)
        return handle.read(1) in b"\r\n"


def lines_of(con: duckdb.DuckDBPyConnection, path: Path, places: list[int]) -> list[int]:
    """Return the line of the file that each row begins in; rows by number from 1, ascending; the header is line 1."""
    aside = {row[0] for row in con.execute(f"SELECT nth FROM rejects WHERE file = {quoted(path.name)}").fetchall()}
    rows = (line for nth, line, blank in _records(path) if nth > 1 and nth not in aside and not blank)
    starts = islice(rows, places[-1] if places else 0)
    wanted = set(places)
    return [line for place, line in enumerate(starts, start=1) if place in wanted]
