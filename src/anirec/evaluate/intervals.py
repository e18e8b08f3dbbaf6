"""How sure a mean over users is, and a difference of two.

Intervals: percentile bootstrap (Efron & Tibshirani 1993, chapter 13). Tests: random flips of signs (Fisher 1935; for
retrieval, Smucker et al. 2007), and Holm's correction for many at once (Holm 1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
FLIPS: Final = 10_000
CHUNK_CELLS: Final = 4_000_000
"""Draws held at a time, 16 bytes each: bounds memory to 64 MB however many users there are."""


@dataclass(frozen=True)
class Interval:
    """A mean over n users and the bounds between which it lies with 95 % confidence."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """Return `0.5120 [0.5010, 0.5230]`."""
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


def bootstrap(
    values: NDArray[np.float64], rng: np.random.Generator, *, resamples: int = RESAMPLES, level: float = 0.95
) -> list[Interval]:
    """Return the mean of each column with its interval.

    values: float64 [users, m], one row per user, at least one; nan where a user says nothing of a column, which must
    hold one number at least. The users are drawn anew, the same draws for all columns, so a column that holds the
    differences of two systems on the same users gets the paired interval. level: the share of resampled means between
    the bounds, above 0, below 1.
    """
    n = len(values)
    said = ~np.isnan(values)
    counts = said.sum(axis=0)
    known, partly = np.where(said, values, 0.0), bool((counts < n).any())
    means = []
    step = max(1, CHUNK_CELLS // n)
    for done in range(0, resamples, step):
        # How often each user is drawn makes a resampled mean a weighted one.
        samples = min(step, resamples - done)
        who = rng.integers(n, size=(samples, n)) + n * np.arange(samples)[:, np.newaxis]
        drawn = np.bincount(who.ravel(), minlength=samples * n).reshape(samples, n).astype(np.float64)
        weights = drawn @ said if partly else np.full((len(drawn), 1), float(n))
        sums = drawn @ known
        means.append(np.divide(sums, weights, out=np.full_like(sums, np.nan), where=weights > 0))
    low, high = np.nanquantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return [
        Interval(float(mean), float(a), float(b), int(count))
        for mean, a, b, count in zip(known.sum(axis=0) / counts, low, high, counts, strict=True)
    ]


def sign_flips(
    differences: NDArray[np.float64], rng: np.random.Generator, *, flips: int = FLIPS
) -> NDArray[np.float64]:
    """Return float64 [m]: for each column, how probable so large a mean is, in size, if each sign were a coin's toss.

    differences: float64 [users, m], of two systems on the same users, at least one user, finite. Never 0: what was
    found counts as one of the draws.
    """
    n, m = differences.shape
    found = np.abs(differences.sum(axis=0))
    as_large = np.ones(m)
    step = max(1, CHUNK_CELLS // n)
    for done in range(0, flips, step):
        samples = min(step, flips - done)
        coins = np.unpackbits(np.frombuffer(rng.bytes(samples * -(-n // 8)), np.uint8).reshape(samples, -1), axis=1)
        signs = 2.0 * coins[:, :n] - 1
        as_large += (np.abs(signs @ differences) >= found - 1e-9).sum(axis=0)
    return as_large / (flips + 1)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values, in the same order, that may be read as if only one test had been made. p: [m], 0..1."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(len(p), 0, -1)))
    corrected: NDArray[np.float64] = np.empty_like(stepped)
    corrected[order] = stepped
    return corrected
