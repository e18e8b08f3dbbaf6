"""How the weights of a blend are learned: on users that no part has seen, at every length of profile.

What it does: takes for each profile the titles that some view of some part puts in front, and a few by chance; and
makes the chance of those that were liked, among those taken, as large as it gets. Titles that nobody would have put in
front are left out on purpose: among all titles, fitting the chances of thousands that nobody is shown would outvote the
order of the first ten.
What it does not: look at NDCG. On users held out once more, weights found so rank better at all lengths of profile than
weights found by LambdaRank's gradients did.

Source: conditional logit, McFadden 1974; as a loss for ranking, ListNet, Cao et al. 2007, "Learning to Rank: From
Pairwise Approach to Listwise Approach".

Memory: 4 bytes a view for some 500 titles of each profile: 6,000 profiles and 6 views 70 MB. Time: some hundred passes
over that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import places_among, rows_of
from anirec.core.errors import InputError
from anirec.core.protocols import Recommender
from anirec.prepare.splits import Case, Split
from anirec.recommenders.blend import BlendWeights, known_to_any, mixture
from anirec.recommenders.readings import READINGS, VIEWS

CHUNK: Final = 100  # profiles scored at a time


@dataclass(frozen=True)
class BlendConfig:
    """How weights are learned.

    sizes: of profiles, ascending, between which weights are interpolated. front: titles that each view puts in front.
    by_chance: further titles of each profile. smooth: price of weights that differ between neighbouring sizes; a tenth
    of it is that of weights themselves. length_power: a user weighs as their number of targets to this power. cut: a
    second profile of each user is that cut to at most so many likes, see `Split.cut`; cut_worth: what it weighs, in
    parts of the whole one. Who has a short list and who names a few favourites out of a long one want different things,
    and nothing tells which of the two a short profile is.
    """

    sizes: tuple[float, ...] = (1, 3, 6, 12, 25, 50, 100, 300)
    front: int = 20
    by_chance: int = 10
    smooth: float = 0.005
    length_power: float = 0.5
    cut: int = 30
    cut_worth: float = 0.25

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not self.sizes or min(self.sizes) < 0 or any(np.diff(self.sizes) <= 0):
            raise InputError(f"sizes must be numbers of titles, ascending; got {self.sizes}")
        if self.front < 1 or self.by_chance < 0 or not self.smooth > 0 or not 0 <= self.length_power <= 1:
            raise InputError(f"front >= 1, by_chance >= 0, smooth > 0, length_power in 0..1 are needed; got {self}")
        if self.cut < 1 or not self.cut_worth > 0:
            raise InputError(f"cut >= 1 and cut_worth > 0 are needed; got {self}")


@dataclass(frozen=True)
class Lists:
    """What weights are learned from: one list of titles after the other.

    views: float32 [t, v], of each title; starts: int64 [l], where lists begin; liked: bool [t], the targets; every list
    has one. mix: float32 [l, s], what each size of `BlendConfig.sizes` has to say of the list's profile. worth: float64
    [l], see `Worth`.
    """

    views: NDArray[np.float32]
    starts: NDArray[np.int64]
    liked: NDArray[np.bool_]
    mix: NDArray[np.float32]
    worth: NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """A case to learn from, and what it weighs, above 0, in parts of others of its length."""

    case: Case
    worth: float = 1.0


def whole_and_cut(split: Split, config: BlendConfig, rng: np.random.Generator) -> list[Worth]:
    """Return the cases of a split, and after them those that can be cut, as `BlendConfig.cut` says."""
    whole = [Worth(case) for case in split.cases]
    return whole + [Worth(case, config.cut_worth) for case in split.cut(config.cut, rng).cases]


def learn(
    parts: Mapping[str, Recommender],
    readings: Mapping[str, str],
    cases: Sequence[Worth],
    config: BlendConfig,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> BlendWeights:
    """Return the weights that serve these cases best.

    parts: fitted on others than the users of the cases. readings: as in `Blend`. progress: called with cases done.

    Raises:
        InputError: no part puts any target in front.
    """
    lists = gather(parts, readings, cases, config, rng, progress)
    weights = most_likely(lists, config)
    bounds = np.cumsum([VIEWS[readings[name]] for name in parts])[:-1]
    by_part = dict(zip(parts, np.split(weights, bounds, axis=1), strict=True))
    return BlendWeights(np.array(config.sizes, dtype=np.float32), by_part)


def gather(
    parts: Mapping[str, Recommender],
    readings: Mapping[str, str],
    cases: Sequence[Worth],
    config: BlendConfig,
    rng: np.random.Generator,
    progress: Callable[[int, int], None],
) -> Lists:
    """Look at the cases through the parts; see `learn`."""
    sizes = np.array(config.sizes, dtype=np.float32)
    found: list[NDArray[np.float32]] = []
    liked: list[NDArray[np.bool_]] = []
    mixes: list[NDArray[np.float32]] = []
    worths: list[float] = []
    items = known_to_any(parts)
    seen = _viewed(parts, readings, items, [one.case for one in cases])
    for done, (case, views) in enumerate(seen):
        if done % CHUNK == 0:
            progress(done, len(cases))
        given, targets = rows_of(items, case.given.anime_ids), rows_of(items, case.targets)
        taken = _front(views, given, config, rng)
        wanted = np.isin(taken, targets)
        if wanted.any():
            found.append(views[:, taken].T)
            liked.append(wanted)
            mixes.append(mixture(sizes, len(case.given)))
            worths.append(cases[done].worth)
    progress(len(cases), len(cases))
    if not found:
        raise InputError("no part of the blend puts a liked title in front; there is nothing to learn weights from")
    starts = np.cumsum([0, *map(len, liked[:-1])])
    return Lists(
        np.concatenate(found), starts.astype(np.int64), np.concatenate(liked), np.stack(mixes), np.array(worths)
    )


def _viewed(
    parts: Mapping[str, Recommender], readings: Mapping[str, str], items: NDArray[np.int32], cases: Sequence[Case]
) -> Iterator[tuple[Case, NDArray[np.float32]]]:
    """Yield each case with all views of all parts: float32 [v, n], one block for each part in their order."""
    places = places_among(items, {name: part.items for name, part in parts.items()})
    for start in range(0, len(cases), CHUNK):
        chunk = cases[start : start + CHUNK]
        scores = {name: part.score([case.given for case in chunk]) for name, part in parts.items()}
        for row, case in enumerate(chunk):
            blocks = []
            for name in parts:
                seen = READINGS[readings[name]](scores[name][row])
                block = np.zeros((len(seen), len(items)), dtype=np.float32)
                block[:, places[name]] = seen
                blocks.append(block)
            yield case, np.concatenate(blocks)


def _front(
    views: NDArray[np.float32], given: NDArray[np.int64], config: BlendConfig, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the places, ascending, of the titles that stand in front in some view, and of some by chance."""
    n = views.shape[1]
    taken = np.zeros(n, dtype=np.bool_)
    front = min(config.front + len(given), n)
    for view in views:
        taken[np.argpartition(-view, front - 1)[:front]] = True
    taken[rng.integers(n, size=config.by_chance)] = True
    taken[given] = False
    return np.flatnonzero(taken)


def most_likely(lists: Lists, config: BlendConfig) -> NDArray[np.float32]:
    """Return float32 [s, v]: the weights under which what was liked is likeliest; the loss is convex in them."""
    from scipy.optimize import minimize  # noqa: PLC0415 - serving must not pay for it

    loss, shape = objective(lists, config)
    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    weights: NDArray[np.float32] = (found.x.reshape(shape) / _spread(lists)).astype(np.float32)
    return weights


def _spread(lists: Lists) -> NDArray[np.float32]:
    """Return float32 [v]: the root of each view's mean square, by which it is divided before it is weighed."""
    squares = np.mean(np.square(lists.views, dtype=np.float64), axis=0)
    spread: NDArray[np.float32] = np.sqrt(squares).astype(np.float32) + np.float32(1e-9)
    return spread


def objective(
    lists: Lists, config: BlendConfig
) -> tuple[Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]], tuple[int, int]]:
    """Return what is made small, a function of flat weights of views by their spread, with its slope; and [s, v]."""
    views = lists.views / _spread(lists)
    lengths = np.diff(np.append(lists.starts, len(views)))
    n_liked = np.add.reduceat(lists.liked, lists.starts, dtype=np.int64)
    worth = lists.worth * n_liked ** (config.length_power - 1.0)
    worth /= (worth * n_liked).sum()
    shape = (lists.mix.shape[1], views.shape[1])
    wanted = lists.liked * np.repeat(worth, lengths)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(shape)
        each = np.repeat((lists.mix @ weights).astype(np.float32), lengths, axis=0)
        sums = np.einsum("tv,tv->t", views, each).astype(np.float64)
        sums -= np.repeat(np.maximum.reduceat(sums, lists.starts), lengths)
        raised = np.exp(sums)
        totals = np.add.reduceat(raised, lists.starts)
        logs = sums - np.repeat(np.log(totals), lengths)
        off = raised * np.repeat(worth * n_liked / totals, lengths) - wanted
        pulls = np.add.reduceat(views * off[:, np.newaxis].astype(np.float32), lists.starts, axis=0)
        steps = np.diff(weights, axis=0)
        slope = lists.mix.T.astype(np.float64) @ pulls + 0.2 * config.smooth * weights
        slope[1:] += 2 * config.smooth * steps
        slope[:-1] -= 2 * config.smooth * steps
        price = config.smooth * (np.square(steps).sum() + 0.1 * np.square(weights).sum())
        return float(price - wanted @ logs), slope.ravel()

    return loss, shape
