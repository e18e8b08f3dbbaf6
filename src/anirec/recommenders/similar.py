"""What is like one title: several lenses, brought to one scale and added up.

What it does: asks every lens (who likes it likes ..., what it is about, what people name beside it) for scores, takes
of each score the root of its share in the lens's best among titles of other franchises, and adds these up with one
weight a lens. A lens that does not know the title looks at those of its franchise that it knows, else it is silent, so
that a title nobody rated is compared by what it is about and what people name beside it. `by` keeps one lens alone.
What it does not: choose its weights (`service.lenses` does, on pairs that people named).

On the real data the root of the share of the best (NDCG@10 .157 of held-out pairs) went before the share itself (.150),
the z-score (.135, relatives allowed) and reciprocal ranks; without the root, the one near-perfect match of a lens
outvotes all that others know. Relatives are left out of the best because sequels would dwarf all else. Weights by how
many like the title did no better (.154): what a lens does not know of an unknown title it leaves unsaid anyway.

Source: the weighted sum of scores scaled by their best is CombSUM, Fox & Shaw 1994, "Combination of multiple searches",
as normalised in Lee 1997, "Analyses of multiple evidence combination".

Memory: 12 bytes a title, and its lenses'. Workable sizes: its lenses'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, places_among, rows_of
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.state import State, is_finite_vector

if TYPE_CHECKING:
    from typing import Self

FAME: Final = np.float32(1e-3)
"""The most that being liked by many adds to a score; it orders the titles of which no lens says anything."""


@runtime_checkable
class Named(Protocol):
    """A lens that knows how many people named two titles together."""

    def votes(self, anime_id: int, anime_ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return int64 [len(anime_ids)], 0 = nobody."""
        ...


@dataclass(frozen=True)
class Similar:
    """The lenses and their weights.

    lenses: by name. models: the name under which the bundle keeps each lens. weights: of each lens, at least 0.
    items: int32 [n], every title that may be found. likes: int32 [n], how many like each. franchise: int32 [n], as in
    `Catalogue`.
    """

    lenses: Mapping[str, Recommender]
    models: Mapping[str, str]
    weights: Mapping[str, float]
    items: NDArray[np.int32]
    likes: NDArray[np.int32]
    franchise: NDArray[np.int32]

    def by(self, lens: str) -> Self:
        """Return the same with one lens alone; KeyError if there is none of this name."""
        return replace(self, lenses={lens: self.lenses[lens]}, models={lens: self.models[lens]}, weights={lens: 1.0})

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the weighted sums; 0..`FAME` where no lens has anything to say."""
        scores = np.empty((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            scores[row] = self._fame
            for name, part in self.parts(profile).items():
                scores[row] += part * np.float32(self.weights[name])
        return scores

    def unlike(self, profile: Profile) -> NDArray[np.float32]:
        """Return float32 [n]: how little each title is like the profile's, as its lenses see it; 0 is the usual.

        The weighted sum of the lenses' scores, each less its mean and over its spread, with the sign turned: unlike in
        `score`, what a lens says against a title counts, as that those who like the one do not like the other. Of
        titles that are unlike alike, those that more people like go first.
        """
        sums = np.zeros(len(self.items), dtype=np.float32)
        for name, view in self.views(profile).items():
            scores = self.lenses[name].score([view])[0]
            spread = max(float(scores.std()), float(np.finfo(np.float32).tiny))
            sums[self._places[name]] -= np.float32(self.weights[name] / spread) * (scores - scores.mean())
        return sums + self._fame

    def views(self, profile: Profile) -> dict[str, Profile]:
        """Return what each lens is asked with: the profile, or else the relatives of its titles that the lens knows.

        Lenses that know neither are left out: no view, nothing to say.
        """
        views = {}
        for name, lens in self.lenses.items():
            if len(rows_of(lens.items, profile.anime_ids)):
                views[name] = profile
            elif len(relatives := rows_of(lens.items, self.items[self._related(profile)])):
                views[name] = Profile.of_likes(lens.items[relatives].tolist())
        return views

    def parts(self, profile: Profile) -> dict[str, NDArray[np.float32]]:
        """Return what each lens that has something to say sees, before it is weighed: float32 [n], at least 0.

        1 is its best title of another franchise; relatives may go above.
        """
        parts = {}
        related = self._related(profile)
        for name, view in self.views(profile).items():
            if self.weights[name] > 0:
                places = self._places[name]
                parts[name] = np.zeros(len(self.items), dtype=np.float32)
                parts[name][places] = of_the_best(self.lenses[name].score([view])[0], related[places])
        return parts

    def shares(self, profile: Profile, anime_ids: NDArray[np.int32]) -> dict[str, NDArray[np.float32]]:
        """Return by lens, the one that says most over all first, its share in the scores of these ids: float32 [m].

        0..1, together 1, or all 0 where no lens says anything. Ids that cannot be found raise no error: all 0.
        """
        rows = rows_of(self.items, anime_ids)
        known = np.isin(anime_ids, self.items)
        said = {}
        for name, part in self.parts(profile).items():
            said[name] = np.zeros(len(anime_ids), dtype=np.float32)
            said[name][known] = part[rows] * np.float32(self.weights[name])
        total = np.maximum(sum(said.values()), np.finfo(np.float32).tiny)
        ordered = sorted(said, key=lambda name: (-float(said[name].sum()), name))
        return {name: np.asarray(said[name] / total, dtype=np.float32) for name in ordered}

    def votes(self, anime_id: int, anime_ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return int64 [m]: how many people named each of these ids beside the title; 0 where no lens knows."""
        for lens in self.lenses.values():
            if isinstance(lens, Named):
                return lens.votes(anime_id, anime_ids)
        return np.zeros(len(anime_ids), dtype=np.int64)

    def _related(self, profile: Profile) -> NDArray[np.bool_]:
        """Return bool [n]: the titles of the franchises on the profile."""
        flags = np.zeros(int(self.franchise.max(initial=-1)) + 1, dtype=np.bool_)
        flags[self.franchise[rows_of(self.items, profile.anime_ids)]] = True
        return flags[self.franchise]

    @cached_property
    def _fame(self) -> NDArray[np.float32]:
        known = np.log1p(self.likes.astype(np.float32))
        fame: NDArray[np.float32] = FAME * known / np.maximum(known.max(initial=0), 1)
        return fame

    @cached_property
    def _places(self) -> dict[str, NDArray[np.int64] | slice]:
        """Where each lens's items stand among all."""
        return places_among(self.items, {name: lens.items for name, lens in self.lenses.items()})

    def state(self) -> State:
        """Return what a bundle keeps; the lenses are kept beside it under the names in `models`."""
        arrays = {"items": self.items, "likes": self.likes}
        facts = {"lenses": list(self.lenses), "models": dict(self.models), "weights": dict(self.weights)}
        return State(kind="similar", arrays=arrays, facts=facts)


def of_the_best(scores: NDArray[np.float32], related: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the roots of scores [n] over the best of those that are not related; 0 where none of those is above 0."""
    best = np.where(related, np.float32(0), scores).max(initial=0)
    if not best > 0:
        return np.zeros_like(scores)
    shares: NDArray[np.float32] = np.maximum(scores, 0)
    shares /= best
    return np.sqrt(shares, out=shares)


def restore(state: State, models: Mapping[str, Recommender], catalogue: Catalogue) -> Similar:
    """Rebuild it from a bundle's state, the bundle's models, and what is known of the titles.

    Raises:
        ValueError: a lens is missing, knows titles that cannot be found, or has no weight; or arrays do not fit.
    """
    names = [str(lens) for lens in state.facts["lenses"]]  # in their order: so sums come out to the same bit
    kept, weights = state.facts["models"], state.facts["weights"]
    if set(kept) != set(names) or set(weights) != set(names):
        raise ValueError("the lenses do not have one model and one weight each")
    if missing := [kept[lens] for lens in names if kept[lens] not in models]:
        raise ValueError(f"lenses are missing: {', '.join(missing)}")
    lenses = {lens: models[kept[lens]] for lens in names}
    weights = {lens: float(weights[lens]) for lens in names}
    sound = np.isfinite(list(weights.values())).all() and min(weights.values(), default=0) >= 0
    if not sound:
        raise ValueError("a weight of a lens is not a number of at least 0")
    items, likes = state.arrays["items"], state.arrays["likes"]
    strange = [name for name, lens in lenses.items() if len(rows_of(items, lens.items)) != len(lens.items)]
    franchise = catalogue.franchise[catalogue.rows_of(items)]
    if strange or not is_finite_vector(likes, len(items)) or len(franchise) != len(items):
        raise ValueError("the lenses do not fit the titles that they are to find")
    return Similar(lenses=lenses, models=dict(kept), weights=weights, items=items, likes=likes, franchise=franchise)
