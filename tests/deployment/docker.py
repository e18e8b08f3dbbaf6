"""A Dockerfile without an engine: its steps are done in folders, one beneath the root of all its stages.

What an image has of itself (Python, Node) is what this machine has. Stages share one tree, so paths that stages make
must differ, and an absolute path of the Dockerfile means the same in each.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser
from pathspec import PathSpec


@dataclass(frozen=True)
class Step:
    """One instruction: its name in capitals, and the rest of it on one line."""

    name: str
    value: str


def steps_of(dockerfile: Path) -> list[Step]:
    """Return the instructions of a Dockerfile, without comments."""
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.read_bytes()))
    return [
        Step(found["instruction"], found["value"]) for found in parser.structure if found["instruction"] != "COMMENT"
    ]


def words_of(value: str) -> list[str]:
    """Return the words of CMD, ENTRYPOINT or a health check in the form of a JSON list."""
    found: list[str] = json.loads(value)
    return found


@dataclass
class Stages:
    """The steps of a Dockerfile, done beneath `root`. context: the files that it may copy, beneath `folder`."""

    root: Path
    folder: Path
    ignored: PathSpec[Any]
    variables: dict[str, str] = field(default_factory=dict)
    where: str = "/"
    done: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def build(self, steps: list[Step]) -> None:
        """Do all steps in order; those that only say how it is run are passed over."""
        targets = [step.value.split()[-1] for step in steps if step.name in ("WORKDIR", "COPY")]
        self.made = {target.split("/")[1] for target in targets if target.startswith("/")}
        for step in steps:
            act = getattr(self, f"_{step.name.lower()}", None)
            if act is not None:
                act(step.value)

    def here(self, path: str) -> Path:
        """Return where a path of the image is on this machine."""
        return self.root / os.path.normpath(f"{self.where}/{path}" if not path.startswith("/") else path).lstrip("/")

    def in_place(self, text: str) -> str:
        """Return a line with each absolute path that the stages make put beneath the root."""
        made = "|".join(map(re.escape, sorted(self.made)))
        return re.sub(rf"(?:(?<![\w./])|(?<=sqlite:///))/(?=(?:{made})(?:/|\b))", f"{self.root}/", text)

    def environment(self) -> dict[str, str]:
        """Return what a process of the image is given: its variables, and how this machine installs packages."""
        kept = {n: v for n, v in os.environ.items() if n in ("HOME", "PATH") or n.upper().startswith(("PIP_", "NPM_"))}
        return kept | self.variables

    def _from(self, _value: str) -> None:
        self.variables, self.where = {}, "/"

    def _workdir(self, value: str) -> None:
        self.where = value
        self.here(".").mkdir(parents=True, exist_ok=True)

    def _env(self, value: str) -> None:
        for word in shlex.split(value):
            name, _, said = word.partition("=")
            self.variables[name] = self.in_place(said).replace("$PATH", os.environ["PATH"])

    def _copy(self, value: str) -> None:
        words = shlex.split(value)
        stage = words[0].startswith("--from=")
        *sources, target = [word for word in words if not word.startswith("--")]
        many = target.endswith("/") or len(sources) > 1
        for source in sources:
            origin = self.here(source) if stage else self.folder / source
            into = self.here(target)
            if origin.resolve() == into.resolve():
                continue
            if origin.is_dir():
                self._copy_folder(origin, into, from_context=not stage)
            else:
                assert stage or not self.ignored.match_file(source), f"{source} is kept from the builder"
                into = into / origin.name if many or into.is_dir() else into
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(origin, into)

    def _copy_folder(self, origin: Path, into: Path, *, from_context: bool) -> None:
        for path in files_in(origin):
            if from_context and self.ignored.match_file(path.relative_to(self.folder).as_posix()):
                continue
            copied = into / path.relative_to(origin)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copied)

    def _run(self, value: str) -> None:
        done = subprocess.run(
            ["sh", "-ec", self.in_place(value)],
            cwd=self.here("."), env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {value}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        self.done.append(value)


def files_in(folder: Path) -> Iterator[Path]:
    """Return all files of a folder; links to folders, and what npm installed, are not walked through."""
    for found in sorted(folder.iterdir()):
        if found.is_symlink() and found.is_dir():
            continue
        if found.is_dir() and found.name not in ("node_modules", "__pycache__"):
            yield from files_in(found)
        elif found.is_file():
            yield found


def ignored_by(dockerignore: Path) -> PathSpec[Any]:
    """Return what `.dockerignore` keeps from the builder. Its patterns begin at the folder, as if each had a slash."""
    lines = [line for line in dockerignore.read_text().split("\n") if line and not line.startswith("#")]
    rooted = [f"!/{line[1:]}" if line[0] == "!" else line if line.startswith("**") else f"/{line}" for line in lines]
    return PathSpec.from_lines("gitignore", ["/**" if line == "/*" else line for line in rooted])


def frozen(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Return size and time of every file, to see whether anything was written."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
