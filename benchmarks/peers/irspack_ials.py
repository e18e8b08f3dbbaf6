"""Runner: iALS of the library `irspack`, in an environment where it is installed.

Its defaults but for the length of the vectors and a weight for what is not liked (by default that is 0, and has to be
tuned), and the best of the grid of ours on the validation users. The vectors of test users are found as it finds cold
users.
"""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version

from irspack import IALSRecommender

from exchange import Split, Tops, asked, lists
from grids import IALS
from trials import Fitted, Method, Settings, ranked, run

FACTORS = 128
DEFAULTS = {"alpha": 0.1, "l2": 0.001}


def main() -> None:
    """Run it with its defaults, then with the settings that are best on the validation users."""
    args = asked(__doc__).parse_args()
    split = Split.read(args.split)
    fit = partial(fitted, split, args.seed)
    library = f"irspack {version('irspack')}, n_components {FACTORS}"
    run(Method("irspack iALS", library, fit, DEFAULTS, IALS, watched=partial(fit, watched=True)), split, args.out)


def fitted(split: Split, seed: int, settings: Settings, *, watched: bool = False) -> Fitted:
    """Return the model, the seconds of fitting, and if it is watched the lists after each epoch."""
    named = {"alpha0": settings["alpha"], "reg": settings["l2"]}
    likes = split.train.matrix(split.n)
    model = IALSRecommender(likes, n_components=FACTORS, random_seed=seed, n_threads=1, nu=1.0, **named)
    score = model.get_score_cold_user
    begun = time.process_time()
    if not watched:
        model.learn()
        return Fitted(ranked(score), time.process_time() - begun)
    curve: list[tuple[float, Tops]] = []
    looking = 0.0
    model.start_learning()
    for _ in range(model.train_epochs):
        model.run_epoch()
        now = time.process_time()
        curve.append((now - begun - looking, lists(score, split.test_given, split.n)))
        looking += time.process_time() - now
    return Fitted(ranked(score), time.process_time() - begun - looking, tuple(curve))


if __name__ == "__main__":
    main()
