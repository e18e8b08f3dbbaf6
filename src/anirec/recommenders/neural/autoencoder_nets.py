"""The nets of Mult-DAE and Mult-VAE in torch, and what the training of all autoencoders shares. See `autoencoders`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anirec.recommenders.neural import autoencoders, together
from anirec.recommenders.neural.lists import Lists, ListsConfig, drawn
from anirec.recommenders.neural.loop import Run, device, seed, train

if TYPE_CHECKING:
    from anirec.recommenders.neural.autoencoders import MultDaeConfig

SPREAD = 0.35  # of the encoder's first weights: what each unit hears of a list is then neither nothing nor all
QUIET = -5.0  # the narrow layer's first logarithm of the variance


class Bags(NamedTuple):
    """Weighted sets of rows, one set after the other. rows: int64 [e]. weights: [e]. offsets: int64 [b], starts."""

    rows: Tensor
    weights: Tensor
    offsets: Tensor

    def sum_of(self, table: Tensor) -> Tensor:
        """Return [b, columns]: the weighted sum of each set's rows of a table."""
        return functional.embedding_bag(
            self.rows, table, self.offsets, mode="sum", per_sample_weights=self.weights.to(table.dtype)
        )


class Batch(NamedTuple):
    """shown: what the net is given. whole: everything. owner, items, liking: [e] what it is to name. share: [b]."""

    shown: Bags
    whole: Bags
    owner: Tensor
    items: Tensor
    liking: Tensor
    share: Tensor


def tensor(array: NDArray[Any]) -> Tensor:
    """Return the array where training runs."""
    return torch.from_numpy(array).to(device())


def array(values: Tensor) -> NDArray[np.float32]:
    """Return weights as float32 in NumPy, a copy."""
    return np.array(values.detach().to("cpu", torch.float32).numpy(), order="C")


def table(rows: int, columns: int) -> nn.Parameter:
    """Return a new table of weights, normal with the spread of Xavier."""
    return nn.Parameter(torch.randn(rows, columns) * float(np.sqrt(2 / (rows + columns))))


def bags(
    rows: NDArray[np.int64], liking: NDArray[np.float32], owner: NDArray[np.int64], size: int, *, n: int, dislikes: bool
) -> Bags:
    """Return the input of `size` users, each of length 1."""
    keep = (liking != 0) if dislikes else (liking > 0)
    rows, weights = autoencoders.spoken(rows, liking, n=n, dislikes=dislikes)
    owner = owner[keep]
    lengths = np.sqrt(np.bincount(owner, weights * weights, minlength=size))
    weights = (weights / np.maximum(lengths, 1e-12)[owner]).astype(np.float32)
    offsets = np.searchsorted(owner, np.arange(size))
    return Bags(tensor(rows), tensor(weights), tensor(offsets.astype(np.int64)))


def batches(lists: Lists, config: ListsConfig, rng: np.random.Generator, *, n: int, dislikes: bool) -> Iterator[Batch]:
    """Yield an epoch's batches, of each this rank's part: everybody once, with a part of each list shown."""
    for users in lists.batches(config.batch, rng):
        rows, owner = lists.entries(users)
        liking = lists.liking[rows]
        likes = liking > 0
        total = np.maximum(np.bincount(owner[likes], liking[likes], minlength=len(users)), 1e-6)
        share = total ** (config.length_power - 1)
        part = together.part(len(users))
        share = share[part.rows] / (share.sum() * part.times)
        shown = drawn(owner, config, rng)
        mine, owner = part.entries(owner)
        items, liking, shown, likes = lists.items[rows[mine]], liking[mine], shown[mine], likes[mine]
        yield Batch(
            shown=bags(items[shown], liking[shown], owner[shown], len(share), n=n, dislikes=dislikes),
            whole=bags(items, liking, owner, len(share), n=n, dislikes=dislikes),
            owner=tensor(owner[likes]),
            items=tensor(items[likes]),
            liking=tensor(liking[likes]),
            share=tensor(share.astype(np.float32)),
        )


def log_likelihood(logits: Tensor, batch: Batch) -> Tensor:
    """Return [b]: sum(x log softmax(logits)) of each user, eq. 2."""
    logits = logits.float()
    named = batch.liking * (logits[batch.owner, batch.items] - torch.logsumexp(logits, dim=1)[batch.owner])
    return torch.zeros(len(logits), device=logits.device).index_add(0, batch.owner, named)


class MultNet(nn.Module):
    """Mult-DAE, or with a narrow layer Mult-VAE.

    An input has length 1, so its sums spread as the encoder's weights do: with Xavier's some 0.02, which the noise of
    the narrow layer drowns, and training spends its first ten epochs on getting out of that.
    """

    def __init__(self, n: int, config: MultDaeConfig) -> None:
        super().__init__()
        self.latent = config.latent if isinstance(config, autoencoders.MultVaeConfig) else 0
        self.encoder = nn.Parameter(SPREAD * torch.randn(n * (1 + config.dislikes), config.hidden))
        self.first = nn.Parameter(torch.zeros(config.hidden))
        if self.latent:
            self.mean = nn.Linear(config.hidden, self.latent)
            self.log_variance = nn.Linear(config.hidden, self.latent)
            nn.init.constant_(self.log_variance.bias, QUIET)
            self.widen = nn.Linear(self.latent, config.hidden)
        self.decoder = nn.Linear(config.hidden, n)

    def between(self) -> tuple[nn.Linear, ...]:
        """Return the layers between encoder and decoder that serving needs."""
        return (self.mean, self.widen) if self.latent else ()

    def forward(self, shown: Bags) -> tuple[Tensor, Tensor]:
        """Return logits [b, n], and [b] how far each user's narrow layer is from N(0, 1)."""
        hidden = torch.tanh(shown.sum_of(self.encoder) + self.first)
        divergence = torch.zeros(len(hidden), device=hidden.device)
        if self.latent:
            mean, log_variance = self.mean(hidden).float(), self.log_variance(hidden).float()
            divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1)
            if self.training:
                mean = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            hidden = torch.tanh(self.widen(mean))
        return self.decoder(hidden), divergence


def trained(
    n: int,
    lists: Lists,
    config: MultDaeConfig,
    rng: np.random.Generator,
    validate: Callable[[MultNet], float],
    run: Run,
) -> MultNet:
    """Return a net trained on the lists. validate: how well it ranks, higher is better."""
    seed(rng)
    net = MultNet(n, config)
    n_batches = max(-(-lists.n_users // config.batch), 1)
    vae = config if isinstance(config, autoencoders.MultVaeConfig) else None
    rise = vae.anneal * config.loop.epochs * n_batches if vae else 0

    def loss(net: nn.Module, batch: Batch, step: int) -> Tensor:
        logits, divergence = net(batch.shown)
        beta = vae.beta * min(step / rise, 1.0) if vae and rise else vae.beta if vae else 0.0
        worth: Tensor = batch.share * (log_likelihood(logits, batch) - beta * divergence)
        return -worth.sum()

    train(
        net,
        n_batches=n_batches,
        batches=lambda own: batches(lists, config, own, n=n, dislikes=config.dislikes),
        loss=loss,
        validate=lambda: validate(net),
        config=config.loop,
        rng=rng,
        run=run,
    )
    return net
