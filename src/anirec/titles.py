"""Which anime does a text mean? Exact titles first, then near ones; never a silent guess between two."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import AmbiguousTitle, InputError, TitleMatch, UnknownTitle

NEAR = 80.0
"""Similarity from which a near title may be taken: a typo in a short title, two or three in one of usual length."""
SURE = 90.0
"""Below this similarity, the lead over the next anime must be larger by what is missing."""
LISTED = 55.0
"""Similarity from which a title is worth listing as "did you mean"."""
CLEAR = 4.0
"""By how much the nearest anime must be nearer than the next, unless it is much better known."""
BETTER_KNOWN = 10
"""Of several anime with the very same title, one is meant if it has ten times the members of the others."""
PREFIX = 90.0
"""Similarity of a title that begins with the text, as people shorten long titles to their first words."""
SHOWN = 8


class Level(IntEnum):
    """How official a title is."""

    SYNONYM = 0
    MAIN = 1


@dataclass(frozen=True)
class Resolved:
    """The anime that a text was taken to mean, and, where other anime have the same title, which those are."""

    anime_id: int
    others: tuple[TitleMatch, ...] = ()


@dataclass(frozen=True)
class TitleIndex:
    """All titles of all anime.

    anime_ids: int32 [t]. levels: int8 [t], a `Level`; the main title of an anime comes before its others. places_of:
    given a `title_key`, the places (ascending) of the titles with this key. texts: the titles as written and their
    keys, [t] each; asked for once, and only when a text is the exact title of no anime or of several.
    """

    catalogue: Catalogue
    anime_ids: NDArray[np.int32]
    levels: NDArray[np.int8]
    places_of: Callable[[str], Sequence[int]]
    texts: Callable[[], tuple[Sequence[str], Sequence[str]]]

    def fill(self) -> None:
        """Bring all titles into memory, so that the file is not read again."""
        self.places_of("")
        self._texts  # noqa: B018 - read when it is first asked for

    @cached_property
    def _texts(self) -> tuple[Sequence[str], Sequence[str]]:
        return self.texts()

    @cached_property
    def _display(self) -> dict[int, str]:
        titles, _ = self._texts
        display: dict[int, str] = {}
        for place in np.flatnonzero(self.levels == Level.MAIN):
            display.setdefault(int(self.anime_ids[place]), titles[int(place)])
        return display

    def resolve(self, text: str) -> Resolved:
        """Return the anime that `text` means: a title in any language and spelling, an id, or `#id`.

        A bare number is an id unless some anime has just that as its title (86, but not "#1"); `#86` is always the id.

        Raises:
            InputError: the text is empty, or an id that the catalogue does not have.
            AmbiguousTitle: several anime fit; the error lists them.
            UnknownTitle: none is near; the error lists the nearest.
        """
        text = text.strip()
        if not text:
            raise InputError("an empty title: name an anime, or give its MyAnimeList id")
        if text.startswith("#") and text[1:].isdecimal():
            return self._by_id(int(text[1:]))
        exact = self.places_of(title_key(text))
        if text.isdecimal():
            exact = [place for place in exact if self._texts[0][place] == text]
        if not exact and text.isdecimal():
            return self._by_id(int(text))
        for level in (Level.MAIN, Level.SYNONYM):
            found = sorted({int(self.anime_ids[p]) for p in exact if self.levels[p] == level})
            if found:
                return self._choose(text, found)
        return self._nearest(text)

    def is_title(self, text: str) -> bool:
        """Return whether some anime has exactly this title."""
        return len(self.places_of(title_key(text))) > 0

    def exactly(self, text: str) -> int | None:
        """Return the best known of the anime that have exactly this title, a main one before a synonym; None = none."""
        places = self.places_of(title_key(text))
        ranked = ((int(self.levels[p]), -self._members(int(self.anime_ids[p])), int(self.anime_ids[p])) for p in places)
        best = min(ranked, default=None)
        return None if best is None else best[2]

    def search(self, text: str, limit: int = SHOWN) -> list[TitleMatch]:
        """Return up to `limit` anime whose titles are nearest to the text, nearest first, better known ones first."""
        similarity = self._similarities(title_key(text))
        order = sorted(similarity, key=lambda i: (-round(similarity[i]), -self._members(i), i))
        return [self._match(i, similarity[i]) for i in order[:limit]]

    @cached_property
    def _known(self) -> frozenset[int]:
        """All ids: a list may name a thousand of them."""
        return frozenset(self.catalogue.anime_ids.tolist())

    def _by_id(self, anime_id: int) -> Resolved:
        if anime_id not in self._known:
            raise InputError(f"there is no anime with the id {anime_id} in this bundle")
        return Resolved(anime_id)

    def _choose(self, text: str, found: list[int]) -> Resolved:
        """Choose among anime with the very same title."""
        if len(found) == 1:
            return Resolved(found[0])
        ranked = sorted(found, key=lambda i: (-self._members(i), i))
        matches = [self._match(i, 100.0) for i in ranked]
        return self._take_first(text, matches, rivals=matches[1:])

    def _nearest(self, text: str) -> Resolved:
        matches = self.search(text)
        if not matches or matches[0].similarity < NEAR:
            raise UnknownTitle(text, matches)
        lead = max(CLEAR, SURE - matches[0].similarity)
        rivals = [m for m in matches[1:] if m.similarity > matches[0].similarity - lead]
        return self._take_first(text, matches, rivals=rivals)

    def _take_first(self, text: str, matches: list[TitleMatch], rivals: list[TitleMatch]) -> Resolved:
        """Take the first match, unless an unrelated rival is nearly as well known."""
        best = matches[0]
        strangers = [m for m in rivals if not self._related(m, best)]
        if any(self._members(best.anime_id) < BETTER_KNOWN * max(self._members(m.anime_id), 1) for m in strangers):
            raise AmbiguousTitle(text, matches[:SHOWN])
        return Resolved(best.anime_id, tuple(rivals))

    def _similarities(self, key: str) -> dict[int, float]:
        """Return the best similarity, 0..100, of each anime that has a title near the key."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - exact titles and ids should not pay for it

        _, keys = self._texts
        found = process.extract(key, keys, scorer=fuzz.ratio, score_cutoff=LISTED, limit=200)
        near = [(place, score) for _, score, place in found]
        if len(key) >= 3:
            begins = key + " "
            near += [(p, max(PREFIX, fuzz.ratio(key, k))) for p, k in enumerate(keys) if k.startswith(begins)]
        best: dict[int, float] = {}
        for place, score in near:
            anime_id = int(self.anime_ids[place])
            best[anime_id] = max(score, best.get(anime_id, 0.0))
        return best

    def _match(self, anime_id: int, similarity: float) -> TitleMatch:
        row = self._row(anime_id)
        kind = KINDS[self.catalogue.kinds[row]]
        return TitleMatch(
            anime_id=anime_id,
            title=self._display.get(anime_id, "?"),
            year=int(self.catalogue.years[row]) or None,
            kind=None if kind == "Unknown" else kind,
            similarity=similarity,
        )

    def _related(self, one: TitleMatch, other: TitleMatch) -> bool:
        franchise = self.catalogue.franchise
        return bool(franchise[self._row(one.anime_id)] == franchise[self._row(other.anime_id)])

    def _members(self, anime_id: int) -> int:
        return int(self.catalogue.members[self._row(anime_id)])

    def _row(self, anime_id: int) -> int:
        return int(self.catalogue.rows_of(np.array([anime_id], dtype=np.int32))[0])


def title_key(title: str) -> str:
    """Return the form in which titles are compared: entities and full-width forms undone, case and punctuation gone.

    `Steins;Gate`, `ＳＴＥＩＮＳ；ＧＡＴＥ` and `steins gate` have one key. A title of punctuation only is its own key.
    """
    plain = unicodedata.normalize("NFKC", html.unescape(title)).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not _is_accent(c))
    plain = unicodedata.normalize("NFC", plain)
    words = re.sub(r"[\W_]+", " ", plain.replace("'", "").replace("’", "")).strip()
    return words or plain.strip()


def _is_accent(character: str) -> bool:
    """Return whether it is a Latin accent; the voicing marks of kana are not."""
    return unicodedata.combining(character) != 0 and character not in "\u3099\u309a"
