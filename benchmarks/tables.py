"""Write what is made of the newest figures: whole pages in docs/, and parts of the README and of docs/scaling.md.

python benchmarks/tables.py           rewrite both
python benchmarks/tables.py --check   exit 1 if that would change it
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import parity_page
import scaling_page
from board import document
from filing import REPOSITORY, RESULTS, newest

README = REPOSITORY / "README.md"
BOARD = REPOSITORY / "docs" / "leaderboard.md"
PARITY = REPOSITORY / "docs" / "parity.md"
SCALING = REPOSITORY / "docs" / "scaling.md"

EXAMPLE = ("recommend", "--like", "Cowboy Bebop", "--like", "Samurai Champloo", "--like", "Trigun", "-k", "10")


def made() -> dict[str, str]:
    """Return the text between each pair of marks in the README."""
    parts = {
        "example": _example(),
        "speed": "\n\n".join(
            (_speed(_newest("speed")), _serving(_newest("serving"), _newest("load")), _imports(_newest("imports")))
        ),
    }
    board = newest("leaderboard")
    return parts | ({"leaderboard": document.short(board)} if board else {})


def filled(file: Path, parts: dict[str, str]) -> str:
    """Return a document with its made parts, by name, renewed."""
    whole = file.read_text(encoding="utf-8")
    for name, text in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if whole.count(begin) != 1 or whole.count(end) != 1:
            raise SystemExit(f"{file.name} needs the marks {begin.strip()} and {end} once")
        before, after = whole.split(begin)
        whole = before + begin + text + "\n" + end + after.split(end)[1]
    return whole


def _example() -> str:
    anirec = Path(sys.executable).with_name("anirec")
    done = subprocess.run([anirec, *EXAMPLE], check=True, stdout=subprocess.PIPE, text=True)
    lines = [line.rstrip() for line in done.stdout.strip("\n").split("\n")]
    return "\n".join(["```", *lines, "```"])


def _newest(section: str) -> dict[str, Any]:
    found = newest(section)
    if found is None:
        raise SystemExit(f"no file in {RESULTS} has the section {section}: run `make bench`")
    return found


def _speed(found: dict[str, Any]) -> str:
    parts = [
        f"Measured at commit `{found['commit']}` on {found['machine']} (`make bench`).\n",
        "| data | anime fitted | fit s | prune s | peak MB | answer p50 ms | p95 ms | p99 ms |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for size, fit in found["fit"].items():
        latency = found["latency"][size]
        entry = latency["entry"]
        name = "real" if size == "real" else "made up"
        parts.append(
            f"| {name} | {fit['items']:,} | {fit['fit_seconds']:g} | {fit['prune_seconds']:g} | {fit['peak_mb']:,} "
            f"| {entry['p50_ms']:g} | {entry['p95_ms']:g} | {entry['p99_ms']:g} |"
        )
    parts += [
        "",
        f"An answer is one profile of {found['latency']['real']['profile']} titles, scored by EASE, filtered and "
        f"ranked over the whole catalogue ({found['latency']['real']['catalogue']:,} anime in the real one). "
        f"Import of the real data: {found['import']['rows']:,} rows in {found['import']['seconds']:g} s.",
    ]
    return "\n".join(parts)


def _serving(found: dict[str, Any], load: dict[str, Any]) -> str:
    start, starter, steady, blend = found["start"], found["starter"], load["steady"], found["starter"]["blend"]
    return (
        f"The starter bundle has {starter['megabytes']:g} MB and opens in {starter['load_ms']} ms. "
        f"Its blend scores and ranks a profile of {blend['profile']} titles in {blend['p50_ms']:g} ms "
        f"(p95 {blend['p95_ms']:g} ms); `anirec recommend` takes {start['recommend_ms'] / 1000:.2f} s as a process, "
        f"{starter['answer_p50_ms']:g} ms within one, with titles, facts and reasons (commit `{found['commit']}`)."
        f"\n\n`anirec serve` is ready after {load['start']['ready_s']:g} s, "
        f"with {load['start']['resident_mb']['largest']:.0f} MB. Asked by {load['connections']} connections for "
        f"{steady['seconds'] / 60:.0f} minutes, {load['workers']} processes on 2 cores, shared with who asks, "
        f"give {steady['per_second']:.0f} lists a second (p50 {steady['p50_ms']:.0f}, p99 {steady['p99_ms']:.0f} ms; "
        f"`python benchmarks/load.py`, commit `{load['commit']}`)."
    )


def _imports(found: dict[str, Any]) -> str:
    parts = [
        f"Import of made-up files of public layouts, measured at commit `{found['commit']}` on {found['machine']}:\n",
        "| layout | rows | CSV MB | s | rows per s | peak MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    parts += [
        f"| {file['layout']} | {file['rows']:,} | {file['input_mb']:,} | {file['seconds']:g} "
        f"| {file['rows_per_second']:,} | {file['peak_mb']:,} |"
        for file in found["files"]
    ]
    return "\n".join(parts)


def made_files() -> dict[Path, str]:
    """Return the text that each made file should have; the leaderboard is one once it has been measured."""
    board = newest("leaderboard")
    files = {README: filled(README, made())}
    grown = scaling_page.collected()
    files |= {SCALING: filled(SCALING, {scaling_page.SECTION: scaling_page.tables(grown)})} if grown["steps"] else {}
    files |= {BOARD: document.whole(board)} if board else {}
    parity = newest("parity")
    return files | ({PARITY: parity_page.whole(parity, newest("metrics_speed"))} if parity else {})


def main() -> None:
    """Rewrite the files, or check them."""
    stale = {
        file: text
        for file, text in made_files().items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    }
    if sys.argv[1:] == ["--check"]:
        names = ", ".join(file.name for file in stale)
        sys.exit(f"not made from the newest results: {names}; run `make tables`" if stale else 0)
    for file, text in stale.items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
