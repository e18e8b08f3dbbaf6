"""RecVAE: Mult-VAE with a deeper encoder, a linear decoder, and training that forgets less of what it knew.

What it does: as Mult-VAE (see `autoencoders`), but (a) the narrow layer is kept close to a mixture of N(0, 1), a wide
normal, and what the encoder of the epoch before said of the same user; (b) the price of distance grows with the length
of the list, gamma * sum(x), as more titles say more; (c) encoder and decoder are trained in turns, the encoder on
inputs with holes, the decoder on whole lists. What it does not: know titles that few like; hear dislikes.

Source: Shenbin, Alekseev, Tutubalina, Malykh, Nikolenko 2020, "RecVAE", section 3: composite prior (eq. 9), rescaled KL
(eq. 7), alternating training (algorithm 1), densely connected encoder (figure 2). Different here: likings instead of
likes, inputs of any length, and users' weights as in `lists`; a smaller depth and width by default.

Memory: fitting 40 bytes for each of n (hidden + latent) weights and 12 bytes for each of batch * n outputs; serving
n (hidden + latent) bytes (int8) on disk. Workable sizes: up to some 50,000 titles; any number of users.
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
from anirec.recommenders.leaving_out import Left
from anirec.recommenders.neural.arrays import Table, fitting, from_zero
from anirec.recommenders.neural.autoencoders import inputs, without_each
from anirec.recommenders.neural.lists import ListsConfig, learned_from
from anirec.recommenders.neural.settings import ALONE, Run

NORM_EPS = 0.1  # of the layer norms, as published: a nearly silent layer is not blown up


@dataclass(frozen=True)
class RecVaeConfig(ListsConfig):
    """How RecVAE is fitted.

    hidden, depth: width and number of the encoder's layers. latent: width of the narrow layer. gamma: price of distance
    from the prior, per like. standard, old, wide: shares of N(0, 1), the encoder before and N(0, e^10) in the prior.
    encoder_passes: times that the encoder sees everybody in an epoch, before the decoder does once.
    """

    hidden: int = 200
    depth: int = 3
    latent: int = 128
    gamma: float = 0.005
    standard: float = 0.15
    old: float = 0.75
    wide: float = 0.1
    encoder_passes: int = 3

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if min(self.hidden, self.depth, self.latent, self.encoder_passes) < 1 or self.gamma < 0:
            raise InputError(f"hidden, depth, latent, encoder_passes must be at least 1 and gamma 0; got {self}")
        shares = (self.standard, self.old, self.wide)
        if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
            raise InputError(f"standard, old and wide must be above 0 and add up to 1; got {shares}")


@dataclass(frozen=True)
class RecVae:
    """A fitted RecVAE.

    items: int32 [n]. encoder: [n, h]. biases, gains, shifts: float32 [depth, h], of each layer and its norm.
    between: float32 [depth - 1, h, h]. mean: float32 [latent, h]; mean_bias: [latent]. decoder: [n, latent].
    bias: float32 [n].
    """

    items: NDArray[np.int32]
    encoder: Table
    biases: NDArray[np.float32]
    gains: NDArray[np.float32]
    shifts: NDArray[np.float32]
    between: NDArray[np.float32]
    mean: NDArray[np.float32]
    mean_bias: NDArray[np.float32]
    decoder: Table
    bias: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: log pi up to a constant of each row, whose least is 0."""
        sums = [self.encoder.sum_of(*inputs(self.items, profile, self.encoder)) for profile in profiles]
        rows = [self.decoder.values @ self._narrow(of_one) + self.bias for of_one in sums]
        return from_zero(rows, len(self.items))

    def without(self, profile: Profile, rows: NDArray[np.int64], every: NDArray[np.float32] | None = None) -> Left:
        """See `autoencoders.without_each`."""
        return without_each(self.items, (self.encoder, self.decoder, self.bias), self._narrow, profile, rows, every)

    def _narrow(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [..., latent]: the narrow layer, of weighted sums of the encoder's rows [..., h]."""
        before = np.zeros_like(sums)  # the sum of all layers so far: every layer hears every earlier one
        last = sums
        for depth, (bias, gain, shift) in enumerate(zip(self.biases, self.gains, self.shifts, strict=True)):
            heard = sums if depth == 0 else last @ self.between[depth - 1].T
            value = heard + bias
            value += before
            value *= 0.5  # x sigmoid(x), in a form that does not overflow
            value += value * np.tanh(value)
            value -= value.mean(axis=-1, keepdims=True)
            value /= np.sqrt(np.mean(value * value, axis=-1, keepdims=True) + np.float32(NORM_EPS))
            value *= gain
            value += shift
            before += value
            last = value
        narrow: NDArray[np.float32] = last @ self.mean.T + self.mean_bias
        return narrow

    def state(self) -> State:
        """Return what a bundle keeps."""
        names = ("items", "biases", "gains", "shifts", "between", "mean", "mean_bias", "bias")
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in names}
        return State(kind="recvae", arrays=arrays | self.encoder.arrays("encoder") | self.decoder.arrays("decoder"))


def fit(dataset: Dataset, config: RecVaeConfig, rng: np.random.Generator, *, run: Run = ALONE) -> RecVae:
    """Train.

    Raises:
        InputError: no anime has enough likes.
        FloatingPointError: the loss is not finite.
    """
    from anirec.recommenders.neural import recvae_nets as nets  # noqa: PLC0415 - serving must not load torch

    items, lists, validation = learned_from(dataset, config, rng, favourites=config.favourites)
    net = nets.trained(
        len(items), lists, config, rng, lambda net: validation.ndcg(nets.served(net, items, config).score), run
    )
    return nets.served(net, items, config)


def restore(state: State) -> RecVae:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    arrays = state.arrays
    n, narrow = len(arrays["items"]), len(arrays["mean_bias"])
    depth, width = arrays["biases"].shape
    return RecVae(
        items=arrays["items"],
        encoder=Table.restored(arrays, "encoder", (n, width)),
        biases=fitting(arrays, "biases", (depth, width)),
        gains=fitting(arrays, "gains", (depth, width)),
        shifts=fitting(arrays, "shifts", (depth, width)),
        between=fitting(arrays, "between", (depth - 1, width, width)),
        mean=fitting(arrays, "mean", (narrow, width)),
        mean_bias=fitting(arrays, "mean_bias", (narrow,)),
        decoder=Table.restored(arrays, "decoder", (n, narrow)),
        bias=fitting(arrays, "bias", (n,)),
    )
