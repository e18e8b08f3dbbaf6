"""Runner: EASE of the library that is named, in an environment where it is installed.

Its l2 is the best of `GRID` on the validation users, the same as ours is chosen from. `plain` is the method as
published (Steck 2019, eq. 8) in NumPy, for where no library installs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from exchange import Result, Score, Split, asked, lists, valid_ndcg

GRID = (50.0, 100.0, 200.0, 500.0)


def main() -> None:
    """Run one library."""
    args = asked(__doc__, models=list(LIBRARIES)).parse_args()
    split = Split.read(args.split)
    likes = split.train.matrix(split.n)
    found: dict[float, tuple[float, Score, float]] = {}
    for l2 in GRID:
        score, seconds = LIBRARIES[args.model](likes, l2)
        found[l2] = (valid_ndcg(score, split), score, seconds)
        print(l2, found[l2][0], f"{seconds:.1f} s", flush=True)
    best = max(found, key=lambda l2: found[l2][0])
    _, score, seconds = found[best]
    library = "NumPy" if args.model == "plain" else f"{args.model} {version(args.model)}"
    tops = lists(score, split.test_given, split.n)
    Result(f"{args.model} EASE", tops, seconds, f"{library}, l2 {best}").save(args.out)


def by_rectools(likes: sparse.csr_matrix, l2: float) -> tuple[Score, float]:
    """Return the scores and the seconds of fitting."""
    import pandas as pd
    from rectools.dataset import Dataset
    from rectools.models import EASEModel

    rows = likes.tocoo()
    table = pd.DataFrame({"user_id": rows.row, "item_id": rows.col, "weight": rows.data, "datetime": "2020-01-01"})
    dataset = Dataset.construct(table)
    inside = dataset.item_id_map.convert_to_internal(np.arange(likes.shape[1]))
    model = EASEModel(regularization=l2, recommend_n_threads=1)
    seconds = _timed(lambda: model.fit(dataset))
    return _by_weights(model.weight[np.ix_(inside, inside)]), seconds


def by_irspack(likes: sparse.csr_matrix, l2: float) -> tuple[Score, float]:
    """Return the scores and the seconds of fitting."""
    from irspack import DenseSLIMRecommender

    model = DenseSLIMRecommender(likes.astype(np.float64), reg=l2)
    seconds = _timed(model.learn)
    return _by_weights(np.asarray(model.W)), seconds


def plain(likes: sparse.csr_matrix, l2: float) -> tuple[Score, float]:
    """Return the scores and the seconds of fitting."""
    weights = np.empty((0, 0))

    def fit() -> None:
        nonlocal weights
        inverse = np.linalg.inv((likes.T @ likes).toarray() + l2 * np.eye(likes.shape[1], dtype=np.float32))
        weights = inverse / -np.diagonal(inverse)
        np.fill_diagonal(weights, 0.0)

    seconds = _timed(fit)
    return _by_weights(weights), seconds


def _timed(fit: Callable[[], Any]) -> float:
    begun = time.process_time()
    fit()
    return time.process_time() - begun


def _by_weights(weights: NDArray[Any]) -> Score:
    return lambda given: np.asarray(given @ weights)


LIBRARIES = {"rectools": by_rectools, "irspack": by_irspack, "plain": plain}

if __name__ == "__main__":
    main()
