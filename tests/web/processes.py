"""A server in processes of its own, and people who keep asking it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from web.serving import API

COMMAND = "import sys; from anirec.cli import main; sys.exit(main())"
PATIENCE = 60.0
LIKED = (1, 5, 6, 7, 8, 15, 16, 18, 19)
"""Ids that the real catalogue has, and that of the small bundle."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def environment(**more: str) -> dict[str, str]:
    """Of a process that finds the same packages."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | more


def eventually(found: Callable[[], Any]) -> Any:
    """Return the first truth that is found."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise AssertionError("it never came true")


@dataclass
class Server:
    """A running `anirec serve`. log: what it says on standard error, line by line."""

    process: subprocess.Popen[bytes]
    url: str
    admin: Path
    log: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE)

    def asked(self, method: str, path: str, **how: Any) -> httpx.Response:
        """The answer at the administrator's socket."""
        transport = httpx.HTTPTransport(uds=str(self.admin))
        with httpx.Client(transport=transport, base_url="http://anirec", timeout=PATIENCE) as client:
            return client.request(method, path, **how)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asked("GET", "/admin/state").json()
        return found

    def reload(self, bundle: Path | None = None) -> httpx.Response:
        return self.asked("POST", "/admin/reload", json={"bundle": str(bundle)} if bundle else None)

    def hang_up(self) -> dict[str, Any]:
        """Send SIGHUP; returns what came of it."""
        before = self.state()["last"]
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.state()["last"] != before)
        found: dict[str, Any] = self.state()["last"]
        return found

    def workers(self) -> list[int]:
        """The processes that it started and that serve."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def running(folder: Path, bundle: Path | str, *words: str, before: Sequence[str] = (), **more: str) -> Iterator[Server]:
    """Yield a server that answers. folder: for its socket and its log. before: what the command is run by."""
    port, admin, log = free_port(), folder / "admin", folder / "log"
    options = ["serve", "--port", str(port), "--no-page", "--no-sites", "--admin-socket", str(admin)]
    command = [*before, sys.executable, "-c", COMMAND, *options, "--bundle", str(bundle), *words]
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment(**more), cwd=folder, stderr=said)
    server = Server(process, f"http://127.0.0.1:{port}", admin, log)
    try:
        eventually(lambda: answers(server))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def answers(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.get("/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@dataclass
class Crowd:
    """What people got who kept asking.

    failed: what was no answer 200. bundles: that answers came from, in order. waits: seconds of each.
    """

    asked: int = 0
    failed: list[str] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


@contextmanager
def crowd(server: Server, *, each_second: int = 100, threads: int = 4) -> Iterator[Crowd]:
    """Let people ask for recommendations and facts, over connections that stay open, for as long as the block works."""
    stop, lock, found = threading.Event(), threading.Lock(), Crowd()
    begun = time.monotonic()

    def ask(thread: int) -> None:
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            n = thread
            while not stop.is_set():
                time.sleep(max(0.0, begun + n / each_second - time.monotonic()))
                _ask(client, n, found, lock)
                n += threads

    asking = [threading.Thread(target=ask, args=(thread,)) for thread in range(threads)]
    for thread in asking:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in asking:
            thread.join()


def _ask(client: httpx.Client, n: int, found: Crowd, lock: threading.Lock) -> None:
    begun, bundle = time.monotonic(), None
    try:
        if n % 4 == 3:
            answer = client.get("/version")
            bundle = answer.json()["bundle"]
        else:
            answer = client.post(f"{API}/recommendations", json={"likes": [LIKED[n % len(LIKED)]], "k": 3})
        problem = None if answer.status_code == httpx.codes.OK else f"{answer.status_code} {answer.text}"
    except httpx.HTTPError as error:
        problem = repr(error)
    with lock:
        found.asked += 1
        found.waits.append(time.monotonic() - begun)
        if problem:
            found.failed.append(problem)
        if bundle and bundle not in found.bundles[-1:]:
            found.bundles.append(bundle)
