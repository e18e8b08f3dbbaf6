"""Where the page's built files are; a checkout builds them when they are first wanted, or out of date.

Only the standard library is imported: the build of the wheel (`hatch_build.py`) loads this file by itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PACKAGED: Final = Path(__file__).parent / "page_files"
"""In a wheel."""
FRONTEND: Final = Path(__file__).parents[3] / "frontend"
"""In a checkout."""
STAMP: Final = "built-from.txt"
"""Beside the built files: what they were built from."""
INPUTS: Final = (
    "index.html",
    "openapi.json",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
)
GENERATED: Final = "src/api/schema.d.ts"
LOCK: Final = ".building"
MOST_SECONDS: Final = 900
NODE: Final = (20, 19)

log = logging.getLogger("anirec")


class PageNotBuilt(RuntimeError):
    """The page could not be built; the message says why and what to do."""


def page_files(build: bool = True) -> Path | None:  # noqa: FBT001, FBT002 - agreed with the server
    """Return the folder of the built page: `index.html`, `assets/`. None where there is none; the log says why.

    build: whether a checkout may build it: with Node and npm, from `package-lock.json`; about a minute the first time.
    """
    if (PACKAGED / "index.html").is_file():
        return PACKAGED
    if not (FRONTEND / "package.json").is_file():
        log.warning("this package holds no page; install a wheel, or serve from a checkout")
        return None
    dist = FRONTEND / "dist"
    if is_current(FRONTEND):
        return dist
    if build:
        try:
            return build_page(FRONTEND)
        except PageNotBuilt as error:
            log.warning("the page is not built: %s", error)
    if (dist / "index.html").is_file():
        log.warning("the page is served as it was built before its last changes; build it with `make page`")
        return dist
    return None


def is_current(frontend: Path) -> bool:
    """Return whether the built files are of these sources."""
    stamp = frontend / "dist" / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == fingerprint(frontend)


def fingerprint(frontend: Path) -> str:
    """Return a SHA-256 of the names and contents of all that the page is built from."""
    found = hashlib.sha256()
    for name in INPUTS:
        top = frontend / name
        files = [top] if top.is_file() else sorted(file for file in top.rglob("*") if file.is_file())
        for file in files:
            relative = file.relative_to(frontend).as_posix()
            if relative != GENERATED:
                found.update(f"{relative}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def build_page(frontend: Path) -> Path:
    """Build the page with `npm ci` and `npm run build`, and return the folder of its files.

    Raises:
        PageNotBuilt: Node or npm is missing or too old, or a step failed.
    """
    npm = _npm()
    with _alone(frontend):
        if is_current(frontend):  # another process was faster
            return frontend / "dist"
        made_from = fingerprint(frontend)
        log.warning("building the page (npm ci, npm run build); this takes about a minute and happens once")
        _install(npm, frontend)
        _step([npm, "run", "build"], frontend)
        (frontend / "dist" / STAMP).write_text(f"{made_from}\n", encoding="utf-8")
    return frontend / "dist"


def _install(npm: str, frontend: Path) -> None:
    """Install what `package-lock.json` names, unless it is there already."""
    wanted = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    stamp = frontend / "node_modules" / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == wanted:
        return
    _step([npm, "ci"], frontend)
    stamp.write_text(f"{wanted}\n", encoding="utf-8")


def _npm() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    wanted = ".".join(map(str, NODE))
    if node is None or npm is None:
        raise PageNotBuilt(
            f"Node is missing; install Node {wanted} or later with npm, or a wheel, which holds the page"
        )
    told = subprocess.run([node, "--version"], check=False, capture_output=True, text=True, timeout=30).stdout.strip()  # noqa: S603 - found by name, no text of others
    numbers = told.removeprefix("v").split(".")
    if not all(number.isdecimal() for number in numbers[:2]) or tuple(map(int, numbers[:2])) < NODE:
        raise PageNotBuilt(f"Node is {told or 'of no known version'}; {wanted} or later is needed")
    return npm


def _step(command: list[str], frontend: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words; npm as found by name
            command,
            cwd=frontend,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=MOST_SECONDS,
            env={**os.environ, "CI": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise PageNotBuilt(f"`{' '.join(command[1:])}` took longer than {MOST_SECONDS} s") from error
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise PageNotBuilt(f"`npm {' '.join(command[1:])}` failed in {frontend.name}/:\n{last}")


@contextmanager
def _alone(frontend: Path) -> Iterator[None]:
    """Hold others off: several processes of one server want the page at the same time."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows, where one process serves
    except ImportError:
        yield
        return
    with (frontend / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, also by a crash
        yield
