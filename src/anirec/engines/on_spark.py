"""Spark behind the seam `tables.Relations`: for tables that one machine does not hold. Extra `spark`, and Java.

Queries come as DuckDB understands them and are turned into Spark's dialect by sqlglot. What Spark works out it writes
as many files, which are then sorted and written as one by DuckDB, as all canonical tables are: hence the same bytes.
All machines of a cluster must find the folders in the same place.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import duckdb

from anirec.core.errors import BadTable, MissingAbility, Unreachable
from anirec.tables import quoted, scratch, write_sorted

HERE: Final = "local[*]"
SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@dataclass(frozen=True)
class OnSpark:
    """See `Relations`. spark: a session. translate: from DuckDB's dialect."""

    spark: Any
    translate: Any
    _numbers: Iterator[int] = field(default_factory=count, init=False)

    def file(self, path: Path) -> str:
        """See `Relations`."""
        name = f"file_{next(self._numbers)}"
        with _asked():
            self.spark.read.parquet(str(path.absolute())).createOrReplaceTempView(name)
        return name

    def columns(self, table: str) -> set[str]:
        """See `Relations`."""
        return set(self.spark.table(table).columns)

    def view(self, name: str, query: str) -> None:
        """See `Relations`."""
        with _asked():
            self._frame(query).createOrReplaceTempView(name)

    def keep(self, name: str, query: str) -> None:
        """See `Relations`."""
        with _asked():
            self._frame(query).cache().createOrReplaceTempView(name)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """See `Relations`."""
        with _asked():
            return [tuple(row) for row in self._frame(query).collect()]

    def write(
        self, query: str, types: Mapping[str, str], order: Sequence[str], path: Path, *, optional: bool = False
    ) -> int:
        """See `Relations`."""
        parts = path.with_name(f"{path.name}.spark")
        typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in types.items())
        try:
            with _asked():
                self._frame(f"SELECT {typed} FROM ({query}) rows").write.parquet(str(parts.absolute()))
            found = f"read_parquet({quoted(parts / '*.parquet')})"
            with scratch(path.parent) as con:
                if optional and con.execute(f"SELECT count(*) FROM {found}").fetchone() == (0,):
                    return 0
                return write_sorted(con, found, types, order, path)
        except duckdb.Error as error:
            raise BadTable(
                f"what Spark wrote to {parts} cannot be read: is it on a disk that all share? {error}"
            ) from error
        finally:
            shutil.rmtree(parts, ignore_errors=True)

    def _frame(self, query: str) -> Any:
        (translated,) = self.translate(query, read="duckdb", write="spark")
        return self.spark.sql(translated)


@contextmanager
def _asked() -> Iterator[None]:
    """Say in one line what Spark says in a hundred."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra, and large

    try:
        yield
    except (PySparkException, Py4JError) as error:
        said = " ".join(str(error).strip().splitlines()[:2])
        raise BadTable(f"Spark cannot work the tables out: {said}; import the data again, or see its logs") from error


@contextmanager
def opened(master: str = HERE, settings: Mapping[str, str] | None = None) -> Iterator[OnSpark]:
    """Start a session at a master (`spark://HOST:PORT`, `yarn`, `k8s://...`), or in this machine, for a block.

    settings: Spark's, besides `SETTINGS`; None = none. Those of its own files count, too.

    Raises:
        MissingAbility: Spark, Java or sqlglot is not installed.
        Unreachable: there is no such master.
    """
    try:
        import sqlglot  # noqa: PLC0415 - an extra
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, and large
    except ImportError as error:
        raise MissingAbility(f'this engine needs Spark: pip install "anirec[spark]" ({error})') from error
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise MissingAbility("this engine needs Java, 17 or newer")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder
    builder = builder.master(master).appName("anirec")
    for name, value in (SETTINGS | dict(settings or {})).items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # what py4j raises has many names
        raise Unreachable(f"Spark cannot be reached at {master}: {error}") from error
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield OnSpark(spark, sqlglot.transpile)
    finally:
        spark.stop()
