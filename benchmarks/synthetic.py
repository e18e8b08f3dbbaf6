"""Data of any size, shaped like the real: a few titles that everybody has, a long tail, tastes, franchises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from anirec.core.catalogue import KINDS, Catalogue, Labels
from anirec.prepare.dataset import Dataset, from_rows

TASTES = 40
LABELS = tuple(f"genre {i}" for i in range(60))


LONGEST = 3000  # entries of a list


@dataclass(frozen=True)
class Lists:
    """A public file of lists. columns: SQL by name, over `u`, the user, and `j`, the number of the entry."""

    file: str
    n_anime: int
    columns: dict[str, str]
    unusable: tuple[str, ...]


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


def write_lists(folder: Path, layout: str, n_rows: int) -> None:
    """Write a file of a public layout: `n_rows` entries that can be used, then one that repeats the first, and others.

    Lists have 1..3,000 entries, lognormal around 150, and are in the order of users; within one the order is any. Each
    anime stands in a list once; a few are in nearly all of them. Chance is DuckDB's hash: a version, the same file.
    """
    made, file = LISTS[layout], folder / LISTS[layout].file
    chance = "((hash({}) >> 11)::DOUBLE / (1::BIGINT << 53))"
    normal = f"ln(1e-9 + {chance.format('u')} / (1 - {chance.format('u')})) / 1.7"
    rank = f"j + floor(({made.n_anime} - own) * pow((j + {chance.format('u, j')}) / own, 3))::BIGINT"
    columns = {name: sql.format(chance.format("j, u")) for name, sql in made.columns.items()}
    columns = {"user_id": columns.pop("user_id"), "anime_id": f"1 + ({rank}) * 7919 % 48491", **columns}
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE lists AS SELECT u, least(own, {n_rows} - before)::BIGINT AS own FROM (SELECT u, own, "
            f"sum(own) OVER (ORDER BY u) - own AS before FROM (SELECT u, "
            f"least({LONGEST}, 1 + floor(exp(5 + 1.2 * {normal})))::BIGINT AS own "
            f"FROM range({n_rows // 50 + 50}) t(u))) WHERE before < {n_rows} ORDER BY u"
        )
        con.execute(
            f"COPY (SELECT {selected} FROM (SELECT u, own, unnest(range(own)) AS j FROM lists)) TO '{file}' (HEADER)"
        )
    with file.open("r+") as handle:
        handle.readline()
        first = handle.readline()
        handle.seek(0, 2)
        handle.write(first + "\n".join(made.unusable) + "\n")


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
