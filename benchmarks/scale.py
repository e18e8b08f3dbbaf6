"""Measure how time and memory grow with the data, and file the figures per commit under `benchmarks/results/`.

    python benchmarks/scale.py                 all steps, up to 148 million ratings of 1.8 million users: hours
    python benchmarks/scale.py --up-to middle  the first ones
    python benchmarks/scale.py --only index    one part of every step

Data are made up and shaped like the real (see `synthetic`): a few titles that everybody has, a long tail, lists of
1..3,000 entries around 34. Every part runs in a process of its own, so that its peak memory is its own. What a commit
has figures of is not measured again: the command goes on where it was stopped. What it generates goes into build/scale
(up to 12 GB) and is removed step by step.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import scaling_page
import synthetic
from filing import REPOSITORY, file_section, peak_mb, source, surroundings

SECTION: Final = "scale"
WORK: Final = REPOSITORY / "build" / "scale"
MEDIAN: Final = 34  # entries of a list; 82 in the mean, as 148 million of 1.8 million users are
LAYOUT: Final = "hernan2020"
CASES: Final = 1500
QUERIES: Final = 50


@dataclass(frozen=True)
class Step:
    """How much there is. ratings: list entries, of about a 82nd as many users."""

    ratings: int
    anime: int
    chunks: int


STEPS: Final[Mapping[str, Step]] = {
    "small": Step(1_480_000, 5_000, 20_000),
    "middle": Step(14_800_000, 10_000, 100_000),
    "large": Step(49_300_000, 15_000, 500_000),
    "whole": Step(148_000_000, 20_000, 2_000_000),
}
PARTS: Final = ("prepare", "read", "ease", "evaluate", "ials", "vectors", "index")
"""What is measured of each step, in this order; `OF_LISTS` need what `prepare` writes."""
OF_LISTS: Final = PARTS[:5]


def main() -> None:
    """Measure what is missing, or one part that was asked for by `measured`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--up-to", choices=STEPS, default="whole", help="the last step")
    parser.add_argument("--only", choices=PARTS, action="append", help="parts to measure; may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave what was generated in build/scale")
    parser.add_argument("--again", action="store_true", help="measure also what this commit has figures of")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        part, step, folder = asked.part
        print(json.dumps(MEASURED[part](STEPS[step], Path(folder)) | {"peak_mb": peak_mb()}))
        return
    names = list(STEPS)
    for name in names[: names.index(asked.up_to) + 1]:
        measure(name, tuple(asked.only or PARTS), again=asked.again, keep=asked.keep)
    print(scaling_page.tables(scaling_page.collected()))


def measure(name: str, parts: tuple[str, ...], *, again: bool, keep: bool) -> None:
    """Measure the parts of a step that this commit has no figures of, and file each when it is done."""
    at = source()
    known = {} if again else scaling_page.of_commit(at["commit"]).get(name, {})
    missing = [part for part in parts if part not in known]
    folder = WORK / name
    try:
        if set(missing) & set(OF_LISTS) and not (folder / "canonical").exists():
            missing = ["lists", *(missing if "prepare" in missing else ["prepare", *missing])]
        for part in missing:
            found = _run(part, name, folder)
            if part == "lists":
                continue
            about = surroundings() | {"changed_since_commit": at["changed_since_commit"]}
            steps = scaling_page.of_commit(at["commit"])
            steps.setdefault(name, {})[part] = found | {"when": about["when"]}
            file_section(at["commit"], SECTION, about | {"steps": steps})
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def lists(step: Step, folder: Path) -> dict[str, Any]:
    """Write the files that are imported."""
    made = folder / "in"
    made.mkdir(parents=True)
    synthetic.write_lists(made, LAYOUT, step.ratings, n_anime=step.anime, median=MEDIAN)
    synthetic.write_anime(made, step.anime)
    return {"megabytes": round(sum(file.stat().st_size for file in made.iterdir()) / 1e6)}


def prepare(_step: Step, folder: Path) -> dict[str, Any]:
    """Time the import: checks, counts, sorts, writes; then the files that were read may go."""
    from anirec.sources.importer import import_folder

    clock = Clock()
    report = import_folder(folder / "in", folder / "canonical", progress=_silent)
    taken = clock.figures()
    shutil.rmtree(folder / "in")
    return taken | {"ratings": report.kept["ratings"], "rejects": report.n_rejected}


def read(_step: Step, folder: Path) -> dict[str, Any]:
    """Time the reading of canonical tables into what models are fitted on."""
    from anirec.prepare.catalogue import read_catalogue
    from anirec.prepare.dataset import read_dataset

    clock = Clock()
    data = read_dataset(folder / "canonical")
    taken = clock.figures()
    catalogue = read_catalogue(folder / "canonical")
    facts = {"users": data.n_users, "ratings": data.n_rows, "likes": int(data.liked.sum()), "anime": len(catalogue)}
    return taken | facts


def ease(step: Step, folder: Path) -> dict[str, Any]:
    """Time EASE over all titles: counting together, solving, pruning. Keeps the model for `evaluate`."""
    from anirec.prepare.dataset import read_dataset
    from anirec.recommenders import ease as model

    data = read_dataset(folder / "canonical")
    config = model.EaseConfig(max_items=step.anime)
    _ = data.users, data.liking
    count, counting = model.gram_matrix, []

    def counted(*words: Any, **named: Any) -> Any:
        clock = Clock()
        found = count(*words, **named)
        counting.append(clock.figures()["seconds"])
        return found

    before, clock = peak_mb(), Clock()
    model.gram_matrix = counted
    fitted = model.fit(data, config, np.random.default_rng(0))
    taken = clock.figures()
    np.savez(folder / "ease.npz", allow_pickle=False, **fitted.state().arrays)
    return taken | {"gram_seconds": counting[0], "items": len(fitted.items), "before_mb": before}


def ials(_step: Step, folder: Path) -> dict[str, Any]:
    """Time one epoch of iALS, with its start; four are what it is configured with."""
    from anirec.prepare.dataset import read_dataset
    from anirec.recommenders import ials as model

    data = read_dataset(folder / "canonical")
    _ = data.users, data.liking
    before, clock = peak_mb(), Clock()
    fitted = model.fit(data, model.IalsConfig(epochs=1), np.random.default_rng(0))
    return clock.figures() | {"items": len(fitted.items), "d": fitted.config.d, "before_mb": before}


def evaluate(_step: Step, folder: Path) -> dict[str, Any]:
    """Time the marking of 1,500 users over the full catalogue: EASE and the floors, all figures and intervals."""
    from anirec.core.state import State
    from anirec.evaluate.run import run
    from anirec.recommenders import ease as model
    from anirec.service.training import exam_of, read_material

    if not (file := folder / "ease.npz").exists():
        raise SystemExit("evaluate needs the model that ease keeps: leave --only out")
    fitted = model.restore(State(kind="ease", arrays=dict(np.load(file))))
    material = read_material(folder / "canonical", _silent)
    clock = Clock()
    exam = exam_of(material, "heldout-users", CASES, 0)
    split = clock.figures()["seconds"]
    clock = Clock()
    run({"ease": fitted}, exam, material.catalogue, rng=np.random.default_rng(0), progress=_silent)
    return clock.figures() | {"split_seconds": split, "cases": len(exam.cases)}


def index(step: Step, folder: Path) -> dict[str, Any]:
    """Time the building of what search looks into, without the net that encodes: reading, cutting, counting words."""
    from anirec.prepare.catalogue import read_catalogue
    from anirec.search.building import IndexConfig, build

    made = folder / "texts"
    made.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # in a process of its own, as DuckDB takes what memory there is
        [sys.executable, __file__, "--part", "reviews", _name_of(step), str(made)], check=True, stdout=subprocess.PIPE
    )
    catalogue = read_catalogue(made / "canonical")
    clock = Clock()
    built = build(made / "canonical", catalogue, synthetic.StandIn(), made / "cache", IndexConfig(), _silent)
    taken = clock.figures()
    chunks, texts = built.counts["chunks"], built.counts["texts"]
    shutil.rmtree(made)
    return taken | {"chunks": chunks, "texts": texts, "words": built.counts["words"]}


def reviews(step: Step, folder: Path) -> dict[str, Any]:
    """Write the texts that are indexed."""
    synthetic.write_reviews(folder, step.chunks, step.anime)
    return {}


def vectors(step: Step, _folder: Path) -> dict[str, Any]:
    """Time the nearest 1,000 of so many chunks, by signs and in full; and how many of those signs find."""
    from anirec.search.vectors import Exact, Signs

    kept, queries = synthetic.chunk_vectors(step.chunks, 384, np.random.default_rng(0), QUERIES)
    clock = Clock()
    signs = Signs(kept)
    _ = signs.bits
    found: dict[str, Any] = {"chunks": step.chunks, **clock.figures()}
    answers, times = [], []
    for query in queries:
        begun = time.perf_counter()
        answers.append(signs.nearest(query[None], 1000)[0][0])
        times.append(1000 * (time.perf_counter() - begun))
    found["query_ms"] = round(float(np.median(times)), 2)
    begun = time.perf_counter()
    truth = Exact(kept).nearest(queries, 1000)[0]
    found["exact_ms"] = round(1000 * (time.perf_counter() - begun) / QUERIES, 2)
    hits = sum(len(np.intersect1d(a[:100], b[:100])) for a, b in zip(answers, truth, strict=True))
    return found | {"recall@100": round(hits / (100 * QUERIES), 4)}


MEASURED: Final[Mapping[str, Callable[[Step, Path], dict[str, Any]]]] = {
    "lists": lists,
    "prepare": prepare,
    "read": read,
    "ease": ease,
    "ials": ials,
    "evaluate": evaluate,
    "index": index,
    "reviews": reviews,
    "vectors": vectors,
}


def _run(part: str, step: str, folder: Path) -> dict[str, Any]:
    print(step, part, "...", file=sys.stderr, flush=True)
    words = [sys.executable, __file__, "--part", part, step, str(folder)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print("  ", found, file=sys.stderr, flush=True)
    return found


def _name_of(step: Step) -> str:
    return next(name for name, one in STEPS.items() if one == step)


class Clock:
    """Time from now on: what goes by, and what this process works, on all cores; others may work beside it."""

    def __init__(self) -> None:
        """Begin."""
        self._began, self._worked = time.perf_counter(), time.process_time()

    def figures(self) -> dict[str, float]:
        """Return both, in seconds."""
        return {
            "seconds": round(time.perf_counter() - self._began, 2),
            "cpu_seconds": round(time.process_time() - self._worked, 2),
        }


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing of how far the work is."""


if __name__ == "__main__":
    main()
