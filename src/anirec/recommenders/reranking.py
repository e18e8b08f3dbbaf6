"""How a reranker is learned: on users that no part of the blend has seen, at every length of profile.

What it does: looks at the front of the blend's list for each profile, and makes the chance of those titles that were
liked as large as it gets, once among all that stand there and once among those of franchises that are new to the
profile, as those are what is shown. Nets start from saying nothing, so that they learn what the blend lacks. What it
does not: keep nets that do not help: a part of the users is held back, and only what orders their lists better, by more
than a standard error, is worth having.

Source: ListNet, Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach"; Adam with decoupled
decay, Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"; dropout, Srivastava et al. 2014. On the real
data trees that look for NDCG (LambdaMART) learn a little more from the same numbers (4.4 % against 3.5 %) and take ten
times as long to ask.

Memory: 4 bytes a number for some 150 titles of each profile: 6,000 profiles and 42 numbers 150 MB. Time: about 15 ms
for each profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import cos, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.discounts import discounts
from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Split, parted_anew
from anirec.recommenders.blend import Blend
from anirec.recommenders.blending import CHUNK, Worth
from anirec.recommenders.candidates import FIRST, Described, Floats
from anirec.recommenders.reranker import LAYERS, Nets, Reranker, believed

DISCOUNTS: Final = discounts(FIRST)
FASTEST: Final = 0.05  # share of the steps over which the rate rises
SLOWEST: Final = 0.05  # of the rate, at the end
MOMENTS: Final = (0.9, 0.999)  # how much of the means of slopes and of their squares stays, of Adam


@dataclass(frozen=True)
class RerankConfig:
    """How a reranker is learned.

    front: titles that it looks at. hidden: sizes of its two hidden layers. nets: how many there are, of which the mean
    is taken. epochs, batch, rate, decay, dropout: of learning, batch in lists. draws: how often the likes of each user
    are parted into given and sought. cut: another profile for each is that cut to at most so many likes, see
    `Split.cut`; cut_worth: what it counts, in parts of the whole one. against_fame: of n liked titles given, a title
    that is sought counts as its likes to the power -against_fame / sqrt(n). What everybody likes is a safe answer to a
    few favourites, and a dull one: without it nets learn to give nothing else. doubt: see `Reranker`.
    judged: 0..1, share of the users that are held back to see whether it helps. least: users, fewer are too few.
    """

    front: int = 150
    hidden: tuple[int, int] = (64, 32)
    nets: int = 2
    epochs: int = 10
    batch: int = 64
    rate: float = 2e-3
    decay: float = 1e-2
    dropout: float = 0.1
    draws: int = 2
    cut: int = 30
    cut_worth: float = 0.5
    against_fame: float = 0.3
    doubt: float = 3.0
    judged: float = 0.33
    least: int = 300

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        counts = (self.front, *self.hidden, self.nets, self.epochs, self.batch, self.draws, self.cut, self.least)
        if min(counts) < 1 or self.rate <= 0 or min(self.decay, self.cut_worth, self.against_fame, self.doubt) < 0:
            raise InputError(f"a reranker needs counts of at least 1, a rate above 0 and the rest >= 0; got {self}")
        if not (0 <= self.dropout < 1 and 0 < self.judged < 1):
            raise InputError(f"dropout lies in 0..1, below 1, and judged above 0 and below 1; got {self}")


@dataclass(frozen=True)
class Fronts:
    """The fronts of some lists, one after the other.

    table: float32 [t, f], numbers of each candidate, of which the first is the logarithm of its chance. bounds: int64
    [l + 1], where lists begin and end. counts: float32 [t], for how much a title is liked, 0 = it is not, on average 1
    for those of a list that are. new: bool [t], whether nothing of its franchise is on the profile. users: int64 [l].
    targets: int64 [l, 2], how many titles are sought, in front or not, and how many of these are new. sizes: int64
    [l], liked titles given. worth: float64 [l].
    """

    table: Floats
    bounds: NDArray[np.int64]
    counts: Floats
    new: NDArray[np.bool_]
    users: NDArray[np.int64]
    targets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    worth: NDArray[np.float64]

    @cached_property
    def liked(self) -> NDArray[np.bool_]:
        """Bool [t]: what counts."""
        return self.counts > 0


@dataclass(frozen=True)
class Learned:
    """What came of it.

    reranker: learned from all; None = it does not help, or there are too few users to tell. trial: learned without the
    users of `judged`, ids, so that it may be measured on them. found: NDCG@10 on their lists, whole ones and cut ones,
    before and after: among everything, and among new franchises.
    """

    reranker: Reranker | None = None
    trial: Reranker | None = None
    judged: frozenset[int] = frozenset()
    found: Mapping[str, float] = field(default_factory=dict)


def learn(
    blend: Blend,
    described: Described,
    cases: Sequence[Worth],
    config: RerankConfig,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Learned:
    """Learn a reranker, and whether it helps.

    blend: of parts fitted on others than the users of the cases. described: of its items. progress: called with cases
    done.

    Raises:
        FloatingPointError: the nets do not stay finite.
    """
    users = np.unique([one.case.user_id for one in cases])
    if len(users) < config.least:
        return Learned()
    fronts = gather(blend, described, cases, config, progress)
    judged = np.sort(rng.choice(users, max(int(config.judged * len(users)), 1), replace=False))
    held = np.isin(fronts.users, judged)
    trial = _fitted(fronts, np.flatnonzero(~held), config, rng)
    before, after = (_judged(fronts, np.flatnonzero(held), nets, config.doubt) for nets in (None, trial))
    gains = np.nan_to_num(after - before).sum(axis=1)
    by_user = np.bincount(np.searchsorted(judged, fronts.users[held]), gains, minlength=len(judged))
    asked = np.maximum((~np.isnan(before)).sum(axis=0), 1)
    figures = np.concatenate([np.nansum(figures, axis=0) / asked for figures in (before, after)])
    names = ("before", "before, new franchises", "after", "after, new franchises")
    found = dict(zip(names, figures.tolist(), strict=True))
    if by_user.mean() <= by_user.std() / sqrt(len(judged)):
        return Learned(judged=frozenset(judged.tolist()), found=found)
    nets = _fitted(fronts, np.arange(len(held)), config, rng)
    whole, part = (Reranker(one, config.front, config.doubt, described) for one in (nets, trial))
    return Learned(whole, part, frozenset(judged.tolist()), found)


def cases_of(dataset: Dataset, split: Split, config: RerankConfig, rng: np.random.Generator) -> list[Worth]:
    """Return what to learn from: each case of a split, its user parted anew so often, and each of these cut short.

    dataset: what the split was made of, with its users.
    """
    found: list[Worth] = []
    for draw in range(config.draws):
        whole = parted_anew(dataset, split.cases, rng) if draw else split.cases
        found += [Worth(case) for case in whole]
        found += [Worth(case, config.cut_worth) for case in Split(split.train, whole).cut(config.cut, rng).cases]
    return found


def gather(
    blend: Blend,
    described: Described,
    cases: Sequence[Worth],
    config: RerankConfig,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Fronts:
    """Look at the fronts of these cases; see `learn` and `Fronts`."""
    tables: list[Floats] = []
    counts, new, targets, sizes = [], [], [], []
    for start in range(0, len(cases), CHUNK):
        progress(start, len(cases))
        some = [one.case for one in cases[start : start + CHUNK]]
        fronts = blend.fronts([case.given for case in some], described, config.front)
        for case, found in zip(some, fronts, strict=True):
            given, sought = (rows_of(blend.items, ids) for ids in (case.given.anime_ids, case.targets))
            related = described.franchise[given]
            tables.append(found.table.T)
            sizes.append(found.liked)
            liked = np.isin(found.places, sought)
            power = config.against_fame / sqrt(max(found.liked, 1))
            count = np.exp(-power * described.fame[found.places]) * liked
            counts.append(count * (liked.sum() / max(float(count.sum()), 1e-9)))
            new.append(~np.isin(described.franchise[found.places], related))
            targets.append((len(case.targets), int((~np.isin(described.franchise[sought], related)).sum())))
    progress(len(cases), len(cases))
    return Fronts(
        table=np.concatenate(tables),
        bounds=np.cumsum([0, *map(len, counts)]).astype(np.int64),
        counts=np.concatenate(counts).astype(np.float32),
        new=np.concatenate(new),
        users=np.array([one.case.user_id for one in cases]),
        targets=np.array(targets),
        sizes=np.array(sizes),
        worth=np.array([one.worth for one in cases]),
    )


@dataclass(frozen=True)
class _Lists:
    """What is learned from: rows of a table for each list, of which some are liked, and what the list counts."""

    rows: list[NDArray[np.int64]]
    worth: NDArray[np.float32]

    @classmethod
    def of(cls, fronts: Fronts, which: NDArray[np.int64]) -> _Lists:
        """Take each front once whole, and once without relatives of the profile, if anything is liked there."""
        rows, worth = [], []
        for one in which:
            every = np.arange(fronts.bounds[one], fronts.bounds[one + 1])
            for some in (every, every[fronts.new[every]]):
                n_liked = int(fronts.liked[some].sum())
                if n_liked:
                    rows.append(some)
                    worth.append(fronts.worth[one] / sqrt(n_liked))
        return cls(rows, np.array(worth, dtype=np.float32))


def _fitted(fronts: Fronts, which: NDArray[np.int64], config: RerankConfig, rng: np.random.Generator) -> Nets:
    """Return nets that were fitted to some of the fronts, one after the other, from different beginnings."""
    lists = _Lists.of(fronts, which)
    if not lists.rows:
        raise InputError("nothing that the blend puts in front is liked by anybody it was not fitted on")
    some = fronts.table[np.concatenate(lists.rows[:: max(len(lists.rows) // 2000, 1)])]
    mean, spread = some.mean(axis=0), some.std(axis=0)
    usual = Nets(mean, np.where(spread > 1e-6, spread, np.float32(1)).astype(np.float32), {})
    table, own = usual.usual(fronts.table.T).T.copy(), fronts.table[:, 0]
    found = [_net(table, own, fronts.counts, lists, config, rng) for _ in range(config.nets)]
    return Nets(usual.mean, usual.spread, {name: np.stack([net[name] for net in found]) for name in LAYERS})


def _net(
    table: Floats,
    own: Floats,
    counts: Floats,
    lists: _Lists,
    config: RerankConfig,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return the layers of one net. own: float32 [t], what the blend says of each row of the table."""
    layers = _first_layers(table.shape[1], config, rng)
    moments = {name: (np.zeros_like(layer), np.zeros_like(layer)) for name, layer in layers.items()}
    per_epoch = -(-len(lists.rows) // config.batch)
    steps = config.epochs * per_epoch
    for step in range(steps):
        if step % per_epoch == 0:
            order = rng.permutation(len(lists.rows))
        batch = order[(step % per_epoch) * config.batch :][: config.batch]
        slopes = _slopes(layers, table, own, counts, [lists.rows[i] for i in batch], lists.worth[batch], config, rng)
        rate = config.rate * min(
            (step + 1) / (FASTEST * steps), SLOWEST + (1 - SLOWEST) * (1 + cos(pi * step / steps)) / 2
        )
        for name, slope in slopes.items():
            first, second = moments[name]
            first += (1 - MOMENTS[0]) * (slope - first)
            second += (1 - MOMENTS[1]) * (slope * slope - second)
            straight = first / (1 - MOMENTS[0] ** (step + 1))
            spread = np.sqrt(second / (1 - MOMENTS[1] ** (step + 1))) + 1e-8
            layers[name] -= np.float32(rate) * (straight / spread + config.decay * layers[name])
    if not all(np.isfinite(layer).all() for layer in layers.values()):
        raise FloatingPointError("the nets of the blend's reranker are not finite; lower its rate")
    return layers


def _first_layers(f: int, config: RerankConfig, rng: np.random.Generator) -> dict[str, Floats]:
    """Return layers that say nothing yet: the last is 0, the others drawn as He et al. 2015 advise."""
    h, g = config.hidden
    drawn = {"in": (h, f), "middle": (g, h)}
    layers = {name: (rng.normal(size=shape) * sqrt(2 / shape[1])).astype(np.float32) for name, shape in drawn.items()}
    layers |= {f"{name}_bias": np.zeros((shape[0], 1), dtype=np.float32) for name, shape in drawn.items()}
    layers["out"] = np.zeros((1, g), dtype=np.float32)
    return {name: layers[name] for name in LAYERS}


def _slopes(
    layers: Mapping[str, Floats],
    table: Floats,
    own: Floats,
    counts: Floats,
    rows: Sequence[NDArray[np.int64]],
    worth: Floats,
    config: RerankConfig,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return by layer the slope of the loss, the negative logarithm of the chance of what counts, for some lists."""
    every, lengths = np.concatenate(rows), np.array([len(row) for row in rows])
    starts = np.cumsum([0, *lengths[:-1]])
    put_in = table[every]
    kept = np.float32(1 - config.dropout)

    def layer(values: Floats, name: str) -> tuple[Floats, Floats]:
        """Return what comes out, and by what its slope is multiplied on the way back."""
        summed = values @ layers[name].T + layers[f"{name}_bias"].T
        through = (summed > 0).astype(np.float32) / kept
        if config.dropout:
            through *= rng.random(summed.shape, dtype=np.float32) < kept
        return summed * through, through

    hidden, to_hidden = layer(put_in, "in")
    middle, to_middle = layer(hidden, "middle")
    sums = own[every] + (middle @ layers["out"].T)[:, 0]
    sums -= np.repeat(np.maximum.reduceat(sums, starts), lengths)
    raised = np.exp(sums)
    raised /= np.repeat(np.add.reduceat(raised, starts), lengths)
    wanted = counts[every]
    off = (raised * np.repeat(np.add.reduceat(wanted, starts), lengths) - wanted) * np.repeat(
        worth / worth.sum(), lengths
    )
    of_middle = off[:, np.newaxis] * layers["out"] * to_middle
    of_hidden = (of_middle @ layers["middle"]) * to_hidden
    return {
        "in": of_hidden.T @ put_in,
        "in_bias": of_hidden.sum(axis=0)[:, np.newaxis],
        "middle": of_middle.T @ hidden,
        "middle_bias": of_middle.sum(axis=0)[:, np.newaxis],
        "out": (off @ middle)[np.newaxis],
    }


def _judged(fronts: Fronts, which: NDArray[np.int64], nets: Nets | None, doubt: float) -> NDArray[np.float64]:
    """Return float64 [l, 2], NDCG@10 of each list: of everything, of new franchises; nan where none is sought."""
    figures = np.full((len(which), 2), np.nan)
    for row, one in zip(figures, which, strict=True):
        every = slice(int(fronts.bounds[one]), int(fronts.bounds[one + 1]))
        sums = fronts.table[every, 0]
        if nets:
            sums = sums + nets.say(fronts.table[every].T) * believed(int(fronts.sizes[one]), doubt)
        for column, some in enumerate((np.ones(len(sums), dtype=np.bool_), fronts.new[every])):
            sought = int(fronts.targets[one, column])
            if sought:
                first = np.argsort(-sums[some], kind="stable")[:FIRST]
                hits = fronts.liked[every][some][first]
                row[column] = (hits * DISCOUNTS[: len(first)]).sum() / DISCOUNTS[: min(sought, FIRST)].sum()
    return figures
