"""Scores -> a list: mask, filter, franchise rules, ties, top k. Written once; serving and evaluation both come here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.ranking import Filters, FranchiseMode, Query, Ranking
from anirec.core.runs import runs

ONE_EACH = frozenset({FranchiseMode.ENTRY, FranchiseMode.NEXT, FranchiseMode.MIXED})


SAMPLED = 32
"""Of so many scores one is looked at to see where the front begins."""


def align(scores: NDArray[np.float32], rows: NDArray[np.int64], catalogue: Catalogue) -> NDArray[np.float32]:
    """Spread a model's scores over the catalogue.

    scores: [n of the model]. rows: [n of the model], each item's row in the catalogue.
    Returns float32 [len(catalogue)]; -inf where the model has no score.
    """
    if len(rows) == len(catalogue):  # rows ascend, so the model's items are the catalogue
        return scores
    spread = np.full(len(catalogue), -np.inf, dtype=np.float32)
    spread[rows] = scores
    return spread


def rank(scores: NDArray[np.float32], profile: Profile, catalogue: Catalogue, query: Query) -> Ranking:
    """Return the best `query.k` candidates of one profile, refilled until there are k or no more candidates.

    Where the query has an offset, they are those that come after so many: one page goes on where the other ended.

    scores: [len(catalogue)], see `align`; -inf = cannot be recommended.
    Titles on the profile never come back (planned ones do if the query says so). Equal scores are ordered by id.
    Where only franchise openers may appear, the best of a franchise's openers takes the best score within the
    franchise, as far as that passes the filters: whoever would love the third season should meet the first, but who
    asks for this year's anime gets no remake for the fame of the original.

    Raises:
        InputError: k is less than 1, offset less than 0, popularity outside -1..1, or a filter names an unknown kind or
            label.
    """
    ((rows, best),) = rank_by_modes(scores, profile, catalogue, query, (query.franchise,))
    return Ranking(anime_ids=catalogue.anime_ids[rows], scores=best)


def rank_by_modes(
    scores: NDArray[np.float32],
    profile: Profile,
    catalogue: Catalogue,
    query: Query,
    modes: Sequence[FranchiseMode],
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Return what `rank` does, as rows of the catalogue and their scores, under several franchise rules at once.

    modes: in place of the query's own; the scores are put in order once for all of them.

    Raises:
        InputError: as `rank` does.
    """
    if query.k < 1:
        raise InputError(f"k is {query.k}; ask for at least 1 title")
    if query.offset < 0:
        raise InputError(f"offset is {query.offset}; a list begins at 0")
    if query.popularity:
        scores = leaning(scores, catalogue, query.popularity)
    passing = _passing(catalogue, query.filters)
    leaders = Leaders(scores if passing.all() else np.where(passing, scores, np.float32(-np.inf)))
    ruled = _Ruled.by(profile, catalogue, include_planned=query.include_planned)
    found = (_ranked(leaders, ruled, catalogue, query.offset + query.k, mode) for mode in modes)
    return [(rows[query.offset :], best[query.offset :]) for rows, best in found]


class Leaders:
    """The rows of scores, best first, sorted only as far as they are asked for."""

    def __init__(self, scores: NDArray[np.float32]) -> None:
        """Take scores: float32 [n], -inf = none."""
        self.scores = scores
        able = scores > -np.inf
        few = np.count_nonzero(able) < len(scores) / 4  # else gathering them costs more than looking past the others
        self._rows = np.flatnonzero(able) if few else None
        self._values = scores[self._rows] if few else scores
        self._sorted = np.empty(0, dtype=np.int64)
        self._asked = 0

    def first(self, m: int) -> NDArray[np.int64]:
        """Return at least the m best rows, all that have a score if those are fewer; ties by row (that is, by id)."""
        if m > self._asked:
            values, n = self._values, len(self._values)
            floor = greatest(values, m) if m < n else np.float32(-np.inf)
            front = np.flatnonzero(values >= floor if floor > -np.inf else values > -np.inf)
            front = front[np.argsort(-values[front], kind="stable")]
            self._sorted, self._asked = front if self._rows is None else self._rows[front], m
        return self._sorted


def greatest(values: NDArray[np.float32], m: int) -> np.float32:
    """Return the mth greatest value, looked for among those that some of all say are in front: a fifth of the time."""
    some = values[::SAMPLED]
    around = 2 * m // SAMPLED + SAMPLED
    if around < len(some):
        front = values[values >= np.partition(some, -around)[-around]]
        values = front if len(front) >= m else values
    found: np.float32 = np.partition(values, -m)[-m]
    return found


@dataclass(frozen=True)
class _Ruled:
    """What a profile rules out.

    seen: int64, rows. barred: bool [n], what may not come back. related: bool [franchises], blocks of what was seen.
    """

    seen: NDArray[np.int64]
    barred: NDArray[np.bool_]
    related: NDArray[np.bool_]

    @classmethod
    def by(cls, profile: Profile, catalogue: Catalogue, *, include_planned: bool) -> _Ruled:
        every = catalogue.rows_of(profile.anime_ids)
        seen = every if profile.seen.all() else catalogue.rows_of(profile.anime_ids[profile.seen])
        barred = np.zeros(len(catalogue), dtype=np.bool_)
        barred[seen if include_planned else every] = True
        _, bounds, block = catalogue.franchise_blocks
        related = np.zeros(len(bounds) - 1, dtype=np.bool_)
        related[block[seen]] = True
        return cls(seen, barred, related)


def _ranked(
    leaders: Leaders, ruled: _Ruled, catalogue: Catalogue, k: int, mode: FranchiseMode
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return at most k rows, best first, and their scores."""
    wanted = 2 * k + len(ruled.seen)  # for every mode the same, so that one sorting does for several
    if mode is FranchiseMode.ENTRY:
        return _openers(leaders, ruled, catalogue, k, wanted)
    if mode is FranchiseMode.NEXT:  # all that can be is in few franchises
        members = _members(catalogue, np.flatnonzero(ruled.related))[0]
        near = np.full(len(catalogue), -np.inf, dtype=np.float32)
        near[members] = leaders.scores[members]
        leaders = Leaders(near)
    allowed = _rule(ruled, catalogue, mode)
    while True:
        rows = leaders.first(wanted)
        kept = rows[~ruled.barred[rows]]
        kept = kept[allowed(kept)]
        if mode in ONE_EACH:
            _, first = np.unique(catalogue.franchise[kept], return_index=True)
            kept = kept[np.sort(first)]
        if len(kept) >= k or len(rows) < wanted:
            return kept[:k], leaders.scores[kept[:k]]
        wanted *= 4


def _rule(ruled: _Ruled, catalogue: Catalogue, mode: FranchiseMode) -> Callable[[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return what says of rows whether a franchise rule lets them through: bool, one each."""
    if mode is FranchiseMode.ANYTHING:
        return lambda rows: np.ones(len(rows), dtype=np.bool_)
    if mode is FranchiseMode.UNRELATED:
        block = catalogue.franchise_blocks[2]
        return lambda rows: ~ruled.related[block[rows]]
    seen = np.zeros(len(catalogue), dtype=np.bool_)
    seen[ruled.seen] = True
    before = catalogue.requires
    return lambda rows: (before[rows] < 0) | seen[before[rows]]


def leaning(scores: NDArray[np.float32], catalogue: Catalogue, popularity: float) -> NDArray[np.float32]:
    """Return the scores leaning to what many (popularity > 0) or few (< 0) people have on a list.

    A positive score is multiplied with (members / 1,000,000) ^ popularity, members being at least `FEWEST`: among
    titles of equal popularity the order stays. Scores that are not positive stay where they are, below. Source: the
    logQ correction (Yi et al. 2019, "Sampling-bias-corrected neural modeling"), with the strength left to the reader.

    Raises:
        InputError: popularity is outside -1..1.
    """
    if not -1 <= popularity <= 1:
        raise InputError(f"popularity is {popularity:g}; it goes from -1 (hidden gems) to 1 (crowd-pleasers)")
    return np.where(scores > 0, scores * _fame(catalogue) ** np.float32(popularity), scores)


FEWEST = 20_000
"""Members below which popularity makes no more difference: nobody should be led to titles for being unknown alone."""


@lru_cache(maxsize=4)
def _fame(catalogue: Catalogue) -> NDArray[np.float32]:
    """Return float32 [n]: millions of people who have each title on a list."""
    return (np.maximum(catalogue.members, FEWEST) / 1e6).astype(np.float32)


def _openers(
    leaders: Leaders, ruled: _Ruled, catalogue: Catalogue, k: int, wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return at most k rows, the best opener of each franchise not seen, and the best score within their franchises.

    Of equally good openers the one with the lowest id stands for its franchise. Only franchises among the `wanted`
    leading titles are looked at, four times more whenever they do not fill the list.
    """
    block, scores = catalogue.franchise_blocks[2], leaders.scores
    strict = False
    while True:
        leading = leaders.first(wanted)
        led = np.zeros(len(ruled.related), dtype=np.bool_)
        led[block[leading]] = True
        members, sizes = _members(catalogue, np.flatnonzero(led & ~ruled.related))
        first = np.cumsum(sizes) - sizes
        of_members = scores[members]
        startable = (catalogue.requires[members] < 0) & ~ruled.barred[members]
        own = np.where(startable, of_members, np.float32(-np.inf))
        best, best_own = (np.maximum.reduceat(s, first) if len(s) else s for s in (of_members, own))
        stands = np.flatnonzero((own == np.repeat(best_own, sizes)) & (own > -np.inf))
        franchise = np.repeat(np.arange(len(sizes)), sizes)[stands]  # ascending, and within one members ascend by row
        one = np.flatnonzero(np.diff(franchise, prepend=-1))
        rows, best = members[stands[one]], best[franchise[one]]
        if len(rows) >= k or len(leading) < wanted:
            order = np.lexsort((rows, -best))[:k]
            return rows[order], best[order]
        if not strict:  # filters are strict: leave out the franchises that have no candidate at all
            strict = True
            candidates = (catalogue.requires < 0) & ~ruled.barred & (scores > -np.inf)
            reachable = np.zeros(len(ruled.related), dtype=np.bool_)
            reachable[block[candidates]] = True
            leaders = Leaders(np.where((reachable & ~ruled.related)[block], scores, np.float32(-np.inf)))
            scores = leaders.scores
        wanted *= 4


def _members(catalogue: Catalogue, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of some franchises, one franchise after the other, and the size of each."""
    by_franchise, bounds, _ = catalogue.franchise_blocks
    starts, stops = bounds[blocks], bounds[blocks + 1]
    return by_franchise[runs(starts, stops)], stops - starts


@lru_cache(maxsize=256)
def _passing(catalogue: Catalogue, filters: Filters) -> NDArray[np.bool_]:
    """Return bool [n]: the rows that pass the filters. Kept, because people page and re-rank with the same ones."""
    passing = np.ones(len(catalogue), dtype=np.bool_)
    if filters.kinds is not None:
        passing &= np.isin(catalogue.kinds, [_kind_code(kind) for kind in filters.kinds])
    if not filters.adult:
        passing &= ~catalogue.adult
    for column, least, most in (
        (catalogue.years, filters.year_from, filters.year_to),
        (catalogue.members, filters.min_members, filters.max_members),
        (catalogue.episodes, filters.min_episodes, filters.max_episodes),
        (catalogue.minutes, None, filters.max_minutes),
    ):
        if least is not None:
            passing &= column >= max(least, 1)
        if most is not None:
            passing &= (column <= most) & (column > 0)
    if filters.among is not None:
        passing &= filters.among.passing
    elif filters.airing:
        raise InputError("a catalogue does not know what is airing; ask a service")
    for label in filters.genres_in:
        passing &= _rows_with(catalogue, label)
    for label in filters.genres_out:
        passing &= ~_rows_with(catalogue, label)
    passing.flags.writeable = False
    return passing


def _kind_code(kind: str) -> int:
    if kind not in KINDS:
        raise InputError(f'there is no type "{kind}"; types are {", ".join(KINDS)}')
    return KINDS.index(kind)


def _rows_with(catalogue: Catalogue, label: str) -> NDArray[np.bool_]:
    try:
        return catalogue.labels.rows_with(label, len(catalogue))
    except KeyError:
        raise InputError(f'there is no genre "{label}"; genres are {", ".join(catalogue.labels.names)}') from None
