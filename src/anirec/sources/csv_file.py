"""CSV files as others publish them: read as text, what cannot be parsed set aside with its line and the reason."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

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
PIECE_BYTES: Final = 1 << 24

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
    """Read a CSV file into a table, for queries that read it more than once, and return its name.

    columns: what is wanted of it, all in the header; they come as text, with `place`, the number of the record from 1.
    What cannot be parsed goes to the table `rejects(file, nth, line, reason, value)`.

    Raises:
        BadTable: the file is empty, or has a header and nothing else.
    """
    table = _name(path)
    con.execute(f"CREATE OR REPLACE TABLE text_of_{table} AS SELECT * FROM ({scan(path, columns=columns)})")
    con.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT rowid + 1 AS place, * FROM text_of_{table}")
    (rows,) = con.execute(f"SELECT count(*) FROM text_of_{table}").fetchone() or (0,)
    scanned(con, path, rows)
    return table


def scan(path: Path, *, columns: tuple[str, ...]) -> str:
    """Return SQL that reads columns of a CSV file as text, in the file's order; to be run once, then call `scanned`.

    Raises:
        BadTable: the file is empty.
    """
    header = header_of(path)
    if not header:
        raise BadTable(f"{path} is empty or does not begin with a header in UTF-8; it should hold {','.join(columns)}")
    table = _name(path)
    declared = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    wanted = ", ".join(f'c{header.index(name)} AS "{name}"' for name in columns)
    return (
        f"SELECT {wanted} FROM read_csv({quoted(path)}, columns={{{declared}}}, header=true, auto_detect=false, "
        f"delim=',', quote='\"', escape='\"', strict_mode=true, store_rejects=true, rejects_limit=0, "
        f"rejects_table='reject_errors_{table}', rejects_scan='reject_scans_{table}')"
    )


def scanned(con: duckdb.DuckDBPyConnection, path: Path, rows: int) -> None:
    """File what a `scan` that gave so many rows could not parse in the table `rejects(file, nth, line, reason, value)`.

    Raises:
        BadTable: there was nothing but the header.
    """
    shown = NAMES_OF_PEOPLE.isdisjoint(name.lower() for name in header_of(path))
    _set_aside(con, path, f"reject_errors_{_name(path)}", shown=shown)
    if rows == 0:
        raise BadTable(f"{path} has a header and not one row that can be read")


def _name(path: Path) -> str:
    return "csv_" + re.sub(r"\W", "_", path.stem)


def _set_aside(con: duckdb.DuckDBPyConnection, path: Path, errors: str, *, shown: bool) -> None:
    """Move what DuckDB could not parse to the table `rejects`, with the line that it begins in.

    shown: whether with its text. DuckDB counts records and blank lines; a record that spans lines is one.
    """
    counted = con.execute(f"SELECT DISTINCT line FROM {errors} ORDER BY line").fetchnumpy()["line"]
    nths = np.asarray(counted, dtype=np.int64)
    if not len(nths):
        return
    lines, last = nths.copy(), 0
    for starts, _ in _records(path):
        here = (nths > last) & (nths <= last + len(starts))
        lines[here] = starts[nths[here] - last - 1]
        last += len(starts)
    said = "text" if shown else "NULL"
    ours = " ".join(f"WHEN '{theirs}' THEN '{reason}'" for theirs, reason in REASONS.items())
    cut_off = "" if _ends_with_a_line_break(path) else " in the last line: the file seems to be cut off"
    con.register("begun", {"nth": nths, "start": lines})
    con.execute(
        f"INSERT INTO rejects SELECT {quoted(path.name)}, nth, start, CASE error {ours} ELSE lower(error) END || "
        f"CASE WHEN nth = {last} THEN '{cut_off}' ELSE '' END, {said} FROM begun JOIN (SELECT line, "
        f"any_value(error_type::VARCHAR) AS error, any_value(trim(csv_line, chr(10) || chr(13))) AS text "
        f"FROM {errors} GROUP BY line) ON line = nth ORDER BY nth"
    )
    con.unregister("begun")


def _records(path: Path) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Yield the records and blank lines of a file, piece by piece: the lines they begin in, and whether they are blank.

    The file may have 100 million lines: whole pieces are counted at a time.
    """
    line, quotes_before = 1, 0
    for piece in _pieces(path):
        text = np.frombuffer(piece, np.uint8)
        ends = np.flatnonzero(text == ord("\n")) + 1
        starts = np.concatenate([[0], ends[:-1] if len(ends) and ends[-1] == len(text) else ends])
        quotes = np.zeros(len(starts), np.int64)
        if b'"' in piece:
            quotes = np.add.reduceat(text == ord('"'), starts, dtype=np.int64)
        solid = np.maximum.reduceat((text != ord("\n")) & (text != ord("\r")), starts)
        total = quotes_before + np.cumsum(quotes)
        begins = (total - quotes) % 2 == 0
        yield line + np.flatnonzero(begins), ~solid[begins]
        line += len(starts)
        quotes_before = int(total[-1])


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines."""
    rest = b""
    with path.open("rb") as handle:
        while block := handle.read(PIECE_BYTES):
            whole, line_break, begun = block.rpartition(b"\n")
            if line_break:
                yield rest + whole + line_break
                rest = begun
            else:
                rest += begun
    if rest:
        yield rest


def _ends_with_a_line_break(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, io.SEEK_END)
        return handle.read(1) in b"\r\n"


def lines_of(con: duckdb.DuckDBPyConnection, path: Path, places: list[int]) -> list[int]:
    """Return the line of the file that each row begins in; rows by number from 1, ascending; the header is line 1."""
    aside = con.execute(f"SELECT nth FROM rejects WHERE file = {quoted(path.name)}").fetchnumpy()["nth"]
    wanted, found = np.array(places, dtype=np.int64), np.zeros(len(places), np.int64)
    nth, rows = 0, 0
    for starts, blank in _records(path):
        nths = nth + 1 + np.arange(len(starts))
        lines = starts[~blank & (nths > 1) & ~np.isin(nths, aside)]
        here = (wanted > rows) & (wanted <= rows + len(lines))
        found[here] = lines[wanted[here] - rows - 1]
        nth += len(starts)
        rows += len(lines)
        if not len(wanted) or rows >= wanted[-1]:
            break
    return [int(line) for line in found]
