from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anirec.core.columns import Status
from anirec.core.errors import BadTable, UnknownTitle
from anirec.core.profile import Entry
from anirec.sources.own_list import MAX_BYTES, OwnList, read_list

XML = """<?xml version="1.0" encoding="UTF-8" ?>
<myanimelist>
  <myinfo><user_id>1</user_id><user_name>nobody</user_name><user_export_type>1</user_export_type></myinfo>
  <anime><series_animedb_id>1</series_animedb_id><series_title><![CDATA[Cowboy Bebop]]></series_title>
    <my_score>9</my_score><my_status>Completed</my_status></anime>
  <anime><series_animedb_id>6</series_animedb_id><series_title><![CDATA[Trigun]]></series_title>
    <my_score>0</my_score><my_status>Plan to Watch</my_status></anime>
  <anime><series_animedb_id>5</series_animedb_id><series_title><![CDATA[Tengoku no Tobira]]></series_title>
    <my_score>0</my_score><my_status>On-Hold</my_status></anime>
  <anime><series_animedb_id>99</series_animedb_id><series_title><![CDATA[Not Known]]></series_title>
    <my_score>7</my_score><my_status>Dropped</my_status></anime>
  <anime><series_animedb_id>1</series_animedb_id><series_title><![CDATA[Cowboy Bebop]]></series_title>
    <my_score>3</my_score><my_status>Completed</my_status></anime>
</myanimelist>
"""


def resolve(title: str) -> int:
    if title != "Trigun":
        raise UnknownTitle(title, [])
    return 6


def from_anilist(anilist_id: int) -> int | None:
    return {10: 1, 60: 6}.get(anilist_id)


def read(path: Path, content: bytes) -> OwnList:
    path.write_bytes(content)
    return read_list(path, known=lambda i: i in (1, 5, 6), from_anilist=from_anilist, resolve=resolve)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["xml", "xml.gz"])
def test_the_export_of_myanimelist_is_read_and_every_row_accounted_for(tmp_path: Path, pack: type[bytes]) -> None:
    found = read(tmp_path / "list", pack(XML.encode()))
    assert found.entries == (
        Entry(1, 9, Status.COMPLETED),
        Entry(6, None, Status.PLANNED),
        Entry(5, None, Status.ON_HOLD),
    )
    assert str(found) == (
        "MyAnimeList export: 3 of 5 entries; 1 not used: no such anime in this bundle (first: Not Known [99]); "
        "1 not used: named again (first: Cowboy Bebop [1])"
    )


def test_anilist_entries_go_by_the_myanimelist_id_else_by_their_own(tmp_path: Path) -> None:
    content = {
        "data": {
            "MediaListCollection": {
                "user": {"mediaListOptions": {"scoreFormat": "POINT_5"}},
                "lists": [
                    {"entries": [{"mediaId": 10, "media": {"idMal": 5}, "score": 4, "status": "CURRENT"}]},
                    {"entries": [{"mediaId": 60, "score": 0, "status": "PLANNING"}]},
                    {"entries": [{"mediaId": 61, "score": 5, "status": "COMPLETED"}]},
                    {"entries": [{"mediaId": 10, "media": {"type": "MANGA"}, "score": 5, "status": "COMPLETED"}]},
                ],
            }
        }
    }
    found = read(tmp_path / "list.json", json.dumps(content).encode())
    assert found.entries == (Entry(5, 8.0, Status.WATCHING), Entry(6, None, Status.PLANNED))
    assert found.rejects == {"no such anime in this bundle": (1, "AniList [61]")}


def test_the_file_of_all_ones_data_at_anilist_has_numbers_for_statuses_and_scores_of_100(tmp_path: Path) -> None:
    lists = [
        {"series_type": 0, "series_id": 10, "status": 2, "score": 85},
        {"series_type": 0, "series_id": 60, "status": 3, "score": 5},
        {"series_type": 1, "series_id": 10, "status": 2, "score": 90},
    ]
    found = read(tmp_path / "gdpr.json", json.dumps({"lists": lists}).encode())
    assert found.entries == (Entry(1, 8.5, Status.COMPLETED), Entry(6, 1.0, Status.DROPPED))


@pytest.mark.parametrize(
    ("form", "written", "score"),
    [
        ("POINT_100", 72, 7.2),
        ("POINT_10_DECIMAL", 7.5, 7.5),
        ("POINT_10", 7, 7),
        ("POINT_5", 3, 6),
        ("POINT_3", 3, 8.5),
    ],
)
def test_each_of_anilists_ways_to_score_comes_to_1_to_10(
    tmp_path: Path, form: str, written: float, score: float
) -> None:
    entry = {"mediaId": 10, "score": written, "status": "COMPLETED"}
    found = read(tmp_path / "list.json", json.dumps({"scoreFormat": form, "entries": [entry]}).encode())
    assert found.entries[0].score == pytest.approx(score)


def test_a_csv_goes_by_id_or_by_title(tmp_path: Path) -> None:
    found = read(tmp_path / "ids.csv", b"MAL_ID,Score,Status\r\n1,9,completed\r\n6,,Plan to Watch\r\n5,11,\r\nx,5,\r\n")
    assert found.entries == (Entry(1, 9, Status.COMPLETED), Entry(6, None, Status.PLANNED))
    assert found.rejects == {
        "score outside 1..10": (1, "line 4, 5"),
        "no such anime in this bundle": (1, "line 5, x"),
    }
    found = read(tmp_path / "titles.csv", b"Title,Rating\nTrigun,great\nTrigun,8\nHarlock,9\n")
    assert found.entries == (Entry(6, 8, Status.UNKNOWN),)
    assert found.rejects == {
        "score outside 1..10": (1, "line 2, Trigun"),
        "not the title of exactly one anime": (1, "line 4, Harlock"),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (XML.encode()[:300], "is not whole XML"),
        (b"<html><body>log in</body></html>", r"<html> where MyAnimeList's export has <myanimelist>"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><myanimelist>&b;</myanimelist>', "defines entities"),
        (b"<myanimelist></myanimelist>", "holds not one anime; export the anime list"),
        (b'{"lists": [', "is not whole JSON"),
        (b'{"lists": []}', "holds not one anime"),
        (b"colour,size\nred,5\n", "has the columns colour, size; a list needs anime_id or mal_id"),
        (b"\xff\xfe\x00", "neither XML, nor JSON, nor CSV in UTF-8"),
        (gzip.compress(XML.encode())[:60], "cannot be read"),
        (gzip.compress(b"<" + b" " * (MAX_BYTES + 10)), "has more than 200 times its size when it is unzipped"),
        (b"PK\x03\x04 and so on", "is a ZIP archive; unpack it"),
        (b"[" * 100_000, "is not whole JSON"),
        (b'{"a":' * 900 + b"[]" + b"}" * 900, "is not whole JSON|holds not one anime"),
    ],
    ids=[
        "empty",
        "cut",
        "html",
        "entities",
        "no anime",
        "cut json",
        "no entries",
        "columns",
        "bytes",
        "cut gz",
        "bomb",
        "archive",
        "deep",
        "nested",
    ],
)
def test_what_is_no_list_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadTable, match=message):
        read(tmp_path / "list", content)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="cannot be read"):
        read_list(tmp_path / "nowhere", known=lambda _: True, from_anilist=from_anilist, resolve=resolve)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["mediaId", "series_id", "media", "idMal", "score", "status", "lists", "scoreFormat", "type"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(), st.text().map(str.encode), json_values.map(lambda v: json.dumps(v).encode())))
def test_whatever_a_file_holds_it_is_read_or_refused_and_no_row_is_lost(tmp_path: Path, content: bytes) -> None:
    try:
        found = read(tmp_path / "list", content)
    except BadTable:
        return
    assert found.rows == len(found.entries) + sum(n for n, _ in found.rejects.values())
