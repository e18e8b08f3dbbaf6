"""Runner: gSASRec, by a checkout of asash/gSASRec-pytorch.

Its net and its loss gBCE with t 0.75 and 256 negatives for each positive, as it is set for MovieLens, but for the
width and the length, which are those of our run; Adam as it comes.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from exchange import Result, Split, asked, lists, wait_for
from sequences import Sequences, batches, filled, scores_by, tensor, trained

HIDDEN, BLOCKS, HEADS, LENGTH = 64, 2, 1, 100
NEGATIVES, CALIBRATION, DROPOUT, BATCH = 256, 0.75, 0.5, 128


def main() -> None:
    """Run it."""
    parser = asked(__doc__, budget=True, checkout=True)
    parser.add_argument("--dropout", type=float, default=DROPOUT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    split = Split.read(args.split)
    padding = split.n + 1
    sys.path.insert(0, str(args.checkout))
    net = import_module("gsasrec").GSASRec(
        split.n,
        sequence_length=LENGTH,
        embedding_dim=HIDDEN,
        num_heads=HEADS,
        num_blocks=BLOCKS,
        dropout_rate=args.dropout,
    )
    rng = np.random.default_rng(args.seed)
    optimiser = torch.optim.Adam(net.parameters())
    sequences = batches(split.train, LENGTH + 1, BATCH, padding, rng)

    def step() -> float:
        rows = next(sequences)
        shown, labels = tensor(rows[:, :-1]), tensor(rows[:, 1:])
        drawn = tensor(rng.integers(1, padding, size=(*labels.shape, NEGATIVES)))
        states, _ = net(shown)
        outputs = net.get_output_embeddings()
        real = shown != padding
        states, labels, drawn = states[real], labels[real], drawn[real]
        right = (states * outputs(labels)).sum(-1)
        wrong = (outputs(drawn) @ states.unsqueeze(-1)).squeeze(-1)
        loss = gbce(right, wrong, split.n)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return float(loss.detach())

    def forward(rows: Sequences) -> NDArray[Any]:
        with torch.no_grad():
            states, _ = net(tensor(rows))
            return np.asarray((states[:, -1] @ net.get_output_embeddings().weight.T).numpy()[:, 1:padding])

    score = scores_by(forward, lambda items: filled(items, LENGTH, padding))
    steps, seconds = trained(net, step, score, split, args.budget)
    facts = f"hidden {HIDDEN}, {BLOCKS} blocks, dropout {args.dropout}, length {LENGTH}, {steps} steps of {BATCH} lists"
    tops = lists(score, split.test_given, split.n)
    wait = wait_for(score, split.test_given, split.n)
    Result("gSASRec (asash)", tops, seconds, facts, wait_ms=wait).save(args.out)


def gbce(right: torch.Tensor, wrong: torch.Tensor, n: int) -> torch.Tensor:
    """Return gBCE as published (Petrov & Macdonald 2023, eq. 5 and 11). right: logits [e]. wrong: [e, k]."""
    k = wrong.shape[1]
    rate = k / (n - 1)
    beta = rate * (CALIBRATION * (1 - 1 / rate) + 1 / rate)
    return ((beta * functional.softplus(-right) + functional.softplus(wrong).sum(-1)) / (k + 1)).mean()


if __name__ == "__main__":
    main()
