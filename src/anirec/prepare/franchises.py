"""Related anime -> franchises: who belongs together, in which order to watch, and where a newcomer may start.

Grouping, the surest evidence first; a wrong join hides good picks from people, so doubt keeps titles apart:

1. Sequel and Prequel unite.
2. The other story relations unite where the leading titles of both sides share a telling word ("gundam").
3. Without such a word, a small side (a spin-off, a special, a song) joins one series only, so that a crossover
   ("Lupin III vs. Detective Conan") does not unite two.
4. Weak relations (Other, Character, Related) unite where one title holds the other's name.
5. Titles alone unite by what `title_structure` reads: "X Season 2" goes to the one "X" there is.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS
from anirec.prepare.title_structure import Form, Name, Reading, Trust, name_of, words_of

FULL_SERIES: Final = 10
"""Episodes from which a series is a work of its own, that can be a start although its story belongs to another's."""

SMALL: Final = 4
"""Titles in a group up to which it may be carried along by one relation without a shared word."""

TELLING: Final = 0.4
"""A word tells a franchise where at least this share of the titles that have it are related."""

NAMESAKE_YEARS: Final = 8
"""Two works of one name that come further apart than this are taken for strangers, unless more speaks for them."""

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
"""Every relation that is used, and what it is called from the other end."""

WEAK: Final = frozenset({"Other", "Character", "Related"})

_MIRRORED: Final = {"Prequel": "Sequel", "Parent story": "Side story", "Full story": "Summary"}
_TV, _MOVIE, _OVA, _ONA = (KINDS.index(kind) for kind in ("TV", "Movie", "OVA", "ONA"))
_UNKNOWN: Final = KINDS.index("Unknown")
_MAIN_KINDS: Final = frozenset({_TV, _MOVIE, _OVA, _ONA, _UNKNOWN})
_SONGS_AND_ADS: Final = frozenset(KINDS.index(kind) for kind in ("Music", "CM", "PV"))


@dataclass(frozen=True, eq=False)
class Titles:
    """The columns of the `anime` table that franchises are found from; all are [n] long.

    anime_ids: int32, ascending. title, english, japanese: None where missing. synonyms: any number for each.
    kinds: int8, index into `KINDS`. start_dates: ISO, as much as is known (2014, 2014-04), None = not known.
    years, episodes, members: 0 = not known.
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
class Franchises:
    """The franchise of every title; all are [n] long and aligned with the `Titles` they were found from.

    number: the franchise, numbered in the order of its first row; a title without relatives has its own.
    order: place in the franchise's watch order, from 0.
    requires: row of the title to be seen before this one, in the same franchise; -1 = a newcomer may start here.
    evidence: why a title is in its franchise ("relation: Sequel of 1575", "title: NUMBER of 1575"), by way of the
        titles named, back to the one that says "first of its franchise"; "alone" for a title without relatives.
    unmet: the title says that it continues something ("Season 3"), but nothing that it continues was found.
    """

    number: NDArray[np.int32]
    order: NDArray[np.int16]
    requires: NDArray[np.int32]
    evidence: tuple[str, ...]
    unmet: NDArray[np.bool_]


def find_franchises(titles: Titles, relations: Relations) -> Franchises:
    """Group the titles, order every group, and say what each title requires.

    The result depends on the rows of the relations, not on their order.
    """
    facts = _Facts(titles)
    edges = _Edges(titles.anime_ids, relations)
    groups = _Groups(facts, edges)
    groups.unite_all()
    number = groups.numbers()
    needs = _Needs(facts, edges, groups, number)
    return Franchises(
        number=number,
        order=_watch_order(facts, number, needs),
        requires=np.array(needs.requires, dtype=np.int32),
        evidence=groups.evidence(needs.firsts),
        unmet=np.array(
            [name.place.continues and need < 0 for name, need in zip(facts.names, needs.requires, strict=True)],
            dtype=np.bool_,
        ),
    )


class _Facts:
    """The titles, read: what every later step asks for, by row."""

    def __init__(self, titles: Titles) -> None:
        self.n = len(titles.anime_ids)
        self.ids = titles.anime_ids.tolist()
        self.names = [name_of(*t) for t in zip(titles.title, titles.english, titles.japanese, strict=True)]
        self.members = titles.members.tolist()
        self.episodes = titles.episodes.tolist()
        self.kinds = [
            _MOVIE if kind == _UNKNOWN and name.place.form == Form.MOVIE else kind
            for kind, name in zip(titles.kinds.tolist(), self.names, strict=True)
        ]
        self.words = [
            words_of([title, english, *synonyms])
            for title, english, synonyms in zip(titles.title, titles.english, titles.synonyms, strict=True)
        ]
        self.earliest, self.latest = _date_bounds(titles)
        self.released = _estimated(titles.anime_ids, self.earliest)

    def main(self, row: int) -> bool:
        """Whether a title is neither special, song, advertisement nor recap."""
        return self.kinds[row] in _MAIN_KINDS and self.names[row].place.form < Form.EXTRA

    def series(self, row: int) -> bool:
        """Whether a title is a series: on television, or on the net and not known to be short."""
        kind, episodes = self.kinds[row], self.episodes[row]
        return self.main(row) and (kind == _TV or (kind in (_ONA, _UNKNOWN) and (episodes == 0 or episodes > 4)))

    def full_series(self, row: int) -> bool:
        """Whether a title is a series long enough to be a work of its own."""
        return self.series(row) and (self.episodes[row] == 0 or self.episodes[row] >= FULL_SERIES)

    def years_apart(self, a: int, b: int) -> float:
        """Return how many years lie between the releases of two titles, as far as known or guessed."""
        return abs(self.released[a] - self.released[b]) / 365.25


def _date_bounds(titles: Titles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and last day on which each title can have come out; -inf and inf where nothing is known."""
    n = len(titles.anime_ids)
    first, last = np.full(n, -np.inf), np.full(n, np.inf)
    for row, (text, year) in enumerate(zip(titles.start_dates, titles.years.tolist(), strict=True)):
        parts = [int(part) for part in text.split("-")] if text else [year] if year else []
        if not parts:
            continue
        month, day = (*parts[1:], *(1, 1)[len(parts) - 1 :]) if len(parts) < 3 else parts[1:]
        first[row] = date(parts[0], month, day).toordinal()
        last[row] = first[row] + (0, 30, 365)[3 - len(parts)]
    return first, last


def _estimated(ids: NDArray[np.int32], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a day for each title: the first possible, or where nothing is known, one typical of titles with near ids.

    Ids are given out as works are announced, so works with neighbouring late ids came out at about the same time.
    """
    known = np.flatnonzero(np.isfinite(first))
    if len(known) == 0:
        return np.zeros(len(first))
    blocks = np.array_split(known, max(1, len(known) // 50))
    centres = [np.median(ids[block]) for block in blocks], [np.median(first[block]) for block in blocks]
    return np.where(np.isfinite(first), first, np.interp(ids, *centres))


class _Edges:
    """The relations by row, each once and in one direction: (relation, a, b) reads "b is the `relation` of a"."""

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
        related = {(a, b) for _, a, b in strong}
        # The site calls what a spin-off comes from its "Parent story".
        self.strong = sorted(e for e in strong if e[0] != "Side story" or ("Spin-off", *e[1:]) not in strong)
        self.weak = sorted(e for e in weak if e[1:] not in related and e[:0:-1] not in related)
        self.into: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        self.sequels: defaultdict[int, list[int]] = defaultdict(list)
        self.alternatives: defaultdict[int, set[int]] = defaultdict(set)
        for relation, a, b in self.strong:
            self.into[b].append((relation, a))
            if relation == "Sequel":
                self.sequels[a].append(b)
            elif relation.startswith("Alternative"):
                self.alternatives[a].add(b)
                self.alternatives[b].add(a)

    def origins(self, row: int, *relations: str) -> list[int]:
        """Return the rows that `row` is one of these relations of."""
        return [a for relation, a in self.into.get(row, ()) if relation in relations]


class _Groups:
    """Titles being united; every group is led by its best-known main title."""

    def __init__(self, facts: _Facts, edges: _Edges) -> None:
        self.facts, self.edges = facts, edges
        self.parent = list(range(facts.n))
        self.leader = list(range(facts.n))
        self.size = [1] * facts.n
        self.links: list[tuple[int, int, str, str]] = []  # a, b, why b belongs to a, why a belongs to b
        self.telling = self._telling_words()
        works = [row for row in range(facts.n) if facts.kinds[row] not in _SONGS_AND_ADS]
        self._by_release = sorted(works, key=lambda row: (facts.released[row], row))
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._marked: defaultdict[str, list[int]] = defaultdict(list)
        for row in works:
            for base in facts.names[row].bases(Trust.NAME, Trust.VERSION):
                self._named[base].append(row)
            for base in facts.names[row].bases(Trust.MARK):
                self._marked[base].append(row)

    def find(self, row: int) -> int:
        while self.parent[row] != row:
            self.parent[row] = self.parent[self.parent[row]]
            row = self.parent[row]
        return row

    def unite(self, a: int, b: int, why_b: str, why_a: str) -> None:
        x, y = self.find(a), self.find(b)
        if x == y:
            return
        self.links.append((a, b, why_b, why_a))
        x, y = min(x, y), max(x, y)
        self.parent[y] = x
        self.size[x] += self.size[y]
        self.leader[x] = max(self.leader[x], self.leader[y], key=self._prominence)

    def _prominence(self, row: int) -> tuple[bool, bool, int, int]:
        facts = self.facts
        return not facts.names[row].crossover, facts.main(row), facts.members[row], -row

    def _telling_words(self) -> set[str]:
        """Return the words of which most titles are related to each other."""
        loose = list(range(self.facts.n))

        def root(row: int) -> int:
            while loose[row] != row:
                loose[row] = loose[loose[row]]
                row = loose[row]
            return row

        for _, a, b in self.edges.strong:
            x, y = root(a), root(b)
            loose[max(x, y)] = min(x, y)
        counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for row, words in enumerate(self.facts.words):
            for word in words:
                counts[word][root(row)] += 1
        return {word for word, by_group in counts.items() if max(by_group.values()) >= TELLING * by_group.total()}

    def kin(self, a: int, b: int) -> bool:
        """Whether the leaders of the groups of two titles share a telling word."""
        words = self.facts.words
        shared = words[self.leader[self.find(a)]] & words[self.leader[self.find(b)]]
        return not shared.isdisjoint(self.telling)

    def unite_all(self) -> None:
        """Unite by every sort of evidence, the surest first."""
        strong = self.edges.strong
        for relation, a, b in strong:
            if relation == "Sequel":
                self._relate(relation, a, b)
        for relation, a, b in strong:
            if self.kin(a, b):
                self._relate(relation, a, b)
        self._unite_by_titles({Trust.MARK})
        self._carry_small()
        self._unite_weakly()
        self._unite_by_titles(set(Trust))

    def _relate(self, relation: str, a: int, b: int) -> None:
        ids = self.facts.ids
        self.unite(a, b, f"relation: {relation} of {ids[a]}", f"relation: {INVERSES[relation]} of {ids[b]}")

    def _carry_small(self) -> None:
        """Give each small group that is the side story, summary or spin-off of others to the best-known of them."""
        offers = []
        for relation, a, b in self.edges.strong:
            if relation in {"Side story", "Summary", "Spin-off"} and self.size[self.find(b)] <= SMALL:
                fame = self.facts.members[self.leader[self.find(a)]]
                offers.append((self.find(b), -fame, relation, a, b))
        carried: set[int] = set()
        for child, _, relation, a, b in sorted(offers):
            if child not in carried:
                carried.add(child)
                self._relate(relation, a, b)

    def _unite_weakly(self) -> None:
        offers = []
        for relation, a, b in self.edges.weak:
            if self.kin(a, b):
                self._relate(relation, a, b)
                continue
            for child, other in ((a, b), (b, a)):
                at = self._name_found(child, other)
                if at is not None:
                    offers.append((at, -self.facts.members[other], child, other, relation, a, b))
        for _, _, child, other, relation, a, b in sorted(offers):
            if self.leader[self.find(child)] == child and self.size[self.find(child)] <= SMALL or self.kin(a, b):
                self._relate(relation, a, b)

    def _name_found(self, row: int, other: int) -> int | None:
        """Return where in a title of `row` a name of `other` stands, if it is there."""
        names = self.facts.names
        known = [base for base in names[other].bases(Trust.NAME, Trust.VERSION, Trust.MARK) if _telling(base)]
        return min((w.find(base) for base in known for w in names[row].whole if base in w), default=None)

    def _unite_by_titles(self, trusts: set[Trust]) -> None:
        """Unite what readings of these kinds say belongs together, in the order of release."""
        for row in self._by_release:
            for reading in self.facts.names[row].best():
                if reading.trust not in trusts:
                    continue
                others = [other for other in self._named.get(reading.base, ()) if other != row]
                if reading.trust == Trust.MARK and not others and reading.words > 1 and reading.place.form < Form.EXTRA:
                    others = [other for other in self._marked[reading.base] if other != row]
                if any(self.find(other) == self.find(row) for other in others):
                    break
                other = self._choose(row, reading, others)
                if other is not None and self._may_join(row, other):
                    ids, why = self.facts.ids, f"title: {reading.trust.name.lower()} as in"
                    self.unite(other, row, f"{why} {ids[other]}", f"{why} {ids[row]}")
                    break

    def _may_join(self, a: int, b: int) -> bool:
        """Whether one of the groups is small, or both are kin: two established series are not united by one title."""
        return min(self.size[self.find(a)], self.size[self.find(b)]) <= SMALL or self.kin(a, b)

    def _choose(self, row: int, reading: Reading, others: list[int]) -> int | None:
        """Return the title that the reading belongs to, if that is clear."""
        fits = [o for o in others if self._fits(row, reading, o)]
        if len({self.find(o) for o in fits}) > 1:
            agreement = {o: self._agreement(row, o) for o in fits}
            fits = [o for o in fits if agreement[o] == max(agreement.values())]
        if not fits:
            return None
        return min(fits, key=lambda o: (not self.facts.main(o), self.facts.years_apart(row, o), o))

    def _fits(self, row: int, reading: Reading, other: int) -> bool:
        facts = self.facts
        earlier = facts.released[other] <= facts.released[row] + 60
        known = _telling(reading.base)
        agreement = self._agreement(row, other)
        if reading.trust <= Trust.VERSION:
            return facts.years_apart(row, other) <= NAMESAKE_YEARS and (agreement > 1 or (known and reading.words > 1))
        if reading.trust == Trust.MARK:
            return earlier and (known or reading.place.form == Form.PLAIN or agreement > 1)
        if reading.trust == Trust.NUMBER:
            return earlier and facts.main(other) and facts.main(row) and (known or agreement > 1)
        return (
            earlier
            and facts.main(other)
            and known
            and (agreement > 1 or (reading.words > 2 and len(reading.base) > 11))
        )

    def _agreement(self, row: int, other: int) -> int:
        """Return how many different names the readings of `row` share with `other`: romaji, English, Japanese."""
        shared = set()
        for mine, theirs in zip(self.facts.names[row].readings, self.facts.names[other].readings, strict=True):
            common = {r.base for r in mine} & {r.base for r in theirs if r.trust <= Trust.MARK}
            shared |= {max(common, key=len)} if common else set()
        return len(shared)

    def numbers(self) -> NDArray[np.int32]:
        roots = np.array([self.find(row) for row in range(self.facts.n)], dtype=np.int32)
        _, number = np.unique(roots, return_inverse=True)
        return number.astype(np.int32)

    def evidence(self, firsts: Iterable[int]) -> tuple[str, ...]:
        """Say for each title which link holds it, seen from the first title of its group."""
        near: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        for a, b, why_b, why_a in self.links:
            near[a].append((b, why_b))
            near[b].append((a, why_a))
        said = ["alone"] * self.facts.n
        for first in firsts:
            if first in near:
                said[first] = "first of its franchise"
            todo, seen = [first], {first}
            while todo:
                here = todo.pop()
                for there, why in near.get(here, ()):
                    if there not in seen:
                        seen.add(there)
                        said[there] = why
                        todo.append(there)
        return tuple(said)


def _telling(base: str) -> bool:
    """Whether a name is long enough to be met again only on purpose."""
    return len(base) >= (6 if base.isascii() else 4)


class _Needs:
    """What each title requires. A title is worked out after everything that came out before it."""

    def __init__(self, facts: _Facts, edges: _Edges, groups: _Groups, number: NDArray[np.int32]) -> None:
        self.facts, self.edges, self.number = facts, edges, number.tolist()
        self.requires = [-1] * facts.n
        self.members: defaultdict[int, list[int]] = defaultdict(list)
        for row, group in enumerate(self.number):
            self.members[group].append(row)
        self.recaps = {b for relation, _, b in edges.strong if relation == "Summary"}
        self.near: defaultdict[int, list[int]] = defaultdict(list)
        for a, b, _, _ in groups.links:
            self.near[a].append(b)
            self.near[b].append(a)
        self.rank = self._ranks()
        self.firsts: list[int] = []
        for rows in self.members.values():
            rows.sort(key=self.rank.__getitem__)
            self._settle(rows)

    def _ranks(self) -> list[int]:
        """Return each title's place in the order of release; where days are not known, stories are in their order."""
        facts, places = self.facts, [name.place for name in self.facts.names]
        released = facts.released.copy()
        following = [(a, b) for relation, a, b in self.edges.strong if not relation.startswith("Alternative")]
        for rows in self.members.values():
            seasons = sorted((places[row].season, places[row].part, row) for row in rows if facts.series(row))
            following += [(a, b) for (*x, a), (*y, b) in pairwise(seasons) if x < y and self._one_base(a, b)]
        for _ in range(8):
            late = [
                (a, b)
                for a, b in following
                if released[b] <= released[a] <= facts.last_day[b] and not (released[a] == released[b] and a > b)
            ]
            for a, b in late:
                released[b] = max(released[b], min(facts.last_day[b], released[a] + 0.01))
        order = sorted(range(facts.n), key=lambda row: (released[row], *places[row][:2], row))
        ranks = [0] * facts.n
        for rank, row in enumerate(order):
            ranks[row] = rank
        return ranks
