"""When to stop: how well users whom training does not see are ranked for, after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.discounts import discounts
from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case, Split, held_out_users

DEPTH = 20
CHUNK = 256  # profiles scored at a time


@dataclass(frozen=True)
class Validation:
    """Cases to stop by. items: int32 [n], ascending, what is ranked."""

    cases: tuple[Case, ...]
    items: NDArray[np.int32]

    def ndcg(self, score: Callable[[Sequence[Profile]], NDArray[np.float32]]) -> float:
        """Return the mean NDCG@20 of the targets among all items but the given ones; 0 without cases.

        score: float32 [p, n] for profiles.
        """
        if not self.cases:
            return 0.0
        worth = discounts(DEPTH)
        total = 0.0
        for start in range(0, len(self.cases), CHUNK):
            chunk = self.cases[start : start + CHUNK]
            for scores, case in zip(score([case.given for case in chunk]), chunk, strict=True):
                ranked = scores.astype(np.float32)
                ranked[rows_of(self.items, case.given.anime_ids)] = -np.inf
                top = np.argsort(-ranked, kind="stable")[:DEPTH]
                hits = np.isin(self.items[top], case.targets)
                ideal = worth[: min(len(case.targets), DEPTH)].sum()
                total += float((hits * worth[: len(top)]).sum() / ideal)
        return total / len(self.cases)


def hold_out(
    dataset: Dataset, items: NDArray[np.int32], n_users: int, rng: np.random.Generator, *, few: Sequence[int] = ()
) -> tuple[Dataset, Validation]:
    """Take users out to stop by; returns the dataset without them, and their cases.

    At most a tenth of the users who could be held out are. few: of all but the first of each 1 + len(few) cases, only
    so many likes are given, in turn, so that short profiles count as well.
    """
    split = held_out_users(dataset, n_users=n_users, max_share=0.1, rng=rng)
    known = tuple(case for case in split.cases if np.isin(case.targets, items).any())
    for turn, n in enumerate(few, start=1):
        cut = Split(split.train, known[turn :: 1 + len(few)]).few(n).cases
        known = tuple(
            cut[place // (1 + len(few))] if place % (1 + len(few)) == turn else case for place, case in enumerate(known)
        )
    return split.train, Validation(known, items)
