"""The ways to score that sites have, on one scale of 1..10."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from anirec.core.columns import MIN_SCORE

ANILIST_SCALES: Final[Mapping[str, Callable[[float], float]]] = {
    "POINT_100": lambda score: score / 10,
    "POINT_10_DECIMAL": lambda score: score,
    "POINT_10": lambda score: score,
    "POINT_5": lambda stars: 2 * stars,
    "POINT_3": lambda smile: 3.5 + 2.5 * (smile - 1),
}
"""AniList's five ways to score, on 1..10; its smiles stand for 35, 60 and 85 of 100 on the site itself."""


def at_least_one(score: float) -> float:
    """Return a score on 1..10; what lies between 0 and 1, as 5 of 100 does, is 1."""
    return MIN_SCORE if 0 < score < MIN_SCORE else score


def whole_score(score: float) -> int:
    """Return a score on 1..10 as a whole number; halves go up."""
    return int(at_least_one(score) + 0.5)
