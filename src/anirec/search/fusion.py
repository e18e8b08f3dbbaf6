"""Several views of how well each anime answers a query -> one chance that it does.

chance = 1 / (1 + e^-(bias + sum of weight * view)). The weights are a logistic regression, so the chance is calibrated
by what it is: of titles shown with 40, about 40 of 100 are labelled as relevant. It was fitted on the development half
of the labelled queries alone, see `benchmarks/search.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

VIEWS: Final = (
    "dense", "words", "said", "named", "near", "all_named", "unwanted", "denied", "like", "years", "kinds", "fame",
    "kin_viewers", "kin_genres", "kin_crowd", "kin_reviews", "kin_synopsis",
)  # fmt: skip
"""What is looked at; each 0..1 for every anime, 0 where nothing is known:

dense: votes of chunks, from the last one found to the best. words: BM25, as a part of what would be all the words.
said: words that its reviews say more often than others', in parts of the tenth best.
named: labels that the query speaks of, each concept by how rare it is. near: labels that come near it in meaning.
all_named: 1 if every concept is met. unwanted: labels that it does not want. denied: BM25 of words that it denies.
like: how alike the titles that it names. years, kinds: 1 if outside of what it speaks of. fame: members, as a rank.
kin_NAME: how like the first answers, through a lens of `similar`; see `service.kin`.
"""

Views = Mapping[str, NDArray[np.float32]]
"""float32 [n] by name; a view that is missing is 0 for all."""


@dataclass(frozen=True)
class FusionWeights:
    """What each of `VIEWS` adds to the logit of the chance; bias: what is there without any.

    Fitted on the development half of the labelled queries, on the 21,000 chunks of the starter bundle.
    """

    bias: float = -10.535
    dense: float = 0.95
    words: float = 0.045
    said: float = 0.661
    named: float = 1.973
    near: float = 2.411
    all_named: float = 0.0
    unwanted: float = -2.028
    denied: float = -1.347
    like: float = 2.28
    years: float = -2.781
    kinds: float = -0.394
    fame: float = 3.151
    kin_viewers: float = 1.198
    kin_genres: float = 4.59
    kin_crowd: float = 0.374
    kin_reviews: float = 0.231
    kin_synopsis: float = 0.381


FIRST: Final = FusionWeights(
    bias=-9.921,
    dense=1.264,
    words=0.247,
    said=1.134,
    named=2.358,
    near=3.15,
    all_named=0.0,
    unwanted=-2.056,
    denied=-1.136,
    like=3.141,
    years=-2.809,
    kinds=-1.595,
    fame=7.313,
    kin_viewers=0.0,
    kin_genres=0.0,
    kin_crowd=0.0,
    kin_reviews=0.0,
    kin_synopsis=0.0,
)
"""The same without kin: they choose the first answers, which tell what the kin are."""


def chances(views: Views, weights: FusionWeights) -> NDArray[np.float32]:
    """Return float32 [n], 0..1.

    Raises:
        KeyError: a view is none of `VIEWS`.
    """
    by_name = asdict(weights)
    (n,) = {len(view) for view in views.values()}
    logit = np.full(n, weights.bias, dtype=np.float32)
    for name, view in views.items():
        if by_name[name]:
            logit += np.float32(by_name[name]) * view
    found: NDArray[np.float32] = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return found


def reciprocal(views: Views, names: tuple[str, ...] = ("dense", "words", "named"), k: int = 60) -> NDArray[np.float32]:
    """Return float32 [n]: the sum of 1 / (k + place) over some views, places from 1; what a view does not see has none.

    Source: Cormack et al. 2009, "Reciprocal rank fusion". Nothing is learned: the way to fuse without labelled queries.
    """
    seen = [views[name] for name in names if name in views]
    total = np.zeros(len(seen[0]), dtype=np.float32)
    for view in seen:
        order = np.argsort(-view, kind="stable")
        order = order[view[order] > 0]
        total[order] += (1 / (k + 1 + np.arange(len(order)))).astype(np.float32)
    return total
