"""`--engine ray` as a user meets it: the same bundle, byte by byte, and the same figures as without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.test_commands import anirec
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import Ask, files

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
