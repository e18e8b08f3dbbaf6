"""The labelled queries: what people type into the search box, and which anime they would be glad to be shown.

    python benchmarks/labelled.py [ID ...]      prints queries with the titles behind the ids, to be checked by eye

How the labels were made and what they cannot show is said in `benchmarks/queries/README.md`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from anirec.core.errors import InputError
from anirec.evaluate.labelled import LabelledQuery, labelled

FILE = Path(__file__).parent / "queries" / "queries.json"

Kind = Literal[
    "character",
    "ending",
    "era",
    "japanese",
    "language",
    "like",
    "negation",
    "setting",
    "studio",
    "theme",
    "tone",
    "typo",
]
Half = Literal["development", "report"]
Origin = Literal["ours", "example", "showcase"]
EXACTLY, CLEARLY, PARTLY = 3, 2, 1
"""The grades. What is not labelled counts as 0, and so does what is labelled wrong."""


@dataclass(frozen=True)
class Query(LabelledQuery):
    """One query and its labels.

    Attributes:
        id: short name, unique; never changes once figures were published.
        text: as it is typed, mistakes included.
        kind: what is hard about it.
        half: `development` may be looked at while search is built; `report` only to report.
        relevant: grade of each relevant anime: 3 exactly this, 2 clearly fits, 1 partly fits.
        wrong: anime that a match of names or words would bring up and that do not fit: grade 0, and never shown
            without harm. A few per query at most, none where no trap is known.
        origin: where the text is from: `ours`, or the old system's `example` or `showcase`.
        why: how the query was read, where that is not obvious.
    """

    kind: Kind
    half: Half
    wrong: frozenset[int]
    origin: Origin = "ours"
    why: str = ""

    def grade(self, anime_id: int) -> int:
        """Return 0..3, how well an anime answers."""
        return self.relevant.get(anime_id, 0)


def read(file: Path = FILE, *, half: Half | None = None) -> tuple[Query, ...]:
    """Return the queries of one half, or all, ordered by id.

    Raises:
        InputError: the file is not of the form that `queries/README.md` describes.
    """
    try:
        queries = tuple(_query(entry) for entry in json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError, ValueError) as e:
        raise InputError(f"{file} is no file of labelled queries: {type(e).__name__} {e}") from e
    return tuple(query for query in sorted(queries, key=lambda query: query.id) if half in (None, query.half))


def _query(entry: Mapping[str, Any]) -> Query:
    query = Query(
        **vars(labelled(entry)),
        kind=entry["kind"],
        half=entry["half"],
        wrong=frozenset(int(anime_id) for anime_id in entry["wrong"]),
        origin=entry.get("origin", "ours"),
        why=entry.get("why", ""),
    )
    for value, known in ((query.kind, Kind), (query.half, Half), (query.origin, Origin)):
        if value not in get_args(known):
            raise ValueError(f"{value!r} of {query.id} is none of {', '.join(get_args(known))}")
    return query


def dumps(queries: Iterable[Query]) -> str:
    """Return the text of the file: one line per grade, ordered, so that a change shows as the change that it is."""
    return "[\n" + ",\n".join(_lines(query) for query in sorted(queries, key=lambda query: query.id)) + "\n]\n"


def _lines(query: Query) -> str:
    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    told = {"id": query.id, "text": query.text, "kind": query.kind, "half": query.half}
    told |= {"origin": query.origin} if query.origin != "ours" else {}
    told |= {"why": query.why} if query.why else {}
    lines = [f"  {text(key)}: {text(value)}" for key, value in told.items()]
    graded = []
    for grade in (EXACTLY, CLEARLY, PARTLY):
        ids = sorted(anime_id for anime_id, given in query.relevant.items() if given == grade)
        graded += ["    " + ", ".join(f'"{anime_id}": {grade}' for anime_id in ids)] if ids else []
    lines.append('  "relevant": {\n' + ",\n".join(graded) + "\n  }")
    lines.append(f'  "wrong": {text(sorted(query.wrong))}')
    return " {\n" + ",\n".join(lines) + "\n }"


def main(wanted: list[str]) -> None:
    """Print queries with the titles that the starter bundle knows."""
    from anirec.wiring import serve

    service = serve.load()
    for query in read():
        if wanted and query.id not in wanted:
            continue
        print(f"\n{query.id} ({query.kind}, {query.half}): {query.text}")
        best_first = sorted(query.relevant, key=lambda anime_id: (-query.relevant[anime_id], anime_id))
        for anime_id in [*best_first, *sorted(query.wrong)]:
            print(f"  {query.grade(anime_id)}  {anime_id:>6}  {service.info(anime_id).anime.title}")


if __name__ == "__main__":
    main(sys.argv[1:])
