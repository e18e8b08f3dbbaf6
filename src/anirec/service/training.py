"""From canonical tables to a bundle, and from canonical tables to figures. The same fit serves both.

    dataset -> hold validation users out -> fit parts -> learn weights on them -> fit parts on all -> bundle

Evaluation does the same on a dataset without the test users, and then tests on those.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in
from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import BadTable
from anirec.core.protocols import Personal, Recommender
from anirec.core.state import State
from anirec.evaluate import protocols
from anirec.evaluate.exam import Exam
from anirec.evaluate.report import Report
from anirec.evaluate.run import run
from anirec.prepare.catalogue import read_catalogue
from anirec.prepare.dataset import Dataset, read_dataset
from anirec.prepare.documents import TEXTS
from anirec.prepare.pairs import NO_PAIRS, Pairs, read_pairs
from anirec.prepare.splits import Case, Split, held_out_users, hide_scores
from anirec.recommenders import expectations, reranking
from anirec.recommenders.blend import Blend, BlendWeights
from anirec.recommenders.blending import BlendConfig, learn, whole_and_cut
from anirec.recommenders.candidates import Described
from anirec.recommenders.expectations import Expectations, Expecting
from anirec.recommenders.newcomers import Newcomers
from anirec.recommenders.reranking import Learned, RerankConfig
from anirec.service.card import model_card
from anirec.service.lenses import Lens, Unseen, fit_similar
from anirec.service.progress import Progress
from anirec.stores.bundle import BundleContent, write_bundle
from anirec.stores.facts import write_facts, write_titles
from anirec.tables import full_list_sources, sha256

PERSONAL: Final = "ease"
BLEND: Final = "blend"
SIMILAR: Final = "similar"

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

    parts: of the blend, by name, `ease` among them. readings: how the blend looks at each, see `recommenders.blend`.
    extra: further models, by name. lenses: of `similar`, by name, besides the viewers' one, which is `ease`. default:
    the model that is served. config: what all were configured with. blend: how its weights are learned. newcomers:
    how the blend places titles that few have rated; None = as its parts do. reranking: how it is learned to order the
    front anew; None = it is not. expecting: how it is learned what the blend's chances mean to a person; None = it is
    not. n_validation: users held out to learn all this from, at most. seed: of everything that is drawn.
    """

    parts: Mapping[str, Fit]
    readings: Mapping[str, str]
    config: Mapping[str, Any]
    extra: Mapping[str, Fit] = field(default_factory=dict)
    lenses: Mapping[str, Lens] = field(default_factory=dict)
    default: str = BLEND
    blend: BlendConfig = field(default_factory=BlendConfig)
    newcomers: Callable[[Dataset], Newcomers] | None = None
    reranking: RerankConfig | None = field(default_factory=RerankConfig)
    expecting: Expecting | None = field(default_factory=Expecting)
    n_validation: int = 3000
    seed: int = 0


@dataclass(frozen=True)
class Material:
    """What is learned from.

    full_lists: sources that hold whole lists; None = all. facts: for the manifest. pairs: what people named together.
    """

    folder: Path
    dataset: Dataset
    catalogue: Catalogue
    full_lists: frozenset[str] | None
    facts: Mapping[str, Any]
    pairs: Pairs = NO_PAIRS

    def of_exam(self, exam: Exam) -> Material:
        """Return the material without what an exam asks for besides ratings, for models that learn from that, too."""
        return self if exam.pairs is None else replace(self, pairs=exam.pairs)

    def has(self, text: str) -> bool:
        """Return whether there is a table of this kind of text, one of `prepare.documents.TEXTS`."""
        return text in self.facts.get("texts", {})


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
        "tables": _hashes(folder, READ),
        "texts": _hashes(folder, TEXTS),
        "users": dataset.n_users,
        "list_entries": dataset.n_rows,
        "likes": int(dataset.liked.sum()),
        "anime": len(catalogue),
        "sources": list(dataset.source_names),
    }
    return Material(folder, dataset, catalogue, frozenset(full) or None, facts, read_pairs(folder))


def _hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each of these tables that there is."""
    return {name: sha256(folder / f"{name}.parquet") for name in names if (folder / f"{name}.parquet").is_file()}


@dataclass(frozen=True)
class Trained:
    """What training made. sha256: stands for the whole bundle. report, card: on validation users."""

    sha256: str
    report: Report
    card: str


def train(material: Material, out: Path, recipe: Recipe, progress: Progress, *, engine: Engine = LOCAL) -> Trained:
    """Fit everything and write a bundle. Same data, same seed, same hash.

    engine: where validation users are asked; the models of the recipe have theirs, see `checkpoints.Watch`.

    Raises:
        BadTable: too few users to choose the blend's weights on.
    """
    weighed = _weigh(material, material.dataset, recipe, progress)
    parts = _fit(material.dataset, recipe.parts, recipe.seed, progress, "fitting on everybody")
    models: dict[str, Storable] = {
        **parts,
        **_fit(material.dataset, recipe.extra, recipe.seed, progress, "fitting what else was asked for"),
        BLEND: replace(
            _blend(material, recipe, parts, weighed, material.dataset),
            expects=_expectations(weighed, material, recipe, progress),
        ),
    }
    viewers = (PERSONAL, parts[PERSONAL])
    choice = fit_similar(
        material.dataset,
        material.catalogue,
        material.pairs,
        viewers,
        recipe.lenses,
        seed=recipe.seed,
        progress=progress,
        unseen=weighed.unseen,
    )
    models |= {**choice.parts, SIMILAR: choice.similar}
    with tempfile.TemporaryDirectory() as work:
        tables = {name: Path(work) / name for name in ("anime.parquet", "titles.parquet")}
        write_facts(material.folder, tables["anime.parquet"])
        write_titles(material.folder, tables["titles.parquet"])
        tables["card.md"] = Path(work) / "card.md"
        found = weighed.report(engine)
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
                "reranker": {"users": len(weighed.reranked.judged), "ndcg@10": dict(weighed.reranked.found)},
            },
        )
        return Trained(write_bundle(out, content), found, card)


def evaluate(  # noqa: PLR0913 - what there is to be said, each by its name
    material: Material,
    recipe: Recipe,
    exam: Exam,
    *,
    extra: Mapping[str, FitAny],
    progress: Progress,
    popularity: float = 0.0,
    foreign: Mapping[str, Sequence[NDArray[np.int32]]] | None = None,
    examples: int = 0,
    engine: Engine = LOCAL,
) -> Report:
    """Fit on what an exam lets be learned and report how well its cases are served; see `evaluate.run`.

    material, recipe: of no more than the exam lets be learned, see `Material.of_exam`. Where pairs of titles are asked
    for, the lenses of `similar` take the place of the blend and its parts.

    extra: models to be fitted on the same train data and shown beside, besides those of the recipe. popularity: where
    the slider stands. foreign: what other systems recommend to each case, by name. examples, engine: see
    `evaluate.run`.

    Raises:
        BadTable: too few users to choose the blend's weights on.
    """
    asked = _personal if exam.pairs is None else _alike
    models = asked(material, recipe, exam, progress)
    for name, fit in (dict(recipe.extra) | dict(extra)).items():
        models[name] = fit(exam.train, np.random.default_rng([recipe.seed, 3]))
    made_with = {"data": material.facts["tables"], "config": dict(recipe.config), "popularity": popularity}
    return run(
        models,
        replace(exam, parameters={**exam.parameters, **made_with}),
        material.catalogue,
        rng=np.random.default_rng([recipe.seed, 4]),
        progress=progress,
        popularity=popularity,
        foreign=foreign,
        examples=examples,
        engine=engine,
    )


def _personal(material: Material, recipe: Recipe, exam: Exam, progress: Progress) -> dict[str, Recommender]:
    """Return what is asked for whole profiles."""
    blend = fit_blend(material, exam.train, recipe, progress)
    return {PERSONAL: blend.parts[PERSONAL], BLEND: blend}


def _alike(material: Material, recipe: Recipe, exam: Exam, progress: Progress) -> dict[str, Recommender]:
    """Return what is asked for one title: the lenses of `similar`, each alone and together."""
    viewers = _fit(exam.train, {PERSONAL: recipe.parts[PERSONAL]}, recipe.seed, progress, "fitting for the test")
    choice = fit_similar(
        exam.train,
        material.catalogue,
        exam.pairs or NO_PAIRS,
        (PERSONAL, viewers[PERSONAL]),
        recipe.lenses,
        seed=recipe.seed,
        progress=progress,
    )
    return {SIMILAR: choice.similar, **{f"{SIMILAR}-{lens}": choice.similar.by(lens) for lens in choice.similar.lenses}}


def exam_of(material: Material, protocol: str, users: int, seed: int) -> Exam:
    """Return what a protocol makes of the material; see `evaluate.protocols`.

    Raises:
        InputError: there is no such protocol, or the material lacks what it needs.
        BadTable: too few users to hold any out.
    """
    make = protocols.protocol(protocol)
    exam = make(
        material.dataset,
        protocols.Asked(
            users=users, seed=seed, max_share=TEST_SHARE, full_lists=material.full_lists, pairs=material.pairs
        ),
    )
    _need_cases(exam.cases, exam.train, material)
    return exam


def test_split(material: Material, n_users: int, seed: int) -> Split:
    """Return the users that models are tested on, and what is left to learn from; see `held_out_users`.

    Raises:
        BadTable: too few users to hold any out.
    """
    exam = exam_of(material, protocols.DEFAULT, n_users, seed)
    return Split(exam.train, exam.cases)


def fit_blend(material: Material, dataset: Dataset, recipe: Recipe, progress: Progress) -> Blend:
    """Return the blend as it would be served if a dataset, the material's or a part of it, were all that there is.

    Raises:
        BadTable: too few users to choose the blend's weights on.
    """
    weighed = _weigh(material, dataset, recipe, progress)
    parts = _fit(dataset, recipe.parts, recipe.seed, progress, "fitting for the test")
    return _blend(material, recipe, parts, weighed, dataset)


def _blend(
    material: Material, recipe: Recipe, parts: Mapping[str, Storable], weighed: _Weighed, dataset: Dataset
) -> Blend:
    """Return the blend of parts that were fitted on a dataset, with what was learned on others."""
    blend, reranker = _pooled(recipe, parts, weighed.blend.weights, dataset), weighed.reranked.reranker
    if reranker is None:
        return blend
    return replace(blend, reranker=replace(reranker, described=_described(blend, dataset, material.catalogue)))


def _pooled(recipe: Recipe, parts: Mapping[str, Storable], weights: BlendWeights, dataset: Dataset) -> Blend:
    return Blend(parts, recipe.readings, weights, recipe.newcomers(dataset) if recipe.newcomers else None)


def _described(blend: Blend, dataset: Dataset, catalogue: Catalogue) -> Described:
    likes = np.zeros(len(blend.items), dtype=np.float32)
    rows, known = found_in(dataset.anime_ids, blend.items)
    likes[known] = dataset.like_counts()[rows]
    return Described.of(blend.items, likes, catalogue)


def _expectations(weighed: _Weighed, material: Material, recipe: Recipe, progress: Progress) -> Expectations | None:
    """Return what the blend's chances mean, learned on validation users with parts that never saw them.

    How people score which title is then taken from everybody.
    """
    config, personal = recipe.expecting, weighed.blend.parts[PERSONAL]
    if config is None or not isinstance(personal, Personal):
        return None
    rng = np.random.default_rng([recipe.seed, 9])
    users = [case.user_id for case in weighed.jury]
    drawn = rng.choice(users, min(config.users, len(users)), replace=False).tolist()
    found = expectations.fit(
        weighed.blend,
        personal,
        expectations.Offsets.of(weighed.split.train, config),
        hide_scores(material.dataset, drawn, config.share, rng),
        config,
        rng,
        partial(progress, "learning what chances mean"),
    )
    return found and found.carried_over(expectations.Offsets.of(material.dataset, config))


@dataclass(frozen=True)
class _Weighed:
    """What validation users are good for: the blend's weights, its reranker, a report on them, and weights of lenses.

    split: these users, and who is left. blend: of parts fitted on who is left, as it would be served. jury: users who
    may judge it, as no net of its reranker has seen them.
    """

    split: Split
    blend: Blend
    jury: tuple[Case, ...]
    reranked: Learned
    report: Callable[[Engine], Report]
    unseen: Unseen


def _weigh(material: Material, dataset: Dataset, recipe: Recipe, progress: Progress) -> _Weighed:
    """Learn what is learned on validation users whom the parts have not seen; see `blending` and `reranking`."""
    split = held_out_users(
        dataset,
        n_users=recipe.n_validation,
        max_share=VALIDATION_SHARE,
        rng=np.random.default_rng([recipe.seed, 2]),
        eligible_sources=material.full_lists,
    )
    _need_cases(split.cases, split.train, material)
    parts = _fit(split.train, recipe.parts, recipe.seed, progress, "fitting to learn weights")
    rng = np.random.default_rng([recipe.seed, 8])
    cases = whole_and_cut(split, recipe.blend, rng)
    weights = learn(parts, recipe.readings, cases, recipe.blend, rng, partial(progress, "learning weights"))
    blend = _pooled(recipe, parts, weights, split.train)
    reranked, jury = _reranked(material, dataset, split, blend, recipe, progress), split.cases
    if reranked.trial is not None:
        blend = replace(blend, reranker=reranked.trial)
        jury = tuple(case for case in split.cases if case.user_id in reranked.judged)

    def report(engine: Engine) -> Report:
        return run(
            {PERSONAL: parts[PERSONAL], BLEND: blend},
            Exam("validation-users", 1, {"users": len(jury), "seed": recipe.seed}, split.train, jury),
            material.catalogue,
            rng=np.random.default_rng([recipe.seed, 5]),
            progress=progress,
            engine=engine,
        )

    return _Weighed(split, blend, jury, reranked, report, Unseen(parts[PERSONAL], split.few(1).cases))


def _reranked(
    material: Material, dataset: Dataset, split: Split, blend: Blend, recipe: Recipe, progress: Progress
) -> Learned:
    if recipe.reranking is None:
        return Learned()
    rng = np.random.default_rng([recipe.seed, 10])
    cases = reranking.cases_of(dataset, split, recipe.reranking, rng)
    described = _described(blend, split.train, material.catalogue)
    return reranking.learn(blend, described, cases, recipe.reranking, rng, partial(progress, "learning to rerank"))


def _fit(dataset: Dataset, fits: Mapping[str, Fit], seed: int, progress: Progress, stage: str) -> dict[str, Storable]:
    fitted: dict[str, Storable] = {}
    for done, (name, fit) in enumerate(fits.items()):
        progress(stage, done, len(fits))
        fitted[name] = fit(dataset, np.random.default_rng([seed, 3]))
    progress(stage, len(fits), len(fits))
    return fitted


def _need_cases(cases: Sequence[Case], train: Dataset, material: Material) -> None:
    if not cases or not train.liked.any():
        raise BadTable(
            f"the ratings in {material.folder} hold too few users with 5 likes or more "
            f"({len(cases)} could be held out); import more lists"
        )
