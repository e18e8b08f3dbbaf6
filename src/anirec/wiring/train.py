"""What is fitted, with which settings, from which data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from anirec.core.engine import LOCAL, Engine
from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease, newcomers
from anirec.recommenders.blending import BlendConfig
from anirec.recommenders.newcomers import Newcomers, NewcomersConfig
from anirec.recommenders.reranking import RerankConfig
from anirec.service.checkpoints import UNWATCHED, Watch
from anirec.service.progress import Progress
from anirec.service.training import BLEND, FitAny, Material, Recipe, read_material
from anirec.sources.importer import import_folder, recognise
from anirec.wiring.lenses import config as lens_config
from anirec.wiring.lenses import lenses
from anirec.wiring.models import Chosen, can_train_nets, chosen, features_of

PARTS: Final[Mapping[str, str]] = {
    "ease": "liking",
    "popularity": "share",
    "sequels": "chance",
    "recvae": "logits",
}
"""What the blend is made of, and how it reads each part's scores."""
NETS: Final = frozenset({"recvae"})
"""Parts that take torch and minutes to train."""


def recipe(
    material: Material,
    seed: int = 0,
    extra: Sequence[Chosen] = (),
    *,
    watch: Watch = UNWATCHED,
    quick: bool = False,
    encoder: Path | None = None,
    work: Path | None = None,
) -> Recipe:
    """Return what `anirec train` fits: the parts of the blend, and `extra` models, of which the first is served.

    An extra model called as a part takes its place in the blend. quick: leave the nets and the reranker out of the
    blend, and what is written out of the lenses; where torch is not installed the nets are anyway. encoder: the folder
    of a text encoder, for the lens of synopses. work: where encoded texts are kept and found again, None = nowhere.
    """
    named = {model.name: model for model in extra}
    wanted = [name for name in PARTS if name in named or name not in NETS or (not quick and can_train_nets())]
    parts = {name: named[name] if name in named else chosen(material, name, watch=watch) for name in wanted}
    others = {name: model for name, model in named.items() if name not in parts}
    configs = {name: dict(model.config) for name, model in (parts | others).items()}
    return Recipe(
        parts={name: model.fit for name, model in parts.items()},
        readings={name: PARTS[name] for name in parts},
        extra={name: model.fit for name, model in others.items()},
        lenses=lenses(material, encoder=encoder, work=work, quick=quick, progress=watch.progress),
        default=next(iter(others), BLEND),
        config={
            **configs,
            **lens_config(encoder=encoder, quick=quick),
            BLEND: asdict(BlendConfig()),
            "newcomers": asdict(NewcomersConfig()),
            **({} if quick else {"reranker": asdict(RerankConfig())}),
        },
        blend=BlendConfig(),
        reranking=None if quick else RerankConfig(),
        newcomers=partial(_newcomers, material),
        seed=seed,
    )


def _newcomers(material: Material, dataset: Dataset) -> Newcomers:
    return newcomers.fit(dataset, NewcomersConfig(), features=features_of(material))


def facts_of(material: Material, recipe: Recipe) -> Mapping[str, object]:
    """Return what decides every byte of a training, to tell whether a checkpoint is of the same one."""
    return {
        "anirec": version("anirec"),
        "data": dict(material.facts["tables"]),
        "config": dict(recipe.config),
        "seed": recipe.seed,
    }


def unpruned(engine: Engine = LOCAL) -> Mapping[str, FitAny]:
    """Return EASE with all its weights, to show beside the pruned one what pruning costs."""
    return {"ease-unpruned": partial(_dense, ease.EaseConfig(), engine)}


def _dense(config: ease.EaseConfig, engine: Engine, dataset: Dataset, rng: np.random.Generator) -> ease.DenseEase:
    return ease.fit_dense(dataset, config, rng, engine=engine)


def open_data(path: Path, cache: Path, progress: Progress) -> Material:
    """Read data of any known layout: a canonical folder as it is, others imported into `cache` first.

    Raises:
        SourceError: the folder has no known layout, or its tables cannot be used.
    """
    if recognise(path).name == "canonical":
        return read_material(path, progress)
    import_folder(path, cache, progress=progress)
    return read_material(cache, progress)
