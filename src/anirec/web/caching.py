"""Answers that change only with the bundle: kept by browsers under an ETag, and the costly ones here, too.

Only what anybody may ask for is kept: facts and lists about titles. What holds a person's taste is a POST; it is
answered and forgotten, and says `no-store`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anirec.web import metrics

IMMUTABLE: Final = tuple(
    f"/api/v1/{name}" for name in ("anime/", "genres", "model", "map", "seasons/", "trending", "titles", "examples")
)
"""Paths whose answers depend on the bundle alone."""
COSTLY: Final = tuple(f"/api/v1/{name}" for name in ("anime/", "genres", "model", "map", "seasons/", "trending"))
MAX_AGE: Final = 300
"""Seconds for which a browser need not ask again; after them it asks with the ETag."""
MOST_BYTES: Final = 16 * 2**20
LARGEST: Final = 2**20

Kept = tuple[int, list[tuple[bytes, bytes]], bytes]


class Answers:
    """Answers by path and query, up to `MOST_BYTES`; those asked for longest ago go first."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """Keep none so far. most: bytes of bodies."""
        self._most = most
        self._size = 0
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def get(self, key: bytes) -> Kept | None:
        """Return what is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Kept) -> None:
        """Keep an answer."""
        if key in self._kept:
            self._size -= _size(key, self._kept.pop(key))
        self._kept[key] = answer
        self._size += _size(key, answer)
        while self._size > self._most:
            self._size -= _size(*self._kept.popitem(last=False))
        metrics.KEPT_BYTES.set(self._size)


def _size(key: bytes, answer: Kept) -> int:
    return len(key) + len(answer[2]) + 512


class Caching:
    """Answers again what does not change; tells browsers what they may keep."""

    def __init__(self, app: ASGIApp, version: str) -> None:
        """Wrap an application. version: of all that answers are made of."""
        self._app = app
        self._etag = f'W/"{version}"'.encode()  # weak: the same answer may go out zipped or not
        self._answers = Answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "GET" or not scope["path"].startswith(IMMUTABLE):
            await self._app(scope, receive, _with(send, [(b"cache-control", b"no-store")]))
            return
        headers = [(b"etag", self._etag), (b"cache-control", b"public, max-age=%d" % MAX_AGE)]
        if self._etag in [tag.strip() for tag in dict(scope["headers"]).get(b"if-none-match", b"").split(b",")]:
            metrics.KEPT.labels("not-modified").inc()
            await _send(send, 304, headers, b"")
            return
        if not scope["path"].startswith(COSTLY):
            await self._app(scope, receive, _with(send, headers))
            return
        key = scope["path"].encode() + b"?" + scope["query_string"]
        if kept := self._answers.get(key):
            metrics.KEPT.labels("hit").inc()
            await _send(send, kept[0], kept[1], kept[2])
            return
        metrics.KEPT.labels("miss").inc()
        await self._app(scope, receive, _Keeping(send, headers, self._answers, key))


class _Keeping:
    """Sends an answer on, and keeps it if it is a good one."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], answers: Answers, key: bytes) -> None:
        self._send, self._headers, self._answers, self._key = send, headers, answers, key
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            good = message["status"] == 200
            own = self._headers if good else [(b"cache-control", b"no-store")]
            message["headers"] = [*message.get("headers", ()), *own]
            self._start = message if good else {}
        elif self._start and not message.get("more_body") and len(message.get("body", b"")) <= LARGEST:
            body = bytes(message.get("body", b""))
            self._answers.put(self._key, (200, list(self._start["headers"]), body))
        await self._send(message)


def _with(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """Return what sends with further headers; an error is not to be kept."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = headers if message["status"] == 200 else [(b"cache-control", b"no-store")]
            message["headers"] = [*message.get("headers", ()), *own]
        await send(message)

    return sending


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
