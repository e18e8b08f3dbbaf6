"""Scores -> a list: mask, filter, franchise rules, ties, top k. Written once; serving and evaluation both come here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.ranking import Filters, FranchiseMode, Query, Ranking
from anirec.core.runs import runs

ONE_EACH = frozenset({FranchiseMode.ENTRY, FranchiseMode.NEXT, FranchiseMode.MIXED})


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

    scores: [len(catalogue)], see `align`; -inf = cannot be recommended.
    Titles on the profile never come back (planned ones do if the query says so). Equal scores are ordered by id.
    Where only franchise openers may appear, the best of a franchise's openers takes the best score within the
    franchise, as far as that passes the filters: whoever would love the third season should meet the first, but who
    asks for this year's anime gets no remake for the fame of the original.

    Raises:
        InputError: k is less than 1, popularity is outside -1..1, or a filter names an unknown kind or label.
    """
    if query.k < 1:
        raise InputError(f"k is {query.k}; ask for at least 1 title")
    if query.popularity:
        scores = leaning(scores, catalogue, query.popularity)
    on_profile = catalogue.rows_of(profile.anime_ids)
    seen_rows = on_profile if profile.seen.all() else catalogue.rows_of(profile.anime_ids[profile.seen])
    barred = seen_rows if query.include_planned else on_profile
    passing = _passing(catalogue, query.filters)
    candidates = passing.copy()
    if query.franchise is not FranchiseMode.ANYTHING:
        related = _related(catalogue, seen_rows)
        candidates &= _allowed(catalogue, seen_rows, related, query.franchise)
    candidates[barred] = False
    if query.franchise is FranchiseMode.ENTRY:
        rows, best = _openers(np.where(passing & ~related, scores, np.float32(-np.inf)), candidates, catalogue, query.k)
    else:
        masked = np.where(candidates, scores, np.float32(-np.inf))
        rows = _top(masked, catalogue, query.k, one_each=query.franchise in ONE_EACH)
        best = masked[rows]
    return Ranking(anime_ids=catalogue.anime_ids[rows], scores=best)


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
    scores: NDArray[np.float32], candidates: NDArray[np.bool_], catalogue: Catalogue, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return at most k rows, the best candidate of each franchise, and the best score within their franchises.

    scores: -inf within franchises that are on the profile, and where a filter does not let a title pass. Of equally
    good candidates the one with the lowest id stands for its franchise. Only franchises among the leading titles are
    looked at, four times more whenever they do not fill the list.
    """
    block = catalogue.franchise_blocks[2]
    wanted = 2 * k
    while True:
        leading = _leading(scores, wanted)
        blocks = np.unique(block[leading])
        members, sizes = _members(catalogue, blocks)
        first = np.cumsum(sizes) - sizes
        own = np.where(candidates[members], scores[members], np.float32(-np.inf))
        best, best_own = (np.maximum.reduceat(s, first) if len(s) else s for s in (scores[members], own))
        stands = np.flatnonzero((own == np.repeat(best_own, sizes)) & (own > -np.inf))
        franchise = np.repeat(np.arange(len(blocks)), sizes)[stands]
        franchise, one = np.unique(franchise, return_index=True)  # members ascend by row within a franchise
        rows = members[stands[one]]
        if len(rows) >= k or len(leading) < wanted:
            order = np.lexsort((rows, -best[franchise]))[:k]
            return rows[order], best[franchise][order]
        if wanted == 2 * k:  # filters are strict: leave out the franchises that have no candidate at all
            reachable = np.zeros(len(catalogue), dtype=np.bool_)
            reachable[block[candidates]] = True  # blocks are numbered below the number of rows
            scores = np.where(reachable[block], scores, np.float32(-np.inf))
        wanted *= 4


def _members(catalogue: Catalogue, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of some franchises, one franchise after the other, and the size of each."""
    by_franchise, bounds, _ = catalogue.franchise_blocks
    starts, stops = bounds[blocks], bounds[blocks + 1]
    return by_franchise[runs(starts, stops)], stops - starts


def _related(catalogue: Catalogue, seen_rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool [n]: the rows of franchises that are on the profile."""
    related = np.zeros(len(catalogue), dtype=np.bool_)
    related[_members(catalogue, np.unique(catalogue.franchise_blocks[2][seen_rows]))[0]] = True
    return related


def _allowed(
    catalogue: Catalogue, seen_rows: NDArray[np.int64], related: NDArray[np.bool_], mode: FranchiseMode
) -> NDArray[np.bool_]:
    """Return bool [n]: the rows that a franchise rule lets through."""
    if mode is FranchiseMode.UNRELATED:
        return ~related
    startable = catalogue.requires < 0
    if mode is FranchiseMode.ENTRY:
        return startable & ~related
    seen = np.zeros(len(catalogue), dtype=np.bool_)
    seen[seen_rows] = True
    within_reach = startable | seen[catalogue.requires]
    return within_reach & related if mode is FranchiseMode.NEXT else within_reach


def _top(masked: NDArray[np.float32], catalogue: Catalogue, k: int, *, one_each: bool) -> NDArray[np.int64]:
    """Return at most k rows, best first, ties by id; with `one_each` only the best row of each franchise."""
    wanted = k
    while True:
        rows = _leading(masked, wanted)
        if one_each:
            _, first = np.unique(catalogue.franchise[rows], return_index=True)
            kept = rows[np.sort(first)]
        else:
            kept = rows
        if len(kept) >= k or len(rows) < wanted:
            return kept[:k]
        wanted *= 4


def _leading(masked: NDArray[np.float32], m: int) -> NDArray[np.int64]:
    """Return all rows that score at least as much as the m-th best, best first, ties by row (that is, by id)."""
    n = len(masked)
    floor = np.partition(masked, n - m)[n - m] if m < n else np.float32(-np.inf)
    rows = np.flatnonzero((masked >= floor) & (masked > -np.inf))
    order: NDArray[np.int64] = rows[np.argsort(-masked[rows], kind="stable")]
    return order


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
