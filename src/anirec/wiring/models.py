"""Every model that can be trained: its settings, and how it is fitted from what there is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np

from anirec.core.errors import InputError
from anirec.core.settings import configured, value_of
from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease, popularity, recent
from anirec.service.training import Fit, Material, Storable
from anirec.service.tuning import FitWith, Range


@dataclass(frozen=True)
class Kind:
    """A model that can be trained.

    config: the settings it has where nothing else is said. fit: given the material, settings, a dataset (the
    material's, or a part of it) and a generator. about: in a few words. search: what is worth tuning, and in which
    range.
    """

    about: str
    config: Any
    fit: Callable[[Material, Any, Dataset, np.random.Generator], Storable]
    search: Mapping[str, Range] = field(default_factory=dict)


def _of_ratings(fit: Callable[[Dataset, Any, np.random.Generator], Storable]) -> Callable[..., Storable]:
    """Return how a model is fitted that learns from ratings alone."""

    def fitted(_material: Material, config: Any, dataset: Dataset, rng: np.random.Generator) -> Storable:
        return fit(dataset, config, rng)

    return fitted


MODELS: Final[Mapping[str, Kind]] = {
    "popularity": Kind("most liked first", popularity.PopularityConfig(), _of_ratings(popularity.fit)),
    "recent": Kind(
        "most liked of late first",
        recent.RecentConfig(),
        _of_ratings(recent.fit),
        {"half_life": Range(30, 3000, log=True)},
    ),
    "ease": Kind(
        "which titles are liked together, in closed form",
        ease.EaseConfig(),
        _of_ratings(ease.fit),
        {"l2": Range(10, 2000, log=True), "dropout": Range(0.0, 0.6)},
    ),
}


@dataclass(frozen=True)
class Chosen:
    """A model with its settings. fit: ready to be called. config: the settings, for manifests and reports."""

    name: str
    fit: Fit
    config: Mapping[str, Any]


def check(name: str, settings: Sequence[str]) -> Any:
    """Return the settings of a model with some changed.

    Raises:
        InputError: there is no such model or setting; the message lists what there is.
    """
    if name not in MODELS:
        listed = "\n".join(f"  {known}: {kind.about}" for known, kind in MODELS.items())
        raise InputError(f'there is no model "{name}". There are:\n{listed}')
    return configured(MODELS[name].config, settings)


def chosen(material: Material, name: str, settings: Sequence[str] = ()) -> Chosen:
    """Return a model of this name with some settings changed.

    Raises:
        InputError: there is no such model or setting.
    """
    config = check(name, settings)
    return Chosen(name, partial(MODELS[name].fit, material, config), asdict(config))


def tunable(material: Material, name: str, settings: Sequence[str]) -> tuple[FitWith, Mapping[str, tuple[Range, Any]]]:
    """Return how a model is fitted with drawn settings, and what may be drawn; `settings` stay as they are set.

    Raises:
        InputError: there is no such model or setting.
    """
    config, kind = check(name, settings), MODELS[name]
    fixed = {setting.partition("=")[0].strip() for setting in settings}

    def fit(drawn: Mapping[str, float], dataset: Dataset, rng: np.random.Generator) -> Storable:
        return kind.fit(material, configured(config, [f"{key}={value}" for key, value in drawn.items()]), dataset, rng)

    return fit, {key: (found, value_of(config, key)) for key, found in kind.search.items() if key not in fixed}
