"""Soft clusters: for one title, those that share most labels with it, and among equals the best rated or the newest.

What it does: what many sites and the first anime recommenders do, for comparison and where nothing else is known.
Likeness comes first: a better rating never lifts a title above one that shares more labels. What it does not: weigh
labels by how rare they are (`content` does), or look at more than one title.
Ties go by the exact mean and the exact day, then by id; what is not known comes last.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.errors import InputError
from anirec.prepare.features import Features

MIN_RATERS = 50
"""A mean of fewer raters counts as not known: a title that three friends gave a 10 is not the best there is."""


class Then(StrEnum):
    """What orders titles that share as many labels."""

    BEST = "best"
    NEWEST = "newest"


def shared_labels(features: Features, anime_id: int) -> NDArray[np.int64]:
    """Return int64 [n]: how many labels each title shares with one.

    Raises:
        InputError: the title is not among those that the features are about.
    """
    rows = rows_of(features.anime_ids, np.array([anime_id], dtype=np.int32))
    if len(rows) == 0:
        raise InputError(f"nothing is known of anime {anime_id}")
    labels = features.of_group("label")
    return np.asarray((labels @ labels[[int(rows[0])]].T).toarray()).ravel().astype(np.int64)


def most_shared(
    features: Features, anime_id: int, *, then: Then | str = Then.BEST, k: int = 20, min_raters: int = MIN_RATERS
) -> NDArray[np.int32]:
    """Return the ids of at most k other titles that share at least one label, most shared first; see above.

    Raises:
        InputError: the title is not known, k is less than 1, or `then` is neither "best" nor "newest".
    """
    if k < 1:
        raise InputError(f"k is {k}; ask for at least 1 title")
    if then not in set(Then):
        raise InputError(f'titles can be ordered by {" or ".join(Then)}, not by "{then}"')
    shared = shared_labels(features, anime_id)
    known = ~np.isnan(features.ratings) & (features.raters >= min_raters)
    rating = np.where(known, features.ratings, -np.inf)
    second = rating if Then(then) is Then.BEST else features.started
    order = np.lexsort((features.anime_ids, -second, -shared))
    order = order[(shared[order] > 0) & (features.anime_ids[order] != anime_id)]
    found: NDArray[np.int32] = features.anime_ids[order[:k]]
    return found
