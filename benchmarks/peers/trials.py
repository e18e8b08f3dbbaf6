"""What runners of methods with a grid share: the defaults, then so many trials on the validation users, then the best.

Each writes two files, `NAME-defaults.npz` and `NAME-tuned.npz`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from exchange import CHUNK, Likes, Result, Score, Split, Tops, ndcg, top, wait_of
from grids import Grid

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Fitted:
    """A system that has learned. tops: makes int32 [p, DEPTH] of likes [p, n]. seconds, curve: as of `Result`."""

    tops: Callable[[sparse.csr_matrix], Tops]
    seconds: float
    curve: tuple[tuple[float, Tops], ...] = ()

    def of(self, given: Likes, n: int) -> Tops:
        """Return the lists of all users."""
        matrix = given.matrix(n)
        return np.concatenate([self.tops(matrix[start : start + CHUNK]) for start in range(0, given.n_users, CHUNK)])


@dataclass(frozen=True)
class Method:
    """One implementation of one method.

    name: as the page has it. library: with its version. defaults: what it comes with, or recommends. watched: fits and
    makes lists on the way; None where it cannot be stopped.
    """

    name: str
    library: str
    fit: Callable[[Settings], Fitted]
    defaults: Settings
    grid: Grid
    watched: Callable[[Settings], Fitted] | None = None


def run(method: Method, split: Split, out: Path) -> None:
    """Run it with its defaults and with what is best on the validation users, and write both."""
    found = []
    for settings in method.grid:
        fitted = method.fit(settings)
        figure = float(ndcg(fitted.of(split.valid_given, split.n), split.valid_targets).mean())
        found.append((figure, settings))
        print(dict(settings), f"{figure:.4f}, {fitted.seconds:.1f} s", flush=True)
        del fitted
    best = max(found, key=lambda pair: pair[0])[1]
    for variant, settings in (("defaults", method.defaults), ("tuned", best)):
        fitted = (method.watched or method.fit)(settings)
        chosen = ", ".join(f"{name} {value}" for name, value in settings.items())
        facts = f"{method.library}, {chosen or 'all as it comes'}"
        tops, wait = fitted.of(split.test_given, split.n), wait_of(fitted.tops, split.test_given, split.n)
        result = Result(f"{method.name}, {variant}", tops, fitted.seconds, facts, fitted.curve, wait)
        result.save(out.with_name(f"{out.stem}-{variant}.npz"))


def ranked(score: Score) -> Callable[[sparse.csr_matrix], Tops]:
    """Return what makes lists of scores, for a system that leaves ranking to who asks."""
    return lambda given: top(score(given), given)
