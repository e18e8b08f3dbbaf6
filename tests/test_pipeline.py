"""dvc.yaml as it stands in the repository, run by DVC on small data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import small_pipeline
from small_pipeline import DVC, write_set

pytestmark = pytest.mark.skipif(not DVC.is_file(), reason='DVC is not installed; pip install "anirec[pipeline]"')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the pipeline and two small sets."""
    return small_pipeline.write_project(tmp_path)


def dvc(project: Path, *words: str) -> str:
    result = small_pipeline.dvc(project, *words)
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
