"""The blend: a weighted sum of other models, with weights that depend on how long the profile is.

What it does: leans on what everybody likes while it knows little of you, and on you once it knows enough.
What it does not: learn its weights by itself; training chooses them on users that no part has seen
(`service.training`), because what is best with three titles is not with three hundred.
Memory: its parts'. Workable sizes: its parts'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log1p

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.state import State


@dataclass(frozen=True)
class BlendWeights:
    """Weights by profile size, linear in between on a logarithmic scale, constant outside.

    sizes: float32 [s], ascending, numbers of titles on the profile. weights: by part, float32 [s] each.
    """

    sizes: NDArray[np.float32]
    weights: Mapping[str, NDArray[np.float32]]

    @cached_property
    def _log_sizes(self) -> NDArray[np.float64]:
        return np.log1p(self.sizes.astype(np.float64))

    def at(self, part: str, size: int) -> float:
        """Return the weight of a part for a profile of `size` titles."""
        return float(np.interp(log1p(size), self._log_sizes, self.weights[part]))


@dataclass(frozen=True)
class Blend:
    """A weighted sum of fitted models over all that any of them knows. A part adds 0 for titles it does not know."""

    parts: Mapping[str, Recommender]
    weights: BlendWeights

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """[n] the union of the parts' items, ascending."""
        return np.unique(np.concatenate([part.items for part in self.parts.values()]))

    @cached_property
    def _places(self) -> dict[str, NDArray[np.int64] | slice]:
        """Where each part's items stand among all; one that knows them all needs no list."""
        everything = len(self.items)
        return {
            name: slice(None) if len(part.items) == everything else rows_of(self.items, part.items)
            for name, part in self.parts.items()
        }

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the weighted sums."""
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for name, part in self.parts.items():
            places = self._places[name]
            for row, profile, of_part in zip(scores, profiles, part.score(profiles), strict=True):
                row[places] += of_part * np.float32(self.weights.at(name, len(profile)))
        return scores

    def state(self) -> State:
        """Return what a bundle keeps; the parts are kept beside it under their names."""
        arrays = {"sizes": self.weights.sizes} | {f"weight_{name}": w for name, w in self.weights.weights.items()}
        return State(kind="blend", arrays=arrays, facts={"parts": list(self.parts)})


def restore(state: State, parts: Mapping[str, Recommender]) -> Blend:
    """Rebuild the blend from a bundle's state and its parts.

    Raises:
        ValueError: a part is missing, or the weights do not fit the sizes.
    """
    names = [str(name) for name in state.facts["parts"]]
    if missing := [name for name in names if name not in parts]:
        raise ValueError(f"parts of the blend are missing: {', '.join(missing)}")
    sizes = state.arrays["sizes"]
    weights = {name: state.arrays[f"weight_{name}"] for name in names}
    if any(w.shape != sizes.shape or not np.isfinite(w).all() for w in weights.values()):
        raise ValueError("the weights of the blend do not fit its sizes")
    return Blend(parts={name: parts[name] for name in names}, weights=BlendWeights(sizes=sizes, weights=weights))
