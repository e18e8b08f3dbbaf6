"""The blend: what several models say, brought to one scale and added up, with weights by how long the profile is.

What it does: looks at each part's scores in one or more views (`READINGS`), adds the views up with weights, and makes
chances of the sums, so that all scores of a row add up to 1. The weights depend on the number of titles on the profile:
what tells most with three titles is not what does with three hundred.
Titles that hardly anybody has rated are placed by `newcomers`. What it does not: learn its weights by itself;
`blending.learn` does, on users that no part has seen.

Source: a log-linear pool (products of experts), Hinton 2002, "Training Products of Experts by Minimizing Contrastive
Divergence", section 1; made linear again where a view is the score itself.

Memory: its parts'. Workable sizes: its parts'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import places_among
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.state import State
from anirec.recommenders.newcomers import Newcomers, Placed

Views = NDArray[np.float32]
"""float32 [v, n], a row for each view of n scores; 0 is what a title is worth that the part does not know."""

LEAST_LIKING: Final = np.float32(0.02)
"""Added to predicted likings before their logarithm is taken: below that, they are noise."""
LEAST_SHARE: Final = np.float32(1e-5)
"""The same for shares of the most popular title: less than one like of the real data's most liked one."""


def _liking(scores: NDArray[np.float32]) -> Views:
    views = np.empty((2, len(scores)), dtype=np.float32)
    np.maximum(scores, 0, out=views[1])
    np.multiply(views[1], 1 / LEAST_LIKING, out=views[0])
    np.log1p(views[0], out=views[0])
    return views


def _logits(scores: NDArray[np.float32]) -> Views:
    views = np.empty((2, len(scores)), dtype=np.float32)
    if len(scores):
        least, most = scores.min(), scores.max()
        np.subtract(scores, least, out=views[0])
        roots = np.exp((scores - most) / 2, out=views[1])
        roots /= np.sqrt(roots @ roots)
        roots -= roots.min()
    return views


def _share(scores: NDArray[np.float32]) -> Views:
    views: Views = np.log1p(scores / LEAST_SHARE)[np.newaxis]
    return views


def _chance(scores: NDArray[np.float32]) -> Views:
    return np.sqrt(np.maximum(scores, 0))[np.newaxis]


def _standard(scores: NDArray[np.float32]) -> Views:
    if not len(scores):
        return scores[np.newaxis]
    views: Views = ((scores - scores.mean()) / max(scores.std(), np.float32(1e-9)))[np.newaxis]
    return views


READINGS: Final[Mapping[str, Callable[[NDArray[np.float32]], Views]]] = {
    "liking": _liking,
    "logits": _logits,
    "share": _share,
    "chance": _chance,
    "standard": _standard,
}
"""How a part's scores of one profile are looked at, by what kind of numbers they are.

liking: predicted likings, mostly in 0..1 (EASE); their logarithm and they themselves. logits: logarithms of chances up
to a constant (autoencoders); these, and the roots of the chances. share: shares of the greatest (popularity); their
logarithm. chance: in 0..1, mostly 0 (sequels); their root. standard: anything; less their mean, over their spread. All
but the last are less what they have at the least, so that a title that a part does not know is as its last.
"""
VIEWS: Final[Mapping[str, int]] = {"liking": 2, "logits": 2, "share": 1, "chance": 1, "standard": 1}
"""How many views a reading has."""


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
    whatever the parts say of them.
    """

    parts: Mapping[str, Recommender]
    readings: Mapping[str, str]
    weights: BlendWeights
    newcomers: Newcomers | None = None

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
        sums = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        weights = self.weights.at([len(profile) for profile in profiles])
        for name, part in self.parts.items():
            read, places = READINGS[self.readings[name]], self.places[name]
            for row, of_row, scores in zip(sums, weights[name], part.score(profiles), strict=True):
                row[places] += of_row @ read(scores)
        if self._placed:
            for row in sums:
                self._placed.place(row)
        sums -= sums.max(axis=1, keepdims=True, initial=-np.inf)
        chances = np.exp(sums, out=sums)
        chances /= chances.sum(axis=1, keepdims=True)
        return chances

    def state(self) -> State:
        """Return what a bundle keeps; the parts are kept beside it under their names."""
        arrays = {"sizes": self.weights.sizes} | {f"weight_{name}": w for name, w in self.weights.weights.items()}
        arrays |= self.newcomers.arrays() if self.newcomers else {}
        return State(kind="blend", arrays=arrays, facts={"parts": list(self.parts), "readings": dict(self.readings)})


def restore(state: State, parts: Mapping[str, Recommender]) -> Blend:
    """Rebuild the blend from a bundle's state and its parts.

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
    return Blend(own, readings, BlendWeights(sizes=sizes, weights=weights), newcomers)
