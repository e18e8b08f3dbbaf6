"""Names that a franchise puts before its titles without a colon, or that are too short to be trusted before one.

"Minami-ke Korekara" and "Doraemon: Nobita no E Sekai" are known by the other titles that begin so, all of one
franchise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from anirec.prepare.franchises.facts import SONGS_AND_ADS, Facts
from anirec.prepare.title_structure import Trust, distinctive, squeezed

HABIT: Final = 3
"""Titles of a franchise that begin with its name and go on with words of their own, from which this is its habit; and
how many times as many they must be as those of any other franchise."""


def habitual(facts: Facts, find: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """Yield (title, title whose name it begins with) where the franchise of the second names its titles so.

    find: the group of a row. A name counts only where all titles of that name are in one group, and other groups have
    far fewer titles that begin with it. The longest name of a title comes first.
    """
    works = [row for row in range(facts.n) if facts.kinds[row] not in SONGS_AND_ADS]
    named: defaultdict[str, list[int]] = defaultdict(list)
    for row in works:
        for base in {title[0].base for title in facts.names[row].titles[:2] if title}:
            named[base].append(row)
    begun: defaultdict[str, list[int]] = defaultdict(list)
    names_of: dict[int, list[str]] = {}
    for row in works:
        names_of[row] = [base for base in _beginnings(facts, row) if base in named]
        for base in names_of[row]:
            begun[base].append(row)
    heads = {base: head for base, rows in begun.items() if (head := _head(facts, find, named[base], rows)) is not None}
    for row, bases in names_of.items():
        for base in reversed(bases):
            head = heads.get(base)
            if head is not None and find(head) != find(row):
                yield row, head


def _beginnings(facts: Facts, row: int) -> list[str]:
    """Return what a title begins with, word by word, but where only marks follow ("X Season 2")."""
    name, words = facts.names[row], facts.texts[row].split()
    marked = name.bases(Trust.NAME, Trust.VERSION, Trust.MARK, Trust.NUMBER)
    bases = dict.fromkeys(accumulate(map(squeezed, words[:-1])))
    return [base for base in bases if distinctive(base) and base not in marked]


def _head(facts: Facts, find: Callable[[int], int], named: Iterable[int], begun: Iterable[int]) -> int | None:
    """Return the best-known title of that name if all that is known speaks for one franchise with that habit."""
    heads = [row for row in named if facts.main(row)]
    counts = Counter(map(find, begun))
    if len(set(map(find, heads))) != 1:
        return None
    group = find(heads[0])
    others = max((count for other, count in counts.items() if other != group), default=0)
    if counts[group] < HABIT * max(others, 1):
        return None
    return max(heads, key=lambda row: facts.members[row])
