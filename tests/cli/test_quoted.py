"""What the command line quotes from a bundle with texts, and that it is what HTTP quotes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from anirec.stores.bundle import read_bundle, write_search
from anirec.web.app import create_app
from cli.test_commands import anirec
from quoted import quoted_search
from web import serving

LIKED = (4, 6, 7)
ASKED = [word for anime_id in LIKED for word in ("--like", str(anime_id))]


@pytest.fixture(scope="module")
def texts(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with reviews; quoting never opens its encoder."""
    pytest.importorskip("Stemmer", reason="the extra text is not installed")
    folder = tmp_path_factory.mktemp("texts")
    search = quoted_search(small_bundle, folder)
    (folder / "encoder").mkdir()
    write_search(read_bundle(small_bundle), folder / "bundle", search.index.state(), folder / "encoder", {})
    return folder / "bundle"


def test_a_recommendation_quotes_what_it_quotes_over_http(
    texts: Path, small_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = anirec(capsys, monkeypatch, "recommend", *ASKED, "--bundle", str(texts), "--json")
    assert code == 0, err
    quotes = {item["anime_id"]: item["quote"] for item in json.loads(out)["items"]}
    assert quotes[5] == {
        "text": "Whoever loved Show 4 will feel at home with these people at once.",
        "about_anime_id": 5,
        "names_anime_id": 4,
    }
    served = replace(serving.served(small_bundle), search=quoted_search(small_bundle, tmp_path))
    with TestClient(create_app(served), base_url="http://localhost:8000") as web:
        answer = web.post(f"{serving.API}/recommendations", json={"likes": list(LIKED), "k": 20}).json()
    assert quotes == {item["anime"]["anime_id"]: item["reasons"]["quote"] for item in answer["items"]}


def test_the_table_shows_the_sentence_beside_the_titles(
    texts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = anirec(capsys, monkeypatch, "recommend", *ASKED, "--bundle", str(texts))
    assert '"Whoever loved' in out


def test_a_bundle_without_texts_quotes_nobody(
    small_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = anirec(capsys, monkeypatch, "recommend", "--like", "4", "--bundle", str(small_bundle), "--json")
    assert {item["quote"] for item in json.loads(out)["items"]} == {None}
