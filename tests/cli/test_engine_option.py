"""`--engine ray` as a user meets it: the same bundle, byte by byte, and the same figures as without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from anirec.cli import render
from cli.test_commands import anirec
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import Ask, Shown, command, files

__all__ = ["csv_folder", "tables"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    return lambda *words: anirec(capsys, monkeypatch, *words)


@pytest.fixture(scope="module")
def _two_workers() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    ray.init(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("_two_workers")
def test_a_bundle_trained_by_ray_is_the_same_byte_by_byte(ask: Ask, tables: Path, tmp_path: Path) -> None:
    bundles = {}
    for engine in ("local", "ray"):
        out = tmp_path / engine
        words = ["train", "--quick", "--data", str(tables), "--out", str(out), "--engine", engine]
        code, _, err = ask(*words)
        assert code == 0, err
        bundles[engine] = files(out)
    assert bundles["ray"] == bundles["local"]


@pytest.mark.usefixtures("_two_workers")
def test_evaluate_and_tune_by_ray_say_the_same(ask: Ask, tables: Path) -> None:
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    for words in (
        ["evaluate", "--quick", "--users", "40", "--model", "ials", "--set", "d=8"],
        ["tune", "--model", "ease", "--trials", "2", "--at-once", "2"],
    ):
        said = {}
        for engine in ("local", "ray"):
            code, out, err = ask(*words, "--data", str(tables), "--engine", engine, "--json")
            assert code == 0, err
            said[engine] = json.loads(out)
        assert said["ray"] == said["local"]


@pytest.mark.slow  # ranks take half a minute to start on a busy machine
@pytest.mark.usefixtures("_two_workers")
def test_nets_are_trained_on_all_workers_and_that_is_said(
    ask: Ask, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    shown = Shown()
    monkeypatch.setattr(render, "progress_bar", shown.bar)
    code, _, err = ask(*command(tables, tmp_path / "bundle", "mult-dae", "ncf"), "--engine", "ray")
    assert code == 0, err
    stages = {stage for stage, _, _ in shown.told if stage.startswith("training")}
    assert stages == {"training mult-dae on 2 workers, epochs", "training ncf, epochs"}
    words = ["recommend", "--like", "3", "--like", "5", "-k", "4", "--franchise", "anything", "--model", "mult-dae"]
    code, out, err = ask(*words, "--bundle", str(tmp_path / "bundle"), "--json")
    assert code == 0, err
    assert sum(1 <= item["anime_id"] <= 10 for item in json.loads(out)["items"]) >= 3  # of the taste that was named
