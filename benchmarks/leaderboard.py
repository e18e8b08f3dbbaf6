"""Measure all models on the same data, users and protocols, and file the comparison under `benchmarks/results/`.

    python benchmarks/leaderboard.py measure    what is not measured yet; each row and seed in a process of its own
    python benchmarks/leaderboard.py assemble   one section of results from what is measured; --earlier: with rows of
                                                the newest results that are not measured anew
    python benchmarks/tables.py                 docs/leaderboard.md and the README from the newest results

`measure` may be stopped at any time and goes on where it was; a row whose settings, data or users changed is measured
anew. A change of the code is not noticed (the page names all commits): delete a row's files to measure it again. What
is written goes to a folder that git ignores, as it holds figures of single users; only averages are filed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from anirec.service.training import READ
from anirec.sources.importer import recognise
from anirec.tables import sha256
from board.assemble import assemble, with_earlier
from board.measure import keep, measure
from board.plan import PLAN, USERS, Row, fingerprint, row_of
from filing import DATA, REPOSITORY, RESULTS, file_section, newest

INTO = REPOSITORY / "build" / "leaderboard"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    measuring = commands.add_parser("measure", help="measure what is not measured yet")
    measuring.add_argument("--into", type=Path, default=INTO, help="where measurements lie")
    measuring.add_argument("--data", type=Path, default=DATA, help="a folder of any known layout")
    measuring.add_argument("--only", action="append", choices=[row.name for row in PLAN], help="these rows only")
    measuring.add_argument("--budget-minutes", type=float, help="stop after so long; what is not done by then is lost")
    measuring.add_argument("--users", type=int, default=USERS, help="test users, at most")
    assembling = commands.add_parser("assemble", help="make one section of results")
    assembling.add_argument("--into", type=Path, default=INTO, help="where measurements lie")
    assembling.add_argument("--results", type=Path, default=RESULTS, help="where to file it")
    assembling.add_argument("--earlier", action="store_true", help="keep rows of the newest results that are not in it")
    alone = commands.add_parser("one", help="measure one row with one seed, in this process")
    alone.add_argument("row")
    alone.add_argument("seed", type=int)
    alone.add_argument("canonical", type=Path)
    alone.add_argument("into", type=Path)
    alone.add_argument("users", type=int)
    asked = parser.parse_args()
    if asked.what == "one":
        keep(
            asked.into,
            f"{asked.row}-{asked.seed}",
            *measure(row_of(asked.row), asked.seed, asked.canonical, asked.users),
        )
    elif asked.what == "assemble":
        section = assemble(asked.into)
        if asked.earlier and (earlier := newest("leaderboard", asked.results)):
            section = with_earlier(section, earlier)
        print(file_section(section["commits"][-1], "leaderboard", section, asked.results))
    else:
        rows = [row for row in PLAN if asked.only is None or row.name in asked.only]
        sys.exit(measure_all(rows, asked.data, asked.into, asked.users, asked.budget_minutes))


def measure_all(rows: Sequence[Row], data: Path, into: Path, users: int, budget_minutes: float | None) -> int:
    """Measure what is not in `into` yet; returns how many of the measurements failed or were not reached."""
    ends = None if budget_minutes is None else time.monotonic() + 60 * budget_minutes
    into.mkdir(parents=True, exist_ok=True)
    canonical = _canonical(data, into)
    tables = {name: sha256(canonical / f"{name}.parquet") for name in READ if (canonical / f"{name}.parquet").is_file()}
    missing = 0
    for row, seed in [(one, seed) for one in rows for seed in range(one.trainings)]:
        name = f"{row.name}-{seed}"
        if is_measured(into, name, fingerprint(row, seed, users, tables)):
            print(f"{name}: measured before")
            continue
        left = None if ends is None else ends - time.monotonic()
        missing += not _one(row, seed, canonical, into, users, left)
    return missing


def is_measured(into: Path, name: str, wanted: str) -> bool:
    """Return whether there is a whole measurement of this fingerprint."""
    file = into / f"{name}.json"
    return file.is_file() and bool(json.loads(file.read_text(encoding="utf-8"))["fingerprint"] == wanted)


def _one(row: Row, seed: int, canonical: Path, into: Path, users: int, seconds: float | None) -> bool:
    """Measure in a process of its own and say how it went; `seconds`: at most."""
    name = f"{row.name}-{seed}"
    if seconds is not None and seconds <= 0:
        print(f"{name}: no time left")
        return False
    print(f"{name} ...", flush=True)
    command = [sys.executable, __file__, "one", row.name, str(seed), str(canonical), str(into), str(users)]
    try:
        done = subprocess.run(command, check=False, timeout=seconds, stderr=subprocess.PIPE, text=True)
    except subprocess.TimeoutExpired:
        print(f"{name}: stopped, no time left")
        return False
    if done.returncode:
        print(f"{name}: failed: {done.stderr.strip().rpartition(chr(10))[2]}")
        return False
    facts = json.loads((into / f"{name}.json").read_text(encoding="utf-8"))
    took = f"fit {facts['fit_seconds']} s ({facts['fit_cpu_seconds']} s of CPU), peak {facts['peak_mb']} MB"
    print(f"  {took}, {facts['bytes']:,} bytes, {facts['latency']}")
    return True


def _canonical(data: Path, into: Path) -> Path:
    """Return canonical tables of the data: a process that reads much would lend its peak memory to those it starts."""
    if recognise(data).name == "canonical":
        return data
    anirec = Path(sys.executable).with_name("anirec")
    subprocess.run([anirec, "data", "import", data, "--to", into / "canonical"], check=True, stdout=subprocess.DEVNULL)
    return into / "canonical"


if __name__ == "__main__":
    main()
