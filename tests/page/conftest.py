"""One server and one browser for all tests of the page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WAIT_MS = 30_000
BUNDLE = "ANIREC_TEST_BUNDLE"
"""Another bundle to test the page with than the starter."""
QUIET = ("Service Worker", "GPU stall", "GL Driver", "ERR_INTERNET_DISCONNECTED", "Automatic fallback to software")
"""Warnings of the browser that are not ours."""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of `anirec serve` with the built page."""
    pytest.importorskip("uvicorn", reason="the extra serve is not installed")
    pytest.importorskip("playwright", reason="playwright is not installed")
    if not any(map(shutil.which, CHROMIUM)):
        pytest.skip("no Chromium is installed")
    from anirec.web.page import page_files

    if page_files() is None:
        pytest.skip("the page is not built, and Node is missing or too old to build it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = "import sys; from anirec.cli import main; sys.exit(main())"
    options = ["serve", "--port", str(port), "--images", "none", "--no-sites", "--log-level", "error"]
    if BUNDLE in os.environ:
        options += ["--bundle", os.environ[BUNDLE]]
    started = subprocess.Popen([sys.executable, "-c", command, *options], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/ready", started)
        yield address
    finally:
        started.terminate()
        started.wait(30)


def _wait_for(address: str, started: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert started.poll() is None, "the server ended"
        try:
            with urlopen(address, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="session")
def has(server: str) -> dict[str, Any]:
    """What the bundle can do."""
    with urlopen(f"{server}/api/v1/model", timeout=30) as answer:  # noqa: S310 - our own address
        found: dict[str, Any] = json.load(answer)["has"]
    return found


@pytest.fixture(scope="module")
def browser(server: str) -> Iterator[Browser]:
    """A Chromium that draws WebGL in software; not started where there is no server to ask.

    One for each file: while it is open an event loop runs in this thread, and other tests want one of their own.
    """
    assert server
    from playwright.sync_api import sync_playwright

    path = next(found for found in map(shutil.which, CHROMIUM) if found)
    # Debian's start script says on stderr what the machine lacks; that is nothing of ours
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *SOFTWARE_GL])
        yield opened
        opened.close()


Open = Callable[..., "Page"]


@pytest.fixture
def fresh(browser: Browser, server: str) -> Iterator[Open]:
    """Opens a page in a profile of its own; at the end nothing may have gone wrong in it, and nobody else been asked.

    refused: whether an answer may be an error; workers: whether the page may keep things for later.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(path: str = "/", *, workers: bool = False, refused: bool = False, **how: Any) -> Page:
        known = (*QUIET, "Failed to load resource") if refused else QUIET
        settings: dict[str, Any] = {
            "locale": "en-US",
            "viewport": {"width": 1280, "height": 800},
            "reduced_motion": "reduce",
        }
        how = {**settings, "service_workers": "allow" if workers else "block", **how}
        context = browser.new_context(base_url=server, **how)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda told: wrong.append(told.text) if _is_wrong(told.type, told.text, known) else None)
        page.on("request", lambda asked: wrong.append(f"asked {asked.url}") if _is_foreign(asked.url, server) else None)
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def _is_wrong(kind: str, text: str, known: tuple[str, ...]) -> bool:
    return kind in {"error", "warning"} and not any(one in text for one in known)


def _is_foreign(url: str, server: str) -> bool:
    return not url.startswith((server, "data:", "blob:"))


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    source = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        pytest.skip("axe-core is not installed; `make page` installs it")
    return source.read_text(encoding="utf-8")
