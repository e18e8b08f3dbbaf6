"""What is answered to who asks for recommendations, for titles like one, or about one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.errors import TitleMatch
from anirec.explain import Reason


class Facts(Protocol):
    """Where facts about anime come from."""

    def of(self, anime_ids: Iterable[int]) -> dict[int, Anime]:
        """Return the facts of these anime by id, without those that are not known."""
        ...

    def by_anilist_id(self) -> dict[int, int]:
        """Return the id of each anime by its AniList id, of those that have one."""
        ...

    def labels(self) -> dict[str, list[str]]:
        """Return what the genres, themes, demographics and airing of all anime are, each sorted."""
        ...

    def calendar(self) -> dict[str, NDArray[Any]]:
        """Return when all anime begin: anime_id, start_date, year, season, airing, masked where not known."""
        ...


@dataclass(frozen=True)
class Likeness:
    """Why a title is like another one.

    lenses: each lens's share, 0..1, in its score, largest first; without those of no say. shared: labels and tags that
    both carry, see `Anime`. votes: how many people named the two together, 0 = nobody, or the bundle does not know.
    """

    lenses: Mapping[str, float]
    shared: tuple[str, ...]
    votes: int


@dataclass(frozen=True)
class Recommendation:
    """One recommended anime. rank: from 1, over all pages. score: the model's, comparable within one list only.

    because: titles of the profile by their share in the score, strongest first; negative = it spoke against it.
    likeness: to the title that was asked for, None where several were given. shared: labels and tags that titles which
    spoke for it carry, too, those of most of them first. match: 0..100, of 100 people who saw titles of such a chance
    so many liked them (7 or more). predicted_score: 1..10, None where the person gave few scores. popularity_rank: 1 =
    on most people's lists. None = not asked for, or the bundle has not learned it.
    """

    rank: int
    anime: Anime
    score: float
    because: tuple[Reason, ...]
    likeness: Likeness | None = None
    shared: tuple[str, ...] = ()
    match: int | None = None
    predicted_score: float | None = None
    popularity_rank: int | None = None


@dataclass(frozen=True)
class Understood:
    """How one text was read: the anime it was taken to mean, and others of the same title that it may have meant."""

    text: str
    anime_id: int
    others: tuple[TitleMatch, ...]


@dataclass(frozen=True)
class Recommendations:
    """A list of recommendations, how the input was read, and the facts of the titles that the reasons name.

    next_offset: where the next page begins, None = there is none.
    """

    items: tuple[Recommendation, ...]
    understood: tuple[Understood, ...]
    named: Mapping[int, Anime]
    next_offset: int | None = None

    def __iter__(self) -> Iterator[Recommendation]:
        """Iterate over the recommendations, best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)


@dataclass(frozen=True)
class Place:
    """Where an anime stands in its franchise.

    order: in watch order, from 0. entry: a newcomer may start here. role: what it is there, one of
    `core.catalogue.ROLES`, None where the bundle does not say. optional: the story goes on without it: it is beside the
    story or tells it again, and no part of the story has to be seen after it.
    """

    anime: Anime
    order: int
    entry: bool
    role: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Info:
    """One anime, and its franchise in watch order (itself among them)."""

    anime: Anime
    franchise: tuple[Place, ...]
