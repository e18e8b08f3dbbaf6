"""Why a title was recommended: which titles of the profile pulled its score up, and which pushed it down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORTH_NAMING = 0.25
"""A reason is named if it is at least this part of the strongest one; among hundreds of titles no share is large."""


@dataclass(frozen=True)
class Reason:
    """One title of the profile and its share, -1..1, of everything that pulled up (plus) or pushed down (minus)."""

    anime_id: int
    share: float


def reasons(profile_ids: NDArray[np.int32], contributions: NDArray[np.float32], most: int = 3) -> list[Reason]:
    """Return the strongest reasons of one recommendation: at most `most` for it, then at most one against it.

    profile_ids: int32 [m]. contributions: float32 [m], what each adds to the score. Empty where nothing of the profile
    has a say. Ties by id.
    """
    total = float(np.abs(contributions).sum())
    if total == 0.0:
        return []
    shares = contributions / total
    least = WORTH_NAMING * float(np.abs(shares).max())
    order = np.lexsort((profile_ids, -shares))
    pulled = [i for i in order if shares[i] >= least][:most]
    pushed = [i for i in order[::-1] if shares[i] <= -least][:1]
    return [Reason(anime_id=int(profile_ids[i]), share=float(shares[i])) for i in (*pulled, *pushed)]
