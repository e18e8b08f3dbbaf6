"""SLIM in closed form: for each title, ridge regression on the few titles that say most about it.

What it does: for a target j it picks the `k` sources i with the largest co(i, j)^2 / A(i, i), which is by how much i
alone would lower the error of j; then it solves A(N, N) w = co(N, j) for these N. Here co = X'X over everybody's
likings X, and A = X'X + L with the penalty L of EASE. With all other titles as sources that is EASE, column by column;
with k of them it takes k^3 instead of n^3 operations a title, and every weight is one that is kept, instead of one
that is left when the rest is cut off. What it does not: know time, content, or titles with fewer than `min_likes`
likes; listen to titles beyond the `max_sources` most liked, which are seldom on a list.

Source: Ning and Karypis 2011, "SLIM: Sparse Linear Methods for Top-N Recommender Systems", with a ridge penalty
and chosen sources (fsSLIM there) instead of the L1 penalty and the bound at zero, which need many passes; Steck 2019
for the closed form ("Embarrassingly Shallow Autoencoders for Sparse Data").

Memory: 4 max_sources^2 bytes (12,000: 0.6 GB) and some 300 MB to fit, 8 k bytes a title to serve; never n x n.
Time: about a millisecond a title with k = 200. Workable sizes: 100,000 titles, any number of users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.recommenders.likings import likings_matrix, most_liked, products
from anirec.recommenders.sparse_linear import SparseLinear, largest, of_columns

BLOCK = 512  # targets worked on at a time: bounds memory
CELLS = 2**23  # floats of the small systems that are solved together


@dataclass(frozen=True)
class SlimConfig:
    """How SLIM is fitted.

    k: sources of each target. l2, dropout: the penalty, as of EASE. min_likes: a title with fewer likes is left out.
    max_items: the most liked so many are fitted. max_sources: of these, the most liked so many may speak for others.
    """

    k: int = 200
    l2: float = 100.0
    dropout: float = 0.23
    min_likes: int = 5
    max_items: int = 100_000
    max_sources: int = 12_000

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least = min(self.k, self.min_likes, self.max_items, self.max_sources)
        if not 0 < self.l2 < np.inf or not 0 <= self.dropout < 1 or least < 1:
            raise InputError(f"SLIM needs l2 > 0, 0 <= dropout < 1, and the rest at least 1; got {self}")


def fit(dataset: Dataset, config: SlimConfig, rng: np.random.Generator) -> SparseLinear:  # noqa: ARG001 - a closed form leaves nothing to chance
    """Fit on who likes what. Returns a model whose weights are those of the regressions.

    Raises:
        ValueError: the penalty is too small for a regression to be solved.
    """
    places = most_liked(dataset, config.min_likes, config.max_items)
    speaking = np.searchsorted(places, most_liked(dataset, config.min_likes, min(config.max_sources, config.max_items)))
    likings = likings_matrix(dataset, places)
    system = _system(likings[:, speaking], config)
    worth = (1 / np.sqrt(np.diagonal(system))).astype(np.float32)
    k = min(config.k, max(len(speaking) - 1, 0))
    sources: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float32]] = []
    for rows, together in products(likings, likings[:, speaking], BLOCK):
        gain = together * worth
        itself = np.arange(rows.start, rows.stop)[:, np.newaxis] == speaking
        gain[itself] = -1.0  # chosen last, so never: all others are at least 0, and k leaves one out
        chosen = largest(gain, k)
        sources.append(speaking[chosen])
        try:
            weights.append(_solve(system, together, chosen))
        except np.linalg.LinAlgError as error:
            raise ValueError(f"a regression of SLIM cannot be solved ({error}); raise l2") from error
    return of_columns(dataset.anime_ids[places], sources, weights)


def _system(likings: Any, config: SlimConfig) -> NDArray[np.float32]:
    """Return float32 [s, s]: A of the titles that may speak."""
    system = np.empty((likings.shape[1], likings.shape[1]), dtype=np.float32)
    for rows, block in products(likings, likings, BLOCK):
        system[rows] = block
    diagonal = np.einsum("ii->i", system)  # a view
    diagonal += config.l2 + config.dropout / (1 - config.dropout) * diagonal
    return system


def _solve(
    system: NDArray[np.float32], together: NDArray[np.float32], chosen: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return float32 [b, k]: the weights of the chosen [b, k] titles, which are liked `together` [b, s] with each."""
    k = max(chosen.shape[1], 1)
    right = np.take_along_axis(together, chosen, axis=1)
    weights = np.empty_like(right)
    for start in range(0, len(chosen), max(CELLS // k**2, 1)):
        some = slice(start, start + max(CELLS // k**2, 1))
        small = system[chosen[some, :, np.newaxis], chosen[some, np.newaxis, :]]
        weights[some] = np.linalg.solve(small, right[some, :, np.newaxis])[:, :, 0]
    return weights
