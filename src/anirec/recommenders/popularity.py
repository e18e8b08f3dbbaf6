"""Popularity: the same list for everybody, most liked first. The floor that every other model must beat.

What it does: counts likes. What it does not: look at the profile.
Memory: 4 bytes a title. Workable sizes: any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.core.state import State, is_finite_vector
from anirec.prepare.dataset import Dataset
from anirec.recommenders.leaving_out import Left


@dataclass(frozen=True)
class PopularityConfig:
    """member_likes: how much of a like one member of a title's list count is worth.

    Members come from the catalogue and are newer than the ratings: this little weight orders the titles that nobody
    in the ratings has met yet, and breaks ties, without moving the rest.
    """

    member_likes: float = 1e-4


@dataclass(frozen=True)
class Popularity:
    """A fitted popularity model. items: int32 [n]. popularity: float32 [n], 0..1, likes relative to the most liked."""

    items: NDArray[np.int32]
    popularity: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the popularity of every item, the same for each profile."""
        return np.tile(self.popularity, (len(profiles), 1))

    def without(
        self,
        profile: Profile,  # noqa: ARG002 - every profile is answered alike
        rows: NDArray[np.int64],
        every: NDArray[np.float32] | None = None,  # noqa: ARG002 - the same
    ) -> Left:
        """Return what some items score without each entry of a profile: the same."""
        return Left(self.popularity[rows], None)

    def state(self) -> State:
        """Return what a bundle keeps."""
        return State(kind="popularity", arrays={"items": self.items, "popularity": self.popularity})


def fit(dataset: Dataset, config: PopularityConfig, rng: np.random.Generator) -> Popularity:  # noqa: ARG001 - nothing here is left to chance
    """Count the likes of every anime of the dataset; all of them become items."""
    likes = dataset.like_counts() + config.member_likes * dataset.members
    return Popularity(items=dataset.anime_ids, popularity=(likes / max(likes.max(initial=0.0), 1.0)).astype(np.float32))


def restore(state: State) -> Popularity:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, popularity = state.arrays["items"], state.arrays["popularity"]
    if not is_finite_vector(popularity, len(items)):
        raise ValueError("popularity is not one finite number per item")
    return Popularity(items=items, popularity=popularity)
