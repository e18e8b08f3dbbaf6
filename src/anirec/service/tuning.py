"""Finding settings: trials on validation users, who are neither learned from nor tested on.

dataset -> without the test users of `evaluate` -> hold validation users out -> fit with drawn settings -> NDCG@10

Several trials may be drawn before any of them is known, and tried side by side: what is drawn then depends on how many
at once, and not on where they are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from anirec.core.catalogue import Catalogue
from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError, MissingAbility
from anirec.evaluate.run import mean_ndcg
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case, held_out_users
from anirec.service.progress import Progress
from anirec.service.training import TEST_SHARE, VALIDATION_SHARE, Material, Storable

TEST_USERS: Final = 1500
VALIDATION_USERS: Final = 1500


@dataclass(frozen=True)
class Range:
    """What a setting may be. low, high: both included. log: drawn evenly on a logarithmic scale."""

    low: float
    high: float
    log: bool = False


FitWith = Callable[[Mapping[str, float], Dataset, np.random.Generator], Storable]
"""Fits a model with these settings."""


@dataclass(frozen=True)
class Trial:
    """One trial. settings: by name. figures: NDCG@10 by figure. value: their mean, which is what is sought."""

    settings: Mapping[str, float]
    figures: Mapping[str, float]
    value: float


@dataclass(frozen=True)
class Tuned:
    """What tuning found. default: the trial of the settings as they are. best: the best of all, which may be that."""

    model: str
    users: int
    default: Trial
    best: Trial
    trials: tuple[Trial, ...]


def tune(  # noqa: PLR0913 - what there is to be said, each by its name
    material: Material,
    model: str,
    fit: FitWith,
    ranges: Mapping[str, tuple[Range, Any]],
    *,
    n_trials: int,
    n_likes: int | None,
    seed: int,
    progress: Progress,
    at_once: int = 1,
    engine: Engine = LOCAL,
) -> Tuned:
    """Draw settings with Optuna's TPE sampler and return the best; the first trial is the settings as they are.

    ranges: by setting, what it may be and what it is. n_likes: give only so many likes of each user; None = 80 %.
    at_once: trials drawn before any of them is known. engine: where they are tried; `fit` must not use it itself.

    Raises:
        MissingAbility: Optuna is not installed.
        InputError: the model has nothing to tune.
    """
    if not ranges:
        raise InputError(f'the model "{model}" has no setting that is worth tuning')
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility('tuning needs Optuna; pip install "anirec[tune]"') from error
    test = held_out_users(
        material.dataset,
        n_users=TEST_USERS,
        max_share=TEST_SHARE,
        rng=np.random.default_rng([seed, 1]),
        eligible_sources=material.full_lists,
    )
    split = held_out_users(
        test.train,
        n_users=VALIDATION_USERS,
        max_share=VALIDATION_SHARE,
        rng=np.random.default_rng([seed, 2]),
        eligible_sources=material.full_lists,
    )
    cases = split.cases if n_likes is None else split.few(n_likes).cases
    trials: list[Trial] = []
    world = engine.share(_World(fit, split.train, cases, material.catalogue, seed))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: default for name, (_, default) in ranges.items()})
    while len(trials) < n_trials:
        progress("trials", len(trials), n_trials)
        asked = [study.ask() for _ in range(min(at_once, n_trials - len(trials)))]
        drawn = [{name: _drawn(one, name, *found) for name, found in ranges.items()} for one in asked]
        for one, trial in zip(asked, engine.map(_tried, ((world, settings) for settings in drawn)), strict=True):
            trials.append(trial)
            study.tell(one, trial.value)
            progress("trials", len(trials), n_trials)
    progress("trials", n_trials, n_trials)
    return Tuned(model, len(cases), trials[0], max(trials, key=lambda trial: trial.value), tuple(trials))


@dataclass(frozen=True, eq=False)
class _World:
    """What every trial is tried in."""

    fit: FitWith
    train: Dataset
    cases: Sequence[Case]
    catalogue: Catalogue
    seed: int


def _tried(world: _World, settings: Mapping[str, float]) -> Trial:
    fitted = world.fit(settings, world.train, np.random.default_rng([world.seed, 3]))
    figures = mean_ndcg(fitted, world.cases, world.catalogue)
    return Trial(settings, figures, sum(figures.values()) / len(figures))


def _drawn(trial: Any, name: str, found: Range, default: Any) -> float:
    if isinstance(default, int):
        return int(trial.suggest_int(name, int(found.low), int(found.high), log=found.log))
    return float(trial.suggest_float(name, found.low, found.high, log=found.log))
