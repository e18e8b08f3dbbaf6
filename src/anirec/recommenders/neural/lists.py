"""Training lists and how a part of each is drawn: what a denoising net is given, and what it is to name.

Of some lists a random share is kept, of others only a few titles: on a site, most people begin with three.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.runs import runs
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural.arrays import PRECISIONS
from anirec.recommenders.neural.settings import LoopConfig
from anirec.recommenders.neural.validation import Validation, hold_out


@dataclass(frozen=True)
class ListsConfig:
    """What all autoencoders have in common.

    min_likes: a title with fewer likes is left out. min_list: a user with fewer likes is not learned from.
    dropout: 0..1, chance that a title of the input is hidden while training. short: 0..1, share of the inputs that are
    cut to a number of titles between one and all instead, small numbers as often as large ones. length_power: a user
    weighs as their number of likes to this power; at 1 (as published) few long lists decide, at 0 all count alike.
    favourites: learn from favourites, too; what people love best is more popular than what they like, and a net takes
    that for everybody's taste.
    batch: users at a time. validation_users: at most so many, held out to stop by; a third of them is given 3 likes
    and a third 10. precision: of the tables that are served, one of int8, float16, float32.
    """

    min_likes: int = 10
    min_list: int = 5
    dropout: float = 0.5
    short: float = 0.8
    length_power: float = 0.7
    favourites: bool = False
    batch: int = 250
    validation_users: int = 600
    precision: str = "int8"
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(epochs=12, lr=3e-3, warm_up=100))

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.min_likes, self.min_list, self.batch) < 1 or self.validation_users < 0:
            raise InputError(f"min_likes, min_list and batch must be at least 1, validation_users 0; got {self}")
        if not (0 <= self.dropout < 1 and 0 <= self.short <= 1 and 0 <= self.length_power <= 1):
            raise InputError(f"dropout lies in 0..1 (below 1), short and length_power in 0..1; got {self}")
        if self.precision not in PRECISIONS:
            raise InputError(f'precision is one of {", ".join(PRECISIONS)}; got "{self.precision}"')


FEW = (3, 10)
"""Likes given to two thirds of the validation users."""


@dataclass(frozen=True)
class Lists:
    """Who has what on the list: a CSR of users by items, only of users who are learned from.

    indptr: int64 [u + 1]. items: int64 [rows], places among the n items. liking: float32 [rows], never 0.
    scores: int8 [rows], 1..10, 0 = none.
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int64]
    liking: NDArray[np.float32]
    scores: NDArray[np.int8]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.indptr) - 1

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield users, each once, in random order, about `size` at a time."""
        order = rng.permutation(self.n_users)
        yield from np.array_split(order, max(-(-self.n_users // size), 1))

    def entries(self, users: NDArray[np.int64]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
        """Return int [e] rows of all entries of these users, user by user, and int64 [e] which of the users it is."""
        starts, stops = self.indptr[users], self.indptr[users + 1]
        return runs(starts, stops), np.repeat(np.arange(len(users)), stops - starts)


class LearnsFromLists(Protocol):
    """Settings that say whom a net is trained on and stopped by; as in `ListsConfig`."""

    @property
    def min_likes(self) -> int:
        """Likes below which a title is left out."""
        ...

    @property
    def min_list(self) -> int:
        """Likes below which a user is not learned from."""
        ...

    @property
    def validation_users(self) -> int:
        """At most so many users are held out to stop by."""
        ...


def learned_from(
    dataset: Dataset, config: LearnsFromLists, rng: np.random.Generator, *, favourites: bool = True
) -> tuple[NDArray[np.int32], Lists, Validation]:
    """Return what a net is trained on: int32 [n] ids of the items, the lists without those held out, whom to stop by.

    favourites: as in `ListsConfig`. Favourites are learned from all the same if they are most of all.

    Raises:
        InputError: no anime has enough likes.
    """
    if not favourites and 2 * np.count_nonzero(dataset.liked & ~dataset.favourite) >= np.count_nonzero(dataset.liked):
        dataset = dataset.where(~dataset.favourite)
    items = items_of(dataset, config.min_likes)
    train, validation = hold_out(dataset, items, config.validation_users, rng, few=FEW)
    return items, lists_of(train, items, config.min_list), validation


def lists_of(dataset: Dataset, items: NDArray[np.int32], min_list: int) -> Lists:
    """Return the lists of the users with at least `min_list` likes among the items (ids, all in the vocabulary)."""
    place = np.full(len(dataset.anime_ids), -1, dtype=np.int64)
    place[np.searchsorted(dataset.anime_ids, items)] = np.arange(len(items))
    known = place[dataset.items] >= 0
    enough = np.bincount(dataset.users[dataset.liked & known], minlength=dataset.n_users) >= min_list
    keep = known & (dataset.liking != 0) & enough[dataset.users]
    counts = np.bincount(dataset.users[keep], minlength=dataset.n_users)[enough]
    return Lists(
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=place[dataset.items[keep]],
        liking=dataset.liking[keep],
        scores=dataset.scores[keep],
    )


def items_of(dataset: Dataset, min_likes: int) -> NDArray[np.int32]:
    """Return the ids of the anime with enough likes, ascending.

    Raises:
        InputError: there are none.
    """
    items = dataset.anime_ids[dataset.like_counts() >= min_likes]
    if len(items) == 0:
        raise InputError(f"no anime has {min_likes} likes; there is nothing to learn from")
    return items


def drawn(owner: NDArray[np.int64], config: ListsConfig, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return bool [e]: which entries are shown to the net, at least one of each owner. owner: int64 [e], ascending."""
    users, starts, counts = np.unique(owner, return_index=True, return_counts=True)
    by_chance = rng.binomial(counts, 1 - config.dropout)
    few = np.exp(rng.random(len(users)) * np.log(counts + 1.0)).astype(np.int64)
    n = np.clip(np.where(rng.random(len(users)) < config.short, few, by_chance), 1, counts)
    order = np.lexsort((rng.random(len(owner)), owner))
    shown = np.empty(len(owner), dtype=np.bool_)
    shown[order] = np.arange(len(owner)) - np.repeat(starts, counts) < np.repeat(n, counts)
    return shown
