"""How a blend looks at the scores of a part: in one view or two, by what kind of numbers they are.

Each reading is there twice: of all scores of a part at once, which a blend adds up, and of a few at a time
(`AT`), as if they stood among all, from which `leaving_out` takes differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Views = NDArray[np.float32]
"""float32 [v, n], a row for each view of n scores; 0 is what a title is worth that the part does not know."""

LEAST_LIKING: Final = np.float32(0.02)
"""Added to predicted likings before their logarithm is taken: below that, they are noise."""
LEAST_SHARE: Final = np.float32(1e-5)
"""The same for shares of the most popular title: less than one like of the real data's most liked one."""


def _liking(scores: NDArray[np.float32]) -> Views:
    views = np.empty((2, len(scores)), dtype=np.float32)
    np.maximum(scores, 0, out=views[1])
    np.multiply(views[1], 1 / LEAST_LIKING, out=views[0])
    np.log1p(views[0], out=views[0])
    return views


def _logits(scores: NDArray[np.float32]) -> Views:
    views = np.empty((2, len(scores)), dtype=np.float32)
    if len(scores):
        least, most = scores.min(), scores.max()
        np.subtract(scores, least, out=views[0])
        roots = np.exp((scores - most) / 2, out=views[1])
        roots /= np.sqrt(roots @ roots)
        roots -= roots.min()
    return views


def _share(scores: NDArray[np.float32]) -> Views:
    views: Views = np.log1p(scores / LEAST_SHARE)[np.newaxis]
    return views


def _chance(scores: NDArray[np.float32]) -> Views:
    return np.sqrt(np.maximum(scores, 0))[np.newaxis]


def _standard(scores: NDArray[np.float32]) -> Views:
    if not len(scores):
        return scores[np.newaxis]
    views: Views = ((scores - scores.mean()) / max(scores.std(), np.float32(1e-9)))[np.newaxis]
    return views


READINGS: Final[Mapping[str, Callable[[NDArray[np.float32]], Views]]] = {
    "liking": _liking,
    "logits": _logits,
    "share": _share,
    "chance": _chance,
    "standard": _standard,
}
"""How a part's scores of one profile are looked at, by what kind of numbers they are.

liking: predicted likings, mostly in 0..1 (EASE); their logarithm and they themselves. logits: logarithms of chances up
to a constant (autoencoders); these, and the roots of the chances. share: shares of the greatest (popularity); their
logarithm. chance: in 0..1, mostly 0 (sequels); their root. standard: anything; less their mean, over their spread. All
but the last are less what they have at the least, so that a title that a part does not know is as its last.
"""
VIEWS: Final[Mapping[str, int]] = {"liking": 2, "logits": 2, "share": 1, "chance": 1, "standard": 1}
"""How many views a reading has."""


def _few_likings(scores: NDArray[np.float32], _every: NDArray[np.float32]) -> Views:
    positive = np.maximum(scores, 0)
    return np.stack([np.log1p(positive / LEAST_LIKING), positive])


def _few_logits(scores: NDArray[np.float32], every: NDArray[np.float32]) -> Views:
    least, most = every.min(), every.max()
    length = np.sqrt(np.exp(every - most).sum())
    roots = (np.exp((scores - most) / 2) - np.exp((least - most) / 2)) / length
    return np.stack([scores - least, roots])


def _few_standard(scores: NDArray[np.float32], every: NDArray[np.float32]) -> Views:
    views: Views = ((scores - every.mean()) / max(every.std(), np.float32(1e-9)))[np.newaxis]
    return views


AT: Final[Mapping[str, Callable[[NDArray[np.float32], NDArray[np.float32]], Views]]] = {
    "liking": _few_likings,
    "logits": _few_logits,
    "share": lambda scores, _: np.log1p(scores / LEAST_SHARE)[np.newaxis],
    "chance": lambda scores, _: np.sqrt(np.maximum(scores, 0))[np.newaxis],
    "standard": _few_standard,
}
"""The same of a few scores, of any shape, among every one of the part; that may be empty for all but `RELATIVE`."""
RELATIVE: Final = frozenset({"logits", "standard"})
"""Readings that depend on all scores of a part."""
