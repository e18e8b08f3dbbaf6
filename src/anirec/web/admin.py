"""What only who runs the server may ask: another bundle, the one before, what is served. On a Unix socket of its own.

The socket's file is readable and writable for its owner alone; there is no other way to these routes.
"""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anirec.core.errors import InputError
from anirec.web.answers import json_answer
from anirec.web.lasting import Outcome
from anirec.web.problems import Kind, problem
from anirec.web.swap import Control

LONGEST: Final = 100
"""Bytes of a Unix socket's path; systems take some 104."""
UNREADABLE: Final = Kind(400, "bad-request", "This is no request")
REFUSED: Final = Kind(409, "refused", "The bundle was refused; the one before is served on")


def admin_app(control: Control) -> Starlette:
    """Return the application of the socket."""

    async def reload(request: Request) -> Response:
        body = await request.body()
        try:
            told = orjson.loads(body) if body else {}
        except ValueError:
            told = None
        if not isinstance(told, dict) or set(told) - {"bundle"} or not isinstance(told.get("bundle"), str | None):
            return problem(UNREADABLE, 'send nothing, or {"bundle": "DIR"}')
        return _told(await run_in_threadpool(control.reload, told.get("bundle")))

    async def rollback(_request: Request) -> Response:
        return _told(await run_in_threadpool(control.roll_back))

    async def state(_request: Request) -> Response:
        return json_answer(control.state())

    return Starlette(
        routes=[
            Route("/admin/reload", reload, methods=["POST"]),
            Route("/admin/rollback", rollback, methods=["POST"]),
            Route("/admin/state", state, methods=["GET"]),
        ]
    )


def _told(outcome: Outcome) -> Response:
    if outcome.what == "refused":
        return problem(REFUSED, outcome.detail or str(outcome.why), why=outcome.why)
    return json_answer({name: value for name, value in asdict(outcome).items() if value is not None})


@contextmanager
def listening(control: Control, path: Path | None) -> Iterator[None]:
    """Answer at a Unix socket for as long as the block works; path: None = nowhere.

    Raises:
        InputError: there is something else at the path, or no socket can be there.
    """
    if path is None:
        yield
        return
    with _bound(path) as bound:
        config = uvicorn.Config(admin_app(control), log_config=None, access_log=False, lifespan="off", loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],), name="admin", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    if len(os.fsencode(path.absolute())) > LONGEST:
        raise InputError(f"the path of the socket is longer than {LONGEST} bytes: {path}; choose a shorter one")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_way(path)
        before = os.umask(0o177)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        bound.listen(16)
    except OSError as error:
        bound.close()
        raise InputError(f"no socket can be at {path}: {error.strerror or error}") from error
    own = path.stat().st_ino
    try:
        yield bound
    finally:
        bound.close()
        if path.exists() and path.stat().st_ino == own:
            path.unlink()


def _make_way(path: Path) -> None:
    """Remove the socket of a server that was killed.

    Raises:
        InputError: another server answers there, or it is no socket.
    """
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise InputError(f"{path} is there already, and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        try:
            other.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise InputError(f"another server answers at {path}")
