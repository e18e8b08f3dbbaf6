"""GET /images/{id}: posters, asked for by this server so that the sites that have them learn nothing of who looks.

Off unless `--images proxy`. Only addresses of the bundle are asked for, and only of hosts that are known to have
posters, over HTTPS, without following redirects; what is no picture, too large or packed is not passed on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Path, Response

from anirec.core.errors import SiteError
from anirec.web import metrics
from anirec.web.security import IMAGE_HOSTS
from anirec.web.served import Served, UnknownAnime

KINDS: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}
"""By how a file begins; what the site says of its type is not believed."""
MOST_BYTES: Final = 2 * 2**20
KEPT_BYTES: Final = 32 * 2**20
TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
MOST_SECONDS: Final = 20.0
"""For all of one poster: a site that sends a byte now and then holds nothing up."""
UNPACKED: Final = {"accept-encoding": "identity"}
"""Pictures are packed already; what is packed again could grow in memory past any limit."""


class Posters:
    """Fetches posters and keeps the last ones, up to `KEPT_BYTES`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Keep none so far. client: asks; made not to follow redirects."""
        self._client = client
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._size = 0

    async def get(self, url: str) -> tuple[str, bytes]:
        """Return the media type and the bytes of a picture.

        Raises:
            SiteError: the host is none that has posters, does not answer, or answers with no picture.
        """
        metrics.POSTERS.labels("hit" if url in self._kept else "miss").inc()
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc not in IMAGE_HOSTS:  # no port, no name and password either
            raise SiteError("the poster is said to be at a host that is not known to have posters: not asked for")
        found = await self._fetched(url)
        if url not in self._kept:  # two may have waited for it
            self._size += len(found[1])
        self._kept[url] = found
        while self._size > KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1][1])
        return found

    async def _fetched(self, url: str) -> tuple[str, bytes]:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                content = await self._content(url)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise SiteError(f"the site of the poster does not answer ({type(error).__name__})") from error
        kind = next((kind for begin, kind in KINDS.items() if content.startswith(begin)), None)
        if kind is None or (kind == "image/webp" and content[8:12] != b"WEBP"):
            raise SiteError("what came in place of the poster is no picture")
        return kind, content

    async def _content(self, url: str) -> bytes:
        async with self._client.stream("GET", url, headers=UNPACKED, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise SiteError(f"the site of the poster answers {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise SiteError("the poster came packed, though that was not asked for")
            content = bytearray()
            async for part in answer.aiter_raw():
                content += part
                if len(content) > MOST_BYTES:
                    raise SiteError("the poster is larger than any")
        return bytes(content)


def _new_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


def router(served: Served, client: httpx.AsyncClient | None = None) -> APIRouter:
    """Return the route. client: None = a new one."""
    routes = APIRouter(include_in_schema=False)
    posters = Posters(client or served.lasting.client_of(_new_client))

    @routes.get("/images/{anime_id}")
    async def image(anime_id: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Response:
        url = served.known(anime_id).image_url
        if url is None:
            raise UnknownAnime(f"there is no poster of the anime {anime_id} in this bundle")
        kind, content = await posters.get(url)
        return Response(content, media_type=kind, headers={"cache-control": "public, max-age=604800"})

    return routes
