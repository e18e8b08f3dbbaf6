"""Runner: BERT4Rec, by a checkout of jaywonchung/BERT4Rec-VAE-Pytorch, from which AnimeRecBERT was made.

Its net and its cloze task with the settings of its template `train_bert` (Adam, learning rate 1e-3, 15 % masked, of
which 80 % become the mask, 10 % another title), but for the width and the heads, which are those of our run. Its loss,
the cross-entropy at the masked places, is worked out at those places alone: the same number in less time. Logits of
mask and padding are never asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from exchange import Result, Split, asked, lists, wait_for
from sequences import Sequences, batches, filled, scores_by, tensor, trained

HIDDEN, BLOCKS, HEADS, LENGTH = 64, 2, 4, 100
MASKED, BATCH, RATE = 0.15, 128, 1e-3


def main() -> None:
    """Run it."""
    args = asked(__doc__, budget=True, checkout=True).parse_args()
    torch.set_num_threads(1)
    split = Split.read(args.split)
    net = net_of(str(args.checkout), split.n, args.seed)
    rng = np.random.default_rng(args.seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    sequences = batches(split.train, LENGTH, BATCH, 0, rng)

    def step() -> float:
        shown, labels = cloze(next(sequences), split.n, rng)
        states = net.bert(tensor(shown))[tensor(labels > 0)]
        loss = functional.cross_entropy(net.out(states), tensor(labels[labels > 0]))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return float(loss.detach())

    def forward(rows: Sequences) -> NDArray[Any]:
        with torch.no_grad():
            return np.asarray(net.out(net.bert(tensor(rows))[:, -1]).numpy()[:, 1 : split.n + 1])

    def row_of(items: NDArray[Any]) -> Sequences:
        return filled(np.append(items, split.n), LENGTH, 0)  # the mask comes last: its number is one above all titles

    score = scores_by(forward, row_of)
    steps, seconds = trained(net, step, score, split, args.budget)
    facts = f"hidden {HIDDEN}, {BLOCKS} blocks, {HEADS} heads, length {LENGTH}, {steps} steps of {BATCH} lists"
    tops = lists(score, split.test_given, split.n)
    wait = wait_for(score, split.test_given, split.n)
    Result("BERT4Rec (jaywonchung)", tops, seconds, facts, wait_ms=wait).save(args.out)


def net_of(checkout: str, n: int, seed: int) -> Any:
    """Return the peer's net."""
    sys.path.insert(0, checkout)
    settings = SimpleNamespace(
        model_init_seed=seed,
        bert_max_len=LENGTH,
        num_items=n,
        bert_num_blocks=BLOCKS,
        bert_num_heads=HEADS,
        bert_hidden_units=HIDDEN,
        bert_dropout=0.1,
    )
    return import_module("models.bert").BERTModel(settings)


def cloze(rows: Sequences, n: int, rng: np.random.Generator) -> tuple[Sequences, Sequences]:
    """Return what is shown, and what is to be named where it is masked (0 elsewhere). rows: titles from 1, 0 = none."""
    chance = rng.random(rows.shape) / MASKED
    masked = (rows > 0) & (chance < 1)
    shown = np.where(masked & (chance < 0.8), n + 1, rows)
    other = rng.integers(1, n + 1, size=rows.shape)
    return np.where(masked & (chance >= 0.8) & (chance < 0.9), other, shown), np.where(masked, rows, 0)


if __name__ == "__main__":
    main()
