"""Which class each kind of model in a bundle is, and how the parts become a service."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from anirec.core.catalogue import Catalogue
from anirec.core.errors import DamagedBundle, InputError
from anirec.core.protocols import Personal, Recommender
from anirec.core.state import State
from anirec.recommenders import (
    blend,
    content,
    crowd,
    ease,
    ials,
    neighbours,
    popularity,
    sequels,
    similar,
    sparse_linear,
    text_vectors,
    vectors,
)
from anirec.recommenders.neural import autoencoders, hybrid, masked_set_serving, ncf, recvae, twoheads
from anirec.recommenders.newcomers import Explained
from anirec.service.recommend import Service
from anirec.stores.bundle import Bundle, read_bundle
from anirec.stores.facts import FactsTable, read_titles

LOGGER: Final = logging.getLogger("anirec")
BUNDLE_VARIABLE: Final = "ANIREC_BUNDLE"

RESTORERS: Final[Mapping[str, Callable[[State], Recommender]]] = {
    "cold_start": vectors.restore,
    "content": content.restore,
    "co_rating": vectors.restore,
    "crowd": crowd.restore,
    "ease": ease.restore,
    "hybrid": hybrid.restore,
    "ials": ials.restore,
    "item2vec": vectors.restore,
    "masked_set": masked_set_serving.restore,
    "mult-dae": autoencoders.restore,
    "mult-vae": autoencoders.restore,
    "ncf": ncf.restore,
    "popularity": popularity.restore,
    "recvae": recvae.restore,
    "sequels": sequels.restore,
    "sparse_linear": sparse_linear.restore,
    "text_vectors": text_vectors.restore,
    "two-heads": twoheads.restore,
    "user_knn": neighbours.restore_users,
}
"""How a model is rebuilt from its state, by the state's kind."""

COMPOSERS: Final[Mapping[str, Callable[[State, Mapping[str, Recommender], Catalogue], Recommender]]] = {
    "blend": blend.restore,
    "similar": similar.restore,
}
"""How a model is put together from its state, the models it is made of, and the catalogue."""

EXPLAINER: Final = "ease"
BLEND: Final = "blend"
SIMILAR: Final = "similar"


def starter_bundle() -> Path:
    """Return the folder of the bundle that comes with the package."""
    return Path(str(files("anirec"))) / "starter"


def asked_for(named: Path | str | None) -> Path | str | None:
    """Return how a bundle is named: by the caller, by `$ANIREC_BUNDLE`, or not at all."""
    return named if named is not None else os.environ.get(BUNDLE_VARIABLE) or None


def bundle_at(named: Path | str | None, *, stale: bool = True) -> Path:
    """Return the folder of a bundle that was named: a folder, or `mlflow://NAME@champion`.

    named: None = `$ANIREC_BUNDLE`, else the starter bundle. stale: whether it may be what was fetched last where
    the registry does not answer; the log then says so.

    Raises:
        InputError, SiteError, BundleError, MissingAbility: as in `registry.fetched`.
    """
    named = asked_for(named)
    if named is None:
        return starter_bundle()
    if not str(named).startswith("mlflow:"):
        return Path(named)
    from anirec.service.registry import fetched  # noqa: PLC0415 - MLflow takes seconds

    return fetched(str(named), stale=LOGGER.warning if stale else None)


def writable(named: Path | str | None, out: Path | None) -> Path:
    """Return where a changed bundle goes. out: None = into its own folder.

    Raises:
        InputError: it is one of the registry, which never changes; or as in `bundle_at`.
    """
    if out is not None:
        return out
    if str(asked_for(named)).startswith("mlflow:"):
        raise InputError(f"{asked_for(named)} is not changed where it is; say with --out where the changed one goes")
    return bundle_at(named)


def load(bundle: Path | str | None = None) -> Service:
    """Open a bundle and return the service that answers from it.

    bundle: a folder written by `anirec train`; None = `$ANIREC_BUNDLE`, else the starter bundle.

    Raises:
        BundleError: there is no sound bundle there.
    """
    return service_of(read_bundle(bundle_at(bundle)))


def service_of(opened: Bundle) -> Service:
    """Return the service that answers from an opened bundle.

    Raises:
        DamagedBundle: a model is missing or does not fit.
    """
    models = restore_models(opened)
    for name in (opened.default_model, SIMILAR, EXPLAINER):
        if name not in models:
            raise DamagedBundle(f'the bundle at {opened.path} has no model "{name}"')
    explainer = models[EXPLAINER]
    if not isinstance(explainer, Personal):
        raise DamagedBundle(f'the model "{EXPLAINER}" of the bundle at {opened.path} cannot explain')
    served = models.get(BLEND)
    new = served.newcomers if isinstance(served, blend.Blend) else None
    return Service(
        catalogue=opened.catalogue,
        titles=read_titles(opened.titles_table, opened.catalogue),
        facts=FactsTable(opened.anime_table),
        models=models,
        default_model=opened.default_model,
        explainer=Explained(explainer, new) if new else explainer,
        similar_model=SIMILAR,
        manifest=opened.manifest,
        path=opened.path,
    )


def restore_models(bundle: Bundle) -> dict[str, Recommender]:
    """Rebuild all models of a bundle: first the single ones, then what is composed of them.

    Raises:
        DamagedBundle: a model is of an unknown kind, or its arrays do not fit together.
    """
    try:
        models = {name: RESTORERS[s.kind](s) for name, s in bundle.models.items() if s.kind not in COMPOSERS}
        made_of = [(name, state) for name, state in bundle.models.items() if state.kind in COMPOSERS]
        composed = {name: COMPOSERS[state.kind](state, models, bundle.catalogue) for name, state in made_of}
    except KeyError as error:
        raise DamagedBundle(f"the bundle at {bundle.path} lacks or does not explain {error}") from error
    except ValueError as error:
        raise DamagedBundle(f"a model of the bundle at {bundle.path} is damaged: {error}") from error
    return models | composed
