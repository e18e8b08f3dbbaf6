"""Two heads: which anime is on a list, and how its owner scores it; the net with which anime.ameo.dev recommends.

What it does: each title of a profile says that it is there (presence) and how its score differs from what this person
usually gives; both are added up in one layer. After two layers, one head names the probability that a title is on the
list too, the other how far from the person's mean its score would be. A title is served by presence, times e to the
`score_weight` * score: 0 serves what will be watched, more serves what will be liked.
What it does not: know titles that few have; use the status beyond whether a title was seen.

Source: the description of the model at anime.ameo.dev (Casey Primozic, 2022), a denoising autoencoder with a presence
and a rating output. Different here: presence is learned by cross-entropy over all titles, scores only from scored
entries (a missing score is no score of zero), means are drawn towards everybody's, and inputs of any length are seen.

Memory: fitting 48 bytes for each of n hidden numbers and 12 bytes for each of 2 batch * n outputs; serving 4 n hidden
bytes (int8) on disk. Workable sizes: up to some 30,000 titles; any number of users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural.arrays import Table, fitting, from_zero, known
from anirec.recommenders.neural.lists import ListsConfig, learned_from
from anirec.recommenders.neural.settings import ALONE, Run

USUAL = 7.5
"""The mean score on the real data, about; a person's own mean is drawn towards it by `DRAWN` scores."""
DRAWN = 5.0
SPREAD = 1.5
"""Scores lie about so far from their owner's mean; in these units the net hears and names them."""


@dataclass(frozen=True)
class TwoHeadsConfig(ListsConfig):
    """How the net is fitted.

    hidden: width of both layers. score_loss: weight of the scores' squared error beside presence's cross-entropy, while
    training. score_weight: how much the named score counts beside presence when serving, see above.
    """

    hidden: int = 128
    score_loss: float = 0.2
    score_weight: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if self.hidden < 1 or min(self.score_loss, self.score_weight) < 0:
            raise InputError(f"hidden must be at least 1, score_loss and score_weight 0; got {self}")


@dataclass(frozen=True)
class TwoHeads:
    """A fitted net of two heads.

    items: int32 [n]. encoder: [2 n, h], what presence adds, below it what a score above the mean adds. first: [h].
    middle: float32 [h, h]; middle_bias: [h]. heads: [2 n, h], presence, below it score. bias: float32 [2 n].
    score_weight: see `TwoHeadsConfig`.
    """

    items: NDArray[np.int32]
    encoder: Table
    first: NDArray[np.float32]
    middle: NDArray[np.float32]
    middle_bias: NDArray[np.float32]
    heads: Table
    bias: NDArray[np.float32]
    score_weight: float

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: log presence + score_weight * score, less the row's least."""
        rows = []
        for profile in profiles:
            presence, named = self.heard(profile)
            rows.append(-np.logaddexp(np.float32(0), -presence) + np.float32(self.score_weight) * named)
        return from_zero(rows, len(self.items))

    def heard(self, profile: Profile) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return float32 [n] each: log-odds that a title is on the list; its score from the mean, in SPREADs."""
        rows, which = known(self.items, profile)
        said = profile.liking[which] != 0  # what is only planned is not there yet
        rows, weights = rows[said], weights_of(np.nan_to_num(profile.scores[which][said], nan=0.0))
        both = np.concatenate([rows, rows + len(self.items)])
        hidden = np.tanh(self.encoder.sum_of(both, weights) + self.first)
        hidden = np.tanh(self.middle @ hidden + self.middle_bias)
        presence, named = np.split(self.heads.values @ hidden + self.bias, 2)
        return presence, named

    def state(self) -> State:
        """Return what a bundle keeps."""
        names = ("items", "first", "middle", "middle_bias", "bias")
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in names}
        arrays |= self.encoder.arrays("encoder") | self.heads.arrays("heads")
        return State(kind="two-heads", arrays=arrays, facts={"score_weight": self.score_weight})


def deviations(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [m]: how far each score (1..10, 0 = none, and 0 far) is from the mean, in SPREADs."""
    scored = scores > 0
    mean = (scores[scored].sum() + DRAWN * USUAL) / (scored.sum() + DRAWN)
    far: NDArray[np.float32] = np.where(scored, (scores - mean) / SPREAD, 0).astype(np.float32)
    return far


def weights_of(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [2 m]: the input's weights, presence first, of m titles with these scores (0 = none)."""
    scale = np.float32(max(len(scores), 1) ** -0.5)
    return np.concatenate([np.full(len(scores), scale, dtype=np.float32), deviations(scores) * scale])


def fit(dataset: Dataset, config: TwoHeadsConfig, rng: np.random.Generator, *, run: Run = ALONE) -> TwoHeads:
    """Train.

    Raises:
        InputError: no anime has enough likes.
        FloatingPointError: the loss is not finite.
    """
    from anirec.recommenders.neural import twoheads_nets as nets  # noqa: PLC0415 - serving must not load torch

    items, lists, validation = learned_from(dataset, config, rng, favourites=config.favourites)
    net = nets.trained(
        len(items), lists, config, rng, lambda net: validation.ndcg(nets.served(net, items, config).score), run
    )
    return nets.served(net, items, config)


def restore(state: State) -> TwoHeads:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    arrays = state.arrays
    n, width = len(arrays["items"]), len(arrays["first"])
    return TwoHeads(
        items=arrays["items"],
        encoder=Table.restored(arrays, "encoder", (2 * n, width)),
        first=fitting(arrays, "first", (width,)),
        middle=fitting(arrays, "middle", (width, width)),
        middle_bias=fitting(arrays, "middle_bias", (width,)),
        heads=Table.restored(arrays, "heads", (2 * n, width)),
        bias=fitting(arrays, "bias", (2 * n,)),
        score_weight=float(state.facts["score_weight"]),
    )
