"""Ray Train behind `Engine.together`: a rank on each of Ray's GPUs, else on each of its CPUs. Needs the extra `ray`.

Ray Train starts the ranks, connects them by torch.distributed (NCCL between GPUs, else Gloo), and when one is killed it
starts all of them again. Its checkpoints are not used, as they need a folder that all machines share: a function goes
on from files of its own, which have to be found on every machine that the first rank may be on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Final

from anirec.core.engine import Tell
from anirec.core.errors import AnirecError, MissingAbility, Unreachable

LOOK: Final = 0.5
"""Seconds between two looks at what the first rank says."""


class Board:
    """An actor between the first rank and who waits for it."""

    def __init__(self) -> None:
        self._told: list[tuple[str, int, int]] = []

    def tell(self, stage: str, done: int, total: int) -> None:
        """Say how far the work is."""
        self._told.append((stage, done, total))

    def heard(self) -> list[tuple[str, int, int]]:
        """Return what was told since this was asked last."""
        told, self._told = self._told, []
        return told


def done_together(
    ray: Any, function: Callable[[Tell], Any], tell: Tell, *, ranks: int, on_gpus: bool, attempts: int
) -> Any:
    """Return Ray's reference to what the first rank returned, once it has; see `Engine.together`.

    attempts: so often all ranks are begun again. Ray Train is called in a process of Ray's, as it takes Ctrl-C for
    itself and ends its process with 0. When this one is interrupted, that one is killed; workers are free when Ray sees
    that, at the latest when it is shut down.
    """
    board = ray.remote(num_cpus=0)(Board).remote()
    run = ray.remote(num_cpus=0, max_retries=attempts)(_run)
    running = run.remote(board, [ray.put(function)], ranks=ranks, on_gpus=on_gpus, attempts=attempts)
    try:
        ended = False
        while not ended:
            ended = bool(ray.wait([running], timeout=LOOK)[0])
            for news in ray.get(board.heard.remote()):
                tell(*news)
    except BaseException:
        ray.cancel(running, force=True)
        raise
    return running


def _run(board: Any, function: Sequence[Any], *, ranks: int, on_gpus: bool, attempts: int) -> Any:
    """Have Ray Train do it. function: a reference to it, in a list, or Ray would fetch it here.

    Raises:
        MissingAbility: what Ray Train needs is not installed.
        Unreachable: ranks die again and again.
    """
    try:
        from ray import train  # noqa: PLC0415 - an extra, and large
        from ray.train.torch import TorchTrainer  # noqa: PLC0415
    except ImportError as error:
        raise MissingAbility(f'training nets by Ray needs Ray Train: pip install "anirec[ray]" ({error})') from error
    rank: Any = partial(_rank, board, function[0])
    with TemporaryDirectory() as folder:
        trainer: Any = TorchTrainer(
            rank,
            scaling_config=train.ScalingConfig(num_workers=ranks, use_gpu=on_gpus),
            run_config=train.RunConfig(storage_path=folder, failure_config=train.FailureConfig(max_failures=attempts)),
        )
        try:
            made, refused = trainer.fit().return_value
        except train.TrainingFailedError as error:
            raise Unreachable(
                f"the work cannot be done by Ray: {error}; see its logs, or use --engine local"
            ) from error
    if refused is not None:
        raise refused
    return made


def _rank(board: Any, function: Any) -> tuple[Any, Exception | None] | None:
    """Be a rank: Ray Train calls this in each of its processes, with all of them connected."""
    import ray  # noqa: PLC0415 - an extra, and large
    import torch  # noqa: PLC0415 - an extra, and large
    from ray import train  # noqa: PLC0415

    context = train.get_context()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // context.get_local_world_size()))
    first = context.get_world_rank() == 0
    try:
        made, refused = ray.get(function)(partial(_tell, board) if first else _silent), None
    except (AnirecError, ArithmeticError) as error:  # every rank meets it, and would meet it again
        made, refused = None, error
    return (made, refused) if first else None


def _tell(board: Any, stage: str, done: int, total: int) -> None:
    board.tell.remote(stage, done, total)


def _silent(stage: str, done: int, total: int) -> None: ...
