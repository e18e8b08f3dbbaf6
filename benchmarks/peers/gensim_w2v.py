"""Runner: skip-gram of `gensim` as it comes, over the lists as they stand; a test user is the mean of the titles.

Its defaults but for skip-gram, a window that holds a whole list (as item2vec is published: Barkan and Koenigstein
2016), and as many dimensions and passes as ours; `window 5` is its own default.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from exchange import Result, Score, Split, asked, lists
from gensim.models import Word2Vec
from numpy.typing import NDArray
from scipy import sparse

DIMENSIONS, PASSES = 64, 10
WINDOWS = (5, 100)


def main() -> None:
    """Run both windows."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    sentences = [split.train.of(user).astype(str).tolist() for user in range(split.train.n_users)]
    for window in WINDOWS:
        begun = time.process_time()
        trained = Word2Vec(
            sentences,
            vector_size=DIMENSIONS,
            window=window,
            sg=1,
            min_count=1,
            epochs=PASSES,
            workers=1,
            seed=args.seed,
        ).wv
        seconds = time.process_time() - begun
        vectors = np.stack([trained[str(item)] for item in range(split.n)])
        facts = f"gensim {version('gensim')}, {DIMENSIONS} dimensions, {PASSES} passes, window {window}"
        tops = lists(_score(vectors), split.test_given, split.n)
        result = Result(f"gensim skip-gram, window {window}", tops, seconds, facts)
        result.save(Path(f"{args.out.with_suffix('')}-{window}.npz"))


def _score(vectors: NDArray[np.float32]) -> Score:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def score(given: sparse.csr_matrix) -> NDArray[np.float32]:
        return np.asarray((given @ unit) @ unit.T, dtype=np.float32)

    return score


if __name__ == "__main__":
    main()
