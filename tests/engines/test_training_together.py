"""Nets that Ray Train trains on two ranks: as good as one process makes them, also when a rank is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.catalogue import rows_of
from anirec.core.engine import LOCAL, Engine, Tell
from anirec.core.errors import InputError, Unreachable
from anirec.engines import on_ray
from anirec.evaluate.metrics import ndcg
from anirec.prepare.splits import held_out_users
from anirec.recommenders.neural.settings import LoopConfig, Run
from in_parts import Fatal, die, refuse
from ranks import CONFIGS, fitted
from two_workers import two_workers
from worlds import two_tastes

pytestmark = [
    pytest.mark.slow,  # a group of ranks takes half a minute to start on a busy machine: each imports torch
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

EPOCHS = 6
LOOP = LoopConfig(epochs=EPOCHS, patience=EPOCHS, lr=0.01, warm_up=5)
NOISY: Mapping[str, Any] = {
    "masked-set": replace(CONFIGS["masked-set"], dropout=0.1, batch=33, loop=LOOP),
    **{kind: replace(CONFIGS[kind], batch=33, loop=LOOP) for kind in ("mult-dae", "mult-vae", "recvae", "two-heads")},
}
SPLIT = held_out_users(two_tastes(users=500), n_users=150, rng=np.random.default_rng(1))
AS_SEEDS = 0.02
"""How much farther from one process's figures those of ranks may be than other seeds are."""


@pytest.fixture
def on_two_workers() -> Iterator[Engine]:
    """A Ray for each test, as these leave it with ranks that died or were interrupted."""
    with two_workers() as engine:
        yield engine


def all_kinds(folder: Path | None, seed: int = 0) -> Callable[[Tell], dict[str, Any]]:
    """What trains a net of each kind. folder: for checkpoints."""

    def train(tell: Tell) -> dict[str, Any]:
        return {
            kind: fitted(config, SPLIT.train, seed, Run(tell, folder / f"{kind}.pt" if folder else None))
            for kind, config in NOISY.items()
        }

    return train


def quality(model: Any) -> float:
    """Mean NDCG@10 of the held-out users."""
    scores = model.score([case.given for case in SPLIT.cases])
    for row, case in zip(scores, SPLIT.cases, strict=True):
        row[rows_of(model.items, case.given.anime_ids)] = -np.inf
    top = model.items[np.argsort(-scores, axis=1, kind="stable")[:, :10]]
    hits = np.stack([np.isin(row, case.targets) for row, case in zip(top, SPLIT.cases, strict=True)])
    return float(ndcg(hits, np.array([len(case.targets) for case in SPLIT.cases]), 10).mean())


def silent(_stage: str, _done: int, _total: int) -> None: ...


def test_two_ranks_learn_what_one_process_does_and_a_killed_one_changes_no_byte(
    on_two_workers: Engine, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    undisturbed = on_two_workers.together(all_kinds(None), silent)
    seeds = [LOCAL.together(all_kinds(None, seed), silent) for seed in range(4)]
    for kind, model in undisturbed.items():
        found, alone = quality(model), [quality(of_seed[kind]) for of_seed in seeds]
        figure(f"{kind}: NDCG@10 {found:.4f} of two ranks, {min(alone):.4f}..{max(alone):.4f} of one process")
        assert min(alone) - AS_SEEDS < found < max(alone) + AS_SEEDS, kind

    told: list[tuple[str, int, int]] = []
    fatal = Fatal(on_two_workers, tmp_path / "killed", step=25)  # in the midst of the first kind's third epoch or later
    killed = fatal.together(all_kinds(tmp_path), lambda *news: told.append(news))
    assert (tmp_path / "killed").exists()
    for kind, model in undisturbed.items():
        here, there = model.state().arrays, killed[kind].state().arrays
        assert {name: array.tobytes() for name, array in here.items()} == {n: a.tobytes() for n, a in there.items()}
    begun = [done for _, done, _ in told][: EPOCHS + 2]
    again = next(epoch for epoch, following in pairwise(begun) if epoch == following)
    assert again > 0
    assert begun == [*range(again + 1), *range(again, EPOCHS + 1)]  # no epoch that was whole is begun again


def test_an_error_that_every_rank_meets_is_the_callers(on_two_workers: Engine) -> None:
    with pytest.raises(InputError, match=r"^not this one$"):
        on_two_workers.together(lambda _tell: refuse(2), silent)


def test_ranks_that_die_again_and_again_are_given_up(on_two_workers: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "ATTEMPTS", 0)
    with pytest.raises(Unreachable, match="--engine local"):
        on_two_workers.together(lambda _tell: die(0), silent)


def test_an_interrupt_is_not_kept_by_ray(on_two_workers: Engine) -> None:
    def stop(_stage: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_two_workers.together(all_kinds(None), stop)
