"""Runner: EASE, implicit matrix factorisation or item-kNN of `lenskit`, in an environment where it is installed.

Its own pipeline for top-n, fitted on the likes of train and asked with a query for each test user that holds what is
given of the user: it finds the vector of somebody whom it has not seen itself. The defaults but for the length of the
vectors, which is that of all factorisations here; and the best of its grid on the validation users.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from lenskit import recommend
from lenskit.als import ImplicitMFScorer
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import EASEScorer, ItemKNNScorer
from lenskit.pipeline import topn_pipeline
from lenskit.training import TrainingOptions
from scipy import sparse

from exchange import DEPTH, Split, Tops, asked
from grids import EASE, LENSKIT_IALS, LENSKIT_ITEM_KNN, Grid
from trials import Fitted, Method, Settings, run

FACTORS = 128
Scorer = Callable[..., Any]


def main() -> None:
    """Run one of its models."""
    args = asked(__doc__, models=list(MODELS)).parse_args()
    split = Split.read(args.split)
    scorer, defaults, grid = MODELS[args.model]
    rows = split.train.matrix(split.n).tocoo()
    learned = from_interactions_df(pd.DataFrame({"user_id": rows.row, "item_id": rows.col}))
    fit = partial(fitted, scorer, learned, args.seed)
    run(Method(f"lenskit {args.model}", f"lenskit {version('lenskit')}", fit, defaults, grid), split, args.out)


def fitted(scorer: Scorer, learned: Any, seed: int, settings: Settings) -> Fitted:
    """Train a pipeline."""
    pipeline = topn_pipeline(scorer(**settings), n=DEPTH)
    begun = time.process_time()
    pipeline.train(learned, TrainingOptions(rng=seed))
    return Fitted(partial(tops, pipeline), time.process_time() - begun)


def tops(pipeline: Any, given: sparse.csr_matrix) -> Tops:
    """Return the lists of users who were not learned from; -1 where a list is short."""
    made = np.full((given.shape[0], DEPTH), -1, dtype=np.int32)
    for user in range(len(made)):
        found = recommend(pipeline, RecQuery(history_items=ItemList(item_ids=given[user].indices))).ids()
        made[user, : len(found)] = found
    return made


def ease(l2: float) -> Any:
    """Return its EASE."""
    return EASEScorer(regularization=l2)


def ials(weight: float, regularization: float) -> Any:
    """Return its factorisation."""
    return ImplicitMFScorer(embedding_size=FACTORS, weight=weight, regularization=regularization)


def item_knn(max_nbrs: int) -> Any:
    """Return its item-kNN, told that these are likes and not ratings."""
    return ItemKNNScorer(feedback="implicit", max_nbrs=max_nbrs)


MODELS: dict[str, tuple[Scorer, Settings, Grid]] = {
    "ease": (ease, {"l2": 1.0}, EASE),
    "ials": (ials, {"weight": 40.0, "regularization": 0.1}, LENSKIT_IALS),
    "item-knn": (item_knn, {"max_nbrs": 20}, LENSKIT_ITEM_KNN),
}
"""What makes its scorer, the settings that it comes with, and its grid."""

if __name__ == "__main__":
    main()
