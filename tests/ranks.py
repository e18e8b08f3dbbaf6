"""Small nets of every kind that ranks train; and two ranks without Ray, processes that Gloo connects.

It is imported by processes that tests start: hence a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import distributed, nn

from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural import autoencoders, loop, masked_set, recvae, together, twoheads
from anirec.recommenders.neural.settings import ALONE, LoopConfig, Run
from worlds import catalogue_of, two_tastes

Arrays = dict[str, NDArray[Any]]

LOOP: Final = LoopConfig(epochs=2, lr=0.003, warm_up=2)
LISTS: Final[dict[str, Any]] = {
    **{"min_likes": 1, "min_list": 2, "batch": 8, "hidden": 12},
    **{"validation_users": 8, "precision": "float32", "loop": LOOP},
}
SET: Final[dict[str, Any]] = {"hidden": 12, "heads": 3, "window": 7, "min_likes": 2, "batch": 8, "loop": LOOP}
CONFIGS: Final[Mapping[str, Any]] = {
    "mult-dae": autoencoders.MultDaeConfig(**LISTS),
    "mult-vae": autoencoders.MultVaeConfig(**LISTS, latent=6, dislikes=True),
    "recvae": recvae.RecVaeConfig(**LISTS, latent=6),
    "two-heads": twoheads.TwoHeadsConfig(**LISTS),
    "masked-set": masked_set.MaskedSetConfig(**SET, dropout=0.0),
    "masked-set, gBCE": masked_set.MaskedSetConfig(**SET, dropout=0.0, negatives=6),
    "masked-set, one list at a time": masked_set.MaskedSetConfig(**{**SET, "batch": 1}, dropout=0.0, negatives=6),
    "recvae, one list at a time": recvae.RecVaeConfig(**{**LISTS, "batch": 1}, latent=6),
}
"""Without noise but for what is drawn of a narrow layer."""
FITS: Final[Mapping[type, Any]] = {
    autoencoders.MultDaeConfig: autoencoders.fit,
    autoencoders.MultVaeConfig: autoencoders.fit,
    recvae.RecVaeConfig: recvae.fit,
    twoheads.TwoHeadsConfig: twoheads.fit,
}
DATA: Final = two_tastes(users=45)
GENRES: Final = catalogue_of(25, genres={i: ["Action"] if i <= 10 else ["Drama", "Romance"] for i in range(1, 21)})


def fitted(config: Any, data: Dataset, seed: int = 0, run: Run = ALONE) -> Any:
    """A model of any kind."""
    rng = np.random.default_rng(seed)
    if isinstance(config, masked_set.MaskedSetConfig):
        return masked_set.fit(data, config, rng, catalogue=GENRES, run=run)
    return FITS[type(config)](data, config, rng, run=run)


def trained(kind: str) -> Arrays:
    """What training without noise makes, as `made NAME`, and of each step the loss and, as `STEP/WEIGHT`, gradients."""
    seen: Arrays = {}
    add_up = together.add_up

    def noted(net: nn.Module, loss: torch.Tensor) -> torch.Tensor:
        step = sum("/" not in name for name in seen)
        whole = add_up(net, loss)
        seen[str(step)] = whole.numpy().copy()
        for name, weight in net.named_parameters():
            if weight.grad is not None:
                seen[f"{step}/{name}"] = weight.grad.numpy().copy()
        return whole

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "add_up", noted)
        patch.setattr(torch, "randn_like", torch.zeros_like)
        model = fitted(CONFIGS[kind], DATA)
    return seen | {f"made {name}": array for name, array in model.state().arrays.items()}


def said_of(run: Run, *, broken: bool = False) -> Arrays:
    """What training a line has `said`, if anything, and `noise` drawn at each step.

    broken: at the third step, the loss of the second rank alone is no number.
    """
    net, noise = nn.Linear(1, 1), []

    def loss(net: nn.Module, x: torch.Tensor, step: int) -> torch.Tensor:
        noise.append(float(torch.rand(())))
        value: torch.Tensor = net(x).square().sum()
        return value * (float("nan") if broken and step == 2 and together.rank() == 1 else 1.0)

    said = "nothing"
    try:
        loop.train(
            net,
            n_batches=4,
            batches=lambda _: [torch.ones(2, 1)] * 4,
            loss=loss,
            validate=lambda: 0.0,
            config=LOOP,
            rng=np.random.default_rng(0),
            run=run,
        )
    except (FloatingPointError, InputError) as error:
        said = str(error)
    return {"said": np.array(said), "noise": np.array(noise)}


def on_two_ranks(folder: Path) -> list[dict[str, Arrays]]:
    """What `trained` returns of every kind, and `said_of` a line, a broken one, and one of two disks, on each rank."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        return list(processes.map(_rank, range(2), [folder] * 2))


def _rank(rank: int, folder: Path) -> dict[str, Arrays]:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'met'}", rank=rank, world_size=2)
    found = {kind: trained(kind) for kind in CONFIGS}
    own_disk = Run(checkpoint=folder / f"{rank}.pt")
    found |= {"line": said_of(own_disk), "broken": said_of(ALONE, broken=True), "two disks": said_of(own_disk)}
    distributed.destroy_process_group()
    return found
