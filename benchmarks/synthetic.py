"""Data of any size, shaped like the real: a few titles that everybody has, a long tail, tastes, franchises."""

from __future__ import annotations

import numpy as np

from anirec.core.catalogue import KINDS, Catalogue, Labels
from anirec.prepare.dataset import Dataset, from_rows

TASTES = 40
LABELS = tuple(f"genre {i}" for i in range(60))


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
