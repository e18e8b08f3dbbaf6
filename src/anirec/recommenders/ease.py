"""EASE: a linear model of which titles are liked together, in closed form.

What it does: finds the n x n matrix B with a zero diagonal that best rebuilds everybody's likings X (1 for a like, less
for a middling score, see `core.profile.liking_of`) from one another, min |X - XB|^2 + penalty, and scores a profile x
as xB. What it does not: know time, content, or titles with fewer than `min_likes` likes.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", eq. 8: with P = (X'X + L)^-1,
B = I - P / diag(P). L = l2 * I there; with `dropout` p it is l2 * I + p / (1 - p) * diag(X'X), which is what training
under random dropout of the input amounts to (Steck 2020, "Autoencoders that don't overfit towards the Identity").
Two published variants are settings, and off by default:

`slack` xi: a title may rebuild itself by at most xi instead of not at all: the columns of P are multiplied by
max(L, (1 - xi) / diag(P)) (Moon et al. 2023, "It's Enough: Relaxing Diagonal Constraints in Linear Autoencoders for
Recommendation": RLAE, with dropout RDLAE). The diagonal is then left out: what is on a profile is not recommended.

`user_power` b and `item_power` a: X'X becomes X'DX with D = (a user's likings)^-b, and weights from i to j are
multiplied by (likings of i / likings of j)^a (after Park et al. 2025, "Why is Normalization Necessary for Linear
Recommenders?": DAN), which lets users with long lists, and popular titles, count for less. Dropout penalises with the
diagonal of the normalised X'DX, of which it is a share.

Memory: 4 n^2 bytes to fit (n = 14,000: 0.8 GB; twice that for a moment), 3 bytes for each weight kept to serve.
Time: n^3 operations, one Cholesky factorisation and the inverse from it. Workable sizes: up to some 30,000 titles;
any number of users. X'X is a sum over users of whole numbers (hundredths), so an engine may add it up in any number of
parts, each 4 n^2 bytes, and the model is the same to the bit; the inverse is worked out in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in
from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError
from anirec.core.profile import LIKING_STEP, Profile
from anirec.core.runs import runs
from anirec.core.state import State, is_finite_vector
from anirec.prepare.dataset import Dataset
from anirec.recommenders.likings import in_steps, known, likings_matrix, most_liked, products

BLOCK = 1024  # titles worked on at a time: bounds the memory of sparse products and of pruning
WHOLE = 20_000  # rows that LAPACK is given at a time; some builds of it fail above 23,170 (2^31 bytes)
LEVELS = 127  # an int8 weight counts steps of its target's scale in -127..127
TOGETHER = 128  # titles of a profile added up at a time, so that what is taken of them stays in the cache
SHARE_BITS = 40  # what a user counts, where users are normalised, is a whole number of 2^-40 at the finest
COARSE = 13  # of the 31 bits of a positive float, so many are left out of the histogram of worths


@dataclass(frozen=True)
class EaseConfig:
    """How EASE is fitted.

    l2: the ridge penalty, in likes; small on data with many users. dropout: 0..1, share of the input that training
    is to do without. min_likes: a title with fewer likes is left out. max_items: the most liked so many are fitted
    (memory and time grow with its square and cube). keep: weights kept when pruned, so many times the titles.
    keep_least: of these, at least so many for each target. slack: 0..1, the most that a title may speak for itself
    while it is fitted; 1 is plain ridge regression. user_power, item_power: 0..1, how far users with long lists and
    titles with many likes are normalised away; with user_power, l2 has to be smaller, as likes count for less.
    """

    l2: float = 100.0
    dropout: float = 0.23
    min_likes: int = 5
    max_items: int = 16_000
    keep: int = 80
    keep_least: int = 30
    slack: float = 0.0
    user_power: float = 0.0
    item_power: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least = min(self.min_likes, self.max_items, self.keep, self.keep_least)
        if self.l2 <= 0 or not 0 <= self.dropout < 1 or least < 1:
            raise InputError(f"EASE needs l2 > 0, 0 <= dropout < 1, and the rest at least 1; got {self}")
        shares = (self.slack, self.user_power, self.item_power)
        if not all(0 <= share <= 1 for share in shares):
            raise InputError(f"EASE needs slack, user_power and item_power in 0..1; got {self}")
        if self.max_items > np.iinfo(np.uint16).max:
            raise InputError(f"EASE takes at most {np.iinfo(np.uint16).max:,} titles; got max_items={self.max_items:,}")


@dataclass(frozen=True)
class DenseEase:
    """EASE with all its weights. items: int32 [n]. weights: float32 [n, n]; [i, j] is what liking i adds to j."""

    items: NDArray[np.int32]
    weights: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the sum of the weights from the profile's titles, each times its liking."""
        inputs = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            rows, liking = known(self.items, profile)
            inputs[row, rows] = liking
        return inputs @ self.weights


@dataclass(frozen=True)
class Ease:
    """EASE with the weights that matter, as small numbers: what is served.

    items: int32 [n]. indptr: int64 [n + 1]; what liking item i adds stands at indptr[i]:indptr[i + 1] of
    targets (uint16, place in `items`, ascending) and steps (int8). A weight is step * scales[target].
    scales: float32 [n].
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    targets: NDArray[np.uint16]
    steps: NDArray[np.int8]
    scales: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the sum of the weights from the profile's titles, each times its liking."""
        scores = np.empty((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            scores[row] = self._score(profile)
        return scores

    def _score(self, profile: Profile) -> NDArray[np.float32]:
        rows, liking = known(self.items, profile)
        if len(rows) == 0:
            return np.zeros(len(self.items), dtype=np.float32)
        sums = np.zeros(len(self.items), dtype=np.float32)
        starts, stops = self.indptr[rows], self.indptr[rows + 1]
        for i in range(0, len(rows), TOGETHER):
            some = slice(i, i + TOGETHER)
            places = runs(starts[some], stops[some])
            steps = self.steps[places] * np.repeat(liking[some], stops[some] - starts[some])
            np.add.at(sums, self.targets[places].astype(np.intp), steps)
        scores: NDArray[np.float32] = sums * self.scales
        return scores

    def contributions(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return float32 [len(profile), len(anime_ids)]: what each title of the profile adds to each score.

        The columns of known titles sum to their scores. Zero for titles that the model does not know.
        """
        parts = np.zeros((len(profile), len(anime_ids)), dtype=np.float32)
        rows, which = found_in(self.items, profile.anime_ids)
        givers, liking = np.flatnonzero(which), profile.liking[which]
        wanted, having = found_in(self.items, anime_ids)
        column = np.full(len(self.items), -1, dtype=np.int32)
        column[wanted] = np.flatnonzero(having)
        starts, stops = self.indptr[rows], self.indptr[rows + 1]
        for i in range(0, len(rows), TOGETHER):
            some = slice(i, i + TOGETHER)
            places = runs(starts[some], stops[some])
            columns = column[self.targets[places]]
            hits = np.flatnonzero(columns >= 0)
            giver = np.repeat(np.arange(i, min(i + TOGETHER, len(rows))), stops[some] - starts[some])[hits]
            columns, places = columns[hits], places[hits]
            parts[givers[giver], columns] = self.steps[places] * liking[giver] * self.scales[self.targets[places]]
        return parts

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {
            "items": self.items,
            "indptr": self.indptr,
            "targets": self.targets,
            "steps": self.steps,
            "scales": self.scales,
        }
        return State(kind="ease", arrays=arrays)


def vocabulary(dataset: Dataset, config: EaseConfig) -> NDArray[np.int64]:
    """Return the places in `dataset.anime_ids` of the titles that are fitted, ascending; ties in likes go by id."""
    return most_liked(dataset, config.min_likes, config.max_items)


def fit_dense(
    dataset: Dataset,
    config: EaseConfig,
    rng: np.random.Generator,  # noqa: ARG001 - a closed form leaves nothing to chance
    *,
    engine: Engine = LOCAL,
) -> DenseEase:
    """Fit on who likes what. Returns the unpruned model, the same from any engine.

    Raises:
        ValueError: the penalty is too small for the matrix to be inverted.
    """
    places = vocabulary(dataset, config)
    gram = gram_matrix(dataset, places, user_power=config.user_power, engine=engine)
    diagonal = np.einsum("ii->i", gram)  # a view
    penalty = config.l2 + config.dropout / (1 - config.dropout) * diagonal
    diagonal += penalty
    weights = _inverse(gram)
    factors = (1.0 - config.slack) / np.diagonal(weights)
    if config.slack > 0:
        factors = np.maximum(factors, penalty)
    weights *= -factors
    np.fill_diagonal(weights, 0.0)
    if config.item_power > 0:
        sums = np.bincount(dataset.items, np.maximum(dataset.liking, 0), minlength=len(dataset.anime_ids))[places]
        spread = (sums**config.item_power).astype(np.float32)
        weights *= spread[:, np.newaxis]
        weights /= spread
    return DenseEase(items=dataset.anime_ids[places], weights=weights)


def _inverse(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inverse of a symmetric positive definite matrix, in whose place it may be written.

    By Cholesky; a matrix above `WHOLE` rows is cut in two, and put together from the inverses of its first quarter and
    of the Schur complement.

    Raises:
        ValueError: the matrix is not positive definite.
    """
    n = len(matrix)
    if n <= WHOLE:
        return _cholesky_inverse(matrix)
    k = n // 2
    first = _inverse(np.ascontiguousarray(matrix[:k, :k]))
    reach = first @ matrix[:k, k:]
    second = _inverse(matrix[k:, k:] - matrix[k:, :k] @ reach)
    across = reach @ second
    matrix[:k, :k] = first + across @ reach.T
    matrix[:k, k:], matrix[k:, :k], matrix[k:, k:] = -across, -across.T, second
    return matrix


def _cholesky_inverse(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.linalg import lapack  # noqa: PLC0415 - serving must not pay for it

    factor, failed = lapack.spotrf(matrix.T, lower=0, overwrite_a=1, clean=0)
    if failed == 0:
        inverse, failed = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed:
        raise ValueError(f"the Gram matrix is not positive definite (LAPACK says {failed}); raise l2")
    full: NDArray[np.float32] = inverse.T  # row-major, so its lower triangle is the filled one
    for start in range(0, len(full), BLOCK):
        stop = min(start + BLOCK, len(full))
        full[:start, start:stop] = full[start:stop, :start].T
        square = full[start:stop, start:stop]
        square[:] = np.tril(square) + np.tril(square, -1).T
    return full


def gram_matrix(
    dataset: Dataset,
    places: NDArray[np.int64],
    *,
    user_power: float = 0.0,
    engine: Engine = LOCAL,
    shards: int | None = None,
) -> NDArray[np.float32]:
    """Return float32 [n, n]: X'X for the titles at these places of the vocabulary.

    A cell is the sum over users of the products of their (positive) likings: about how many like both. With
    `user_power` b, users count as the sum of their likings of these titles to the power of -b.

    shards: into how many parts of the users the sum is cut, None = one for each worker. It is one of whole numbers, so
    it is the same to the bit for any number of them, and on any engine.
    """
    likes = in_steps(likings_matrix(dataset, places)).tocsr()
    step = LIKING_STEP**2
    if user_power > 0:
        bits = min(SHARE_BITS, 55 - int(dataset.n_users).bit_length())  # so that no sum reaches 2^63
        shares = np.rint(np.maximum(likes.sum(axis=1), 1) ** -user_power * 2.0**bits).astype(np.int64)
        likes.data = likes.data.astype(np.int64)
        weighed = likes.copy()
        weighed.data *= np.repeat(shares, np.diff(likes.indptr))
        step *= LIKING_STEP**-user_power * 2.0**-bits
    else:
        weighed = likes
        if dataset.n_users * round(1 / step) > np.iinfo(np.int32).max:
            likes.data = likes.data.astype(np.int64)
    bounds = _bounds(likes.indptr, shards or engine.workers)
    whole = len(bounds) == 1  # a slice would be a copy
    parts = [(likes, weighed)] if whole else ((likes[start:stop], weighed[start:stop]) for start, stop in bounds)
    sums = engine.map(_together, parts)
    total = next(sums)
    for further in sums:
        total = total + further if not total.flags.writeable else np.add(total, further, out=total)
    return _as_likings(total, step)


def _bounds(indptr: NDArray[Any], shards: int) -> list[tuple[int, int]]:
    """Return where each part of the users begins and ends, with about as many likings in each; none is empty."""
    wanted = np.searchsorted(indptr, np.linspace(0, indptr[-1], max(shards, 1) + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], wanted, [len(indptr) - 1]])).tolist()
    return list(pairwise(edges)) or [(0, 0)]


def _together(likes: Any, weighed: Any) -> NDArray[Any]:
    """Return the whole numbers [n, n]: the sums over some users of the products of their likings."""
    n = likes.shape[1]
    sums = np.empty((n, n), dtype=likes.dtype)
    for rows, block in products(likes.tocsc(), weighed, BLOCK):
        sums[rows] = block
    return sums


def _as_likings(sums: NDArray[Any], step: float) -> NDArray[np.float32]:
    """Return whole numbers [n, n] as float32, times `step`; in their own place where they are as large."""
    same = sums.dtype.itemsize == 4 and sums.flags.writeable
    gram = sums.view(np.float32) if same else np.empty(sums.shape, dtype=np.float32)
    for start in range(0, len(sums), BLOCK):
        gram[start : start + BLOCK] = sums[start : start + BLOCK] * step
    return gram


def prune(model: DenseEase, likes: NDArray[np.int64], config: EaseConfig) -> Ease:
    """Keep the weights that matter most, as whole steps of 1/127 of the largest of their target.

    likes: [n], of each item. A weight matters by its size times the square root of how often it is used, which is
    its share in the spread of the target's scores. About `keep` times n are kept whatever their target, since it is
    across targets that scores are compared, and at least `keep_least` for each.
    """
    n = len(model.items)
    use = np.sqrt(np.maximum(likes, 1)).astype(np.float32)[:, np.newaxis]
    enough = _threshold(model.weights, use, config.keep * n)
    least = min(config.keep_least, n)
    scales = np.empty(n, dtype=np.float32)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]] = []
    for start in range(0, n, BLOCK):
        block = np.ascontiguousarray(model.weights[:, start : start + BLOCK])
        worth = np.abs(block) * use
        block[worth < np.minimum(np.partition(worth, n - least, axis=0)[n - least], enough)] = 0.0
        scale = np.maximum(np.abs(block).max(axis=0), np.finfo(np.float32).tiny) / LEVELS
        steps = np.rint(block / scale).astype(np.int8)
        scales[start : start + BLOCK] = scale
        source, target = np.nonzero(steps)
        found.append((source, target + start, steps[source, target]))
    sources = np.concatenate([f[0] for f in found])
    order = np.argsort(sources, kind="stable")
    return Ease(
        items=model.items,
        indptr=np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))]).astype(np.int64),
        targets=np.concatenate([f[1] for f in found])[order].astype(np.uint16),
        steps=np.concatenate([f[2] for f in found])[order],
        scales=scales,
    )


def _threshold(weights: NDArray[np.float32], use: NDArray[np.float32], count: int) -> np.float32:
    """Return a worth that about `count` weights reach (not fewer; all of them where there are not more).

    Found from a histogram over the leading bits of the worths: positive floats are ordered as their bits are, and
    `COARSE` bits less are left within 0.1 % of the value.
    """
    counts = np.zeros(2 ** (31 - COARSE), dtype=np.int64)
    for start in range(0, len(weights), BLOCK):
        worth = np.abs(weights[start : start + BLOCK]) * use[start : start + BLOCK]
        counts += np.bincount((worth.view(np.int32) >> COARSE).ravel(), minlength=len(counts))
    reaching = np.cumsum(counts[::-1])[::-1]
    bits = np.flatnonzero(reaching >= min(count, weights.size))[-1]
    return np.float32(np.array(bits << COARSE, dtype=np.int32).view(np.float32))


def fit(dataset: Dataset, config: EaseConfig, rng: np.random.Generator, *, engine: Engine = LOCAL) -> Ease:
    """Fit and prune; the same from any engine.

    Raises:
        ValueError: the penalty is too small for the matrix to be inverted.
    """
    model = fit_dense(dataset, config, rng, engine=engine)
    likes = dataset.like_counts()[np.searchsorted(dataset.anime_ids, model.items)]
    return prune(model, likes, config)


def restore(state: State) -> Ease:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    model = Ease(**{name: state.arrays[name] for name in ("items", "indptr", "targets", "steps", "scales")})
    n = len(model.items)
    fits = model.indptr.shape == (n + 1,) and len(model.targets) == len(model.steps) == model.indptr[-1]
    if not fits or not is_finite_vector(model.scales, n) or (len(model.targets) and model.targets.max() >= n):
        raise ValueError("the weights of EASE do not fit its items")
    return model
