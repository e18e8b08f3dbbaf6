"""What a layout is: how its folder is recognised, and how its tables are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from anirec.sources.csv_file import header_of, lines_of, scan, scanned

Read = Callable[[duckdb.DuckDBPyConnection, Path], dict[str, "Reading"]]


@dataclass(frozen=True)
class File:
    """A file of a layout.

    name: a pattern with * stands for any file that has the columns. columns: what its header must have; empty = any.
    required: else it may lack.
    """

    name: str
    columns: tuple[str, ...] = ()
    required: bool = False

    def found(self, folder: Path) -> list[Path]:
        """Return the files of a folder that are this one."""
        if "*" in self.name:
            return [path for path in sorted(folder.glob(self.name)) if set(self.columns) <= set(header_of(path))]
        return [path] if (path := folder / self.name).is_file() else []


@dataclass(frozen=True)
class Reading:
    """How one canonical table is read.

    query: SQL of rows in any order. It names its columns as `core.columns.TABLES` does (what it leaves out is NULL),
    and may add `place`, the row's number, with `reason`, why it cannot be used, and `value`, what is wrong in it.
    file: where the rows are from. places: turns row numbers of the file into lines of it, both ascending; None = they
    are what `unit` says. optional: whether the table is left out where there is not one row for it.
    scanned: set where the query reads a file itself, each row once and in its order: to be called when it has been
    run, with the number of rows. `place` is then counted, not asked for.
    """

    query: str
    file: str
    unit: str = "row"
    places: Callable[[list[int]], list[int]] | None = None
    optional: bool = False
    scanned: Callable[[int], None] | None = None


@dataclass(frozen=True)
class Layout:
    """A known kind of folder: all its required files are there, and at least one of all.

    read: given the folder, how each canonical table that it has is read.
    licence: what is known of the terms that the data is published under.
    full_list_sources: given the folder, the values of `ratings.source` that hold whole lists; none = all do.
    """

    name: str
    about: str
    files: tuple[File, ...]
    read: Read
    licence: str
    full_list_sources: Callable[[Path], tuple[str, ...]] = lambda _folder: ()


MISSING_WORDS: Final = ("", "unknown", "none", "nan", "null", "-", "n/a", "\\n")
"""What the public files write, in any case, where they know nothing."""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Define the SQL functions that readers share. All take text.

    known(text): the text, trimmed, or NULL where it says that nothing is known. whole(text): it as a whole number, NULL
    if it is none. is_whole(text). parts(text): a list of what its commas part, without duplicates.
    """
    words = ", ".join(f"'{word}'" for word in MISSING_WORDS)
    con.execute(f"CREATE OR REPLACE MACRO known(t) AS CASE WHEN lower(trim(t)) NOT IN ({words}) THEN trim(t) END")
    con.execute(
        r"CREATE OR REPLACE MACRO odd_whole(t) AS CASE WHEN regexp_full_match(trim(t), '-?\d{1,18}(\.0+)?') "
        "THEN CAST(CAST(t AS DECIMAL(38, 4)) AS BIGINT) END"
    )
    # Nearly all numbers are written as they are printed, which is far cheaper to see than a regular expression. A cast
    # alone would also take 1e3, 1_000, 0x10 and +1.
    con.execute(
        "CREATE OR REPLACE MACRO whole(t) AS CASE WHEN TRY_CAST(t AS BIGINT)::VARCHAR = t AND strlen(t) <= 18 "
        "THEN TRY_CAST(t AS BIGINT) ELSE odd_whole(t) END"
    )
    con.execute("CREATE OR REPLACE MACRO is_whole(t) AS whole(t) IS NOT NULL")
    con.execute(
        "CREATE OR REPLACE MACRO parts(t) AS coalesce(list_filter("
        "list_distinct(list_transform(string_split(known(t), ','), lambda p: trim(p))), lambda p: p <> ''), [])"
    )


def csv_reading(con: duckdb.DuckDBPyConnection, path: Path, query: str) -> Reading:
    """Return how a table is read from a CSV file that `csv_file.load` has loaded: places are lines of the file."""
    return Reading(query, path.name, "line", partial(lines_of, con, path))


def csv_scan(
    con: duckdb.DuckDBPyConnection, path: Path, columns: tuple[str, ...], query: Callable[[str], str]
) -> Reading:
    """Return how a table is read straight from a CSV file of any size.

    query: given SQL that reads the columns as text, SQL of the table's rows: as many, in the same order. Expressions
    alone keep it; a join does not, and to DuckDB `x IN (many values)` and `list_contains` are joins.
    """
    places, done = partial(lines_of, con, path), partial(scanned, con, path)
    return Reading(query(scan(path, columns=columns)), path.name, "line", places, scanned=done)


def text_table(
    con: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]]
) -> None:
    """Put rows in a temporary table whose columns are all text; None becomes NULL, what is no Unicode becomes ?."""
    texts = {
        column: np.array([None if value is None else _encodable(str(value)) for value in values], dtype=object)
        for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    }
    con.register("texts", texts)
    typed = ", ".join(f"{column}::VARCHAR AS {column}" for column in columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {typed} FROM texts")
    con.unregister("texts")


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which JSON may hold and no table can."""
    return text.encode("utf-8", "replace").decode()


def number_users(con: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """Number the user names of a table from 1, in the order of the names; returns a table of name and number."""
    users = f"users_of_{table}"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {users} AS SELECT name, row_number() OVER (ORDER BY name) AS number "
        f"FROM (SELECT DISTINCT {column} AS name FROM {table} WHERE known({column}) IS NOT NULL)"
    )
    return users


def checks(found: Mapping[str, tuple[str, str]]) -> str:
    """Return SQL for the columns `reason` and `value`; see `cases`."""
    reason, value = cases(found)
    return f"{reason} AS reason, {value} AS value"


def cases(found: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return SQL for the reason why a row cannot be used, and what is wrong in it; NULL where it can.

    found: by reason, the condition under which a row cannot be used, and the expression that is wrong in it.
    """
    reasons = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, (condition, _) in found.items())
    values = " ".join(f"WHEN {condition} THEN {shown}" for condition, shown in found.values())
    return f"CASE {reasons} END", f"CASE {values} END"


def mapped_ids(con: duckdb.DuckDBPyConnection) -> Callable[[str, str], int | None]:
    """Return how the number of an anime at another site becomes its id: by the table `id_map` of the import.

    A number that belongs to several anime becomes none of them.
    """
    rows = con.execute(
        "SELECT site, site_id, any_value(anime_id) FROM id_map GROUP BY ALL HAVING count(DISTINCT anime_id) = 1"
    ).fetchall()
    found = {(str(site), str(site_id)): int(anime_id) for site, site_id, anime_id in rows}
    return lambda site, site_id: found.get((site, site_id))
