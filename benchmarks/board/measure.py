"""One row with one seed -> its figures, in a process of its own, so that time and peak memory are its own."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.ranking import Filters, FranchiseMode, Query
from anirec.evaluate import metrics
from anirec.evaluate.figures import Judge
from anirec.evaluate.floors import RandomFloor
from anirec.evaluate.run import METRICS, TOP, CaseByCase, case_by_case
from anirec.evaluate.slices import Found
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case
from anirec.rank import align, rank
from anirec.recommenders.blend import Blend
from anirec.service.progress import silent
from anirec.service.training import Material, fit_blend, read_material, test_split
from anirec.wiring.models import chosen
from anirec.wiring.train import recipe
from board.plan import BLEND, NATURAL, PROTOCOLS, RANDOM, SPLIT_SEED, STOPS, TAIL_FROM, Row, config_of, fingerprint
from filing import peak_mb, source, surroundings

PROFILE = 120  # titles
PROFILES = 200
WARM_UP = 10

PerCase = dict[str, NDArray[Any]]


def measure(row: Row, seed: int, folder: Path, users: int) -> tuple[dict[str, Any], PerCase]:
    """Fit a row on all but the test users and measure it.

    folder: canonical tables. Returns the figures, JSON-able, and what is needed of each case for paired comparisons:
    float32 [cases] NDCG@10 as `protocol/figure`, `recall` and `tail`, nan where not counted; int64 [cases] `given`, the
    number of titles given under the natural protocol, and `users`, ids.

    Raises:
        AnirecError: the data cannot be used, or hold nothing that the model could learn from.
    """
    code = source()  # as it is now: others may be committed while this runs
    material = read_material(folder, silent)
    split = test_split(material, users, SPLIT_SEED)
    train = split.train
    _ = train.users, train.liked, train.liking
    before = peak_mb()
    started, used = time.perf_counter(), time.process_time()
    model = _fitted(row, seed, material, train)
    seconds, cpu, peak = time.perf_counter() - started, time.process_time() - used, peak_mb()
    if not len(model.items):
        raise InputError(f"the data in {folder} hold nothing that {row.name} learns from: it knows no title")
    catalogue, likes = material.catalogue, train.like_counts()
    figures: dict[str, Any] = {}
    per_case: PerCase = {
        "users": np.array([case.user_id for case in split.cases]),
        "given": np.array([len(case.given) for case in split.cases]),
    }
    for protocol, n_likes in PROTOCOLS.items():
        cases = split.cases if n_likes is None else split.few(n_likes).cases
        found = case_by_case(model, cases, catalogue)
        figures[protocol] = {figure: _averaged(model, one, train, catalogue) for figure, one in found.items()}
        per_case |= {f"{protocol}/{figure}": one.of("ndcg@10") for figure, one in found.items()}
        if protocol == NATURAL:
            natural = found
            per_case["recall"] = found["raw"].of("recall@100")
            per_case["tail"] = tail_recall(found["raw"].rows, cases, catalogue, tail_of(train))
    slider = {}
    for stop in STOPS if row.model == BLEND else ():
        found = case_by_case(model, split.cases, catalogue, popularity=stop) if stop else natural
        slider[str(stop)] = {figure: _averaged(model, one, train, catalogue) for figure, one in found.items()}
    facts = {
        "row": row.name,
        "model": row.model,
        "settings": list(row.settings),
        "config": {} if row.model == BLEND else config_of(row),
        "seed": seed,
        "fingerprint": fingerprint(row, seed, users, material.facts["tables"]),
        "data": material.facts["tables"],
        "sources": material.facts["sources"],
        "users": len(split.cases),
        "candidates": len(model.items),
        "fit_seconds": round(seconds, 2),
        "fit_cpu_seconds": round(cpu, 2),
        "before_mb": before,
        "peak_mb": peak,
        "bytes": size_of(model),
        "latency": _latency(model, likes[np.searchsorted(train.anime_ids, model.items)], catalogue),
        "figures": figures,
        "slider": slider,
    }
    kept = {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in per_case.items()}
    return facts | code | surroundings(), kept


def keep(into: Path, name: str, facts: dict[str, Any], per_case: PerCase) -> None:
    """Write a measurement: the arrays first, so that one whose JSON is there is whole."""
    np.savez(into / f"{name}.npz", allow_pickle=False, **per_case)
    part = into / f"{name}.json.part"
    part.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.rename(into / f"{name}.json")


def _fitted(row: Row, seed: int, material: Material, train: Dataset) -> Recommender:
    rng = np.random.default_rng([seed, 3])  # as training and evaluation seed their models
    if row.model == RANDOM:
        return RandomFloor(train.anime_ids[train.like_counts() > 0], rng)
    if row.model == BLEND:
        return fit_blend(material, train, recipe(material, seed), silent)
    return chosen(material, row.model, row.settings).fit(train, rng)


def size_of(model: Recommender) -> int:
    """Return the bytes of the arrays that a bundle keeps of a model, of a blend with its parts; chance has none."""
    parts = [size_of(part) for part in model.parts.values()] if isinstance(model, Blend) else []
    state = getattr(model, "state", None)
    return sum(parts) + (sum(array.nbytes for array in state().arrays.values()) if state else 0)


def tail_of(train: Dataset) -> NDArray[np.int32]:
    """Return the ids of all titles but the `TAIL_FROM` most liked; of equally liked ones those with the lowest id."""
    order = np.lexsort((train.anime_ids, -train.like_counts()))
    return train.anime_ids[order[TAIL_FROM:]]


def tail_recall(
    rows: NDArray[np.int64], cases: Sequence[Case], catalogue: Catalogue, tail: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return float64 [cases]: the share of the targets in the tail that were recommended, nan where there is none.

    rows: int [cases, depth], recommended rows of the catalogue, -1 = none.
    """
    found = Found.of(Judge.of(FranchiseMode.ANYTHING, cases, catalogue), {"model": rows})
    return found.recall("model", np.isin(catalogue.anime_ids[found.row], tail), rows.shape[1])


def _averaged(model: Recommender, found: CaseByCase, train: Dataset, catalogue: Catalogue) -> dict[str, Any]:
    likes = np.zeros(len(catalogue), dtype=np.int64)
    shared = np.isin(train.anime_ids, catalogue.anime_ids)
    likes[catalogue.rows_of(train.anime_ids)] = train.like_counts()[shared]
    tops = found.rows[found.counted, :TOP]
    means = dict(zip(METRICS, found.values.mean(axis=0).tolist(), strict=True)) if found.counted.any() else {}
    return {
        "cases": int(found.counted.sum()),
        "metrics": means,
        "coverage": metrics.coverage(tops, len(model.items)),
        "popularity_percentile": metrics.median_popularity_percentile(tops, likes),
    }


def _latency(model: Recommender, likes: NDArray[np.int64], catalogue: Catalogue) -> dict[str, Any]:
    """Time one answer: a profile is scored, filtered and ranked. likes: of each item; what is liked is on profiles."""
    rng = np.random.default_rng(1)
    rows, size = catalogue.rows_of(model.items), min(PROFILE, int((likes > 0).sum()) // 2)
    query = Query(k=20, filters=Filters(year_from=1990, min_members=1000), franchise=FranchiseMode.ENTRY)
    times = []
    for _ in range(WARM_UP + PROFILES):
        profile = Profile.of_likes(rng.choice(model.items, size, replace=False, p=likes / likes.sum()).tolist())
        started = time.perf_counter()
        rank(align(model.score([profile])[0], rows, catalogue), profile, catalogue, query)
        times.append(1000 * (time.perf_counter() - started))
    p50, p95 = (round(float(p), 2) for p in np.percentile(times[WARM_UP:], [50, 95]))
    return {"profile": size, "p50_ms": p50, "p95_ms": p95}
