"""What a layout is: how its folder is recognised, and how its tables are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Layout:
    """A known kind of folder.

    files: what must be there for it to be recognised. queries: given the folder, SQL by canonical table, each with the
    columns of `core.columns.TABLES` in order; no row order is needed.
    full_list_sources: values of `ratings.source` that hold whole lists; empty = all do.
    """

    name: str
    about: str
    files: tuple[str, ...]
    queries: Callable[[duckdb.DuckDBPyConnection, Path], dict[str, str]]
    full_list_sources: tuple[str, ...] = ()
