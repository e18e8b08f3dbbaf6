"""Whatever is wrong is answered with a problem document that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from anirec.core import errors
from anirec.web import schemas
from anirec.web.problems import BY_STATUS, KINDS, kind_of
from web.serving import API


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("POST", "/recommendations", {"likes": ["no such thing at all"]}, 422, "unknown-title"),
        ("POST", "/recommendations", {"likes": [999]}, 422, "bad-input"),
        ("POST", "/recommendations", {"likes": [1, {"anime_id": 1, "score": 3}]}, 422, "bad-input"),
        ("POST", "/recommendations", {"likes": [{"anime_id": 1, "score": 11}]}, 422, "bad-request"),
        ("POST", "/recommendations", {"likes": [4], "k": 0}, 422, "bad-request"),
        ("POST", "/recommendations", {"likes": [4], "lieks": [5]}, 422, "bad-request"),
        ("POST", "/recommendations", {"likes": [4], "popularity": 2}, 422, "bad-request"),
        ("POST", "/recommendations", {"likes": [4], "model": "nonesuch"}, 422, "bad-input"),
        ("POST", "/recommendations", {"likes": [4], "filters": {"genres": ["Nonesuch"]}}, 422, "bad-input"),
        ("POST", "/recommendations", {"likes": ["x"] * 60}, 422, "bad-input"),
        ("POST", "/recommendations", {"likes": [True]}, 422, "bad-request"),
        ("GET", "/anime/999", None, 404, "unknown-anime"),
        ("GET", "/anime/0", None, 422, "bad-request"),
        ("GET", "/anime/x", None, 422, "bad-request"),
        ("GET", "/anime/4/similar?by=reviews", None, 404, "not-in-this-bundle"),
        ("GET", "/anime/4/similar?by=nonesuch", None, 422, "bad-input"),
        ("GET", "/anime/4/similar?colour=red", None, 422, "bad-request"),
        ("GET", "/search?q=quiet", None, 404, "not-in-this-bundle"),
        ("GET", "/map", None, 404, "not-in-this-bundle"),
        ("GET", "/nowhere", None, 404, "not-found"),
        ("GET", "/recommendations", None, 405, "method"),
        ("DELETE", "/anime/1", None, 405, "method"),
        ("POST", "/lists/import", {"site": "elsewhere", "user": "somebody"}, 422, "bad-request"),
        ("POST", "/lists/import", {"site": "anilist", "user": "http://localhost/"}, 422, "bad-request"),
    ],
)
def test_a_mistake_gets_a_problem_document(
    client: TestClient, method: str, path: str, body: Any, status: int, slug: str
) -> None:
    answer = client.request(method, API + path, json=body) if body else client.request(method, API + path)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["instance"] == answer.headers["x-request-id"]
    schemas.Problem.model_validate(problem, strict=True)


def test_an_unknown_title_comes_with_the_nearest(client: TestClient) -> None:
    problem = client.post(f"{API}/recommendations", json={"likes": ["Shwo"]}).json()
    assert problem["matches"][0]["title"].startswith("Show")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"likes": NaN}', b"\xff\xfe", b"[" * 5000, b'"' * 9])
def test_what_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(f"{API}/recommendations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    schemas.Problem.model_validate(answer.json(), strict=True)


def test_every_deliberate_error_has_a_kind_and_only_sites_and_bundles_are_ours_to_mend() -> None:
    named = {kind_of(error("x")).slug: kind_of(error("x")).status for error in _kinds() if not _is_title(error)}
    assert {slug for slug, status in named.items() if status >= 500} == {"site", "bundle", "unreachable", "mistake"}


def _kinds() -> list[type[errors.AnirecError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [kind for kind in found if issubclass(kind, errors.AnirecError)]


def _is_title(error: type[errors.AnirecError]) -> bool:
    return issubclass(error, errors.TitleError)


def test_the_names_of_problems_are_used_once() -> None:
    slugs = [kind.slug for kind in KINDS.values()]
    assert len(slugs) == len(set(slugs))
    assert {400, 404, 405, 408, 413, 415, 421, 422, 429, 500} <= set(BY_STATUS)
