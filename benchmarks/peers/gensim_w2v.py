"""Runner: skip-gram of `gensim` as it comes, over the lists as they stand; a test user is the mean of the titles.

Its defaults but for skip-gram, and as many dimensions and passes and as wide a window as ours.
"""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray
from scipy import sparse

from exchange import Result, Score, Split, asked, lists

DIMENSIONS, PASSES, WINDOW = 64, 10, 10


def main() -> None:
    """Run it."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    sentences = [split.train.of(user).astype(str).tolist() for user in range(split.train.n_users)]
    begun = time.process_time()
    trained = Word2Vec(
        sentences,
        vector_size=DIMENSIONS,
        window=WINDOW,
        sg=1,
        min_count=1,
        epochs=PASSES,
        workers=1,
        seed=args.seed,
    ).wv
    seconds = time.process_time() - begun
    vectors = np.stack([trained[str(item)] for item in range(split.n)])
    facts = f"gensim {version('gensim')}, {DIMENSIONS} dimensions, {PASSES} passes, window {WINDOW}"
    tops = lists(_score(vectors), split.test_given, split.n)
    Result("gensim skip-gram", tops, seconds, facts).save(args.out)


def _score(vectors: NDArray[np.float32]) -> Score:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def score(given: sparse.csr_matrix) -> NDArray[np.float32]:
        return np.asarray((given @ unit) @ unit.T, dtype=np.float32)

    return score


if __name__ == "__main__":
    main()
