"""Answering needs no SciPy: it is 140 MB of the extra `fit`, and the package without extras stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from anirec import cli
from anirec.cli import commands

BLOCKED = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Blocked())
"""
"""What makes a process believe that some packages are not installed."""


EXTRAS = ("scipy", "Stemmer", "onnxruntime", "tokenizers", "fastapi", "orjson", "torch", "mlflow")


@pytest.mark.parametrize(
    "words",
    [
        ["recommend", "--like", "Mushishi", "--json"],
        ["similar", "Mushishi", "--json"],
        ["info", "Mushishi", "--json"],
        ["watch-order", "Mushishi", "--json"],
        ["random", "--json"],
        ["doctor", "--json"],
    ],
)
def test_commands_go_without_any_extra(words: list[str], tmp_path: Path) -> None:
    done = without(EXTRAS, f"sys.argv = {['anirec', *words]}\nfrom anirec.cli import main\nmain()", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    json.loads(done.stdout)


def without(missing: Sequence[str], script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = f"MISSING = {tuple(missing)}\n{BLOCKED}\n{script}"
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)


def without_scipy(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return without(["scipy"], script, folder)


def test_every_use_of_a_bundle_goes_without_scipy(tmp_path: Path) -> None:
    script = """
import json, anirec
from anirec.wiring.atlas import load_map

service, found = anirec.load(), {}
found["recommend"] = len(service.recommend(like=["Cowboy Bebop"], dislike=["Naruto"], k=5))
for lens in ("blend", *service.lenses):
    found[lens] = len(service.similar("Steins;Gate", by=lens, k=5))
found["opposite"] = len(service.similar("Steins;Gate", opposite=True, k=5))
found["walk"] = len(load_map().walk("Cowboy Bebop", 4, seed=1))
print(json.dumps(found))
"""
    done = without_scipy(script, tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"viewers", "genres", "crowd", "reviews", "synopsis"} < set(found)
    assert set(found.values()) == {5}


def test_so_does_every_route(tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    script = """
import json
from starlette.testclient import TestClient
from anirec.cli.serve import application_of
from anirec.web.settings import WebSettings

routes = ["anime/1/similar?k=3", "anime/1/watch-order", "map", "map/points", "map/neighbours/1", "trending?k=3",
          "random?seed=1", "seasons/2020/spring?k=3", "genres", "model", "titles?q=cowb"]
with TestClient(application_of(None, WebSettings()), base_url="http://localhost") as client:
    found = {route: client.get(f"/api/v1/{route}").status_code for route in routes}
    members = [{"name": "A", "likes": [1]}, {"name": "B", "likes": [5114]}]
    asked = {"recommendations": {"likes": [1]}, "groups/recommendations": {"members": members}}
    found |= {route: client.post(f"/api/v1/{route}", json=body).status_code for route, body in asked.items()}
print(json.dumps(found))
"""
    done = without_scipy(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout).values()) == {200}


@pytest.mark.parametrize("words", [["train", "--data", "x", "--out", "y"], ["evaluate", "--data", "x"]])
def test_what_fits_models_says_which_extra_it_needs_before_it_reads_anything(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    done = without_scipy(f"sys.argv = {['anirec', *words]}\nfrom anirec.cli import main\nmain()", tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == 'anirec: this needs scipy: pip install "anirec[fit]"\n'


def test_a_module_of_no_extra_that_is_missing_is_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr(commands.cli, "main", broken)
    with pytest.raises(ModuleNotFoundError):
        cli.main()
