"""What is fitted, with which settings, from which data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease
from anirec.service.progress import Progress
from anirec.service.training import BLEND, FitAny, Material, Recipe, read_material
from anirec.sources.importer import import_folder, recognise
from anirec.wiring.lenses import config as lens_config
from anirec.wiring.lenses import lenses
from anirec.wiring.models import Chosen, chosen


def recipe(material: Material, seed: int = 0, extra: Sequence[Chosen] = ()) -> Recipe:
    """Return what `anirec train` fits: EASE, popularity, their blend, and `extra` models, of which the first is served.

    An extra model called as EASE or popularity takes its place in the blend, which is served then.
    """
    parts = {name: chosen(material, name) for name in ("ease", "popularity")}
    parts |= {model.name: model for model in extra if model.name in parts}
    others = {model.name: model for model in extra if model.name not in parts}
    return Recipe(
        parts={name: model.fit for name, model in parts.items()},
        extra={name: model.fit for name, model in others.items()},
        lenses=lenses(material),
        default=next(iter(others), BLEND),
        config={name: dict(model.config) for name, model in (parts | others).items()} | lens_config(),
        seed=seed,
    )


def facts_of(material: Material, recipe: Recipe) -> Mapping[str, object]:
    """Return what decides every byte of a training, to tell whether a checkpoint is of the same one."""
    return {
        "anirec": version("anirec"),
        "data": dict(material.facts["tables"]),
        "config": dict(recipe.config),
        "seed": recipe.seed,
    }


def unpruned() -> Mapping[str, FitAny]:
    """Return EASE with all its weights, to show beside the pruned one what pruning costs."""
    return {"ease-unpruned": partial(_dense, ease.EaseConfig())}


def _dense(config: ease.EaseConfig, dataset: Dataset, rng: np.random.Generator) -> ease.DenseEase:
    return ease.fit_dense(dataset, config, rng)


def open_data(path: Path, cache: Path, progress: Progress) -> Material:
    """Read data of any known layout: a canonical folder as it is, others imported into `cache` first.

    Raises:
        SourceError: the folder has no known layout, or its tables cannot be used.
    """
    if recognise(path).name == "canonical":
        return read_material(path, progress)
    import_folder(path, cache, progress=progress)
    return read_material(cache, progress)
