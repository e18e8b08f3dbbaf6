"""What is fitted, with which settings, from which data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease, popularity
from anirec.service.progress import Progress
from anirec.service.training import Fit, Material, Recipe, read_material
from anirec.sources.importer import import_folder, recognise


def recipe(seed: int = 0) -> Recipe:
    """Return what `anirec train` fits: EASE, popularity and their blend, with default settings."""
    linear, floor = ease.EaseConfig(), popularity.PopularityConfig()
    return Recipe(
        parts={
            "ease": partial(_with_config, ease.fit, linear),
            "popularity": partial(_with_config, popularity.fit, floor),
        },
        config={"ease": asdict(linear), "popularity": asdict(floor)},
        seed=seed,
    )


def unpruned() -> dict[str, Fit]:
    """Return EASE with all its weights, to show beside the pruned one what pruning costs."""
    return {"ease-unpruned": partial(_with_config, ease.fit_dense, ease.EaseConfig())}


def _with_config(fit: Callable[..., Any], config: object, dataset: Dataset, rng: np.random.Generator) -> Any:
    return fit(dataset, config, rng)


def open_data(path: Path, cache: Path, progress: Progress) -> Material:
    """Read data of any known layout: a canonical folder as it is, others imported into `cache` first.

    Raises:
        SourceError: the folder has no known layout, or its tables cannot be used.
    """
    if recognise(path).name == "canonical":
        return read_material(path, progress)
    import_folder(path, cache, progress=progress)
    return read_material(cache, progress)
