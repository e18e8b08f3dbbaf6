"""What a bundle with texts says over HTTP: quotes beside reasons, and a search that leaves out what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from anirec.web import schemas
from anirec.web.app import create_app
from quoted import REVIEWS, quoted_search
from web import serving
from web.serving import API, recommended


@pytest.fixture(scope="module")
def texts(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Asks the application over the small bundle with reviews."""
    pytest.importorskip("Stemmer", reason="the extra text is not installed")
    search = quoted_search(small_bundle, tmp_path_factory.mktemp("quoted"))
    served = replace(serving.served(small_bundle), search=search)
    with TestClient(create_app(served), base_url="http://localhost:8000") as asking:
        yield asking


def test_a_recommendation_quotes_who_named_it_beside_a_title_of_mine(texts: TestClient) -> None:
    answer = texts.post(f"{API}/recommendations", json={"likes": [4, 6, 7], "k": 10}).json()
    schemas.Recommendations.model_validate(answer, strict=True)
    quotes = {item["anime"]["anime_id"]: item["reasons"]["quote"] for item in answer["items"]}
    assert quotes[5] == {
        "text": "Whoever loved Show 4 will feel at home with these people at once.",
        "about_anime_id": 5,
        "names_anime_id": 4,
    }
    assert quotes[5]["text"] in REVIEWS[5]
    assert texts.get(f"{API}/model").json()["has"]["passages"]


def test_a_bundle_without_texts_quotes_nobody(client: TestClient) -> None:
    answer = client.post(f"{API}/recommendations", json={"likes": [4, 6, 7], "k": 10}).json()
    assert {item["reasons"]["quote"] for item in answer["items"]} == {None}
    assert not client.get(f"{API}/model").json()["has"]["passages"]


def test_a_search_leaves_out_what_was_seen_and_it_says_nothing_of_taste(texts: TestClient) -> None:
    asked = {"q": "comedy", "franchise": "anything", "k": 10}
    whole = recommended(texts.post(f"{API}/search", json=asked))
    assert 6 in whole
    without = recommended(texts.post(f"{API}/search", json=asked | {"seen": ["Show 6"]}))
    assert without == [anime_id for anime_id in whole if anime_id != 6]
    pages = [recommended(texts.post(f"{API}/search", json=asked | {"seen": [6], "k": 1, "offset": n})) for n in (0, 1)]
    assert [anime_id for page in pages for anime_id in page] == without[:2]
