"""Score lists of peers and of ours side by side: `python compare.py --split split.npz --lists DIR --out parity.json`.

For each pair of `PAIRS`: NDCG@10 of both over the same test users and the full catalogue of the split, the given titles
left out; the difference, ours less theirs, with its paired bootstrap interval; the seconds of fitting; and the seconds
until NDCG@10 is first within 1 % of the peer's last. A peer that did not run is named with the reason that
`--without NAME=REASON` gives.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.evaluate import metrics
from anirec.evaluate.intervals import Interval, bootstrap
from exchange import Likes, Split, Tops

PAIRS = (
    ("ials-defaults", "implicit-defaults"),
    ("ials-tuned", "implicit-tuned"),
    ("ials-defaults", "irspack-defaults"),
    ("ials-tuned", "irspack-tuned"),
    ("ease-tuned", "ease-rectools"),
    ("ease-tuned", "ease-irspack"),
    ("ease-tuned", "ease-plain"),
    ("mult-vae", "cornac-mult-vae"),
    ("recvae", "cornac-recvae"),
    ("item2vec-defaults", "gensim"),
    ("masked-set", "bert4rec"),
    ("masked-set", "gsasrec"),
)
"""Ours and theirs, by the names of the files of lists."""

AT = 10
WITHIN = 0.99


@dataclass(frozen=True)
class Judged:
    """One system. values: float64 [users], NDCG@10. curve: seconds and mean NDCG@10 then."""

    name: str
    values: NDArray[np.float64]
    seconds: float
    peak_mb: float
    facts: str
    curve: tuple[tuple[float, float], ...]

    def reaches(self, quality: float) -> float | None:
        """Return the seconds after which it first has this NDCG@10; None if it never has."""
        return next((seconds for seconds, figure in self.curve if figure >= quality), None)


def judged(file: Path, targets: Likes) -> Judged:
    """Read one system's lists and score them."""
    with np.load(file) as made:
        curve = zip(made["curve_seconds"].tolist(), made["curve_tops"], strict=True)
        values, seconds = ndcg(made["tops"], targets), float(made["seconds"])
        points = tuple((at, float(ndcg(tops, targets).mean())) for at, tops in curve)
        return Judged(
            name=str(made["name"]),
            values=values,
            seconds=seconds,
            peak_mb=float(made["peak_mb"]),
            facts=str(made["facts"]),
            curve=points or ((seconds, float(values.mean())),),
        )


def ndcg(tops: Tops, targets: Likes) -> NDArray[np.float64]:
    """Return float64 [users], by the metric that all of our figures are made with."""
    hits = np.stack([np.isin(row, targets.of(user)) for user, row in enumerate(tops)])
    return metrics.ndcg(hits, np.diff(targets.indptr), AT)


def compared(ours: Judged, theirs: Judged, rng: np.random.Generator) -> dict[str, Any]:
    """Return both figures with their intervals, and the paired one of the difference."""
    columns = np.stack([ours.values, theirs.values, ours.values - theirs.values], axis=1)
    own, other, difference = bootstrap(columns, rng)
    quality = WITHIN * other.mean
    return {
        "ours": ours.name,
        "theirs": theirs.name,
        "ndcg@10": {"ours": vars(own), "theirs": vars(other), "difference": vars(difference)},
        "below": bool(difference.high < 0),
        "fit_s": {"ours": ours.seconds, "theirs": theirs.seconds},
        "seconds_to_quality": {"ours": ours.reaches(quality), "theirs": theirs.reaches(quality)},
        "peak_mb": {"ours": ours.peak_mb, "theirs": theirs.peak_mb},
        "facts": {"ours": ours.facts, "theirs": theirs.facts},
    }


def line(row: dict[str, Any]) -> str:
    """Return one row of the table."""
    figures = row["ndcg@10"]
    own, other, difference = (Interval(**figures[key]) for key in ("ours", "theirs", "difference"))
    times = [row["fit_s"][key] for key in ("ours", "theirs")]
    soon = ["never" if s is None else f"{s:.1f}" for s in row["seconds_to_quality"].values()]
    return (
        f"| {row['ours']} | {row['theirs']} | {own.mean:.4f} | {other.mean:.4f} | {difference} | "
        f"{times[0]:.1f} / {times[1]:.1f} | {' / '.join(soon)} |"
    )


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", type=Path, required=True, help="what split.py wrote")
    parser.add_argument("--lists", type=Path, required=True, help="folder of the files that the runners wrote")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    parser.add_argument("--without", action="append", default=[], metavar="NAME=REASON", help="a peer that did not run")
    args = parser.parse_args()
    split = Split.read(args.split)
    rng = np.random.default_rng(0)
    files = {name: args.lists / f"{name}.npz" for name in sorted({name for pair in PAIRS for name in pair})}
    found = {name: judged(file, split.test_targets) for name, file in files.items() if file.is_file()}
    rows = [compared(found[own], found[other], rng) for own, other in PAIRS if own in found and other in found]
    print("| ours | theirs | ours NDCG@10 | theirs | ours - theirs [95 %] | fit s | s to 99 % of theirs |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(line(row))
    missing = dict(one.split("=", 1) for one in args.without)
    for name, reason in missing.items():
        print(f"| | {name} | | did not run: {reason} | | | |")
    result = {
        "kind": "parity",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "split": {
            "titles": split.n,
            "likes": len(split.train.items),
            "users": split.train.n_users,
            "test_users": split.test_given.n_users,
        },
        "seconds_are": "of one processor",
        "pairs": rows,
        "did_not_run": missing,
    }
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
