"""Which lenses `similar` looks through, and how much each counts: fitted, and weighed on what people named and liked.

pairs -> hold some back -> fit every lens on the rest -> ask for what was held back  ─┐
users -> hold some back -> viewers' lens without them -> ask for the rest of a list  ─┴─► weights -> lenses on all

Each of the two flatters one lens: pairs that of the crowd, which is made of pairs, and lists that of viewers. So the
weights are those that reach most of what can be reached on both, each counting one half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in
from anirec.core.discounts import discounts
from anirec.core.profile import Profile
from anirec.evaluate.protocols.item_similarity import Questions, questions
from anirec.prepare.dataset import Dataset
from anirec.prepare.pairs import Pairs
from anirec.prepare.splits import Case
from anirec.recommenders.similar import Similar
from anirec.service.looking import VIEWERS

if TYPE_CHECKING:
    from anirec.service.progress import Progress
    from anirec.service.training import Storable

VIEWERS_WEIGHT: Final = 0.14
"""What the viewers' lens weighs where there are too few pairs to choose it.

It is a row of EASE: who likes the title likes ... On the real data EASE's row (NDCG@10 .078) went before
its column (.058), both together (.074), the cosine (.063), conditional probability over likes^0.3 (.069) and the
z-score of how many like both (.055); none of them added anything to the row in the blend."""

TOP: Final = 10
"""Places that weights are chosen by."""
HELD: Final = 0.2
"""Share of the pairs held back to choose weights on: few enough for the crowd's graph to stay what it is."""
ENOUGH: Final = 100
"""Questions below which weights would be chosen by chance; the lenses' own are taken."""
MOST: Final = 2000
"""Questions asked at most: bounds the time."""
POOL: Final = 150
"""Titles of each lens that may be among the first ten of the blend while weights are tried."""
LEAST: Final = 0.02
"""No lens weighs less, in parts of all: it may be the only one that knows a title."""
FAR: Final = 5.0
"""How much more than each other lens the leading one weighs where the search may begin."""
STEPS: Final = (4.0, 2.0, 1.4, 1.2)
"""Factors by which weights are tried up and down, coarse to fine."""


@dataclass(frozen=True)
class Lens:
    """How a further lens is had.

    fit: given the dataset, the pairs that may be looked at and a generator; returns None where the data give it nothing
    to look at. weight: what it weighs where there are too few pairs to choose that, above 0.
    """

    fit: Callable[[Dataset, Pairs, np.random.Generator], Storable | None]
    weight: float


@dataclass(frozen=True)
class Unseen:
    """People to choose weights on besides pairs.

    viewers: the lens `VIEWERS`, fitted without them. cases: of each, one title given and others to be found.
    """

    viewers: Storable
    cases: Sequence[Case]


@dataclass(frozen=True)
class Choice:
    """The lenses in their weights.

    parts: what a bundle keeps beside it, by name. questions: weights were chosen on so many, 0 = not at all. ndcg: the
    mean of NDCG@10 that they reached on those, relatives left out; None where not chosen.
    """

    similar: Similar
    parts: Mapping[str, Storable]
    questions: int
    ndcg: float | None


def fit_similar(
    dataset: Dataset,
    catalogue: Catalogue,
    pairs: Pairs,
    viewers: tuple[str, Storable],
    lenses: Mapping[str, Lens],
    *,
    seed: int,
    progress: Progress,
    unseen: Unseen | None = None,
) -> Choice:
    """Fit the lenses, choose their weights, and fit them anew on all pairs. Same data, same seed, same weights.

    viewers: the name in the bundle and the model of the lens `VIEWERS`; it has seen no pair. unseen: None = pairs
    alone decide.
    """
    learned, held = pairs.parted(HELD, np.random.default_rng([seed, 6]))
    asked = questions(held, learned, catalogue.anime_ids)
    if len(asked) > MOST:
        asked = asked.at(np.sort(np.random.default_rng([seed, 7]).choice(len(asked), MOST, replace=False)))
    looking = partial(_looking, dataset, catalogue, viewers=viewers, lenses=lenses, seed=seed, progress=progress)
    whole, parts = looking(pairs)
    if len(asked) < ENOUGH or len(whole.lenses) == 1:
        return Choice(whole, parts, 0, None)
    judged, _ = looking(learned)
    pool = gather(judged, asked, catalogue, progress)
    start = {name: whole.weights[name] for name in judged.lenses}
    weights, ndcg = best_weights(pool, start)
    if unseen is not None:
        without = replace(judged, lenses={**judged.lenses, VIEWERS: unseen.viewers})
        lists = gather(without, listed(unseen.cases, catalogue), catalogue, progress)
        reached = best_weights(lists, start)[1] if len(lists.best) else 0.0
        if min(ndcg, reached) > 0:
            weights, _ = best_weights(joined((pool, ndcg), (lists, reached)), weights)
            ndcg = pool.ndcg(weights)
    return Choice(replace(whole, weights=dict(whole.weights) | weights), parts, len(pool.best), ndcg)


def listed(cases: Sequence[Case], catalogue: Catalogue) -> Questions:
    """Return what each case with one title given asks: the rest of the list, all of it alike."""
    asked = []
    for case in cases:
        targets = case.targets[found_in(catalogue.anime_ids, case.targets)[1]]
        if len(catalogue.rows_of(case.given.anime_ids)) == 1 and len(targets):
            asked.append(replace(case, targets=targets))
    ones = tuple(np.ones(len(case.targets)) for case in asked)
    return Questions(tuple(asked), ones, (np.empty(0, dtype=np.int32),) * len(asked))


def _looking(
    dataset: Dataset,
    catalogue: Catalogue,
    pairs: Pairs,
    *,
    viewers: tuple[str, Storable],
    lenses: Mapping[str, Lens],
    seed: int,
    progress: Progress,
) -> tuple[Similar, dict[str, Storable]]:
    """Return the lenses fitted on these pairs, in the weights that they have by themselves, and the parts to keep."""
    fitted: dict[str, Storable | None] = {}
    for done, (name, lens) in enumerate(lenses.items()):
        progress(f"fitting the lens {name}", done, len(lenses))
        fitted[name] = lens.fit(dataset, pairs, np.random.default_rng([seed, 3]))
    progress("fitting the lenses", len(lenses), len(lenses))
    found = {name: model for name, model in fitted.items() if model is not None}
    models = {VIEWERS: viewers[0]} | {name: f"similar-{name}" for name in found}
    rows = catalogue.rows_of(dataset.anime_ids)
    similar = Similar(
        lenses={VIEWERS: viewers[1], **found},
        models=models,
        weights=_shares({VIEWERS: VIEWERS_WEIGHT} | {name: lenses[name].weight for name in found}),
        items=dataset.anime_ids,
        likes=dataset.like_counts().astype(np.int32),
        franchise=np.ascontiguousarray(catalogue.franchise[rows]),
    )
    return similar, {models[name]: model for name, model in found.items()}


@dataclass(frozen=True)
class Pool:
    """What is ranked while weights are tried: for each of q questions, the titles that some lens puts in front.

    seen: by lens, float32 [q, c], what it sees, -inf past the end of a short row. gains: float32 [q, c], 0 for what is
    no target. best: float64 [q], the discounted gains of the ideal list.
    """

    seen: Mapping[str, NDArray[np.float32]]
    gains: NDArray[np.float32]
    best: NDArray[np.float64]

    def ndcg(self, weights: Mapping[str, float]) -> float:
        """Return the mean of NDCG@10 under these weights; ties go to what stands first."""
        scores = sum(self.seen[name] * np.float32(weight) for name, weight in weights.items() if weight > 0)
        top = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :TOP]
        gained = np.take_along_axis(self.gains, top, axis=1) @ discounts(top.shape[1])
        return float(np.mean(gained / self.best))


def joined(*pools: tuple[Pool, float]) -> Pool:
    """Return one pool in which each counts alike: its figure is the mean of what share of its best each reaches.

    pools: each with the best NDCG that is reached on it alone, above 0.
    """
    n = sum(len(pool.best) for pool, _ in pools)
    width = max(pool.gains.shape[1] for pool, _ in pools)
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in pools[0][0].seen}
    gains, best = [], []
    for pool, reached in pools:
        missing = ((0, 0), (0, width - pool.gains.shape[1]))
        for name, rows in seen.items():
            rows.append(np.pad(pool.seen[name], missing, constant_values=-np.inf))
        gains.append(np.pad(pool.gains, missing))
        best.append(pool.best * reached * len(pools) * len(pool.best) / n)
    return Pool(
        {name: np.concatenate(rows) for name, rows in seen.items()}, np.concatenate(gains), np.concatenate(best)
    )


def gather(similar: Similar, asked: Questions, catalogue: Catalogue, progress: Progress) -> Pool:
    """Ask every lens; relatives are neither candidates nor targets. Questions without a target are left out."""
    columns: list[dict[str, NDArray[np.float32]]] = []
    gains: list[NDArray[np.float32]] = []
    best: list[float] = []
    place = np.full(len(catalogue), -1, dtype=np.int64)
    place[catalogue.rows_of(similar.items)] = np.arange(len(similar.items))
    silent = np.zeros(len(similar.items), dtype=np.float32)
    for done, (case, worth, barred) in enumerate(zip(asked.cases, asked.gains, asked.barred, strict=True)):
        progress("choosing the lenses' weights", done, len(asked))
        out = _not_asked_for(case, barred, catalogue)
        targets = catalogue.rows_of(case.targets)
        wanted = ~np.isin(targets, out)
        if not wanted.any():
            continue
        parts = similar.parts(Profile.of_likes(catalogue.anime_ids[catalogue.rows_of(case.given.anime_ids)].tolist()))
        front = _front(parts.values(), place[out], len(similar.items))
        gain = silent.copy()
        gain[place[targets[wanted]]] = worth[wanted]
        ideal = np.sort(worth[wanted])[::-1][:TOP]
        columns.append({name: parts.get(name, silent)[front] for name in similar.lenses})
        gains.append(gain[front])
        best.append(float(ideal @ discounts(len(ideal))))
    progress("choosing the lenses' weights", len(asked), len(asked))
    width = max((len(row) for row in gains), default=0)
    seen = {name: _padded([row[name] for row in columns], width, -np.inf) for name in similar.lenses}
    return Pool(seen=seen, gains=_padded(gains, width, 0.0), best=np.array(best))


def _not_asked_for(case: Case, barred: NDArray[np.int32], catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the rows that are no candidates: what is barred, the title given, and its relatives."""
    given = catalogue.rows_of(case.given.anime_ids)
    return np.append(
        catalogue.rows_of(barred), np.flatnonzero(np.isin(catalogue.franchise, catalogue.franchise[given]))
    )


def _front(parts: Iterable[NDArray[np.float32]], barred: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the places, ascending, of the `POOL` best of every lens, without the barred ones."""
    front = np.zeros(n, dtype=np.bool_)
    for seen in parts:
        front[np.argpartition(-seen, min(POOL, n - 1))[:POOL]] = True
    front[barred] = False
    return np.flatnonzero(front)


def _padded(rows: Sequence[NDArray[np.float32]], width: int, value: float) -> NDArray[np.float32]:
    table = np.full((len(rows), width), value, dtype=np.float32)
    for of_table, row in zip(table, rows, strict=True):
        of_table[: len(row)] = row
    return table


def best_weights(pool: Pool, start: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Return the weights, as parts of all, that a search along one weight after the other finds best, and their NDCG.

    start: by lens. The search begins there, at equal weights, or near one lens alone, whichever is best: from far off
    it would see no way. Every lens keeps about `LEAST`. Gains below 0.0001 count as none.
    """
    leads = [{name: FAR if name == lead else 1.0 for name in start} for lead in start]
    weights = max((_shares(begin) for begin in (start, dict.fromkeys(start, 1.0), *leads)), key=pool.ndcg)
    reached = pool.ndcg(weights)
    for step in STEPS:
        improved = True
        while improved:
            improved = False
            for name, factor in product(weights, (step, 1 / step)):
                tried = _shares({**weights, name: weights[name] * factor})
                ndcg = pool.ndcg(tried)
                if ndcg > reached + 1e-4:
                    weights, reached, improved = tried, ndcg, True
    return {name: round(weight, 4) for name, weight in weights.items()}, reached


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights as parts of their sum, none below `LEAST` before that sum is made whole again."""
    total = sum(weights.values())
    least = {name: max(weight / total, LEAST) for name, weight in weights.items()}
    return {name: weight / sum(least.values()) for name, weight in least.items()}
