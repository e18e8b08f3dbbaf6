"""dvc.yaml as it stands in the repository, run by DVC on small data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[1]
DVC = Path(sys.executable).with_name("dvc")

pytestmark = pytest.mark.skipif(not DVC.is_file(), reason='DVC is not installed; pip install "anirec[pipeline]"')


def write_set(folder: Path, *, users: int, seed: int) -> None:
    """A folder of the layout of 2016: half the users like the first 30 anime, half the others."""
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the pipeline and two small sets."""
    for name in ("dvc.yaml", ".dvc/config", ".dvc/.gitignore"):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / "project" / name)
    write_set(tmp_path / "old", users=300, seed=1)
    write_set(tmp_path / "new", users=200, seed=2)
    (tmp_path / "project" / "params.yaml").write_text(
        "sources:\n  1-new: ../new\n  2-old: ../old\nseed: 0\nusers: 40\n", encoding="utf-8"
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "project", check=True)
    return tmp_path / "project"


def dvc(project: Path, *words: str) -> str:
    path = f"{DVC.parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [DVC, *words], cwd=project, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_repro_makes_a_bundle_and_its_figures_then_only_what_changed_and_a_remote_keeps_it(project: Path) -> None:
    first = dvc(project, "repro")
    assert [f"Running stage '{stage}'" in first for stage in ("import@1-new", "import@2-old", "prepare")] == [True] * 3
    figures = json.loads((project / "figures.json").read_text())
    raw = {row["model"]: row["metrics"]["ndcg@10"]["mean"] for row in figures["rows"] if row["figure"] == "raw"}
    assert raw["ease"] > 1.5 * raw["random"], "half of the anime are to nobody's taste who likes the other half"
    assert (project / "bundle" / "manifest.json").is_file()
    joined = json.loads((project / "joined" / "manifest.json").read_text())
    assert joined["tables"]["ratings"]["rows"] == 500 * 24
    assert [source["layout"] for source in joined["tables"]["ratings"]["sources"]] == ["cooperunion2016"] * 2

    assert "Running stage" not in dvc(project, "repro")

    write_set(project.parent / "new", users=210, seed=3)
    again = dvc(project, "repro")
    assert "Running stage 'import@1-new'" in again
    assert "Running stage 'evaluate'" in again
    assert "Running stage 'import@2-old'" not in again

    dvc(project, "remote", "add", "--default", "here", str(project.parent / "remote"))
    dvc(project, "push", "--quiet")
    shutil.rmtree(project / "bundle")
    shutil.rmtree(project / ".dvc" / "cache")
    dvc(project, "pull", "--quiet", "train")
    assert (project / "bundle" / "manifest.json").is_file()
