"""The training loop that all neural models share: warm-up, early stopping, checkpoints, loud failures.

Same data, seed and number of threads, same bytes on a CPU. On a GPU the forward pass runs in bfloat16 where it can.
Several ranks may run it side by side, see `together`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import nn

from anirec.core.errors import InputError
from anirec.recommenders.neural import together
from anirec.recommenders.neural.settings import ALONE, LoopConfig, Progress, Run

__all__ = ["History", "LoopConfig", "Progress", "Run", "device", "seed", "train"]


@dataclass
class History:
    """By epoch, the mean loss and the validation figure; best: the epoch whose weights were kept."""

    losses: list[float] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    best: int = -1


def device() -> torch.device:
    """Return where training runs: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed(rng: np.random.Generator, *, plus: int = 0) -> None:
    """Seed torch from a generator of NumPy's, so that one seed decides all. plus: so that ranks draw unlike noise."""
    torch.manual_seed(int(rng.integers(2**63)) + plus)


def train(
    net: nn.Module,
    *,
    n_batches: int,
    batches: Callable[[np.random.Generator], Iterable[Any]],
    loss: Callable[[nn.Module, Any, int], torch.Tensor],
    validate: Callable[[], float],
    config: LoopConfig,
    rng: np.random.Generator,
    run: Run = ALONE,
) -> History:
    """Train a net in place and leave it with the weights of its best epoch.

    n_batches: about how many an epoch has, for the schedule. batches: an epoch's, drawn anew with a generator of its
    own, so that a resumed run sees what an uninterrupted one does; with several ranks, of each what `together.part`
    says. loss: of the net for one batch at a step; those of all parts add up to the whole batch's.
    validate: higher is better; called in evaluation mode without gradients, on the first rank.

    Raises:
        FloatingPointError: the loss is not finite; says at which epoch and batch.
        InputError: the checkpoint is of another training, or not there for all ranks.
    """
    where = device()
    net.to(where)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    total = max(config.epochs * n_batches, 1)
    warm_up = min(config.warm_up, total // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, warm_up, total))
    history, best = History(), deepcopy(net.state_dict())
    seeds = rng.integers(2**63, size=config.epochs)
    if run.checkpoint is not None and run.checkpoint.is_file():
        history, best = _restore(run.checkpoint, net, optimiser, schedule, seeds)
    if not together.same(len(history.losses), where):
        raise InputError(f"some ranks do not find {run.checkpoint} as others do; it has to be on a disk that all share")
    step = schedule.last_epoch  # of a checkpoint, if there is one: it counts steps, whatever the name says
    for epoch in range(len(history.losses), config.epochs):
        if epoch - history.best > config.patience:
            break
        run.progress("training", epoch, config.epochs)
        own = np.random.default_rng(int(seeds[epoch]))
        seed(own, plus=together.rank())
        net.train()
        sums, n = 0.0, 0
        for batch in batches(own):
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16) if where.type == "cuda" else nullcontext():
                value = loss(net, batch, step)
            value.backward()  # type: ignore[no-untyped-call]
            value = together.add_up(net, value)
            if not torch.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value.item()} at batch {n + 1} of epoch {epoch + 1}; lower the learning rate"
                )
            nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            optimiser.step()
            schedule.step()
            sums, n, step = sums + float(value), n + 1, step + 1
        net.eval()
        with torch.no_grad():
            figure = together.of_first(validate, where)
        history.losses.append(sums / max(n, 1))
        history.figures.append(figure)
        if history.best < 0 or figure > history.figures[history.best]:
            history.best, best = epoch, deepcopy(net.state_dict())
        if run.checkpoint is not None and together.rank() == 0:
            _keep(run.checkpoint, net, optimiser, schedule, seeds, history, best)
    net.load_state_dict(best)
    net.eval()
    run.progress("training", config.epochs, config.epochs)
    return history


def _rate(step: int, warm_up: int, total: int) -> float:
    if step < warm_up:
        return (step + 1) / warm_up
    share = min((step - warm_up) / max(total - warm_up, 1), 1.0)
    return float(0.1 + 0.45 * (1 + np.cos(np.pi * share)))


def _keep(
    file: Path,
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: Any,
    seeds: Any,
    history: History,
    best: dict[str, Any],
) -> None:
    work = file.with_name(f".{file.name}.part")
    state = {
        **{"net": net.state_dict(), "best": best, "optimiser": optimiser.state_dict()},
        **{"schedule": schedule.state_dict(), "seeds": torch.from_numpy(seeds)},
        "history": vars(history),
    }
    torch.save(state, work)
    work.replace(file)


def _restore(
    file: Path, net: nn.Module, optimiser: torch.optim.Optimizer, schedule: Any, seeds: Any
) -> tuple[History, dict[str, Any]]:
    try:
        state = torch.load(file, map_location=device(), weights_only=True)
        if not torch.equal(state["seeds"], torch.from_numpy(seeds)):
            raise InputError(f"{file} is the checkpoint of a training with another seed or length; remove it")
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
    except (RuntimeError, KeyError, EOFError, UnpicklingError) as error:
        raise InputError(f"{file} is no checkpoint of this training ({error}); remove it") from error
    return History(**state["history"]), state["best"]
