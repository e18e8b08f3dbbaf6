"""Facts of a bundle, read from its table or from memory."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anirec.stores import facts
from anirec.stores.facts import FactsTable
from anirec.tables import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = range(1, 30)


def test_who_asks_while_facts_are_brought_into_memory_gets_all_of_them(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = FactsTable(small_bundle / "anime.parquet")
    before = table.of(IDS)
    monkeypatch.setattr(facts, "AT_ONCE", 3)
    seen: list[dict[int, Any]] = []

    class Asking:
        """Asks for all facts whenever some rows were taken."""

        def __init__(self, cursor: Any) -> None:
            self.cursor = cursor

        def execute(self, query: str, *rest: Any) -> Asking:
            self.cursor.execute(query, *rest)
            return self

        def fetchmany(self, n: int) -> list[Any]:
            monkeypatch.setattr(facts, "shared", shared)
            seen.append(table.of(IDS))
            return list(self.cursor.fetchmany(n))

    @contextmanager
    def asking() -> Iterator[Asking]:
        with shared() as cursor:
            yield Asking(cursor)

    monkeypatch.setattr(facts, "shared", asking)
    table.fill()
    assert len(seen) > 3, "it is taken a few rows at a time"
    assert all(found == before for found in seen)
    assert table.of(IDS) == before
