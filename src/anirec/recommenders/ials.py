"""iALS: everybody and every title as a vector, fitted to all cells of the matrix at once.

What it does: finds vectors w of users and h of titles that minimise
sum over likings c of c (w.h - 1)^2 + alpha sum over all cells of (w.h)^2 + penalty, and scores a title as w.h. The
vector of a profile is found when it is asked for, by one small exact solve. What it does not: know time or content, or
titles with fewer than `min_likes` likes; keep a vector of anybody.

Source: Hu, Koren and Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets"; with the weights, the
penalty and the advice of Rendle et al. 2021, "Revisiting the Performance of iALS on Item Recommendation Benchmarks",
in which the penalty of a vector is l2 (sum of its likings + alpha * number of vectors on the other side)^nu.

The users' first vectors are the leading directions of the matrix of likings, found by a randomised singular value
decomposition (Halko, Martinsson and Tropp 2011, "Finding Structure with Randomness", algorithms 4.4 and 5.1), each as
long as the square root of its singular value. On 8,000 users of the real data the titles that are solved for from there
once rank as well as after five epochs from random vectors. Three passes over the likings find them well enough
(NDCG@10 of validation users after one epoch .316; two passes .313, four .317).

Every solve is exact. The titles' vectors are turned to the axes on which alpha H'H is diagonal, which changes no
score; a list shorter than d is then solved in its own size (Woodbury's identity) instead of in that of the vectors.
What a profile dislikes pulls towards -1 instead of 1, with the weight of its liking; nothing disliked is learned from.

Memory: 4 d bytes for each user and title to fit, and some 200 MB for a block of lists; 4 d for each title to serve.
Time of an epoch: about d^2 for each liking and d^3 for each title; with 430,000 users, 14,000 titles, 4 million likings
and d = 128 some 12 s of one core at most, and 1.1 GB. A profile of 120 titles takes about 1 ms.
The lists of a side are solved independently of one another, so an engine may have them solved anywhere, in the same
blocks as here; what is left to rounding is how many threads a product is worked out with.
Workable sizes: a million users, 100,000 titles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State, is_finite_vector
from anirec.prepare.dataset import Dataset
from anirec.recommenders.likings import known, likings_matrix, most_liked

CELLS = 2**20  # floats of one block of lists, however long they are: bounds memory, and stays near the processor
TOGETHER = 16  # blocks that are one part of the work, where an engine parts it
PASSES = 3  # over the likings, to find the first vectors
NOTHING = 1e-9  # share of the largest squared singular value, below which a direction is rounding


@dataclass(frozen=True)
class IalsConfig:
    """How iALS is fitted.

    d: length of the vectors. alpha: weight of a cell without a liking, where a like weighs 1; smaller where the
    matrix is emptier. l2: penalty. nu: 0..1, how far it grows with the length of a list. epochs: each solves for all
    titles; between two, for all users. min_likes: a title with fewer likes is left out. max_items: the most liked so
    many are fitted.
    """

    d: int = 128
    alpha: float = 0.1
    l2: float = 0.001
    nu: float = 1.0
    epochs: int = 4
    min_likes: int = 5
    max_items: int = 100_000

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not all(0 < value < np.inf for value in (self.alpha, self.l2)) or not 0 <= self.nu <= 1:
            raise InputError(f"iALS needs alpha, l2 > 0 and nu in 0..1; got {self}")
        if min(self.d, self.epochs, self.min_likes, self.max_items) < 1:
            raise InputError(f"iALS needs d, epochs, min_likes and max_items of at least 1; got {self}")


@dataclass(frozen=True)
class Side:
    """The vectors of one side, and what solving for the other side takes.

    vectors: float32 [n, d], on axes on which their Gram matrix is diagonal. spectrum: float32 [d], its diagonal.
    """

    vectors: NDArray[np.float32]
    spectrum: NDArray[np.float32]

    def solve(
        self, weights: NDArray[np.float32], targets: NDArray[np.float32], places: NDArray[Any], config: IalsConfig
    ) -> NDArray[np.float32]:
        """Return float32 [b, d]: for each of b lists the best vector of the other side.

        weights: [b, m] > 0 of the cells at these places [b, m] of the vectors; 0 fills a short list up.
        targets: [b, m], what their products should be.
        """
        sizes = weights.sum(axis=1) + config.alpha * len(self.vectors)
        prior = config.alpha * self.spectrum + (config.l2 * sizes**config.nu)[:, np.newaxis]  # [b, d]
        roots = np.sqrt(weights)
        rows = self.vectors[places]  # [b, m, d]
        rows *= roots[:, :, np.newaxis]
        right = (roots * targets)[:, :, np.newaxis]  # [b, m, 1]
        m, d = rows.shape[1:]
        if m >= d:
            system = rows.transpose(0, 2, 1) @ rows  # [b, d, d]
            np.einsum("bii->bi", system)[:] += prior
            return _solved(system, (rows.transpose(0, 2, 1) @ right).reshape(-1, d))
        spread = np.sqrt(prior)[:, np.newaxis]
        rows /= spread
        system = rows @ rows.transpose(0, 2, 1)  # [b, m, m]
        np.einsum("bii->bi", system)[:] += 1.0
        found = _solved(system, right.reshape(-1, m))[:, :, np.newaxis]
        vectors: NDArray[np.float32] = (rows.transpose(0, 2, 1) @ found).reshape(-1, d) / spread[:, 0]
        return vectors


def _solved(systems: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [b, n] x of systems [b, n, n] x = right [b, n], both written over.

    By Cholesky, one by one: three times as fast as `numpy.linalg.solve`, which does not know that they are positive
    definite. A single one, which is what is asked for when serving, does without SciPy.
    """
    if len(systems) == 1:
        single: NDArray[np.float32] = np.linalg.solve(systems, right[:, :, np.newaxis])[:, :, 0]
        return single
    from scipy.linalg import lapack  # noqa: PLC0415 - serving must not pay for it

    for system, vector in zip(systems, right, strict=True):
        _, solution, failed = lapack.sposv(system.T, vector, lower=1, overwrite_a=1, overwrite_b=1)
        vector[:] = np.nan if failed else solution
    return right


def on_own_axes(vectors: NDArray[np.float32]) -> Side:
    """Turn vectors so that their Gram matrix is diagonal, the largest first."""
    values, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    turned = vectors @ axes[:, ::-1].astype(np.float32)
    return Side(vectors=turned, spectrum=np.maximum(values[::-1], 0).astype(np.float32))


@dataclass(frozen=True)
class Ials:
    """Fitted iALS. items: int32 [n]. titles: their vectors. config: what a profile's vector depends on."""

    items: NDArray[np.int32]
    titles: Side
    config: IalsConfig

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the products of the profiles' vectors with the titles'; 0 for an empty profile."""
        vectors = np.zeros((len(profiles), len(self.titles.spectrum)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            vectors[row] = self.vector(profile)
        return vectors @ self.titles.vectors.T

    def vector(self, profile: Profile) -> NDArray[np.float32]:
        """Return float32 [d]: the vector that fits a profile best; zeros where nothing on it is known."""
        rows, liking = known(self.items, profile)
        rows, liking = rows[liking != 0], liking[liking != 0]
        if len(rows) == 0:
            return np.zeros(len(self.titles.spectrum), dtype=np.float32)
        weights, targets = np.abs(liking)[np.newaxis], np.sign(liking)[np.newaxis]
        return self.titles.solve(weights, targets, rows[np.newaxis], self.config).ravel()

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays = {"items": self.items, "vectors": self.titles.vectors, "spectrum": self.titles.spectrum}
        facts = {"alpha": self.config.alpha, "l2": self.config.l2, "nu": self.config.nu}
        return State(kind="ials", arrays=arrays, facts=facts)


def fit(dataset: Dataset, config: IalsConfig, rng: np.random.Generator, *, engine: Engine = LOCAL) -> Ials:
    """Fit on who likes what.

    Raises:
        FloatingPointError: the vectors do not stay finite.
    """
    places = most_liked(dataset, config.min_likes, config.max_items)
    by_user = likings_matrix(dataset, places).tocsr()
    of_users, of_titles = Lists.of(by_user, config.d, engine), Lists.of(by_user.tocsc(), config.d, engine)
    titles = on_own_axes(solve_all(of_titles, on_own_axes(first_vectors(by_user, config.d, rng)), config, engine))
    for _ in range(config.epochs - 1):
        users = on_own_axes(solve_all(of_users, titles, config, engine))
        titles = on_own_axes(solve_all(of_titles, users, config, engine))
    if not np.isfinite(titles.vectors).all():
        raise FloatingPointError("the vectors of iALS are not finite; raise l2")
    return Ials(items=dataset.anime_ids[places], titles=titles, config=config)


def first_vectors(likings: Any, d: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return float32 [users, d]: the leading left singular vectors, times the roots of their singular values.

    likings: sparse [users, n]. Where there are fewer than d directions, the rest is 0.
    """
    transposed = likings.T.tocsr()
    basis = rng.normal(size=(likings.shape[1], d)).astype(np.float32)
    for _ in range(PASSES):
        basis = np.linalg.qr(transposed @ (likings @ basis))[0]  # [n, min(n, d)]
    seen = likings @ basis
    squares, axes = np.linalg.eigh((seen.T @ seen).astype(np.float64))
    there = squares > squares.max(initial=0) * NOTHING
    vectors = np.zeros((len(seen), d), dtype=np.float32)
    vectors[:, : basis.shape[1]][:, there] = seen @ (axes[:, there] * squares[there] ** -0.25)
    return vectors


Cells = tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]
"""A compressed sparse matrix: indptr, indices, likings."""

Block = NDArray[np.int64]
"""Lists that are solved together."""


@dataclass(frozen=True)
class Lists:
    """The lists of one side. cells: as an engine shares them. n: how many. parts: of the work, blocks of lists."""

    cells: Cells
    n: int
    parts: list[tuple[Block, ...]]

    @classmethod
    def of(cls, likings: Any, d: int, engine: Engine) -> Lists:
        """Part the lists of a compressed sparse matrix for vectors of length d."""
        cells = engine.share((likings.indptr, likings.indices, likings.data))
        blocks = tuple(_alike(np.diff(likings.indptr), d))
        parts = [blocks[i : i + TOGETHER] for i in range(0, len(blocks), TOGETHER)]
        return cls(cells, len(likings.indptr) - 1, parts)


def solve_all(lists: Lists, other: Side, config: IalsConfig, engine: Engine = LOCAL) -> NDArray[np.float32]:
    """Return float32 [lists, d]: the best vector of each list; zeros for empty ones."""
    vectors = np.zeros((lists.n, len(other.spectrum)), dtype=np.float32)
    side = engine.share(other)
    solved = engine.map(_solved_part, ((lists.cells, side, config, part) for part in lists.parts))
    for part, of_part in zip(lists.parts, solved, strict=True):
        for block, found in zip(part, of_part, strict=True):
            vectors[block] = found
    return vectors


def _solved_part(cells: Cells, other: Side, config: IalsConfig, part: Sequence[Block]) -> list[NDArray[np.float32]]:
    """Return float32 [lists, d] for each block."""
    indptr, indices, likings = cells
    solved = []
    for block in part:
        starts, lengths = indptr[block], indptr[block + 1] - indptr[block]
        offsets = np.arange(lengths.max())
        filled = offsets < lengths[:, np.newaxis]
        places = np.where(filled, starts[:, np.newaxis] + offsets, 0)
        weights = np.where(filled, likings[places], np.float32(0))
        solved.append(other.solve(weights, np.ones_like(weights), indices[places], config))
    return solved


def _alike(lengths: NDArray[np.int64], d: int) -> Iterator[NDArray[np.int64]]:
    """Yield the lists that are not empty, so many together as `CELLS` allows, those of like length together."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    start = int(np.searchsorted(ascending, 1))
    while start < len(order):
        longest = max(int(ascending[start]) * 5 // 4, 8)  # a quarter more at most is filled up
        stop = min(int(np.searchsorted(ascending, longest, side="right")), start + CELLS // (d * longest))
        yield order[start : max(stop, start + 1)]
        start = max(stop, start + 1)


def restore(state: State) -> Ials:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, vectors, spectrum = (state.arrays[name] for name in ("items", "vectors", "spectrum"))
    fits = vectors.ndim == 2 and len(vectors) == len(items) and is_finite_vector(spectrum, vectors.shape[1])
    if not fits or not np.isfinite(vectors).all() or (spectrum < 0).any():
        raise ValueError("the vectors of iALS do not fit its items")
    alpha, l2, nu = (float(state.facts[name]) for name in ("alpha", "l2", "nu"))
    return Ials(items, Side(vectors, spectrum), IalsConfig(d=len(spectrum), alpha=alpha, l2=l2, nu=nu))
