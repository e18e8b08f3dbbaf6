"""Runs dvc.yaml as it stands on two small made-up sets, in a repository of its own."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).parents[1]
DVC = Path(sys.executable).with_name("dvc")
PARAMETERS = "sources:\n  1-new: ../new\n  2-old: ../old\nseed: 0\nusers: 40\n"


def write_set(folder: Path, *, users: int, seed: int) -> None:
    """Write a folder of the layout of 2016: half the users like the first 30 anime, half the others."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    anime = [f'{i},Show {i},"Action, Comedy",TV,12,7.5,{1000 * i}' for i in range(1, 61)]
    (folder / "anime.csv").write_text("\n".join(["anime_id,name,genre,type,episodes,rating,members", *anime]) + "\n")
    rows = [
        f"{user},{i},{9 if (i <= 30) == (user % 2 == 0) else 4}"
        for user in range(1, users + 1)
        for i in sorted(rng.choice(np.arange(1, 61), 24, replace=False))
    ]
    (folder / "rating.csv").write_text("\n".join(["user_id,anime_id,rating", *rows]) + "\n")


def write_project(folder: Path) -> Path:
    """Write the two sets and, beside them, a repository with the pipeline; returns the repository."""
    project = folder / "project"
    for name in ("dvc.yaml", ".dvc/config", ".dvc/.gitignore"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, project / name)
    write_set(folder / "old", users=300, seed=1)
    write_set(folder / "new", users=200, seed=2)
    (project / "params.yaml").write_text(PARAMETERS, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    return project


def dvc(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run DVC in a repository, with the commands of this environment."""
    path = f"{DVC.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [DVC, *words], cwd=project, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )


def main() -> int:
    """Make everything anew, and leave `figures.json` in the folder."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="replaced")
    folder: Path = arguments.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = write_project(folder)
    done = dvc(project, "repro")
    sys.stdout.write(done.stdout + done.stderr)
    if done.returncode == 0:
        shutil.copy(project / "figures.json", folder)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
