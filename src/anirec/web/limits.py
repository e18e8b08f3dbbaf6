"""What a request may cost: how often an address may ask, how many are inside at once, how large a body may be.

Each is an ASGI layer that answers before anything is parsed. What tells of the server's health is never held up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anirec.web import metrics
from anirec.web.counting import Bucket, Count
from anirec.web.problems import BY_STATUS, problem
from anirec.web.settings import WebSettings

LIMITED: Final = ("/api/", "/images/")
FREE: Final = ("/api/v1/health", "/api/v1/ready", "/api/v1/version")
UPLOADS: Final = "/api/v1/lists/import"


def is_limited(scope: Scope) -> bool:
    """Return whether a request counts."""
    path: str = scope["path"]
    return scope["type"] == "http" and path.startswith(LIMITED) and path not in FREE


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that one customer has of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)


class RateLimit:
    """Refuses an address that asks too often with 429."""

    def __init__(self, app: ASGIApp, bucket: Bucket | None) -> None:
        """Wrap an application. bucket: None = an address may ask any number of times."""
        self._app = app
        self._bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if self._bucket is not None and scope["type"] == "http" and is_limited(scope):
            address = network_of(scope["client"][0]) if scope.get("client") else "?"
            if wait := self._bucket.wait(address):
                metrics.REFUSED.labels("rate").inc()
                detail = f"this address asks too often; come again in {math.ceil(wait)} s"
                await _refuse(429, detail, {"Retry-After": str(math.ceil(wait))}, scope, receive, send)
                return
        await self._app(scope, receive, send)


class Gate:
    """Reads bodies up to a size, and lets so many requests in at once; refuses the others with 413, 408 or 429.

    Who is refused is told so a moment later: whoever asks again at once would otherwise take the time of those who are
    being answered. A body is read whole before a place inside is taken and before the application sees the request: one
    that drips holds no thread and no place, however many there are of its kind; all that are on their way may have
    `most_reading` bytes together.
    """

    def __init__(
        self, app: ASGIApp, settings: WebSettings, everybody: Count | None = None, uploads: Count | None = None
    ) -> None:
        """Wrap an application. everybody, uploads: who is inside already; None = nobody."""
        self._app = app
        self._settings = settings
        self._all = everybody or Count(settings.waiting)
        self._uploads = uploads or Count(settings.uploads)
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or not is_limited(scope):
            await self._app(scope, receive, send)
            return
        upload = scope["path"] == UPLOADS
        counts = (self._all, self._uploads) if upload else (self._all,)
        body = await self._read(
            scope, receive, send, self._settings.most_upload if upload else self._settings.most_body
        )
        if body is None:
            return
        if any(count.inside >= count.most for count in counts):
            await self._busy(scope, receive, send)
            return
        for count in counts:
            count.inside += 1
        metrics.INSIDE.inc()
        try:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            metrics.INSIDE.dec()
            for count in counts:
                count.inside -= 1

    async def _read(self, scope: Scope, receive: Receive, send: Send, most: int) -> bytes | None:
        """Return the whole body, None where the client went away or was refused."""
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await self._body(scope, receive, most)
        except TimeoutError:
            metrics.REFUSED.labels("slow").inc()
            await _refuse(408, f"the body was not whole in {self._settings.body_seconds:g} s", {}, scope, receive, send)
        except _TooLarge:
            metrics.REFUSED.labels("size").inc()
            detail = f"the body is larger than {most / 2**20:g} MB"
            await _refuse(413, detail, {"Connection": "close"}, scope, receive, send)
        except _TooMuch:
            await self._busy(scope, receive, send)
        return None

    async def _body(self, scope: Scope, receive: Receive, most: int) -> bytes | None:
        """Return the whole body, None where the client went away.

        Raises:
            _TooLarge: it has more than `most` bytes, or says so.
            _TooMuch: with all others that are on their way it has more than there is room for.
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > most:
                raise _TooLarge
        parts, size = [], 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                self._reading += len(part)
                if size > most:
                    raise _TooLarge
                if self._reading > self._settings.most_reading:
                    raise _TooMuch
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
        finally:
            self._reading -= size

    async def _busy(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics.REFUSED.labels("busy").inc()
        await asyncio.sleep(self._settings.busy_seconds)
        await _refuse(429, "too much is being asked at once; come again", {"Retry-After": "1"}, scope, receive, send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, and then goes on as before."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class _TooLarge(Exception):
    """A body has more bytes than it may."""


class _TooMuch(Exception):
    """All bodies that are on their way have more bytes than they may."""


async def _refuse(
    status: int, detail: str, headers: dict[str, str], scope: Scope, receive: Receive, send: Send
) -> None:
    answer = problem(BY_STATUS[status], detail, request_id=scope.get("anirec.request_id"), headers=headers)
    await answer(scope, receive, send)
