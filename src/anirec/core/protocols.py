"""The seams: what a part must offer so that others can use it without knowing its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anirec.core.profile import Profile


class Recommender(Protocol):
    """A fitted model. There is no unfitted one: holding a Recommender means that it can score.

    What every implementation owes is written as tests in `tests/conformance.py`.
    """

    @property
    def items(self) -> NDArray[np.int32]:
        """[n] ids of the anime that it can score, ascending, each once."""
        ...

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Score every item for every profile.

        profiles: [p]; a profile may be empty, or hold ids that the model does not know (they are ignored).
        Returns float32 [p, n], finite, higher is better; comparable within a row only.
        Items on the profile are scored like all others: leaving them out is ranking's work.
        """
        ...


@runtime_checkable
class Personal(Protocol):
    """A model that scores by the profile alone and can say what each title of it adds to a score."""

    @property
    def items(self) -> NDArray[np.int32]:
        """[n] ids of the anime that it knows, ascending."""
        ...

    def contributions(self, profile: Profile, anime_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return float32 [len(profile), len(anime_ids)]; zero for titles that it does not know."""
        ...
