"""Another bundle in a real server, by signal and by socket, while people keep asking: nobody notices."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from anirec.stores.bundle import MANIFEST
from anirec.tables import new_folder, sha256
from small import write_small_bundle
from web.processes import COMMAND, Crowd, crowd, environment, eventually, running

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three sound bundles."""
    return {name: write_small_bundle(tmp_path_factory.mktemp(name), note=name) for name in ("one", "two", "three")}


def short(bundle: Path) -> str:
    return sha256(bundle / MANIFEST)[:12]


def replaced(target: Path, source: Path) -> None:
    """Put another bundle into a folder's place, as `anirec train` does."""
    with new_folder(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)


def truncated(target: Path, source: Path) -> Path:
    shutil.copytree(source, target)
    os.truncate(target / "catalogue" / "years.npy", 100)
    return target


def answered(found: Crowd, more: int) -> None:
    """Wait until so many more were answered."""
    enough = found.asked + more
    eventually(lambda: found.asked >= enough)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_while_bundles_come_and_go(workers: int, bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(bundles["one"], bundle)
    broken = truncated(tmp_path / "broken", bundles["two"])
    one, two, three = (short(bundles[name]) for name in ("one", "two", "three"))
    with running(tmp_path, bundle, "--workers", str(workers)) as server:
        eventually(lambda: server.state()["processes"] == workers)
        with crowd(server) as found:
            answered(found, 40)
            replaced(bundle, bundles["two"])
            assert server.hang_up()["what"] == "swapped"
            assert server.reload(bundles["three"]).json()["what"] == "swapped"
            refused = server.reload(broken)
            assert (refused.status_code, refused.json()["why"]) == (409, "DamagedBundle")
            assert server.get("/version").json()["bundle"] == three
            assert server.asked("POST", "/admin/rollback").json()["what"] == "rolled-back"
            shutil.rmtree(bundle)
            assert server.hang_up()["why"] == "NotABundle"
            answered(found, 40)
            replaced(bundle, bundles["one"])
            assert server.hang_up()["what"] == "swapped"
            assert server.hang_up()["what"] == "unchanged"
            answered(found, 40)
        versions = {server.get("/version").json()["bundle"] for _ in range(10)}
    assert found.failed == []
    assert versions == {one}
    assert list(dict.fromkeys(found.bundles)) == [one, two, three]
    assert found.bundles[-1] == one


def test_a_refusal_is_told_in_the_log_at_ready_at_version_and_in_the_figures(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    broken = truncated(tmp_path / "broken", bundles["two"])
    with running(tmp_path, bundles["one"]) as server:
        assert server.get("/ready").json() == {"status": "ok", "bundle": short(bundles["one"]), "last_swap": None}
        assert server.reload(broken).status_code == 409
        ready, version = server.get("/ready"), server.get("/version").json()
        figures = server.get("/metrics").text
        doctor = [sys.executable, "-c", COMMAND, "doctor", "--bundle", str(bundles["one"]), "--json", "--admin-socket"]
        told = subprocess.run([*doctor, str(server.admin)], env=environment(), check=True, capture_output=True)
        server.reload(bundles["two"])
        later = server.get("/metrics").text
        lines = server.lines()
    assert ready.status_code == 200
    assert ready.json()["bundle"] == version["bundle"] == short(bundles["one"])
    assert ready.json()["last_swap"] == version["last_swap"]
    assert {name: version["last_swap"][name] for name in ("what", "why", "bundle")} == {
        "what": "refused", "why": "DamagedBundle", "bundle": None,
    }  # fmt: skip
    assert str(tmp_path) not in ready.text  # where files lie is nobody's business
    assert 'anirec_bundle_swaps_total{what="refused"} 1.0' in figures
    (line,) = [line for line in lines if line.get("what") == "refused"]
    assert line["level"] == "warning"
    assert "years.npy has 100 bytes" in line["detail"]
    said = json.loads(told.stdout)["server"]
    assert (said["processes"], said["last"]["why"]) == (1, "DamagedBundle")
    assert "the one before is served on" in said["means"]
    gone = subprocess.run([*doctor, str(server.admin)], env=environment(), check=False, capture_output=True)
    assert gone.returncode == 2
    info = [line for line in later.splitlines() if line.startswith("anirec_bundle_info{")]
    assert {line[-3:] for line in info if sha256(bundles["one"] / MANIFEST) in line} == {"0.0"}
    assert {line[-3:] for line in info if sha256(bundles["two"] / MANIFEST) in line} == {"1.0"}


def test_the_socket_is_for_its_owner_alone_and_its_routes_are_nowhere_else(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    with running(tmp_path, bundles["one"]) as server:
        assert stat.S_IMODE(server.admin.stat().st_mode) == 0o600
        assert server.asked("POST", "/admin/reload", json={"path": "x"}).status_code == 400
        assert server.asked("GET", "/api/v1/genres").status_code == 404
        for path in ("/admin/reload", "/admin/rollback", "/api/v1/admin/reload"):
            assert httpx.post(f"{server.url}{path}").status_code in (404, 405)
        assert httpx.get(f"{server.url}/admin/state").status_code == 404
    assert not server.admin.exists()
    assert server.process.returncode == 0


def test_what_a_killed_server_left_is_no_hindrance_and_a_living_one_is(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    with running(tmp_path, bundles["one"]) as server:
        server.process.kill()
        server.process.wait()
        assert server.admin.exists()
    with running(tmp_path, bundles["one"]) as server:
        assert server.state()["bundle"] == sha256(bundles["one"] / MANIFEST)
        words = ["serve", "--port", "0", "--no-page", "--admin-socket", str(server.admin), "--bundle"]
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words, str(bundles["one"])],
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "another server answers at" in done.stderr
        assert server.state()["processes"] == 1


def test_a_process_that_was_killed_is_replaced_by_one_with_the_same_bundle(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    with running(tmp_path, bundles["one"], "--workers", "2") as server:
        eventually(lambda: server.state()["processes"] == 2)
        server.reload(bundles["two"])
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: killed not in server.workers() and len(server.workers()) == 2)
        assert server.reload(bundles["two"]).json()["what"] == "unchanged"  # who is gone is noticed when asked
        eventually(lambda: server.state()["processes"] == 2)
        assert {server.get("/version").json()["bundle"] for _ in range(20)} == {short(bundles["two"])}
        parent, workers = server.process, server.workers()
        parent.kill()
        parent.wait()
        eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in workers))
