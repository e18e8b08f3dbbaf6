"""Who likes what as sparse matrices, and what a profile says of the titles that a model knows.

Shared by the models that are linear in the likings. Only positive likings are learned from; what a profile dislikes
still counts when it is scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in
from anirec.core.profile import LIKING_STEP, Profile
from anirec.prepare.dataset import Dataset


def most_liked(dataset: Dataset, min_likes: int, max_items: int) -> NDArray[np.int64]:
    """Return the places in `dataset.anime_ids` of at most `max_items` titles, ascending; ties in likes go by id."""
    likes = dataset.like_counts()
    most = np.argsort(-likes, kind="stable")[:max_items]
    return np.sort(most[likes[most] >= max(min_likes, 1)])


def known(items: NDArray[np.int32], profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places in `items` of the titles of a profile that are known, ascending, and how they are liked."""
    rows, which = found_in(items, profile.anime_ids)
    return rows, profile.liking[which]


def likings_matrix(dataset: Dataset, places: NDArray[np.int64]) -> Any:
    """Return a `scipy.sparse.csc_array` float32 [users, n]: the positive likings of the titles at these places."""
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    column = np.full(len(dataset.anime_ids), -1, dtype=np.int64)
    column[places] = np.arange(len(places))
    keep = (dataset.liking > 0) & (column[dataset.items] >= 0)
    return sparse.csc_array(
        (dataset.liking[keep], (dataset.users[keep], column[dataset.items[keep]])),
        shape=(dataset.n_users, len(places)),
    )


def in_steps(likings: Any) -> Any:
    """Return a sparse matrix of likings as int32, how many of `LIKING_STEP` each is; its places are shared."""
    steps = np.rint(likings.data / np.float32(LIKING_STEP)).astype(np.int32)
    return type(likings)((steps, likings.indices, likings.indptr), shape=likings.shape)


def products(targets: Any, sources: Any, block: int) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield the rows of T'S, `block` at a time, with where they stand: [<= block, sources] of the matrices' type.

    targets, sources: sparse [users, .]. A cell is the sum over users of the products of their likings.
    """
    rows = sources.tocsr()
    for start in range(0, targets.shape[1], block):
        stop = min(start + block, targets.shape[1])
        yield slice(start, stop), (targets[:, start:stop].T @ rows).toarray()
