"""The net of RecVAE in torch, and its training in turns. See `recvae`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from math import log, pi
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.autoencoder_nets import Bags, Batch, array, batches, log_likelihood, table
from anirec.recommenders.neural.lists import Lists
from anirec.recommenders.neural.loop import Run, seed, train
from anirec.recommenders.neural.recvae import NORM_EPS, RecVae, RecVaeConfig


class Encoder(nn.Module):
    """Densely connected layers: each hears the sum of all before it."""

    def __init__(self, n: int, config: RecVaeConfig) -> None:
        super().__init__()
        width = config.hidden
        self.table = table(n, width)
        self.biases = nn.Parameter(torch.zeros(config.depth, width))
        self.between = nn.Parameter(torch.randn(config.depth - 1, width, width) * width**-0.5)
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=NORM_EPS) for _ in range(config.depth))
        self.mean = nn.Linear(width, config.latent)
        self.log_variance = nn.Linear(width, config.latent)

    def forward(self, shown: Bags) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the variance of the narrow layer, [b, latent] each."""
        last = before = torch.zeros(())
        for depth, norm in enumerate(self.norms):
            heard = shown.sum_of(self.table) if depth == 0 else last @ self.between[depth - 1].T
            last = norm(functional.silu(heard + self.biases[depth] + before))
            before = before + last
        return self.mean(last).float(), self.log_variance(last).float()


class Turn(NamedTuple):
    """A batch, and whose turn it is. first: of the epoch."""

    batch: Batch
    encoder: bool
    first: bool


class RecVaeNet(nn.Module):
    """Encoder, linear decoder, and the encoder as it was an epoch before."""

    def __init__(self, n: int, config: RecVaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(n, config)
        self.decoder = nn.Linear(config.latent, n)
        self.old = deepcopy(self.encoder).requires_grad_(requires_grad=False)

    def remember(self) -> None:
        """Keep the encoder as it is now for the prior."""
        self.old.load_state_dict(self.encoder.state_dict())

    def loss(self, turn: Turn) -> Tensor:
        """Return minus the bound of eq. 7 on the encoder's turn, minus the likelihood alone on the decoder's."""
        batch = turn.batch
        mean, log_variance = self.encoder(batch.shown if turn.encoder else batch.whole)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        worth = log_likelihood(self.decoder(z), batch)
        if turn.encoder:
            length = torch.zeros_like(worth).index_add(0, batch.owner, batch.liking)
            distance = (log_normal(z, mean, log_variance) - self.log_prior(z, batch.whole)).sum(dim=1)
            worth = worth - self.config.gamma * length * distance
        return -(batch.share * worth).sum()

    def log_prior(self, z: Tensor, whole: Bags) -> Tensor:
        """Return [b, latent]: the logarithm of the composite prior, eq. 9."""
        with torch.no_grad():
            mean, log_variance = self.old(whole)
        nothing = torch.zeros_like(z)
        parts = (
            (self.config.standard, log_normal(z, nothing, nothing)),
            (self.config.old, log_normal(z, mean, log_variance)),
            (self.config.wide, log_normal(z, nothing, nothing + 10)),
        )
        return torch.logsumexp(torch.stack([part + log(share) for share, part in parts]), dim=0)


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the logarithm of the density of a normal distribution, number by number."""
    return -0.5 * (log(2 * pi) + log_variance + (z - mean).square() / log_variance.exp())


def trained(
    n: int,
    lists: Lists,
    config: RecVaeConfig,
    rng: np.random.Generator,
    validate: Callable[[RecVaeNet], float],
    run: Run,
) -> RecVaeNet:
    """Return a net trained on the lists. validate: how well it ranks, higher is better."""
    seed(rng)
    net = RecVaeNet(n, config)

    def turns(own: np.random.Generator) -> Iterator[Turn]:
        for turn in range(config.encoder_passes + 1):
            for place, batch in enumerate(batches(lists, config, own, n=n, dislikes=False)):
                yield Turn(batch, encoder=turn < config.encoder_passes, first=turn == place == 0)

    def loss(_net: nn.Module, turn: Turn, _step: int) -> Tensor:
        if turn.first:
            net.remember()
        net.encoder.requires_grad_(turn.encoder)
        net.decoder.requires_grad_(not turn.encoder)  # a weight without a gradient is left as it is
        return net.loss(turn)

    train(
        net,
        n_batches=max(-(-lists.n_users // config.batch), 1) * (config.encoder_passes + 1),
        batches=turns,
        loss=loss,
        validate=lambda: validate(net),
        config=config.loop,
        rng=rng,
        run=run,
    )
    return net


def served(net: RecVaeNet, items: NDArray[np.int32], config: RecVaeConfig) -> RecVae:
    """Return what serving needs of a net."""
    encoder = net.encoder
    return RecVae(
        items=items,
        encoder=Table.of(array(encoder.table), config.precision),
        biases=array(encoder.biases),
        gains=np.stack([array(norm.weight) for norm in encoder.norms]),  # type: ignore[arg-type]
        shifts=np.stack([array(norm.bias) for norm in encoder.norms]),  # type: ignore[arg-type]
        between=array(encoder.between),
        mean=array(encoder.mean.weight),
        mean_bias=array(encoder.mean.bias),
        decoder=Table.of(array(net.decoder.weight), config.precision),
        bias=array(net.decoder.bias),
    )
