"""Runner: EASE of the library that is named, in an environment where it is installed.

Its l2 is as it comes, and the best of the grid of ours on the validation users. `plain` is the method as published
(Steck 2019, eq. 8) in NumPy, for where no library installs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy import sparse

from exchange import DEPTH, Split, Tops, asked
from grids import EASE
from trials import Fitted, Method, Settings, ranked, run


def main() -> None:
    """Run one library."""
    args = asked(__doc__, models=list(LIBRARIES)).parse_args()
    split = Split.read(args.split)
    fit, default = LIBRARIES[args.model]
    library = "NumPy" if args.model == "plain" else f"{args.model} {version(args.model)}"
    fit = partial(fit, split.train.matrix(split.n))
    run(Method(f"{args.model} EASE", library, fit, {"l2": default}, EASE), split, args.out)


def by_rectools(likes: sparse.csr_matrix, settings: Settings) -> Fitted:
    """Fit RecTools' own, and ask its `recommend` about a data set of the users who ask, with the titles it knows.

    One more user, who likes everything, stands in that data set: it is as wide as the titles that somebody in it likes.
    """
    import pandas as pd
    from rectools.dataset import Dataset, IdMap, Interactions
    from rectools.models import EASEModel

    def table(given: sparse.csr_matrix) -> pd.DataFrame:
        rows = given.tocoo()
        return pd.DataFrame({"user_id": rows.row, "item_id": rows.col, "weight": rows.data, "datetime": "2020-01-01"})

    learned = Dataset.construct(table(likes))
    model = EASEModel(regularization=settings["l2"], recommend_n_threads=1)
    seconds = timed(lambda: model.fit(learned))

    def tops(given: sparse.csr_matrix) -> Tops:
        rows = table(sparse.vstack([given, sparse.csr_matrix(np.ones((1, given.shape[1]), dtype=np.float32))]))
        users = IdMap.from_values(np.arange(given.shape[0] + 1))
        asking = Dataset(users, learned.item_id_map, Interactions.from_raw(rows, users, learned.item_id_map))
        found = model.recommend(np.arange(given.shape[0]), asking, k=DEPTH, filter_viewed=True)
        return placed(found["user_id"].to_numpy(), found["item_id"].to_numpy(), given.shape[0])

    return Fitted(tops, seconds)


def placed(users: Any, items: Any, n_users: int) -> Tops:
    """Return int32 [n_users, DEPTH] of pairs that stand by user, best first; -1 where a list is short."""
    tops = np.full((n_users, DEPTH), -1, dtype=np.int32)
    lengths = np.bincount(users, minlength=n_users)
    tops[users, np.concatenate([np.arange(length) for length in lengths])] = items
    return tops


def by_irspack(likes: sparse.csr_matrix, settings: Settings) -> Fitted:
    """Fit irspack's own; it scores those whom it has not seen."""
    from irspack import DenseSLIMRecommender

    model = DenseSLIMRecommender(likes.astype(np.float64), reg=settings["l2"])
    return Fitted(ranked(lambda given: model.get_score_cold_user(given.astype(np.float64))), timed(model.learn))


def plain(likes: sparse.csr_matrix, settings: Settings) -> Fitted:
    """Fit the method as published."""
    begun = time.process_time()
    inverse = np.linalg.inv((likes.T @ likes).toarray() + settings["l2"] * np.eye(likes.shape[1], dtype=np.float32))
    weights = inverse / -np.diagonal(inverse)
    np.fill_diagonal(weights, 0.0)
    return Fitted(ranked(lambda given: np.asarray(given @ weights)), time.process_time() - begun)


def timed(fit: Callable[[], Any]) -> float:
    """Return the seconds of the processor that it takes."""
    begun = time.process_time()
    fit()
    return time.process_time() - begun


LIBRARIES: dict[str, tuple[Callable[[sparse.csr_matrix, Settings], Fitted], float]] = {
    "rectools": (by_rectools, 500.0),
    "irspack": (by_irspack, 1.0),
    "plain": (plain, 500.0),
}
"""What fits it, and the l2 that it comes with; that of `plain` is what was published for MovieLens."""

if __name__ == "__main__":
    main()
