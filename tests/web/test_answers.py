"""What the routes answer, over the world of two tastes; every answer is held to its schema."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from anirec.web import schemas
from web.serving import API, recommended


def told(client: TestClient, model: type[BaseModel], path: str, body: Any = None) -> Any:
    answer = client.get(API + path) if body is None else client.post(API + path, json=body)
    assert answer.status_code == 200, answer.text
    model.model_validate(answer.json(), strict=True)
    return answer.json()


@pytest.mark.parametrize(
    ("model", "path", "body"),
    [
        (schemas.Recommendations, "/recommendations", {"likes": [4, 5], "dislikes": [12], "k": 5}),
        (schemas.Recommendations, "/recommendations", {"likes": [{"anime_id": 4, "score": 9}], "seen": [6]}),
        (schemas.Recommendations, "/recommendations", {}),
        (schemas.AnimeFull, "/anime/2", None),
        (schemas.SimilarAnime, "/anime/4/similar?k=3", None),
        (schemas.WatchOrder, "/anime/2/watch-order", None),
        (schemas.Cards, "/titles/cards", {"anime_ids": [3, 1, 3, 999]}),
        (schemas.Titles, "/titles?q=show+2", None),
        (schemas.Examples, "/examples", None),
        (schemas.Genres, "/genres", None),
        (schemas.ModelAbout, "/model", None),
        (schemas.Health, "/health", None),
        (schemas.Ready, "/ready", None),
        (schemas.Version, "/version", None),
    ],
)
def test_an_answer_is_what_the_document_says(client: TestClient, model: type[BaseModel], path: str, body: Any) -> None:
    told(client, model, path, body)


def test_who_likes_one_taste_is_recommended_it(client: TestClient) -> None:
    found = recommended(client.post(f"{API}/recommendations", json={"likes": [4, 5, 6], "k": 5}))
    assert sum(anime_id <= 10 for anime_id in found) >= 4
    assert not {4, 5, 6} & set(found)


def test_pages_go_on_where_the_page_before_ended(client: TestClient) -> None:
    asked = {"likes": [4, 5], "k": 4}
    first = client.post(f"{API}/recommendations", json=asked)
    second = client.post(f"{API}/recommendations", json=asked | {"offset": first.json()["next_offset"]})
    whole = client.post(f"{API}/recommendations", json=asked | {"k": 8})
    assert recommended(first) + recommended(second) == recommended(whole)
    assert [item["rank"] for item in second.json()["items"]] == [5, 6, 7, 8]


def test_the_last_page_names_no_next_one(client: TestClient) -> None:
    assert told(client, schemas.Recommendations, "/recommendations", {"likes": [4], "k": 100})["next_offset"] is None


def test_titles_as_text_are_understood_and_said_so(client: TestClient) -> None:
    found = told(client, schemas.Recommendations, "/recommendations", {"likes": ["show 4", 5, "Show 6:9"]})
    assert [(read["text"], read["anime_id"]) for read in found["understood"]] == [("show 4", 4), ("Show 6", 6)]


def test_filters_are_those_of_the_command_line(client: TestClient) -> None:
    asked = {"likes": [5, 6], "filters": {"genres": ["drama"]}}
    assert recommended(client.post(f"{API}/recommendations", json=asked)) == [4]
    assert recommended(client.get(f"{API}/anime/5/similar?genres=Drama")) == [4]


def test_adult_titles_come_only_when_asked_for(client: TestClient) -> None:
    asked = {"likes": [11, 12, 13], "k": 100}
    assert 20 not in recommended(client.post(f"{API}/recommendations", json=asked))
    assert 20 in recommended(client.post(f"{API}/recommendations", json=asked | {"filters": {"adult": True}}))


def test_an_anime_knows_its_franchise_and_which_of_it_it_is(client: TestClient) -> None:
    franchise = told(client, schemas.AnimeFull, "/anime/2")["franchise"]
    assert [(place["anime"]["anime_id"], place["entry"], place["here"]) for place in franchise] == [
        (1, True, False),
        (2, False, True),
        (3, False, False),
    ]


def test_cards_come_in_the_order_asked_for_once_each(client: TestClient) -> None:
    found = told(client, schemas.Cards, "/titles/cards", {"anime_ids": [3, 1, 3, 999, 2]})
    assert [card["anime_id"] for card in found["items"]] == [3, 1, 2]


def test_equally_popular_anime_are_counted_by_id(client: TestClient) -> None:
    found = told(client, schemas.Cards, "/titles/cards", {"anime_ids": [1, 2, 25]})
    assert [card["popularity_rank"] for card in found["items"]] == [1, 2, 25]


def test_more_favourites_than_the_old_page_bore_are_taken(client: TestClient) -> None:
    likes = [{"anime_id": 1 + i % 19, "score": 8} for i in range(500)]
    entries = [{"anime_id": i, "score": 7, "status": "completed"} for i in range(1, 5000)]
    found = recommended(client.post(f"{API}/recommendations", json={"likes": likes, "entries": entries}))
    assert found == []  # all that there is, is on the list
    assert len(recommended(client.post(f"{API}/recommendations", json={"likes": likes[:4] * 60}))) > 0


def test_a_group_gets_what_nobody_of_it_has_seen(client: TestClient) -> None:
    members = [{"name": "one", "likes": [4, 5], "seen": [6]}, {"likes": [14, 15], "dislikes": [7]}]
    asked = {"members": members, "k": 6}
    for strategy in ("average", "least-misery", "fairness"):
        found = told(client, schemas.GroupRecommendations, "/groups/recommendations", asked | {"strategy": strategy})
        ids = [item["anime"]["anime_id"] for item in found["items"]]
        assert len(ids) == 6
        assert not {4, 5, 6, 7, 14, 15} & set(ids)
        assert {member["name"] for member in found["items"][0]["members"]} == {"one", "2"}


def test_parts_of_the_blend_can_be_weighed(client: TestClient) -> None:
    parts = told(client, schemas.ModelAbout, "/model")["parts"]
    assert parts == ["ease", "popularity"]
    asked = {"likes": [4, 5], "weights": {"ease": 0}}
    plain = recommended(client.post(f"{API}/recommendations", json={"likes": [4, 5]}))
    assert recommended(client.post(f"{API}/recommendations", json=asked)) != plain
    assert client.post(f"{API}/recommendations", json=asked | {"weights": {"nonesuch": 1}}).status_code == 422


def test_what_a_member_has_seen_says_nothing_of_their_taste(client: TestClient) -> None:
    one, two = {"name": "a", "likes": [4, 5]}, {"name": "b", "likes": [6, 7]}
    other_taste = [14, 15, 16, 17]

    def picks(**further: Any) -> list[int]:
        asked = {"members": [one | further, two], "k": 20}
        return recommended(client.post(f"{API}/groups/recommendations", json=asked))

    plain, seen = picks(), picks(seen=other_taste)
    assert seen == [anime_id for anime_id in plain if anime_id not in other_taste]


def test_a_filter_that_the_bundle_cannot_judge_is_refused_and_not_passed_over(client: TestClient) -> None:
    asked = {"likes": [4, 5], "filters": {"airing": ["Finished Airing"]}}
    answer = client.post(f"{API}/recommendations", json=asked)
    assert answer.status_code == 422
    assert "this bundle does not say" in answer.json()["detail"]
