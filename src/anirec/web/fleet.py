"""Several processes that serve one bundle: they hear from the one that started them when another is to be served.

Each process tells over a Unix socket in a private folder that it lives, opens what it is told to, and says what it
found: a line of JSON for every question and every answer. When the socket ends, so does the process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from anirec.web import metrics
from anirec.web.lasting import Outcome
from anirec.web.swap import Answer, Control, Hand

OPEN_SECONDS: Final = 300.0
"""In which a process must have opened a bundle."""


class RemoteHand:
    """A process elsewhere that serves; see `Hand`. Its methods raise OSError or EOFError when it is gone."""

    def __init__(self, connection: socket.socket) -> None:
        """Take the connection that it made."""
        connection.settimeout(OPEN_SECONDS)
        self._lines = connection.makefile("rw", encoding="utf-8")
        self._connection = connection
        self._turn = threading.Lock()

    def open(self, path: Path, sha256: str | None = None) -> Answer:
        """See `Hand`."""
        return Answer(**self._asked({"do": "open", "path": str(path), "sha256": sha256}))

    def take(self, outcome: Outcome | None) -> None:
        """See `Hand`."""
        self._asked({"do": "take", "outcome": outcome and asdict(outcome)})

    def leave(self, outcome: Outcome | None) -> None:
        """See `Hand`."""
        self._asked({"do": "leave", "outcome": outcome and asdict(outcome)})

    def _asked(self, wish: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            self._lines.write(json.dumps(wish) + "\n")
            self._lines.flush()
            line = self._lines.readline()
        if not line:
            raise EOFError("the process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def follow(address: str, hand: Hand) -> None:
    """Do what the parent says until it is gone; returns when something is served, and goes on in a thread."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(address)
    lines = connection.makefile("rw", encoding="utf-8")
    serving = threading.Event()
    threading.Thread(target=_followed, args=(lines, hand, serving), name="follow", daemon=True).start()
    serving.wait()


def _followed(lines: Any, hand: Hand, serving: threading.Event) -> None:
    with suppress(OSError):
        for line in lines:
            wish = json.loads(line)
            answer: dict[str, Any] = {}
            if wish["do"] == "open":
                answer = hand.open(Path(wish["path"]), wish["sha256"]).to_json()
            else:
                told = wish["outcome"] and Outcome(**wish["outcome"])
                (hand.take if wish["do"] == "take" else hand.leave)(told)
            lines.write(json.dumps(answer) + "\n")
            lines.flush()
            if wish["do"] == "take":
                serving.set()
    os.kill(os.getpid(), signal.SIGTERM)  # the parent is gone, and nobody would ever tell this process anything


@contextmanager
def gathering(control: Control, address: str) -> Iterator[None]:
    """Let processes join for as long as the block works. address: of the Unix socket."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(64)
    threading.Thread(target=_gathered, args=(control, listener), name="gather", daemon=True).start()
    try:
        yield
    finally:
        listener.close()


def _gathered(control: Control, listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed: the server ends
            return
        threading.Thread(target=_joined, args=(control, RemoteHand(connection)), daemon=True).start()


def _joined(control: Control, hand: RemoteHand) -> None:
    with suppress(OSError, EOFError):  # it ended while it was opening the bundle; what takes its place will join
        control.join(hand)


class Fleet(Multiprocess):
    """Starts processes and replaces those that end. SIGHUP asks for another bundle; no process is restarted for it."""

    def __init__(self, config: Config, sockets: list[Any], ask: Callable[[], None]) -> None:
        """Take what uvicorn's own takes. ask: what SIGHUP does."""
        super().__init__(config, sockets)
        self._ask = ask

    def handle_hup(self) -> None:
        """Ask for another bundle."""
        self._ask()

    def keep_subprocess_alive(self) -> None:
        """Replace processes that have ended, and forget what they told of themselves."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            if pid is not None:
                metrics.forget_process(pid)
