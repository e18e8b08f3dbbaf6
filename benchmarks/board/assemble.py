"""All measurements -> one section of results: means over trainings, intervals over users, differences to EASE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.evaluate.figures import FIGURES
from anirec.evaluate.intervals import Interval, bootstrap, holm, sign_flips
from anirec.evaluate.slices import SIZES
from board.plan import BASELINE, BLEND, NATURAL, PLAN, PROTOCOLS, RANDOM, SPLIT_SEED, STOPS, TAIL_FROM

BUCKETS: Final = (*((low, above - 1) for low, above in pairwise(SIZES)), (SIZES[-1], None))
"""Numbers of titles given, both ends included."""

SAME: Final = ("data", "users", "sources")
"""What all measurements must share to be compared."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A row of the plan with all its trainings. facts: of each. per_case: of each, see `measure.measure`."""

    name: str
    facts: tuple[Mapping[str, Any], ...]
    per_case: tuple[Mapping[str, NDArray[Any]], ...]

    def values(self, key: str) -> Values:
        """Return float64 [cases]: the mean over trainings, nan where a case is not counted."""
        values: Values = np.stack([arrays[key] for arrays in self.per_case]).mean(axis=0, dtype=np.float64)
        return values


def assemble(folder: Path) -> dict[str, Any]:
    """Return the section of everything that was measured into a folder, rows in the order of the plan.

    Exits with a message where nothing was measured, or measurements are not of the same data and users.
    """
    rows = read(folder)
    every = [facts for row in rows for facts in row.facts]
    if not every:
        raise SystemExit(f"nothing is measured in {folder}; run `leaderboard.py measure` first")
    for name in SAME:
        if len({json.dumps(facts[name], sort_keys=True) for facts in every}) > 1:
            raise SystemExit(f"the measurements in {folder} differ in `{name}`; measure again what is older")
    if len({row.per_case[0]["users"].tobytes() for row in rows}) > 1:
        raise SystemExit(f"the measurements in {folder} are not of the same users; measure again what is older")
    found: dict[str, Any] = rounded(section(rows) | _about(rows, every))
    return found


def with_earlier(found: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section with those rows of an earlier one that were not measured anew, in the order of the plan.

    They keep their intervals and differences, and p as it was corrected beside the rows of then. Of a length of profile
    they keep the difference to the best single model if that is still the best.

    Exits with a message where the two are not of the same data, users and protocols.
    """
    for name in (*SAME, "cases", "split_seed", "tail_from", "baseline"):
        if found[name] != earlier[name]:
            raise SystemExit(f"the earlier results differ in `{name}`; measure all rows again")
    rows = {row["name"]: row for row in (*earlier["rows"], *found["rows"])}
    here = {row["name"] for row in found["rows"]}
    joined = {
        figure: [
            _joined(new, old, here)
            for new, old in zip(found["buckets"][figure], earlier["buckets"][figure], strict=True)
        ]
        for figure in FIGURES
    }
    kept = [row.name for row in PLAN if row.name in rows and row.name not in here]
    return {
        **found,
        "rows": [rows[row.name] for row in PLAN if row.name in rows],
        "buckets": joined,
        "slider": found["slider"] or earlier["slider"],
        "kept": kept,
        "missing": _missing({name: row["trainings"] for name, row in rows.items()}),
        "commits": list(dict.fromkeys([*earlier["commits"], *found["commits"]])),
        "changed_since_commit": found["changed_since_commit"] or earlier["changed_since_commit"],
        "machines": sorted({*earlier["machines"], *found["machines"]}),
    }


def _joined(new: Mapping[str, Any], old: Mapping[str, Any], here: AbstractSet[str]) -> dict[str, Any]:
    """Return a bucket with the rows of both. here: rows that were measured anew."""
    of_old = {name: row for name, row in old["rows"].items() if name not in here}
    rows = {**of_old, **new["rows"]}
    single = [name for name in rows if name not in (BLEND, RANDOM)]
    if not single:
        return dict(new)
    best = max(single, key=lambda name: float(rows[name]["ndcg@10"]["mean"]))
    held = {**dict.fromkeys(of_old, old.get("best")), **dict.fromkeys(new["rows"], new.get("best"))}
    told = {
        row.name: {key: value for key, value in rows[row.name].items() if key != "difference" or held[row.name] == best}
        for row in PLAN
        if row.name in rows
    }
    return {**new, "best": best, "rows": told}


def _missing(done: Mapping[str, int]) -> dict[str, int]:
    """Return by row how many trainings of the plan are not done."""
    return {row.name: row.trainings - done.get(row.name, 0) for row in PLAN if done.get(row.name) != row.trainings}


def read(folder: Path) -> list[Measured]:
    """Return what is whole in the folder, by row of the plan."""
    rows = []
    for row in PLAN:
        names = [f"{row.name}-{seed}" for seed in range(row.trainings)]
        names = [name for name in names if (folder / f"{name}.json").is_file()]
        facts = tuple(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names)
        if names:
            rows.append(Measured(row.name, facts, tuple(dict(np.load(folder / f"{name}.npz")) for name in names)))
    return rows


def section(rows: Sequence[Measured], seed: int = 0) -> dict[str, Any]:
    """Return rows, buckets and slider. seed: of the draws that intervals and tests are made from."""
    rng = np.random.default_rng(seed)
    figures = {
        protocol: {figure: _compared(rows, f"{protocol}/{figure}", rng) for figure in FIGURES} for protocol in PROTOCOLS
    }
    tails = {key: _intervals(rows, key, rng) for key in ("tail", "recall")}
    return {
        "rows": [
            _costs(row)
            | {"tail": {key: found[row.name] for key, found in tails.items()}}
            | {
                "figures": {
                    protocol: {
                        figure: _row_figures(row, protocol, figure) | found[row.name]
                        for figure, found in by_figure.items()
                        if row.name in found
                    }
                    for protocol, by_figure in figures.items()
                }
            }
            for row in rows
        ],
        "buckets": {figure: buckets(rows, figure, rng) for figure in FIGURES},
        "slider": _slider(rows),
    }


def buckets(rows: Sequence[Measured], figure: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return NDCG@10 by the number of titles given, with the difference to the best single model of the bucket."""
    given = rows[0].per_case[0]["given"]
    values = np.stack([row.values(f"{NATURAL}/{figure}") for row in rows], axis=1)
    names = [row.name for row in rows]
    single = [i for i, name in enumerate(names) if name not in (BLEND, RANDOM)]
    found = []
    for low, high in BUCKETS:
        inside = (given >= low) & (given <= (given.max() if high is None else high)) & ~np.isnan(values).any(axis=1)
        own = values[inside]
        bucket: dict[str, Any] = {"low": low, "high": high, "users": len(own), "rows": {}}
        if len(own) and single:
            best = max(single, key=lambda i: own[:, i].mean())
            intervals = bootstrap(np.concatenate([own, own - own[:, [best]]], axis=1), rng)
            bucket["best"] = names[best]
            bucket["rows"] = {
                name: {"ndcg@10": _plain(intervals[i])}
                | ({} if i == best else {"difference": _plain(intervals[len(names) + i])})
                for i, name in enumerate(names)
            }
        found.append(bucket)
    return found


def _compared(rows: Sequence[Measured], key: str, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Return by row NDCG@10 with its interval, and the difference to the baseline with p, corrected over all rows."""
    values = np.stack([row.values(key) for row in rows], axis=1)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return {}
    found: dict[str, dict[str, Any]] = {
        row.name: {"ndcg@10": _plain(interval)} for row, interval in zip(rows, bootstrap(values, rng), strict=True)
    }
    names = [row.name for row in rows]
    if BASELINE not in names or len(names) == 1:
        return found
    base = names.index(BASELINE)
    others = [i for i in range(len(names)) if i != base]
    differences = values[:, others] - values[:, [base]]
    p = holm(sign_flips(differences, rng))
    for i, interval, chance in zip(others, bootstrap(differences, rng), p, strict=True):
        found[names[i]]["difference"] = _plain(interval) | {"p": float(chance)}
    return found


def _intervals(rows: Sequence[Measured], key: str, rng: np.random.Generator) -> dict[str, dict[str, Any] | None]:
    values = np.stack([row.values(key) for row in rows], axis=1)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return {row.name: None for row in rows}
    return {row.name: _plain(interval) for row, interval in zip(rows, bootstrap(values, rng), strict=True)}


def _row_figures(row: Measured, protocol: str, figure: str) -> dict[str, Any]:
    found = [facts["figures"][protocol][figure] for facts in row.facts]
    ndcg = [one["metrics"]["ndcg@10"] for one in found]
    return {
        "metrics": {name: _mean([one["metrics"][name] for one in found]) for name in found[0]["metrics"]},
        "spread": {"low": min(ndcg), "high": max(ndcg), "sd": float(np.std(ndcg, ddof=1)) if len(ndcg) > 1 else None},
        "coverage": _mean([one["coverage"] for one in found]),
        "popularity_percentile": _mean([one["popularity_percentile"] for one in found]),
    }


def _costs(row: Measured) -> dict[str, Any]:
    """Return what a row is, and what it costs: means over trainings, of memory and size the most.

    Of waiting for an answer the training that was measured while the machine had the least else to do.
    """
    first = row.facts[0]
    quiet = min((facts["latency"] for facts in row.facts), key=lambda latency: latency["p50_ms"])
    return {
        "name": row.name,
        "model": first["model"],
        "settings": first["settings"],
        "config": first["config"],
        "trainings": len(row.facts),
        "candidates": first["candidates"],
        "fit_seconds": _mean([facts["fit_seconds"] for facts in row.facts]),
        "fit_cpu_seconds": _mean([facts["fit_cpu_seconds"] for facts in row.facts]),
        "before_mb": max(facts["before_mb"] for facts in row.facts),
        "peak_mb": max(facts["peak_mb"] for facts in row.facts),
        "bytes": max(facts["bytes"] for facts in row.facts),
        **{name: quiet[name] for name in ("profile", "p50_ms", "p95_ms")},
    }


def _slider(rows: Sequence[Measured]) -> dict[str, Any]:
    blend = next((row for row in rows if row.name == BLEND), None)
    if blend is None:
        return {}
    return {
        str(stop): {
            figure: {
                "ndcg@10": _mean([found["metrics"].get("ndcg@10", 0.0) for found in of_stop]),
                "coverage": _mean([found["coverage"] for found in of_stop]),
                "popularity_percentile": _mean([found["popularity_percentile"] for found in of_stop]),
            }
            for figure in FIGURES
            for of_stop in [[facts["slider"][str(stop)][figure] for facts in blend.facts]]
        }
        for stop in STOPS
    }


def _about(rows: Sequence[Measured], every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return of what, when and where the measurements are; the commits in the order of time."""
    in_time = sorted(every, key=lambda facts: str(facts["when"]))
    given = rows[0].per_case[0]
    return {
        "data": every[0]["data"],
        "sources": every[0]["sources"],
        "users": every[0]["users"],
        "cases": {
            protocol: {figure: int((~np.isnan(given[f"{protocol}/{figure}"])).sum()) for figure in FIGURES}
            for protocol in PROTOCOLS
        }
        | {"tail": int((~np.isnan(given["tail"])).sum())},
        "split_seed": SPLIT_SEED,
        "tail_from": TAIL_FROM,
        "baseline": BASELINE,
        "missing": _missing({row.name: len(row.facts) for row in rows}),
        "commits": list(dict.fromkeys(str(facts["commit"]) for facts in in_time)),
        "changed_since_commit": any(facts["changed_since_commit"] for facts in every),
        "when": in_time[-1]["when"],
        "machines": sorted({str(facts["machine"]) for facts in every}),
        "packages": in_time[-1]["packages"],
    }


def rounded(value: Any) -> Any:
    """Return JSON-able values with numbers cut to what is meant by them: six places behind the point."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def _plain(interval: Interval) -> dict[str, Any]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
