"""Neighbours: titles liked by the same people, and people who like the same titles.

What item-kNN does: for each title it keeps the `k` others most like it, by sim(i, j) = co(i, j) / (|i| |j| + shrink),
where co is the sum over users of the products of their likings and |i|^2 = co(i, i): the cosine, and with `shrink` a
cosine that takes more people to be believed; a profile's score for a title is the sum of likings times similarities
(Sarwar et al. 2001, "Item-based Collaborative Filtering Recommendation Algorithms"; the shrinkage as in
Ferrari Dacrema et al. 2019, "Are We Really Making Much Progress?").

What user-kNN does: it finds the `k` users whose lists are most like the profile, by the same similarity, and adds up
their likings, each times the similarity to the power of `sharpness` (Herlocker et al. 1999, "An Algorithmic Framework
for Performing Collaborative Filtering").

What both do not: see that two neighbours say the same (EASE does); know time or content.

The state of user-kNN holds lists of people. It holds no user id, the lists are in the order of a draw, and only some
are kept; even so a long list may be recognised by somebody who knows it, so such a bundle is not for publishing.

Memory: item-kNN some 6 kB a title to fit, 8 k bytes to serve. User-kNN 8 bytes for each liking of the users kept.
Time to score: item-kNN microseconds; user-kNN some 6 ms for each million likings kept.
Workable sizes: item-kNN 100,000 titles, any number of users; user-kNN 100,000 users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.runs import runs
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.likings import known, likings_matrix, most_liked, products
from anirec.recommenders.sparse_linear import SparseLinear, largest, of_columns

BLOCK = 256  # titles worked on at a time: bounds memory


@dataclass(frozen=True)
class ItemKnnConfig:
    """k: neighbours kept for each title. shrink: in likes; 0 = plain cosine. min_likes, max_items: as of EASE."""

    k: int = 100
    shrink: float = 5.0
    min_likes: int = 5
    max_items: int = 100_000

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.k, self.min_likes, self.max_items) < 1 or not 0 <= self.shrink < np.inf:
            raise InputError(f"item-kNN needs shrink >= 0, and the rest at least 1; got {self}")


@dataclass(frozen=True)
class UserKnnConfig:
    """How users are kept and found.

    k: neighbours of a profile. shrink: as of item-kNN. sharpness: >= 0, how much more the nearest of them count.
    max_users: at most so many are kept; they are drawn, a user with twice the list twice as likely.
    min_list: users with fewer liked titles are not drawn. min_likes, max_items: as of EASE.
    """

    k: int = 100
    shrink: float = 0.0
    sharpness: float = 4.0
    max_users: int = 20_000
    min_list: int = 10
    min_likes: int = 5
    max_items: int = 100_000

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least = min(self.k, self.max_users, self.min_list, self.min_likes, self.max_items)
        if least < 1 or not 0 <= self.shrink < np.inf or not 0 <= self.sharpness < np.inf:
            raise InputError(f"user-kNN needs shrink, sharpness >= 0, and the rest at least 1; got {self}")


def fit_items(dataset: Dataset, config: ItemKnnConfig, rng: np.random.Generator) -> SparseLinear:  # noqa: ARG001 - nothing here is left to chance
    """Find the neighbours of every title. Returns a model whose weights are the similarities kept."""
    places = most_liked(dataset, config.min_likes, config.max_items)
    likings = likings_matrix(dataset, places)
    norms = np.sqrt(likings.multiply(likings).sum(axis=0)).astype(np.float32)
    sources: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float32]] = []
    for rows, together in products(likings, likings, BLOCK):
        lengths = norms[rows, np.newaxis] * norms + np.float32(config.shrink)
        alike = together / np.maximum(lengths, np.finfo(np.float32).tiny)
        np.einsum("ii->i", alike[:, rows])[:] = 0.0
        nearest = largest(alike, config.k)
        sources.append(nearest)
        weights.append(np.take_along_axis(alike, nearest, axis=1))
    return of_columns(dataset.anime_ids[places], sources, weights)


@dataclass(frozen=True)
class UserKnn:
    """Some users' likings, in no order that says who they are.

    items: int32 [n]. indptr: int64 [u + 1]; the likings of user i stand at indptr[i]:indptr[i + 1] of places (int32,
    in `items`, ascending) and likings (float32, above 0); nobody's list is empty. config: how they are compared.
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    places: NDArray[np.int32]
    likings: NDArray[np.float32]
    config: UserKnnConfig

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the likings of each profile's neighbours, by similarity, over the sum of those."""
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            scores[row] = self._score(profile)
        return scores

    @cached_property
    def _norms(self) -> NDArray[np.float64]:
        """[u] of the users' likings."""
        norms: NDArray[np.float64] = np.sqrt(np.add.reduceat(self.likings.astype(np.float64) ** 2, self.indptr[:-1]))
        return norms

    def _score(self, profile: Profile) -> NDArray[np.float64]:
        rows, liking = known(self.items, profile)
        own = np.zeros(len(self.items), dtype=np.float32)
        own[rows] = liking
        both = np.add.reduceat(own[self.places] * self.likings, self.indptr[:-1])
        alike = both / (
            self._norms * np.linalg.norm(liking.astype(np.float64)) + max(self.config.shrink, np.finfo(float).tiny)
        )
        nearest = np.argsort(-alike, kind="stable")[: self.config.k]
        nearest = nearest[alike[nearest] > 0]
        if len(nearest) == 0:
            return np.zeros(len(self.items))
        votes = (alike[nearest] / alike[nearest[0]]) ** self.config.sharpness
        starts, stops = self.indptr[nearest], self.indptr[nearest + 1]
        entries = runs(starts, stops)
        weights = self.likings[entries] * np.repeat(votes, stops - starts)
        added = np.bincount(self.places[entries], weights, minlength=len(self.items))
        scores: NDArray[np.float64] = added / votes.sum()
        return scores

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {
            "items": self.items,
            "indptr": self.indptr,
            "places": self.places,
            "likings": self.likings,
        }
        facts = {"k": self.config.k, "shrink": self.config.shrink, "sharpness": self.config.sharpness}
        return State(kind="user_knn", arrays=arrays, facts=facts)


def fit_users(dataset: Dataset, config: UserKnnConfig, rng: np.random.Generator) -> UserKnn:
    """Draw the users to keep.

    Raises:
        InputError: nobody likes `min_list` titles.
    """
    titles = most_liked(dataset, config.min_likes, config.max_items)
    likings = likings_matrix(dataset, titles).tocsr()
    likings.sort_indices()
    lengths = np.diff(likings.indptr)
    eligible = np.flatnonzero(lengths >= config.min_list)
    if len(eligible) == 0:
        raise InputError(f"user-kNN needs users with {config.min_list} liked titles; there is none: lower min_list")
    # The first of exponential waiting times with rates w are a draw without replacement with weights w.
    waits = rng.exponential(size=len(eligible)) / lengths[eligible]
    kept = likings[eligible[np.argsort(waits, kind="stable")[: config.max_users]]]
    return UserKnn(
        items=dataset.anime_ids[titles],
        indptr=kept.indptr.astype(np.int64),
        places=kept.indices.astype(np.int32),
        likings=kept.data.astype(np.float32),
        config=config,
    )


def restore_users(state: State) -> UserKnn:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, indptr, places, likings = (state.arrays[name] for name in ("items", "indptr", "places", "likings"))
    sound = indptr.ndim == 1 and len(indptr) > 1 and indptr[0] == 0 and (np.diff(indptr) > 0).all()
    if not sound or not len(places) == len(likings) == indptr[-1] or not (np.isfinite(likings) & (likings > 0)).all():
        raise ValueError("the lists of user-kNN do not fit together")
    if not 0 <= places.min() <= places.max() < len(items):
        raise ValueError("the lists of user-kNN name titles that it does not have")
    k, shrink, sharpness = int(state.facts["k"]), float(state.facts["shrink"]), float(state.facts["sharpness"])
    return UserKnn(items, indptr, places, likings, UserKnnConfig(k=k, shrink=shrink, sharpness=sharpness))
