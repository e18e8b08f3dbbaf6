"""Runner: iALS of the library `implicit`, in an environment where it is installed.

Its defaults (alpha 1, 15 iterations, conjugate gradients) but for the length of the vectors, and the best of its grid
on the validation users. The vector of a test user is found by its own `recalculate_user`.
"""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

from exchange import DEPTH, Split, Tops, asked
from grids import IMPLICIT
from trials import Fitted, Method, Settings, run

FACTORS = 128
DEFAULTS = {"alpha": 1.0, "regularization": 0.01}


def main() -> None:
    """Run it with its defaults, then with the settings that are best on the validation users."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    fit = partial(fitted, split, args.seed)
    library = f"implicit {version('implicit')}, factors {FACTORS}"
    method = Method("implicit iALS", library, fit, DEFAULTS, IMPLICIT, watched=partial(fit, watched=True))
    run(method, split, args.out)


def fitted(split: Split, seed: int, settings: Settings, *, watched: bool = False) -> Fitted:
    """Return the model, the seconds of fitting, and if it is watched the lists after each iteration."""
    model = AlternatingLeastSquares(factors=FACTORS, num_threads=1, random_state=seed, **settings)
    test = split.test_given.matrix(split.n)
    curve: list[tuple[float, Tops]] = []
    looking = 0.0
    begun = time.process_time()

    def look(*_: Any) -> None:
        nonlocal looking
        now = time.process_time()
        model._YtY = None  # it is kept from one look to the next, though the vectors have changed
        curve.append((now - begun - looking, tops(model, test)))
        looking += time.process_time() - now

    model.fit(split.train.matrix(split.n), show_progress=False, callback=look if watched else None)
    seconds = time.process_time() - begun - looking
    model._YtY = None
    return Fitted(partial(tops, model), seconds, tuple(curve))


def tops(model: Any, likes: sparse.csr_matrix) -> Tops:
    """Return the lists of users who were not learned from."""
    found, _ = model.recommend(np.arange(likes.shape[0]), likes, N=DEPTH, recalculate_user=True)
    return np.asarray(found, dtype=np.int32)


if __name__ == "__main__":
    main()
