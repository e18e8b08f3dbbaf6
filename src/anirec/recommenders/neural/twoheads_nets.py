"""The net of two heads in torch. See `twoheads`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anirec.recommenders.neural import together
from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.autoencoder_nets import Bags, array, table, tensor
from anirec.recommenders.neural.lists import Lists, drawn
from anirec.recommenders.neural.loop import Run, seed, train
from anirec.recommenders.neural.twoheads import TwoHeads, TwoHeadsConfig, deviations, weights_of


class Batch(NamedTuple):
    """shown: what the net is given. owner, items, far, scored: [e] what it is to name. share: [b], users' weights."""

    shown: Bags
    owner: Tensor
    items: Tensor
    far: Tensor
    scored: Tensor
    share: Tensor


class TwoHeadsNet(nn.Module):
    """Sum, two bent layers, two heads."""

    def __init__(self, n: int, config: TwoHeadsConfig, present: NDArray[np.float64]) -> None:
        super().__init__()
        self.n = n
        # eight times as wide as usual: a sum of few, small rows would leave the first layer flat for hundreds of steps
        self.encoder = nn.Parameter(8 * table(2 * n, config.hidden).data)
        self.first = nn.Parameter(torch.zeros(config.hidden))
        self.middle = nn.Linear(config.hidden, config.hidden)
        self.heads = nn.Linear(config.hidden, 2 * n)
        odds = np.concatenate([np.log(present / (1 - present)), np.zeros(n)])
        with torch.no_grad():  # begins with what is known without any profile: how many have a title
            self.heads.bias.copy_(torch.from_numpy(odds))

    def forward(self, shown: Bags) -> tuple[Tensor, Tensor]:
        """Return [b, n] each: the log-odds of presence, and the score from the mean."""
        hidden = torch.tanh(self.middle(torch.tanh(shown.sum_of(self.encoder) + self.first)))
        both = self.heads(hidden).float()
        return both[:, : self.n], both[:, self.n :]


def batches(lists: Lists, config: TwoHeadsConfig, rng: np.random.Generator, n: int) -> Iterator[Batch]:
    """Yield an epoch's batches, of each this rank's part: everybody once, with a part of each list shown."""
    for users in lists.batches(config.batch, rng):
        rows, owner = lists.entries(users)
        share = np.bincount(owner, minlength=len(users)) ** (config.length_power - 1)
        part = together.part(len(users))
        share = share[part.rows] / (share.sum() * part.times)
        shown = drawn(owner, config, rng)
        taken, owner = part.entries(owner)
        shown, rows = shown[taken], rows[taken]
        items, scores = lists.items[rows], lists.scores[rows].astype(np.float32)
        far, inputs, weights = np.zeros_like(scores), [], []
        for user in range(len(share)):
            mine = slice(*np.searchsorted(owner, [user, user + 1]))
            given = items[mine][shown[mine]]
            inputs.append(np.concatenate([given, given + n]))
            weights.append(weights_of(scores[mine][shown[mine]]))
            far[mine] = deviations(scores[mine])
        sizes = np.array([len(given) for given in inputs])
        yield Batch(
            shown=Bags(
                tensor(np.concatenate(inputs)), tensor(np.concatenate(weights)), tensor(np.cumsum(sizes) - sizes)
            ),
            owner=tensor(owner),
            items=tensor(items),
            far=tensor(far),
            scored=tensor((scores > 0).astype(np.float32)),
            share=tensor(share.astype(np.float32)),
        )


def loss_of(net: nn.Module, batch: Batch, score_loss: float) -> Tensor:
    """Return the cross-entropy of presence over all titles, and the squared error of the scores that there are."""
    presence, named = net(batch.shown)
    # -log(1 - p) everywhere; where a title is present, -log p instead, which is less by its log-odds
    absent = functional.softplus(presence).sum(dim=1)
    there = (batch.owner, batch.items)
    errors = score_loss * batch.scored * (named[there] - batch.far).square()
    own = torch.zeros_like(absent).index_add(0, batch.owner, errors - presence[there])
    total: Tensor = (batch.share * (absent + own)).sum()
    return total


def trained(
    n: int,
    lists: Lists,
    config: TwoHeadsConfig,
    rng: np.random.Generator,
    validate: Callable[[TwoHeadsNet], float],
    run: Run,
) -> TwoHeadsNet:
    """Return a net trained on the lists. validate: how well it ranks, higher is better."""
    seed(rng)
    present = (np.bincount(lists.items, minlength=n) + 0.5) / (lists.n_users + 1)
    net = TwoHeadsNet(n, config, present)
    train(
        net,
        n_batches=max(-(-lists.n_users // config.batch), 1),
        batches=lambda own: batches(lists, config, own, n),
        loss=lambda net, batch, _: loss_of(net, batch, config.score_loss),
        validate=lambda: validate(net),
        config=config.loop,
        rng=rng,
        run=run,
    )
    return net


def served(net: TwoHeadsNet, items: NDArray[np.int32], config: TwoHeadsConfig) -> TwoHeads:
    """Return what serving needs of a net."""
    return TwoHeads(
        items=items,
        encoder=Table.of(array(net.encoder), config.precision),
        first=array(net.first),
        middle=array(net.middle.weight),
        middle_bias=array(net.middle.bias),
        heads=Table.of(array(net.heads.weight), config.precision),
        bias=array(net.heads.bias),
        score_weight=config.score_weight,
    )
