"""The examples for GitHub Actions and Jenkins: of the right shape, pinned, and asking for what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
JENKINSFILE = (REPOSITORY / "Jenkinsfile").read_text()
TARGETS = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield f"{file.stem}: {name}", job


def steps(file: str, job: str) -> dict[str, dict[str, Any]]:
    told = yaml.safe_load((REPOSITORY / ".github" / "workflows" / file).read_text())["jobs"][job]["steps"]
    return {step["name"]: step for step in told if "name" in step}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_the_shape_that_github_wants(file: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_no_way_in() -> None:
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if zizmor is None:
        pytest.skip("zizmor is not installed")
    command = [zizmor, "--offline", "--no-progress", "--quiet", str(REPOSITORY / ".github")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_and_names_its_version(file: Path) -> None:
    used = [line.strip(" -") for line in file.read_text().split("\n") if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_the_same_action_has_the_same_commit_everywhere() -> None:
    used = set(re.findall(r"uses: (\S+)@(\S+)", "\n".join(file.read_text() for file in WORKFLOWS)))
    assert len({action for action, _ in used}) == len(used)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_by_itself_do_nothing_but_read(file: Path) -> None:
    told = yaml.safe_load(file.read_text())
    assert told["permissions"] in ({}, {"contents": "read"})
    assert "pull_request_target" not in told[True], "`on` is read as a truth by YAML"


@pytest.mark.parametrize(("name", "job"), list(jobs()), ids=[name for name, _ in jobs()])
def test_every_job_ends_and_keeps_no_credentials(name: str, job: dict[str, Any]) -> None:
    assert job["timeout-minutes"] <= 120, name
    assert job["runs-on"] == "ubuntu-24.04"
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}
        assert not re.search(r"\$\{\{\s*(github\.(head_ref|ref_name|event)|inputs)", step.get("run", "")), "through env"


def test_every_command_of_theirs_is_there() -> None:
    lines = [step["run"] for _, job in jobs() for step in job["steps"] if "run" in step]
    lines += re.findall(r"sh '([^']*)'", JENKINSFILE)
    made = {
        word for line in lines for found in re.findall(r"^make (.+)$", line, re.MULTILINE) for word in found.split()
    }
    assert {"test-all", "dist", "sbom", "pipeline-small"} <= made <= TARGETS
    assert ".ci/run" in lines
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_every_python_that_we_say_is_supported_is_tested() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    said = {c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r"Python :: 3\.\d+$", c)}
    matrix = yaml.safe_load(WORKFLOWS[0].read_text())["jobs"]["check"]["strategy"]["matrix"]["python"]
    assert set(matrix) == said == {"3.11", "3.12", "3.13"}


@pytest.mark.parametrize(("tag", "same"), [("v{}", True), ("v{}0", False), ("v9.9.9", False)])
def test_a_tag_that_is_not_the_version_of_the_package_is_no_release(tag: str, same: bool) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    command = steps("release.yml", "dist")["The tag is the version of the package"]["run"]
    given = {**os.environ, "TAG": tag.format(version)}
    done = subprocess.run(["sh", "-ec", command], cwd=REPOSITORY, env=given, check=False)
    assert (done.returncode == 0) is same


def test_a_release_gives_the_bases_by_digest_under_the_names_that_the_dockerfile_has(tmp_path: Path) -> None:
    """With a `docker` that knows one digest."""
    digest = "sha256:" + "ab" * 32
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho {digest}\n")
    (tmp_path / "docker").chmod(0o755)
    output = tmp_path / "output"
    command = steps("release.yml", "image")["The bases, by digest"]["run"]
    given = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "GITHUB_OUTPUT": str(output)}
    subprocess.run(["bash", "-ec", command], cwd=REPOSITORY, env=given, check=True)
    assert output.read_text().split("\n")[:2] == [f"NODE=node@{digest}", f"PYTHON=python@{digest}"]


def test_what_is_built_is_told_where_it_comes_from_before_it_is_published() -> None:
    told = yaml.safe_load((REPOSITORY / ".github/workflows/release.yml").read_text())["jobs"]
    for job in ("dist", "image"):
        assert any(step.get("uses", "").startswith("actions/attest-build-provenance@") for step in told[job]["steps"])
        assert told[job]["permissions"]["attestations"] == "write"
    assert told["publish"]["needs"] == "dist"
    assert not any("hatchling" in str(step) or "make" in str(step) for step in told["publish"]["steps"]), (
        "nothing is built anew"
    )


def test_jenkins_tests_before_anything_else_and_its_braces_close() -> None:
    stages = re.findall(r"stage\('([^']+)'\)", JENKINSFILE)
    assert stages == ["Test", "Slow tests", "Pipeline", "Wheel", "Image"]
    depth = 0
    for sign in re.sub(r"'[^']*'|//[^\n]*", "", JENKINSFILE):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    for artefact in re.findall(r"artifacts: '([^']+)'", JENKINSFILE):
        assert artefact.split("/")[0] in ("dist", "build")
