"""Posters through this server: a fake site stands where the real ones are, and notes what it is asked for."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from anirec.core.anime import Anime
from anirec.web import problems
from anirec.web.routes import images
from anirec.web.served import Served
from anirec.web.settings import Images
from web import serving
from web.serving import API

JPEG = b"\xff\xd8\xff\xe0 a picture"
AT = "https://cdn.myanimelist.net/images/1.jpg"


@dataclass(frozen=True)
class Posted:
    """The small bundle's facts, with the addresses of posters."""

    own: Any
    urls: dict[int, str]

    def of(self, anime_ids: Iterable[int]) -> dict[int, Anime]:
        found: dict[int, Anime] = self.own.of(anime_ids)
        return {i: replace(anime, image_url=self.urls.get(i)) for i, anime in found.items()}

    def by_anilist_id(self) -> dict[int, int]:
        return {}

    def labels(self) -> dict[str, list[str]]:
        return {}

    def calendar(self) -> dict[str, Any]:
        return {}


@dataclass
class Site:
    """answer: what the site says to a request."""

    answer: Callable[[httpx.Request], httpx.Response]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)


def sent(content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """Return an answer that comes in parts, as over a network."""

    async def parts() -> AsyncIterator[bytes]:
        yield content[:5]
        yield content[5:]

    return httpx.Response(200, content=parts(), headers=headers)


Asking = Callable[..., tuple[TestClient, Site]]


@pytest.fixture
def asking(small_bundle: Path) -> Asking:
    """Returns a client of the proxy and the site behind it. url: where the poster of anime 1 is said to be."""

    def make(answer: Any = JPEG, url: str = AT) -> tuple[TestClient, Site]:
        served = with_posters(serving.served(small_bundle, images=Images.PROXY), {1: url, 2: f"{AT}?2"})
        site = Site(answer if callable(answer) else lambda _: sent(answer))
        app = FastAPI()
        problems.add_handlers(app)
        client = httpx.AsyncClient(transport=httpx.MockTransport(site), follow_redirects=True)
        app.include_router(images.router(served, client))
        return TestClient(app), site

    return make


def with_posters(served: Served, urls: dict[int, str]) -> Served:
    return replace(served, service=replace(served.service, facts=Posted(served.service.facts, urls)))


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    return detail


def test_a_poster_comes_from_its_site_once_and_browsers_keep_it(asking: Asking) -> None:
    client, site = asking()
    for _ in range(3):
        answer = client.get("/images/1")
        assert (answer.status_code, answer.content) == (200, JPEG)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "public, max-age=604800"
    assert [str(request.url) for request in site.asked] == [AT]


def test_the_site_learns_nothing_of_who_asks(asking: Asking) -> None:
    client, site = asking()
    client.get("/images/1", headers={"cookie": "who=me", "referer": "http://x/", "x-forwarded-for": "10.0.0.9"})
    (request,) = site.asked
    assert not {"cookie", "referer", "x-forwarded-for", "authorization"} & set(request.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.myanimelist.net/1.jpg",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/1.jpg",
        "https://cdn.myanimelist.net.evil.example/1.jpg",
        "https://cdn.myanimelist.net@evil.example/1.jpg",
        "https://name:word@cdn.myanimelist.net/1.jpg",
        "https://cdn.myanimelist.net:8443/1.jpg",
        "https://cdn.myanimelist.net:99999/1.jpg",
        "https://cdn.myanimelist.net\\@evil.example/1.jpg",
        "file:///etc/passwd",
        "//cdn.myanimelist.net/1.jpg",
    ],
)
def test_no_other_host_is_asked_whatever_a_bundle_says(asking: Asking, url: str) -> None:
    client, site = asking(url=url)
    assert "not asked for" in problem(client.get("/images/1"), 502)
    assert site.asked == []


def test_a_redirect_is_not_followed(asking: Asking) -> None:
    client, site = asking(lambda _: httpx.Response(302, headers={"location": "https://169.254.169.254/"}))
    assert "answers 302" in problem(client.get("/images/1"), 502)
    assert len(site.asked) == 1


@pytest.mark.parametrize("path", ["/images/0", "/images/-1", "/images/x", "/images/99999999999", "/images/1.5"])
def test_an_address_is_never_asked_for_by_its_name(asking: Asking, path: str) -> None:
    client, site = asking()
    problem(client.get(path, params={"url": "https://evil.example"}), 422)
    assert site.asked == []


def test_an_anime_without_a_poster_is_not_found(asking: Asking) -> None:
    client, site = asking()
    assert "no poster of the anime 3" in problem(client.get("/images/3"), 404)
    assert "no anime with the id 999" in problem(client.get("/images/999"), 404)
    assert site.asked == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n rest", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_kind_is_read_from_the_picture_and_not_from_what_the_site_says(
    asking: Asking, content: bytes, kind: str
) -> None:
    client, _ = asking(lambda _: sent(content, {"content-type": "text/html"}))
    assert client.get("/images/1").headers["content-type"] == kind


@pytest.mark.parametrize(
    "content", [b"", b"<html><script>alert(1)</script>", b"<svg onload='alert(1)'/>", b"RIFF\x00\x00\x00\x00WAVEfmt "]
)
def test_what_is_no_picture_is_not_passed_on(asking: Asking, content: bytes) -> None:
    client, _ = asking(lambda _: sent(content, {"content-type": "image/jpeg"}))
    assert "no picture" in problem(client.get("/images/1"), 502)


def test_what_is_too_large_is_not_read_to_its_end(asking: Asking) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield JPEG
        while True:
            sent += 2**16
            yield bytes(2**16)

    client, _ = asking(lambda _: httpx.Response(200, content=endless()))
    assert "larger than any" in problem(client.get("/images/1"), 502)
    assert sent <= images.MOST_BYTES + 2**17


def test_what_is_packed_is_not_unpacked(asking: Asking) -> None:
    bomb = gzip.compress(JPEG + bytes(50 * 2**20))
    client, site = asking(lambda _: sent(bomb, {"content-encoding": "gzip"}))
    assert "packed" in problem(client.get("/images/1"), 502)
    assert site.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_site_that_does_not_answer_is_said_so_and_asked_again_later(
    asking: Asking, error: type[httpx.TransportError]
) -> None:
    down = True

    def answer(request: httpx.Request) -> httpx.Response:
        if down:
            raise error("down", request=request)
        return sent(JPEG)

    client, _ = asking(answer)
    answered = client.get("/images/1")
    assert f"does not answer ({error.__name__})" in problem(answered, 502)
    assert answered.json()["type"] == "/problems/site"
    down = False
    assert client.get("/images/1").content == JPEG, "a failure is not kept"


def test_a_site_that_never_ends_is_given_up(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def slowly() -> AsyncIterator[bytes]:
        yield JPEG
        await asyncio.sleep(60)

    monkeypatch.setattr(images, "MOST_SECONDS", 0.05)
    client, _ = asking(lambda _: httpx.Response(200, content=slowly()))
    assert "does not answer (TimeoutError)" in problem(client.get("/images/1"), 502)


def test_the_last_posters_are_kept_up_to_a_limit(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "KEPT_BYTES", len(JPEG))
    client, site = asking()
    for anime_id in (1, 2, 2, 1):
        assert client.get(f"/images/{anime_id}").content == JPEG
    assert [request.url.query for request in site.asked] == [b"", b"2", b""]


def test_cards_name_this_server_only_where_it_fetches_posters(small_bundle: Path) -> None:
    def card(how: Images) -> Any:
        served = with_posters(serving.served(small_bundle, images=how), {1: AT})
        return json.loads(orjson.dumps(served.cards([1])))[0]["image_url"]

    assert (card(Images.PROXY), card(Images.LINK), card(Images.NONE)) == ("/images/1", AT, None)
    with serving.client(small_bundle) as linking, serving.client(small_bundle, images=Images.PROXY) as proxying:
        assert linking.get("/images/1").json()["type"] == "/problems/not-found"
        assert proxying.get("/images/1").json()["type"] == "/problems/unknown-anime"
        assert "https://" not in proxying.get(f"{API}/health").headers["content-security-policy"]
