"""Tables on disk: DuckDB set up our way, Parquet in and out, folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import BadTable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SCRATCH_MEMORY: Final = 4 << 30
"""Bytes that DuckDB may hold in `scratch`, or what it holds to by itself if that is less."""

_RENAMEAT2: Final = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
"""Linux's, from glibc 2.28 on; what else there is has two renames."""

UNITS: Final = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def connect(*, threads: int | None = None, file: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB that keeps row order, prints nothing and never goes to the network.

    threads: at most so many; None leaves it to DuckDB (all cores). file: where its tables lie; None = in memory.
    """
    con = duckdb.connect(
        str(file) if file else ":memory:",
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )
    con.execute("SET preserve_insertion_order = true")
    con.execute("SET enable_progress_bar = false")
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    return con


@contextmanager
def scratch(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB for tables larger than memory: they lie, compressed, in a folder in `folder` until the block ends.

    Tables that should lie there are not to be TEMP ones. What sorting needs beyond `SCRATCH_MEMORY` goes there, too.
    """
    with tempfile.TemporaryDirectory(dir=folder) as work, connect(file=Path(work) / "scratch.duckdb") as con:
        con.execute("PRAGMA disable_checkpoint_on_shutdown")
        number, unit = con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
        con.execute(f"SET memory_limit = '{min(SCRATCH_MEMORY, int(float(number) * UNITS[unit]))}B'")
        yield con


@cache
def _served() -> duckdb.DuckDBPyConnection:
    return connect()


def shared() -> duckdb.DuckDBPyConnection:
    """Return a cursor, to be closed, of the one connection that serving reads tables with; any thread may have one.

    Opening a connection takes some 20 ms, a cursor none.
    """
    return _served().cursor()


def quoted(path: Path | str) -> str:
    """Return a path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"


def write_parquet(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the rows of `query` to one Parquet file; returns how many. Same rows, same bytes.

    The query must order its rows. The path's folder must exist; the caller makes the write atomic (see `new_folder`).
    """
    rows = con.execute(
        f"COPY ({query}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    ).fetchone()
    return int(rows[0]) if rows else 0


def write_sorted(
    con: duckdb.DuckDBPyConnection, rows: str, types: Mapping[str, str], order: Sequence[str], path: Path
) -> int:
    """Write rows to one Parquet file, sorted by columns that tell all apart; returns how many.

    rows: what stands after FROM. Same rows, same bytes, wherever they come from: DuckDB writes columns that it knows to
    have no NULL in another way, and of a single file it knows that; so what was written is written again.
    """
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in types.items())
    first = path.with_name(f"{path.name}.part")
    try:
        write_parquet(con, f"SELECT {typed} FROM {rows} ORDER BY {', '.join(order)}", first)
        return write_parquet(con, f"SELECT * FROM read_parquet({quoted(first)})", path)
    finally:
        first.unlink(missing_ok=True)


class Relations(Protocol):
    """Works tables out by SQL, which is written once, as DuckDB understands it; any gives the same bytes."""

    def file(self, path: Path) -> str:
        """Return what a Parquet file is called in a query."""
        ...

    def columns(self, table: str) -> set[str]:
        """Return the names of the columns of a file, view or table."""
        ...

    def view(self, name: str, query: str) -> None:
        """Give a query a name."""
        ...

    def keep(self, name: str, query: str) -> None:
        """Give the rows of a query a name; they are worked out once."""
        ...

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, which are few."""
        ...

    def write(
        self, query: str, types: Mapping[str, str], order: Sequence[str], path: Path, *, optional: bool = False
    ) -> int:
        """Write the rows of a query as `write_sorted` does; returns how many.

        types: DuckDB's, of the columns, in their order. optional: no row, no file.
        """
        ...


@dataclass(frozen=True)
class OnDuckDB:
    """See `Relations`: on this machine, by a connection."""

    con: duckdb.DuckDBPyConnection

    def file(self, path: Path) -> str:
        """See `Relations`."""
        return f"read_parquet({quoted(path)})"

    def columns(self, table: str) -> set[str]:
        """See `Relations`."""
        return {str(row[0]) for row in self.rows(f"DESCRIBE SELECT * FROM {table}")}

    def view(self, name: str, query: str) -> None:
        """See `Relations`."""
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")

    def keep(self, name: str, query: str) -> None:
        """See `Relations`."""
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """See `Relations`."""
        return self.con.execute(query).fetchall()

    def write(
        self, query: str, types: Mapping[str, str], order: Sequence[str], path: Path, *, optional: bool = False
    ) -> int:
        """See `Relations`."""
        if optional and not self.rows(f"SELECT 1 FROM ({query}) LIMIT 1"):
            return 0
        return write_sorted(self.con, f"({query})", types, order, path)


def read_arrays(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> dict[str, NDArray[Any]]:
    """Return the columns of `query` as NumPy arrays (masked arrays where a numeric column holds NULL)."""
    return dict(con.execute(query, parameters).fetchnumpy())


def filled(column: NDArray[Any], missing: Any) -> NDArray[Any]:
    """Return a plain array: NULLs of a numeric column from `read_arrays` become `missing`."""
    return column.filled(missing) if isinstance(column, np.ma.MaskedArray) else column


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a canonical folder, {} if it has none.

    Raises:
        BadTable: there is a manifest, and it cannot be read.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadTable(f"{file} cannot be read: {error}; import the data again") from error
    return found


def full_list_sources(folder: Path) -> tuple[str, ...]:
    """Return the values of `ratings.source` that hold whole lists, by the manifest of a canonical folder; () = all do.

    Raises:
        BadTable: there is a manifest, and it cannot be read or does not say it.
    """
    manifest = read_manifest(folder)
    try:
        return tuple(manifest["full_list_sources"]) if manifest else ()
    except (KeyError, TypeError) as error:
        raise BadTable(f"{folder / 'manifest.json'} cannot be read: {error!r}; import the data again") from error


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that becomes `target` when the block ends without an error.

    An existing `target` is replaced; until then it stays as it was. After an error or an interrupt nothing is left;
    what a writer left that was killed is removed by the next one.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        with _held(work):
            yield work
            for file in work.rglob("*"):
                _flush(file)
            _flush(work)
            work.chmod(0o755)
            _swap(work, target)
            _flush(target.parent)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder for as long as the block works, so that nobody takes it for left over; yields whether it was free.

    The lock is the system's, and goes with the process. Where there are none, nothing is ever left over.
    """
    if fcntl is None:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _sweep(target: Path) -> None:
    """Remove what writers of a folder left that were killed: nobody holds it."""
    own = f".{glob.escape(target.name)}.*"
    parts = list(target.parent.glob(f"{own}.part"))
    old = target.parent.glob(f"{own}.old") if target.exists() else ()  # else it may be all that there is
    for left in (*parts, *old):
        if left.is_dir():
            with suppress(OSError), _held(left) as free:
                if free:
                    shutil.rmtree(left, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders take each other's names, at once; returns whether the system could."""
    if _RENAMEAT2 is None:
        return False
    here = -100  # AT_FDCWD
    exchange = 2  # RENAME_EXCHANGE
    return bool(_RENAMEAT2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _swap(work: Path, target: Path) -> None:
    if not target.exists():
        work.rename(target)
        return
    if _exchange(work, target):  # never a moment without a folder of this name, even for who is killed
        shutil.rmtree(work, ignore_errors=True)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    target.rename(old / "was")
    try:
        work.rename(target)
    except OSError:
        (old / "was").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block ends without an error."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield work
        _flush(work)
        work.replace(target)
    except BaseException:
        work.unlink(missing_ok=True)
        raise
