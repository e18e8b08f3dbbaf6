"""The reranker: orders the front of the blend's list anew, by a small net.

What it does: takes the titles to which the blend gives the greatest chances, looks at what the blend, its parts and the
franchises say of them (`candidates`), and shares the chance that they have together out anew among them. What it does
not: bring in a title from further behind, or know of a title what its parts do not; learn: `reranking` does.

Source: the second of two stages, candidates and ranking, of Covington, Adams and Sargin 2016, "Deep Neural Networks for
YouTube Recommendations"; what the nets say is added to the blend's own logarithms, so they learn only what it lacks.

Memory: 4 bytes a title and weight. Time: some .5 ms for a profile of 120 titles. Workable sizes: any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in
from anirec.core.profile import Profile
from anirec.rank import greatest
from anirec.recommenders.candidates import Described, Floats, numbers

LAYERS: Final = ("in", "in_bias", "middle", "middle_bias", "out")
UNUSUAL: Final = 5.0
"""No number is taken to be further from its mean, in standard deviations."""


@dataclass(frozen=True)
class Nets:
    """Small nets of one shape, of which the mean is taken.

    mean, spread: float32 [f], of the numbers that they learned from. layers: by name of `LAYERS`, float32: [k, h, f],
    [k, h, 1], [k, g, h], [k, g, 1], [k, 1, g].
    """

    mean: Floats
    spread: Floats
    layers: Mapping[str, Floats]

    def say(self, table: Floats) -> Floats:
        """Return float32 [c]: what is added to the logarithm of each candidate's chance. table: float32 [f, c]."""
        own = self.layers
        hidden = own["in"] @ self.usual(table)
        hidden += own["in_bias"]
        hidden = own["middle"] @ np.maximum(hidden, 0, out=hidden)
        hidden += own["middle_bias"]
        said: Floats = (own["out"] @ np.maximum(hidden, 0, out=hidden))[:, 0].mean(axis=0)
        return said

    def usual(self, table: Floats) -> Floats:
        """Return float32 [f, c]: the numbers less their means, in spreads."""
        usual: Floats = table - self.mean[:, np.newaxis]
        usual /= self.spread[:, np.newaxis]
        np.maximum(usual, -UNUSUAL, out=usual)
        np.minimum(usual, UNUSUAL, out=usual)
        return usual


@dataclass(frozen=True)
class Reranker:
    """What orders the front anew.

    front: titles that it looks at. doubt: liked titles on a profile at which what the nets say of it is half believed.
    described: of the items of the blend.
    """

    nets: Nets
    front: int
    doubt: float
    described: Described

    def reorder(self, chances: Floats, candidates: Candidates) -> None:
        """Share out anew what the candidates have of the chances. chances: float32 [n], changed in place."""
        own = chances[candidates.places]
        if not len(own):
            return
        said = self.nets.say(candidates.table) * np.float32(believed(candidates.liked, self.doubt))
        raised = own * np.exp(said - said.max())
        chances[candidates.places] = raised * (own.sum() / max(float(raised.sum()), 1e-30))

    def facts(self) -> dict[str, float]:
        """Return what a bundle keeps, besides `arrays`."""
        return {"front": self.front, "doubt": self.doubt}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps."""
        nets = {"mean": self.nets.mean, "spread": self.nets.spread, **self.nets.layers}
        return {"rerank_likes": self.described.likes} | {f"rerank_{name}": array for name, array in nets.items()}

    @classmethod
    def restored(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        facts: Mapping[str, float],
        items: NDArray[np.int32],
        catalogue: Catalogue,
    ) -> Self:
        """Rebuild it from what `arrays` and `facts` returned. items: of the blend.

        Raises:
            ValueError: the arrays do not fit together, the items or the catalogue.
        """
        mean, spread, likes = (arrays[f"rerank_{name}"] for name in ("mean", "spread", "likes"))
        layers = {name: arrays[f"rerank_{name}"] for name in LAYERS}
        k, h, f = layers["in"].shape
        g = layers["middle"].shape[1]
        shapes = ((k, h, f), (k, h, 1), (k, g, h), (k, g, 1), (k, 1, g))
        fits = tuple(layer.shape for layer in layers.values()) == shapes and mean.shape == spread.shape == (f,)
        if not fits or not all(np.isfinite(array).all() for array in (mean, spread, likes, *layers.values())):
            raise ValueError("the nets of the blend's reranker do not fit together")
        described = Described.of(items, likes, catalogue)
        return cls(Nets(mean, spread, layers), int(facts["front"]), float(facts["doubt"]), described)


def believed(liked: int, doubt: float) -> float:
    """Return 0..1: how much of what nets say of a profile with so many liked titles is believed.

    With few of them they lean to what everybody likes, which is right more often and tells nobody anything.
    """
    return liked / (liked + doubt) if liked else 0.0


@dataclass(frozen=True)
class Candidates:
    """The front of a list.

    places: int64 [c], among the items. table: float32 [f, c], see `candidates.numbers`. liked: titles that the profile
    likes.
    """

    places: NDArray[np.int64]
    table: Floats
    liked: int


@dataclass(frozen=True)
class Part:
    """What a part says of one profile. items: int32 [m], ids, ascending. views: float32 [v, m], see `readings`."""

    items: NDArray[np.int32]
    views: Floats

    def of(self, anime_ids: NDArray[np.int32]) -> Floats:
        """Return float32 [v, c]: what it says of some anime, 0 of those that it does not know."""
        said = np.zeros((len(self.views), len(anime_ids)), dtype=np.float32)
        rows, known = found_in(self.items, anime_ids)
        said[:, known] = self.views[:, rows]
        return said


def candidates(
    described: Described,
    items: NDArray[np.int32],
    front: int,
    profile: Profile,
    chances: Floats,
    parts: Sequence[Part],
) -> Candidates:
    """Return the `front` items that have the greatest chances and are not on the profile. chances: float32 [n]."""
    given, known = found_in(items, profile.anime_ids)
    ahead = chances.copy()
    ahead[given] = 0
    floor = max(float(greatest(ahead, front)) if front < len(ahead) else 0.0, 1e-12)
    places = np.flatnonzero(ahead >= floor)
    if not len(places):
        return Candidates(places, np.empty((0, 0), dtype=np.float32), 0)
    liked = given[profile.liking[known] > 0]
    said = [part.of(items[places]) for part in parts]
    return Candidates(places, numbers(described, liked, places, chances[places], said), len(liked))
