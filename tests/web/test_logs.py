"""What a server says of those who ask: when, which route, how long; and never what."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from anirec.core.errors import InputError, MissingAbility
from anirec.web import logs, traces
from anirec.web.app import create_app
from small import write_small_bundle
from web import serving
from web.processes import Server, environment, eventually, running
from web.serving import API

PLANTED = "PlantedPenguin77"
"""A title, a query, a user's name, a word of a body, a path: nobody may read it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("logs")
    with running(folder, write_small_bundle(folder), "--log-level", "info") as found:
        yield found


def ask_for_everything(server: Server) -> None:
    """Name it in every place that a request has."""
    with httpx.Client(base_url=server.url, headers={"user-agent": PLANTED, "cookie": f"a={PLANTED}"}) as client:
        for body in (
            {"likes": [PLANTED]},
            {"likes": [{"title": PLANTED, "score": 9}]},
            {"dislikes": [PLANTED], "seen": [PLANTED]},
            {"likes": [4], PLANTED: 1},
            {"likes": [4], "filters": {"genres": [PLANTED]}},
            {"likes": [4], "model": PLANTED},
            [PLANTED],
        ):
            client.post(f"{API}/recommendations", json=body)
        client.post(f"{API}/recommendations", content=f'{{"likes": ["{PLANTED}"')
        client.post(f"{API}/search", json={"query": PLANTED})
        client.post(f"{API}/groups/recommendations", json={"members": [{"name": PLANTED, "likes": [PLANTED]}]})
        client.post(f"{API}/lists/import", json={"site": "anilist", "user": PLANTED})
        client.post(f"{API}/lists/import", files={"file": (f"{PLANTED}.csv", f"title\n{PLANTED}\n".encode())})
        client.post(f"{API}/lists/import", files={"file": ("a.xml", f"<{PLANTED}".encode())})
        for path in (
            f"titles?q={PLANTED}",
            f"search?q={PLANTED}",
            f"anime/{PLANTED}",
            PLANTED,
            f"random?genres={PLANTED}",
        ):
            client.get(f"{API}/{path}")
        client.get(f"/{PLANTED}?{PLANTED}={PLANTED}")
        client.get("/health", headers={"host": f"{PLANTED}.example"})
        client.request(PLANTED.upper(), "/health")
        client.get(f"/{PLANTED}", headers={"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "x"})
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as raw:
        raw.sendall(f"GET /{PLANTED} {PLANTED}\r\n{PLANTED}\r\n\r\n".encode())
        raw.settimeout(10)
        raw.recv(1000)


def test_no_line_of_a_log_says_what_somebody_asked(server: Server) -> None:
    ask_for_everything(server)
    httpx.get(f"{server.url}{API}/genres", headers={"x-request-id": "the-last-one"})
    eventually(lambda: any(line.get("id") == "the-last-one" for line in server.lines()))
    said = server.log.read_text()
    assert PLANTED.lower() not in said.lower()
    assert PLANTED.lower() not in server.get("/metrics").text.lower()
    lines = server.lines()
    assert len(lines) == len(said.splitlines()) > 20  # all of it is JSON
    assert {name for line in lines for name in line} <= set(logs.FIELDS)
    requests = [line for line in lines if line["event"] == "request"]
    assert all({"time", "level", "event", "id", "method", "route", "status", "ms"} <= set(line) for line in requests)


def test_a_request_s_id_comes_back_and_stands_in_every_line_about_it(server: Server) -> None:
    answer = httpx.get(f"{server.url}{API}/genres", headers={"x-request-id": "given.by-a_test"})
    assert answer.headers["x-request-id"] == "given.by-a_test"
    made = httpx.get(f"{server.url}{API}/genres").headers["x-request-id"]
    found = eventually(lambda: [line for line in server.lines() if line.get("id") in ("given.by-a_test", made)][1:])
    assert found[0]["id"] == made


def test_what_is_not_named_cannot_get_into_a_line() -> None:
    record = logging.LogRecord("anirec.web", logging.INFO, "", 0, {"event": "x", "title": PLANTED}, (), None)
    record._logger, record._name = logging.getLogger("anirec.web"), "info"
    assert set(json.loads(logs.formatter().format(record))) == {"time", "level", "event"}


def test_an_error_of_another_package_is_told_without_its_message() -> None:
    error = ValueError(PLANTED)
    told = (ValueError, error, None)
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "broken", (), told)
    line = json.loads(logs.formatter().format(record))
    assert (line["error"], line["event"]) == ("ValueError", "broken")
    assert PLANTED not in json.dumps(line)


def test_opentelemetry_is_not_even_loaded_unless_the_environment_asks(small_bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from anirec.cli.serving import application_of\n"
        "from anirec.web.settings import WebSettings\n"
        f"application_of({str(small_bundle)!r}, WebSettings())\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    for more in ({}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}):
        env = {name: value for name, value in environment().items() if not name.startswith("OTEL_")} | more
        assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0, more


@pytest.fixture
def spans() -> tuple[Any, Any]:
    """A tracer, and what keeps its spans."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra trace is not installed")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test"), exporter


def test_a_span_says_no_more_than_a_line_of_the_log(
    small_bundle: Path, spans: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traces, "tracer", lambda: spans[0])
    monkeypatch.setattr(logging.getLogger("anirec"), "propagate", True)
    caplog.set_level(logging.INFO, logger="anirec.web")
    parent = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "x-request-id": "asked-by-a-test"}
    with TestClient(create_app(serving.served(small_bundle))) as client:
        client.get(f"{API}/anime/4/similar?k=3&genres={PLANTED}", headers=parent)
        client.get(f"{API}/anime/4?x={PLANTED}", headers=parent)
    first, second = spans[1].get_finished_spans()
    assert second.name == f"GET {API}/anime/{{anime_id}}"
    assert format(second.context.trace_id, "032x") == "ab" * 16
    assert format(second.parent.span_id, "016x") == "cd" * 8
    assert dict(second.attributes) == {
        "http.request.method": "GET",
        "http.route": f"{API}/anime/{{anime_id}}",
        "http.response.status_code": 200,
        "anirec.request_id": "asked-by-a-test",
    }
    assert PLANTED not in first.to_json() + second.to_json()
    lines = [json.loads(logs.formatter().format(record)) for record in caplog.records if record.name == "anirec.web"]
    assert {line["trace"] for line in lines} == {"ab" * 16}


GLOBAL = """
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
from starlette.testclient import TestClient
from web import serving
TestClient(serving.client(Path({bundle!r})).app).get("/api/v1/titles?q=sho")
print([span.name for span in exporter.get_finished_spans()])
"""


def test_spans_of_the_framework_which_hold_paths_and_queries_are_never_made(small_bundle: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra trace is not installed")
    env = environment(FASTAPI_OTEL_AUTO_CONFIGURE="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    code = GLOBAL.format(bundle=str(small_bundle))
    done = subprocess.run([sys.executable, "-c", code], env=env, check=False, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_an_exporter_that_is_not_known_or_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.tracer.cache_clear()
    monkeypatch.setenv(traces.VARIABLE, "pigeon")
    with pytest.raises(InputError, match="pigeon; known are otlp, console and none"):
        traces.tracer()
    monkeypatch.setenv(traces.VARIABLE, "console")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingAbility, match=r"anirec\[trace\]"):
        traces.tracer()
    traces.tracer.cache_clear()


def test_a_collector_that_is_down_holds_no_request_up(small_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra trace is not installed")
    told = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with running(tmp_path, small_bundle, **told) as server:
        answers = [server.get(f"{API}/anime/4") for _ in range(20)]
        line = eventually(lambda: [line for line in server.lines() if "xport" in line["event"]])[0]
    assert {answer.status_code for answer in answers} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers) < 1
    assert line["level"] in ("warning", "error")
