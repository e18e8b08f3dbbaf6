"""What has to be seen before a title, and the watch order.

What has to be seen is said by the first rule that applies to it; each rule is one method.
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
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.franchises.facts import FIRST_KINDS, LONG_AGO, MOVIE, SONGS_AND_ADS, TV, Edges, Facts
from anirec.prepare.franchises.roles import Roles
from anirec.prepare.title_structure import Form, Trust, distinctive

PRELUDE: Final = 2
"""Times as many members as an OVA or a film that begins its story has a series that is not taken to require it."""

SETTLING: Final = 20
"""Rounds in which guessed days are set right by what follows what; stories that run in a circle never settle."""


class Needs:
    """What each title requires. A title is worked out after everything that came out before it.

    requires: row or -1, for each row. firsts: the row to begin with, of each group of two titles or more.
    """

    def __init__(
        self,
        facts: Facts,
        edges: Edges,
        links: Iterable[tuple[int, int, str, str]],
        number: NDArray[np.int32],
        roles: Roles,
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
        self._roles = roles
        self._main = roles.main
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
            return row in self._roles.recaps or self.facts.kinds[row] in SONGS_AND_ADS, self._rank[row], row

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
        first = min(starts, key=lambda r: (not self._main[r], (*FIRST_KINDS, kinds[r]).index(kinds[r]), self._rank[r]))
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
        """What it is a sequel of. Specials and numbered films belong to their series, not to the one before them.

        A namesake ("X (2018)") that came after a long time tells the story anew, whatever it is called.
        """
        facts = self.facts
        prior = self._told_before(row)
        if not self._main[row] or (facts.names[row].place.form == Form.MOVIE and not any(map(facts.series, prior))):
            parent = self._by_parent(row)
            if parent is not None:
                return parent
        need = self._latest(row, prior)
        if facts.names[row].versioned:
            need = self._unless_anew(row, need)
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
        startable = self.facts.series(row) or self.facts.kinds[row] == MOVIE
        return -1 if origins and startable else self._latest(row, origins)

    def _by_version(self, row: int) -> int | None:
        """A story told anew may be started with, but for the film of a series ("X Movie"), specials and single OVAs."""
        others = self._before(row, self.edges.beside.get(("Alternative", row), ()))
        if self.facts.names[row].place.form == Form.MOVIE and self._named(row) is not None:
            return None
        startable = self._main[row] and (self.facts.kinds[row] in FIRST_KINDS or self.facts.episodes[row] != 1)
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
        sized = facts.series(row) and (facts.kinds[row] == TV or facts.episodes[row] > 0)
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
        if self.facts.kinds[row] not in FIRST_KINDS or self.facts.names[row].place.continues:
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
        return 1 if self.facts.kinds[option] == MOVIE and ("Side story", option) not in self.edges.origins else 2

    def _named(self, row: int) -> int | None:
        """Return the title that the name of `row` continues or begins with, -1 of a namesake; None if there is none."""
        facts, name = self.facts, self.facts.names[row]
        if facts.kinds[row] in FIRST_KINDS and not name.place.continues and name.bases(Trust.VERSION):
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
