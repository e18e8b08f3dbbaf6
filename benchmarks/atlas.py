"""Measure maps: of what they are best made, with which library, and how long it takes; file the figures.

    python benchmarks/atlas.py spaces DIR       the same titles laid out by several kinds of likeness
    python benchmarks/atlas.py libraries DIR    the same likeness laid out by several libraries
    python benchmarks/atlas.py speed            `anirec map` on the starter bundle, step by step

DIR: a canonical folder with recommendations. A fifth of the pairs that people name is held back: the crowd's lens is
fitted on the rest, and a map is good if the two of a held-back pair (of different franchises) stand together on it.
Further facts that it is judged by: titles of one franchise, and labels shared with neighbours of other franchises
(these two are known in part to likeness itself). All maps have the same titles: those that EASE of the starter bundle
knows, or the best known of them (--titles).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds
from scipy.spatial import cKDTree

from anirec.atlas import layout, trust
from anirec.atlas.alike import Alike, GraphConfig, answers, ask
from anirec.atlas.layout import LayoutConfig
from anirec.core.catalogue import rows_of
from anirec.prepare.dataset import Dataset, read_dataset
from anirec.prepare.pairs import read_pairs
from anirec.recommenders import co_rating, content, crowd, ease
from anirec.recommenders.similar import FAME, Similar
from anirec.service.mapping import MapConfig
from anirec.service.recommend import Service
from anirec.wiring.serve import load, starter_bundle
from filing import file_section, peak_mb, source, surroundings

TESTED: Final = 0.2
ASKED: Final = 4000
"""Held-back pairs that are looked at, each from one of its ends, drawn by chance."""
JUDGED: Final = 500
KS: Final = (10, 30)
DIMENSIONS: Final = 100
PERPLEXITY: Final = 30
SEED: Final = 0


@dataclass(frozen=True)
class World:
    """What all maps are made and judged by.

    ids: int32 [n]. alike: what the blend says, the crowd's lens without the held-back pairs. franchise: int32 [n].
    labels: bool [n, labels]. one, other: int64 [p] rows of the held-back pairs.
    """

    service: Service
    similar: Similar
    dataset: Dataset
    ids: NDArray[np.int32]
    alike: Alike
    franchise: NDArray[np.int32]
    labels: NDArray[np.bool_]
    one: NDArray[np.int64]
    other: NDArray[np.int64]


def main() -> None:
    """Run what was asked for and file it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    for name in ("spaces", "libraries"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path, help="a canonical folder")
        command.add_argument("--titles", type=int, default=100_000, help="the best known so many only")
    commands.add_parser("speed")
    asked = parser.parse_args()
    at = source()
    if at["changed_since_commit"]:
        print("the package differs from the commit: commit first, or the figures are filed under the wrong one")
    found = speed() if asked.what == "speed" else compared(asked.what, asked.folder, asked.titles)
    print(file_section(at["commit"], f"atlas_{asked.what}", found | surroundings() | at))


def world_of(folder: Path, most: int) -> World:
    """Hold pairs back, refit the lens that would know them, and ask what is alike."""
    service = load(starter_bundle())
    whole = service.models["similar"]
    known = whole.lenses.get("crowd") if isinstance(whole, Similar) else None
    if not isinstance(whole, Similar) or not isinstance(known, crowd.Crowd):
        raise SystemExit("the starter bundle's similar has no lens of the crowd")
    dataset = read_dataset(folder)
    learned, tested = read_pairs(folder).parted(TESTED, np.random.default_rng([SEED, 8]))
    refitted = crowd.fit(dataset, known.config, np.random.default_rng(SEED), pairs=learned)
    similar = replace(whole, lenses={**whole.lenses, "crowd": refitted})
    ids = _best_known(service, most)
    graph = GraphConfig(least=float(FAME))
    alike = ask(similar, ids, graph, partial(_say, "asking what is alike"))
    full = (alike.others >= 0).all(axis=1)
    if not full.all():  # libraries want as many neighbours of each
        ids = ids[full]
        alike = ask(similar, ids, graph, partial(_say, "asking what is alike"))
    rows = service.catalogue.rows_of(ids)
    franchise = service.catalogue.franchise[rows]
    tested = tested.known_to(ids)
    one, other = rows_of(ids, tested.first), rows_of(ids, tested.second)
    rng = np.random.default_rng([SEED, 16])
    drawn = rng.permutation(np.flatnonzero(franchise[one] != franchise[other]))[:ASKED]
    swap = rng.random(len(drawn)) < 0.5
    one, other = np.where(swap, one[drawn], other[drawn]), np.where(swap, other[drawn], one[drawn])
    labels = service.catalogue.labels
    flags = np.unpackbits(labels.bits, axis=1, count=len(service.catalogue))[:, rows].T.astype(np.bool_)
    return World(service, similar, dataset, ids, alike, franchise, flags, one, other)


def _best_known(service: Service, most: int) -> NDArray[np.int32]:
    """Return the ids, ascending, of the rated titles with most members."""
    ids = np.asarray(service.models["ease"].items)
    members = service.catalogue.members[service.catalogue.rows_of(ids)].astype(np.int64)
    return np.sort(ids[np.argsort(-members, kind="stable")[:most]])


def _say(stage: str, done: int, total: int) -> None:
    if done % 2048 == 0:
        print(f"{stage}: {done:,} of {total:,}", file=sys.stderr, flush=True)


def compared(what: str, folder: Path, most: int) -> dict[str, Any]:
    """Make every map and judge it."""
    world = world_of(folder, most)
    makers = SPACES if what == "spaces" else LIBRARIES
    rows: dict[str, Any] = {}
    for name, make in makers.items():
        started, spent = time.perf_counter(), time.process_time()
        xy = make(world)
        seconds = {"seconds": round(time.perf_counter() - started, 1), "cpu": round(time.process_time() - spent, 1)}
        rows[name] = judged(world, xy) | seconds
        print(name, rows[name], flush=True)
    found = {"titles": len(world.ids), "pairs": len(world.one), "rows": rows}
    return found if what == "spaces" else found | {"packages": _packages()}


def judged(world: World, xy: NDArray[np.float64]) -> dict[str, float]:
    """Return how well a map keeps what is known: shares 0..1, and places from 1.

    pairs@k: held-back pairs of which the one is among the k nearest of the other; place: in the median. mates@30:
    titles of its franchise among a title's 30 nearest, of those that could be. labels@30: the share of labels that
    a title and its 30 nearest of other franchises have in common (Jaccard). trustworthiness, continuity: beside the
    blend's order.
    """
    n = len(xy)
    places = np.empty(len(world.one), dtype=np.int64)
    for i, (one, other) in enumerate(zip(world.one, world.other, strict=True)):
        away = ((xy - xy[one]) ** 2).sum(axis=1)
        places[i] = max(int((away < away[other]).sum()), 1)
    near = np.asarray(cKDTree(xy).query(xy, k=31)[1])
    near = np.array([row[row != i][:30] for i, row in enumerate(near)])
    same = world.franchise[near] == world.franchise[:, np.newaxis]
    mates = np.bincount(world.franchise)[world.franchise] - 1
    have = mates > 0
    strangers = np.nonzero(~same)
    mine, theirs = world.labels[strangers[0]], world.labels[near[strangers]]
    shared = (mine & theirs).sum(axis=1) / np.maximum((mine | theirs).sum(axis=1), 1)
    drawn = np.sort(np.random.default_rng([SEED, 17]).permutation(n)[:JUDGED])
    found = trust.measure(partial(answers, world.similar, world.ids), {"map": xy.astype(np.float32)}, drawn, KS)["map"]
    return {
        **{f"pairs@{k}": round(float((places <= k).mean()), 4) for k in (10, 30, 100)},
        "place": float(np.median(places)),
        "mates@30": round(float((same[have].sum(axis=1) / np.minimum(mates[have], 30)).mean()), 4),
        "labels@30": round(float(shared.mean()), 4),
        **{f"trustworthiness@{k}": round(v, 4) for k, v in found.trustworthiness.items()},
        **{f"continuity@{k}": round(v, 4) for k, v in found.continuity.items()},
    }


def by_chance(world: World) -> NDArray[np.float64]:
    """Return a layout that knows nothing."""
    return np.random.default_rng([SEED, 18]).random((len(world.ids), 2))


def graph_map(world: World, config: LayoutConfig = LayoutConfig()) -> NDArray[np.float64]:  # noqa: B008 - frozen
    """Return the layout that `anirec map` makes."""
    pull = layout.pulls(world.alike, np.arange(len(world.ids)), config)
    return layout.lay_out(pull, config, SEED)


def vector_map(vectors: Callable[[World], NDArray[np.float64]], world: World) -> NDArray[np.float64]:
    """Return t-SNE over the cosines of vectors in its usual settings; titles without a vector stand by chance."""
    from openTSNE import TSNE, affinity, initialization

    of = vectors(world)
    has = np.linalg.norm(of, axis=1) > 0
    xy = np.empty((len(of), 2))
    affinities = affinity.PerplexityBasedNN(of[has], PERPLEXITY, metric="cosine", random_state=SEED)
    start = initialization.pca(of[has], random_state=SEED)
    xy[has] = TSNE(random_state=SEED, ints_in_interval=2).fit(affinities=affinities, initialization=start)
    low, high = xy[has].min(axis=0), xy[has].max(axis=0)
    xy[~has] = low + (high - low) * np.random.default_rng([SEED, 19]).random((int((~has).sum()), 2))
    return xy


def principal_map(world: World) -> NDArray[np.float64]:
    """Return the first two principal components of the blend's answers."""
    return _svd(world.alike.mutual().astype(np.float64), 3)[:, :2]


def viewers(world: World) -> NDArray[np.float64]:
    """Return truncated SVD of what EASE takes two titles to say for one another (negative weights left out)."""
    model = world.service.models["ease"]
    if not isinstance(model, ease.Ease):
        raise SystemExit("the starter bundle has no EASE")
    n = len(model.items)
    weights = model.steps.astype(np.float64) * model.scales[model.targets].astype(np.float64)
    matrix = sparse.csr_array((np.maximum(weights, 0), model.targets.astype(np.int64), model.indptr), shape=(n, n))
    rows = rows_of(model.items, world.ids)
    return _svd(_normalised(matrix + matrix.T)[rows][:, rows], DIMENSIONS)


def about(world: World) -> NDArray[np.float64]:
    """Return truncated SVD of labels, tags, studios, kinds and eras."""
    model = world.service.models["similar-genres"]
    if not isinstance(model, content.Content):
        raise SystemExit("the starter bundle has no lens of genres")
    shape = (len(model.items), model.n_features)
    matrix = sparse.csr_array((model.values.astype(np.float64), model.features, model.indptr), shape=shape)
    own = np.isin(world.ids, model.items)
    vectors = np.zeros((len(world.ids), DIMENSIONS))
    vectors[own] = _svd(matrix[rows_of(model.items, world.ids)], DIMENSIONS)
    return vectors


def rated_together(world: World) -> NDArray[np.float64]:
    """Return co-rating vectors, trained here: the bundle does not have them."""
    model = co_rating.fit(world.dataset, co_rating.CoRatingConfig(), np.random.default_rng(SEED))
    vectors = np.zeros((len(world.ids), model.vectors.shape[1]))
    own = np.isin(world.ids, model.items)
    vectors[own] = model.vectors[rows_of(model.items, world.ids)]
    return vectors


def blended(world: World) -> NDArray[np.float64]:
    """Return truncated SVD of the blend's answers."""
    return _svd(_normalised(world.alike.mutual().astype(np.float64)), DIMENSIONS)


def _normalised(matrix: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    root = sparse.diags_array(1 / np.sqrt(np.maximum(matrix.sum(axis=1), 1e-12)))
    return sparse.csr_array(root @ matrix @ root)


def _svd(matrix: sparse.csr_array[np.float64], k: int) -> NDArray[np.float64]:
    start = np.random.default_rng([SEED, 20]).random(min(matrix.shape))
    left, sizes, _ = svds(matrix, k=k, v0=start)
    return np.asarray((left * sizes)[:, ::-1])


def usual_open_tsne(world: World) -> NDArray[np.float64]:
    """Return openTSNE's layout with the usual perplexity over one less the blend's scores."""
    from openTSNE import TSNE, affinity

    n = len(world.ids)
    many = np.full(n, float(PERPLEXITY))
    joint = affinity.joint_probabilities_nn(world.alike.others, _distances(world), many)
    pull = sparse.csr_array(joint)
    start = layout.spectrum(pull, SEED)
    own = affinity.PrecomputedAffinities(joint)
    return np.asarray(TSNE(random_state=SEED, ints_in_interval=2).fit(affinities=own, initialization=start))


def scikit_learn(world: World) -> NDArray[np.float64]:
    """Return scikit-learn's Barnes-Hut layout over the same distances."""
    from sklearn.manifold import TSNE

    n, k = world.alike.others.shape
    away = sparse.csr_matrix((_distances(world).ravel(), world.alike.others.ravel(), np.arange(0, n * k + 1, k)))
    start = layout.spectrum(layout.pulls(world.alike, np.arange(n), LayoutConfig()), SEED)
    tsne = TSNE(
        metric="precomputed", init=start.astype(np.float32), perplexity=PERPLEXITY, random_state=SEED, max_iter=750
    )
    return np.asarray(tsne.fit_transform(away), dtype=np.float64)


def umap_learn(world: World) -> NDArray[np.float64]:
    """Return UMAP's layout over the same distances, 30 neighbours each."""
    import umap

    n = len(world.ids)
    others = np.concatenate([np.arange(n)[:, np.newaxis], world.alike.others[:, : PERPLEXITY - 1]], axis=1)
    away = np.concatenate([np.zeros((n, 1)), _distances(world)[:, : PERPLEXITY - 1]], axis=1).astype(np.float32)
    reducer = umap.UMAP(
        n_neighbors=PERPLEXITY, min_dist=0.1, random_state=SEED, n_jobs=1, precomputed_knn=(others, away, None)
    )
    return np.asarray(reducer.fit_transform(np.zeros((n, 2), np.float32)), dtype=np.float64)


def _distances(world: World) -> NDArray[np.float64]:
    """Return float64 [n, most]: how far the blend's answers are from the best that it can say."""
    scores = world.alike.scores.astype(np.float64)
    return np.asarray(np.maximum(scores.max() - scores, 1e-6))


def _packages() -> dict[str, Any]:
    """Return of each library its version, licence and what it and what it alone brings take up, in MB."""
    found = {}
    for name, brings in {
        "openTSNE": ("openTSNE",),
        "scikit-learn": ("scikit-learn", "joblib", "threadpoolctl", "narwhals"),
        "umap-learn": ("umap-learn", "pynndescent", "numba", "llvmlite"),
    }.items():
        files = [Path(str(file.locate())) for one in brings for file in distribution(one).files or ()]
        sizes = [file.stat().st_size for file in files if file.is_file()]
        found[name] = {"version": version(name), "megabytes": round(sum(sizes) / 1e6, 1), "brings": list(brings)}
    return found


SPACES: Final[Mapping[str, Callable[[World], NDArray[np.float64]]]] = {
    "random": by_chance,
    "principal components of the blend": principal_map,
    "viewers: EASE, SVD": partial(vector_map, viewers),
    "genres: content, SVD": partial(vector_map, about),
    "co-rating vectors": partial(vector_map, rated_together),
    "blend, SVD": partial(vector_map, blended),
    "blend, 50 answers, sharpness 2": partial(graph_map, config=LayoutConfig(near=50)),
    "blend, 100 answers, sharpness 1": partial(graph_map, config=LayoutConfig(sharpness=1.0)),
    "blend, 100 answers, sharpness 3": partial(graph_map, config=LayoutConfig(sharpness=3.0)),
    "blend, 100 answers, sharpness 2": graph_map,
}
LIBRARIES: Final[Mapping[str, Callable[[World], NDArray[np.float64]]]] = {
    "openTSNE, as `anirec map`": graph_map,
    "openTSNE, perplexity 30": usual_open_tsne,
    "scikit-learn, perplexity 30": scikit_learn,
    "umap-learn, 30 neighbours": umap_learn,
}


def speed() -> dict[str, Any]:
    """Time `anirec map` on the starter bundle, step by step, in CPU seconds of one core."""
    from anirec.service.mapping import make_map

    service = load(starter_bundle())
    spent: dict[str, float] = {}
    last = [("", time.process_time())]

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage != last[0][0]:
            _close(spent, last, stage)

    started, began = time.perf_counter(), time.process_time()
    made = make_map(service, MapConfig(), seed=SEED, progress=progress)
    _close(spent, last, "")
    spent.pop("", None)
    return {
        "cpu": {stage: round(seconds, 1) for stage, seconds in spent.items()},
        "cpu_in_all": round(time.process_time() - began, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": peak_mb(),
        "bytes": sum(array.nbytes for array in made.state().arrays.values()),
        "facts": {name: value for name, value in made.facts.items() if name not in ("config",)},
    }


def _close(spent: dict[str, float], last: list[tuple[str, float]], stage: str) -> None:
    now = time.process_time()
    before, since = last[0]
    spent[before] = spent.get(before, 0.0) + now - since
    last[0] = (stage, now)


if __name__ == "__main__":
    main()
