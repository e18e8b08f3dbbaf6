"""Requests as the use cases want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import Entry
from anirec.core.ranking import Filters
from anirec.web import schemas

STATUSES = {
    "watching": Status.WATCHING,
    "completed": Status.COMPLETED,
    "on_hold": Status.ON_HOLD,
    "dropped": Status.DROPPED,
    "planned": Status.PLANNED,
}
STATUS_NAMES = {status: name for name, status in STATUSES.items()}


def filters_of(asked: schemas.Filters) -> Filters:
    """Return the filters that a request names."""
    return Filters(
        kinds=frozenset(asked.types) if asked.types else None,
        year_from=asked.year_from,
        year_to=asked.year_to,
        genres_in=frozenset(asked.genres or ()),
        genres_out=frozenset(asked.not_genres or ()),
        min_members=asked.min_members,
        max_members=asked.max_members,
        min_episodes=asked.min_episodes,
        max_episodes=asked.max_episodes,
        max_minutes=asked.max_minutes,
        adult=asked.adult,
        airing=frozenset(asked.airing or ()),
    )


def likes_of(asked: schemas.Taste) -> list[str | int | tuple[str | int, float]]:
    """Return the likes as `Service.recommend` takes them."""
    return [(liked.anime_id, liked.score) if isinstance(liked, schemas.ScoredAnime) else liked for liked in asked.likes]


def entries_of(asked: schemas.Taste) -> list[Entry]:
    """Return the entries of a list."""
    return [
        Entry(entry.anime_id, entry.score, STATUSES[entry.status] if entry.status else Status.UNKNOWN)
        for entry in asked.entries
    ]


SHORT: Final = 500
"""Titles of a profile that is read and answered in some milliseconds."""


def is_short(asked: schemas.RecommendationRequest) -> bool:
    """Return whether a request is answered in some milliseconds: few titles, and none that has to be looked up."""
    given: tuple[Sequence[object], ...] = (asked.likes, asked.dislikes, asked.seen, asked.entries)
    return sum(map(len, given)) <= SHORT and not any(isinstance(wish, str) for wishes in given for wish in wishes)


def refuse_many_texts(*asked: Sequence[object]) -> None:
    """Refuse more titles as text than are looked up in one request.

    Raises:
        InputError: there are more.
    """
    texts = sum(isinstance(wish, str) for wishes in asked for wish in wishes)
    if texts > schemas.MOST_TEXTS:
        raise InputError(f"{texts} titles as text are too many, {schemas.MOST_TEXTS} are the most; give ids")
