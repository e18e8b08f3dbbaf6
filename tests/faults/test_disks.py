"""A disk that is full, one that cannot be written, memory that does not suffice: said so, and nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.tables import sha256
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import command
from faults.machine import disk, ran, read_only
from small import write_small_bundle
from web.processes import crowd, eventually, running

__all__ = ["csv_folder", "tables"]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_full_disk_ends_a_training_with_a_word_and_the_old_bundle_stays(tables: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "300k") as small:
        old = write_small_bundle(tmp_path)
        shutil.copytree(old, small / "bundle")
        (small / "fill").write_bytes(b"x" * 180_000)
        done = ran(*command(tables, small / "bundle"))
        assert (done.returncode, done.stdout) == (8, "")
        assert done.stderr.splitlines()[-1].startswith("anirec: there is no room on the disk")
        assert "Traceback" not in done.stderr
        assert sha256(small / "bundle" / MANIFEST) == sha256(old / MANIFEST)
        read_bundle(small / "bundle")
        assert left(small) == ["bundle", "fill"]


def test_a_full_disk_ends_an_import_with_a_word_and_leaves_nothing(csv_folder: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "16k") as small:
        done = ran("data", "import", csv_folder, "--to", small / "canonical", "--json")
        assert done.returncode == 8, done.stderr
        assert "Traceback" not in done.stderr
        assert left(small) == []


@pytest.mark.parametrize("kilobytes", [1, 8])
def test_a_limit_on_files_is_told_like_a_full_disk(tables: Path, tmp_path: Path, kilobytes: int) -> None:
    limited = ["sh", "-c", f'trap "" XFSZ; ulimit -f {2 * kilobytes}; exec "$@"', "sh"]
    done = ran(*command(tables, tmp_path / "bundle"), before=limited, TMPDIR=str(tmp_path))
    assert done.returncode == 8, done.stderr
    assert "there is no room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "bundle").exists()


def test_from_a_disk_that_cannot_be_written_is_read_and_served_and_writing_is_refused(
    tables: Path, tmp_path: Path
) -> None:
    with disk(tmp_path / "disk", "4m") as small:
        bundle = small / "bundle"
        shutil.copytree(write_small_bundle(tmp_path), bundle)
        read_only(small)
        assert ran("recommend", "--like", "4", "--bundle", bundle).returncode == 0
        with running(tmp_path, bundle) as server:
            assert server.get("/api/v1/anime/4").status_code == 200
            assert server.reload().json()["what"] == "unchanged"
        done = ran(*command(tables, bundle))
        assert done.returncode == 8, done.stderr
        assert "this cannot be read or written" in done.stderr
        assert "Traceback" not in done.stderr
        read_bundle(bundle)


@pytest.mark.slow  # which library gives up first, and how, is not the same twice
@pytest.mark.parametrize("megabytes", [350, 700, 4000])
def test_too_little_memory_is_an_answer_or_a_word_of_ours_and_never_a_trace(tmp_path: Path, megabytes: int) -> None:
    bundle = write_small_bundle(tmp_path)
    limited = ["sh", "-c", f'ulimit -v {1024 * megabytes}; exec "$@"', "sh"]
    done = ran("recommend", "--like", "4", "--bundle", bundle, before=limited)
    if megabytes == 4000:
        assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode not in {0, 127} and done.returncode > 0:  # else a library, or their loader, ended the process
        assert done.returncode == 8, (megabytes, done.returncode, done.stderr)
        assert "memory does not suffice" in done.stderr


def test_a_swap_for_which_memory_does_not_suffice_is_refused_and_people_are_answered(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits")
    bundle, large = write_small_bundle(tmp_path), tmp_path / "large"
    shutil.copytree(bundle, large)
    name = "catalogue/label_bits.npy"
    bits = np.lib.format.open_memmap(large / name, mode="w+", dtype=np.uint8, shape=(256, 2**20))
    del bits
    manifest = json.loads((large / MANIFEST).read_text())
    manifest["files"][name] = {"bytes": (large / name).stat().st_size, "sha256": sha256(large / name)}
    (large / MANIFEST).write_text(json.dumps(manifest))
    with running(tmp_path, bundle) as server:
        assert server.reload().json()["what"] == "unchanged"
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        used = 1024 * int(re.findall(r"VmSize:\s+(\d+) kB", status)[0])
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))
        with crowd(server, each_second=30) as found:
            answer = server.reload(large)
            enough = found.asked + 10
            eventually(lambda: found.asked >= enough)
        assert answer.status_code == 409, answer.text
        assert "memory" in answer.json()["detail"].lower()
        assert server.state()["bundle"] == sha256(bundle / MANIFEST)
    assert found.failed == []
