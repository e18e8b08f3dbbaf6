"""The loop on nets whose right answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch import nn  # noqa: E402

from anirec.core.errors import InputError  # noqa: E402
from anirec.recommenders.neural.loop import History, LoopConfig, Run, train  # noqa: E402

X = torch.linspace(-1, 1, 64).unsqueeze(1)
CONFIG = LoopConfig(epochs=40, patience=40, lr=0.05, warm_up=5)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def batches(rng: np.random.Generator) -> Iterator[Any]:
    for part in np.array_split(rng.permutation(64), 4):
        yield X[part]


def squared(model: nn.Module, x: Any, _step: int) -> Any:
    return ((model(x) - 3 * x - 1) ** 2).mean()


def fitted(config: LoopConfig = CONFIG, run: Run | None = None, **parts: Any) -> tuple[nn.Module, History]:
    model = net()
    parts = {"loss": squared, "validate": lambda: -float(squared(model, X, 0)), "batches": batches} | parts
    history = train(model, n_batches=4, config=config, rng=np.random.default_rng(1), run=run or Run(), **parts)
    return model, history


def weights(model: nn.Module) -> list[float]:
    return [float(p.flatten()[0].detach()) for p in model.parameters()]


def test_a_line_is_learned_and_the_same_seed_gives_the_same_weights() -> None:
    first, history = fitted()
    assert weights(first) == pytest.approx([3, 1], abs=0.05)
    assert history.losses[-1] < history.losses[0] / 100
    assert weights(fitted()[0]) == weights(first)


def test_training_stops_when_nothing_gets_better_and_keeps_the_best_epoch() -> None:
    figures = iter([0.1, 0.3, 0.2, 0.2, 0.2, 0.9])
    model, history = fitted(LoopConfig(epochs=40, patience=3, lr=0.05), validate=lambda: next(figures))
    assert history.figures == [0.1, 0.3, 0.2, 0.2, 0.2]
    assert history.best == 1
    figures = iter([0.1, 0.3])
    short, _ = fitted(LoopConfig(epochs=40, patience=3, lr=0.05), validate=lambda: next(figures, 0.0))
    assert weights(model) == weights(short)


def test_a_training_that_was_cut_short_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, _ = fitted()

    def cut(_stage: str, done: int, _total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    file = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        fitted(run=Run(progress=cut, checkpoint=file))
    resumed, history = fitted(run=Run(checkpoint=file))
    assert weights(resumed) == weights(whole)
    assert len(history.losses) == 40


def test_the_steps_that_a_loss_is_told_go_on_even_where_epochs_are_longer_than_announced(tmp_path: Path) -> None:
    steps: list[int] = []

    def told(model: nn.Module, x: Any, step: int) -> Any:
        steps.append(step)
        return squared(model, x, step)

    def cut(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    def longer(rng: np.random.Generator) -> Iterator[Any]:
        yield from batches(rng)
        yield X

    file = tmp_path / "checkpoint.pt"
    config = LoopConfig(epochs=4, warm_up=5)
    with pytest.raises(KeyboardInterrupt):
        fitted(config, run=Run(progress=cut, checkpoint=file), loss=told, batches=longer)
    fitted(config, run=Run(checkpoint=file), loss=told, batches=longer)
    assert steps == list(range(20))


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    fitted(run=Run(checkpoint=file))
    with pytest.raises(InputError, match="another seed or length"):
        fitted(LoopConfig(epochs=41), run=Run(checkpoint=file))
    file.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="no checkpoint of this training"):
        fitted(run=Run(checkpoint=file))


def test_a_loss_that_is_no_number_stops_with_the_batch_named() -> None:
    def broken(model: nn.Module, x: Any, step: int) -> Any:
        return squared(model, x, step) * (float("nan") if step == 6 else 1.0)

    with pytest.raises(FloatingPointError, match="loss is nan at batch 3 of epoch 2"):
        fitted(loss=broken)
