"""Where one target stands among a few sampled titles: what many papers report, and why it says so little.

What it does: rank = 1 + titles that score more + half of those that score the same, so that a scorer to whom all is
alike stands in the middle. What it does not: tell models apart that all know which titles are popular (Krichene &
Rendle 2020, "On sampled metrics for item recommendation"); the full ranking is always shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in
from anirec.core.protocols import Recommender
from anirec.prepare.splits import Case

Ranks = NDArray[np.float64]
"""float64 [cases]: ranks from 1, with a half where a tie is split. Every metric of them is [cases], too, 0..1."""

KS: Final = (1, 5, 10, 20, 50, 100)
CHUNK: Final = 128


def recall(ranks: Ranks, k: int) -> Ranks:
    """Return 1 where the target stands among the first k."""
    return np.where(ranks <= k, 1.0, 0.0)


def ndcg(ranks: Ranks, k: int) -> Ranks:
    """Return 1 / log2(rank + 1) where the target stands among the first k, else 0."""
    return np.where(ranks <= k, 1 / np.log2(ranks + 1), 0.0)


def reciprocal(ranks: Ranks) -> Ranks:
    """Return 1 / rank."""
    return 1 / ranks


SAMPLED: Final[Mapping[str, Callable[[Ranks], Ranks]]] = {
    **{f"recall@{k}": partial(recall, k=k) for k in KS},
    **{f"ndcg@{k}": partial(ndcg, k=k) for k in KS},
    "mrr": reciprocal,
}


def ranks_among(recommender: Recommender, cases: Sequence[Case], negatives: NDArray[np.int32]) -> Ranks:
    """Return float64 [cases]: the rank of each case's first target among it and its negatives, from 1.

    negatives: int32 [cases, m], ids. What a recommender does not know scores less than all that it knows.
    """
    ranks = np.empty(len(cases))
    for start in range(0, len(cases), CHUNK):
        chunk = cases[start : start + CHUNK]
        scores = recommender.score([case.given for case in chunk])
        for i, case in enumerate(chunk, start=start):
            ids = np.concatenate([case.targets[:1], negatives[i]]).astype(np.int32)
            places, known = found_in(recommender.items, ids)
            own = np.full(len(ids), -np.inf)
            own[known] = scores[i - start][places]
            ranks[i] = 1 + (own[1:] > own[0]).sum() + (own[1:] == own[0]).sum() / 2
    return ranks
