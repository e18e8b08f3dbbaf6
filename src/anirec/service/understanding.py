"""How what people say becomes a profile: titles in any spelling, scores after a colon, dislikes, entries of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.core.ranking import FranchiseMode
from anirec.service.answers import Understood
from anirec.titles import TitleIndex

Kind = TypeVar("Kind", bound=StrEnum)

DISLIKE_SCORE = 2.0
"""A plain dislike counts like a score of 2 ("horrible" on MyAnimeList's scale)."""


def understand(wish: str | int, titles: TitleIndex) -> Understood:
    """Return which anime a title or id means.

    Raises:
        UnknownTitle, AmbiguousTitle: it fits no anime, or several; the error lists the nearest.
        InputError: the title is empty, or the id unknown.
    """
    text = _text(wish)
    resolved = titles.resolve(text)
    return Understood(text=text, anime_id=resolved.anime_id, others=resolved.others)


def read_profile(
    like: Sequence[str | int | tuple[str | int, float]],
    dislike: Sequence[str | int],
    entries: Iterable[Entry],
    *,
    titles: TitleIndex,
    name: Callable[[int], str],
) -> tuple[Profile, list[Understood]]:
    """Return the profile, and how what was typed was read; what is typed goes before entries.

    name: of an anime by its id, for messages.

    Raises:
        InputError: as in `understand`; a score outside 1..10; or one anime named twice with different opinions.
    """
    understood: list[Understood] = []
    said: list[Entry] = []
    for wish in like:
        text, score = _text_and_score(wish, titles)
        understood.append(understand(text, titles))
        said.append(Entry(understood[-1].anime_id, score))
    for wish in dislike:
        understood.append(understand(wish, titles))
        said.append(Entry(understood[-1].anime_id, DISLIKE_SCORE))
    _refuse_contradictions(said, name)
    named = {entry.anime_id for entry in said}
    return Profile.of([*said, *(entry for entry in entries if entry.anime_id not in named)]), understood


def mode_of(mode: FranchiseMode | str) -> FranchiseMode:
    """Return the franchise rule of this name.

    Raises:
        InputError: there is none.
    """
    return one_of(FranchiseMode, mode, "franchise mode")


def one_of(kind: type[Kind], wanted: Kind | str, what: str) -> Kind:
    """Return the choice that is meant. what: such choices are called so.

    Raises:
        InputError: there is none.
    """
    try:
        return kind(wanted)
    except ValueError:
        raise InputError(f'there is no {what} "{wanted}"; there are {", ".join(kind)}') from None


def _text(wish: str | int) -> str:
    return f"#{wish}" if isinstance(wish, int) else wish


def _text_and_score(wish: str | int | tuple[str | int, float], titles: TitleIndex) -> tuple[str, float | None]:
    """Split `Trigun:9` and `6:9`; a text that is itself a title stays whole."""
    if isinstance(wish, tuple):
        return _text(wish[0]), float(wish[1])
    text = _text(wish).strip()
    title, colon, score = text.rpartition(":")
    if not colon or titles.is_title(text):
        return text, None
    try:
        return title, float(score)
    except ValueError:
        return text, None


def _refuse_contradictions(entries: Sequence[Entry], name: Callable[[int], str]) -> None:
    scores: dict[int, float | None] = {}
    for entry in entries:
        if entry.anime_id in scores and scores[entry.anime_id] != entry.score:
            title = f"{name(entry.anime_id)} [{entry.anime_id}]"
            raise InputError(f"{title} is named twice with different opinions; keep one of them")
        scores[entry.anime_id] = entry.score
