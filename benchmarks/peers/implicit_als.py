"""Runner: iALS of the library `implicit`, in an environment where it is installed.

Its defaults (alpha 1, 15 iterations, conjugate gradients), and the best of `GRID` on the validation users. The vector
of a test user is found by its own `recalculate_user`.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

from exchange import DEPTH, Likes, Result, Split, Tops, asked, ndcg

FACTORS = 128
GRID = tuple(product((1.0, 5.0, 20.0), (0.01, 1.0, 10.0)))  # alpha: weight of a like beside 1; regularization


def main() -> None:
    """Run it with its defaults, then with the settings that are best on the validation users."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    likes = split.train.matrix(split.n)
    found = {}
    for alpha, regularization in GRID:
        model, _, _ = fitted(likes, args.seed, alpha, regularization, split)
        found[alpha, regularization] = float(ndcg(tops(model, split.valid_given, split), split.valid_targets).mean())
        print(alpha, regularization, found[alpha, regularization], flush=True)
    best = max(found, key=lambda settings: found[settings])
    for name, settings in (("defaults", (1.0, 0.01)), ("tuned", best)):
        model, seconds, curve = fitted(likes, args.seed, *settings, split, watched=True)
        facts = f"implicit {version('implicit')}, factors {FACTORS}, alpha {settings[0]}, regularization {settings[1]}"
        result = Result(f"implicit iALS, {name}", tops(model, split.test_given, split), seconds, facts, tuple(curve))
        result.save(Path(f"{args.out.with_suffix('')}-{name}.npz"))


def fitted(
    likes: sparse.csr_matrix, seed: int, alpha: float, regularization: float, split: Split, *, watched: bool = False
) -> tuple[Any, float, list[tuple[float, Tops]]]:
    """Return the model, the seconds of fitting, and if it is watched the lists after each iteration."""
    model = AlternatingLeastSquares(
        factors=FACTORS, alpha=alpha, regularization=regularization, num_threads=1, random_state=seed
    )
    curve: list[tuple[float, Tops]] = []
    looking = 0.0
    begun = time.process_time()

    def look(*_: Any) -> None:
        nonlocal looking
        now = time.process_time()
        curve.append((now - begun - looking, tops(model, split.test_given, split)))
        looking += time.process_time() - now

    model.fit(likes, show_progress=False, callback=look if watched else None)
    return model, time.process_time() - begun - looking, curve


def tops(model: Any, given: Likes, split: Split) -> Tops:
    """Return the lists of users who were not learned from."""
    model._YtY = None
    matrix = given.matrix(split.n)
    found, _ = model.recommend(np.arange(given.n_users), matrix, N=DEPTH, recalculate_user=True)
    return np.asarray(found, dtype=np.int32)


if __name__ == "__main__":
    main()
