"""Where figures are filed: one JSON per commit under `benchmarks/results/`, a section for each kind of measurement."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DATA = Path(os.environ.get("ANIREC_SHARED", REPOSITORY.parent / "shared")) / "data"


def git(*words: str) -> str:
    """Return what git prints in the repository."""
    return subprocess.run(["git", *words], check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY).stdout.strip()


def source() -> dict[str, Any]:
    """Return the commit that is checked out, and whether the package differs from it."""
    changed = bool(git("status", "--porcelain", "--", "src", ":!src/anirec/starter"))
    return {"commit": git("rev-parse", "--short=10", "HEAD"), "changed_since_commit": changed}


def surroundings() -> dict[str, Any]:
    """Return when and where something is measured."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "packages": {name: version(name) for name in ("numpy", "scipy", "duckdb")},
    }


def peak_mb() -> int:
    """Return the most memory that this process has had, in MB; started by a larger one, at least what that had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def file_section(commit: str, name: str, section: dict[str, Any], results: Path = RESULTS) -> Path:
    """Put a section into the file of a commit, in place of one of this name; returns the file."""
    file = results / f"{commit}.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    known |= {"commit": commit, "committed": git("show", "-s", "--format=%cI", commit), name: section}
    results.mkdir(exist_ok=True)
    file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return file


def newest(section: str, results: Path = RESULTS) -> dict[str, Any] | None:
    """Return the section of this name that was measured last, with its commit; None if there is none."""
    found = [json.loads(file.read_text()) for file in results.glob("*.json")]
    with_it = [result for result in found if section in result]
    if not with_it:
        return None
    last: dict[str, Any] = max(with_it, key=lambda result: str(result[section]["when"]))
    figures: dict[str, Any] = last[section]
    return {"commit": last["commit"]} | figures
