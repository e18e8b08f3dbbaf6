"""The application over the small bundle, for tests: asked in the process, without a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from anirec.stores.bundle import MANIFEST
from anirec.tables import sha256
from anirec.web.app import create_app
from anirec.web.served import Served
from anirec.web.settings import WebSettings
from anirec.wiring.serve import load

API = "/api/v1"


def served(bundle: Path, **settings: Any) -> Served:
    return Served(load(bundle), WebSettings(**settings), card="", bundle_hash=sha256(bundle / MANIFEST))


def client(bundle: Path, folder: Path | None = None, **settings: Any) -> TestClient:
    return TestClient(create_app(served(bundle, **settings), folder), base_url="http://localhost:8000")


def recommended(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [item["anime"]["anime_id"] for item in answer.json()["items"]]
