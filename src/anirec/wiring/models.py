"""Every model that can be trained: its settings, and how it is fitted from what there is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from anirec.core.engine import LOCAL, Tell
from anirec.core.errors import Diverged, InputError, MissingAbility
from anirec.core.settings import configured, value_of
from anirec.prepare.dataset import Dataset
from anirec.prepare.features import Features, read_features
from anirec.recommenders import (
    co_rating,
    cold_start,
    content,
    crowd,
    ease,
    ials,
    item2vec,
    neighbours,
    popularity,
    recent,
    sequels,
    slim,
)
from anirec.recommenders.neural import autoencoders, hybrid, masked_set_samples, ncf, recvae, twoheads
from anirec.recommenders.neural.settings import Run
from anirec.service.checkpoints import UNWATCHED, Watch
from anirec.service.training import Fit, Material, Storable
from anirec.service.tuning import FitWith, Range


@dataclass(frozen=True)
class Kind:
    """A model that can be trained.

    config: the settings it has where nothing else is said. fit: given the material, settings, a dataset (the
    material's, or a part of it), a generator and who watches it. about: in a few words. search: what is worth tuning,
    and in which range.
    """

    about: str
    config: Any
    fit: Callable[[Material, Any, Dataset, np.random.Generator, Watch], Storable]
    search: Mapping[str, Range] = field(default_factory=dict)


def _of_ratings(fit: Callable[[Dataset, Any, np.random.Generator], Storable]) -> Callable[..., Storable]:
    """Return how a model is fitted that learns from ratings alone."""

    def fitted(_material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, _watch: Watch) -> Storable:
        return fit(dataset, config, rng)

    return fitted


def _in_parts(fit: Callable[..., Storable]) -> Callable[..., Storable]:
    """Return how a model is fitted that learns from ratings alone, and whose work an engine may part."""

    def fitted(_material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, watch: Watch) -> Storable:
        return fit(dataset, config, rng, engine=watch.engine)

    return fitted


def _of_features(fit: Callable[..., Storable]) -> Callable[..., Storable]:
    """Return how a model is fitted that knows what titles are about, too."""

    def fitted(material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, _watch: Watch) -> Storable:
        return fit(dataset, config, rng, features=features_of(material))

    return fitted


def features_of(material: Material) -> Features:
    """Return what is known of each anime of the material; kept, as several models and lenses ask for the same."""
    return _features(material.folder, str(material.facts["tables"].get("anime")))


@lru_cache(maxsize=1)
def _features(folder: Path, _sha256: str) -> Features:
    return read_features(folder)


def _of_pairs(material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, _watch: Watch) -> Storable:
    return crowd.fit(dataset, config, rng, pairs=material.pairs)


def _sequels(material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, _watch: Watch) -> Storable:
    return sequels.fit(dataset, config, rng, catalogue=material.catalogue)


def _masked_set(material: Material) -> Callable[..., Storable]:
    from anirec.recommenders.neural import masked_set  # noqa: PLC0415 - it imports torch, which is an extra

    return partial(masked_set.fit, catalogue=material.catalogue)


@dataclass(frozen=True)
class HybridConfig:
    """The settings of NCF and of what stands on it."""

    near: hybrid.HybridConfig = field(default_factory=hybrid.HybridConfig)
    ncf: ncf.NcfConfig = field(default_factory=ncf.NcfConfig)


def _hybrid(material: Material) -> Callable[..., Storable]:
    def fit(dataset: Dataset, config: HybridConfig, rng: np.random.Generator, *, run: Run) -> Storable:
        space = ncf.fit(dataset, config.ncf, rng, run=run)
        return hybrid.gather(dataset, space, config.near, rng, catalogue=material.catalogue)

    return fit


def _net(fit: Callable[..., Storable]) -> Callable[[Material], Callable[..., Storable]]:
    """Return how a net is trained that learns from ratings alone."""
    return lambda _material: fit


def can_train_nets() -> bool:
    """Return whether torch is installed, which training nets takes (and serving them does not)."""
    return find_spec("torch") is not None


def _by_descent(
    fit_of: Callable[[Material], Callable[..., Storable]], *, alone: bool = False
) -> Callable[..., Storable]:
    """Return how a model is fitted that needs torch.

    fit_of: given the material, how it is fitted from a dataset, settings, a generator and a run of training. alone: by
    this process, not on all ranks of an engine. It raises MissingAbility where torch is not installed, Diverged where
    the loss is no finite number.
    """

    def fitted(material: Material, config: Any, dataset: Dataset, rng: np.random.Generator, watch: Watch) -> Storable:
        if not can_train_nets():
            raise MissingAbility('training this model needs torch; pip install "anirec[train]"')
        watch = replace(watch, engine=LOCAL) if alone else watch
        run, fit = watch.run(dataset), fit_of(material)
        file = run.checkpoint

        def on_each_rank(tell: Tell) -> Storable:
            return fit(dataset, config, rng, run=Run(tell, file))

        try:
            return watch.engine.together(on_each_rank, run.progress)
        except FloatingPointError as error:
            raise Diverged(f"training {watch.name} was stopped: {error}, its setting loop.lr") from error

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
        _in_parts(ease.fit),
        {"l2": Range(10, 2000, log=True), "dropout": Range(0.0, 0.6)},
    ),
    "item-knn": Kind(
        "near titles: liked by the same people, for their number",
        neighbours.ItemKnnConfig(),
        _of_ratings(neighbours.fit_items),
        {"k": Range(20, 500, log=True), "shrink": Range(0.0, 50.0)},
    ),
    "user-knn": Kind(
        "what near people like; the bundle holds lists of people, without names: keep it to yourself",
        neighbours.UserKnnConfig(),
        _of_ratings(neighbours.fit_users),
        {"k": Range(20, 500, log=True), "sharpness": Range(0.5, 10.0)},
    ),
    "slim": Kind(
        "EASE over each title's neighbours, for large catalogues",
        slim.SlimConfig(),
        _of_ratings(slim.fit),
        {"k": Range(50, 500, log=True), "l2": Range(10, 2000, log=True)},
    ),
    "ials": Kind(
        "implicit alternating least squares",
        ials.IalsConfig(),
        _in_parts(ials.fit),
        {"alpha": Range(0.01, 1.0, log=True), "l2": Range(1e-4, 0.1, log=True), "nu": Range(0.0, 1.0)},
    ),
    "mult-dae": Kind(
        "denoising autoencoder",
        autoencoders.MultDaeConfig(),
        _by_descent(_net(autoencoders.fit)),
        {"dropout": Range(0.2, 0.8), "short": Range(0.0, 1.0), "loop.lr": Range(3e-4, 1e-2, log=True)},
    ),
    "mult-vae": Kind(
        "variational autoencoder",
        autoencoders.MultVaeConfig(),
        _by_descent(_net(autoencoders.fit)),
        {"dropout": Range(0.2, 0.8), "beta": Range(0.05, 1.0), "loop.lr": Range(3e-4, 1e-2, log=True)},
    ),
    "recvae": Kind(
        "variational autoencoder with a composite prior",
        recvae.RecVaeConfig(),
        _by_descent(_net(recvae.fit)),
        {"gamma": Range(0.001, 0.02, log=True), "loop.lr": Range(3e-4, 1e-2, log=True)},
    ),
    "two-heads": Kind(
        "denoising autoencoder of presence and score",
        twoheads.TwoHeadsConfig(),
        _by_descent(_net(twoheads.fit)),
        {"score_loss": Range(0.001, 1.0, log=True), "score_weight": Range(0.0, 2.0)},
    ),
    "ncf": Kind(
        "neural collaborative filtering",
        ncf.NcfConfig(),
        _by_descent(_net(ncf.fit), alone=True),  # its norm is over whole batches
        {"loop.lr": Range(1e-3, 3e-2, log=True), "negative_weight": Range(0.1, 2.0)},
    ),
    "hybrid": Kind(
        "NCF's near users and near titles together; the bundle holds what people love, without names",
        HybridConfig(),
        _by_descent(_hybrid, alone=True),
        {"near.user_weight": Range(0.0, 1.0), "near.item_weight": Range(0.0, 1.0)},
    ),
    "masked-set": Kind(
        "transformer over the set of what is on the list",
        masked_set_samples.MaskedSetConfig(),
        _by_descent(_masked_set),
        {"dropout": Range(0.0, 0.4), "loop.lr": Range(1e-4, 3e-3, log=True)},
    ),
    "sequels": Kind(
        "who likes one title of a franchise, how surely also another",
        sequels.SequelsConfig(),
        _sequels,
        {"shrink": Range(0.0, 50.0)},
    ),
    "content": Kind("what titles are about", content.ContentConfig(), _of_features(content.fit)),
    "cold-start": Kind(
        "vectors of viewers' taste, also for titles that nobody has rated",
        cold_start.ColdStartConfig(),
        _of_features(cold_start.fit),
        {"evenness": Range(0.3, 1.0), "l2": Range(1, 1000, log=True), "dimensions": Range(32, 256, log=True)},
    ),
    "crowd": Kind(
        "what people name when asked for more like it",
        crowd.CrowdConfig(),
        _of_pairs,
        {"restart": Range(0.1, 0.6), "vote_power": Range(0.2, 1.0), "hub_discount": Range(0.0, 0.6)},
    ),
    "co-rating": Kind(
        "titles are near that a person rates alike",
        co_rating.CoRatingConfig(),
        _of_ratings(co_rating.fit),
        {"l2": Range(0.001, 0.2, log=True), "evenness": Range(0.0, 1.0)},
    ),
    "item2vec": Kind(
        "titles are near that stand in the same lists (gensim)",
        item2vec.Item2VecConfig(),
        _of_ratings(item2vec.fit),
        {"window": Range(5, 100, log=True), "sample": Range(0.0, 0.001)},
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


def chosen(material: Material, name: str, settings: Sequence[str] = (), watch: Watch = UNWATCHED) -> Chosen:
    """Return a model of this name with some settings changed. watch: over its training, if it is trained by descent.

    Raises:
        InputError: there is no such model or setting.
    """
    config, kind = check(name, settings), MODELS[name]

    def fit(dataset: Dataset, rng: np.random.Generator) -> Storable:
        return kind.fit(material, config, dataset, rng, watch.of(name))

    return Chosen(name, fit, asdict(config))


def tunable(
    material: Material, name: str, settings: Sequence[str], watch: Watch = UNWATCHED
) -> tuple[FitWith, Mapping[str, tuple[Range, Any]]]:
    """Return how a model is fitted with drawn settings, and what may be drawn; `settings` stay as they are set.

    watch: over every trial, see `chosen`.

    Raises:
        InputError: there is no such model or setting.
    """
    config, kind = check(name, settings), MODELS[name]
    fixed = {setting.partition("=")[0].strip() for setting in settings}

    def fit(drawn: Mapping[str, float], dataset: Dataset, rng: np.random.Generator) -> Storable:
        own = configured(config, [f"{key}={value}" for key, value in drawn.items()])
        return kind.fit(material, own, dataset, rng, watch.of(name))

    return fit, {key: (found, value_of(config, key)) for key, found in kind.search.items() if key not in fixed}
