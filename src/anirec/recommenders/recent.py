"""Recent popularity: what is being liked lately, the same list for everybody.

What it does: counts likes, each worth half as much for every `half_life` days that it is older than the newest one.
What it does not: look at the profile; know when undated likes were given (they weigh as much as the oldest dated ones).
Memory: 4 bytes a title. Workable sizes: any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.recommenders.popularity import Popularity

DAY = 86_400.0


@dataclass(frozen=True)
class RecentConfig:
    """half_life: days after which a like counts half."""

    half_life: float = 365.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.half_life <= 0:
            raise InputError(f"recent popularity needs half_life > 0; got {self}")


def fit(dataset: Dataset, config: RecentConfig, rng: np.random.Generator) -> Popularity:  # noqa: ARG001 - nothing here is left to chance
    """Count the likes of every anime by their age; all anime of the dataset become items.

    Raises:
        InputError: not one like is dated.
    """
    when = dataset.updated_at[dataset.liked]
    dated = when >= 0
    if not dated.any():
        raise InputError("not one like in the data is dated; recent popularity needs times")
    ages = (when[dated].max() - np.where(dated, when, when[dated].min())) / DAY
    worth = np.exp2(-ages / config.half_life)
    likes = np.bincount(dataset.items[dataset.liked], worth, minlength=len(dataset.anime_ids))
    return Popularity(items=dataset.anime_ids, popularity=(likes / likes.max()).astype(np.float32))
