"""How a net is trained, as settings; apart from the loop itself, so that a config can be named without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anirec.core.errors import InputError

Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True)
class LoopConfig:
    """How a net is trained.

    epochs: at most so many. patience: epochs without a better validation figure before it stops. warm_up: steps over
    which the learning rate rises to `lr`, at most a tenth of all; after that it falls as a cosine to a tenth of it.
    clip: longest gradient, its norm.
    """

    epochs: int = 50
    patience: int = 5
    lr: float = 1e-3
    weight_decay: float = 0.0
    warm_up: int = 200
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.epochs, self.patience) < 1 or self.lr <= 0 or min(self.weight_decay, self.warm_up) < 0:
            raise InputError(f"training needs epochs, patience >= 1, lr > 0 and the rest >= 0; got {self}")


@dataclass(frozen=True)
class Run:
    """What is outside a training run. checkpoint: file to write after every epoch, and to go on from if it is there."""

    progress: Progress = _silent
    checkpoint: Path | None = None


ALONE = Run()
"""A run that nobody watches and that leaves nothing behind."""
