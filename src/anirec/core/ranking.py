"""What is asked of a ranking, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class FranchiseMode(StrEnum):
    """Which members of a franchise may be recommended."""

    ENTRY = "entry"
    """Only where a newcomer may start, only franchises that are not on the profile, one title each (the default)."""
    NEXT = "next"
    """Only the next title in franchises that are on the profile, one each."""
    MIXED = "mixed"
    """Both of the above: nothing whose earlier season is unseen, one title per franchise."""
    UNRELATED = "unrelated"
    """Any title of any franchise that is not on the profile; for evaluation without relatives."""
    ANYTHING = "anything"
    """No rule."""


@dataclass(frozen=True, eq=False)
class Among:
    """The rows of the catalogue that may come. passing: bool [n]. Compared by identity, as arrays have no hash."""

    passing: NDArray[np.bool_]


@dataclass(frozen=True)
class Filters:
    """What a recommended anime must be. None means "no matter"; an unknown fact never passes a bound on it.

    kinds: names from `core.catalogue.KINDS`. year_from, year_to: inclusive. genres_in: it must carry all of these
    labels; genres_out: none of these. min_members, max_members: people with it on their lists, inclusive.
    min_episodes, max_episodes: inclusive. max_minutes: length of one episode. adult: whether such titles may appear.
    airing: any of these, as the facts spell them; catalogues do not hold it, so the service turns it into `among`.
    """

    kinds: frozenset[str] | None = None
    year_from: int | None = None
    year_to: int | None = None
    genres_in: frozenset[str] = frozenset()
    genres_out: frozenset[str] = frozenset()
    min_members: int | None = None
    max_members: int | None = None
    min_episodes: int | None = None
    max_episodes: int | None = None
    max_minutes: int | None = None
    adult: bool = False
    airing: frozenset[str] = frozenset()
    among: Among | None = None


NO_FILTERS = Filters(adult=True)
"""Everything passes; what evaluation uses."""

POPULARITY_STOPS = {"hidden-gems": -0.75, "balanced": 0.0, "crowd-pleasers": 0.75}
"""Named places on the popularity slider."""

DEFAULT_KINDS = frozenset({"TV", "Movie", "OVA", "ONA", "Special", "TV Special", "Unknown"})
"""What serving recommends unless asked: no music videos, commercials or trailers."""


@dataclass(frozen=True)
class Query:
    """How to turn scores into a list.

    k: how many. include_planned: whether titles only planned may come back. popularity: -1 (hidden gems) to 1 (crowd-
    pleasers): a title's score counts times this power of how many people have it on a list; 0 = the scores as they are.
    offset: how many of the best are passed over, at least 0, for the next page of a list that was begun.
    """

    k: int = 20
    filters: Filters = field(default_factory=Filters)
    franchise: FranchiseMode = FranchiseMode.ENTRY
    include_planned: bool = False
    popularity: float = 0.0
    offset: int = 0


@dataclass(frozen=True)
class Ranking:
    """Recommended anime, best first. anime_ids: int32 [<= k]. scores: float32 [<= k], not increasing."""

    anime_ids: NDArray[np.int32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of titles; less than was asked for only where no more candidates exist."""
        return len(self.anime_ids)

    def cut(self, k: int) -> Ranking:
        """Return the first k."""
        return Ranking(self.anime_ids[:k], self.scores[:k])
