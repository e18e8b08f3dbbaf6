"""What the runners of the two transformers that read sequences share: a budget, lists in an order drawn anew, a choice.

The lists here have no order, and by id they would tell which title is missing from where the gap is. So an order is
drawn for each list each time that it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from exchange import Clock, Likes, Score, Split, valid_ndcg

LOOKS = 6  # at the validation users, over the budget
Sequences = NDArray[np.int64]


def batches(likes: Likes, length: int, size: int, padding: int, rng: np.random.Generator) -> Iterator[Sequences]:
    """Yield int64 [<= size, length] without end, users each once a pass: titles from 1 on, filled up on the left."""
    while True:
        order = rng.permutation(likes.n_users)
        for start in range(0, len(order), size):
            users = order[start : start + size]
            yield np.stack([filled(rng.permutation(likes.of(int(user))), length, padding) for user in users])


def filled(items: NDArray[Any], length: int, padding: int) -> Sequences:
    """Return int64 [length]: the last so many titles, counted from 1, on the right."""
    row = np.full(length, padding, dtype=np.int64)
    last = items[-length:]
    row[length - len(last) :] = last + 1
    return row


def scores_by(forward: Callable[[Sequences], NDArray[Any]], row_of: Callable[[NDArray[Any]], Sequences]) -> Score:
    """Return scores: each list in one drawn order through the net. forward: [p, length] to [p, n]."""

    def score(given: sparse.csr_matrix) -> NDArray[Any]:
        rng = np.random.default_rng(0)
        return forward(np.stack([row_of(rng.permutation(row.indices)) for row in given]))

    return score


def trained(net: Any, step: Callable[[], float], score: Score, split: Split, budget: float) -> tuple[int, float]:
    """Train for the budget and keep the weights that were best on the validation users.

    step: learns from one batch and returns its loss. Returns the steps and the seconds.

    Raises:
        SystemExit: the loss is not finite.
    """
    clock, best, kept, steps, loss = Clock(budget), -1.0, deepcopy(net.state_dict()), 0, 0.0
    for look in range(1, LOOKS + 1):
        part = Clock(budget * look / LOOKS, used=clock.used)
        net.train()
        part.start()
        while not part.over:
            loss = step()
            steps += 1
        part.stop()
        clock.used = part.used
        if not np.isfinite(loss):
            raise SystemExit("the loss is not finite")
        net.eval()
        if (figure := valid_ndcg(score, split)) > best:
            best, kept = figure, deepcopy(net.state_dict())
        print(f"{steps} steps, {clock.used:.0f} s, loss {loss:.4f}, NDCG@10 {figure:.4f}", flush=True)
    net.load_state_dict(kept)
    net.eval()
    return steps, clock.used


def tensor(array: NDArray[Any]) -> torch.Tensor:
    """Return the array as a tensor."""
    return torch.from_numpy(array)
