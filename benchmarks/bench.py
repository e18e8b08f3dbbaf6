"""Measure speed, and file the figures per commit under `benchmarks/results/`.

    python benchmarks/bench.py speed      import, EASE fit and pruning, latency: real data and three larger sizes
    python benchmarks/bench.py evaluation EASE and the floors over up to 5,000 users and the full catalogue
    python benchmarks/bench.py imports    made-up files of public layouts, up to 148 million rows (some 8 GB of disk)

Every measurement of time runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import synthetic
from filing import DATA, file_section, peak_mb, source, surroundings

if TYPE_CHECKING:
    from anirec.evaluate.exam import Exam
    from anirec.service.training import Material

REAL = "real"
SIZES = (18_000, 22_000, 28_000)  # titles; the real data have some 14,000 that are liked often enough
IMPORTS = (
    ("cooperunion2016", 1_000_000),
    ("cooperunion2016", 7_800_000),  # as many as the real one
    ("hernan2020", 14_800_000),
    ("hernan2020", 148_000_000),  # the real one has 109 million
)
EXAMINED = (1_250, 2_500, 5_000)  # users
USERS = 40_000
PROFILE = 120  # titles
PROFILES = 1000


def main() -> None:
    """Run what was asked for and file it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*ALONE, *MEASURED])
    parser.add_argument("argument", nargs="*")
    asked = parser.parse_args()
    if asked.what in ALONE:
        print(json.dumps(ALONE[asked.what](*asked.argument) | {"peak_mb": peak_mb()}))
    else:
        at = source()
        found = MEASURED[asked.what]() | {"changed_since_commit": at["changed_since_commit"]}
        print(file_section(at["commit"], asked.what, found | surroundings()))


def speed() -> dict[str, Any]:
    """Return all figures of time and memory."""
    with tempfile.TemporaryDirectory() as work:
        canonical = str(Path(work) / "canonical")
        found = {
            "import": _run("import", str(DATA), canonical),
            "catalogue": _run("catalogue", canonical),
            "fit": {REAL: _run("fit", REAL, canonical, f"{work}/{REAL}.npz")},
        }
        for n in SIZES:
            found["fit"][str(n)] = _run("fit", str(n), canonical, f"{work}/{n}.npz")
        found["latency"] = {
            str(size): _run("latency", str(size), canonical, f"{work}/{size}.npz") for size in (REAL, *SIZES)
        }
    return found


def serving() -> dict[str, Any]:
    """Return what the starter bundle takes: as a process, and within one."""
    return {"start": _run("start"), "starter": _run("starter")}


def imports() -> dict[str, Any]:
    """Return the figures of importing large files, each with four rows that cannot be used."""
    found = []
    for layout, rows in IMPORTS:
        with tempfile.TemporaryDirectory() as work:
            source = Path(work) / "in"
            source.mkdir()
            made = _run("lists", layout, str(rows), str(source))
            figures = _run("import", str(source), str(Path(work) / "out"))
            found.append(figures | {"layout": layout, "input_mb": made["megabytes"]})
    return {"files": found}


def evaluation() -> dict[str, Any]:
    """Return what marking takes for more and more users: floors alone, and EASE beside them."""
    with tempfile.TemporaryDirectory() as work:
        canonical = str(Path(work) / "canonical")
        _run("import", str(DATA), canonical)
        _run("examined", canonical, f"{work}/ease.npz")
        every = [_run("marked", canonical, f"{work}/ease.npz", str(users)) for users in EXAMINED]
    return {"users": every}


def examined(folder: str, out: str) -> dict[str, Any]:
    """Fit EASE on what the exam of `marked` leaves to learn from."""
    from anirec.recommenders import ease

    _, exam = _exam(folder)
    np.savez(
        out, allow_pickle=False, **ease.fit(exam.train, ease.EaseConfig(), np.random.default_rng(0)).state().arrays
    )
    return {"cases": len(exam.cases)}


def marked(folder: str, fitted: str, users: str) -> dict[str, Any]:
    """Time an evaluation under `heldout-users`: all figures, metrics, slices, intervals and comparisons."""
    from anirec.core.state import State
    from anirec.evaluate.run import run
    from anirec.recommenders import ease

    material, exam = _exam(folder)
    exam = replace(exam, cases=exam.cases[: int(users)])
    model = ease.restore(State(kind="ease", arrays=dict(np.load(fitted))))
    _ = exam.train.users, exam.train.liked, material.catalogue.franchise_blocks
    before, seconds = peak_mb(), {}
    for name, models in {"floors": {}, "floors and ease": {"ease": model}}.items():
        started = time.perf_counter()
        report = run(models, exam, material.catalogue, rng=np.random.default_rng(0), progress=_silent)
        seconds[name] = round(time.perf_counter() - started, 1)
    return {
        "cases": len(exam.cases),
        "candidates": len(model.items),
        "seconds": seconds | {"ease": round(seconds["floors and ease"] - seconds["floors"], 1)},
        "before_mb": before,
        "ndcg@10": str(report.row("ease").metrics["ndcg@10"]),
    }


def _exam(folder: str) -> tuple[Material, Exam]:
    from anirec.service.progress import silent
    from anirec.service.training import exam_of, read_material

    material = read_material(Path(folder), silent)
    return material, exam_of(material, "heldout-users", EXAMINED[-1], 0)


def start() -> dict[str, Any]:
    """Time the command line as a user types it; medians of five."""
    ask = ("recommend", "--like", "Cowboy Bebop", "--like", "Samurai Champloo", "--like", "Trigun")
    return {
        "version_ms": _median_ms(lambda: _anirec("--version"), 5),
        "recommend_ms": _median_ms(lambda: _anirec(*ask), 5),
        "similar_ms": _median_ms(lambda: _anirec("similar", "Monster"), 5),
    }


def import_(data: str, out: str) -> dict[str, Any]:
    """Time the import of a folder."""
    from anirec.sources.importer import import_folder

    started = time.perf_counter()
    report = import_folder(Path(data), Path(out), progress=_silent)
    seconds = time.perf_counter() - started
    rows = sum(report.kept.values())
    return {"seconds": round(seconds, 2), "rows": rows, "rows_per_second": round(rows / seconds)}


def lists(layout: str, rows: str, folder: str) -> dict[str, Any]:
    """Write a file to import."""
    synthetic.write_lists(Path(folder), layout, int(rows))
    return {"megabytes": round(sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6)}


def catalogue(folder: str) -> dict[str, Any]:
    """Time the finding of franchises in the real catalogue."""
    from anirec.prepare.catalogue import read_catalogue

    started = time.perf_counter()
    found = read_catalogue(Path(folder))
    return {"seconds": round(time.perf_counter() - started, 2), "anime": len(found)}


def fit(size: str, folder: str, out: str) -> dict[str, Any]:
    """Time the fit of EASE and keep the result for `latency`."""
    from anirec.prepare.dataset import read_dataset
    from anirec.recommenders import ease

    rng = np.random.default_rng(0)
    data = read_dataset(Path(folder)) if size == REAL else synthetic.dataset(int(size), USERS, rng)
    config = ease.EaseConfig(max_items=65_000)
    _ = data.users, data.liked, data.liking
    before = peak_mb()
    started = time.perf_counter()
    dense = ease.fit_dense(data, config, rng)
    fitted = time.perf_counter()
    likes = data.like_counts()[np.searchsorted(data.anime_ids, dense.items)]
    model = ease.prune(dense, likes, config)
    pruned = time.perf_counter()
    np.savez(out, allow_pickle=False, **model.state().arrays)
    return {
        "items": len(model.items),
        "users": data.n_users,
        "entries": data.n_rows,
        "fit_seconds": round(fitted - started, 1),
        "prune_seconds": round(pruned - fitted, 1),
        "weights_kept": len(model.steps),
        "before_mb": before,
    }


def latency(size: str, folder: str, fitted: str) -> dict[str, Any]:
    """Time one answer for a profile: blend of EASE and popularity, filters, franchise rules, the best 20."""
    from anirec.core.profile import Profile
    from anirec.core.ranking import Filters, FranchiseMode, Query
    from anirec.core.state import State
    from anirec.prepare.catalogue import read_catalogue
    from anirec.rank import align, rank
    from anirec.recommenders import ease
    from anirec.recommenders.blend import Blend, BlendWeights
    from anirec.recommenders.popularity import Popularity

    rng = np.random.default_rng(1)
    model = ease.restore(State(kind="ease", arrays=dict(np.load(fitted))))
    known = read_catalogue(Path(folder)) if size == REAL else synthetic.catalogue(int(size), rng)
    one = np.ones(1, np.float32)
    floor = Popularity(items=known.anime_ids, popularity=rng.random(len(known), dtype=np.float32))
    blend = Blend(
        {"ease": model, "popularity": floor},
        {"ease": "liking", "popularity": "share"},
        BlendWeights(one, {"ease": np.array([[0.5, 1]], np.float32), "popularity": np.array([[0.1]], np.float32)}),
    )
    rows = known.rows_of(blend.items)
    used = np.diff(model.indptr) / np.diff(model.indptr).sum()  # titles with many weights are the popular ones
    profiles = [
        Profile.of_likes(rng.choice(model.items, PROFILE, replace=False, p=used).tolist()) for _ in range(PROFILES)
    ]
    answers = {}
    for mode in (FranchiseMode.ENTRY, FranchiseMode.ANYTHING):
        query = Query(k=20, filters=Filters(year_from=1990, min_members=1000), franchise=mode)
        times = []
        for profile in profiles:
            started = time.perf_counter()
            rank(align(blend.score([profile])[0], rows, known), profile, known, query)
            times.append(1000 * (time.perf_counter() - started))
        p50, p95, p99 = (round(float(p), 2) for p in np.percentile(times, [50, 95, 99]))
        answers[mode.value] = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    return {"catalogue": len(known), "items": len(model.items), "profile": PROFILE, **answers}


def starter() -> dict[str, Any]:
    """Time the starter bundle in a running process.

    Load; whole answers with titles, reasons and facts; one title; the blend alone: long profiles scored and ranked.
    """
    import anirec
    from anirec.core.profile import Profile
    from anirec.core.ranking import Query
    from anirec.rank import align, rank

    started = time.perf_counter()
    service = anirec.load()
    loaded = time.perf_counter()
    service.recommend(like=["Cowboy Bebop"])
    first = time.perf_counter()
    likes = [
        ["Cowboy Bebop", "Samurai Champloo", "Trigun"],
        ["Monster", "Steins;Gate"],
        ["Mushishi"],
        ["K-On!", "Barakamon"],
    ]
    times = []
    for i in range(100):
        begun = time.perf_counter()
        service.recommend(like=likes[i % len(likes)])
        times.append(1000 * (time.perf_counter() - begun))
    files = [file for file in service.path.rglob("*") if file.is_file()]
    p50, p95 = (round(float(p), 1) for p in np.percentile(times, [50, 95]))
    query, alike = Query(k=20, filters=service.filters(None)), []
    for anime_id in service.model("ease").items[::100].tolist():
        begun = time.perf_counter()
        service.rank_similar(anime_id, query)
        alike.append(1000 * (time.perf_counter() - begun))
    blend, known, rng = service.model(), service.catalogue, np.random.default_rng(1)
    fame, rows, blended = known.members / known.members.sum(), known.rows_of(blend.items), []
    for _ in range(PROFILES):
        profile = Profile.of_likes(rng.choice(known.anime_ids, PROFILE, replace=False, p=fame).tolist())
        begun = time.perf_counter()
        rank(align(blend.score([profile])[0], rows, known), profile, known, query)
        blended.append(1000 * (time.perf_counter() - begun))
    b50, b95, b99 = (round(float(p), 2) for p in np.percentile(blended, [50, 95, 99]))
    return {
        "blend": {"profile": PROFILE, "p50_ms": b50, "p95_ms": b95, "p99_ms": b99},
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "load_ms": round(1000 * (loaded - started)),
        "first_answer_ms": round(1000 * (first - loaded)),
        "answer_p50_ms": p50,
        "answer_p95_ms": p95,
        "similar_p50_ms": round(float(np.median(alike)), 2),
    }


ALONE: dict[str, Callable[..., dict[str, Any]]] = {
    "start": start,
    "import": import_,
    "lists": lists,
    "catalogue": catalogue,
    "fit": fit,
    "latency": latency,
    "starter": starter,
    "examined": examined,
    "marked": marked,
}
"""What runs in a process of its own."""

MEASURED: dict[str, Callable[[], dict[str, Any]]] = {
    "speed": speed,
    "serving": serving,
    "evaluation": evaluation,
    "imports": imports,
}
"""What is filed: a section each, with its own time, in the file of the commit."""


def _run(*words: str) -> dict[str, Any]:
    print(" ".join(words[:2]), "...", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print("  ", found, file=sys.stderr, flush=True)
    return found


def _anirec(*words: str) -> None:
    subprocess.run([Path(sys.executable).with_name("anirec"), *words], check=True, stdout=subprocess.DEVNULL)


def _median_ms(call: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - started))
    return round(float(np.median(found)))


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing of how far the work is."""


if __name__ == "__main__":
    main()
