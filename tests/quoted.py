"""A planted world of quotes: who wrote what is known, so it is known which sentence may be quoted."""

from __future__ import annotations

from pathlib import Path

import duckdb

from anirec.core.columns import ANIME
from anirec.search.building import IndexConfig, build
from anirec.search.documents import DocumentConfig
from anirec.service.search import Search
from anirec.wiring.serve import load
from fake_encoder import FakeEncoder
from small import N

GENRES = {4: ["Drama"], 5: ["Drama", "Comedy"], 6: ["Comedy"], 7: ["Drama"], 8: ["Comedy", "Drama"], 9: ["Comedy"]}
REVIEWS = {
    5: "The music is fine. Whoever loved Show 4 will feel at home with these people at once.",
    6: "It looks like any other one. Every minute of it is pure comedy, and I laughed until I cried.",
    7: "Nobody needs this. There is no drama at all in this one, whatever the poster says of it.",
    8: "Short drama.",
    9: "Show 41 has the same jokes as this one, and Show 4 b too. The comedy of it is old by now, sadly.",
}


def quoted_search(small_bundle: Path, folder: Path) -> Search:
    """Return what searches the small bundle with these reviews. folder: to work in."""
    known = {"anime_id": "i", "genres": "g", "members": "1000"}
    columns = ", ".join(f"({known.get(name, 'NULL')})::{kind} AS {name}" for name, kind in ANIME.items())
    con = duckdb.connect()
    con.execute("CREATE TABLE a (i INTEGER, g VARCHAR[])")
    con.executemany("INSERT INTO a VALUES (?, ?)", [(i, GENRES.get(i, [])) for i in range(1, N + 1)])
    con.execute(f"COPY (SELECT {columns} FROM a) TO '{folder / 'anime.parquet'}' (FORMAT parquet)")
    con.execute("CREATE TABLE r (anime_id INTEGER, text VARCHAR, review_id INTEGER, helpful INTEGER)")
    con.executemany("INSERT INTO r VALUES (?, ?, ?, 1)", [(i, text, i) for i, text in REVIEWS.items()])
    con.execute(f"COPY r TO '{folder / 'reviews.parquet'}' (FORMAT parquet)")
    service, encoder = load(small_bundle), FakeEncoder()
    config = IndexConfig(DocumentConfig(language=""))
    made = build(folder, service.catalogue, encoder, folder / "cache", config, lambda *_: None)
    return Search(service, made.index, encoder)
