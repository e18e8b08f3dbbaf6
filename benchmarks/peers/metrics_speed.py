"""The same lists marked by ours and by LensKit: `python metrics_speed.py --data CANONICAL --work WORK`.

Lists of 100 titles for 5,000 users, made once by EASE, are exported with what is to be found. Each side marks them in a
process of its own, `REPEATS` times: the least seconds of the processor are taken, of making its own containers of the
arrays, and of marking. Both find NDCG at 10, 20 and 100, recall at 10, 20, 50 and 100, precision and hit rate at 10 and
the reciprocal rank; ours MAP besides, which LensKit lacks.

Definitions agree but for two. LensKit's NDCG discounts the first two places alike unless its `LogRankWeight` is told to
add 1 to the place, as it is here. Its recall is the share of at most as many targets as the list is long; ours is that
of all of them, and is compared after it is brought to the same denominator.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exchange import Likes, likes_of, lists

USERS, LEARN = 5000, 3000
SPARE = 1.1  # some of whom too few titles are known are left out
REPEATS = 5
CLOSE = 1e-6
COMPARED = ("ndcg@10", "recall@10")

Marked = tuple[float, float, Mapping[str, NDArray[np.float64]]]
"""Seconds of making containers, seconds of marking, and values [users] of `COMPARED`."""


def make(data: Path, file: Path) -> None:
    """Write lists: ids [users, 100], what is given and what is to be found as ids."""
    from anirec.prepare.dataset import read_dataset
    from anirec.recommenders import ease
    from ours import dataset_of, score_of
    from split import split

    made = split(read_dataset(data), np.random.default_rng(0), (LEARN, 1, round(SPARE * USERS)))
    fitted = ease.fit_dense(dataset_of(made.train, made.anime_ids), ease.EaseConfig(), np.random.default_rng(0))
    given, targets = (_first(likes, USERS) for likes in (made.test_given, made.test_targets))
    tops = lists(score_of(fitted, made), given, made.n)
    np.savez_compressed(
        file,
        tops=made.anime_ids[tops],
        given_indptr=given.indptr,
        given_ids=made.anime_ids[given.items],
        targets_indptr=targets.indptr,
        targets_ids=made.anime_ids[targets.items],
    )


def _first(likes: Likes, n: int) -> Likes:
    return likes_of([likes.of(user) for user in range(n)])


def read(file: Path) -> tuple[NDArray[np.int32], list[NDArray[np.int32]], list[NDArray[np.int32]]]:
    """Return the lists of all users, what they are given and what is to be found, as ids."""
    with np.load(file) as made:
        given, targets = (np.split(made[f"{name}_ids"], made[f"{name}_indptr"][1:-1]) for name in ("given", "targets"))
        return made["tops"], given, targets


def by_anirec(file: Path, data: Path) -> Callable[[], Marked]:
    """Return what marks the lists by ours, as a foreign system's are: ids to rows, hits, metrics."""
    from anirec.core.ranking import FranchiseMode
    from anirec.evaluate.figures import Judge
    from anirec.evaluate.lists import of_ranking
    from anirec.evaluate.run import METRICS, judge_values
    from anirec.prepare.catalogue import read_catalogue
    from anirec.prepare.splits import Case
    from ours import profile_of

    catalogue = read_catalogue(data)
    tops, given, targets = read(file)

    def mark() -> Marked:
        begun = time.process_time()
        cases = [
            Case(user, profile_of(own), found) for user, (own, found) in enumerate(zip(given, targets, strict=True))
        ]
        ready = time.process_time()
        judge = Judge.of(FranchiseMode.ANYTHING, cases, catalogue)
        values = judge_values(judge, of_ranking(list(tops), cases, catalogue, {"raw": judge})["raw"])
        done = time.process_time()
        return ready - begun, done - ready, {name: values[:, list(METRICS).index(name)] for name in COMPARED}

    return mark


def by_lenskit(file: Path, data: Path) -> Callable[[], Marked]:  # noqa: ARG001 - it needs no catalogue
    """Return what marks the lists by LensKit's `RunAnalysis`."""
    from lenskit.data import ItemList, ItemListCollection
    from lenskit.metrics import NDCG, Hit, LogRankWeight, Precision, Recall, RecipRank, RunAnalysis

    tops, _, targets = read(file)
    weight = LogRankWeight(offset=1)

    def mark() -> Marked:
        begun = time.process_time()
        said = {user: ItemList(item_ids=own, ordered=True) for user, own in enumerate(tops)}
        wanted = {user: ItemList(item_ids=own) for user, own in enumerate(targets)}
        outputs, truth = (ItemListCollection.from_dict(one, "user_id") for one in (said, wanted))
        ready = time.process_time()
        analysis = RunAnalysis(  # a new one each time: it would add up
            *(NDCG(n, weight=weight) for n in (10, 20, 100)),
            *(Recall(n) for n in (10, 20, 50, 100)),
            Precision(10),
            Hit(10),
            RecipRank(100),
        )
        found = analysis.measure(outputs, truth).list_metrics()
        done = time.process_time()
        ordered = found.loc[range(len(targets))]
        return ready - begun, done - ready, {name: ordered[_named(name)].to_numpy() for name in COMPARED}

    return mark


def _named(metric: str) -> str:
    return metric.replace("ndcg", "NDCG").replace("recall", "Recall")


MARKERS: Mapping[str, Callable[[Path, Path], Callable[[], Marked]]] = {"anirec": by_anirec, "lenskit": by_lenskit}


def measure(name: str, file: Path, data: Path, out: Path) -> None:
    """Mark the lists and write seconds, memory in MB and values."""
    mark = MARKERS[name](file, data)
    before = _peak_mb()
    runs = [mark() for _ in range(REPEATS)]
    values: Mapping[str, Any] = runs[-1][2]
    np.savez_compressed(
        out,
        containers_s=min(run[0] for run in runs),
        marking_s=min(run[1] for run in runs),
        before_mb=before,
        peak_mb=_peak_mb(),
        version="" if name == "anirec" else version(name),
        **values,
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any], n_targets: NDArray[np.int64]) -> dict[str, Any]:
    """Return both sides' costs, their ratios (theirs / ours), and the largest difference of each metric.

    Raises:
        SystemExit: a metric differs by more than `CLOSE` for a user.
    """
    own = {"ndcg@10": ours["ndcg@10"], "recall@10": ours["recall@10"] * n_targets / np.minimum(n_targets, 10)}
    apart = {name: float(np.abs(own[name] - theirs[name]).max()) for name in COMPARED}
    if wide := {name: one for name, one in apart.items() if not one <= CLOSE}:
        raise SystemExit(f"the two sides differ: {wide}")
    keys = ("containers_s", "marking_s", "before_mb", "peak_mb")
    costs = {side: {key: float(made[key]) for key in keys} for side, made in (("ours", ours), ("theirs", theirs))}
    whole = {side: cost["containers_s"] + cost["marking_s"] for side, cost in costs.items()}
    return {
        "users": len(n_targets),
        "repeats": REPEATS,
        "version": str(theirs["version"]),
        **costs,
        "marking_ratio": costs["theirs"]["marking_s"] / costs["ours"]["marking_s"],
        "whole_ratio": whole["theirs"] / whole["ours"],
        "apart": apart,
        "means": {"ours": {name: float(np.mean(ours[name])) for name in COMPARED}}
        | {"theirs": {name: float(np.mean(theirs[name])) for name in COMPARED}},
    }


def main() -> None:
    """Make the lists, have them marked in each environment, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="canonical folder")
    parser.add_argument("--work", type=Path, required=True, help="folder for environments and files")
    parser.add_argument("--environments", type=Path, help="folder of environments; within the work folder by default")
    parser.add_argument("--file", action="store_true", help="file the comparison under benchmarks/results")
    parser.add_argument("--one", choices=MARKERS, help="mark by this side only, in this process")
    asked = parser.parse_args()
    file = asked.work / "metrics-lists.npz"
    results = {name: asked.work / f"metrics-{name}.npz" for name in MARKERS}
    if asked.one:
        measure(asked.one, file, asked.data, results[asked.one])
        return
    from run import OURS, Place, environments, logged

    place = Place(asked.work / "split.npz", asked.work)
    place.log("").parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file():
        make(asked.data, file)
    interpreter = environments(asked.environments or asked.work / "environments", place)
    for name in MARKERS:
        own = name == "anirec"
        command = [interpreter(OURS if own else name), __file__, "--data", asked.data, "--work", asked.work]
        logged([*command, "--one", name], place.log(f"metrics-{name}"), place.longest, own=own)
    ours, theirs = (dict(np.load(results[name])) for name in ("anirec", "lenskit"))
    made = compared(ours, theirs, np.array([len(one) for one in read(file)[2]]))
    print(json.dumps(made, indent=1))
    if asked.file:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from filing import file_section, source, surroundings

        print(file_section(source()["commit"], "metrics_speed", surroundings() | made))


if __name__ == "__main__":
    main()
