"""The tables of docs/scaling.md, made from what `scale.py` filed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from filing import RESULTS

SECTION: Final = "scale"
LISTS: Final = {
    "prepare": "import",
    "read": "read",
    "ease": "EASE",
    "evaluate": "evaluation",
    "ials": "iALS, an epoch",
}
"""Parts whose time grows with lists, and what they are called."""

Steps = dict[str, dict[str, dict[str, Any]]]
"""By step and part: its figures, with `when` and `commit`."""


def of_commit(commit: str, results: Path = RESULTS) -> Steps:
    """Return what was measured at one commit."""
    file = results / f"{commit}.json"
    found: Steps = json.loads(file.read_text()).get(SECTION, {}).get("steps", {}) if file.exists() else {}
    return found


def collected(results: Path = RESULTS) -> dict[str, Any]:
    """Return of each part of each step what was measured last, whatever the commit; and on which machine the last."""
    steps: Steps = {}
    last: Mapping[str, Any] = {}
    for file in sorted(results.glob("*.json")):
        whole = json.loads(file.read_text())
        if (section := whole.get(SECTION)) is None:
            continue
        last = max(last, section, key=lambda one: str(one.get("when", "")))
        for step, parts in section["steps"].items():
            for part, figures in parts.items():
                of_step = steps.setdefault(step, {})
                if part not in of_step or of_step[part]["when"] < figures["when"]:
                    of_step[part] = figures | {"commit": whole["commit"]}
    return {"steps": steps, "machine": last.get("machine", "")}


def tables(found: Mapping[str, Any]) -> str:
    """Return the tables in Markdown. found: of `collected`."""
    steps: Steps = {name: parts for name, parts in found["steps"].items() if parts}
    by_size = sorted(steps, key=lambda name: _most(steps[name]))
    commits = sorted({figures["commit"] for parts in steps.values() for figures in parts.values()})
    at = ", ".join(f"`{commit}`" for commit in commits)
    head = " | ".join(f"{name} s (CPU) | MB" for name in LISTS.values())
    lines = [
        f"Measured at {at} on {found['machine']} (`make scale`), every figure in a process of its own. Beside the "
        "seconds that went by stand those that the process worked, on all cores: where they are far fewer, something "
        "else worked on the machine, too.\n",
        f"| users | anime | ratings | {head} |",
        "|" + "--:|" * (3 + 2 * len(LISTS)),
    ]
    for name in by_size:
        read = steps[name].get("read")
        if read is None:
            continue
        cells = [f"{read['users']:,}", f"{read['anime']:,}", f"{read['ratings']:,}"]
        for part in LISTS:
            figures = steps[name].get(part)
            cells += [_seconds(figures), f"{figures['peak_mb']:,}"] if figures else ["–", "–"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| chunks | index s (CPU) | MB | nearest 1,000 ms | MB | of the nearest 100 found | in full ms |",
        "|" + "--:|" * 7,
    ]
    for name in by_size:
        built, near = steps[name].get("index"), steps[name].get("vectors")
        if near is None:
            continue
        of_index = f"{_seconds(built)} | {built['peak_mb']:,}" if built else "– | –"
        lines.append(
            f"| {near['chunks']:,} | {of_index} | {near['query_ms']:g} | {near['peak_mb']:,} "
            f"| {near['recall@100']:.0%} | {near['exact_ms']:g} |"
        )
    return "\n".join(lines)


def _most(parts: Mapping[str, Mapping[str, Any]]) -> int:
    sizes = [int(figures.get("ratings", 0) or figures.get("chunks", 0)) for figures in parts.values()]
    return max(sizes, default=0)


def _seconds(figures: Mapping[str, Any]) -> str:
    """Return `1,203 (285)`: seconds that went by, and seconds of work."""
    return " ".join(
        one.format(f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.1f}")
        for one, seconds in (("{}", figures["seconds"]), ("({})", figures["cpu_seconds"]))
    )
