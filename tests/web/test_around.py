"""What stands around the routes: headers, hosts, origins, what browsers keep, logs, figures, the page."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from anirec.core.anime import Anime
from anirec.web import caching, logs
from anirec.web.app import create_app
from anirec.web.routes.page import script_json, sitemap_of, with_head
from web import serving
from web.serving import API

NASTY = '</title></script><script>alert("x")</script>\'"&\u2028'
DOCUMENT = '<!doctype html><html><head><title>anirec</title></head><body><div id="root"></div></body></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page."""
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(DOCUMENT)
    (built / "assets" / "index-abc123.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return built


@pytest.fixture
def paged(small_bundle: Path, folder: Path) -> Iterator[TestClient]:
    with serving.client(small_bundle, folder, public_url="https://anime.example.org") as asking:
        yield asking


@pytest.mark.parametrize("path", ["/", f"{API}/anime/1", f"{API}/nowhere", "/metrics", "/assets/index-abc123.js"])
def test_nothing_inline_is_ever_allowed(paged: TestClient, path: str) -> None:
    headers = paged.get(path).headers
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"]


def test_pictures_from_elsewhere_are_allowed_only_where_they_are_linked(small_bundle: Path) -> None:
    with serving.client(small_bundle) as linked, serving.client(small_bundle, images="none") as none:
        assert "cdn.myanimelist.net" in linked.get("/health").headers["content-security-policy"]
        assert "https:" not in none.get("/health").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost:8000", 200), ("LOCALHOST", 200), ("[::1]:80", 200)),
        *(("evil.example", 421), ("localhost.evil.example", 421), ("[", 421), ("", 421)),
    ],
)
def test_a_server_answers_to_its_own_names_only(small_bundle: Path, host: str, status: int) -> None:
    with serving.client(small_bundle, trusted_hosts=("localhost", "::1")) as asking:
        assert asking.get(f"{API}/genres", headers={"host": host}).status_code == status


def test_no_other_page_may_ask_unless_it_was_named(small_bundle: Path) -> None:
    origin = {"origin": "https://friend.example"}
    with serving.client(small_bundle) as closed, serving.client(small_bundle, cors=tuple(origin.values())) as opened:
        assert "access-control-allow-origin" not in closed.get(f"{API}/genres", headers=origin).headers
        assert opened.get(f"{API}/genres", headers=origin).headers["access-control-allow-origin"] == origin["origin"]
        stranger = opened.get(f"{API}/genres", headers={"origin": "https://stranger.example"})
        assert "access-control-allow-origin" not in stranger.headers


def test_what_does_not_change_is_not_sent_again(client: TestClient) -> None:
    first = client.get(f"{API}/anime/4")
    again = client.get(f"{API}/anime/4", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{API}/anime/4").content == first.content
    assert 'what="not-modified"' in client.get("/metrics").text
    assert "public" in first.headers["cache-control"]


def test_what_holds_a_taste_is_kept_by_nobody(client: TestClient) -> None:
    answer = client.post(f"{API}/recommendations", json={"likes": [4]})
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert client.get("/api/v1/random").headers["cache-control"] == "no-store"


def test_two_bundles_have_two_tags(small_bundle: Path) -> None:
    one = serving.served(small_bundle)
    with TestClient(create_app(one)) as first, TestClient(create_app(replace(one, bundle_hash="f" * 64))) as second:
        assert first.get(f"{API}/genres").headers["etag"] != second.get(f"{API}/genres").headers["etag"]


def test_kept_answers_take_no_more_than_they_may() -> None:
    kept = caching.Answers(most=10_000)
    for i in range(100):
        kept.put(str(i).encode(), (200, [], b"x" * 1000))
    held = [i for i in range(100) if kept.get(str(i).encode())]
    assert held == list(range(94, 100))


def test_large_answers_are_zipped_for_who_can_read_it(client: TestClient) -> None:
    large = client.post(f"{API}/titles/cards", json={"anime_ids": list(range(1, 25))})
    assert large.headers["content-encoding"] == "gzip"
    plain = client.get(f"{API}/examples", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_logs_and_figures_say_nothing_of_what_was_asked(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("anirec"), "propagate", True)
    caplog.set_level(logging.INFO, logger="anirec.web")
    client.post(f"{API}/recommendations", json={"likes": ["Show 7", 13]})
    client.get(f"{API}/titles?q=Show+7")
    client.get(f"{API}/anime/13?x=Show")
    client.post(f"{API}/lists/import", files={"file": ("mine.csv", b"title\nShow 7\n")})
    lines = [json.loads(logs.formatter().format(record)) for record in caplog.records if record.name == "anirec.web"]
    assert [line["route"] for line in lines] == [
        f"{API}/{route}" for route in ("recommendations", "titles", "anime/{anime_id}", "lists/import")
    ]
    assert set(lines[0]) == {"time", "level", "event", "id", "method", "route", "status", "ms"}
    said = json.dumps([{k: v for k, v in line.items() if k not in ("time", "id", "ms")} for line in lines])
    assert "Show" not in said + client.get("/metrics").text
    assert not re.search(r"\b(7|13)\b", said)


def test_a_mistake_is_logged_by_its_place_without_what_it_says(
    small_bundle: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("anirec"), "propagate", True)
    app = create_app(serving.served(small_bundle))

    @app.get("/broken")
    def broken() -> None:
        raise KeyError("somebody's title")

    with TestClient(app) as asking:
        routes = app.router.routes
        routes.insert(0, routes.pop())
        answer = asking.get("/broken", headers={"x-request-id": "asked-by-a-test"})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/mistake")
    assert answer.json()["instance"] == answer.headers["x-request-id"] == "asked-by-a-test"
    lines = [json.loads(logs.formatter().format(record)) for record in caplog.records if record.name == "anirec.web"]
    (line,) = [line for line in lines if line["event"] == "mistake"]
    assert line["id"] == "asked-by-a-test"
    assert line["error"] == "KeyError"
    assert line["at"][-1].endswith(" broken")
    assert "somebody" not in json.dumps(line)


def test_an_id_that_is_none_is_not_taken_over(client: TestClient) -> None:
    answer = client.get("/health", headers={"x-request-id": "a\tb c<script>"})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_figures_are_by_the_route_and_name_the_bundle(client: TestClient) -> None:
    client.get(f"{API}/anime/5")
    text = client.get("/metrics").text
    assert 'anirec_http_request_seconds_count{method="GET",route="/api/v1/anime/{anime_id}",status="200"}' in text
    assert re.search(r'anirec_bundle_info{model="blend",sha256="[0-9a-f]{64}",version=', text)


@pytest.mark.parametrize("path", ["/", "/list", "/results", "/map", "/group", "/compare", "/model"])
def test_every_address_of_the_page_is_the_page(paged: TestClient, path: str) -> None:
    answer = paged.get(path)
    assert (answer.status_code, answer.text) == (200, DOCUMENT)


def test_files_with_a_hash_in_their_names_are_kept_for_ever(paged: TestClient) -> None:
    assert "immutable" in paged.get("/assets/index-abc123.js").headers["cache-control"]
    assert "immutable" not in paged.get("/").headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd", "/secret.txt"]
)
def test_no_file_outside_the_page_is_shown(paged: TestClient, path: str) -> None:
    answer = paged.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_an_anime_s_page_says_what_it_is_to_who_reads_no_script(paged: TestClient) -> None:
    text = paged.get("/anime/2").text
    assert "<title>The Second Show – anirec</title>" in text
    assert '<link rel="canonical" href="https://anime.example.org/anime/2">' in text
    assert '<meta property="og:title" content="The Second Show">' in text
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    assert json.loads(data)["name"] == "Show 2"
    assert paged.get("/anime/999").status_code == paged.get("/anime/x").status_code == 404


def test_every_page_has_one_description(small_bundle: Path) -> None:
    document = (Path(__file__).parents[2] / "frontend" / "index.html").read_text(encoding="utf-8")
    anime = Anime(anime_id=1, title="Show 1", genres=("Drama",), year=2010)
    text = with_head(document, anime, serving.served(small_bundle), "https://anime.example.org")
    assert document.count('name="description"') == text.count('name="description"') == 1
    assert '<meta name="description" content="2010. Drama. ' in text


def test_a_title_is_data_wherever_it_is_written(small_bundle: Path) -> None:
    anime = Anime(anime_id=1, title=NASTY, title_english=NASTY, genres=(NASTY,), image_url=f"https://a/{NASTY}")
    text = with_head(DOCUMENT, anime, serving.served(small_bundle), "https://anime.example.org")
    assert text.count("<script") == 1
    assert text.count("</script>") == 1
    assert text.count("</title>") == 1
    assert "alert(&quot;x&quot;)" in text
    assert json.loads(script_json(NASTY)) == NASTY


def test_the_sitemap_has_all_anime_but_those_for_adults(small_bundle: Path) -> None:
    text = sitemap_of(serving.served(small_bundle), "https://anime.example.org")
    ids = [int(i) for i in re.findall(r"org/anime/(\d+)</loc>", text)]
    assert sorted(ids) == [i for i in range(1, 26) if i != 20]


def test_robots_are_told_where_the_sitemap_is(paged: TestClient) -> None:
    assert "Sitemap: https://anime.example.org/sitemap.xml" in paged.get("/robots.txt").text


def test_without_a_page_the_root_says_where_the_api_is(client: TestClient) -> None:
    assert "/api/docs" in client.get("/").text
    docs = client.get("/api/docs").text
    assert "POST /api/v1/recommendations" in docs
    assert "<script" not in docs


def test_a_server_starts_without_what_only_fetches_trains_or_makes() -> None:
    code = (
        "import sys, anirec.cli.serve, anirec.web.app, anirec.wiring.atlas, anirec.wiring.search\n"
        "seldom = {'httpx', 'anirec.service.fetch', 'anirec.sources.importer', 'anirec.search.building',\n"
        "          'anirec.service.mapping', 'anirec.service.training', 'torch'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(seldom)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
