"""One list for several people: what all can live with, or in turn what each of them would love.

Each member gets a list of their own first, by the same model, rules and filters as alone, of titles that nobody has
seen. Scores of different people cannot be compared, places can: a title is worth 1 - log(place) / log(`POOL` + 1) to a
member, 1 in front, 0 where the list ends. Then one rule makes one list of them, see `Strategy`.

Source: average and least misery, Masthoff 2004, "Group Modeling"; fairness is GFAR, Kaya, Bridge, Tintarev 2020,
"Ensuring Fairness in Group Recommendations by Rank-Sensitive Balancing of Relevance": its greedy rule, with chances
made of the worth above instead of Borda counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.ranking import Filters, FranchiseMode, Query
from anirec.explain import Reason
from anirec.rank import ONE_EACH
from anirec.service.answers import Recommendation
from anirec.service.recommend import Service
from anirec.service.understanding import mode_of, one_of

FEWEST: Final = 2
MOST: Final = 16
"""Members of a group."""
POOL: Final = 1200
"""Titles of each member's own list. What stands on none of them is not recommended."""


class Strategy(StrEnum):
    """How several lists become one."""

    AVERAGE = "average"
    """What is worth most to all together; a few may go away empty-handed."""
    LEAST_MISERY = "least-misery"
    """What is worth most to whom it is worth least; titles that only some know of fall behind."""
    FAIRNESS = "fairness"
    """From the top, each title for those who have found least so far (the default)."""


@dataclass(frozen=True)
class Member:
    """One of a group. name: as shown. seen: anime ids that say nothing of taste and are left out for all."""

    name: str
    profile: Profile
    seen: tuple[int, ...] = ()


@dataclass(frozen=True)
class View:
    """What a title is to a member. match: as in `Recommendation`. place: on the member's own list, from 1.

    None where the bundle has not learned matches, or the title is not on the list. because: the strongest reason.
    """

    name: str
    match: int | None
    place: int | None
    because: tuple[Reason, ...]


@dataclass(frozen=True)
class GroupRecommendation:
    """One recommended anime, and what it is to each member, in the order they were given.

    item: its match is that of all members together (their mean; with least misery the lowest), its score what it is
    worth by the strategy's measure, and its reasons are those of all members.
    """

    item: Recommendation
    members: tuple[View, ...]


@dataclass(frozen=True)
class GroupRecommendations:
    """A page of a group's list, best first. next_offset: where the next page begins, None = there is none."""

    items: tuple[GroupRecommendation, ...]
    strategy: Strategy
    next_offset: int | None = None

    def __iter__(self) -> Iterator[GroupRecommendation]:
        """Iterate over the recommendations, best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)


def recommend_to_group(  # noqa: PLR0913 - what a group may say, each by its name
    service: Service,
    members: Sequence[Member],
    *,
    strategy: Strategy | str = Strategy.FAIRNESS,
    k: int = 20,
    offset: int = 0,
    franchise: FranchiseMode | str = FranchiseMode.ENTRY,
    popularity: float = 0.0,
    filters: Filters | None = None,
    model: str | None = None,
    explain: bool = True,
) -> GroupRecommendations:
    """Recommend anime to several people at once; nothing that is on any of their profiles, or seen.

    members: 2 to 16. The other arguments as in `Service.recommend`; with the franchise rules that need to know what was
    seen, it is enough that one member has seen it.

    Raises:
        InputError: too few or too many members, two of one name, an unknown strategy; or as `Service.recommend`.
    """
    _refuse(members, k, offset)
    strategy = one_of(Strategy, strategy, "strategy")
    mode = mode_of(franchise)
    query = Query(POOL, service.filters(filters), mode, popularity=popularity)
    seen = [anime_id for member in members for anime_id in member.seen]
    lists = own_lists(service, [member.profile for member in members], query, model, seen)
    rows = np.unique(np.concatenate(lists))
    worth = worths(lists, rows)
    if mode in ONE_EACH:  # members may have met different openers of one franchise
        rows, worth = one_each(rows, worth, service.catalogue.franchise[rows])
    ordered, values = STRATEGIES[strategy](worth, offset + k + 1)
    page = ordered[offset : offset + k]
    more = offset + k if len(ordered) > offset + k else None
    found = service.catalogue.anime_ids[rows[page]]
    views = [
        _views(service, member, own, found, model, explain=explain) for member, own in zip(members, lists, strict=True)
    ]
    facts = service.facts.of(found.tolist())
    together = min if strategy is Strategy.LEAST_MISERY else _mean
    items = []
    for i, anime_id in enumerate(found.tolist()):
        of_members = tuple(view[i] for view in views)
        matches = [view.match for view in of_members if view.match is not None]
        items.append(
            GroupRecommendation(
                Recommendation(
                    rank=offset + i + 1,
                    anime=facts[anime_id],
                    score=float(values[offset + i]),
                    because=_together([view.because for view in of_members]),
                    match=round(together(matches)) if matches else None,
                    popularity_rank=service.popularity_rank(anime_id),
                ),
                of_members,
            )
        )
    return GroupRecommendations(tuple(items), strategy, more)


def own_lists(
    service: Service, profiles: Sequence[Profile], query: Query, model: str | None, seen: Sequence[int] = ()
) -> list[NDArray[np.int64]]:
    """Return each member's own list as rows of the catalogue, without what is on any profile, or seen."""
    every = np.unique(np.concatenate([*(profile.anime_ids for profile in profiles), np.array(seen, dtype=np.int32)]))
    found = (service.rank(profile, query, model=model, seen=every) for profile in profiles)
    return [service.catalogue.rows_of(ranking.anime_ids) for ranking in found]


def worths(lists: Sequence[NDArray[np.int64]], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return float64 [members, rows], 0..1: what each row is worth to each member. rows: ascending, all of them."""
    worth = np.zeros((len(lists), len(rows)))
    for of_member, own in zip(worth, lists, strict=True):
        of_member[np.searchsorted(rows, own)] = 1 - np.log(np.arange(1, len(own) + 1)) / np.log(POOL + 1)
    return worth


def average(worth: NDArray[np.float64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the best k places (columns of `worth`) by the mean of all members, and that; ties by place."""
    value = worth.mean(axis=0)
    order = np.argsort(-value, kind="stable")[:k]
    return order, value[order]


def least_misery(worth: NDArray[np.float64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the same by the least of all members; ties by their mean, then by place."""
    value, mean = worth.min(axis=0), worth.mean(axis=0)
    order = np.lexsort((-mean, -value))[:k]
    return order, value[order]


def fairness(worth: NDArray[np.float64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the same, each chosen for those who have found least so far; value: what it adds, not increasing.

    `FIRST` times the worth to the power of `STEEP` is taken for the chance that a title is what a member wants; it adds
    the sum over members of that chance times the chance that nothing before it was.
    """
    chances = FIRST * worth**STEEP
    missing, left = np.ones(len(worth)), np.ones(worth.shape[1], dtype=np.bool_)
    order, values = [], []
    for _ in range(min(k, worth.shape[1])):
        added = np.where(left, missing @ chances, -1.0)
        best = int(np.argmax(added))
        order.append(best)
        values.append(float(added[best]))
        missing *= 1 - chances[:, best]
        left[best] = False
    return np.array(order, dtype=np.int64), np.array(values)


def one_each(
    rows: NDArray[np.int64], worth: NDArray[np.float64], franchise: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows (ascending) and worth [members, rows] with one row a franchise: that which is worth most to all.

    To a member it is worth what the best of its franchise on the member's list is.
    """
    order = np.lexsort((rows, -worth.mean(axis=0), franchise))
    first = np.flatnonzero(np.diff(franchise[order], prepend=-1))
    best = np.maximum.reduceat(worth[:, order], first, axis=1) if len(first) else worth
    kept = order[first]
    by_row = np.argsort(rows[kept])
    return rows[kept][by_row], best[:, by_row]


FIRST: Final = 0.5
"""The chance that the first of a member's list is what they want."""
STEEP: Final = 4.0
"""The power of worth that this chance goes with: the tenth is worth .68, and so wanted a fifth as surely."""

STRATEGIES: Final = {
    Strategy.AVERAGE: average,
    Strategy.LEAST_MISERY: least_misery,
    Strategy.FAIRNESS: fairness,
}
"""How worths become places in order, best first, and their values."""


def _views(
    service: Service,
    member: Member,
    own: NDArray[np.int64],
    anime_ids: NDArray[np.int32],
    model: str | None,
    *,
    explain: bool,
) -> list[View]:
    """Return what each title is to a member."""
    place = {row: at for at, row in enumerate(own.tolist(), start=1)}
    places = [place.get(row) for row in service.catalogue.rows_of(anime_ids).tolist()]
    nothing: tuple[list[tuple[Reason, ...]], list[int | None]] = [()] * len(places), [None] * len(places)
    because, matches = service.why(member.profile, anime_ids, model=model) if explain else nothing
    return [View(member.name, matches[i], places[i], tuple(because[i][:1])) for i in range(len(places))]


def _together(because: Sequence[tuple[Reason, ...]]) -> tuple[Reason, ...]:
    """Return the reasons of all members, strongest first, each title once."""
    strongest: dict[int, Reason] = {}
    for why in sorted((why for of_one in because for why in of_one), key=lambda why: (-why.share, why.anime_id)):
        strongest.setdefault(why.anime_id, why)
    return tuple(strongest.values())


def _mean(matches: Sequence[int]) -> float:
    return sum(matches) / len(matches)


def _refuse(members: Sequence[Member], k: int, offset: int) -> None:
    if not FEWEST <= len(members) <= MOST:
        raise InputError(f"a group has {FEWEST} to {MOST} members; got {len(members)}")
    names = [member.name for member in members]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two members are called {', '.join(twice)}; give each a name of their own")
    if k < 1 or offset < 0:
        raise InputError(f"k is {k} and offset {offset}; ask for at least 1 title, and begin at 0 or later")
