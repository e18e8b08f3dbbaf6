"""A local server that misbehaves as told, and remembers every request with its time."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Site = Callable[["Request"], "Response"]
Fault = Callable[["Handler", "Response"], None]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def name(self) -> str:
        """What is asked for, whatever the attempt."""
        return f"{self.method} {self.path} {self.body.decode()}"


@dataclass(frozen=True)
class Response:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(found: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(found).encode(), status, {k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class Logged:
    at: float
    name: str
    path: str
    headers: Mapping[str, str]
    ended: str = "cut"
    """ok, or the fault, or "cut" where the client went away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        at = time.monotonic()
        request = Request(self.command, self.path, dict(self.headers), body, self.server.url)
        logged = Logged(at, request.name, self.path, request.headers)
        with self.server.lock:
            self.server.log.append(logged)
            nth = self.server.seen[request.name]
            self.server.seen[request.name] += 1
            faults = self.server.faults(request)
        response = self.server.site(request)
        try:
            if nth < len(faults):
                faults[nth](self, response)
                logged.ended = faults[nth].__name__
            else:
                self.send(response)
                logged.ended = "ok"
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        pass


class FaultServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site, faults: Callable[[Request], Sequence[Fault]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site
        self.faults = faults
        self.log: list[Logged] = []
        self.seen: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that went away

    def succeeded(self) -> Counter[str]:
        return Counter(logged.name for logged in self.log if logged.ended == "ok")

    def most_in(self, seconds: float) -> int:
        """The most requests that came within a time."""
        times = [logged.at for logged in self.log]
        return max((sum(start <= at < start + seconds for at in times) for start in times), default=0)


@contextmanager
def serving(site: Site, faults: Callable[[Request], Sequence[Fault]] = lambda _request: ()) -> Iterator[FaultServer]:
    server = FaultServer(site, faults)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def too_many(handler: Handler, _response: Response) -> None:
    handler.send(as_json({"error": "too many"}, 429))


def too_many_wait_a_second(handler: Handler, _response: Response) -> None:
    handler.send(as_json({"error": "too many"}, 429, Retry_After="1"))


def forbidden(handler: Handler, _response: Response) -> None:
    handler.send(Response(b"<html>slow down</html>", 403))


def broken(handler: Handler, _response: Response) -> None:
    handler.send(Response(b"Internal Server Error", 500))


def unavailable(handler: Handler, _response: Response) -> None:
    handler.send(Response(b"", 503))


def wrong_json(handler: Handler, _response: Response) -> None:
    handler.send(as_json(["not", "what", "was", "asked", "for"]))


def no_json(handler: Handler, response: Response) -> None:
    handler.send(Response(response.body[: len(response.body) // 2], 200, response.headers))


def cut(handler: Handler, response: Response) -> None:
    """The length of the whole, half of it, and the end."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(response.body)))
    handler.end_headers()
    handler.wfile.write(response.body[: len(response.body) // 2])
    handler.wfile.flush()
    handler.close_connection = True


def drip(handler: Handler, response: Response) -> None:
    """A byte now and then, for longer than anyone waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(response.body)))
    handler.end_headers()
    for byte in response.body:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)


def hang_up(handler: Handler, _response: Response) -> None:
    handler.close_connection = True


ALL_FAULTS: tuple[Fault, ...] = (
    *(too_many, too_many_wait_a_second, forbidden, broken, unavailable, wrong_json, no_json, cut, drip, hang_up),
)
