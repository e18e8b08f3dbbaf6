"""docs/api.md: its commands work as written, and it names every kind of problem, every route and every option."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from anirec.cli.serve import serve
from anirec.cli.serving import application_of
from anirec.web.problems import BY_STATUS, KINDS
from anirec.web.settings import WebSettings
from web.serving import API

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "api.md").read_text(encoding="utf-8")
COMMANDS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.S)]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server over the starter bundle."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    config = uvicorn.Config(application_of(None, WebSettings()), port=number, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", COMMANDS)
def test_the_commands_work_as_written(port: int, block: str, tmp_path: Path) -> None:
    for command in re.split(r"(?<!\\)\n", block):
        said = subprocess.run(
            ["sh", "-c", command.replace("localhost:8000", f"127.0.0.1:{port}")],
            stdout=subprocess.PIPE,
            cwd=tmp_path,
            check=True,
        ).stdout
        if "curl" in command:
            found = json.loads(said)
            assert "/problems/" not in str(found.get("type")), found
            assert found


def test_every_kind_of_problem_is_told() -> None:
    assert len(COMMANDS) >= 6
    kinds = [*KINDS.values(), *(kind for kind in BY_STATUS.values() if kind.status < 500)]
    assert {kind.slug for kind in kinds} - set(re.findall(r"`/problems/([a-z-]+)`", TEXT)) == set()


def test_every_option_of_serve_is_told() -> None:
    options = {name for option in serve.params for name in option.opts}
    assert {name for name in options if f"`{name}" not in TEXT and f"{name}`" not in TEXT} == set()


def test_every_route_is_told(client: TestClient) -> None:
    for path in client.get(f"{API}/openapi.json").json()["paths"]:
        plain = re.sub(r"\{.*?\}", "*", path.removeprefix(API))
        pattern = re.escape(plain).replace(r"\*", r"[^/\s'`?]+")
        assert re.search(pattern, TEXT), path
