"""What looks for weaknesses, secrets and licences, and finds none; and the bill of materials."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

import dependencies

REPOSITORY = Path(__file__).parents[2]
CODE = ["src", "tools", "deploy", "hatch_build.py"]
BASELINE = REPOSITORY / ".secrets.baseline"
"""What looks like a secret and is none: a name of one, made-up keys of tests. Each was looked at."""
NO_TEXT = (".npy", ".parquet", ".webp", ".onnx", ".woff2")


def test_bandit_finds_nothing() -> None:
    pytest.importorskip("bandit", reason="bandit is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "--quiet", "--configfile", "pyproject.toml", "--format", "json", "-r", *CODE],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert [(one["filename"], one["line_number"], one["issue_text"]) for one in found["results"]] == []
    assert found["errors"] == []
    assert len(found["metrics"]) > 150, "it looked at the code"


def test_bandit_would_find_what_runs_code_that_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("bandit", reason="bandit is not installed")
    (tmp_path / "bad.py").write_text("import pickle\n\npickle.loads(b'')\n")
    command = [sys.executable, "-m", "bandit", "--quiet", "--configfile", "pyproject.toml", str(tmp_path / "bad.py")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, "B301" in done.stdout) == (1, True)


def test_every_exception_of_bandit_has_a_reason_beside_it() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text()
    skipped = tomllib.loads(text)["tool"]["bandit"]["skips"]
    lines = text.split("[tool.bandit]")[1].split("]")[0].split("\n")
    told = {name for line in lines if "#" in line for name in re.findall(r'"(B\d+)"', line)}
    assert set(skipped) == told


def secrets_in(names: list[str], root: Path) -> set[tuple[str, str, str]]:
    """Return file, kind and hash of all that looks like a secret; set up as the baseline says."""
    from detect_secrets.core import baseline
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import configure_settings_from_baseline, get_settings

    known = baseline.load_from_file(str(BASELINE))
    get_settings().clear()
    configure_settings_from_baseline(known)
    found = SecretsCollection(root=str(root))
    for name in names:
        found.scan_file(name)
    return {(name, secret.type, secret.secret_hash) for name, secret in found}


def test_no_file_holds_a_secret() -> None:
    pytest.importorskip("detect_secrets", reason="detect-secrets is not installed")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
    told = json.loads(BASELINE.read_text())
    hashes = re.compile(next(one["pattern"][0] for one in told["filters_used"] if one["path"].endswith("exclude_file")))
    names = [name for name in listed.split("\0") if name and not name.endswith(NO_TEXT) and not hashes.search(name)]
    names = [name for name in names if (REPOSITORY / name).is_file()]
    assert len(names) > 500
    known = {(name, one["type"], one["hashed_secret"]) for name, ones in told["results"].items() for one in ones}
    assert secrets_in(names, REPOSITORY) - known == set()


def test_a_secret_would_be_found(tmp_path: Path) -> None:
    pytest.importorskip("detect_secrets", reason="detect-secrets is not installed")
    key = "AKIA" + "QYLPMN5HHHFPZAM2"
    (tmp_path / "settings.py").write_text(f'aws_key = "{key}"\n')
    assert {kind for _, kind, _ in secrets_in(["settings.py"], tmp_path)} == {"AWS Access Key"}


LARGE = ("torch", "gensim", "dvc", "mlflow", "optuna", "openTSNE", "faiss", "sentence_transformers", "pyspark", "ray")


def test_what_is_installed_has_licences_that_we_may_use_and_the_page_names_them() -> None:
    for needed in (
        "torch",
        "gensim",
        "dvc",
        "mlflow",
        "optuna",
        "openTSNE",
        "faiss",
        "sentence_transformers",
        "pyspark",
        "ray",
    ):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed, so its dependencies are not known")
    script = REPOSITORY / "tools" / "dependencies.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


class Said(Distribution):
    """A package that says this of itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_text(self, filename: str) -> str | None:
        return self.text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise FileNotFoundError(path)


@pytest.mark.parametrize(
    ("said", "licence", "usable"),
    [
        ("License-Expression: MIT OR GPL-3.0-only", "MIT OR GPL-3.0-only", True),
        ("License-Expression: MIT AND GPL-3.0-only", "MIT AND GPL-3.0-only", False),
        ("License-Expression: AGPL-3.0-only", "AGPL-3.0-only", False),
        ("License: BSD License", "BSD-3-Clause", True),
        ("License: GPLv3\nClassifier: License :: OSI Approved :: GNU GPL v3", "GPLv3", False),
        ("License: Copyright somebody\nClassifier: License :: OSI Approved :: MIT License", "MIT", True),
        ("Name: silent", "not said", False),
    ],
)
def test_a_licence_is_read_from_what_a_package_says(said: str, licence: str, usable: bool) -> None:
    package = Said(f"Metadata-Version: 2.4\n{said}\n")
    assert (dependencies.licence_of(package), dependencies.is_usable(licence)) == (licence, usable)


@pytest.mark.slow
def test_the_bill_of_materials_has_what_serves_and_nothing_of_our_workshop(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    file = tmp_path / "made" / "anirec.cdx.json"
    script = REPOSITORY / "tools" / "dependencies.py"
    done = subprocess.run([sys.executable, script, "--sbom", file], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text = file.read_text()
    told = json.loads(text)
    assert JsonStrictValidator(SchemaVersion.from_version(told["specVersion"])).validate_str(text) is None
    names = {one["name"].lower() for one in told["components"]}
    assert {"numpy", "duckdb", "fastapi", "onnxruntime", "scipy", "click"} <= names
    assert not {"pytest", "ruff", "mypy", "torch", "dvc"} & names
    assert all(one.get("version") and one.get("purl") for one in told["components"] if one["name"] != "anirec")
