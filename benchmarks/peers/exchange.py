"""What the runners of peers and of ours hand one another: a split of likes, and lists made of it.

Imports NumPy and SciPy only, so that it runs in whatever environment a peer needs.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

DEPTH: Final = 100
CHUNK: Final = 200  # profiles scored at a time
ASKED: Final = 200  # users whose wait for a list is measured
PATIENCE: Final = 10.0  # seconds after which no more of them are asked

Rows = NDArray[np.int64]
Tops = NDArray[np.int32]
Score = Callable[[sparse.csr_matrix], NDArray[Any]]
"""Given likes [p, n], 0 or 1, returns a score [p, n] for each title, higher is better."""


@dataclass(frozen=True)
class Likes:
    """Who likes what: a CSR of users by titles. indptr: int64 [u + 1]. items: int32, ascending within a user."""

    indptr: Rows
    items: NDArray[np.int32]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.indptr) - 1

    def of(self, user: int) -> NDArray[np.int32]:
        """Return the titles of a user (a place)."""
        return self.items[self.indptr[user] : self.indptr[user + 1]]

    def matrix(self, n: int) -> sparse.csr_matrix:
        """Return float32 [u, n], 1 for a like."""
        ones = np.ones(len(self.items), dtype=np.float32)
        return sparse.csr_matrix((ones, self.items, self.indptr), shape=(self.n_users, n))

    def with_all(self, other: Likes) -> Likes:
        """Return the same users with the titles of both, ascending."""
        lists = [np.sort(np.concatenate([self.of(user), other.of(user)])) for user in range(self.n_users)]
        return likes_of(lists)

    def and_users(self, other: Likes) -> Likes:
        """Return the users of both, one after the other."""
        return likes_of([*map(self.of, range(self.n_users)), *map(other.of, range(other.n_users))])


def likes_of(lists: Sequence[NDArray[np.int32]]) -> Likes:
    """Put lists, at least one, side by side."""
    lengths = np.cumsum([len(one) for one in lists])
    return Likes(np.concatenate([[0], lengths]).astype(np.int64), np.concatenate(lists).astype(np.int32))


PARTS: Final = ("train", "valid_given", "valid_targets", "test_given", "test_targets")


@dataclass(frozen=True)
class Split:
    """Likes to learn from, and users who are wholly held out: to choose settings by, and to be tested on.

    anime_ids: int32 [n], ascending; titles are places in it everywhere else.
    """

    anime_ids: NDArray[np.int32]
    train: Likes
    valid_given: Likes
    valid_targets: Likes
    test_given: Likes
    test_targets: Likes

    @property
    def n(self) -> int:
        """Number of titles."""
        return len(self.anime_ids)

    @property
    def train_and_valid(self) -> Likes:
        """All likes of all users but those of the test: for who holds users of their own out to stop by."""
        return self.train.and_users(self.valid_given.with_all(self.valid_targets))

    def save(self, file: Path) -> None:
        """Write it as one npz file."""
        arrays = {f"{part}_{name}": array for part in PARTS for name, array in vars(getattr(self, part)).items()}
        np.savez_compressed(file, anime_ids=self.anime_ids, **arrays)

    @classmethod
    def read(cls, file: Path) -> Split:
        """Read what `save` wrote."""
        with np.load(file) as arrays:
            parts = {part: Likes(arrays[f"{part}_indptr"], arrays[f"{part}_items"]) for part in PARTS}
            return cls(anime_ids=arrays["anime_ids"], **parts)


def top(scores: NDArray[Any], given: sparse.csr_matrix) -> Tops:
    """Return int32 [p, DEPTH]: the best titles that are not given, best first; equal scores go by place."""
    ranked = np.array(scores, dtype=np.float64)
    ranked[given.nonzero()] = -np.inf
    return np.argsort(-ranked, axis=1, kind="stable")[:, :DEPTH].astype(np.int32)


def lists(score: Score, given: Likes, n: int) -> Tops:
    """Return the lists of all users."""
    matrix = given.matrix(n)
    chunks = [matrix[start : start + CHUNK] for start in range(0, given.n_users, CHUNK)]
    return np.concatenate([top(score(chunk), chunk) for chunk in chunks])


def wait_of(ask: Callable[[sparse.csr_matrix], object], given: Likes, n: int) -> float:
    """Return the milliseconds that one user waits: the median over the first `ASKED` users, asked for one by one.

    Milliseconds are of the processor: on a shared machine the clock would count what others take meanwhile.
    ask: makes the list of one user, likes [1, n]. Fewer users are asked where that takes longer than `PATIENCE`.
    """
    matrix = given.matrix(n)
    waits: list[float] = []
    for user in range(min(ASKED, given.n_users)):
        if sum(waits) > PATIENCE:
            break
        row = matrix[user]
        begun = time.process_time()
        ask(row)
        waits.append(time.process_time() - begun)
    return 1000 * float(np.median(waits))


def wait_for(score: Score, given: Likes, n: int) -> float:
    """Return what `wait_of` does for a system that scores titles and leaves ranking to who asks."""
    return wait_of(lambda row: top(score(row), row), given, n)


def ndcg(tops: Tops, targets: Likes, k: int = 10) -> NDArray[np.float64]:
    """Return float64 [p], NDCG at k with binary gains: what settings are chosen by while a runner is at it."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    hits = np.stack([np.isin(row[:k], targets.of(user)) for user, row in enumerate(tops)])
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(np.diff(targets.indptr), k)]
    gained: NDArray[np.float64] = (hits @ discounts) / ideal
    return gained


def valid_ndcg(score: Score, split: Split) -> float:
    """Return the mean NDCG@10 of the validation users."""
    return float(ndcg(lists(score, split.valid_given, split.n), split.valid_targets).mean())


@dataclass(frozen=True)
class Result:
    """One system's lists for the test users.

    tops: int32 [users, DEPTH]. seconds: of the processor, not of the clock on the wall
    (machines are shared), spent on fitting with the settings chosen. facts: text, what was run with what.
    curve: pairs of seconds of fitting and lists then, for those that can be stopped on the way.
    wait_ms: of the processor, from a user's likes to the list of DEPTH titles, None if it was not measured.
    alone: whether users were asked for one by one; if not, it is the time of a batch by its users.
    """

    name: str
    tops: Tops
    seconds: float
    facts: str
    curve: tuple[tuple[float, Tops], ...] = ()
    wait_ms: float | None = None
    alone: bool = True

    def save(self, file: Path) -> None:
        """Write it with the peak memory of this process, in MB, as one npz file."""
        empty = np.empty((0, *self.tops.shape), dtype=np.int32)
        np.savez_compressed(
            file,
            name=self.name,
            tops=self.tops,
            seconds=self.seconds,
            facts=self.facts,
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            wait_ms=np.nan if self.wait_ms is None else self.wait_ms,
            alone=self.alone,
            curve_seconds=np.array([seconds for seconds, _ in self.curve]),
            curve_tops=np.stack([tops for _, tops in self.curve]) if self.curve else empty,
        )
        wait = "" if self.wait_ms is None else f", {self.wait_ms:.2f} ms a list"
        print(f"{self.name}: {self.seconds:.1f} s{wait}; {self.facts}", flush=True)


def asked(about: str | None, *, checkout: bool = False, budget: bool = False, models: Sequence[str] = ()) -> Any:
    """Return the arguments that all runners take: `split`, `out`, and of the others those that are said."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    if models:
        parser.add_argument("model", choices=models)
    parser.add_argument("--split", type=Path, required=True, help="what split.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="npz file to write")
    parser.add_argument("--seed", type=int, default=0)
    if budget:
        parser.add_argument("--budget", type=float, default=240.0, help="seconds of training")
    if checkout:
        parser.add_argument("--checkout", type=Path, required=True, help="folder of the peer's public code")
    return parser


@dataclass
class Clock:
    """Counts the processor's seconds of training, and not those of looking at how far it is."""

    budget: float
    used: float = 0.0
    started: float = 0.0

    def start(self) -> None:
        """Go on."""
        self.started = time.process_time()

    def stop(self) -> None:
        """Stop counting."""
        self.used += time.process_time() - self.started

    @property
    def over(self) -> bool:
        """Whether the budget is spent; asked for while it counts."""
        return self.used + time.process_time() - self.started >= self.budget
