"""Runner: skip-gram of `gensim` as it comes, over the lists as they stand; a test user is the mean of the titles.

Its defaults but for skip-gram, and as many dimensions and passes and as wide a window as ours; and the best of the grid
of ours on the validation users.
"""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version

import numpy as np
from gensim.models import Word2Vec
from scipy import sparse

from exchange import Split, asked
from grids import SKIP_GRAM
from trials import Fitted, Method, Settings, ranked, run

DIMENSIONS, PASSES = 64, 10
DEFAULTS = {"window": 10, "sample": 1e-3}


def main() -> None:
    """Run it with its defaults, then with the settings that are best on the validation users."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    library = f"gensim {version('gensim')}, {DIMENSIONS} dimensions, {PASSES} passes"
    run(
        Method("gensim skip-gram", library, partial(fitted, split, args.seed), DEFAULTS, SKIP_GRAM),
        split,
        args.out,
    )


def fitted(split: Split, seed: int, settings: Settings) -> Fitted:
    """Train it."""
    sentences = [split.train.of(user).astype(str).tolist() for user in range(split.train.n_users)]
    begun = time.process_time()
    trained = Word2Vec(
        sentences, vector_size=DIMENSIONS, sg=1, min_count=1, epochs=PASSES, workers=1, seed=seed, **settings
    ).wv
    seconds = time.process_time() - begun
    vectors = np.stack([trained[str(item)] for item in range(split.n)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def score(given: sparse.csr_matrix) -> np.ndarray:
        return np.asarray((given @ unit) @ unit.T, dtype=np.float32)

    return Fitted(ranked(score), seconds)


if __name__ == "__main__":
    main()
