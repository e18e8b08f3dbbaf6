"""From canonical tables to a bundle, and from canonical tables to figures. The same fit serves both.

    dataset -> hold validation users out -> fit parts -> choose weights on them -> fit parts on all -> bundle

Evaluation does the same on a dataset without the test users, and then tests on those.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from anirec.core.catalogue import Catalogue
from anirec.core.errors import BadTable
from anirec.core.protocols import Recommender
from anirec.core.state import State
from anirec.evaluate.protocol import FIGURES, Report, mean_ndcg, run
from anirec.prepare.catalogue import read_catalogue
from anirec.prepare.dataset import Dataset, read_dataset
from anirec.prepare.pairs import read_pairs
from anirec.prepare.splits import Split, held_out_users
from anirec.recommenders.blend import Blend, BlendWeights
from anirec.service.card import model_card
from anirec.service.lenses import Lens, fit_similar
from anirec.service.progress import Progress
from anirec.stores.bundle import BundleContent, write_bundle
from anirec.stores.facts import write_facts, write_titles
from anirec.tables import full_list_sources, sha256

PERSONAL: Final = "ease"
FLOOR: Final = "popularity"
BLEND: Final = "blend"
SIMILAR: Final = "similar"

FEW: Final = (1, 3)
"""Profile sizes at which validation users are cut down to so many likes to choose the blend's weights."""
BANDS: Final = ((8, 5, 12), (20, 13, 32), (50, 33, 79), (150, 80, 10**6))
"""Sizes for longer profiles, each with the band of sizes that stand for it. These are left as they are: a long profile
that was cut is not like one that is short."""
FLOOR_WEIGHTS: Final = (0.0005, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
"""Weights of popularity that are tried; the personal part has 1. Never 0: titles that only popularity knows need an
order."""
TEST_SHARE: Final = 0.5
VALIDATION_SHARE: Final = 0.2
"""At most these shares of the users who could be held out are, to test on and to choose weights on."""

READ: Final = ("anime", "ratings", "recommendations", "relations", "titles")
"""The canonical tables that a bundle may be made from."""


class Storable(Recommender, Protocol):
    """A recommender that can be kept in a bundle."""

    def state(self) -> State:
        """Return what a bundle keeps."""
        ...


Fit = Callable[[Dataset, np.random.Generator], Storable]
"""A model with its configuration filled in."""

FitAny = Callable[[Dataset, np.random.Generator], Recommender]
"""The same for a model that need not be kept."""


@dataclass(frozen=True)
class Recipe:
    """What is fitted.

    parts: of the blend, by name: `ease` and `popularity`. extra: further models, by name. lenses: of `similar`, by
    name, besides the viewers' one, which is `ease`. default: the model that is served. config: what all were configured
    with. n_validation: users held out to choose the blend's weights. seed: of everything that is drawn.
    """

    parts: Mapping[str, Fit]
    config: Mapping[str, Any]
    extra: Mapping[str, Fit] = field(default_factory=dict)
    lenses: Mapping[str, Lens] = field(default_factory=dict)
    default: str = BLEND
    n_validation: int = 1500
    seed: int = 0


@dataclass(frozen=True)
class Material:
    """What is learned from. full_lists: sources that hold whole lists; None = all. facts: for the manifest."""

    folder: Path
    dataset: Dataset
    catalogue: Catalogue
    full_lists: frozenset[str] | None
    facts: Mapping[str, Any]


def read_material(folder: Path, progress: Progress) -> Material:
    """Read a canonical folder.

    Raises:
        BadTable: a table is missing or damaged, or there are too few ratings to learn from.
    """
    progress("reading", 0, 2)
    dataset = read_dataset(folder)
    if not dataset.liked.any():
        raise BadTable(f"the ratings in {folder} hold not one like (a score of 7 or more) of a known anime")
    progress("reading", 1, 2)
    catalogue = read_catalogue(folder)
    progress("reading", 2, 2)
    full = full_list_sources(folder)
    facts = {
        "tables": {name: sha256(folder / f"{name}.parquet") for name in READ if (folder / f"{name}.parquet").is_file()},
        "users": dataset.n_users,
        "list_entries": dataset.n_rows,
        "likes": int(dataset.liked.sum()),
        "anime": len(catalogue),
        "sources": list(dataset.source_names),
    }
    return Material(folder, dataset, catalogue, frozenset(full) or None, facts)


@dataclass(frozen=True)
class Trained:
    """What training made. sha256: stands for the whole bundle. report, card: on validation users."""

    sha256: str
    report: Report
    card: str


def train(material: Material, out: Path, recipe: Recipe, progress: Progress) -> Trained:
    """Fit everything and write a bundle. Same data, same seed, same hash.

    Raises:
        BadTable: too few users to choose the blend's weights on.
    """
    weights, report = _choose(material, material.dataset, recipe, progress)
    parts = _fit(material.dataset, recipe.parts, recipe.seed, progress, "fitting on everybody")
    models: dict[str, Storable] = {
        **parts,
        **_fit(material.dataset, recipe.extra, recipe.seed, progress, "fitting what else was asked for"),
        BLEND: Blend(parts, weights),
    }
    pairs = read_pairs(material.folder)
    viewers = (PERSONAL, parts[PERSONAL])
    choice = fit_similar(
        material.dataset, material.catalogue, pairs, viewers, recipe.lenses, seed=recipe.seed, progress=progress
    )
    models |= {**choice.parts, SIMILAR: choice.similar}
    with tempfile.TemporaryDirectory() as work:
        tables = {name: Path(work) / name for name in ("anime.parquet", "titles.parquet")}
        write_facts(material.folder, tables["anime.parquet"])
        write_titles(material.folder, tables["titles.parquet"])
        tables["card.md"] = Path(work) / "card.md"
        found = report()
        card = model_card(material.facts, recipe.config, found, recipe.default)
        tables["card.md"].write_text(card, encoding="utf-8")
        content = BundleContent(
            catalogue=material.catalogue,
            models={name: model.state() for name, model in models.items()},
            default_model=recipe.default,
            tables=tables,
            about={
                "data": dict(material.facts),
                "config": dict(recipe.config),
                "seed": recipe.seed,
                "similar": {"questions": choice.questions, "ndcg@10": choice.ndcg},
            },
        )
        return Trained(write_bundle(out, content), found, card)


def evaluate(
    material: Material,
    recipe: Recipe,
    *,
    n_users: int,
    n_likes: int | None,
    extra: Mapping[str, FitAny],
    progress: Progress,
    popularity: float = 0.0,
) -> Report:
    """Fit on all but `n_users` held-out users and report how well those are served; see `evaluate.protocol`.

    n_likes: give no more than so many likes of each; None = 80 % of them. The targets are the same.
    extra: models to be fitted on the same train data and shown beside, besides those of the recipe. popularity: where
    the slider stands.

    Raises:
        BadTable: too few users to hold any out.
    """
    split = test_split(material, n_users, recipe.seed)
    blend = fit_blend(material, split.train, recipe, progress)
    models: dict[str, Recommender] = {PERSONAL: blend.parts[PERSONAL], BLEND: blend}
    for name, fit in (dict(recipe.extra) | dict(extra)).items():
        models[name] = fit(split.train, np.random.default_rng([recipe.seed, 3]))
    given = "a random 80 % of the likes"
    if n_likes is not None:
        split, given = split.few(n_likes), f"{n_likes} of the likes"
    return run(
        models,
        split,
        material.catalogue,
        protocol="heldout-users" if n_likes is None else f"few-shot-{n_likes}",
        parameters={"users": len(split.cases), "seed": recipe.seed, "given": given}
        | {"data": material.facts["tables"], "config": dict(recipe.config), "popularity": popularity},
        rng=np.random.default_rng([recipe.seed, 4]),
        progress=progress,
        popularity=popularity,
    )


def test_split(material: Material, n_users: int, seed: int) -> Split:
    """Return the users that models are tested on, and what is left to learn from; see `held_out_users`.

    Raises:
        BadTable: too few users to hold any out.
    """
    split = held_out_users(
        material.dataset,
        n_users=n_users,
        max_share=TEST_SHARE,
        rng=np.random.default_rng([seed, 1]),
        eligible_sources=material.full_lists,
    )
    _need_cases(split, material)
    return split


def fit_blend(material: Material, dataset: Dataset, recipe: Recipe, progress: Progress) -> Blend:
    """Return the blend as it would be served if a dataset, the material's or a part of it, were all that there is.

    Raises:
        BadTable: too few users to choose the blend's weights on.
    """
    weights, _ = _choose(material, dataset, recipe, progress)
    return Blend(_fit(dataset, recipe.parts, recipe.seed, progress, "fitting for the test"), weights)


def _choose(
    material: Material, dataset: Dataset, recipe: Recipe, progress: Progress
) -> tuple[BlendWeights, Callable[[], Report]]:
    """Return for each size of `FEW` and `BANDS` the weight of popularity that serves validation users best.

    Best is the mean of NDCG@10 over the figures of `evaluate.protocol`, and of sizes: the more is known of somebody,
    the less popularity may weigh, so that one small group of users does not decide alone. Also returns how to report on
    those users.
    """
    split = held_out_users(
        dataset,
        n_users=recipe.n_validation,
        max_share=VALIDATION_SHARE,
        rng=np.random.default_rng([recipe.seed, 2]),
        eligible_sources=material.full_lists,
    )
    _need_cases(split, material)
    parts = _fit(split.train, recipe.parts, recipe.seed, progress, "fitting to choose weights")
    groups = {size: split.few(size).cases for size in FEW}
    groups |= {size: tuple(c for c in split.cases if low <= len(c.given) <= high) for size, low, high in BANDS}
    groups = {size: cases for size, cases in groups.items() if cases}
    means: list[dict[float, float]] = []
    for done, cases in enumerate(groups.values()):
        progress("choosing weights", done, len(groups))
        blends = {weight: Blend(parts, _constant(weight)) for weight in FLOOR_WEIGHTS}
        figures = {weight: mean_ndcg(blend, cases, material.catalogue) for weight, blend in blends.items()}
        means.append({weight: sum(found.values()) / len(FIGURES) for weight, found in figures.items()})
    progress("choosing weights", len(groups), len(groups))
    chosen = not_rising(means)
    sizes = np.array(list(groups), dtype=np.float32)
    one = np.ones(len(sizes), np.float32)
    weights = BlendWeights(sizes, {PERSONAL: one, FLOOR: np.array(chosen, dtype=np.float32)})
    report = partial(
        run,
        {PERSONAL: parts[PERSONAL], BLEND: Blend(parts, weights)},
        split,
        material.catalogue,
        protocol="validation-users",
        parameters={"users": len(split.cases), "seed": recipe.seed},
        rng=np.random.default_rng([recipe.seed, 5]),
        progress=progress,
    )
    return weights, report


def not_rising(means: Sequence[Mapping[float, float]]) -> tuple[float, ...]:
    """Choose a weight for each group, none above the one before, so that the sum of the means is best.

    means: by group, the mean that each weight reaches; all have the same weights. Ties (to 0.0001) go to less weight.
    """
    rows = combinations_with_replacement(sorted(means[0], reverse=True), len(means))
    return max(rows, key=lambda row: (round(sum(m[w] for m, w in zip(means, row, strict=True)), 4), -sum(row)))


def _fit(dataset: Dataset, fits: Mapping[str, Fit], seed: int, progress: Progress, stage: str) -> dict[str, Storable]:
    fitted: dict[str, Storable] = {}
    for done, (name, fit) in enumerate(fits.items()):
        progress(stage, done, len(fits))
        fitted[name] = fit(dataset, np.random.default_rng([seed, 3]))
    progress(stage, len(fits), len(fits))
    return fitted


def _constant(weight: float) -> BlendWeights:
    one = np.ones(1, dtype=np.float32)
    return BlendWeights(sizes=one, weights={PERSONAL: one, FLOOR: one * np.float32(weight)})


def _need_cases(split: Split, material: Material) -> None:
    if not split.cases or not split.train.liked.any():
        raise BadTable(
            f"the ratings in {material.folder} hold too few users with 5 likes or more "
            f"({len(split.cases)} could be held out); import more lists"
        )
