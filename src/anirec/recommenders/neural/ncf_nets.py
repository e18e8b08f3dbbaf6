"""The net of NCF in torch. See `ncf`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anirec.recommenders.neural.autoencoder_nets import array, tensor
from anirec.recommenders.neural.lists import Lists
from anirec.recommenders.neural.loop import Run, seed, train
from anirec.recommenders.neural.ncf import NcfConfig


class Pairs(NamedTuple):
    """Users, items, labels 0..1 and weights: [e] each."""

    users: Tensor
    items: Tensor
    labels: Tensor
    weights: Tensor


class NcfNet(nn.Module):
    """Two tables, a cosine, one unit and its norm."""

    def __init__(self, users: int, n: int, dim: int) -> None:
        super().__init__()
        self.users = nn.Parameter(torch.randn(users, dim) * dim**-0.5)
        self.items = nn.Parameter(torch.randn(n, dim) * dim**-0.5)
        self.unit = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)
        with torch.no_grad():  # so that nearer is better from the first step on
            self.unit.weight.fill_(1.0)
            self.unit.bias.zero_()

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return [e]: the log-odds that this user scores this item well."""
        near = functional.cosine_similarity(self.users[users], self.items[items], dim=1).float()
        odds: Tensor = self.norm(self.unit(near.unsqueeze(1))).squeeze(1)
        return odds


def labels_of(lists: Lists) -> NDArray[np.float32]:
    """Return float32 [rows]: scores 1..10 as 0..1; where there is none, the liking, at least 0."""
    labels = np.where(lists.scores > 0, (lists.scores - 1) / 9, np.maximum(lists.liking, 0))
    return labels.astype(np.float32)


def pairs(lists: Lists, config: NcfConfig, rng: np.random.Generator, n: int) -> Iterator[Pairs]:
    """Yield an epoch's batches: every entry once, and beside it items that its user does not have."""
    owner = np.repeat(np.arange(lists.n_users), np.diff(lists.indptr))
    have = owner * n + lists.items  # ascending, as both are
    labels = labels_of(lists)
    order = rng.permutation(len(owner))
    for rows in np.array_split(order, max(-(-len(order) // config.batch), 1)):
        users = np.repeat(owner[rows], config.negatives)
        items = rng.integers(n, size=len(users))
        places = np.minimum(np.searchsorted(have, users * n + items), len(have) - 1)
        new = have[places] != users * n + items
        users, items = users[new], items[new]
        yield Pairs(
            tensor(np.concatenate([owner[rows], users])),
            tensor(np.concatenate([lists.items[rows], items])),
            tensor(np.concatenate([labels[rows], np.zeros(len(users), dtype=np.float32)])),
            tensor(
                np.concatenate([np.ones(len(rows)), np.full(len(users), config.negative_weight)]).astype(np.float32)
            ),
        )


def trained(
    n: int,
    lists: Lists,
    config: NcfConfig,
    rng: np.random.Generator,
    validate: Callable[[NcfNet], float],
    run: Run,
) -> NcfNet:
    """Return a net trained on the lists. validate: how well it ranks, higher is better."""
    seed(rng)
    net = NcfNet(lists.n_users, n, config.dim)

    def loss(net: nn.Module, batch: Pairs, _step: int) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            net(batch.users, batch.items), batch.labels, weight=batch.weights
        )

    train(
        net,
        n_batches=max(-(-len(lists.items) // config.batch), 1),
        batches=lambda own: pairs(lists, config, own, n),
        loss=loss,
        validate=lambda: validate(net),
        config=config.loop,
        rng=rng,
        run=run,
    )
    return net


def folded(net: NcfNet) -> tuple[NDArray[np.float32], float, float]:
    """Return the items' embeddings [n, dim], of length 1, and the unit and its norm as one slope and one offset."""
    with torch.no_grad():
        near = torch.tensor([[0.0], [1.0]], device=net.items.device)
        offset, whole = net.norm.eval()(net.unit(near)).flatten().tolist()
    return array(functional.normalize(net.items, dim=1)), whole - offset, offset
