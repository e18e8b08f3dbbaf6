"""Files that are no lists, or mean harm: a 4xx with a reason each, never a crash, never much memory."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from anirec.web import schemas
from web.serving import API

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><myanimelist>&lol3;</myanimelist>"""
OUTSIDE = (
    b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><myanimelist>&x;</myanimelist>"""
)
XML = """<?xml version="1.0" encoding="UTF-8" ?><myanimelist><myinfo><user_export_type>1</user_export_type></myinfo>
<anime><series_animedb_id>4</series_animedb_id><series_title>Show 4</series_title><my_score>9</my_score>
<my_status>Completed</my_status></anime><anime><series_animedb_id>20</series_animedb_id><series_title>Show 20
</series_title><my_score>0</my_score><my_status>Plan to Watch</my_status></anime><anime><series_animedb_id>999
</series_animedb_id><series_title>&lt;script&gt;alert("1")&lt;/script&gt;</series_title><my_score>7</my_score>
<my_status>Dropped</my_status></anime></myanimelist>"""


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.xml", content)
    return out.getvalue()


def upload(client: TestClient, content: bytes, name: str = "list.xml") -> tuple[int, dict[str, object]]:
    answer = client.post(f"{API}/lists/import", files={"file": (name, content)})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (gzip.compress(b"<myanimelist>" + b" " * 30_000_000), 422, "times its size"),
        (gzip.compress(gzip.compress(b"<" * 10_000_000)), 422, "neither XML, nor JSON, nor CSV"),
        (zipped(b"0" * 10_000_000), 422, "ZIP archive"),
        (LAUGHS, 422, "defines entities"),
        (OUTSIDE, 422, "defines entities"),
        (b"x" * (16 * 2**20 + 10), 413, "larger than 16 MB"),
        ("<myanimelist></myanimelist>".encode("utf-16"), 422, "neither XML, nor JSON, nor CSV"),
        ("title,score\nカウボーイ,9\n".encode("shift-jis"), 422, "neither XML, nor JSON, nor CSV"),
        (b'<?xml version="1.0" encoding="nonesuch"?><myanimelist/>', 422, "not whole XML"),
        (b"[" * 1_000_000, 422, "not whole JSON"),
        (b'{"lists":' * 50_000, 422, "not whole JSON"),
        (b"<a>" * 300_000, 422, "where MyAnimeList's export has"),
        (b"<myanimelist>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</myanimelist>", 422, "nested deeper"),
        (b"anime_id\n" + b"4\n" * 60_000, 422, "more than there are anime"),
        (b'anime_id,title\n4,"' + b"x" * 200_000, 422, "field larger than field limit"),
        (b"\x1f\x8b", 422, "cannot be read"),
        (b"\x00" * 1000, 422, "no list|neither|columns"),
        (b"", 422, "is empty"),
    ],
    ids=[
        *("gzip bomb", "gzip in gzip", "zip bomb", "billion laughs", "a file from outside", "too large", "utf-16"),
        *("shift-jis", "no encoding", "deep list", "deep object", "deep xml", "deep whole xml", "many rows"),
        *("long field", "cut gzip", "zeros", "empty"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(
    client: TestClient, content: bytes, status: int, reason: str
) -> None:
    import re

    tracemalloc.start()
    try:
        found, problem = upload(client, content)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    schemas.Problem.model_validate(problem, strict=True)
    assert found == status
    assert re.search(reason, str(problem["detail"])), problem["detail"]
    assert most < 200e6


def test_two_hundred_megabytes_are_refused_without_being_held(client: TestClient) -> None:
    def parts() -> object:
        for _ in range(200):
            yield b"x" * 2**20

    tracemalloc.start()
    try:
        answer = client.post(
            f"{API}/lists/import",
            content=parts(),  # type: ignore[arg-type]
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    assert most < 450e6  # the client in this process holds them


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300) | st.text().map(str.encode) | st.sampled_from([XML.encode()]), cut=st.floats(0, 1)
)
def test_whatever_is_uploaded_is_read_or_refused(client: TestClient, content: bytes, cut: float) -> None:
    for sent in (content[: int(cut * len(content))], gzip.compress(content)[: 10 + int(cut * len(content))]):
        status, said = upload(client, sent)
        assert status in (200, 422)
        (schemas.ImportedList if status == 200 else schemas.Problem).model_validate(said, strict=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300), kind=st.sampled_from(["multipart/form-data; boundary=x", "application/json", "x/y"])
)
def test_whatever_body_comes_there_is_a_reason(client: TestClient, body: bytes, kind: str) -> None:
    answer = client.post(f"{API}/lists/import", content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    schemas.Problem.model_validate(answer.json(), strict=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_export_becomes_entries_with_what_was_not_used(client: TestClient, pack: object) -> None:
    status, said = upload(client, pack(XML.encode()))  # type: ignore[operator]
    assert status == 200
    found = schemas.ImportedList.model_validate(said, strict=True)
    assert [(e.anime_id, e.score, e.status) for e in found.entries] == [(4, 9, "completed"), (20, None, "planned")]
    assert (found.found, found.unknown_count, found.adult_hidden) == (2, 1, 1)
    assert found.unknown[0].title == '<script>alert("1")</script>'
    assert found.unknown[0].id == 999
    assert list(found.titles) == ["4"]  # the adult one is counted, not shown


def test_entries_can_be_sent_back_as_they_came(client: TestClient) -> None:
    _, said = upload(client, XML.encode())
    answer = client.post(f"{API}/recommendations", json={"entries": said["entries"]})
    assert answer.status_code == 200, answer.text
    assert 4 not in [item["anime"]["anime_id"] for item in answer.json()["items"]]


def test_a_csv_of_many_misspelt_titles_does_not_hold_the_server(client: TestClient) -> None:
    rows = "".join(f"Shwo number {i}\n" for i in range(5000))
    status, said = upload(client, f"title\n{rows}".encode())
    assert status == 200
    assert said["unknown_count"] == 5000
    assert len(json.dumps(said["unknown"])) < 20_000
