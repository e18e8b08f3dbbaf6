"""NCF: an embedding for every user and every anime; the nearer two are, the likelier a good score.

What it does: learns sigmoid(norm(w cos(user, anime) + b)) of 0..1 for scores 1..10 by binary cross-entropy. What nobody
scored is no zero: a few titles that a user does not have are drawn as such instead, and weigh as set. A profile's
embedding is folded in, in one of two ways, whichever ranked better for validation users: the mean of its anime's
embeddings weighted by liking, or the ridge solution of u E' = likings with all others at a little weight.
What it does not: know titles that few like; learn from order or time.

Source: He et al. 2017, "Neural Collaborative Filtering", in the form of the public "hybrid" anime recommenders (128
numbers, normalised dot, one dense unit, batch norm); folding in after Hu, Koren, Volinsky 2008, eq. 4.

Memory: fitting 16 dim bytes for each user and anime, serving dim bytes (int8) for each anime and dim * dim numbers.
Workable sizes: up to a million users and anime together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural.arrays import Table, fitting, known
from anirec.recommenders.neural.lists import learned_from
from anirec.recommenders.neural.settings import ALONE, LoopConfig, Run
from anirec.recommenders.neural.validation import Validation

FOLDS = ("mean", "ridge")


@dataclass(frozen=True)
class NcfConfig:
    """How NCF is fitted.

    min_likes, min_list: as of the autoencoders. dim: numbers in an embedding. negatives: titles drawn for each entry
    that the user does not have. negative_weight: what one of them counts beside an entry. batch: entries at a time.
    ridge: penalty of folding in, in entries. rest: 0..1, what a title counts there that is not on the profile.
    precision: of the table that is served.
    """

    min_likes: int = 5
    min_list: int = 5
    dim: int = 128
    negatives: int = 4
    negative_weight: float = 1.0
    batch: int = 2048
    ridge: float = 0.1
    rest: float = 0.01
    validation_users: int = 600
    precision: str = "int8"
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(epochs=20, lr=1e-2, weight_decay=1e-4))

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.min_likes, self.min_list, self.dim, self.batch) < 1 or self.ridge <= 0 or not 0 <= self.rest <= 1:
            raise InputError(
                f"min_likes, min_list, dim, batch must be at least 1, ridge above 0, rest 0..1; got {self}"
            )
        if min(self.negatives, self.negative_weight, self.validation_users) < 0:
            raise InputError(f"negatives, negative_weight and validation_users must be at least 0; got {self}")


@dataclass(frozen=True)
class Ncf:
    """A fitted model.

    items: int32 [n]. embeddings: [n, dim], of length 1 each. slope, offset: of the one unit and its norm, so that the
    chance is sigmoid(slope * cosine + offset). fold: one of `FOLDS`. ridge, rest: see `NcfConfig`.
    """

    items: NDArray[np.int32]
    embeddings: Table
    slope: float
    offset: float
    fold: str
    ridge: float
    rest: float

    @cached_property
    def _base(self) -> NDArray[np.float32]:
        """[dim, dim]: what all titles together say in the ridge."""
        values = self.embeddings.values
        gram = self.rest * (values.T @ values) + self.ridge * np.eye(values.shape[1])
        return np.asarray(gram, dtype=np.float32)

    def embedding_of(self, profile: Profile) -> NDArray[np.float32]:
        """Return float32 [dim], of length 1 (0 for a profile without likes): where the profile stands."""
        rows, which = known(self.items, profile)
        liking = profile.liking[which]
        rows, liking = rows[liking != 0], liking[liking != 0]
        own = self.embeddings.values[rows]
        user = liking @ own
        if self.fold == "ridge":
            user = np.linalg.solve(self._base + own.T @ own, user)
        unit: NDArray[np.float32] = user / max(float(np.sqrt(user @ user)), 1e-12)
        return unit.astype(np.float32)

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: the chance, 0..1, that a title is scored well."""
        rows = [self.embeddings.values @ self.embedding_of(profile) for profile in profiles]
        cosines = np.array(rows, dtype=np.float32).reshape(len(rows), len(self.items))
        chances: NDArray[np.float32] = 1 / (1 + np.exp(-(np.float32(self.slope) * cosines + np.float32(self.offset))))
        return chances

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {
            "items": self.items,
            "numbers": np.array([self.slope, self.offset, self.ridge, self.rest], dtype=np.float32),
        }
        return State(kind="ncf", arrays=arrays | self.embeddings.arrays("embeddings"), facts={"fold": self.fold})


def better_fold(model: Ncf, validation: Validation) -> tuple[Ncf, float]:
    """Return the model with the way of folding in that ranks better, and its NDCG@20; the mean if they are equal."""
    tried = [replace(model, fold=fold) for fold in FOLDS]
    figures = [validation.ndcg(one.score) for one in tried]
    best = int(np.argmax(figures))
    return tried[best], figures[best]


def fit(dataset: Dataset, config: NcfConfig, rng: np.random.Generator, *, run: Run = ALONE) -> Ncf:
    """Train, and choose how profiles are folded in.

    Raises:
        InputError: no anime has enough likes.
        FloatingPointError: the loss is not finite.
    """
    from anirec.recommenders.neural import ncf_nets as nets  # noqa: PLC0415 - serving must not load torch

    items, lists, validation = learned_from(dataset, config, rng)

    def served(net: nets.NcfNet) -> tuple[Ncf, float]:
        units, slope, offset = nets.folded(net)
        table = Table.of(units, config.precision)
        numbers = (float(np.float32(number)) for number in (slope, offset, config.ridge, config.rest))  # as a bundle's
        slope, offset, ridge, rest = numbers
        rough = Ncf(items, table, slope, offset, fold="mean", ridge=ridge, rest=rest)
        return better_fold(rough, validation)

    net = nets.trained(len(items), lists, config, rng, lambda net: served(net)[1], run)
    return served(net)[0]


def restore(state: State) -> Ncf:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together, or profiles are to be folded in in an unknown way.
    """
    arrays, fold = state.arrays, str(state.facts["fold"])
    if fold not in FOLDS or arrays["embeddings_steps"].ndim != 2:
        raise ValueError(f'the embeddings of NCF are no table, or are folded in by "{fold}"')
    slope, offset, ridge, rest = (float(value) for value in fitting(arrays, "numbers", (4,)))
    dim = arrays["embeddings_steps"].shape[1]
    table = Table.restored(arrays, "embeddings", (len(arrays["items"]), dim))
    return Ncf(arrays["items"], table, slope, offset, fold, ridge, rest)
