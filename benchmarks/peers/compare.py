"""Score lists of peers and of ours side by side: `python compare.py --split split.npz --lists DIR --out parity.json`.

For each pair of `PAIRS`: NDCG@10 of both over the same test users and the full catalogue of the split, the given titles
left out; the difference, ours less theirs, with its paired bootstrap interval; the seconds of fitting; the seconds
until NDCG@10 is first within 1 % of the lower last one; the peak memory of the process; and how long a user waits for a
list. A peer that did not run is named with the reason that `--without NAME=REASON` gives. `--file` files the comparison
under benchmarks/results, from which docs/parity.md is made; `--earlier` keeps what was filed of the same split before.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import parity_page
from anirec.evaluate import metrics
from anirec.evaluate.intervals import bootstrap
from exchange import Likes, Split, Tops
from filing import file_section, newest, source, surroundings
from grids import TRIALS

BOTH = ("defaults", "tuned")
PAIRS = (
    *((f"ials-{how}", f"{peer}-{how}") for peer in ("implicit", "irspack", "lenskit-ials") for how in BOTH),
    *(
        (f"ease-{how}", f"{peer}-{how}")
        for peer in ("ease-rectools", "ease-irspack", "lenskit-ease", "recbole-ease")
        for how in BOTH
    ),
    ("ease-served-tuned", "ease-irspack-tuned"),
    *((f"item-knn-{how}", f"{peer}-{how}") for peer in ("lenskit-item-knn", "recbole-item-knn") for how in BOTH),
    *((f"item2vec-{how}", f"gensim-{how}") for how in BOTH),
    ("mult-vae", "cornac-mult-vae"),
    ("mult-vae", "recbole-mult-vae"),
    ("recvae", "cornac-recvae"),
    ("masked-set", "bert4rec"),
    ("masked-set", "gsasrec"),
)
"""Ours and theirs, by the names of the files of lists."""

AT = 10
WITHIN = 0.99


@dataclass(frozen=True)
class Judged:
    """One system. values: float64 [users], NDCG@10. curve: seconds and mean NDCG@10 then. The rest as of `Result`."""

    name: str
    values: NDArray[np.float64]
    seconds: float
    peak_mb: float
    facts: str
    curve: tuple[tuple[float, float], ...]
    wait_ms: float | None = None
    alone: bool = True

    def reaches(self, quality: float) -> float | None:
        """Return the seconds after which it first has this NDCG@10; None if it never has."""
        return next((seconds for seconds, figure in self.curve if figure >= quality), None)


def judged(file: Path, targets: Likes) -> Judged:
    """Read one system's lists and score them."""
    with np.load(file) as made:
        curve = zip(made["curve_seconds"].tolist(), made["curve_tops"], strict=True)
        values, seconds = ndcg(made["tops"], targets), float(made["seconds"])
        wait = float(made["wait_ms"]) if "wait_ms" in made else np.nan  # files of before have none
        points = tuple((at, float(ndcg(tops, targets).mean())) for at, tops in curve)
        return Judged(
            name=str(made["name"]),
            values=values,
            seconds=seconds,
            peak_mb=float(made["peak_mb"]),
            facts=str(made["facts"]),
            curve=points or ((seconds, float(values.mean())),),
            wait_ms=None if np.isnan(wait) else wait,
            alone=bool(made["alone"]) if "alone" in made else True,
        )


def ndcg(tops: Tops, targets: Likes) -> NDArray[np.float64]:
    """Return float64 [users], by the metric that all of our figures are made with."""
    hits = np.stack([np.isin(row, targets.of(user)) for user, row in enumerate(tops)])
    return metrics.ndcg(hits, np.diff(targets.indptr), AT)


def compared(ours: Judged, theirs: Judged, rng: np.random.Generator) -> dict[str, Any]:
    """Return both figures with their intervals, and the paired one of the difference."""
    columns = np.stack([ours.values, theirs.values, ours.values - theirs.values], axis=1)
    own, other, difference = bootstrap(columns, rng)
    quality = WITHIN * min(own.mean, other.mean)  # which both reach
    return {
        "ours": ours.name,
        "theirs": theirs.name,
        "ndcg@10": {"ours": vars(own), "theirs": vars(other), "difference": vars(difference)},
        "below": bool(difference.high < 0),
        "fit_s": {"ours": ours.seconds, "theirs": theirs.seconds},
        "seconds_to_quality": {"ours": ours.reaches(quality), "theirs": theirs.reaches(quality)},
        "peak_mb": {"ours": ours.peak_mb, "theirs": theirs.peak_mb},
        "wait_ms": {"ours": ours.wait_ms, "theirs": theirs.wait_ms},
        "alone": {"ours": ours.alone, "theirs": theirs.alone},
        "facts": {"ours": ours.facts, "theirs": theirs.facts},
    }


def section(split: Split, lists: Path, missing: Mapping[str, str]) -> dict[str, Any]:
    """Return the comparison of all pairs that have their lists. missing: by name why a peer did not run."""
    files = {name: lists / f"{name}.npz" for name in sorted({name for pair in PAIRS for name in pair})}
    found = {name: judged(file, split.test_targets) for name, file in files.items() if file.is_file()}
    rng = np.random.default_rng(0)
    return {
        "split": {
            "titles": split.n,
            "likes": len(split.train.items),
            "users": split.train.n_users,
            "test_users": split.test_given.n_users,
        },
        "seconds_are": "of one processor",
        "trials": TRIALS,
        "pairs": [compared(found[own], found[other], rng) for own, other in PAIRS if {own, other} <= found.keys()],
        "did_not_run": dict(missing),
    }


def with_earlier(made: dict[str, Any], earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a comparison with those pairs that an earlier one of the same split has besides; each says its commit."""
    if earlier is None or earlier["split"] != made["split"]:
        return made
    new = {(pair["ours"], pair["theirs"]) for pair in made["pairs"]}
    kept = [pair for pair in earlier["pairs"] if (pair["ours"], pair["theirs"]) not in new]
    return made | {"pairs": [*made["pairs"], *({"commit": earlier["commit"]} | pair for pair in kept)]}


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", type=Path, required=True, help="what split.py wrote")
    parser.add_argument("--lists", type=Path, required=True, help="folder of the files that the runners wrote")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    parser.add_argument("--without", action="append", default=[], metavar="NAME=REASON", help="a peer that did not run")
    parser.add_argument("--file", action="store_true", help="file it under benchmarks/results as well")
    parser.add_argument("--earlier", action="store_true", help="keep filed pairs that were not run anew")
    args = parser.parse_args()
    made = section(Split.read(args.split), args.lists, dict(one.split("=", 1) for one in args.without))
    made = with_earlier(made, newest("parity")) if args.earlier else made
    print("\n".join(parity_page.table(made)))
    args.out.write_text(json.dumps({"kind": "parity"} | surroundings() | made, indent=1) + "\n")
    if args.file:
        print(file_section(source()["commit"], "parity", surroundings() | made))


if __name__ == "__main__":
    main()
