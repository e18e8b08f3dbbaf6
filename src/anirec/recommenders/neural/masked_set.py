"""Masked-set transformer: hides a part of each list and learns to name it from the rest, whatever its order.

What it does: a list is a set of tokens (anime with its genres, score, status) and one MASK; attention relates them all,
and the state of the MASK says what is missing. So a 3/10 is no like, and what two titles mean together may differ
from the sum of what each means, which is beyond a linear model. What it does not: know order or time, or anime with
fewer than `min_likes` likes.

Source: Sun et al. 2019, "BERT4Rec", its cloze task without positions, the softmax over what is not shown (what is
shown is never asked for, here as in ranking); AnimeRecBERT (the idea: anime lists as sets, genres as part of an item).
For large catalogues gBCE: Petrov & Macdonald 2023, "gSASRec".

Memory: 16 bytes a parameter (h = 256, n = 14,000: 5.3 million, 85 MB), and some 16 n bytes for each list of a batch.
Time: about 0.6 GFLOP for each list of 128 entries and epoch. Workable sizes: meant for a GPU and any catalogue of MAL
with millions of users; on 2 CPU cores some ten thousand users at a width of 64. Several GPUs share each batch, of one
machine without further ado, of several as ranks (see `together`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from anirec.core.catalogue import Catalogue, rows_of
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Split
from anirec.recommenders.neural import together
from anirec.recommenders.neural.loop import Run, device, seed, train
from anirec.recommenders.neural.masked_set_net import MaskedSetNet
from anirec.recommenders.neural.masked_set_samples import (
    Lists,
    MaskedSetConfig,
    Padded,
    Sample,
    batches,
    lists_of,
    padded,
)
from anirec.recommenders.neural.masked_set_serving import MaskedSet, windows_of
from anirec.recommenders.neural.validation import Validation, hold_out

__all__ = ["MaskedSetConfig", "fit"]

SILENT = Run()
FEW = 3  # likes given in half of the validation, where models differ most


def fit(
    dataset: Dataset, config: MaskedSetConfig, rng: np.random.Generator, *, catalogue: Catalogue, run: Run = SILENT
) -> MaskedSet:
    """Train on who has what on the list. catalogue: where labels are from; anime that it does not know have none.

    Raises:
        InputError: there are no labels, no anime with enough likes, or too few lists to hold one out and learn.
        FloatingPointError: training fails; says where.
    """
    likes = dataset.like_counts()
    places = np.flatnonzero(likes >= config.min_likes)
    items = dataset.anime_ids[places]
    if len(items) < 2:
        raise InputError(f"{len(items)} anime have {config.min_likes} likes; there is nothing to learn from")
    genres = genres_of(catalogue, items, config.genres)
    kept, whole = hold_out(dataset, items, config.validation_users, rng)
    short = Validation(Split(kept, whole.cases).few(FEW).cases, items)
    lists = lists_of(kept, items)
    if not whole.cases or lists.n_users == 0:
        raise InputError("too few lists: at least ten users with 5 likes are needed, one of them to stop training by")
    seed(rng)
    net = MaskedSetNet(
        genres,
        likes[places],
        hidden=config.hidden,
        blocks=config.blocks,
        heads=config.heads,
        dropout=config.dropout,
    )
    if config.negatives:  # start where nothing but popularity is known, or the net is first spent on learning that
        with torch.no_grad():
            net.bias.add_(np.log(_beta(config.negatives, len(items), config.calibration) / config.negatives))

    def score(profiles: Sequence[Profile]) -> NDArray[np.float32]:
        return _scores(net, items, profiles, config)

    train(
        net,
        n_batches=-(-lists.n_users // config.batch),
        batches=lambda own: _batches(lists, config, own, len(items)),
        loss=_loss_of(net, config.calibration),
        validate=lambda: (whole.ndcg(score) + short.ndcg(score)) / 2,
        config=config.loop,
        rng=rng,
        run=run,
    )
    return MaskedSet(items=items, heads=config.heads, window=config.window, arrays=net.arrays())


def genres_of(catalogue: Catalogue, items: NDArray[np.int32], most: int) -> NDArray[np.bool_]:
    """Return bool [n, g]: the labels of each item (id); of more than `most`, those that fewest anime carry.

    Raises:
        InputError: no item has a label.
    """
    labels = catalogue.labels
    flags = np.unpackbits(labels.bits, axis=1, count=len(catalogue)).astype(np.bool_).T  # [catalogue, g]
    carried = np.zeros((len(items), len(labels.names)), dtype=np.bool_)
    carried[np.isin(items, catalogue.anime_ids)] = flags[rows_of(catalogue.anime_ids, items)]
    if not carried.any():
        raise InputError("no anime of the catalogue has a genre; the masked-set transformer needs them")
    rarest_first = np.argsort(flags.sum(axis=0), kind="stable")
    ordered = carried[:, rarest_first]
    genres = np.zeros_like(carried)
    genres[:, rarest_first] = ordered & (np.cumsum(ordered, axis=1) <= most)
    return genres


@dataclass(frozen=True)
class Batch:
    """What a loss needs, on the device.

    of: what a sum over lists is divided by to be a mean over the batch; b, or more where this is a rank's part of it.
    inputs: as `MaskedSetNet.forward` takes them, [b, t].
    shown_by, shown: int64 [s], which list shows which item. asked_by, asked: int64 [e], which list hides which;
    weights: float32 [e], 1 / of for each list in sum. negatives: int64 [b, k], items drawn evenly, k = 0 with softmax;
    wrong: bool [b, k], those that are neither shown nor asked for.
    """

    of: int
    inputs: tuple[torch.Tensor, ...]
    shown_by: torch.Tensor
    shown: torch.Tensor
    asked_by: torch.Tensor
    asked: torch.Tensor
    weights: torch.Tensor
    negatives: torch.Tensor
    wrong: torch.Tensor


def _batches(lists: Lists, config: MaskedSetConfig, rng: np.random.Generator, n: int) -> Iterator[Batch]:
    for samples in batches(lists, config, rng):
        negatives = rng.integers(n, size=(len(samples), config.negatives))
        part = together.part(len(samples))
        yield _batch([samples[row] for row in part.rows], negatives[part.rows], n, of=len(samples) * part.times)


def _batch(samples: Sequence[Sample], negatives: NDArray[np.int64], n: int, *, of: int) -> Batch:
    where = device()
    inputs = padded([sample.shown for sample in samples])
    shown_by = np.nonzero(inputs.real)[0]
    asked_by = np.repeat(np.arange(len(samples)), [len(sample.targets) for sample in samples])
    asked = np.concatenate([sample.targets for sample in samples])
    weights = np.concatenate([sample.weights for sample in samples]) / np.float32(of)
    right = np.concatenate([shown_by * n + inputs.items[inputs.real], asked_by * n + asked])
    wrong = ~np.isin(np.arange(len(samples))[:, np.newaxis] * n + negatives, right)
    rest = (shown_by, inputs.items[inputs.real], asked_by, asked, weights, negatives, wrong)
    return Batch(of, _tensors(inputs, where), *(torch.from_numpy(array).to(where) for array in rest))


def _tensors(inputs: Padded, where: torch.device) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(a).to(where) for a in (inputs.items, inputs.scores, inputs.statuses, inputs.real))


def _loss_of(net: MaskedSetNet, calibration: float) -> Callable[[nn.Module, Batch, int], torch.Tensor]:
    """Return the loss as the loop calls it; one process works the states out on all GPUs that there are."""
    spread = nn.DataParallel(net) if torch.cuda.device_count() > 1 and together.size() == 1 else net

    def loss(_net: nn.Module, batch: Batch, _step: int) -> torch.Tensor:
        states = spread(*batch.inputs)  # [b, h]
        if batch.negatives.shape[1] == 0:
            return softmax_loss(states @ net.vectors().T + net.bias, batch)
        asked = (states[batch.asked_by] * net.vectors(batch.asked)).sum(-1) + net.bias[batch.asked]
        drawn = (net.vectors(batch.negatives) @ states.unsqueeze(-1)).squeeze(-1) + net.bias[batch.negatives]
        return gbce_loss(asked, drawn, batch, n=len(net.bias), calibration=calibration)

    return loss


def softmax_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the mean cross-entropy of what is asked for, among all that is not shown. logits: [b, n]."""
    shown = torch.zeros_like(logits, dtype=torch.bool)
    shown[batch.shown_by, batch.shown] = True
    chances = functional.log_softmax(logits.float().masked_fill(shown, -torch.inf), dim=-1)
    return -(batch.weights * chances[batch.asked_by, batch.asked]).sum()


def gbce_loss(asked: torch.Tensor, drawn: torch.Tensor, batch: Batch, *, n: int, calibration: float) -> torch.Tensor:
    """Return gBCE: the chance of what is asked for is raised to beta, to undo what drawing few negatives does to it.

    asked: logits [e]. drawn: logits [b, k].
    """
    k = drawn.shape[1]
    right = _beta(k, n, calibration) * (batch.weights * functional.softplus(-asked.float())).sum()
    wrong = (functional.softplus(drawn.float()) * batch.wrong).sum() / batch.of
    return (right + wrong) / (k + 1)


def _beta(k: int, n: int, calibration: float) -> float:
    """Return the power of gBCE. With a = k / (n - 1) it is a (t (1 - 1 / a) + 1 / a); at t = 0 it is 1, plain BCE."""
    rate = min(k / (n - 1), 1.0)
    return rate * (calibration * (1 - 1 / rate) + 1 / rate)


def _scores(
    net: MaskedSetNet, items: NDArray[np.int32], profiles: Sequence[Profile], config: MaskedSetConfig
) -> NDArray[np.float32]:
    """Return float32 [p, n], what `MaskedSet.score` will, many at a time and on the device."""
    where = device()
    parts = [(row, part) for row, p in enumerate(profiles) for part in windows_of(items, p, config.window)]
    states = torch.zeros(len(profiles), config.hidden, device=where)
    for start in range(0, len(parts), config.batch):
        some = parts[start : start + config.batch]
        rows = torch.tensor([row for row, _ in some], device=where)
        states.index_add_(0, rows, net(*_tensors(padded([part for _, part in some]), where)))
    counts = torch.bincount(torch.tensor([row for row, _ in parts], device=where), minlength=len(profiles))
    scores = states / counts.unsqueeze(-1) @ net.vectors().T + net.bias
    result: NDArray[np.float32] = scores.float().cpu().numpy()
    return result
