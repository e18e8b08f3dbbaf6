"""Related anime -> franchises: who belongs together, in which order to watch, and where a newcomer may start.

Grouping (`_Groups`), the surest evidence first; a wrong join hides good picks from people, so doubt keeps apart:

1. Sequel and Prequel unite.
2. The other story relations unite where the leading titles of both sides share a telling word ("gundam").
3. "X Season 2" goes to the one "X" there is (`title_structure`).
4. A small side (a spin-off, a special, a song) without a telling word joins one series only, so that a crossover
   ("Lupin III vs. Detective Conan") does not unite two.
5. Weak relations (Other, Character, Related) unite where one title holds the other's name.
6. Names alone unite: "X 2", "X: Subtitle" and namesakes, where their facts do not speak against it.

What has to be seen before a title (`_Needs`) is said by the first rule that applies to it; each rule is one method.
In short: a season requires the season before it; a side story, summary, special or film its series. Spin-offs and
stories told anew may be started with if they are series or films. A prequel that was released after the story it
leads to never closes the door to that story, and is itself a start only as a full series under a name of its own
(Fate/Zero, but not Kizumonogatari). Series do not require specials, songs or OVAs beside the story: they pass through
to what those require. Nothing requires what came out later, with one exception: a special, song, advertisement, recap
or short side story that came out ahead of its series.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS
from anirec.prepare.title_structure import LONG_NAME, Form, NameIndex, Reading, Trust, distinctive, name_of, words_of

FULL_SERIES: Final = 10
"""Episodes from which a series is a work of its own, that can be a start although its story belongs to another's."""

SMALL: Final = 4
"""Titles in a group up to which it may be carried along by one relation without a telling word."""

TELLING: Final = 0.4
"""A word tells a franchise where at least this share of the titles that have it are related."""

FAMOUS: Final = 100_000
"""Members from which a title's name is used by others only on purpose."""

PRELUDE: Final = 2
"""Times as many members as an OVA or a film that begins its story has a series that is not taken to require it."""

LONG_AGO: Final = 8 * 365.25
"""Days after which a work of the same name is a stranger, or the story told anew, unless more is known."""

RECAP_AHEAD: Final = 100
"""Days that a recap may come out before what it sums up."""

SETTLING: Final = 20
"""Rounds in which guessed days are set right by what follows what; stories that run in a circle never settle."""

LATE_GUESS: Final = 0.8
"""Where among titles with near ids one without a date is put: late, for what is early becomes a start."""

ADAPTED: Final = frozenset({"Manga", "Web manga", "4-koma manga", "Light novel", "Visual novel", "Game"})
"""Sources that make two adaptations under one name one work; a tale or an idea of one's own does not."""

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
_TV, _MOVIE, _ONA, _UNKNOWN = (KINDS.index(kind) for kind in ("TV", "Movie", "ONA", "Unknown"))
_EXTRA_KINDS: Final = frozenset(KINDS.index(kind) for kind in ("Special", "Music", "CM", "PV"))
_SONGS_AND_ADS: Final = _EXTRA_KINDS - {KINDS.index("Special")}
_FIRST_KINDS: Final = (_TV, _MOVIE)


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
class Franchises:
    """The franchise of every title; all are [n] long and aligned with the `Titles` they were found from.

    number: the franchise, numbered in the order of its first row; a title without relatives has its own.
    order: place in the franchise's watch order, from 0.
    requires: row of the title to be seen before this one, in the same franchise; -1 = a newcomer may start here.
    evidence: what holds a title in its franchise ("relation: Sequel of 1575", "title: mark as in 1575"). From one to
        the next it leads to the title that says "first of its franchise". "alone" for a title without relatives.
    unmet: the title says that it continues something ("Season 3"), but nothing that it continues was found.
    """

    number: NDArray[np.int32]
    order: NDArray[np.int16]
    requires: NDArray[np.int32]
    evidence: tuple[str, ...]
    unmet: NDArray[np.bool_]


def find_franchises(titles: Titles, relations: Relations) -> Franchises:
    """Group the titles, order every group, and say what each title requires.

    The result depends on the rows of the relations, not on their order. 30,000 titles take some seconds.
    """
    facts = _Facts(titles)
    edges = _Edges(titles.anime_ids, relations)
    groups = _Groups(facts, edges)
    number = groups.numbers()
    needs = _Needs(facts, edges, groups.links, number)
    unmet = [name.place.continues and need < 0 for name, need in zip(facts.names, needs.requires, strict=True)]
    return Franchises(
        number=number,
        order=needs.watch_order(),
        requires=np.array(needs.requires, dtype=np.int32),
        evidence=_evidence(facts.n, groups.links, needs.firsts),
        unmet=np.array(unmet, dtype=np.bool_),
    )


class _Facts:
    """The titles, read: what every later step asks for, by row."""

    def __init__(self, titles: Titles) -> None:
        self.n = len(titles.anime_ids)
        self.adult: list[bool] = [False] * self.n if titles.adult is None else titles.adult.tolist()
        self.sources = titles.sources or [None] * self.n
        self.ids: list[int] = titles.anime_ids.tolist()
        self.names = [name_of(*t) for t in zip(titles.title, titles.english, titles.japanese, strict=True)]
        self.words = [
            words_of([title, english, *synonyms])
            for title, english, synonyms in zip(titles.title, titles.english, titles.synonyms, strict=True)
        ]
        self.kinds: list[int] = titles.kinds.tolist()
        for row, name in enumerate(self.names):
            if self.kinds[row] == _UNKNOWN and name.place.form == Form.MOVIE:
                self.kinds[row] = _MOVIE
        self.episodes: list[int] = titles.episodes.tolist()
        self.members: list[int] = titles.members.tolist()
        self.first_day, self.last_day = _date_bounds(titles)
        self.released = _estimated(titles.anime_ids, self.first_day)

    def main(self, row: int) -> bool:
        """Whether a title is neither special, song, advertisement nor recap, by its type and by its name."""
        kind, form = self.kinds[row], self.names[row].place.form
        return kind not in _EXTRA_KINDS and (form < Form.EXTRA or (kind == _TV and form == Form.EXTRA))

    def series(self, row: int) -> bool:
        """Whether a title is a series: on television, or on the net and not known to be short."""
        kind, episodes = self.kinds[row], self.episodes[row]
        return self.main(row) and (kind == _TV or (kind in (_ONA, _UNKNOWN) and (episodes == 0 or episodes > 4)))

    def full_series(self, row: int) -> bool:
        """Whether a title is a television series long enough to be a work of its own."""
        return self.kinds[row] == _TV and (self.episodes[row] == 0 or self.episodes[row] >= FULL_SERIES)


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
        related = {frozenset(edge[1:]) for edge in strong}
        # The site calls what a spin-off comes from its "Parent story".
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


class _Forest:
    """Sets of rows that can be united."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, row: int) -> int:
        """Return the row that stands for the set of `row`: its first."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    def unite(self, a: int, b: int) -> tuple[int, int]:
        """Unite the sets of two rows; returns the rows that stood for them, the one that still does first."""
        x, y = sorted((self.find(a), self.find(b)))
        self._parent[y] = x
        return x, y


class _Groups:
    """Titles united into franchises; every group is led by its best-known main title.

    links: (a, b, why b belongs to a, why a belongs to b), one less than titles in each group: a tree.
    """

    def __init__(self, facts: _Facts, edges: _Edges) -> None:
        self.facts, self.edges = facts, edges
        self.links: list[tuple[int, int, str, str]] = []
        self._forest = _Forest(facts.n)
        self._leader = list(range(facts.n))
        self._size = [1] * facts.n
        self._telling = self._telling_words()
        works = [row for row in range(facts.n) if facts.kinds[row] not in _SONGS_AND_ADS]
        self._by_release = sorted(works, key=lambda row: (facts.released[row], row))
        self._index = NameIndex((row, facts.names[row]) for row in works)
        for relation, a, b in edges.strong:
            if relation == "Sequel":
                self._relate(relation, a, b)
        for relation, a, b in edges.strong:
            if self._kin(a, b):
                self._relate(relation, a, b)
        self._unite_by_titles(Trust.MARK, Trust.MARK)
        self._carry_small()
        self._unite_weakly()
        self._unite_by_titles(Trust.NAME, Trust.SUBTITLE)

    def numbers(self) -> NDArray[np.int32]:
        """Return the number of each row's group."""
        roots = np.array([self._forest.find(row) for row in range(self.facts.n)], dtype=np.int32)
        return np.unique(roots, return_inverse=True)[1].astype(np.int32)

    def _unite(self, a: int, b: int, why_b: str, why_a: str) -> None:
        if self._forest.find(a) == self._forest.find(b):
            return
        self.links.append((a, b, why_b, why_a))
        x, y = self._forest.unite(a, b)
        self._size[x] += self._size[y]
        self._leader[x] = max(self._leader[x], self._leader[y], key=self._prominence)

    def _relate(self, relation: str, a: int, b: int) -> None:
        ids = self.facts.ids
        self._unite(a, b, f"relation: {relation} of {ids[a]}", f"relation: {INVERSES[relation]} of {ids[b]}")

    def _prominence(self, row: int) -> tuple[bool, bool, int, int]:
        facts = self.facts
        return not facts.names[row].crossover, facts.main(row), facts.members[row], -row

    def _group_size(self, row: int) -> int:
        return self._size[self._forest.find(row)]

    def _leads(self, row: int) -> bool:
        return self._leader[self._forest.find(row)] == row

    def _telling_words(self) -> set[str]:
        """Return the words that several titles have, most of them related to each other."""
        related = _Forest(self.facts.n)
        for _, a, b in self.edges.strong:
            related.unite(a, b)
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for row, words in enumerate(self.facts.words):
            group = related.find(row)
            for word in words:
                groups[word].append(group)
        return {w for w, of in groups.items() if len(of) > 1 and max(Counter(of).values()) >= TELLING * len(of)}

    def _kin(self, a: int, b: int) -> bool:
        """Whether the leaders of the groups of two titles share a telling word, or one is named after the other."""
        x, y = self._leader[self._forest.find(a)], self._leader[self._forest.find(b)]
        shared = self.facts.words[x] & self.facts.words[y]
        return not shared.isdisjoint(self._telling) or self._named_after(x, y) or self._named_after(y, x)

    def _named_after(self, a: int, b: int) -> bool:
        parts = self.facts.names[a].bases(Trust.VERSION, Trust.MARK, Trust.NUMBER, Trust.SUBTITLE)
        return not parts.isdisjoint(self.facts.names[b].bases(Trust.NAME, Trust.VERSION))

    def _carry_small(self) -> None:
        """Give each small group that is the side story, summary or spin-off of others to the best-known of them."""
        offers = []
        for relation, a, b in self.edges.strong:
            if relation in {"Side story", "Summary", "Spin-off"} and self._group_size(b) <= SMALL:
                fame = self.facts.members[self._leader[self._forest.find(a)]]
                offers.append((self._forest.find(b), -fame, relation, a, b))
        carried = set()
        for child, _, relation, a, b in sorted(offers):
            if child not in carried:
                carried.add(child)
                self._relate(relation, a, b)

    def _unite_weakly(self) -> None:
        """Unite what a weak relation connects: kin, or a small group whose leader has the other's name in its own."""
        offers = []
        for relation, a, b in self.edges.weak:
            if self._kin(a, b):
                self._relate(relation, a, b)
                continue
            for child, other in ((a, b), (b, a)):
                at = self._name_found(child, other)
                if at is not None:
                    offers.append((at, -self.facts.members[other], child, relation, a, b))
        for _, _, child, relation, a, b in sorted(offers):
            if (self._leads(child) and self._group_size(child) <= SMALL) or self._kin(a, b):
                self._relate(relation, a, b)

    def _name_found(self, row: int, other: int) -> int | None:
        """Return where in a title of `row` a name of `other` stands, if it is there."""
        names = self.facts.names
        known = filter(distinctive, names[other].bases(Trust.NAME, Trust.VERSION, Trust.MARK))
        return min((whole.find(base) for base in known for whole in names[row].whole if base in whole), default=None)

    def _unite_by_titles(self, surest: Trust, vaguest: Trust) -> None:
        """Unite what readings of these kinds say belongs together, in the order of release."""
        for row in self._by_release:
            if not self._leads(row):
                continue
            for reading in self.facts.names[row].readings:
                others = self._index.others(row, reading) if surest <= reading.trust <= vaguest else ()
                if any(self._forest.find(other) == self._forest.find(row) for other in others):
                    break
                other = self._choose(row, reading, others) if others else None
                if other is not None:
                    ids, why = self.facts.ids, f"title: {reading.trust.name.lower()} as in"
                    self._unite(other, row, f"{why} {ids[other]}", f"{why} {ids[row]}")
                    break

    def _choose(self, row: int, reading: Reading, others: Iterable[int]) -> int | None:
        """Return the title that the reading belongs to, if that is clear."""
        names, released = self.facts.names, self.facts.released
        fits = [other for other in others if self._fits(row, reading, other)]
        if len({self._forest.find(other) for other in fits}) > 1:
            most = max(names[row].agreement(names[other]) for other in fits)
            fits = [other for other in fits if names[row].agreement(names[other]) == most]
        return min(fits, key=lambda o: (not self.facts.main(o), abs(released[row] - released[o]), o), default=None)

    def _fits(self, row: int, reading: Reading, other: int) -> bool:
        """Whether the two may be of one series, as far as their facts and all their titles go."""
        facts = self.facts
        agreement = facts.names[row].agreement(facts.names[other])
        known = agreement > 1 or distinctive(reading.base)
        sure = agreement > 1 or (known and reading.words > 1)
        if self._strangers(row, reading, other, agreement):
            return False
        if reading.trust <= Trust.VERSION:
            return sure and self._of_one_work(row, other)
        if reading.trust == Trust.MARK:
            return known or reading.place.continues
        if reading.trust == Trust.NUMBER:
            return known and facts.main(other) and facts.main(row) and self._index.numbered(reading)
        long = len(reading.base) >= LONG_NAME or facts.members[other] >= FAMOUS
        return sure and facts.main(other) and (agreement > 1 or long)

    def _strangers(self, row: int, reading: Reading, other: int, agreement: int) -> bool:
        """Whether something speaks against the two being of one series.

        That both belong to established series that are not kin; that their Japanese titles differ; that only one is
        for adults; that what should come first came out after.
        """
        facts = self.facts
        dated = Trust.NUMBER if np.inf in (facts.last_day[row], facts.last_day[other]) else Trust.MARK
        established = min(self._group_size(row), self._group_size(other)) > SMALL
        return (
            (established and not self._kin(row, other))
            or (agreement < 2 and facts.names[row].contradicts(facts.names[other]))
            or (reading.trust != Trust.MARK and facts.adult[row] != facts.adult[other])
            or (reading.trust >= dated and facts.released[other] > facts.released[row] + 60)
        )

    def _of_one_work(self, row: int, other: int) -> bool:
        """Whether namesakes are near in time or adapt the same sort of source."""
        source = self.facts.sources[row]
        if source in ADAPTED and source == self.facts.sources[other]:
            return True
        return abs(self.facts.released[row] - self.facts.released[other]) <= LONG_AGO


def _evidence(n: int, links: Iterable[tuple[int, int, str, str]], firsts: Iterable[int]) -> tuple[str, ...]:
    """Say for each title which link holds it, seen from the first title of its group."""
    near: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for a, b, why_b, why_a in links:
        near[a].append((b, why_b))
        near[b].append((a, why_a))
    said = ["alone"] * n
    for first in firsts:
        said[first] = "first of its franchise"
        todo, seen = [first], {first}
        while todo:
            for there, why in near[todo.pop()]:
                if there not in seen:
                    seen.add(there)
                    said[there] = why
                    todo.append(there)
    return tuple(said)


class _Needs:
    """What each title requires. A title is worked out after everything that came out before it.

    requires: row or -1, for each row. firsts: the row to begin with, of each group of two titles or more.
    """

    def __init__(
        self, facts: _Facts, edges: _Edges, links: Iterable[tuple[int, int, str, str]], number: NDArray[np.int32]
    ) -> None:
        self.facts, self.edges = facts, edges
        self.number: list[int] = number.tolist()
        self.requires = [-1] * facts.n
        self.firsts: list[int] = []
        self._members: defaultdict[int, list[int]] = defaultdict(list)
        for row, group in enumerate(self.number):
            self._members[group].append(row)
        self._near: defaultdict[int, list[int]] = defaultdict(list)
        for a, b, _, _ in links:
            self._near[a].append(b)
            self._near[b].append(a)
        self._recaps = self._all_recaps()
        self._main = self._all_main()
        self._rank = self._ranks()
        self._late: set[int] = set()
        for rows in self._members.values():
            if len(rows) > 1:
                self._settle(sorted(rows, key=self._rank.__getitem__))

    def watch_order(self) -> NDArray[np.int16]:
        """Return each title's place: by release, nothing before what it requires, recaps, songs and ads last."""
        order = np.zeros(self.facts.n, dtype=np.int16)
        followers: defaultdict[int, list[int]] = defaultdict(list)
        for row, need in enumerate(self.requires):
            followers[need].append(row)

        def key(row: int) -> tuple[bool, int, int]:
            return row in self._recaps or self.facts.kinds[row] in _SONGS_AND_ADS, self._rank[row], row

        ready = [key(row) for row in followers[-1]]
        heapq.heapify(ready)
        placed: Counter[int] = Counter()
        while ready:
            *_, row = heapq.heappop(ready)
            order[row] = placed[self.number[row]]
            placed[self.number[row]] += 1
            for follower in followers.get(row, ()):
                heapq.heappush(ready, key(follower))
        return order

    def _all_recaps(self) -> set[int]:
        """Return what sums up another title, by relation or by name."""
        released, names = self.facts.released, self.facts.names
        recaps = {b for r, a, b in self.edges.strong if r == "Summary" and released[a] <= released[b] + RECAP_AHEAD}
        return recaps | {row for row in range(self.facts.n) if names[row].place.form == Form.RECAP}

    def _all_main(self) -> list[bool]:
        """Say of each title whether it tells a story of its own: no special, song, recap, or OVA beside a series.

        Where a group has no such title, all of its titles count.
        """
        facts = self.facts
        beside = {
            b
            for relation, a, b in self.edges.strong
            if relation == "Side story" and facts.main(a) and facts.members[a] > facts.members[b]
            if not facts.series(b) and facts.kinds[b] != _MOVIE
        }
        main = [facts.main(row) and row not in self._recaps and row not in beside for row in range(facts.n)]
        for rows in self._members.values():
            if not any(main[row] for row in rows):
                for row in rows:
                    main[row] = True
        return main

    def _ranks(self) -> list[int]:
        """Return each title's place in the order of release; what is not known of days is filled in by the stories."""
        released, first, last = list(self.facts.released), self.facts.first_day, self.facts.last_day
        following = self._following()
        for _ in range(SETTLING):
            moved = False
            for a, b, sure in following:
                if released[a] < released[b] or first[a] > last[b]:
                    continue
                in_turn = sure or a < b  # ids must not speak against it
                if released[a] < last[b] and (in_turn or last[b] < np.inf):
                    released[b], moved = min(last[b], released[a] + 0.01), True
                elif released[b] > first[a] and (in_turn or first[a] > -np.inf):
                    released[a], moved = max(first[a], released[b] - 0.01), True
            if not moved:
                break
        places = [name.place for name in self.facts.names]
        order = sorted(range(self.facts.n), key=lambda row: (released[row], places[row].season, places[row].part, row))
        ranks = [0] * self.facts.n
        for rank, row in enumerate(order):
            ranks[row] = rank
        return ranks

    def _following(self) -> list[tuple[int, int, bool]]:
        """Return pairs of titles whose second tells what comes after or beside the first, and whether that is sure.

        Seasons by name are; relations are not, for a prequel may come late.
        """
        pairs = [(a, b, False) for relation, a, b in self.edges.strong if not relation.startswith("Alternative")]
        for rows in self._members.values():
            seasons: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
            for row in rows if len(rows) > 1 else ():
                for base, _, trust, place in self.facts.names[row].readings:
                    if trust <= Trust.NUMBER and place.form == Form.PLAIN:
                        seasons[base].append((place.season, place.part, row))
            for of_base in seasons.values():
                of_base.sort()
                pairs += [(x[2], y[2], True) for x, y in pairwise(of_base) if x[:2] < y[:2]]
        return pairs

    def _settle(self, rows: list[int]) -> None:
        """Say what each title of a group requires. rows: the group, by release."""
        for row in rows:
            self.requires[row] = self._need(row)
        starts = [row for row in rows if self.requires[row] < 0]
        kinds = self.facts.kinds
        first = min(starts, key=lambda r: (not self._main[r], (*_FIRST_KINDS, kinds[r]).index(kinds[r]), self._rank[r]))
        self.firsts.append(first)
        for row in starts:
            if not self._main[row]:
                self.requires[row] = self._host(row, first)

    def _host(self, row: int, otherwise: int) -> int:
        """Return the main title that a special or song hangs on: by its name, or a linked one, before it if it can."""
        named = self._named(row)
        if named is not None and named >= 0:
            return named
        hosts = [near for near in self._near[row] if self._main[near]]
        before = self._before(row, hosts)
        if before:
            return max(before, key=self._rank.__getitem__)
        if self._rank[otherwise] < self._rank[row]:
            return otherwise
        return min(hosts, key=self._rank.__getitem__, default=otherwise)

    def _before(self, row: int, others: Iterable[int]) -> list[int]:
        """Return those of the others that are in the franchise of `row` and came out before it."""
        group, rank = self.number[row], self._rank[row]
        return [other for other in others if self.number[other] == group and self._rank[other] < rank]

    def _need(self, row: int) -> int:
        """Return what `row` requires among the titles that came before it, or -1: the first rule that applies says."""
        rules = (
            self._by_story,
            self._by_late_story,
            self._by_mark,
            self._by_parent,
            self._by_spin_off,
            self._by_version,
            self._by_name,
            self._by_neighbour,
        )
        return next((need for rule in rules if (need := rule(row)) is not None), -1)

    def _by_story(self, row: int) -> int | None:
        """What it is a sequel of. Specials and numbered films belong to their series, not to the one before them."""
        facts = self.facts
        prior = self._told_before(row)
        if not self._main[row] or (facts.names[row].place.form == Form.MOVIE and not any(map(facts.series, prior))):
            parent = self._by_parent(row)
            if parent is not None:
                return parent
        need = self._latest(row, prior)
        return self._by_version(row) if need is not None and self._told_anew(row, need) else need

    def _by_late_story(self, row: int) -> int | None:
        """A prequel released after what it leads to: a start only as a work of its own, and no bar to the older."""
        leads_to = [title for title in self._before(row, self._told_after(row)) if self._main[title]]
        if not leads_to or self.facts.names[row].bases(Trust.VERSION):
            return None
        self._late.add(row)
        return -1 if self._own_work(row) else min(leads_to, key=self._rank.__getitem__)

    def _by_mark(self, row: int) -> int | None:
        """What its "Season 2" or "Part 2" continues."""
        return self._named(row) if self.facts.names[row].place.continues else None

    def _by_parent(self, row: int) -> int | None:
        """What it is a side story or summary of, unless it is a work of its own (Railgun, beside Index)."""
        origins = self.edges.origins
        parents = self._before(row, [*origins.get(("Side story", row), ()), *origins.get(("Summary", row), ())])
        return -1 if parents and self._own_work(row) else self._latest(row, parents)

    def _by_spin_off(self, row: int) -> int | None:
        """A spin-off may be started with if it is a series or a film."""
        origins = self._before(row, self.edges.beside.get(("Spin-off", row), ()))
        startable = self.facts.series(row) or self.facts.kinds[row] == _MOVIE
        return -1 if origins and startable else self._latest(row, origins)

    def _by_version(self, row: int) -> int | None:
        """A story told anew may be started with, but for the film of a series ("X Movie"), specials and single OVAs."""
        others = self._before(row, self.edges.beside.get(("Alternative", row), ()))
        if self.facts.names[row].place.form == Form.MOVIE and self._named(row) is not None:
            return None
        startable = self._main[row] and (self.facts.kinds[row] in _FIRST_KINDS or self.facts.episodes[row] != 1)
        return -1 if others and startable else self._latest(row, others)

    def _by_name(self, row: int) -> int | None:
        """What its name continues or begins with, unless it came after a long time: that is taken to tell it anew."""
        return self._unless_anew(row, self._named(row)) if self._main[row] else None

    def _by_neighbour(self, row: int) -> int | None:
        """What it was put beside, unless it is a work of its own."""
        if not self._main[row]:
            return None
        if self._own_work(row):
            return -1
        return self._unless_anew(row, self._latest(row, self._before(row, self._near[row])))

    def _unless_anew(self, row: int, need: int | None) -> int | None:
        facts = self.facts
        sized = facts.series(row) and (facts.kinds[row] == _TV or facts.episodes[row] > 0)
        if need is None or need < 0 or not sized or facts.names[row].place.continues:
            return need
        weeks = facts.episodes[need]
        return -1 if facts.released[row] - (facts.released[need] + 7 * weeks) > LONG_AGO else need

    def _own_work(self, row: int) -> bool:
        """Whether a title is a full series whose name is not one of its franchise's with something added."""
        names = self.facts.names
        if not self.facts.full_series(row):
            return False
        stems = {
            base
            for other in self._before(row, self._members[self.number[row]])
            if self._main[other]
            for base in names[other].bases(Trust.NAME, Trust.MARK)
            if distinctive(base)
        }
        return not any(map(names[row].begins_with, stems))

    def _told_before(self, row: int) -> list[int]:
        """Return what the story puts before `row` and came out before it: one step back, or further if need be."""
        seen, step = {row}, [row]
        while step:
            step = [a for b in step for a in self.edges.origins.get(("Sequel", b), ()) if a not in seen]
            seen.update(step)
            before = self._before(row, step)
            if before:
                return before
        return []

    def _told_after(self, row: int) -> set[int]:
        """Return what the sequels of a title lead to, near and far."""
        todo, seen = [row], {row}
        while todo:
            after = [b for b in self.edges.sequels.get(todo.pop(), ()) if b not in seen]
            seen.update(after)
            todo += after
        return seen - {row}

    def _told_anew(self, row: int, need: int) -> bool:
        """Whether `row` tells a story again that may be started with, though it is called the sequel of `need`.

        So it is where that story is part of what leads to `need` (Evangelion), or `need` follows a late prequel (Fate).
        """
        if self.facts.kinds[row] not in _FIRST_KINDS or self.facts.names[row].place.continues:
            return False
        told = {need}
        while self.requires[need] >= 0:
            need = self.requires[need]
            told.add(need)
        starts = [
            o for o in self.edges.beside.get(("Alternative", row), ()) if self.facts.series(o) and self.requires[o] < 0
        ]
        return any(o in told or (need in self._late and self._rank[o] < self._rank[need]) for o in starts)

    def _latest(self, row: int, options: Iterable[int]) -> int | None:
        """Return the last of these titles that is fit to be required, or what it passes on; None if there is none.

        A series goes by series, then by films of its story; everything else by any main title. Specials and songs,
        and for a series whatever stands beside its story, are passed through to what they require.
        """
        for option in sorted(options, key=lambda o: (self._detour(row, o), -self._rank[o])):
            if self._detour(row, option) >= 2 and self.requires[option] >= 0:
                return self.requires[option]
            if self._main[option] and not self._prelude(row, option):
                return option
        return None

    def _prelude(self, row: int, option: int) -> bool:
        """Whether a series is so much better known than the OVA or film before it that people begin with the series."""
        facts = self.facts
        if not facts.series(row) or facts.series(option) or self.requires[option] >= 0:
            return False
        return facts.members[row] > PRELUDE * facts.members[option]

    def _detour(self, row: int, option: int) -> int:
        """How far from a series' story a title stands: 0 series, 1 film of the story, 2 beside it, 3 no main title."""
        if not self._main[option]:
            return 3
        if not self.facts.series(row) or self.facts.series(option):
            return 0
        return 1 if self.facts.kinds[option] == _MOVIE and ("Side story", option) not in self.edges.origins else 2

    def _named(self, row: int) -> int | None:
        """Return the title that the name of `row` continues or begins with, -1 of a namesake; None if there is none."""
        facts, name = self.facts, self.facts.names[row]
        if facts.kinds[row] in _FIRST_KINDS and not name.place.continues and name.bases(Trust.VERSION):
            return -1
        before = [other for other in self._before(row, self._members[self.number[row]]) if self._main[other]]
        stems = {other: stem for other in before if (stem := name.stem(facts.names[other]))}
        begun = max(stems, key=lambda o: (len(stems[o]), self._rank[o]), default=None)
        for base, _, trust, place in name.readings:
            if trust == Trust.SUBTITLE:
                break
            # A plain "X" belongs to namesakes only, not to an "X Movie" of an earlier day.
            at = self._places_in(base, before, Trust.VERSION if trust == Trust.NAME else Trust.NUMBER)
            if begun is not None and at.get(begun) == place[:2]:
                continue
            later = place.season > 1 or (place.part > 1 and place.form == Form.PLAIN)
            if later:
                at = {o: p for o, p in at.items() if p < place[:2] or (p == place[:2] and not self._main[row])}
            if at:
                return max(at, key=lambda o: (at[o] if later else (), self._fitness(row, o)))
        at = {} if begun is None else self._places_in(stems[begun], before, Trust.NUMBER)
        return max(at, key=lambda o: self._fitness(row, o), default=None)

    def _fitness(self, row: int, option: int) -> tuple[bool, bool, int]:
        """Rank what may be required by name: series first, then what surely came out before, then the latest."""
        dated = self.facts.last_day[option] < np.inf or self.facts.last_day[row] == np.inf
        return self.facts.series(option), dated, self._rank[option]

    def _places_in(self, base: str, rows: list[int], vaguest: Trust) -> dict[int, tuple[int, int]]:
        """Return those of the rows that are of the series with this name, with their season and part."""
        places = {row: self.facts.names[row].place_in(base, vaguest) for row in rows}
        return {row: (place.season, place.part) for row, place in places.items() if place is not None}
