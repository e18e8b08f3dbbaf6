"""A world in which labels decide taste, for the models that know what titles are about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.prepare.features import Features, build_features
from anirec.prepare.pairs import Pairs, pairs_of
from worlds import dataset_of

WORLDS = ("Space", "School", "Sport")


def features_of(labels: list[list[str]], *, first_id: int = 1, **facts: NDArray[np.float32]) -> Features:
    """Features of the ids from `first_id` on, from their labels alone."""
    n = len(labels)
    ids = np.arange(first_id, first_id + n, dtype=np.int32)
    return build_features(ids, {"label": labels}, np.zeros(n, np.int16), min_titles=1, **facts)  # type: ignore[arg-type]


def two_tastes_features() -> Features:
    """What the 25 titles of `worlds.two_tastes` are about; nothing is known of 25."""
    first = [["Action", "Mecha"] if i % 2 else ["Action"] for i in range(10)]
    second = [["Drama", "School"] if i % 3 else ["Drama"] for i in range(10)]
    return features_of([*first, *second, ["Action", "Drama"], ["School"], ["Mecha", "School"], ["Music"], []])


def two_tastes_pairs() -> Pairs:
    """People pair most titles of one taste with the next, a few across; lopsided, some only listed."""
    edges = [(i, i + 1, float(i % 4 or np.nan)) for i in (*range(1, 10), *range(11, 20))]
    edges += [(3, 15, 1), (1, 21, 2), (2, 7, 9), (12, 22, np.nan)]
    first, second, votes = zip(*edges, strict=True)
    return pairs_of(np.array(first, np.int32), np.array(second, np.int32), np.array(votes, np.float32))


def labelled_world(per_world: int = 12, users: int = 150, seed: int = 5) -> tuple[Dataset, Features]:
    """Titles of three worlds, and people who each like most of one and little of the rest; popularity is lopsided.

    The titles of a world differ in one more label, which decides nothing.
    """
    rng = np.random.default_rng(seed)
    n = per_world * len(WORLDS)
    world = np.arange(n) % len(WORLDS)
    known = rng.uniform(0.2, 0.9, n)
    scores = {}
    for user in range(users):
        liked = np.where(world == rng.choice(len(WORLDS), p=(0.5, 0.3, 0.2)), known, 0.06)
        scores[user] = {int(i) + 1: int(rng.integers(7, 11)) for i in np.flatnonzero(rng.random(n) < liked)}
    labels = [[WORLDS[w], ("Comedy", "Music")[int(rng.random() < 0.5)]] for w in world]
    return dataset_of({user: liked for user, liked in scores.items() if liked}, n=n), features_of(labels)


def without_ratings_of(dataset: Dataset, anime_ids: list[int]) -> Dataset:
    """The dataset as it was before these titles came out: the evaluation of a cold start."""
    hidden = np.isin(dataset.anime_ids[dataset.items], anime_ids)
    return dataset.where(~hidden)


def place_of(scores: NDArray[np.float32], items: NDArray[np.int32], anime_id: int, profile: Profile) -> int:
    """The place of a title, from 1, among all that are not on the profile."""
    others = ~np.isin(items, profile.anime_ids)
    return 1 + int((scores[others] > scores[items == anime_id]).sum())
