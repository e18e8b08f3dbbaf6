"""Mult-DAE and Mult-VAE: nets that rebuild a whole list from a part of it.

What they do: a list x (likings, see `core.profile.liking_of`, brought to length 1) goes through a narrow layer, and
comes out as one probability for each title, pi = softmax(decoder(encoder(x))); training makes sum(x log pi) large while
part of x is hidden. Mult-VAE makes the narrow layer a normal distribution, close to N(0, 1) at the price `beta`.
What they do not: know titles that few like; tell a title that was disliked from an unknown one without `dislikes`.

Source: Liang, Krishnan, Hoffman, Jebara 2018, "Variational Autoencoders for Collaborative Filtering", eq. 2, 3, 7 and
section 2.4. Different here: likings instead of likes; inputs of any length are drawn (`lists.drawn`), as most profiles
are short; a user weighs as a power of their number of likes; the layers are narrower, so that they fit into a bundle.

Memory: fitting 24 bytes for each of 2 n hidden weights and 12 bytes for each of batch * n outputs; serving 2 n hidden
bytes (int8) on disk, 5 n hidden in memory. Workable sizes: up to some 50,000 titles; any number of users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.leaving_out import Left
from anirec.recommenders.neural.arrays import Table, fitting, from_zero, known
from anirec.recommenders.neural.lists import ListsConfig, learned_from
from anirec.recommenders.neural.settings import ALONE, Run

LEAST_LENGTH = 1e-6
"""Shorter inputs are nothing but what is lost to rounding."""


@dataclass(frozen=True)
class MultDaeConfig(ListsConfig):
    """How Mult-DAE is fitted. hidden: width of its one layer. dislikes: a second input for what was disliked."""

    hidden: int = 200
    dislikes: bool = False

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if self.hidden < 1:
            raise InputError(f"hidden must be at least 1; got {self.hidden}")


@dataclass(frozen=True)
class MultVaeConfig(MultDaeConfig):
    """How Mult-VAE is fitted.

    latent: width of its narrow layer. beta: price of being unlike N(0, 1), reached after a share `anneal` of training.
    batch: smaller than of the others, as it is steps that it needs.
    """

    batch: int = 100
    latent: int = 100
    beta: float = 0.2
    anneal: float = 0.3

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if self.latent < 1 or self.beta < 0 or not 0 <= self.anneal <= 1:
            raise InputError(f"latent must be at least 1, beta 0, and anneal lie in 0..1; got {self}")


@dataclass(frozen=True)
class Autoencoder:
    """A fitted autoencoder.

    kind: "mult-dae" or "mult-vae". items: int32 [n]. encoder: [n, h], or [2 n, h] with dislikes in the second half.
    first: float32 [h]. layers: weights [out, in] and biases [out] between encoder and decoder: none, or the mean of the
    narrow layer and what widens it again. decoder: [n, h]. bias: float32 [n].
    """

    kind: str
    items: NDArray[np.int32]
    encoder: Table
    first: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]
    decoder: Table
    bias: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: log pi up to a constant of each row, whose least is 0."""
        n = len(self.items)
        rows = []
        for profile in profiles:
            summed = self.encoder.sum_of(*inputs(self.items, profile, self.encoder)) + self.first
            rows.append(self.decoder.values @ self._hidden(summed[np.newaxis])[0] + self.bias)
        return from_zero(rows, n)

    def without(self, profile: Profile, rows: NDArray[np.int64], every: NDArray[np.float32] | None = None) -> Left:
        """See `without_each`."""
        return without_each(
            self.items,
            (self.encoder, self.decoder, self.bias),
            lambda sums: self._hidden(sums + self.first),
            profile,
            rows,
            every,
        )

    def _hidden(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [p, h]: what the decoder takes, of weighted sums of the encoder's rows [p, h] and `first`."""
        hidden: NDArray[np.float32] = np.tanh(sums)
        for depth, (weights, bias) in enumerate(self.layers):
            hidden = hidden @ weights.T + bias
            hidden = np.tanh(hidden) if depth == 1 else hidden  # the mean itself is linear
        return hidden

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {"items": self.items, "first": self.first, "bias": self.bias}
        for depth, (weights, bias) in enumerate(self.layers):
            arrays |= {f"weights_{depth}": weights, f"bias_{depth}": bias}
        return State(kind=self.kind, arrays=arrays | self.encoder.arrays("encoder") | self.decoder.arrays("decoder"))


def inputs(items: NDArray[np.int32], profile: Profile, encoder: Table) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows of the encoder that a profile adds up, and their weights, of length 1 in all."""
    rows, which = known(items, profile)
    rows, weights = spoken(rows, profile.liking[which], n=len(items), dislikes=len(encoder.steps) > len(items))
    return rows, weights / max(float(np.sqrt(weights @ weights)), 1e-12)


def without_each(
    items: NDArray[np.int32],
    net: tuple[Table, Table, NDArray[np.float32]],
    narrowed: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    profile: Profile,
    asked: NDArray[np.int64],
    every: NDArray[np.float32] | None,
) -> Left:
    """Return what some items score without each entry of a profile, as if the mean of all scores stayed.

    What an entry adds to the input is taken from its sum, and the rest brought to length 1 again.

    net: encoder, decoder and the decoder's bias. narrowed: makes of sums of the encoder's rows, float32 [p, h], what
    the decoder takes, float32 [p, narrow]. asked: places of the items. every: see `LeavesOut`.
    """
    encoder, decoder, bias = net
    rows, which = known(items, profile)
    entries, liking = np.flatnonzero(which), profile.liking[which]
    says = (liking != 0) if len(encoder.steps) > len(items) else (liking > 0)
    entries = entries[says]
    rows, weights = inputs(items, profile, encoder)
    each = weights[:, np.newaxis] * (encoder.steps[rows] * encoder.scales[rows][:, np.newaxis])
    whole = each.sum(axis=0)
    length = np.sqrt(np.maximum(1 - weights**2, 0))[:, np.newaxis]
    rest = np.divide(whole - each, length, out=np.zeros_like(each), where=length > LEAST_LENGTH)
    narrow = narrowed(np.concatenate([whole[np.newaxis], rest]).astype(np.float32))
    if every is None:
        every = decoder.values @ narrow[0] + bias
        every -= every.min(initial=np.inf)
    moved = (decoder.values[asked] - decoder.mean) @ (narrow[1:] - narrow[0]).T
    without = np.tile(every[asked], (len(profile), 1))
    without[entries] += moved.T
    return Left(every[asked], without, every)


def spoken(
    rows: NDArray[np.int64], liking: NDArray[np.float32], *, n: int, dislikes: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and positive weights of what speaks for something; a dislike has the row n further down, or none."""
    keep = (liking != 0) if dislikes else (liking > 0)
    rows, liking = rows[keep], liking[keep]
    return rows + n * (liking < 0), np.abs(liking)


def fit(dataset: Dataset, config: MultDaeConfig, rng: np.random.Generator, *, run: Run = ALONE) -> Autoencoder:
    """Train; a Mult-VAE if the config is that of one.

    Raises:
        InputError: no anime has enough likes.
        FloatingPointError: the loss is not finite.
    """
    from anirec.recommenders.neural import autoencoder_nets as nets  # noqa: PLC0415 - serving must not load torch

    items, lists, validation = learned_from(dataset, config, rng, favourites=config.favourites)

    def served(net: nets.MultNet) -> Autoencoder:
        return Autoencoder(
            kind="mult-vae" if isinstance(config, MultVaeConfig) else "mult-dae",
            items=items,
            encoder=Table.of(nets.array(net.encoder), config.precision),
            first=nets.array(net.first),
            layers=tuple((nets.array(layer.weight), nets.array(layer.bias)) for layer in net.between()),
            decoder=Table.of(nets.array(net.decoder.weight), config.precision),
            bias=nets.array(net.decoder.bias),
        )

    net = nets.trained(len(items), lists, config, rng, lambda net: validation.ndcg(served(net).score), run)
    return served(net)


def restore(state: State) -> Autoencoder:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    arrays = state.arrays
    n, width = len(arrays["items"]), len(arrays["first"])
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...] = ()
    if state.kind == "mult-vae":
        narrow = len(arrays["bias_0"])
        shapes = ((narrow, width), (width, narrow))
        layers = tuple(
            (fitting(arrays, f"weights_{i}", shape), fitting(arrays, f"bias_{i}", shape[:1]))
            for i, shape in enumerate(shapes)
        )
    halves = 2 if len(arrays["encoder_steps"]) > n else 1
    return Autoencoder(
        kind=state.kind,
        items=arrays["items"],
        encoder=Table.restored(arrays, "encoder", (halves * n, width)),
        first=fitting(arrays, "first", (width,)),
        layers=layers,
        decoder=Table.restored(arrays, "decoder", (n, width)),
        bias=fitting(arrays, "bias", (n,)),
    )
