"""What is like the first answers to a query: they say more of what was meant than the query's few words.

Nobody labels or reviews every title in the words that people search with; but who likes, labels and names the first
answers knows what else is of their kind. So the best answers by the query alone stand for it, and every lens of
`similar` says what is like all of them together.

Source: pseudo relevance feedback, Rocchio 1971, "Relevance feedback in information retrieval"; here in the spaces of
the lenses rather than of words.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.recommenders.similar import Similar

SEEDS: Final = 15
"""First answers that stand for the query, one of each franchise. With 6, 10 and 25: less on the development half."""
PREFIX: Final = "kin_"
MOST: Final = np.float32(1.2)
"""Seeds and their relatives are nearer to the seeds than all else; more than this they get nothing for it."""
NEAR: Final = np.float32(0.5)
"""From so much in one lens a title may be shown that nothing else speaks for."""


def seeds(scores: NDArray[np.float32], catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the rows of the best, best first, at most `SEEDS`, one of each franchise, without adult titles.

    scores: float32 [n], -inf for what does not answer.
    """
    open_to_all = np.where(catalogue.adult, np.float32(-np.inf), scores)
    order = _best(open_to_all, SEEDS * 20)
    order = order[open_to_all[order] > -np.inf]
    _, first = np.unique(catalogue.franchise[order], return_index=True)
    found: NDArray[np.int64] = order[np.sort(first)][:SEEDS]
    return found


def _best(scores: NDArray[np.float32], m: int) -> NDArray[np.int64]:
    """Return the rows of the m best, best first, ties by row."""
    floor = np.partition(scores, -m)[-m] if m < len(scores) else np.float32(-np.inf)
    front = np.flatnonzero(scores >= floor)
    best: NDArray[np.int64] = front[np.argsort(-scores[front], kind="stable")][:m]
    return best


def kin(rows: NDArray[np.int64], similar: Similar, catalogue: Catalogue) -> dict[str, NDArray[np.float32]]:
    """Return by lens a view `kin_NAME`, float32 [catalogue], 0..`MOST`: how like the seeds each anime is.

    rows: of the seeds; none = no view.
    """
    if len(rows) == 0:
        return {}
    whole = len(similar.items) == len(catalogue)  # ids ascend, so they are the same
    places = slice(None) if whole else catalogue.rows_of(similar.items)
    views = {}
    for name, part in similar.parts(Profile.of_likes(np.sort(catalogue.anime_ids[rows]).tolist())).items():
        view = np.zeros(len(catalogue), dtype=np.float32)
        view[places] = np.minimum(part, MOST)
        views[PREFIX + name] = view
    return views
