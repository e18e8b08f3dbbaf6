"""Making a map of a bundle's titles: what `anirec map` does.

similar, of every title -> Alike ─┬─► mutual ──► neighbours, communities, genre
                                  └─► pulls ──► layout of rated titles ─► others beside them ─► turned, fitted ─► labels
                                                                      └─► trustworthiness, beside PCA and chance
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.atlas import areas, communities, layout, trust
from anirec.atlas.alike import Alike, GraphConfig, answers, ask, neighbours_of
from anirec.atlas.atlas import Atlas, tied
from anirec.atlas.communities import CommunityConfig
from anirec.atlas.layout import LayoutConfig
from anirec.atlas.naming import Words
from anirec.core.anime import Anime
from anirec.core.errors import InputError, MissingAbility
from anirec.core.protocols import Recommender
from anirec.recommenders.similar import FAME
from anirec.service.progress import Progress
from anirec.service.recommend import Service

if TYPE_CHECKING:
    from scipy import sparse

NEEDED: Final = ("openTSNE", "networkx", "scipy")
KS: Final = (10, 30)
"""Neighbours that trustworthiness looks at."""
TAG_WORTH: Final = 0.5
"""What a tag counts beside a label where an area is named."""
FEWEST: Final = 100
"""Titles that a map needs to be one."""


@dataclass(frozen=True)
class MapConfig:
    """How a map is made. judged: titles that trustworthiness is measured on, drawn by chance."""

    graph: GraphConfig = field(default_factory=lambda: GraphConfig(least=float(FAME)))
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    communities: CommunityConfig = field(default_factory=CommunityConfig)
    judged: int = 500


def make_map(
    service: Service, config: MapConfig, *, seed: int, progress: Progress, earlier: Atlas | None = None
) -> Atlas:
    """Make the map of all titles that the bundle's `similar` may find. Same bundle and seed, same map on one machine.

    earlier: a map that this one is turned to lie upon, as far as they share titles.

    Raises:
        InputError: there are too few titles of which enough is known.
        MissingAbility: what a layout or communities need is not installed.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:  # before minutes are spent on asking
        raise MissingAbility(f'making a map needs {" and ".join(missing)}: pip install "anirec[map]"')
    model = service.models[service.similar_model]
    ids = np.asarray(model.items)
    rows = service.catalogue.rows_of(ids)
    alike = ask(model, ids, config.graph, partial(progress, "asking what is alike"))
    laid, pull = _laid(alike, np.isin(ids, service.explainer.items), config.layout)
    found = layout.lay_out(pull, config.layout, seed, partial(progress, "laying out"))
    beside, there = layout.set_beside(alike, laid, found)
    placed = np.sort(np.concatenate([laid, beside]))
    flat = np.zeros((len(ids), 2))
    flat[laid], flat[beside] = found, there
    flat[placed] = layout.fitted(_turned(flat[placed], ids[placed], service, earlier))
    alone = np.setdiff1d(np.arange(len(ids)), placed)
    flat[alone] = layout.disc(len(alone))
    progress("finding communities", 0, 1)
    members = service.catalogue.members[rows]
    neighbours, weights = neighbours_of(alike.mutual(), service.catalogue.franchise[rows], config.graph)
    community = _communities(tied(neighbours, weights), laid, members, config.communities, seed)
    progress("finding communities", 1, 1)
    facts = service.facts.of(ids.tolist())
    told = [facts.get(anime_id, Anime(anime_id, "")) for anime_id in ids.tolist()]
    known = areas.Known(
        words=Words.of([_words(anime) for anime in told], _worth(told)),
        members=members,
        adult=service.catalogue.adult[rows],
        ids=ids,
        names=[anime.title_english or anime.title for anime in told],
    )
    genre, genres = areas.genres_of([anime.genres for anime in told], neighbours)
    xy = flat.astype(np.float32)
    judged = _judged(model, ids, {"laid_out": laid, "placed": placed}, xy, pull, config, seed, progress)
    return Atlas(
        ids=ids.astype(np.int32),
        xy=xy,
        community=community,
        genre=genre,
        neighbours=neighbours,
        weights=weights,
        genres=genres,
        labels=(*areas.labels_of(flat, placed, community, known, seed), *areas.label_of_disc(len(alone))),
        facts={
            "method": "t-SNE (openTSNE) over the graph of likeness; others beside what they are most like",
            "seed": seed,
            "made_of": {"model": service.similar_model, "sha256": _fingerprint(service)},
            "config": asdict(config),
            "points": len(ids),
            "laid_out": len(laid),
            "set_beside": len(beside),
            "alone": len(alone),
            "communities": int(community.max(initial=-1)) + 1,
            **judged,
        },
    )


def _fingerprint(service: Service) -> str:
    """Return what stands for the models and the catalogue that a map is made of: the hash of their files' hashes."""
    made_of = ("models/", "catalogue/")
    hashes = {name: of["sha256"] for name, of in service.manifest["files"].items() if name.startswith(made_of)}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _laid(
    alike: Alike, rated: NDArray[np.bool_], config: LayoutConfig
) -> tuple[NDArray[np.int64], sparse.csr_array[np.float64]]:
    """Return the rows of rated titles that hang together with others, and how they pull."""
    laid = np.flatnonzero(rated & alike.known())
    while True:
        if len(laid) < FEWEST:
            raise InputError(
                f"a map needs {FEWEST} titles that are rated and like one another; this bundle has {len(laid)}"
            )
        pull = layout.pulls(alike, laid, config)
        kept = layout.hang_together(pull)
        if kept.all():
            return laid, pull
        laid = laid[kept]


def _turned(
    places: NDArray[np.float64], ids: NDArray[np.int32], service: Service, earlier: Atlas | None
) -> NDArray[np.float64]:
    """Return the places as an earlier map lay, or else with later years on the right and better known ones on top."""
    if earlier is not None:
        shared = np.flatnonzero(np.isin(ids, earlier.ids))
        if len(shared) >= layout.SHARED:
            theirs = earlier.xy[earlier.rows_of(ids[shared])].astype(np.float64)
            return layout.laid_upon(places, shared, theirs)
    rows = service.catalogue.rows_of(ids)
    years = service.catalogue.years[rows].astype(np.float64)
    fame = np.log1p(service.catalogue.members[rows].astype(np.float64))
    return layout.turned(places, np.where(years > 0, years, np.nan), fame)


def _communities(
    graph: sparse.csr_array[np.float64],
    laid: NDArray[np.int64],
    members: NDArray[np.int32],
    config: CommunityConfig,
    seed: int,
) -> NDArray[np.int16]:
    """Return the communities of laid out titles, and for all others that to which their neighbours tie them."""
    community = np.full(graph.shape[0], communities.NONE, dtype=np.int16)
    community[laid] = communities.find(graph[laid][:, laid], members[laid], config, seed)
    others = np.setdiff1d(np.arange(graph.shape[0]), laid)
    ties = communities.tied(graph, community, others)
    strong = ties.max(axis=1, initial=0) > 0
    community[others[strong]] = ties[strong].argmax(axis=1)
    return community


def _words(anime: Anime) -> list[str]:
    """Return what an area may be called after: labels, tags, the decade, and the kind where it is not the usual one."""
    words = [*anime.genres, *anime.themes, *anime.demographics, *anime.tags]
    if anime.year:
        words.append(f"{anime.year // 10 * 10}s")
    if anime.type and anime.type not in ("TV", "Unknown"):
        words.append(anime.type)
    return words


def _worth(told: Sequence[Anime]) -> dict[str, float]:
    """Return what a word counts beside others: what titles are about first, then who is in them, then when and how."""
    worth = {word: TAG_WORTH for anime in told for word in anime.tags}
    worth |= {word: 1.0 for anime in told for word in (*anime.genres, *anime.themes, *anime.demographics)}
    return worth


def _judged(
    model: Recommender,
    ids: NDArray[np.int32],
    sets: Mapping[str, NDArray[np.int64]],
    xy: NDArray[np.float32],
    pull: sparse.csr_array[np.float64],
    config: MapConfig,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return by name of a set of titles how far its layout can be believed, beside chance and, where laid out, PCA."""
    found: dict[str, Any] = {}
    for done, (name, rows) in enumerate(sets.items()):
        progress("measuring trustworthiness", done, len(sets))
        rng = np.random.default_rng([seed, 14])
        layouts = {"map": xy[rows], "random": rng.random((len(rows), 2), dtype=np.float32)}
        if len(rows) == pull.shape[0]:
            layouts["pca"] = _principal(pull, seed)
        drawn = np.sort(rng.permutation(len(rows))[: config.judged])
        of_set = partial(answers, model, ids[rows])
        measured = trust.measure(of_set, layouts, drawn, _fitting(len(rows)))
        found[name] = {
            layout_name: {
                "trustworthiness": {str(k): round(v, 4) for k, v in of.trustworthiness.items()},
                "continuity": {str(k): round(v, 4) for k, v in of.continuity.items()},
            }
            for layout_name, of in measured.items()
        }
    progress("measuring trustworthiness", len(sets), len(sets))
    return {
        "trustworthiness": found["placed"]["map"]["trustworthiness"],
        "continuity": found["placed"]["map"]["continuity"],
        "random": found["placed"]["random"]["trustworthiness"],
        "judged": found,
    }


def _fitting(n: int) -> Sequence[int]:
    return [k for k in KS if 2 * k < n]


def _principal(pull: sparse.csr_array[np.float64], seed: int) -> NDArray[np.float32]:
    """Return float32 [m, 2]: the rows of the matrix on their first two principal components, the simplest layout."""
    from scipy.sparse.linalg import LinearOperator, svds  # noqa: PLC0415 - only who makes a map pays for it

    n = pull.shape[0]
    mean = np.asarray(pull.sum(axis=0), dtype=np.float64).ravel() / n
    centred = LinearOperator(
        (n, n),
        matvec=lambda x: pull @ x.ravel() - mean @ x.ravel(),
        rmatvec=lambda x: pull.T @ x.ravel() - mean * x.sum(),
        dtype=np.float64,
    )
    left, sizes, _ = svds(centred, k=2, v0=np.random.default_rng([seed, 15]).random(n))
    return np.asarray(left * sizes, dtype=np.float32)
