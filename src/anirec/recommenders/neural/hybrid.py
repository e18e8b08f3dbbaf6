"""The hybrid: what people near you love, and what is near what you love, in the space of NCF's embeddings.

What it does: the 10 nearest of a drawn set of users each name the titles that they scored at or above their own 75th
percentile; a title's first figure is the share of neighbours that name it, among titles with one of the profile's most
frequent labels. Its second is its mean nearness to the liked titles. Served is their weighted sum.
What it does not: keep who the users are, or what else is on their lists; learn the two weights.

Source: the "hybrid" systems that are published with the public anime ratings. Different here: users are folded in as a
profile is, so that both stand in one space, and the filter by labels is applied.

Memory: dim + 4 * 30 bytes a user, and NCF's. Workable sizes: some 100,000 users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, Labels, rows_of
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural import ncf
from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.ncf import Ncf


@dataclass(frozen=True)
class HybridConfig:
    """How neighbours are kept and asked.

    users: at most so many are kept, drawn from those with at least `min_list` likes. neighbours: asked for a profile.
    percentile: 0..100, of a user's own scores, from which a title is one that they love. labels: a profile's most
    frequent so many are its preference; 0 = no filter. user_weight, item_weight: of the two figures.
    """

    users: int = 10_000
    min_list: int = 20
    neighbours: int = 10
    percentile: float = 75.0
    labels: int = 5
    user_weight: float = 0.5
    item_weight: float = 0.5
    precision: str = "int8"

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.users, self.min_list, self.neighbours) < 1 or not 0 <= self.percentile <= 100:
            raise InputError(f"users, min_list, neighbours must be at least 1, percentile in 0..100; got {self}")
        if min(self.labels, self.user_weight, self.item_weight) < 0:
            raise InputError(f"labels and the weights must be at least 0; got {self}")


@dataclass(frozen=True)
class Hybrid:
    """A fitted model.

    space: NCF. users: [u, dim], of length 1. indptr: int64 [u + 1], loved: int32, places in `items` of what each user
    loves. labels: of the items, row for row. neighbours, n_labels, user_weight, item_weight: see the config.
    """

    space: Ncf
    users: Table
    indptr: NDArray[np.int64]
    loved: NDArray[np.int32]
    labels: Labels
    neighbours: int
    n_labels: int
    user_weight: float
    item_weight: float

    @property
    def items(self) -> NDArray[np.int32]:
        """[n] ids of the anime that can be scored, ascending."""
        return self.space.items

    def nearest(self, profile: Profile) -> NDArray[np.int64]:
        """Return int64 [<= neighbours]: the users nearest to a profile, nearest first, ties in their order."""
        near = self.users.values @ self.space.embedding_of(profile)
        return np.argsort(-near, kind="stable")[: self.neighbours]

    def named(self, profile: Profile) -> NDArray[np.float32]:
        """Return float32 [n], 0..1: the share of neighbours that love a title; 0 without a preferred label."""
        places = [self.loved[self.indptr[user] : self.indptr[user + 1]] for user in self.nearest(profile)]
        counts = np.bincount(np.concatenate([*places, np.empty(0, dtype=np.int32)]), minlength=len(self.items))
        return (counts * self.preferred(profile) / max(len(places), 1)).astype(np.float32)

    def preferred(self, profile: Profile) -> NDArray[np.bool_]:
        """Return bool [n]: who carries one of the labels most frequent among the liked; all where there are none."""
        liked = rows_of(self.items, profile.liked_ids)
        flags = np.unpackbits(self.labels.bits, axis=1, count=len(self.items)).astype(np.bool_)
        frequent = flags[:, liked].sum(axis=1)
        best = np.argsort(-frequent, kind="stable")[: self.n_labels]
        best = best[frequent[best] > 0]
        return flags[best].any(axis=0) if len(best) else np.ones(len(self.items), dtype=np.bool_)

    def near_liked(self, profile: Profile) -> NDArray[np.float32]:
        """Return float32 [n], -1..1: mean cosine to the liked titles; 0 without any."""
        liked = rows_of(self.items, profile.liked_ids)
        values = self.space.embeddings.values
        near: NDArray[np.float32] = values @ (values[liked].sum(axis=0) / np.float32(max(len(liked), 1)))
        return near

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the weighted sum of both figures."""
        a, b = np.float32(self.user_weight), np.float32(self.item_weight)
        rows = [a * self.named(profile) + b * self.near_liked(profile) for profile in profiles]
        return np.array(rows, dtype=np.float32).reshape(len(rows), len(self.items))

    def state(self) -> State:
        """Return what a bundle keeps."""
        inner = self.space.state()
        own: dict[str, NDArray[Any]] = {"indptr": self.indptr, "loved": self.loved, "label_bits": self.labels.bits}
        names = ("neighbours", "n_labels", "user_weight", "item_weight")
        facts = {**inner.facts, "labels": list(self.labels.names), **{name: getattr(self, name) for name in names}}
        return State(kind="hybrid", arrays={**inner.arrays, **own, **self.users.arrays("users")}, facts=facts)


def similar_anime(space: Ncf, anime_id: int, k: int, *, opposite: bool = False) -> list[tuple[int, float]]:
    """Return the ids nearest to (or farthest from, if `opposite`) an anime and their cosines; without itself.

    Raises:
        InputError: the model does not know the anime.
    """
    row = rows_of(space.items, np.array([anime_id], dtype=np.int32))
    if len(row) == 0:
        raise InputError(f"NCF knows no anime {anime_id}; too few people like it")
    near = space.embeddings.values @ space.embeddings.values[row[0]]
    order = np.argsort(near if opposite else -near, kind="stable")
    return [(int(space.items[i]), float(near[i])) for i in order[order != row[0]][:k]]


def gather(
    dataset: Dataset, space: Ncf, config: HybridConfig, rng: np.random.Generator, *, catalogue: Catalogue
) -> Hybrid:
    """Draw users and keep where they stand in the space and what they love."""
    known = np.isin(dataset.anime_ids, space.items)[dataset.items]
    enough = np.bincount(dataset.users[dataset.liked & known], minlength=dataset.n_users) >= config.min_list
    able = np.flatnonzero(enough)
    chosen = np.sort(rng.choice(able, min(config.users, len(able)), replace=False))
    loved, where = [], np.zeros((len(chosen), space.embeddings.steps.shape[1]), dtype=np.float32)
    for place, user in enumerate(chosen):
        profile = dataset.profile(int(user))
        where[place] = space.embedding_of(profile)
        scored = ~np.isnan(profile.scores)
        least = np.percentile(profile.scores[scored], config.percentile) if scored.any() else 0.0
        best = profile.liked & (~scored | (profile.scores >= least))
        loved.append(rows_of(space.items, profile.anime_ids[best]).astype(np.int32))
    rows = np.searchsorted(catalogue.anime_ids, space.items)
    rows = np.minimum(rows, len(catalogue) - 1)
    flags = np.unpackbits(catalogue.labels.bits, axis=1, count=len(catalogue))[:, rows]
    flags[:, catalogue.anime_ids[rows] != space.items] = 0
    return Hybrid(
        space=space,
        users=Table.of(where, config.precision),
        indptr=np.concatenate([[0], np.cumsum([len(part) for part in loved])]).astype(np.int64),
        loved=np.concatenate([*loved, np.empty(0, dtype=np.int32)]).astype(np.int32),
        labels=Labels(catalogue.labels.names, np.packbits(flags, axis=1)),
        neighbours=config.neighbours,
        n_labels=config.labels,
        user_weight=config.user_weight,
        item_weight=config.item_weight,
    )


def restore(state: State) -> Hybrid:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    arrays, facts = state.arrays, state.facts
    space = ncf.restore(state)
    n, indptr, loved = len(space.items), arrays["indptr"], arrays["loved"]
    users = Table.restored(arrays, "users", (len(indptr) - 1, space.embeddings.steps.shape[1]))
    bits = arrays["label_bits"]
    if (
        len(loved) != indptr[-1]
        or (len(loved) and loved.max() >= n)
        or bits.shape != (len(facts["labels"]), -(-n // 8))
    ):
        raise ValueError("the neighbours' titles or the labels do not fit the items")
    labels = Labels(tuple(str(name) for name in facts["labels"]), bits)
    weights = {"user_weight": float(facts["user_weight"]), "item_weight": float(facts["item_weight"])}
    counts = {"neighbours": int(facts["neighbours"]), "n_labels": int(facts["n_labels"])}
    return Hybrid(space, users, indptr, loved, labels, **counts, **weights)  # type: ignore[arg-type]
