"""Runner: iALS of the library `irspack`, in an environment where it is installed.

Its defaults but for the length of the vectors and a weight for what is not liked (by default that is 0, and has to be
tuned), and the best of `GRID` on the validation users. The vectors of test users are found as it finds cold users.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

from irspack import IALSRecommender
from scipy import sparse

from exchange import Result, Split, Tops, asked, lists, valid_ndcg

FACTORS = 128
DEFAULTS = (0.1, 0.001)
GRID = tuple(product((0.1,), (0.003, 0.01, 0.03)))  # alpha0: weight of the rest beside 1; reg


def main() -> None:
    """Run it with its defaults, then with the settings that are best on the validation users."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    likes = split.train.matrix(split.n)
    found = {}
    for settings in GRID:
        model, _, _ = fitted(likes, args.seed, settings, split)
        found[settings] = valid_ndcg(model.get_score_cold_user, split)
        print(settings, found[settings], flush=True)
    for name, settings in (("defaults", DEFAULTS), ("tuned", max(found, key=lambda settings: found[settings]))):
        model, seconds, curve = fitted(likes, args.seed, settings, split, watched=True)
        tops = lists(model.get_score_cold_user, split.test_given, split.n)
        facts = f"irspack {version('irspack')}, n_components {FACTORS}, alpha0 {settings[0]}, reg {settings[1]}"
        result = Result(f"irspack iALS, {name}", tops, seconds, facts, tuple(curve))
        result.save(Path(f"{args.out.with_suffix('')}-{name}.npz"))


def fitted(
    likes: sparse.csr_matrix, seed: int, settings: tuple[float, float], split: Split, *, watched: bool = False
) -> tuple[Any, float, list[tuple[float, Tops]]]:
    """Return the model, the seconds of fitting, and if it is watched the lists after each epoch."""
    alpha0, reg = settings
    model = IALSRecommender(likes, n_components=FACTORS, alpha0=alpha0, reg=reg, random_seed=seed, n_threads=1, nu=1.0)
    curve: list[tuple[float, Tops]] = []
    begun = time.process_time()
    if not watched:
        model.learn()
        return model, time.process_time() - begun, curve
    looking = 0.0
    model.start_learning()
    for _ in range(model.train_epochs):
        model.run_epoch()
        now = time.process_time()
        curve.append((now - begun - looking, lists(model.get_score_cold_user, split.test_given, split.n)))
        looking += time.process_time() - now
    return model, time.process_time() - begun - looking, curve


if __name__ == "__main__":
    main()
