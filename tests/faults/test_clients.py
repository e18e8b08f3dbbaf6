"""A thousand slow clients, a clock that jumps, a registry and a tracker that are down: the others are answered."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn

from anirec.service import registry
from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.tables import sha256
from anirec.web.patience import Patient
from cli.test_journey import csv_folder
from cli.test_models import tables
from cli.test_training import command
from faults.machine import ran
from small import write_small_bundle
from web.processes import COMMAND, eventually, free_port, running
from web.serving import API

__all__ = ["csv_folder", "tables"]

MANY = 1000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("clients"))


def test_a_thousand_slow_clients_keep_nobody_from_an_answer(bundle: Path, tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * MANY:
        pytest.skip("this process may not have so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
    limited = ["sh", "-c", 'ulimit -S -n 256; exec "$@"', "sh"]  # what systems give: a server asks for more by itself
    with running(tmp_path, bundle, before=limited) as server:
        port = int(server.url.rpartition(":")[2])
        slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(MANY)]
        for n, one in enumerate(slow):
            one.sendall(b"GET /api/v1/genres HTTP/1.1\r\nhost: localhost\r\nx-slow: " if n % 2 else HALF_A_BODY)
        waits = []
        with httpx.Client(base_url=server.url, timeout=30) as client:
            for round_ in range(40):
                for one in slow[round_::40]:  # each sends a byte more
                    one.sendall(b"x")
                begun = time.monotonic()
                answer = client.get(f"{API}/anime/{1 + round_ % 9}")
                waits.append(time.monotonic() - begun)
                assert answer.status_code == 200
            taste = client.post(f"{API}/recommendations", json={"likes": [4]})
            assert taste.status_code == 200
        assert server.get("/health").status_code == 200
        for one in slow:
            one.close()
    assert sorted(waits)[len(waits) // 2] < 0.5


HALF_A_BODY = b"POST /api/v1/nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"


async def fine(scope: object, receive: object, send: object) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


class Hasty(Patient):
    seconds = 0.2


def test_a_head_that_drips_is_given_up_and_one_that_comes_is_answered() -> None:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(fine, port=port, http=Hasty, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        eventually(lambda: server.started)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
            assert slow.recv(100) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as twice:
            for _ in range(2):  # the second on the same connection
                twice.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                assert twice.recv(1000).startswith(b"HTTP/1.1 200 ")
            twice.sendall(b"GET / HTTP/1.1\r\nho")
            assert twice.recv(100).startswith(b"HTTP/1.1 408 ")
    finally:
        server.should_exit = True
        thread.join()


JUMPING = """
import time
from pathlib import Path
real, told = time.time, Path({told!r})

def jumped():
    return real() + float(told.read_text())

time.time = jumped
"""


def test_a_clock_that_jumps_changes_no_answer_and_lets_nobody_in_more_often(bundle: Path, tmp_path: Path) -> None:
    told = tmp_path / "clock"
    told.write_text("0")
    code = JUMPING.format(told=str(told)) + COMMAND
    from web import processes

    year = 365 * 86400
    before, processes.COMMAND = processes.COMMAND, code
    try:
        with running(tmp_path, bundle, "--rate", "2") as server:
            first = server.get(f"{API}/anime/4")
            for jump in (year, -2 * year, 0):
                told.write_text(str(jump))
                again = server.get(f"{API}/anime/4")
                assert (again.status_code, again.content) == (200, first.content)
                tag = {"if-none-match": first.headers["etag"]}
                assert (
                    httpx.get(f"{server.url}{API}/anime/4", headers=tag, timeout=processes.PATIENCE).status_code == 304
                )
            statuses = [server.get(f"{API}/genres").status_code for _ in range(80)]
            told.write_text(str(5 * year))
            assert 429 in statuses
            assert server.get(f"{API}/genres").status_code == 429  # a minute has not passed for all that
            assert server.reload().json()["what"] == "unchanged"
    finally:
        processes.COMMAND = before


def test_a_registry_that_is_down_at_the_start_and_later_is_told_and_what_was_fetched_is_served(
    bundle: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    champion, cache, runs = "mlflow://anirec@champion", tmp_path / "cache", tmp_path / "runs"
    registry.register("anirec", bundle, uri=str(runs), parameters={}, figures={}, documents={})
    registry.fetched(champion, uri=str(runs), cache=cache)
    more = {registry.CACHE_VARIABLE: str(cache), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    (tmp_path / "down").mkdir()
    with running(tmp_path / "down", champion, **more, MLFLOW_TRACKING_URI="http://127.0.0.1:9") as server:
        assert server.state()["bundle"] == sha256(bundle / MANIFEST)
        assert any("Taken instead: mlflow://anirec@champion" in line["event"] for line in server.lines())
        refused = server.reload()
        assert (refused.status_code, refused.json()["why"]) == (409, "SiteError")
        assert server.get("/ready").json()["last_swap"]["why"] == "SiteError"
        assert server.get(f"{API}/anime/4").status_code == 200
    (tmp_path / "up").mkdir()
    with running(tmp_path / "up", champion, **more, MLFLOW_TRACKING_URI=str(runs)) as server:
        (tmp_path / "other").mkdir()
        other = write_small_bundle(tmp_path / "other", note="other")
        registry.register("anirec", other, uri=str(runs), parameters={}, figures={}, documents={})
        shutil.move(runs, tmp_path / "away")
        assert server.reload().status_code == 409
        shutil.rmtree(runs, ignore_errors=True)
        shutil.move(tmp_path / "away", runs)
        assert server.hang_up()["what"] == "swapped"
        assert server.state()["bundle"] == sha256(other / MANIFEST)


def test_a_tracker_that_is_down_costs_no_training_and_no_note(tables: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    words = (*command(tables, tmp_path / "bundle"), "--track", "http://127.0.0.1:9")
    done = ran(*words, within=tmp_path, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 0, done.stderr
    assert "The work goes on without it." in done.stderr
    read_bundle(tmp_path / "bundle")
    (notes,) = (tmp_path / "untracked").iterdir()
    kinds = [note[0] for note in json.loads((notes / "notes.json").read_text())["notes"]]
    assert {"parameters", "figures", "document", "folder"} <= set(kinds)
    sent = ran("track", notes, "--to", tmp_path / "runs")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert list((tmp_path / "runs").rglob(f"artifacts/bundle/{MANIFEST}"))
    assert not notes.exists()
