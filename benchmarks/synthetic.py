"""Data of any size, shaped like the real: a few titles that everybody has, a long tail, tastes, franchises."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue, Labels
from anirec.core.columns import REVIEWS
from anirec.prepare.dataset import Dataset, from_rows
from anirec.search.vectors import Vectors, packed

TASTES = 40
LABELS = tuple(f"genre {i}" for i in range(60))


LONGEST = 3000  # entries of a list
CENTRE = 5.0  # logarithm of the middle length of lists, as in the public files of whole lists
TOPICS = 20_000  # that texts lie around
WORDS = 30_000  # that reviews are made of
REVIEW = 250  # words of a review
CHUNKS = 6  # that such a review is cut into


@dataclass(frozen=True)
class Lists:
    """A public file of lists. columns: SQL by name, over `u`, the user, and `j`, the number of the entry."""

    file: str
    n_anime: int
    columns: dict[str, str]
    unusable: tuple[str, ...]


ANIME_ID = "1 + ({}) * 7919 % 48491"
"""The id of an anime by its place among the most popular, from 0: no order is left in it."""
_SCORE = "greatest(1, 10 - floor(-2.2 * ln(1 - {}))::BIGINT)"
LISTS = {
    "cooperunion2016": Lists(
        file="rating.csv",
        n_anime=11_200,
        columns={"user_id": "u + 1", "rating": f"CASE WHEN hash(u, j, 1) % 5 = 0 THEN -1 ELSE {_SCORE} END"},
        unusable=("1,40001,11", "1,five,7", "1,40002"),
    ),
    "hernan2020": Lists(
        file="animelist.csv",
        n_anime=17_562,
        columns={
            "user_id": "u",
            "rating": f"CASE WHEN hash(u, j, 1) % 5 < 2 THEN 0 ELSE {_SCORE} END",
            "watching_status": "[1, 2, 2, 2, 2, 2, 3, 4, 6][1 + (hash(u, j, 2) % 9)::INTEGER]",
            "watched_episodes": "hash(u, j, 3) % 27",
        },
        unusable=("1,40001,11,2,1", "1,five,7,2,1", "1,40002"),
    ),
}


def write_lists(
    folder: Path, layout: str, n_rows: int, *, n_anime: int | None = None, median: float | None = None
) -> None:
    """Write a file of a public layout: `n_rows` entries that can be used, then one that repeats the first, and others.

    Lists have 1..3,000 entries, lognormal around 150 or the median, and are in the order of users; within one the order
    is any. Each anime stands in a list once; a few are in nearly all of them. n_anime: None = as many as the layout
    has. Chance is DuckDB's hash: a version, the same file.
    """
    made, file = LISTS[layout], folder / LISTS[layout].file
    n_anime = n_anime or made.n_anime
    centre = CENTRE if median is None else round(math.log(median), 6)
    chance = "((hash({}) >> 11)::DOUBLE / (1::BIGINT << 53))"
    normal = f"ln(1e-9 + {chance.format('u')} / (1 - {chance.format('u')})) / 1.7"
    rank = f"j + floor(({n_anime} - own) * pow((j + {chance.format('u, j')}) / own, 3))::BIGINT"
    columns = {name: sql.format(chance.format("j, u")) for name, sql in made.columns.items()}
    columns = {"user_id": columns.pop("user_id"), "anime_id": ANIME_ID.format(rank), **columns}
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE lists AS SELECT u, least(own, {n_rows} - before)::BIGINT AS own FROM (SELECT u, own, "
            f"sum(own) OVER (ORDER BY u) - own AS before FROM (SELECT u, "
            f"least({LONGEST}, 1 + floor(exp({centre:g} + 1.2 * {normal})))::BIGINT AS own "
            f"FROM range({n_rows // 40 + 50}) t(u))) WHERE before < {n_rows} ORDER BY u"
        )
        con.execute(
            f"COPY (SELECT {selected} FROM (SELECT u, own, unnest(range(own)) AS j FROM lists)) TO '{file}' (HEADER)"
        )
    with file.open("r+") as handle:
        handle.readline()
        first = handle.readline()
        handle.seek(0, 2)
        handle.write(first + "\n".join(made.unusable) + "\n")


def write_anime(folder: Path, n_anime: int) -> None:
    """Write the catalogue that belongs to `write_lists` of the layout hernan2020, for so many anime, all unrelated."""
    name = "translate(md5(r::VARCHAR), '0123456789', 'ghijklmnop')"  # numbers would be taken for those of seasons
    columns = {
        "MAL_ID": ANIME_ID.format("r"),
        "Name": name,
        "Score": "round(5 + hash(r, 1) % 40 / 10, 2)",
        "Genres": "'Action, Genre ' || hash(r, 2) % 40 || ', Genre ' || hash(r, 3) % 40",
        '"English name"': "'Unknown'",
        '"Japanese name"': "'Unknown'",
        "Type": "['TV', 'Movie', 'OVA', 'Special'][1 + (hash(r, 4) % 4)::INTEGER]",
        "Episodes": "1 + hash(r, 5) % 26",
        "Aired": "'Apr 3, ' || (1970 + hash(r, 6) % 55) || ' to ?'",
        "Premiered": "'Unknown'",
        "Studios": "'Studio ' || hash(r, 7) % 300",
        "Source": "'Manga'",
        "Duration": "'24 min. per ep.'",
        "Rating": "'PG-13 - Teens 13 or older'",
        "Members": f"floor(2000000 * pow({n_anime}, -1.5 * r / {n_anime}))::BIGINT",
        "Favorites": "0",
    }
    selected = ", ".join(f"{sql} AS {column}" for column, sql in columns.items())
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT {selected} FROM range({n_anime}) t(r)) TO '{folder / 'anime.csv'}' (HEADER)")


def write_reviews(folder: Path, n_chunks: int, n_anime: int) -> None:
    """Write a canonical table of anime and one of reviews that are cut into about so many chunks.

    Words are drawn by Zipf's law, popular anime have most of the reviews, and every sentence has ten words.
    """
    from anirec.sources.importer import import_folder

    source = folder / "source"
    source.mkdir()
    write_anime(source, n_anime)
    import_folder(source, folder / "canonical", progress=lambda _stage, _done, _total: None)
    n = max(1, n_chunks // CHUNKS)
    chance = "((hash({}) >> 11)::DOUBLE / (1::BIGINT << 53))"
    word = f"floor(pow({WORDS}, {chance.format('i, k')}))::BIGINT"
    said = f"translate(md5(({word})::VARCHAR)[:3 + (({word}) % 6)::INTEGER], '0123456789', 'ghijklmnop')"
    sentence = f"{said} || CASE WHEN k % 10 = 9 THEN '. The' ELSE '' END"
    text = f"'The ' || array_to_string(list_transform(range({REVIEW}), lambda k: {sentence}), ' ')"
    place = f"floor(pow({n_anime}, {chance.format('i, 1')})) - 1"
    known = {"anime_id": ANIME_ID.format(f"({place})::BIGINT"), "review_id": "i", "helpful": "1", "source": "'made up'"}
    columns = ", ".join(
        f"({known.get(name, 'NULL')})::{kind} AS {name}" for name, kind in REVIEWS.items() if name != "text"
    )
    file = folder / "canonical" / "reviews.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT {columns}, ({text})::VARCHAR AS text FROM range({n}) t(i) ORDER BY anime_id, review_id) "
            f"TO '{file}' (FORMAT parquet)"
        )


@dataclass(frozen=True)
class StandIn:
    """A text encoder that takes no time: vectors around topics, which one is in the text's bytes. See `TextEncoder`."""

    size: int = 384
    max_tokens: int = 256
    unit: bool = True
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return some two tokens a word."""
        return [2 * (text.count(" ") + 1) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length 1."""
        topics = np.array([zlib.crc32(text.encode()) % TOPICS for text in texts])
        directions = np.random.default_rng(1).standard_normal((TOPICS, self.size), dtype=np.float32)
        return _unit(directions[topics] + self.rng.standard_normal((len(texts), self.size), dtype=np.float32))


def chunk_vectors(
    n: int, size: int, rng: np.random.Generator, n_queries: int = 50
) -> tuple[Vectors, NDArray[np.float32]]:
    """Return chunks' vectors, drawn around topics as texts lie around what they are about; and queries near some."""
    topics = rng.standard_normal((TOPICS, size), dtype=np.float32)
    vectors = Vectors(np.empty((n, size), np.int8), np.empty(n, np.float32))
    for start in range(0, n, 65_536):
        stop = min(start + 65_536, n)
        of_topic = topics[rng.integers(0, len(topics), stop - start)]
        part = packed(_unit(of_topic + rng.standard_normal((stop - start, size), dtype=np.float32)))
        vectors.steps[start:stop], vectors.scales[start:stop] = part.steps, part.scales
    return vectors, _unit(topics[:n_queries] + rng.standard_normal((n_queries, size), dtype=np.float32))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def dataset(n_items: int, n_users: int, rng: np.random.Generator) -> Dataset:
    """Return lists of `n_users` users over `n_items` anime, all of which are liked by five users at least.

    Titles are drawn by Zipf's law within two tastes of each user; list lengths are lognormal around 100.
    """
    taste = rng.integers(TASTES, size=n_items)
    weight = 1.0 / np.arange(1, n_items + 1) ** 0.8
    members = [np.flatnonzero(taste == t) for t in range(TASTES)]
    users, items = [], []
    for number in range(n_users):
        own = np.concatenate([members[t] for t in rng.choice(TASTES, 2, replace=False)])
        length = min(int(rng.lognormal(4.6, 0.8)), len(own))
        drawn = np.unique(rng.choice(own, length, p=weight[own] / weight[own].sum()))
        users.append(np.full(len(drawn), number))
        items.append(drawn)
    floor = np.repeat(np.arange(n_items), 5)
    users.append(
        n_users + np.tile(np.arange(5), n_items) * (n_items // 50 + 1) + np.repeat(np.arange(n_items) // 50, 5)
    )
    items.append(floor)
    user, anime = np.concatenate(users), np.concatenate(items) + 1
    scores = rng.choice([5, 6, 7, 8, 9, 10], len(user), p=[0.05, 0.1, 0.25, 0.3, 0.2, 0.1])
    scores[-len(floor) :] = 8
    return from_rows(
        users=user.astype(np.int64),
        anime=anime.astype(np.int32),
        scores=scores.astype(np.int8),
        members=dict.fromkeys(range(1, n_items + 1), 1000),
    )


def catalogue(n_items: int, rng: np.random.Generator) -> Catalogue:
    """Return a catalogue of ids 1..n_items with made-up facts, a third of it in franchises of two or three."""
    franchise = np.arange(n_items)
    order, requires = np.zeros(n_items, np.int16), np.full(n_items, -1, np.int32)
    for row in range(0, n_items - 3, 6):
        franchise[row + 1] = franchise[row]
        order[row + 1], requires[row + 1] = 1, row
    return Catalogue(
        anime_ids=np.arange(1, n_items + 1, dtype=np.int32),
        kinds=rng.integers(1, len(KINDS), n_items).astype(np.int8),
        years=rng.integers(1970, 2027, n_items).astype(np.int16),
        minutes=rng.integers(3, 120, n_items).astype(np.int16),
        episodes=rng.integers(1, 50, n_items).astype(np.int16),
        members=rng.integers(1, 10**6, n_items).astype(np.int32),
        adult=rng.random(n_items) < 0.05,
        franchise=franchise.astype(np.int32),
        order=order,
        requires=requires,
        labels=Labels.of([list(rng.choice(LABELS, 3, replace=False)) for _ in range(n_items)]),
    )
