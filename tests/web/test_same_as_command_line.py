"""The API and the command line answer the same: one use case stands behind both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from anirec.cli.commands import cli
from web.serving import API

CSV = "anime_id,score,status\n4,9,completed\n12,3,dropped\n7,,plan to watch\n"


def said(bundle: Path, *words: str) -> Any:
    answer = CliRunner().invoke(cli, [*words, "--bundle", str(bundle), "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def shape(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What of an item both say: of the API's facts, those of the command line."""
    return [
        (
            item["rank"],
            item.get("anime", item)["anime_id"],
            round(item.get("score" if "anime" in item else "match_score", 0), 6),
            item["match"],
            item.get("predicted_score"),
            json.dumps(item.get("reasons", item).get("because", [])),
        )
        for item in items
    ]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--like", "Show 4", "--like", "5:9"], {"likes": ["Show 4", {"anime_id": 5, "score": 9}]}),
        (["--like", "4", "--dislike", "12", "--seen", "6"], {"likes": [4], "dislikes": [12], "seen": [6]}),
        (["--like", "4", "-k", "3", "--offset", "3"], {"likes": [4], "k": 3, "offset": 3}),
        (["--like", "2", "--franchise", "next"], {"likes": [2], "franchise": "next"}),
        (["--like", "4", "--like", "13", "--popularity", "-0.75"], {"likes": [4, 13], "popularity": -0.75}),
        (["--like", "5", "--genre", "drama"], {"likes": [5], "filters": {"genres": ["drama"]}}),
        (["--like", "11", "--adult", "-k", "50"], {"likes": [11], "filters": {"adult": True}, "k": 50}),
        (
            ["--like", "4", "--dislike", "12", "--ignore-dislikes"],
            {"likes": [4], "dislikes": [12], "use_dislikes": False},
        ),
        (["--like", "4", "--model", "popularity"], {"likes": [4], "model": "popularity"}),
        (["--like", "4", "--weight", "ease=0"], {"likes": [4], "weights": {"ease": 0}}),
    ],
)
def test_recommendations(small_bundle: Path, client: TestClient, words: list[str], asked: dict[str, Any]) -> None:
    one = said(small_bundle, "recommend", *words)
    other = client.post(f"{API}/recommendations", json=asked).json()
    assert shape(one["items"]) == shape(other["items"]) != []


def test_recommendations_from_a_list(small_bundle: Path, client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(CSV)
    one = said(small_bundle, "recommend", "--list", str(tmp_path / "mine.csv"))
    own = client.post(f"{API}/lists/import", files={"file": ("mine.csv", CSV.encode())}).json()
    other = client.post(f"{API}/recommendations", json={"entries": own["entries"]}).json()
    assert shape(one["items"]) == shape(other["items"]) != []
    assert one["list"]["entries"] == own["found"] == 3


def test_similar_and_facts(small_bundle: Path, client: TestClient) -> None:
    one = said(small_bundle, "similar", "4", "-k", "5")
    other = client.get(f"{API}/anime/4/similar?k=5").json()
    assert [item["anime_id"] for item in one["items"]] == [item["anime"]["anime_id"] for item in other["items"]] != []
    one = said(small_bundle, "similar", "4", "--opposite", "--min-members", "1", "-k", "5")
    other = client.get(f"{API}/anime/4/similar?k=5&opposite=true&min_members=1").json()
    assert [item["anime_id"] for item in one["items"]] == [item["anime"]["anime_id"] for item in other["items"]] != []
    info, facts = said(small_bundle, "info", "2"), client.get(f"{API}/anime/2").json()
    assert {name: facts[name] for name in ("title", "studios", "episodes", "kitsu_id")} == {
        name: info[name] for name in ("title", "studios", "episodes", "kitsu_id")
    }
    assert [p["anime_id"] for p in info["franchise"]] == [p["anime"]["anime_id"] for p in facts["franchise"]]


def test_groups(small_bundle: Path, client: TestClient) -> None:
    one = said(small_bundle, "group", "--member", "a: Show 4, Show 5", "--member", "b: Show 14", "-k", "5")
    members = [{"name": "a", "likes": [4, 5]}, {"name": "b", "likes": [14]}]
    other = client.post(f"{API}/groups/recommendations", json={"members": members, "k": 5}).json()
    assert [item["anime_id"] for item in one["items"]] == [item["anime"]["anime_id"] for item in other["items"]] != []
