"""What each title is in its franchise: story, side story, recap, music or promo."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS
from anirec.prepare.franchises.facts import LONG_AGO, MOVIE, Edges, Facts
from anirec.prepare.title_structure import Form

STORY: Final = "story"
SIDE_STORY: Final = "side story"
RECAP: Final = "recap"
MUSIC: Final = "music"
PROMO: Final = "promo"

ROLES: Final = {
    STORY: "what a franchise is watched for: seasons, films of its story, spin-offs and stories told anew",
    SIDE_STORY: "beside the story: specials, OVAs, films that a series can do without",
    RECAP: "tells again what a series told: recaps, summaries, compilation films",
    MUSIC: "music videos",
    PROMO: "advertisements and previews",
}
"""The roles and what they are for; where more than one fits, the later in this table is said."""

RECAP_AHEAD: Final = 100
"""Days that a recap may come out before what it sums up."""

_SONG: Final = KINDS.index("Music")
_ADS: Final = frozenset((KINDS.index("CM"), KINDS.index("PV")))


class Roles:
    """What each title is, by its relations, its type and its name.

    recaps: rows of what sums up another title. main: whether a title tells a story of its own: no special, song, recap,
    or OVA beside a series. Where a group has no such title, all of its titles count.
    """

    def __init__(self, facts: Facts, edges: Edges, number: NDArray[np.int32]) -> None:
        self._facts, self._edges = facts, edges
        self.recaps = self._all_recaps()
        self.main = self._all_main(number.tolist())

    def names(self) -> tuple[str, ...]:
        """Return the role of each row, a key of `ROLES`."""
        aside, again = self._beside_by_relation(), self._compilations()
        return tuple(self._role(row, aside=row in aside, again=row in again) for row in range(self._facts.n))

    def _role(self, row: int, *, aside: bool, again: bool) -> str:
        kind, form = self._facts.kinds[row], self._facts.names[row].place.form
        if kind in _ADS or form == Form.PROMO:
            return PROMO
        if kind == _SONG or form == Form.MUSIC:
            return MUSIC
        if again or row in self.recaps:
            return RECAP
        return SIDE_STORY if aside or not self.main[row] else STORY

    def _beside_by_relation(self) -> set[int]:
        """Return what relations put beside a story: side stories but full series, and spin-offs that are short."""
        facts, strong = self._facts, self._edges.strong
        sequels = {b for relation, _, b in strong if relation == "Sequel"}
        sides = {b for relation, _, b in strong if relation == "Side story" and not facts.full_series(b)}
        short = {b for relation, _, b in strong if relation == "Spin-off" and not facts.series(b)}
        return (sides | {row for row in short if facts.kinds[row] != MOVIE}) - sequels

    def _compilations(self) -> set[int]:
        """Return films that tell a series of the same name again soon after it, and are part one, two ... of that.

        A single such film is more often a story told anew (Escaflowne), as are those that come after many years
        (Evangelion).
        """
        retold = {row for row in range(self._facts.n) if self._facts.kinds[row] == MOVIE and self._retells(row)}
        in_parts = {(a, b) for relation, a, b in self._edges.strong if relation == "Sequel" and {a, b} <= retold}
        return {row for pair in in_parts for row in pair}

    def _retells(self, film: int) -> bool:
        facts = self._facts
        return any(
            facts.series(other)
            and facts.names[film].stem(facts.names[other])
            and 0 <= facts.released[film] - facts.released[other] <= LONG_AGO
            for other in self._edges.beside.get(("Alternative", film), ())
        )

    def _all_recaps(self) -> set[int]:
        """Return what sums up another title, by relation or by name."""
        released = self._facts.released
        summaries = (edge for edge in self._edges.strong if edge[0] == "Summary")
        recaps = {b for _, a, b in summaries if released[a] <= released[b] + RECAP_AHEAD}
        return recaps | {row for row in range(self._facts.n) if self._facts.recap_by_name[row]}

    def _all_main(self, number: list[int]) -> list[bool]:
        facts = self._facts
        beside = {
            b
            for relation, a, b in self._edges.strong
            if relation == "Side story" and facts.main(a) and facts.members[a] > facts.members[b]
            if not facts.series(b) and facts.kinds[b] != MOVIE
        }
        main = [facts.main(row) and row not in self.recaps and row not in beside for row in range(facts.n)]
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for row, group in enumerate(number):
            groups[group].append(row)
        for rows in groups.values():
            if not any(main[row] for row in rows):
                for row in rows:
                    main[row] = True
        return main
