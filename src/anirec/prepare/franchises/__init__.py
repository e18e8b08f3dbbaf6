"""Related anime -> franchises: who belongs together, in which order to watch, and where a newcomer may start.

`facts` reads titles and relations, `groups` says who belongs together, `roles` what each title is there, `needs` what
has to be seen first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.franchises.facts import Edges, Facts, IdGroups, Relations, Titles
from anirec.prepare.franchises.groups import Groups
from anirec.prepare.franchises.needs import Needs
from anirec.prepare.franchises.roles import ROLES, Roles

__all__ = ["ROLES", "Franchises", "IdGroups", "Relations", "Titles", "find_franchises"]


@dataclass(frozen=True, eq=False)
class Franchises:
    """The franchise of every title; all are [n] long and aligned with the `Titles` they were found from.

    number: the franchise, numbered in the order of its first row; a title without relatives has its own.
    order: place in the franchise's watch order, from 0.
    requires: row of the title to be seen before this one, in the same franchise; -1 = a newcomer may start here.
    role: what a title is in its franchise, a key of `ROLES`: "story", "side story", "recap", "music", "promo".
    evidence: what holds a title in its franchise ("relation: Sequel of 1575", "title: mark as in 1575", "id map: tvdb
        79895"). From one to the next it leads to the title that says "first of its franchise". "alone" for a title
        without relatives.
    unmet: the title says that it continues something ("Season 3"), but nothing that it continues was found.
    """

    number: NDArray[np.int32]
    order: NDArray[np.int16]
    requires: NDArray[np.int32]
    role: tuple[str, ...]
    evidence: tuple[str, ...]
    unmet: NDArray[np.bool_]


def find_franchises(titles: Titles, relations: Relations, id_groups: IdGroups | None = None) -> Franchises:
    """Group the titles, order every group, and say what each title requires.

    id_groups: asked about titles that typed relations do not reach. The result depends on the rows of the relations and
    groups, not on their order. 30,000 titles take some seconds.
    """
    facts = Facts(titles)
    edges = Edges(titles.anime_ids, relations)
    groups = Groups(facts, edges, id_groups)
    number = groups.numbers()
    roles = Roles(facts, edges, number)
    needs = Needs(facts, edges, groups.links, number, roles)
    unmet = [name.place.continues and need < 0 for name, need in zip(facts.names, needs.requires, strict=True)]
    return Franchises(
        number=number,
        order=needs.watch_order(),
        requires=np.array(needs.requires, dtype=np.int32),
        role=roles.names(),
        evidence=_evidence(facts.n, groups.links, needs.firsts),
        unmet=np.array(unmet, dtype=np.bool_),
    )


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
