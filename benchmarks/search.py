"""Measure search, and file the figures per commit under `benchmarks/results/`.

    python benchmarks/search.py quality BUNDLE [NAME]   nDCG@10 and success@5 of every scoring on both halves; --fitted:
                                                        with weights fitted on that bundle
    python benchmarks/search.py fit BUNDLE              weights of the fusion, learned on the development half; printed
    python benchmarks/search.py speed BUNDLE            latency at 200,000 and 2,000,000 chunks, throughput of encoding
    python benchmarks/search.py faiss [--kinds ...]     recall and speed of FAISS and of signs at 2,000,000 chunks

The queries and what they are labelled with: `benchmarks/queries/`. A franchise is one answer: its best grade counts,
once, as results show one title of each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import synthetic
from anirec.core.ranking import Query
from anirec.evaluate.intervals import bootstrap
from anirec.evaluate.labelled import CLEARLY, SUCCESS, TOP, figures
from anirec.search.fusion import VIEWS, FusionWeights
from anirec.search.vectors import Exact, Signs, packed
from anirec.service.kin import PREFIX
from anirec.service.search import Scored, Scoring, Search
from filing import file_section, peak_mb, source, surroundings

POOL = 400
"""Anime of each view that the weights are fitted on."""
L2 = 0.02
HARDER = ((128, 10), (512, 10), (1024, 5), (1536, 5), (2048, 5))
"""Cells that IVF looks into, and times k that it compares in full."""
KINDS = ("exact", "ivf-pq", "signs", "hnsw")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "fit", "speed", "faiss"])
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("name", nargs="?", default="search-quality")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="of indexes, for faiss")
    parser.add_argument("--fitted", action="store_true", help="with weights that are fitted on this very bundle first")
    asked = parser.parse_args()
    if asked.what == "fit":
        print(*fit(_open(asked.bundle)), sep="\n")
        return
    at = source()
    if asked.what == "quality":
        search = _open(asked.bundle)
        if asked.fitted:
            first, whole = fit(search)
            search = replace(search, first=first, weights=whole)
        section, found = asked.name, quality(search)
    elif asked.what == "speed":
        section, found = "search-speed", speed(_open(asked.bundle))
    else:
        section, found = "search-faiss", large(asked.kinds)
    found |= {"changed_since_commit": at["changed_since_commit"], "peak_mb": peak_mb()}
    print(file_section(at["commit"], section, found | surroundings()))


def quality(search: Search) -> dict[str, Any]:
    """Return by half and scoring: NDCG@10 and success@5 with intervals; and for each query what it got."""
    import labelled

    found: dict[str, Any] = {}
    by_query: dict[str, dict[str, float]] = {}
    for half in ("development", "report"):
        queries = labelled.read(half=half)
        rows: dict[str, Any] = {"queries": len(queries)}
        for scoring in Scoring:
            each = np.array([_figures(search, query, scoring) for query in queries])
            intervals = bootstrap(each, np.random.default_rng(0))
            names = (f"ndcg@{TOP}", f"success@{SUCCESS}")
            rows[scoring.value] = {name: vars(interval) for name, interval in zip(names, intervals, strict=True)}
            for query, (ndcg, _) in zip(queries, each, strict=True):
                by_query.setdefault(query.id, {})[scoring.value] = round(float(ndcg), 4)
            print(half, scoring.value, *(f"{name} {of['mean']:.3f}" for name, of in rows[scoring.value].items()))
        found[half] = rows
    return found | {"by_query": by_query}


def _figures(search: Search, query: Any, scoring: Scoring) -> tuple[float, float]:
    """Return NDCG@10 and success@5 of one query."""
    asked = Query(k=TOP, filters=search.service.filters(None))
    ranking = search.rank(search.score(query.text, scoring=scoring), asked)
    return figures(ranking.anime_ids.tolist(), query.relevant, _franchises(search))


def _franchises(search: Search) -> dict[int, int]:
    catalogue = search.index.catalogue
    return dict(zip(catalogue.anime_ids.tolist(), catalogue.franchise.tolist(), strict=True))


def fit(search: Search) -> tuple[FusionWeights, FusionWeights]:
    """Learn the weights on the development half: without kin, and with what the first ones say that kin are."""
    first = weighed(search, [name for name in VIEWS if not name.startswith(PREFIX)])
    return first, weighed(replace(search, first=first), VIEWS)


def weighed(search: Search, names: Sequence[str]) -> FusionWeights:
    """Learn the weights of some views: a logistic regression on the titles that some view puts in front.

    What is graded 2 or 3 counts as an answer, 1 as half of one. Every query counts alike. Those that speak for a title
    are kept from becoming negative, and those that speak against it from becoming positive: what is left is chance.
    """
    from scipy.optimize import minimize

    import labelled

    views, targets, weights = [], [], []
    for query in labelled.read(half="development"):
        scored = search.score(query.text)
        rows = _pool(scored, search)
        if len(rows) == 0:
            continue
        table = np.stack([scored.found.views.get(name, np.zeros(len(scored.scores)))[rows] for name in names], axis=1)
        grades = np.array([query.grade(int(i)) for i in search.index.catalogue.anime_ids[rows]])
        views.append(table)
        targets.append(np.clip(grades / CLEARLY, 0, 1))
        weights.append(np.full(len(rows), 1 / len(rows)))
    x, y, w = np.concatenate(views), np.concatenate(targets), np.concatenate(weights)
    bounds = [(None, None), *((None, 0) if name in AGAINST else (0, None) for name in names)]

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = theta[0] + x @ theta[1:]
        off = 1 / (1 + np.exp(-logit)) - y
        value = float(w @ (np.logaddexp(0, logit) - y * logit)) + L2 * float(theta[1:] @ theta[1:]) / 100
        return value, np.r_[w @ off, (w * off) @ x + 2 * L2 * theta[1:] / 100]

    start = np.array([-4.0, *np.zeros(len(names))])
    theta = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    learned = {name: round(float(v), 3) for name, v in zip(("bias", *names), theta, strict=True)}
    return FusionWeights(**(dict.fromkeys(VIEWS, 0.0) | learned))


AGAINST = frozenset({"unwanted", "denied", "years", "kinds"})


def _pool(scored: Scored, search: Search) -> NDArray[np.int64]:
    """Return the rows that the filters let pass and that some view puts in front."""
    front = np.zeros(len(scored.scores), dtype=np.bool_)
    for name in ("dense", "words", "said", "named", "near", "like", *(n for n in VIEWS if n.startswith(PREFIX))):
        view = scored.found.views.get(name)
        if view is not None and (view > 0).any():
            top = np.argpartition(-view, POOL)[:POOL]
            front[top[view[top] > 0]] = True
    return np.flatnonzero(front & ~search.index.catalogue.adult)


def speed(search: Search) -> dict[str, Any]:
    """Return milliseconds of whole answers at two sizes of index, and how many chunks are encoded in a second."""
    import labelled

    texts = [query.text for query in labelled.read()]
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for n in (200_000, 2_000_000):
        grown = replace(search, index=replace(search.index, chunks=_grown(search, n, rng)))
        grown.search(texts[0])
        times = []
        for i in range(200):
            begun = time.perf_counter()
            grown.search(texts[i % len(texts)])
            times.append(1000 * (time.perf_counter() - begun))
        found[f"{n}"] = {f"p{p}_ms": round(float(np.percentile(times, p)), 1) for p in (50, 95, 99)}
        print(n, found[f"{n}"])
    sample = [" ".join(texts[i : i + 12]) for i in range(0, len(texts) - 12, 1)]
    begun = time.perf_counter()
    search.encoder.encode(sample)
    seconds = time.perf_counter() - begun
    tokens = sum(min(n, search.encoder.max_tokens) for n in search.encoder.lengths(sample))
    return found | {
        "encoding": {"chunks_per_second": round(len(sample) / seconds, 1), "tokens_a_chunk": tokens // len(sample)}
    }


def _grown(search: Search, n: int, rng: np.random.Generator) -> Any:
    """Return the chunks of an index repeated, a little moved, until there are n; random ones if it has none."""
    chunks, size = search.index.chunks, search.encoder.size
    held = len(chunks.vectors)
    if held:
        vectors = chunks.vectors.of(rng.integers(0, held, n))
        vectors += rng.standard_normal(vectors.shape, dtype=np.float32) * np.float32(0.3 / np.sqrt(size))
    else:
        vectors = rng.standard_normal((n, size), dtype=np.float32)
    rows = rng.integers(0, len(search.index.catalogue), n)
    order = np.argsort(rows, kind="stable")
    return replace(
        chunks,
        vectors=packed(vectors[order]),
        rows=rows[order],
        texts=(np.arange(n) // 5).astype(np.int32),
        denied_keys=np.empty(0, np.uint64),
        denied_indptr=np.zeros(n + 1, np.int64),
        passages=None,
    )


def large(kinds: Sequence[str], n: int = 2_000_000, size: int = 384) -> dict[str, Any]:
    """Return recall@100 against exact and queries a second, one thread, of FAISS's kinds and of signs.

    Chunks are drawn around 20,000 topics, as texts lie around what they are about; queries near some of them.
    """
    import faiss

    from anirec.search import faiss_index

    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    vectors, queries = synthetic.chunk_vectors(n, size, rng)
    config = faiss_index.FaissConfig
    made: dict[str, Any] = {"exact": lambda: faiss_index.build(vectors, config(kind="flat"), rng)}
    made |= {"hnsw": lambda: faiss_index.build(vectors, config(kind="hnsw"), rng)}
    made |= {"ivf-pq": lambda: faiss_index.build(vectors, config(kind="ivf-pq"), rng)}
    made |= {"signs": lambda: Signs(vectors, pool=32_768)}
    truth = Exact(vectors).nearest(queries, 100)[0]
    found: dict[str, Any] = {"chunks": n, "size": size}
    for kind in kinds:
        begun = time.perf_counter()
        index = made[kind]()
        index.nearest(queries[:1], 100)
        built = {"build_seconds": round(time.perf_counter() - begun, 1)}
        for probes, refine in HARDER if kind == "ivf-pq" else [(0, 0)]:
            name = f"{kind} {probes} cells, {refine} in full" if probes else kind
            if probes:
                index = faiss_index.looking(index, config(kind=kind, probes=probes, refine=refine))
            found[name] = _looked(index, queries, truth) | built
            print(name, found[name], flush=True)
        del index
    return found


def _looked(index: Any, queries: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, float]:
    times, hits = [], 0
    for query, true in zip(queries, truth, strict=True):
        begun = time.perf_counter()
        places = index.nearest(query[None], 100)[0][0]
        times.append(1000 * (time.perf_counter() - begun))
        hits += len(np.intersect1d(places, true))
    return {"recall@100": round(hits / truth.size, 4), "p50_ms": round(float(np.median(times)), 2)}


def _open(bundle: str | None) -> Search:
    from anirec.wiring.search import load_search

    return load_search(Path(bundle) if bundle else None, warm=True)


if __name__ == "__main__":
    main()
