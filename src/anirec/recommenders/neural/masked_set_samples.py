"""What the masked-set transformer is trained on: parts of lists that are shown, and the likes that are hidden.

Each epoch draws anew from every list. Half of the draws hide 15 % of the likes, as BERT does. The other half show
any number of entries from one to all, small numbers as often as large ones, and hide the whole tail: so that profiles
of three and of ten likes are learned as inputs too. Half of all draws show likes only, and half of those without
scores, because that is how people ask who name a few favourites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import LIKED_FROM
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural.masked_set_serving import Entries
from anirec.recommenders.neural.settings import LoopConfig

TARGET_FROM = 0.5
"""Entries of this liking or more may be hidden and asked for: scores of 5 or more, or watched without a score."""
MIN_LIST = 3  # such entries that a list needs to be learned from
EMPTY = 0.02  # share of draws that show nothing, so that the MASK alone is learned as well
LOOP = LoopConfig(epochs=40, patience=4, lr=1e-3, weight_decay=0.01, warm_up=500)
BUCKET = 16  # batches that are drawn together and sorted by length, to pad less


@dataclass(frozen=True)
class MaskedSetConfig:
    """How the masked-set transformer is built and trained.

    hidden: width, a multiple of `heads`. blocks, heads: of attention. dropout: 0..1, of tokens, attention and sums.
    window: most entries looked at together. genres: most labels of an anime that are mixed in, the rarest first.
    mask_share: 0..1, share of the likes that is hidden. tail: 0..1, share of the draws that hide the whole tail
    instead. likes_only: 0..1, share of the draws that show likes only. plain: 0..1, share of those that show neither
    scores nor statuses. negatives: 0 = softmax over all anime; else gBCE with so many, for catalogues of a hundred
    thousand. calibration: 0..1, the t of gBCE, 0 = none. batch: lists at a time. min_likes: an anime with fewer is left
    out. validation_users: at most so many, held out to stop by.
    """

    hidden: int = 256
    blocks: int = 2
    heads: int = 4
    dropout: float = 0.1
    window: int = 128
    genres: int = 5
    mask_share: float = 0.15
    tail: float = 0.5
    likes_only: float = 0.5
    plain: float = 0.5
    negatives: int = 0
    calibration: float = 0.75
    batch: int = 256
    min_likes: int = 5
    validation_users: int = 600
    loop: LoopConfig = LOOP

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        sizes = (self.hidden, self.blocks, self.heads, self.window, self.genres, self.batch, self.min_likes)
        if min(*sizes, self.validation_users) < 1 or self.negatives < 0 or self.hidden % self.heads:
            raise InputError(f"sizes must be at least 1, negatives 0, and hidden a multiple of heads; got {self}")
        shares = (self.tail, self.likes_only, self.plain, self.calibration)
        if not (0 <= min(shares) <= max(shares) <= 1 and 0 <= self.dropout < 1 and 0 < self.mask_share < 1):
            raise InputError(f"shares lie in 0..1, dropout below 1, mask_share above 0 and below 1; got {self}")


@dataclass(frozen=True)
class Lists:
    """The lists that are learned from, as a CSR of users by items.

    indptr: int64 [u + 1]. entries: [rows], all of them. weights: float32 [rows], the liking of what may be asked for,
    else 0. liked: bool [rows], what a person who names only likes would name.
    """

    indptr: NDArray[np.int64]
    entries: Entries
    weights: NDArray[np.float32]
    liked: NDArray[np.bool_]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.indptr) - 1


def lists_of(dataset: Dataset, items: NDArray[np.int32]) -> Lists:
    """Return the lists, as far as they are of `items` (ids), of users with enough that may be asked for.

    An entry that says nothing (see `Dataset.liking`) is shown as planned, as it is to those who evaluate.
    """
    known = np.isin(dataset.anime_ids, items)
    place = np.cumsum(known) - 1
    askable = dataset.liking >= TARGET_FROM
    enough = np.bincount(dataset.users[askable & known[dataset.items]], minlength=dataset.n_users) >= MIN_LIST
    keep = known[dataset.items] & enough[dataset.users]
    scores, statuses, liking = dataset.scores[keep], dataset.statuses[keep], dataset.liking[keep]
    silent = (scores == 0) & (statuses == Status.UNKNOWN) & ~dataset.liked[keep]
    counts = np.bincount(dataset.users[keep], minlength=dataset.n_users)[enough]
    return Lists(
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        entries=Entries(
            items=place[dataset.items[keep]],
            scores=scores.astype(np.int64),
            statuses=np.where(silent, np.int64(Status.PLANNED), statuses),
        ),
        weights=np.where(liking >= TARGET_FROM, liking, np.float32(0)),
        liked=(scores >= LIKED_FROM) | ((scores == 0) & (liking >= TARGET_FROM)),
    )


@dataclass(frozen=True)
class Sample:
    """One draw. shown: at most `window` entries. targets: int64 [e], at least one item, none shown. weights: sum 1."""

    shown: Entries
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]


def draw(lists: Lists, user: int, config: MaskedSetConfig, rng: np.random.Generator) -> Sample:
    """Draw what is shown of a user's list; all that may be asked for and is not shown is a target."""
    start, stop = int(lists.indptr[user]), int(lists.indptr[user + 1])
    weights, liked = lists.weights[start:stop], lists.liked[start:stop]
    likes_only = rng.random() < config.likes_only and bool(liked.any())
    order = rng.permutation(np.flatnonzero(liked)) if likes_only else rng.permutation(stop - start)
    if rng.random() < EMPTY:
        order = order[:0]
    elif rng.random() < config.tail:
        order = order[: int(np.exp(rng.random() * np.log(len(order))))]
    else:
        order = order[(weights[order] == 0) | (rng.random(len(order)) >= config.mask_share)]
    shown = order[: config.window]
    hidden = weights > 0
    hidden[shown] = False
    if not hidden.any():
        spare = shown[weights[shown] > 0][0]
        hidden[spare], shown = True, shown[shown != spare]
    entries = lists.entries[np.sort(shown) + start]
    if likes_only and rng.random() < config.plain:
        none = np.zeros(len(entries), dtype=np.int64)
        entries = Entries(entries.items, scores=none, statuses=none + int(Status.UNKNOWN))
    rows = np.flatnonzero(hidden)
    return Sample(entries, lists.entries.items[rows + start], weights[rows] / weights[rows].sum())


@dataclass(frozen=True)
class Padded:
    """Entries of several profiles side by side, int64 [b, t]. real: bool [b, t], False = padding."""

    items: NDArray[np.int64]
    scores: NDArray[np.int64]
    statuses: NDArray[np.int64]
    real: NDArray[np.bool_]


def padded(parts: Sequence[Entries]) -> Padded:
    """Put profiles side by side, each filled up on the right to the length of the longest."""
    real = np.arange(max(map(len, parts)))[np.newaxis] < np.array([[len(part)] for part in parts])
    items, scores, statuses = (np.zeros(real.shape, dtype=np.int64) for _ in range(3))
    items[real] = np.concatenate([part.items for part in parts])
    scores[real] = np.concatenate([part.scores for part in parts])
    statuses[real] = np.concatenate([part.statuses for part in parts])
    return Padded(items, scores, statuses, real)


def batches(lists: Lists, config: MaskedSetConfig, rng: np.random.Generator) -> Iterator[list[Sample]]:
    """Yield an epoch: one draw from every list, in random order, those of like length together."""
    order = rng.permutation(lists.n_users)
    for start in range(0, len(order), BUCKET * config.batch):
        samples = [draw(lists, int(user), config, rng) for user in order[start : start + BUCKET * config.batch]]
        samples.sort(key=lambda sample: len(sample.shown))
        for first in rng.permutation(np.arange(0, len(samples), config.batch)):
            yield samples[first : first + config.batch]
