"""How good ranked lists are: one number per list, then what all lists together are like. Written for many at once.

Those per list take `hits`, bool [p, depth]: whether the title at each place of each list, best first, is a target
(False past the end of a short list); and `n_targets`, int [p], how many targets each list had to find, at least 1.
They return float64 [p], 0..1, higher is better.

Those over all lists take `tops`, int [p, k]: catalogue rows of the first k of each list, -1 past the end of a short
one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anirec.core.discounts import discounts

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]
Tops = NDArray[np.int64]


def ndcg(hits: Hits, n_targets: Counts, k: int) -> Values:
    """Return the normalised discounted cumulated gain at k: DCG@k / ideal DCG@k.

    DCG@k is the sum of 1 / log2(place + 1) over the hits among the first k. The ideal list has all its targets, or k
    of them, in front. Source: Järvelin & Kekäläinen 2002, binary gains; the discount from place 1 on as in
    Burges et al. 2005.
    """
    counted = discounts(k)
    gained = hits[:, :k] @ counted[: hits.shape[1]]
    ideal = np.concatenate([[0.0], np.cumsum(counted)])[np.minimum(n_targets, k)]
    values: Values = gained / ideal
    return values


def graded_ndcg(gained: Values, ideal: Values, k: int) -> Values:
    """Return what `ndcg` does where targets are not worth the same.

    gained: float64 [p, depth], what the title at each place is worth, 0 if it is no target. ideal: float64 [p, m], what
    the targets are worth, most first, at least one above 0. Source: Järvelin & Kekäläinen 2002, with gains as they are.
    """
    counted = discounts(k)
    best = ideal[:, :k] @ counted[: ideal.shape[1]]
    values: Values = gained[:, :k] @ counted[: gained.shape[1]] / best
    return values


def recall(hits: Hits, n_targets: Counts, k: int) -> Values:
    """Return the share of all targets, even if more than k, that stand among the first k."""
    values: Values = hits[:, :k].sum(axis=1) / n_targets
    return values


def precision(hits: Hits, n_targets: Counts, k: int) -> Values:  # noqa: ARG001 - all metrics are called alike
    """Return the share of the first k places that hold a target; a list shorter than k counts as filled with misses."""
    values: Values = hits[:, :k].sum(axis=1) / k
    return values


def hit(hits: Hits, n_targets: Counts, k: int) -> Values:  # noqa: ARG001 - all metrics are called alike
    """Return 1 where a target stands among the first k, 0 elsewhere; its mean is the hit rate."""
    return np.where(hits[:, :k].any(axis=1), 1.0, 0.0)


def reciprocal_rank(hits: Hits, n_targets: Counts, k: int) -> Values:  # noqa: ARG001 - all metrics are called alike
    """Return 1 / place of the first target among the first k, 0 if there is none; its mean is MRR.

    Source: Voorhees 1999 (TREC-8 question answering).
    """
    first = np.argmax(hits[:, :k], axis=1)
    return np.where(hits[:, :k].any(axis=1), 1.0 / (first + 1), 0.0)


def average_precision(hits: Hits, n_targets: Counts, k: int) -> Values:
    """Return the sum of precision@place over the targets among the first k, by the number of targets; its mean is MAP.

    Source: Buckley & Voorhees 2000, as `map_cut` of trec_eval: a target beyond the first k counts as never found.
    """
    kept = hits[:, :k]
    precisions = np.cumsum(kept, axis=1) / np.arange(1, kept.shape[1] + 1)
    values: Values = (precisions * kept).sum(axis=1) / n_targets
    return values


def coverage(tops: Tops, n_candidates: int) -> float:
    """Return the share, 0..1, of the candidates that stand in at least one of the lists."""
    return len(np.unique(tops[tops >= 0])) / n_candidates


def mean_popularity(tops: Tops, likes: Counts) -> float:
    """Return the mean number of likes over all places of all lists, 0 if all are empty.

    likes: [catalogue], likes of each title in the train data.
    """
    rows = tops[tops >= 0]
    return float(likes[rows].mean()) if len(rows) else 0.0


def median_popularity_percentile(tops: Tops, likes: Counts) -> float:
    """Return the median, over all places of all lists, of the share (0..1) of liked titles that have fewer likes.

    likes: [catalogue], likes of each title in the train data; titles without any are not compared with. 0 if all lists
    are empty or nothing is liked.
    """
    liked = np.sort(likes[likes > 0])
    rows = tops[tops >= 0]
    return float(np.median(np.searchsorted(liked, likes[rows]) / len(liked))) if len(rows) and len(liked) else 0.0


def gini(tops: Tops, n_candidates: int) -> float:
    """Return how unevenly the places are given to the candidates: 0 all the same, towards 1 all to one.

    Source: Gini 1912, as in Fleder & Hosanagar 2009. 0 if all lists are empty.
    """
    counts = np.bincount(np.unique(tops[tops >= 0], return_inverse=True)[1]) if (tops >= 0).any() else np.zeros(0)
    if not len(counts):
        return 0.0
    shares = np.sort(counts) / counts.sum()
    places = np.arange(n_candidates - len(counts) + 1, n_candidates + 1)
    return float((2 * places - n_candidates - 1) @ shares / n_candidates)
