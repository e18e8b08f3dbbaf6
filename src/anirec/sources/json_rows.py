"""Rows of canonical tables out of JSON, which may hold anything: checked against the types of the table one by one.

A fact of the wrong type becomes NULL, as in the readers of CSV; a row without what it needs is kept with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import duckdb

from anirec.core.columns import KEYS, TABLES
from anirec.sources.layout import Reading, text_table

BETWEEN: Final = "\x1f"
"""Parts the items of a list on their way into a table."""

RANGES: Final = {"TINYINT": 2**7, "SMALLINT": 2**15, "INTEGER": 2**31, "BIGINT": 2**63}


class Rows:
    """Rows of one canonical table, in the order of their worth: of two with the same key the first is kept."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._columns = TABLES[table]
        self._rows: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        """Return how many there are, those that cannot be used included."""
        return len(self._rows)

    def add(self, where: str, values: Mapping[str, Any]) -> None:
        """Add a row. where: it stands, for messages. values: by column; what is left out is NULL."""
        typed = {name: _typed(values.get(name), kind) for name, kind in self._columns.items()}
        needed = [*KEYS[self.table], *(("score",) if values.get("score") is not None and "user_id" in typed else ())]
        lacking = next((name for name in needed if typed[name] is None), None)
        reason = f"{lacking} is missing or no {_WORDS[self._columns[lacking]]}" if lacking else None
        shown = f"{where}: {_short(values.get(lacking))}" if lacking else None
        self._rows.append((len(self._rows) + 1, reason, shown, *map(_packed, typed.values())))

    def reject(self, where: str, reason: str, value: object = None) -> None:
        """Add what should have been a row."""
        nothing = (None,) * len(self._columns)
        self._rows.append((len(self._rows) + 1, reason, f"{where}: {_short(value)}", *nothing))

    def reading(self, con: duckdb.DuckDBPyConnection, file: str, unit: str = "record") -> Reading:
        """Return how the rows are read."""
        name = f"rows_{self.table}"
        text_table(con, name, ("place", "reason", "value", *self._columns), self._rows)
        return Reading(f"SELECT * REPLACE ({self._casts()}) FROM {name}", file, unit, optional=True)

    def _casts(self) -> str:
        casts = ["place::BIGINT AS place"]
        for name, kind in self._columns.items():
            if kind == "VARCHAR[]":
                text = f"CASE {name} WHEN '' THEN [] ELSE string_split({name}, '{BETWEEN}') END"
                casts.append(f"{text} AS {name}")
            elif kind != "VARCHAR":
                casts.append(f"{name}::{kind} AS {name}")
        return ", ".join(casts)


_WORDS: Final = {"INTEGER": "whole number", "BIGINT": "whole number", "TINYINT": "whole number", "VARCHAR": "text"}


def _typed(value: Any, kind: str) -> Any:
    """Return a value that a column of this type can hold, None for what it cannot."""
    if value is None:
        return None
    if kind == "VARCHAR[]":
        return [text for item in value if (text := _text(item))] if isinstance(value, list) else None
    if kind == "VARCHAR":
        return _text(value)
    if kind == "BOOLEAN":
        return value if isinstance(value, bool) else None
    number = number_of(value)
    if number is None or kind == "FLOAT":
        return number
    return int(number) if int(number) == number and -RANGES[kind] <= number < RANGES[kind] else None


def number_of(value: Any) -> int | float | None:
    """Return a number that a column may hold, None for what is none: a truth value, text, infinity, 1e300."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -MOST <= value <= MOST else None


MOST: Final = 2**63


def is_id(value: Any) -> bool:
    """Return whether a value is a whole number from 1 that a column of ids can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def minutes_of(seconds: Any) -> int | None:
    """Return seconds as minutes, at least 1; None for what is no number above 0."""
    number = number_of(seconds)
    return max(round(number / 60), 1) if number is not None and number > 0 else None


def iso_date(value: Any) -> str | None:
    """Return an ISO date, as much of it as is known: 2014, 2014-04 or 2014-04-06; None for anything else."""
    if not isinstance(value, str):
        return None
    found = re.fullmatch(r"([12][0-9]{3})(-[01][0-9](-[0-3][0-9])?)?", value)
    return value if found else None


def epoch_of(value: Any) -> int | None:
    """Return the seconds since 1970 of an ISO time, None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        return int(datetime.fromisoformat(value).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str | None:
    """Return text that can be stored: without lone surrogates, NUL, and the character that parts lists."""
    if not isinstance(value, str):
        return None
    text = value.encode("utf-8", "replace").decode().replace("\0", "").replace(BETWEEN, "").strip()
    return text or None


def _packed(value: Any) -> Any:
    return BETWEEN.join(value) if isinstance(value, list) else value


def _short(value: object) -> str:
    return repr(value)[:80].encode("utf-8", "replace").decode()


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON array; [] for what is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def at(value: Any, *path: str) -> Any:
    """Return what stands in nested JSON objects at a path of names, None where it leads nowhere."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def names(value: Any, field: str = "name") -> list[str]:
    """Return the texts of one field of the objects in a JSON array."""
    return [item[field] for item in dicts(value) if isinstance(item.get(field), str)]
