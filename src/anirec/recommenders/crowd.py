"""The crowd's graph: "if you liked this, try that", as people wrote it, followed further than one step.

What it does: takes the pairs that people recommend to one another as a graph whose edges weigh what their votes say,
and scores a title by how often a walk passes it that starts at the profile's titles (in proportion to liking), goes to
a neighbour in proportion to weight, and begins anew with probability `restart`. With `method="votes"` it goes one step
only: the votes between two titles, each title's shared out among its neighbours. What it does not: look at ratings;
know titles that no pair names.

Source: personalised PageRank, Haveliwala 2002, "Topic-sensitive PageRank": p = r s + (1 - r) p P, with P the weights
W over their row sums; solved by repetition, after t steps within (1 - r)^t of the answer (sum of differences). On an
undirected graph well-connected titles come up whoever asks; p is divided by degree^hub_discount against that. The plain
variant is s D^-1/2 W, divided likewise: with a discount of 1/2, the symmetric normalisation.

Memory: 8 bytes an edge and direction. Time for a profile: `steps` products with the graph (35,000 pairs: some 10 ms).
Workable sizes: millions of edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.runs import runs
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.prepare.pairs import Pairs
from anirec.recommenders.vectors import is_sparse, weights_of

Method = Literal["walk", "votes"]
METHODS: Final[tuple[str, ...]] = get_args(Method)


@dataclass(frozen=True)
class CrowdConfig:
    """How the graph is made and followed.

    method: "walk" or "votes", see above. restart: above 0, at most 1; higher stays nearer to the profile. steps: of the
    walk. vote_power: 0..1; a pair weighs votes to this power, so that the hundredth vote says less than the first.
    listed_votes: votes that a pair counts for whose number is not known. hub_discount: 0 (none) .. 1. Half the
    real pairs being hidden, 0 found most of them again, since those that people name are hubs, too; who wants the less
    known takes more.
    """

    method: Method = "walk"
    restart: float = 0.25
    steps: int = 25
    vote_power: float = 0.5
    listed_votes: float = 1.0
    hub_discount: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.method not in METHODS:
            raise InputError(f'the crowd can be followed by {" or ".join(METHODS)}, not by "{self.method}"')
        if not 0 < self.restart <= 1 or self.steps < 1 or not self.listed_votes > 0:
            raise InputError(f"the crowd needs 0 < restart <= 1, steps >= 1 and listed_votes > 0; got {self}")
        if not 0 <= self.vote_power <= 1 or not 0 <= self.hub_discount <= 1:
            raise InputError(f"vote_power and hub_discount must lie in 0..1; got {self}")


@dataclass(frozen=True, eq=False)
class Crowd:
    """The graph and how it is followed.

    items: int32 [n], every title of a pair. The neighbours of item i stand at indptr[i]:indptr[i + 1] (int64 [n + 1])
    of neighbours (int32, place in `items`) and weights (float32, above 0, the same in both directions).
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.float32]
    config: CrowdConfig

    @cached_property
    def _degrees(self) -> NDArray[np.float32]:
        """[n, 1] sums of the weights of each title; above 0, since every item is of a pair."""
        owners = np.repeat(np.arange(len(self.items)), np.diff(self.indptr))
        sums = np.bincount(owners, self.weights, minlength=len(self.items)).astype(np.float32)
        return sums[:, np.newaxis]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: see above. Disliked titles are walked from with a negative share."""
        starts = np.zeros((len(self.items), len(profiles)), dtype=np.float32)
        for column, profile in enumerate(profiles):
            rows, weights = weights_of(self.items, profile)
            starts[rows, column] = weights
        reached = self._walk(starts) if self.config.method == "walk" else self._one_step(starts)
        if self.config.hub_discount > 0:
            reached = reached * (self._degrees**-self.config.hub_discount).astype(np.float32)
        scores: NDArray[np.float32] = np.ascontiguousarray(reached.T)
        return scores

    def _walk(self, starts: NDArray[np.float32]) -> NDArray[np.float32]:
        restart, place = np.float32(self.config.restart), starts
        again, out = restart * starts, (1 - restart) / self._degrees
        for _ in range(self.config.steps):
            place = again + self._onward(place * out)
        return place

    def _one_step(self, starts: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._onward((starts / np.sqrt(self._degrees)).astype(np.float32))

    def _onward(self, place: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what [n, p] becomes along the edges: (p' W)'; only titles that have something pass it on."""
        moved = np.empty(place.shape, dtype=np.float32)
        for column in range(place.shape[1]):
            rows = np.flatnonzero(place[:, column])
            starts, stops = self.indptr[rows], self.indptr[rows + 1]
            entries = runs(starts, stops)
            passed = self.weights[entries] * np.repeat(place[rows, column], stops - starts)
            moved[:, column] = np.bincount(self.neighbours[entries], passed, minlength=len(place))
        return moved

    def votes(self, anime_id: int, anime_ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return int64 [len(anime_ids)]: the votes of each pair with the title, 0 where they are no pair.

        A pair that is only listed has `listed_votes`; with a `vote_power` of 0 all have 1.
        """
        found = np.zeros(len(anime_ids), dtype=np.int64)
        for row in rows_of(self.items, np.array([anime_id], dtype=np.int32)):
            block = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
            power = self.config.vote_power
            votes = self.weights[block].astype(np.float64) ** (1 / power) if power > 0 else self.weights[block]
            named = dict(zip(self.items[self.neighbours[block]].tolist(), np.rint(votes).tolist(), strict=True))
            found[:] = [named.get(other, 0) for other in anime_ids.tolist()]
        return found

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {
            "items": self.items,
            "indptr": self.indptr,
            "neighbours": self.neighbours,
            "weights": self.weights,
        }
        return State(kind="crowd", arrays=arrays, facts={"config": asdict(self.config)})


def fit(
    dataset: Dataset,
    config: CrowdConfig,
    rng: np.random.Generator,  # noqa: ARG001 - nothing here is left to chance
    *,
    pairs: Pairs,
) -> Crowd:
    """Make the graph of the pairs whose titles the dataset knows; nobody's ratings are looked at."""
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    known = pairs.known_to(dataset.anime_ids)
    items = np.union1d(known.first, known.second).astype(np.int32)
    n, a, b = len(items), np.searchsorted(items, known.first), np.searchsorted(items, known.second)
    weights = np.nan_to_num(known.votes, nan=config.listed_votes).astype(np.float64) ** config.vote_power
    ends = (np.concatenate([a, b]), np.concatenate([b, a]))
    graph = sparse.csr_array((np.concatenate([weights, weights]).astype(np.float32), ends), shape=(n, n))
    graph.sort_indices()
    return Crowd(
        items=items,
        indptr=graph.indptr.astype(np.int64),
        neighbours=graph.indices.astype(np.int32),
        weights=graph.data,
        config=config,
    )


def restore(state: State) -> Crowd:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together, or a title has no neighbour.
    """
    items, indptr, neighbours, weights = (state.arrays[k] for k in ("items", "indptr", "neighbours", "weights"))
    n = len(items)
    if not is_sparse((indptr, neighbours, weights), (n, n)) or np.any(np.diff(indptr) < 1) or np.any(weights <= 0):
        raise ValueError("the crowd's graph does not fit its items")
    try:
        config = CrowdConfig(**state.facts["config"])
    except (TypeError, InputError) as error:
        raise ValueError(f"the crowd's graph does not say how to follow it: {error}") from error
    return Crowd(items=items, indptr=indptr, neighbours=neighbours, weights=weights, config=config)
