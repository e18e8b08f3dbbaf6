"""The Dockerfiles: what a linter says, and what happens when their steps are done one after the other."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("dockerfile_parse", reason="dockerfile-parse is not installed")

from deployment.docker import Stages, Step, files_in, frozen, ignored_by, steps_of, words_of

REPOSITORY = Path(__file__).parents[2]
DOCKERFILES = {"serve": REPOSITORY / "Dockerfile", "mlflow": REPOSITORY / "deploy" / "mlflow" / "Dockerfile"}
NOBODY = 10001
"""The user of the image."""
SECONDS = 120


def last(steps: list[Step], name: str) -> str:
    return [step.value for step in steps if step.name == name][-1]


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_hadolint_has_nothing_to_say(dockerfile: Path) -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "style", dockerfile], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_an_image_is_built_in_stages_and_run_by_somebody_who_is_not_root(dockerfile: Path) -> None:
    steps = steps_of(dockerfile)
    stages = [at for at, step in enumerate(steps) if step.name == "FROM"]
    final = steps[stages[-1] :]
    assert len(stages) >= 2
    assert last(final, "USER") == f"{NOBODY}:{NOBODY}"
    assert "RUN" not in {step.name for step in final}, "what builds stays in the stages before"
    assert last(final, "HEALTHCHECK").count("CMD") == 1
    assert not [step for step in steps if step.name == "ADD" or "curl" in step.value or "sudo" in step.value]


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_every_base_is_an_argument_that_a_release_gives_by_digest(dockerfile: Path) -> None:
    steps = steps_of(dockerfile)
    arguments = dict(step.value.split("=", 1) for step in steps if step.name == "ARG")
    bases = {step.value.split()[0] for step in steps if step.name == "FROM"}
    assert bases == {f"${{{name}}}" for name in arguments}
    assert all(
        re.fullmatch(r"[a-z]+:\d+[\w.]*-bookworm-slim|[a-z]+:[\d.]+-slim-bookworm", v) for v in arguments.values()
    )


def test_an_image_trains_nothing_and_brings_nothing_that_trains() -> None:
    run = " ".join(step.value for step in steps_of(DOCKERFILES["serve"]) if step.name == "RUN")
    assert "[serve,text]" in run
    assert not re.search(r"\banirec (train|index|map)|torch|\[[^]]*\b(train|fit)\b", run)


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    ignored = ignored_by(REPOSITORY / ".dockerignore")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    sent = {name for name in listed.decode().split("\0") if name and not ignored.match_file(name)}
    assert {name.split("/")[0] for name in sent} == {
        "frontend", "src", "requirements", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE",
    }  # fmt: skip
    assert "src/anirec/starter/manifest.json" in sent
    for kept in (".git/config", ".venv/bin/python", "frontend/node_modules/x/index.js", "src/a/__pycache__/a.pyc"):
        assert ignored.match_file(kept), kept


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A folder that everybody may look into, as the root of an image is."""
    folder = Path(tempfile.mkdtemp(prefix="anirec-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def built(root: Path) -> Stages:
    """The image of the server, every step of it done."""
    if shutil.which("npm") is None:
        pytest.skip("Node is not installed: the page's stage cannot be done")
    stages = Stages(root, REPOSITORY, ignored_by(REPOSITORY / ".dockerignore"))
    stages.build(steps_of(DOCKERFILES["serve"]))
    return stages


@pytest.mark.slow
def test_every_step_of_the_image_can_be_done(built: Stages, figure: Callable[[str], None]) -> None:
    steps = steps_of(DOCKERFILES["serve"])
    assert built.done == [step.value for step in steps if step.name == "RUN"]
    installed = built.root / "opt" / "anirec"
    assert list(installed.rglob("page_files/index.html")), "the page is built inside"
    assert not list(installed.rglob("site-packages/pip")), "what serves cannot install"
    assert not list(installed.rglob("site-packages/torch"))
    size = sum(path.stat().st_size for path in files_in(installed) if not path.is_symlink())
    figure(f"image: {size / 1e6:.0f} MB above its base")


@pytest.mark.slow
def test_its_command_serves_the_page_as_nobody_writes_nothing_and_ends_when_told(
    built: Stages, figure: Callable[[str], None]
) -> None:
    steps = steps_of(DOCKERFILES["serve"])
    before = frozen(built.root / "opt")
    with running(built, steps, port_of="8000") as (port, started, tmp):
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            assert b"<html" in page.read().lower()
        with urlopen(f"http://127.0.0.1:{port}/api/v1/model", timeout=30) as answer:
            has = json.load(answer)["has"]
        assert [has[what] for what in ("search", "map", "crowd")] == [True] * 3
        figure(f"image: {memory_of(started.pid) / 1e6:.0f} MB of memory as its command starts it")
    assert started.returncode == 0
    assert frozen(built.root / "opt") == before
    assert [path for path in tmp.rglob("*") if path.is_file()] == [], "even what was written to /tmp is gone"


@pytest.mark.slow
def test_the_tracking_server_is_built_started_and_takes_a_run() -> None:
    root = Path(tempfile.mkdtemp(prefix="anirec-image-"))
    root.chmod(0o755)
    try:
        folder = DOCKERFILES["mlflow"].parent
        stages = Stages(root, folder, ignored_by(REPOSITORY / ".dockerignore"))
        steps = steps_of(DOCKERFILES["mlflow"])
        stages.build(steps)
        (root / "data").chmod(0o777)
        with running(stages, steps, port_of="5000") as (port, _, _):
            asked = Request(
                f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/create",
                data=b'{"name": "anirec"}',
                headers={"content-type": "application/json"},
            )
            with urlopen(asked, timeout=30) as answer:  # noqa: S310 - as above
                assert "experiment_id" in json.load(answer)
        assert (root / "data" / "runs.db").is_file()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def running(stages: Stages, steps: list[Step], *, port_of: str) -> Iterator[tuple[int, subprocess.Popen[str], Path]]:
    """Start an image's command as its user on a free port, wait until it is healthy, and end it.

    port_of: the port that the Dockerfile names. Yields the port, the process, and what is its `/tmp`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    entry = [words_of(step.value) for step in steps if step.name == "ENTRYPOINT"]
    words = [*(entry[-1] if entry else []), *words_of(last(steps, "CMD")), "--port", str(port)]
    command = [stages.in_place(word) for word in words]
    health = [
        word.replace(f":{port_of}/", f":{port}/") for word in words_of(last(steps, "HEALTHCHECK").split("CMD", 1)[1])
    ]
    tmp = stages.root / "writable"
    tmp.mkdir()
    tmp.chmod(0o777)
    environment = stages.environment() | {"TMPDIR": str(tmp), "HOME": str(tmp)}
    log = stages.root / "log.txt"
    with log.open("w") as lines:
        started = subprocess.Popen([*as_nobody(), *command], cwd=tmp, env=environment, stderr=lines, text=True)
    try:
        deadline = time.monotonic() + SECONDS
        while subprocess.run(health, env=environment, capture_output=True, check=False).returncode:
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the health check does not pass"
        yield port, started, tmp
    finally:
        started.send_signal(signal.SIGTERM)
        started.communicate(timeout=SECONDS)
    assert subprocess.run(health, env=environment, capture_output=True, check=False).returncode != 0


def as_nobody() -> list[str]:
    """What a command begins with to run as the image's user, who may look everywhere here, as Python may be root's."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    look = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *look]


def memory_of(pid: int) -> int:
    """Bytes that a process and its children have for themselves, and their share of what they have together."""
    children = [int(found.parent.name) for found in Path("/proc").glob("[0-9]*/stat") if parent_of(found) == pid]
    lines = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in (pid, *children)]
    return sum(1024 * int(found) for text in lines for found in re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE))


def parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return -1
