"""Tiny worlds with a known right answer, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from anirec.core.catalogue import KINDS, Catalogue, Labels
from anirec.prepare.dataset import Dataset, from_rows


def catalogue_of(
    n: int,
    *,
    kinds: Mapping[int, str] | None = None,
    years: Mapping[int, int] | None = None,
    members: Mapping[int, int] | None = None,
    episodes: Mapping[int, int] | None = None,
    adult: Sequence[int] = (),
    franchises: Sequence[Sequence[int]] = (),
    genres: Mapping[int, Sequence[str]] | None = None,
) -> Catalogue:
    """n anime with the ids 1..n, TV shows of 12 episodes from 2010 unless said otherwise.

    In each of the `franchises` (lists of ids) the first may be started with, every other one requires the one before.
    """
    ids = np.arange(1, n + 1, dtype=np.int32)
    franchise = np.arange(n, dtype=np.int32)
    order = np.zeros(n, dtype=np.int16)
    requires = np.full(n, -1, dtype=np.int32)
    for group in franchises:
        for place, anime_id in enumerate(group):
            franchise[anime_id - 1] = group[0] - 1
            order[anime_id - 1] = place
            requires[anime_id - 1] = group[place - 1] - 1 if place else -1
    labels = [list((genres or {}).get(int(i), ())) for i in ids]
    return Catalogue(
        anime_ids=ids,
        kinds=np.array([KINDS.index((kinds or {}).get(int(i), "TV")) for i in ids], dtype=np.int8),
        years=np.array([(years or {}).get(int(i), 2010) for i in ids], dtype=np.int16),
        minutes=np.full(n, 24, dtype=np.int16),
        episodes=np.array([(episodes or {}).get(int(i), 12) for i in ids], dtype=np.int16),
        members=np.array([(members or {}).get(int(i), 1000) for i in ids], dtype=np.int32),
        adult=np.isin(ids, list(adult)),
        franchise=franchise,
        order=order,
        requires=requires,
        labels=Labels.of(labels),
    )


def dataset_of(scores: Mapping[int, Mapping[int, int]], *, n: int | None = None) -> Dataset:
    """A dataset from {user: {anime id: score}}; with n, the vocabulary is the ids 1..n."""
    rows = [(user, anime, score) for user, scored in scores.items() for anime, score in scored.items()]
    users, anime, values = (np.array([row[i] for row in rows]) for i in range(3))
    return from_rows(
        users=users.astype(np.int64),
        anime=anime.astype(np.int32),
        scores=values.astype(np.int8),
        members=dict.fromkeys(range(1, n + 1), 0) if n else None,
    )


def two_tastes(users: int = 40, seed: int = 3) -> Dataset:
    """People of two tastes: half like most of the anime 1..10, half most of 11..20; 21..24 are liked by few of both."""
    rng = np.random.default_rng(seed)
    scores: dict[int, dict[int, int]] = {}
    for user in range(users):
        first = 1 if user % 2 == 0 else 11
        liked = {int(i): int(rng.integers(7, 11)) for i in range(first, first + 10) if rng.random() < 0.7}
        rare = {int(i): 8 for i in range(21, 25) if rng.random() < 0.15}
        scores[user] = liked | rare | {int(rng.integers(1, 21)): int(rng.integers(1, 7))}
    return dataset_of(scores, n=25)
