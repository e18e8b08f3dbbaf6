"""Why a title was recommended: which titles pulled its score up, which pushed it down, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

WORTH_NAMING = 0.25
"""A reason is named if it is at least this part of the strongest one; among hundreds of titles no share is large."""


@dataclass(frozen=True)
class Reason:
    """One title of the profile and its share, -1..1, of everything that pulled up (plus) or pushed down (minus)."""

    anime_id: int
    share: float


def reasons(profile_ids: NDArray[np.int32], contributions: NDArray[np.float32], most: int = 3) -> list[Reason]:
    """Return the strongest reasons of one recommendation: at most `most` for it, then at most one against it.

    profile_ids: int32 [m], ascending. contributions: float32 [m], what each adds to the score. Empty where nothing of
    the profile has a say. Ties by id.
    """
    return reasons_of_all(profile_ids, contributions[:, np.newaxis], most)[0]


def reasons_of_all(
    profile_ids: NDArray[np.int32], contributions: NDArray[np.float32], most: int = 3
) -> list[list[Reason]]:
    """Return the reasons of n recommendations, see `reasons`. contributions: float32 [m, n]."""
    totals = np.abs(contributions).sum(axis=0)
    shares = contributions / np.where(totals > 0, totals, 1)
    order = np.argsort(-shares, axis=0, kind="stable")  # ids ascend, so equal shares are in their order
    ends = order if len(order) <= most + 1 else np.concatenate([order[:most], order[-1:]])
    values = np.take_along_axis(shares, ends, axis=0).T.tolist()
    named = profile_ids[ends].T.tolist()
    found = []
    for of_one, ids in zip(values, named, strict=True):
        least = WORTH_NAMING * max(map(abs, of_one), default=0.0)
        told = list(zip(ids, of_one, strict=True)) if least else []
        pulled = [Reason(anime_id, share) for anime_id, share in told if share >= least][:most]
        pushed = [Reason(anime_id, share) for anime_id, share in told[-1:] if share <= -least]
        found.append([*pulled, *pushed])
    return found


def shared_labels(labels: Sequence[str], of_others: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the labels of a title that others carry, too: what most of them carry first, else in the title's order.

    of_others: of each one its labels, each once.
    """
    carried = Counter(chain.from_iterable(of_others))
    shared = [label for label in labels if label in carried]
    if len(of_others) > 1:
        shared.sort(key=carried.__getitem__, reverse=True)  # which keeps the order of equals
    return tuple(shared)
