"""Who belongs together.

The surest evidence comes first; a wrong join hides good picks from people, so doubt keeps apart:

1. Sequel and Prequel unite.
2. The other story relations unite where the leading titles of both sides share a telling word ("gundam").
3. "X Season 2" goes to the one "X" there is (`title_structure`).
4. A small side (a spin-off, a special, a song) without a telling word joins one series only, so that a crossover
   ("Lupin III vs. Detective Conan") does not unite two.
5. An id map unites titles that no typed relation reaches, with each other or with one family of typed relations.
6. Weak relations (Other, Character, Related) unite where one title holds the other's name.
7. Names alone unite: "X 2", "X: Subtitle" and namesakes, where their facts do not speak against it.
8. A franchise that begins many titles with its name takes in small groups that begin so (`beginnings`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.franchises.beginnings import habitual
from anirec.prepare.franchises.facts import INVERSES, LONG_AGO, SONGS_AND_ADS, Edges, Facts, IdGroups
from anirec.prepare.title_structure import LONG_NAME, NameIndex, Reading, Trust, distinctive

SMALL: Final = 4
"""Titles in a group up to which it may be carried along by one relation without a telling word."""

TELLING: Final = 0.4
"""A word tells a franchise where at least this share of the titles that have it are related."""

FAMOUS: Final = 100_000
"""Members from which a title's name is used by others only on purpose."""

ADAPTED: Final = frozenset({"Manga", "Web manga", "4-koma manga", "Light novel", "Visual novel", "Game"})
"""Sources that make two adaptations under one name one work; a tale or an idea of one's own does not."""


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


class Groups:
    """Titles united into franchises; every group is led by its best-known main title.

    links: (a, b, why b belongs to a, why a belongs to b), one less than titles in each group: a tree.
    """

    def __init__(self, facts: Facts, edges: Edges, id_groups: IdGroups | None = None) -> None:
        self.facts, self.edges = facts, edges
        self.links: list[tuple[int, int, str, str]] = []
        self._forest = _Forest(facts.n)
        self._leader = list(range(facts.n))
        self._size = [1] * facts.n
        self._telling = self._telling_words()
        works = [row for row in range(facts.n) if facts.kinds[row] not in SONGS_AND_ADS]
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
        if id_groups is not None:
            self._unite_by_id_map(id_groups)
        self._unite_weakly()
        self._unite_by_titles(Trust.NAME, Trust.SUBTITLE)
        self._unite_by_habit()

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

    def _unite_by_id_map(self, id_groups: IdGroups) -> None:
        """Unite the titles of each group of the id map, unless that would unite families that are known otherwise.

        Such a family has a typed relation, or is not small. Where a group spans two of them, the map counts otherwise
        than we do, and nothing is taken from it.
        """
        row_of = {anime_id: row for row, anime_id in enumerate(self.facts.ids)}
        rows_of: defaultdict[str, set[int]] = defaultdict(set)
        for anime_id, group in zip(id_groups.anime_ids.tolist(), id_groups.groups, strict=True):
            if anime_id in row_of:
                rows_of[group].add(row_of[anime_id])
        typed = {self._forest.find(row) for row in self.edges.typed}
        for group, rows in sorted(rows_of.items()):
            roots = {self._forest.find(row) for row in rows}
            families = {root for root in roots if root in typed or self._size[root] > SMALL}
            if len(families) > 1:
                continue
            first = max(rows, key=lambda row: (self._forest.find(row) in families, self._prominence(row)))
            for row in sorted(rows):
                self._unite(first, row, f"id map: {group}", f"id map: {group}")
            if families & typed:
                typed.add(self._forest.find(first))

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

    def _unite_by_habit(self) -> None:
        """Unite titles of small groups with the franchise whose name they begin with, if it names its titles so."""
        facts, ids = self.facts, self.facts.ids
        for row, head in habitual(facts, self._forest.find):
            late = facts.released[head] > facts.released[row] + 60
            if late or facts.names[row].crossover or facts.adult[row] != facts.adult[head]:
                continue
            if self._group_size(row) <= SMALL < self._group_size(head) + 1:
                why = "title: beginning as in"
                self._unite(head, row, f"{why} {ids[head]}", f"{why} {ids[row]}")

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
