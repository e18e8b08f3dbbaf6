"""What is recommended to each case: by a recommender through the ranking that is served, or by another system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.evaluate.figures import Judge, seen_rows
from anirec.prepare.splits import Case
from anirec.rank import align, rank_by_modes

DEPTH: Final = 100
CHUNK: Final = 128  # profiles scored at a time: bounds memory to some 15 MB a model

Lists = Mapping[str, NDArray[np.int64]]
"""By figure int64 [cases, DEPTH], rows of the catalogue as recommended, best first; -1 = none."""

Barred = Sequence[NDArray[np.int32]] | None
"""Of each case int32, ids that are no candidates besides what is given; None = none."""


def of_recommender(  # noqa: PLR0913 - what there is to be said, each by its name
    recommender: Recommender,
    name: str,
    cases: Sequence[Case],
    catalogue: Catalogue,
    judges: Mapping[str, Judge],
    progress: Callable[[int, int], None],
    *,
    popularity: float = 0.0,
    barred: Barred = None,
    engine: Engine = LOCAL,
) -> Lists:
    """Ask a recommender. progress: called with cases done and cases in all. popularity: where the slider stands.

    engine: where the cases are worked on, `CHUNK` at a time; the lists are the same from any.

    Raises:
        InputError: the recommender has items that the catalogue lacks.
    """
    rows_of_items = catalogue.rows_of(recommender.items)
    if missing := len(recommender.items) - len(rows_of_items):
        raise InputError(
            f"the catalogue lacks {missing} of the {len(recommender.items)} anime that {name} recommends; "
            "use the catalogue of the data that it was fitted on"
        )
    asked = _Asked(recommender, rows_of_items, catalogue, _by_candidates(judges), popularity)
    shared, n = engine.share(asked), len(cases)
    parts = (
        (shared, [case.given for case in cases[start : start + CHUNK]], barred and barred[start : start + CHUNK])
        for start in range(0, n, CHUNK)
    )
    lists = {figure: np.full((n, DEPTH), -1, dtype=np.int64) for figure in judges}
    for place, found in enumerate(engine.map(_answers, parts)):
        start, stop = CHUNK * place, min(CHUNK * (place + 1), n)
        for figure, rows in found.items():
            lists[figure][start:stop] = rows
        progress(stop, n)
    return lists


Alike = Sequence[tuple[NDArray[np.bool_] | None, Mapping[str, FranchiseMode]]]
"""Which rows are candidates, None = all, and the modes by figure that have these."""


@dataclass(frozen=True, eq=False)
class _Asked:
    """What all cases are asked with."""

    recommender: Recommender
    rows_of_items: NDArray[np.int64]
    catalogue: Catalogue
    alike: Alike
    popularity: float


def _answers(asked: _Asked, given: Sequence[Profile], barred: Barred) -> Lists:
    """Return the lists of some cases."""
    query = Query(DEPTH, NO_FILTERS, popularity=asked.popularity)
    catalogue, figures = asked.catalogue, [figure for _, modes in asked.alike for figure in modes]
    lists = {figure: np.full((len(given), DEPTH), -1, dtype=np.int64) for figure in figures}
    scores = asked.recommender.score(given)
    for i, profile in enumerate(given):
        spread = align(scores[i], asked.rows_of_items, catalogue)
        if barred is not None:
            spread = spread.copy()
            spread[catalogue.rows_of(barred[i])] = -np.inf
        for allowed, modes in asked.alike:
            own = spread if allowed is None else np.where(allowed, spread, np.float32(-np.inf))
            ranked = rank_by_modes(own, profile, catalogue, query, list(modes.values()))
            for figure, (rows, _) in zip(modes, ranked, strict=True):
                lists[figure][i, : len(rows)] = rows
    return lists


def _by_candidates(judges: Mapping[str, Judge]) -> Alike:
    """Return the figures that have the same candidates together, with these: their scores are sorted once."""
    whole = {figure: judge.mode for figure, judge in judges.items() if judge.allowed is None}
    apart = {figure: judge for figure, judge in judges.items() if figure not in whole}
    return [(None, whole), *((judge.allowed, {figure: judge.mode}) for figure, judge in apart.items())]


def of_ranking(
    ranked: Sequence[NDArray[np.int32]],
    cases: Sequence[Case],
    catalogue: Catalogue,
    judges: Mapping[str, Judge],
    barred: Barred = None,
) -> Lists:
    """Turn one ranking of each case, ids best first, into lists under every figure.

    What a figure does not allow is passed over: what is given, under `raw`; its relatives, too, under the others; and
    all but the first of each franchise where franchises count once, whichever season that is.
    """
    lists = {figure: np.full((len(cases), DEPTH), -1, dtype=np.int64) for figure in judges}
    for i, (ids, case) in enumerate(zip(ranked, cases, strict=True)):
        out = case.given.anime_ids if barred is None else np.append(case.given.anime_ids, barred[i])
        rows = catalogue.rows_of(ids[~np.isin(ids, out)])
        seen = catalogue.franchise[seen_rows(case, catalogue)]
        for figure, judge in judges.items():
            left = rows if judge.allowed is None else rows[judge.allowed[rows]]
            if judge.mode is not FranchiseMode.ANYTHING:
                left = left[~np.isin(catalogue.franchise[left], seen)]
            _, first = np.unique(judge.keys[left], return_index=True)
            left = left[np.sort(first)][:DEPTH]
            lists[figure][i, : len(left)] = left
    return lists
