"""kill -9 at every place where it could leave a half: what is there is the old, or the new, and whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from anirec.service.checkpoints import begun
from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.tables import sha256
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import command
from faults.machine import KILLED_AT, RUN, killed, ran
from small import write_small_bundle
from web.processes import environment, eventually, running

__all__ = ["csv_folder", "tables"]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write_small_bundle(tmp_path_factory.mktemp(name), note=name) for name in ("old", "new")}


COPY = """
import shutil
from pathlib import Path
with tables.new_folder(Path(sys.argv[2])) as folder:
    shutil.copytree(sys.argv[1], folder, dirs_exist_ok=True)
"""


def test_a_bundle_under_its_name_is_always_whole_wherever_its_writer_is_killed(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    hashes = {sha256(path / MANIFEST): name for name, path in bundles.items()}
    files = sum(1 for _ in bundles["new"].rglob("*"))
    target, found = tmp_path / "bundle", []
    for at in (1, files // 2, files, files + 1, files + 2, files + 3):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(bundles["old"], target)
        done = ran(str(at), bundles["new"], target, code=KILLED_AT + COPY)
        assert done.returncode in (0, -9), done.stderr
        read_bundle(target)
        found.append((hashes[sha256(target / MANIFEST)], done.returncode))
    assert found[0] == ("old", -9)
    assert ("new", -9) in found  # exchanged, and killed before it was done
    assert found[-1] == ("new", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]  # what was left was swept


def test_an_import_that_is_killed_leaves_nothing_that_looks_whole(csv_folder: Path, tmp_path: Path) -> None:
    words = ("data", "import", csv_folder, "--to", tmp_path / "calm")
    assert ran(*words).returncode == 0
    calm = {file.name: sha256(file) for file in (tmp_path / "calm").iterdir()}
    target = tmp_path / "killed"
    for at in (1, 2):
        assert killed(at, "data", "import", csv_folder, "--to", target)
        assert not target.exists()
    assert ran("data", "import", csv_folder, "--to", target).returncode == 0
    tables_of = {name: digest for name, digest in calm.items() if name.endswith(".parquet")}
    assert {name: sha256(target / name) for name in tables_of} == tables_of
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_training_that_is_killed_leaves_the_old_bundle_and_can_be_done_again(tables: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    words = command(tables, out)
    assert ran(*words).returncode == 0
    digest = sha256(out / MANIFEST)
    assert killed(3, *words, "--seed", "1")
    read_bundle(out)
    assert sha256(out / MANIFEST) == digest
    assert ran(*words, "--seed", "1").returncode == 0
    assert sha256(out / MANIFEST) != digest
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_training_of_nets_that_is_killed_goes_on_to_the_same_bytes(tables: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    calm, out = tmp_path / "calm", tmp_path / "killed"
    assert ran(*command(tables, calm, "mult-dae")).returncode == 0
    kept = tmp_path / "killed.training"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *command(tables, out, "mult-dae")],
        env=environment(OMP_NUM_THREADS="1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: process.poll() is not None or begun(kept))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -9, "it was done before it could be killed"
    assert not out.exists()
    assert ran(*command(tables, out, "mult-dae"), "--resume").returncode == 0
    assert sha256(out / MANIFEST) == sha256(calm / MANIFEST)


def test_a_process_killed_during_a_swap_leaves_all_with_one_bundle(bundles: dict[str, Path], tmp_path: Path) -> None:
    with running(tmp_path, bundles["old"], "--workers", "2") as server:
        eventually(lambda: server.state()["processes"] == 2)
        answers: list[int] = []
        swap = threading.Thread(target=lambda: answers.append(server.reload(bundles["new"]).status_code))
        victim = server.workers()[0]
        swap.start()
        os.kill(victim, signal.SIGKILL)
        swap.join()
        assert answers == [200]
        eventually(lambda: len(server.workers()) == 2 and victim not in server.workers())
        eventually(lambda: server.state()["processes"] == 2)
        new = sha256(bundles["new"] / MANIFEST)
        assert server.state()["bundle"] == new
        assert {server.get("/version").json()["bundle"] for _ in range(20)} == {new[:12]}
