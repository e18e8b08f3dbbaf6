"""The blend: what several models say, brought to one scale and added up, with weights by how long the profile is.

What it does: looks at each part's scores in one or more views (`READINGS`), adds the views up with weights, and makes
chances of the sums, so that all scores of a row add up to 1. The weights depend on the number of titles on the profile:
what tells most with three titles is not what does with three hundred.
Titles that hardly anybody has rated are placed by `newcomers`; the front of the list is ordered anew by `reranker`.
What it does not: learn its weights by itself; `blending.learn` does, on users that no part has seen.

Source: a log-linear pool (products of experts), Hinton 2002, "Training Products of Experts by Minimizing Contrastive
Divergence", section 1; made linear again where a view is the score itself.

Memory: its parts'. Workable sizes: its parts'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in, places_among
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Personal, Recommender
from anirec.core.state import State
from anirec.recommenders.candidates import Described
from anirec.recommenders.expectations import Expectations
from anirec.recommenders.leaving_out import MOST, left_out
from anirec.recommenders.newcomers import Newcomers, Placed
from anirec.recommenders.readings import AT, READINGS, RELATIVE, VIEWS
from anirec.recommenders.reranker import Candidates, Part, Reranker, candidates

LOUDEST: Final = 3.0
"""How many times what it has learned to say a part may be made to say."""


@dataclass(frozen=True)
class BlendWeights:
    """Weights by profile size, linear in between on a logarithmic scale, constant outside.

    sizes: float32 [s], ascending, numbers of titles on the profile. weights: by part, float32 [s, v] for its v views.
    """

    sizes: NDArray[np.float32]
    weights: Mapping[str, NDArray[np.float32]]

    def at(self, sizes: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """Return by part float32 [p, v]: the weights of its views for profiles of so many titles."""
        mixes = np.array([mixture(self.sizes, size) for size in sizes], dtype=np.float32)
        return {part: mixes.reshape(len(sizes), len(self.sizes)) @ weights for part, weights in self.weights.items()}


def mixture(sizes: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return float32 [s], adding up to 1: how much each of the ascending sizes stands for a profile of `size`."""
    logs = np.log1p(sizes.astype(np.float64))
    mix = np.zeros(len(sizes), dtype=np.float32)
    above = int(np.searchsorted(logs, log1p(size)))
    if above == 0 or above == len(sizes):
        mix[min(above, len(sizes) - 1)] = 1
    else:
        share = (log1p(size) - logs[above - 1]) / (logs[above] - logs[above - 1])
        mix[above - 1 : above + 1] = 1 - share, share
    return mix


def known_to_any(parts: Mapping[str, Recommender]) -> NDArray[np.int32]:
    """Return [n] the union of the parts' items, ascending."""
    return np.unique(np.concatenate([part.items for part in parts.values()]))


@dataclass(frozen=True)
class Blend:
    """A weighted sum of views of fitted models over all that any of them knows.

    parts: by name. readings: by part, a key of `READINGS`. newcomers: titles that the parts know too little of; None =
    whatever the parts say of them. reranker: what orders the front anew, None = nothing. expects: what its chances mean
    to a person, None = nobody has learned that.
    """

    parts: Mapping[str, Recommender]
    readings: Mapping[str, str]
    weights: BlendWeights
    newcomers: Newcomers | None = None
    reranker: Reranker | None = None
    expects: Expectations | None = None

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """[n] the union of the parts' items, ascending."""
        return known_to_any(self.parts)

    @cached_property
    def places(self) -> dict[str, NDArray[np.int64] | slice]:
        """Where each part's items stand among all."""
        return places_among(self.items, {name: part.items for name, part in self.parts.items()})

    @cached_property
    def _placed(self) -> Placed | None:
        return self.newcomers.among(self.items) if self.newcomers else None

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: chances, of which each row adds up to 1."""
        return self._chances(((name, part.score(profiles)) for name, part in self.parts.items()), profiles)

    def heard(self, profile: Profile) -> Heard:
        """Return what the blend and each of its parts say of one profile."""
        said = {name: part.score([profile]) for name, part in self.parts.items()}
        return Heard(self, self._chances(said.items(), [profile])[0], {name: rows[0] for name, rows in said.items()})

    def fronts(self, profiles: Sequence[Profile], described: Described, front: int) -> Iterator[Candidates]:
        """Yield the candidates that a reranker would get for each profile; the blend's own is not asked."""
        said = ((name, part.score(profiles)) for name, part in self.parts.items())
        chances, parts = self._pooled(said, profiles, keep=True)
        for profile, row, of_row in zip(profiles, chances, parts, strict=True):
            yield candidates(described, self.items, front, profile, row, of_row)

    def _chances(
        self, said: Iterable[tuple[str, NDArray[np.float32]]], profiles: Sequence[Profile]
    ) -> NDArray[np.float32]:
        """Return what `score` does. said: by part, float32 [p, its items]."""
        again = self.reranker
        chances, parts = self._pooled(said, profiles, keep=again is not None)
        if again is not None:
            for profile, row, of_row in zip(profiles, chances, parts, strict=True):
                found = candidates(again.described, self.items, again.front, profile, row, of_row)
                again.reorder(row, found)
        return chances

    def _pooled(
        self, said: Iterable[tuple[str, NDArray[np.float32]]], profiles: Sequence[Profile], *, keep: bool
    ) -> tuple[NDArray[np.float32], list[list[Part]]]:
        """Return the chances before they are looked at again, float32 [p, n], and by profile each part's views.

        keep: otherwise no views are returned.
        """
        sums = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        kept: list[list[Part]] = [[] for _ in profiles]
        weights = self.weights.at([len(profile) for profile in profiles])
        for name, of_part in said:
            read, places = READINGS[self.readings[name]], self.places[name]
            for row, of_row, scores, own in zip(sums, weights[name], of_part, kept, strict=True):
                views = read(scores)
                row[places] += of_row[0] * views[0] if len(views) == 1 else of_row @ views  # one row times @ is slow
                if keep:
                    own.append(Part(self.parts[name].items, views))
        if self._placed:
            for row in sums:
                self._placed.place(row)
        sums -= sums.max(axis=1, keepdims=True, initial=-np.inf)
        chances = np.exp(sums, out=sums)
        chances /= chances.sum(axis=1, keepdims=True)
        return chances, kept

    def weighed(self, factors: Mapping[str, float]) -> Blend:
        """Return the blend with parts that say more or less than was learned.

        factors: by part, 0 = nothing, 1 = as learned, 0..`LOUDEST`; parts that are not named stay as they are. What the
        chances mean is not known any more, and nothing orders the front anew: both were learned with other weights.

        Raises:
            InputError: there is no such part, a factor lies outside, or nothing is left to say anything.
        """
        if unknown := sorted(set(factors) - set(self.parts)):
            raise InputError(f"the blend has no part {', '.join(unknown)}; it has {', '.join(self.parts)}")
        if wrong := {name: factor for name, factor in factors.items() if not 0 <= factor <= LOUDEST}:
            raise InputError(f"weights of parts go from 0 to {LOUDEST:g} (1 = as learned); got {wrong}")
        if all(factors.get(name, 1) == 0 for name in self.parts):
            raise InputError("all parts of the blend are weighed 0; leave one of them something to say")
        weights = {name: of * np.float32(factors.get(name, 1)) for name, of in self.weights.weights.items()}
        other = replace(self, weights=replace(self.weights, weights=weights), reranker=None, expects=None)
        vars(other).update({name: vars(self)[name] for name in ("items", "places", "_placed") if name in vars(self)})
        return other

    def contributions(
        self,
        profile: Profile,
        anime_ids: NDArray[np.int32],
        said: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> NDArray[np.float32]:
        """Return float32 [len(profile), len(anime_ids)]: how much each title raises the logarithm of each chance.

        Signed, see `leaving_out`; zero for titles that no part knows. Newcomers get what the parts say of them, which
        is little: see `newcomers.Explained`. said: what each part scores, see `heard`; None = they are asked again.
        """
        added = np.zeros((len(profile), len(anime_ids)), dtype=np.float32)
        telling = self._telling(profile, anime_ids)
        whole = bool(telling.all())
        asked = profile if whole else profile.where(telling)
        weights = self.weights.at([len(profile)])
        for name, part in self.parts.items():
            rows, known = found_in(part.items, anime_ids)
            if len(rows) and len(asked) and weights[name].any():
                every = said[name] if said is not None and whole else None
                raised = self._raised(name, asked, rows, weights[name][0], every)
                if whole and known.all():
                    added += raised
                else:
                    added[np.ix_(telling, known)] += raised
        return added

    def _telling(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return bool [m]: the entries that are looked at, `MOST` at most."""
        if len(profile) <= MOST:
            return np.ones(len(profile), dtype=np.bool_)
        said = np.abs(profile.liking) * np.float32(1e-6)  # among those that no linear part knows
        for part in self.parts.values():
            if isinstance(part, Personal):
                said += np.abs(part.contributions(profile, anime_ids)).sum(axis=1)
        telling = np.zeros(len(profile), dtype=np.bool_)
        telling[np.argsort(-said, kind="stable")[:MOST]] = True
        return telling

    def _raised(
        self,
        name: str,
        profile: Profile,
        rows: NDArray[np.int64],
        weights: NDArray[np.float32],
        every: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:
        """Return float32 [m, n]: what each entry does to the views of some items of a part, weighed and added up."""
        part, reading = self.parts[name], self.readings[name]
        left = left_out(part, profile, rows, logits=reading == "logits", every=every)
        if left.without is None:
            return np.zeros((len(profile), len(rows)), dtype=np.float32)
        every = left.every if every is None else every
        if every is None:
            every = part.score([profile])[0] if reading in RELATIVE else left.whole
        moved = AT[reading](left.whole, every)[:, np.newaxis] - AT[reading](left.without, every)
        raised: NDArray[np.float32] = weights[0] * moved[0]
        for weight, view in zip(weights[1:], moved[1:], strict=True):
            raised += weight * view
        return raised

    def state(self) -> State:
        """Return what a bundle keeps; the parts are kept beside it under their names."""
        arrays = {"sizes": self.weights.sizes} | {f"weight_{name}": w for name, w in self.weights.weights.items()}
        arrays |= self.newcomers.arrays() if self.newcomers else {}
        facts: dict[str, Any] = {"parts": list(self.parts), "readings": dict(self.readings)}
        if self.reranker:
            arrays |= self.reranker.arrays()
            facts |= {"reranked": self.reranker.facts()}
        if self.expects:
            arrays |= self.expects.arrays()
            facts |= {"expects": self.expects.facts()}
        return State(kind="blend", arrays=arrays, facts=facts)


@dataclass(frozen=True)
class Heard:
    """What a blend says of one profile, kept to be explained.

    chances: float32 [items]. said: by part, float32 [its items].
    """

    blend: Blend
    chances: NDArray[np.float32]
    said: Mapping[str, NDArray[np.float32]]

    @property
    def items(self) -> NDArray[np.int32]:
        """[n] ids of the anime that the blend knows, ascending."""
        return self.blend.items

    def contributions(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Blend.contributions`; profile: the same one."""
        return self.blend.contributions(profile, anime_ids, self.said)


def restore(state: State, parts: Mapping[str, Recommender], catalogue: Catalogue) -> Blend:
    """Rebuild the blend from a bundle's state, its parts, and what is known of their items.

    Raises:
        ValueError: a part is missing, its reading unknown, or the weights do not fit.
    """
    names, readings = [str(name) for name in state.facts["parts"]], dict(state.facts["readings"])
    if missing := [name for name in names if name not in parts]:
        raise ValueError(f"parts of the blend are missing: {', '.join(missing)}")
    if set(readings) != set(names) or not set(readings.values()) <= set(READINGS):
        raise ValueError("the blend does not say how each part's scores are to be read")
    sizes = state.arrays["sizes"]
    weights = {name: state.arrays[f"weight_{name}"] for name in names}
    shapes = {name: (len(sizes), VIEWS[readings[name]]) for name in names}
    if len(sizes) == 0 or any(w.shape != shapes[name] or not np.isfinite(w).all() for name, w in weights.items()):
        raise ValueError("the weights of the blend do not fit its sizes")
    own = {name: parts[name] for name in names}
    known = "newcomer_items" in state.arrays
    newcomers = Newcomers.restored(state.arrays, known_to_any(own)) if known else None
    told, again = state.facts.get("expects"), state.facts.get("reranked")
    return Blend(
        own,
        readings,
        BlendWeights(sizes=sizes, weights=weights),
        newcomers,
        reranker=Reranker.restored(state.arrays, again, known_to_any(own), catalogue) if again else None,
        expects=Expectations.restored(state.arrays, told) if told else None,
    )
