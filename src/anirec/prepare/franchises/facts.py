"""What franchises are found from: the titles, read once, and their relations by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS
from anirec.prepare.title_structure import Form, name_of, says_recap, tidy, words_of

FULL_SERIES: Final = 10
"""Episodes from which a series is a work of its own, that can be a start although its story belongs to another's."""

LATE_GUESS: Final = 0.8
"""Where among titles with near ids one without a date is put: late, for what is early becomes a start."""

LONG_AGO: Final = 8 * 365.25
"""Days after which a work of the same name is a stranger, or the story told anew, unless more is known."""

INVERSES: Final = {
    "Sequel": "Prequel",
    "Side story": "Parent story",
    "Summary": "Full story",
    "Spin-off": "Origin",
    "Alternative version": "Alternative version",
    "Alternative setting": "Alternative setting",
    "Other": "Other",
    "Character": "Character",
    "Related": "Related",
}
"""The relations that are used, and what each is called from the other end."""

WEAK: Final = frozenset({"Other", "Character", "Related"})

_MIRRORED: Final = {"Prequel": "Sequel", "Parent story": "Side story", "Full story": "Summary"}
TV, MOVIE, ONA, UNKNOWN = (KINDS.index(kind) for kind in ("TV", "Movie", "ONA", "Unknown"))
EXTRA_KINDS: Final = frozenset(KINDS.index(kind) for kind in ("Special", "Music", "CM", "PV"))
SONGS_AND_ADS: Final = EXTRA_KINDS - {KINDS.index("Special")}
FIRST_KINDS: Final = (TV, MOVIE)
_KIND_BY_NAME: Final = {Form.MOVIE: MOVIE, Form.MUSIC: KINDS.index("Music"), Form.PROMO: KINDS.index("PV")}


@dataclass(frozen=True, eq=False)
class Titles:
    """The columns of the `anime` table that franchises are found from; all are [n] long.

    anime_ids: int32, ascending. title, english, japanese: None where missing. synonyms: any number for each.
    kinds: int8, index into `KINDS`. start_dates: ISO, as much as is known (2014, 2014-04), None = not known.
    years, episodes, members: 0 = not known.
    sources: "Manga", "Original" ..., None where missing. adult: bool. Without these two columns fewer namesakes are
        joined, and fewer kept apart.
    """

    anime_ids: NDArray[np.int32]
    title: Sequence[str]
    english: Sequence[str | None]
    japanese: Sequence[str | None]
    synonyms: Sequence[Sequence[str]]
    kinds: NDArray[np.int8]
    start_dates: Sequence[str | None]
    years: NDArray[np.int16]
    episodes: NDArray[np.int16]
    members: NDArray[np.int32]
    sources: Sequence[str | None] | None = None
    adult: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class Relations:
    """The `relations` table; all are [m] long, in any order.

    Read: `target_ids[i]` is the `relations[i]` ("Sequel", "Side story" ...) of `anime_ids[i]`.
    Relations of unknown anime and of unknown names are ignored.
    """

    anime_ids: NDArray[np.int32]
    relations: Sequence[str]
    target_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class IdGroups:
    """What an id map says belongs together: anime with the same id on a site that counts series, not seasons.

    Both are [k] long, in any order; an anime may be in several groups. groups: a key such as "tvdb 12345".
    """

    anime_ids: NDArray[np.int32]
    groups: Sequence[str]


class Facts:
    """The titles, read: what every later step asks for, by row."""

    def __init__(self, titles: Titles) -> None:
        self.n = len(titles.anime_ids)
        self.adult: list[bool] = [False] * self.n if titles.adult is None else titles.adult.tolist()
        self.sources = titles.sources or [None] * self.n
        self.ids: list[int] = titles.anime_ids.tolist()
        self.names = [name_of(*t) for t in zip(titles.title, titles.english, titles.japanese, strict=True)]
        self.texts = [tidy(title) for title in titles.title]
        self.kinds: list[int] = titles.kinds.tolist()
        for row, name in enumerate(self.names):
            if self.kinds[row] == UNKNOWN:
                self.kinds[row] = _KIND_BY_NAME.get(name.place.form, UNKNOWN)
        self.recap_by_name = [
            name.place.form == Form.RECAP
            or (self.kinds[row] != TV and any(map(says_recap, (titles.english[row], *titles.synonyms[row]))))
            for row, name in enumerate(self.names)
        ]
        self.words = [
            words_of([title, english, *synonyms])
            for title, english, synonyms in zip(titles.title, titles.english, titles.synonyms, strict=True)
        ]
        self.episodes: list[int] = titles.episodes.tolist()
        self.members: list[int] = titles.members.tolist()
        self.first_day, self.last_day = _date_bounds(titles)
        self.released = _estimated(titles.anime_ids, self.first_day)

    def main(self, row: int) -> bool:
        """Whether a title is neither special, song, advertisement nor recap, by its type and by its name."""
        kind, form = self.kinds[row], self.names[row].place.form
        return kind not in EXTRA_KINDS and (form < Form.EXTRA or (kind == TV and form < Form.RECAP))

    def series(self, row: int) -> bool:
        """Whether a title is a series: on television, or on the net and not known to be short."""
        kind, episodes = self.kinds[row], self.episodes[row]
        return self.main(row) and (kind == TV or (kind in (ONA, UNKNOWN) and (episodes == 0 or episodes > 4)))

    def full_series(self, row: int) -> bool:
        """Whether a title is a television series long enough to be a work of its own."""
        return self.kinds[row] == TV and (self.episodes[row] == 0 or self.episodes[row] >= FULL_SERIES)


def _date_bounds(titles: Titles) -> tuple[list[float], list[float]]:
    """Return the first and last day on which each title can have come out; -inf and inf where nothing is known."""
    first, last = [-np.inf] * len(titles.anime_ids), [np.inf] * len(titles.anime_ids)
    for row, (text, year) in enumerate(zip(titles.start_dates, titles.years.tolist(), strict=True)):
        known = [int(part) for part in text.split("-")] if text else [year] if year else []
        if known:
            first[row] = date(*[*known, 1, 1][:3]).toordinal()
            last[row] = first[row] + {1: 365, 2: 30, 3: 0.5}[len(known)]
    return first, last


def _estimated(ids: NDArray[np.int32], first_days: list[float]) -> list[float]:
    """Return a day for each title: the first possible, or where nothing is known, a late one of titles with near ids.

    Ids are given out as works are announced, so works with near ids came out at about the same time. Where older works
    were entered late this does not hold, so the guess never falls as ids rise.
    """
    first = np.array(first_days)
    known = np.flatnonzero(np.isfinite(first))
    if len(known) == 0:
        return [0.0] * len(first)
    blocks = np.array_split(known, max(1, len(known) // 50))
    days = np.maximum.accumulate([np.quantile(first[block], LATE_GUESS) for block in blocks])
    guesses = np.interp(ids, [np.median(ids[block]) for block in blocks], days)
    estimated: list[float] = np.where(np.isfinite(first), first, guesses).tolist()
    return estimated


class Edges:
    """The relations by row, each once and in one direction: (relation, a, b) reads "b is the `relation` of a".

    typed: rows that have a relation which says more than that there is one.
    """

    def __init__(self, anime_ids: NDArray[np.int32], relations: Relations) -> None:
        row_of = {anime_id: row for row, anime_id in enumerate(anime_ids.tolist())}
        strong, weak = set(), set()
        for source, relation, target in zip(
            relations.anime_ids.tolist(), relations.relations, relations.target_ids.tolist(), strict=True
        ):
            a, b = row_of.get(source), row_of.get(target)
            if a is None or b is None or a == b:
                continue
            if relation in WEAK:
                weak.add((relation, min(a, b), max(a, b)))
            elif relation in _MIRRORED:
                strong.add((_MIRRORED[relation], b, a))
            elif relation in INVERSES:
                strong.add((relation, a, b))
        related = {frozenset(edge[1:]) for edge in strong}
        # The site calls what a spin-off comes from its "Parent story".
        self.typed = {row for edge in strong for row in edge[1:]}
        self.strong = sorted(e for e in strong if e[0] != "Side story" or ("Spin-off", *e[1:]) not in strong)
        self.weak = sorted(edge for edge in weak if frozenset(edge[1:]) not in related)
        self.origins: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self.sequels: defaultdict[int, list[int]] = defaultdict(list)
        self.beside: defaultdict[tuple[str, int], set[int]] = defaultdict(
            set
        )  # both ways: which is whose is often wrong
        for relation, a, b in self.strong:
            self.origins[relation, b].append(a)
            if relation == "Sequel":
                self.sequels[a].append(b)
            kind = relation.split()[0]
            if kind in {"Alternative", "Spin-off"}:
                self.beside[kind, a].add(b)
                self.beside[kind, b].add(a)
