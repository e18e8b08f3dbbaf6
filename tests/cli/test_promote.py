"""A new bundle takes an old one's place only if it is not worse, for users whom it never saw."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from anirec.service import registry
from anirec.stores.bundle import MANIFEST
from anirec.tables import sha256
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import Ask, ask, command
from web.processes import COMMAND, environment

__all__ = ["ask", "csv_folder", "tables"]


@pytest.fixture(scope="module")
def trained(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The blend, a model that knows no tastes, and the blend of everybody."""
    folder, found = tmp_path_factory.mktemp("trained"), {}
    held_out = ["--hold-out", "100"]
    for name, words in {"good": held_out, "bad": [*held_out, "--model", "recent"], "all": []}.items():
        found[name] = folder / name
        asked = [sys.executable, "-c", COMMAND, *command(tables, found[name]), *words]
        subprocess.run(asked, env=environment(), check=True, capture_output=True)
    return found


def digest(bundle: Path) -> str:
    return sha256(bundle / MANIFEST)


def test_who_was_held_out_stands_in_the_manifest_and_nothing_was_learned_from_them(trained: dict[str, Path]) -> None:
    manifests = {name: json.loads((path / MANIFEST).read_text())["data"] for name, path in trained.items()}
    held_out = manifests["good"]["held_out"]
    assert (held_out["users"], held_out["seed"], held_out["protocol"]) == (100, 0, "heldout-users")
    assert held_out["ratings"] == manifests["good"]["tables"]["ratings"]
    assert manifests["good"]["users"] == manifests["all"]["users"] - 100
    assert "held_out" not in manifests["all"]


def test_what_is_worse_does_not_get_there_and_what_is_not_does(
    trained: dict[str, Path], tables: Path, tmp_path: Path, ask: Ask
) -> None:
    served = tmp_path / "served"
    where = ("--data", str(tables), "--over", str(served), "--json")
    code, out, _ = ask("promote", str(trained["bad"]), *where)
    assert (code, json.loads(out)["first"]) == (0, True)
    code, out, _ = ask("promote", str(trained["good"]), *where)
    told = json.loads(out)
    assert (code, told["passed"], told["first"]) == (0, True, False)
    difference = told["figures"]["raw"]["difference"]
    assert difference["low"] > 0.1
    assert difference["mean"] == pytest.approx(
        told["figures"]["raw"]["new"]["mean"] - told["figures"]["raw"]["old"]["mean"]
    )
    assert digest(served) == digest(trained["good"])
    code, out, _ = ask("promote", str(trained["bad"]), *where)
    told = json.loads(out)
    assert (code, told["passed"]) == (7, False)
    assert told["figures"]["raw"]["difference"]["high"] < 0
    assert digest(served) == digest(trained["good"])
    code, out, _ = ask("promote", str(trained["good"]), *where)
    assert (code, json.loads(out)["figures"]["raw"]["difference"]["mean"]) == (0, 0)


def test_the_figures_are_said_and_dry_changes_nothing(
    trained: dict[str, Path], tables: Path, tmp_path: Path, ask: Ask
) -> None:
    where = ("--data", str(tables), "--over", str(tmp_path / "served"))
    code, out, _ = ask("promote", str(trained["good"]), *where, "--dry")
    assert code == 0
    assert "nothing was changed" in out
    assert not (tmp_path / "served").exists()
    ask("promote", str(trained["good"]), *where)
    code, out, _ = ask("promote", str(trained["bad"]), *where)
    assert code == 7
    assert "franchises" in out
    assert f"worse: {tmp_path / 'served'} stays what it is" in out


def test_a_bundle_that_saw_everybody_cannot_be_asked_and_other_data_does_not_do(
    trained: dict[str, Path], tables: Path, tmp_path: Path, ask: Ask
) -> None:
    code, _, err = ask("promote", str(trained["all"]), "--data", str(tables), "--over", str(tmp_path / "served"))
    assert code == 2
    assert "train it with --hold-out" in err
    shutil.copytree(tables, tmp_path / "other")
    duckdb.sql(f"COPY (SELECT * FROM '{tables}/ratings.parquet' LIMIT 3000) TO '{tmp_path}/other/ratings.parquet'")
    code, _, err = ask(
        "promote", str(trained["good"]), "--data", str(tmp_path / "other"), "--over", str(tmp_path / "served")
    )
    assert code == 2
    assert "left users of other data out" in err


def test_the_champion_of_a_registry_changes_hands_the_same_way(
    trained: dict[str, Path], tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(registry.URI_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(registry.CACHE_VARIABLE, str(tmp_path / "cache"))
    champion = "mlflow://anirec@champion"

    def promote(name: str) -> tuple[int, Any]:
        code, out, err = ask("promote", str(trained[name]), "--data", str(tables), "--over", champion, "--json")
        return code, json.loads(out or err)

    assert promote("bad")[1]["version"] == "1"
    assert promote("good")[1]["version"] == "2"
    assert promote("bad")[0] == 7
    code, out, _ = ask("info", "3", "--bundle", champion, "--json")
    assert (code, json.loads(out)["anime_id"]) == (0, 3)
    code, out, _ = ask("doctor", "--bundle", champion, "--json")
    assert json.loads(out)["bundle"].endswith(digest(trained["good"]))
    from anirec.service.tracking import address_of, client_of

    client = client_of(address_of(str(tmp_path / "runs")))
    version = client.get_model_version_by_alias("anirec", "champion")
    run = client.get_run(version.run_id)
    assert run.data.metrics["gate.raw.difference.low"] > 0
    assert run.data.params["users"] == "100"
    assert {file.path for file in client.list_artifacts(version.run_id)} == {"bundle", "card.md"}
    monkeypatch.setenv(registry.URI_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, told = promote("good")
    assert (code, told["error"]) == (6, "SiteError")
