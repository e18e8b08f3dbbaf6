"""What ranks owe each other that train one net: each takes a part of every batch, and all take the same steps.

A rank is one of several processes that torch.distributed connects. All draw the same batches, and add up the gradients
of their parts to that of the whole batch; so weights are what one process would make of it, up to rounding and noise.
Where torch.distributed is not set up there is one rank: it takes whole batches, and nothing here changes a number.

What it does not: spare memory. Every rank has the net and all lists; what is shared is the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn


def size() -> int:
    """Return how many ranks there are."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """Return which of them this process is, from 0; the first one writes checkpoints and is asked for figures."""
    return distributed.get_rank() if size() > 1 else 0


@dataclass(frozen=True)
class Part:
    """Of a batch of n rows: int64 `rows`, ascending, at least one; and `times`, how many ranks take these same rows."""

    n: int
    rows: NDArray[np.int64]
    times: int

    def entries(self, owner: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return bool [e], which entries are of these rows, and int64 [mine], of which place among the rows each is.

        owner: int64 [e], of which row of the batch each entry is.
        """
        place = np.full(self.n, -1, dtype=np.int64)
        place[self.rows] = np.arange(len(self.rows))
        mine = place[owner] >= 0
        return mine, place[owner[mine]]


def part(n: int) -> Part:
    """Return what this rank takes of a batch of n rows: every `size()`-th of them.

    With fewer rows than ranks, all take them all, and their loss has to be divided by `times`.
    """
    if n < size():
        return Part(n, np.arange(n), size())
    return Part(n, np.arange(rank(), n, size()), 1)


def add_up(net: nn.Module, loss: Tensor) -> Tensor:
    """Add up the gradients of all ranks, in place; return the sum of their losses, without gradient.

    One vector is sent for all weights, with the loss at its end, once each step. DistributedDataParallel would send
    while gradients are still worked out, but it knows only what goes through `forward`, and of every weight: the losses
    of some nets read weights beside it, and others train half of their weights in turn.
    """
    loss = loss.detach()
    if size() == 1:
        return loss
    weights = [weight for weight in net.parameters() if weight.grad is not None]
    sent = torch.cat([*(weight.grad.flatten() for weight in weights if weight.grad is not None), loss.float().view(1)])
    distributed.all_reduce(sent)
    start = 0
    for weight in weights:
        weight.grad = sent[start : start + weight.numel()].view_as(weight)
        start += weight.numel()
    return sent[-1]


def of_first(figure: Callable[[], float], where: torch.device) -> float:
    """Return on every rank what the first one works out. where: the device on which it is sent."""
    if size() == 1:
        return figure()
    told = torch.tensor(figure() if rank() == 0 else 0.0, dtype=torch.float64, device=where)
    distributed.broadcast(told, src=0)
    return float(told)


def same(number: float, where: torch.device) -> bool:
    """Return on every rank whether all have the same number. where: as in `of_first`."""
    if size() == 1:
        return True
    ends = torch.tensor([number, -number], dtype=torch.float64, device=where)
    distributed.all_reduce(ends, op=distributed.ReduceOp.MAX)
    return float(ends[0]) == -float(ends[1])
