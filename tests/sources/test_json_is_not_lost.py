"""Whatever stands in JSON: no crash, and every record is a row, a reject with its reason, or a clear refusal."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anirec.core.errors import BadTable, UnknownTitle
from anirec.sources.own_list import read_list
from anirec.sources.web.pages import open_pages
from sources.files import folder_of, imported
from sources.web.sites import FakeAniList, FakeJikan, FakeMal

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.sampled_from([10**20, 2**31, 1e308, float("inf"), float("nan"), 8.5, "", "TV", "2014-04", "\x1f\0", "\ud800"])
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def paths(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document below its top."""
    items = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [p for key, value in items for p in ((*path, key), *paths(value, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn, document: Any, keep: int = 0) -> Any:
    """The document with some places replaced by anything. keep: levels from the top that stay as they are."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 4))):
        places = [path for path in paths(found) if len(path) > keep]
        path = draw(st.sampled_from(places))
        at = found
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = draw(values)
    return found


def as_bytes(found: Any) -> bytes:
    return json.dumps(found).encode()


def total(folder: Path, table: str) -> int:
    """Rows kept and rows left out of a table."""
    _, report = imported(folder, max_reject_share=1.0)
    found = json.loads((folder.parent / "out" / "manifest.json").read_text())["tables"].get(table, {})
    assert report.n_rejected == sum(reject.rows for reject in report.rejects)
    return int(found.get("rows", 0)) + int(found.get("rejects", 0))


MEDIA = FakeAniList()
PAGES: dict[str, tuple[Any, int, str, int]] = {
    "mal/anime/00000002": (FakeMal().anime(2), 0, "anime", 1),
    "mal/list/~x/00000": (
        {"data": [{"node": {"id": i}, "list_status": {"status": "dropped", "score": i}} for i in range(1, 5)]},
        2,
        "ratings",
        4,
    ),
    "anilist/media/x": ({"data": {"Page": {"media": [MEDIA.media(i) for i in (1, 2, 3)]}}}, 4, "anime", 3),
    "anilist/list/~x/00001": ({"data": {"MediaListCollection": MEDIA.list(1)}}, 6, "ratings", 3),
    "jikan/anime/00000001/full": ({"data": FakeJikan().anime(1)}, 1, "anime", 1),
    "jikan/anime/00000001/reviews/00001": (FakeJikan().reviews(1, 1), 2, "reviews", 2),
    "jikan/recommendations/00001": (FakeJikan().texts(1), 2, "recommendation_texts", 1),
    "jikan/genre/00001/00001": ({"data": [FakeJikan().anime(i) for i in (1, 2)]}, 2, "anime", 2),
}


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("key", PAGES)
@given(data=st.data())
def test_every_record_of_a_page_is_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory, key: str, data: st.DataObject
) -> None:
    document, keep, table, n = PAGES[key]
    folder = tmp_path_factory.mktemp("fuzz") / "in"
    body = as_bytes(data.draw(spoilt(document, keep)))
    with open_pages(folder, create=True) as store:
        run = store.begin("{}", now=0.0)
        store.add(run, key, url="https://example.org", status=200, body=body, etag=None, now=0.0)
    found = total(folder, table)
    if (table == "ratings" and key.startswith("anilist")) or "genre" in key:
        assert 1 <= found <= n  # the same entry in two lists, the same anime twice: counted once
    else:
        assert found == n


FRIBB = [
    {"mal_id": 1, "anilist_id": 1, "anidb_id": 23, "kitsu_id": 1, "thetvdb_id": 76885, "themoviedb_id": 30991},
    {"mal_id": 5, "anilist_id": 5, "imdb_id": "tt0275277", "type": "MOVIE", "themoviedb_id": {"movie": [11299]}},
    {"mal_id": [6, 7], "kitsu_id": 3, "anime-planet_id": "trigun", "type": "TV"},
]


@settings(max_examples=40, deadline=None)
@given(document=spoilt(FRIBB))
def test_every_entry_of_an_id_map_is_kept_or_counted(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    folder = folder_of(tmp_path_factory.mktemp("fuzz"), **{"anime-list-full__json": as_bytes(document)})
    assert total(folder, "ids") >= len(document)


OFFLINE = {
    "data": [
        {
            "sources": [f"https://myanimelist.net/anime/{i}", f"https://anilist.co/anime/{i}"],
            **{"title": f"Title {i}", "type": "TV", "episodes": 12, "status": "FINISHED"},
            **{"animeSeason": {"season": "SPRING", "year": 1998}, "picture": "https://example.org/x.png"},
            **{"duration": {"value": 1440, "unit": "SECONDS"}, "score": {"arithmeticGeometricMean": 8.1}},
            **{"synonyms": ["a"], "tags": ["b"], "studios": ["c"]},
            "relatedAnime": ["https://myanimelist.net/anime/9"],
        }
        for i in (1, 2, 3)
    ]
}


@settings(max_examples=40, deadline=None)
@given(document=spoilt(OFFLINE, keep=2))
def test_every_anime_of_an_offline_database_is_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory, document: Any
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    folder = folder_of(root, **{"anime-offline-database-minified__json": as_bytes(document)})
    assert total(folder, "anime") == len(document["data"])


@settings(max_examples=40, deadline=None)
@given(document=spoilt(OFFLINE, keep=2))
def test_every_line_of_an_offline_database_is_kept_or_counted_or_it_is_refused(
    tmp_path_factory: pytest.TempPathFactory, document: Any
) -> None:
    lines = [json.dumps(record) for record in ({"license": "x"}, *document["data"])]
    folder = folder_of(tmp_path_factory.mktemp("fuzz"), **{"anime-offline-database__jsonl": "\n".join(lines) + "\n"})
    assert total(folder, "anime") == len(lines) - 1


SETS: dict[str, dict[str, Any]] = {
    "animes.json": {"1": ["Title 1", "Other 1"], "2": ["Title 2"]},
    "anime_to_malurl.json": {"1": "https://myanimelist.net/anime/5/x", "2": "https://myanimelist.net/anime/6/y"},
    "anime_to_typenseq.json": {"1": ["TV", False, False], "2": ["MOVIE", False, True]},
    "id_to_genres.json": {"1": ["Action"], "2": ["Comedy", "School"]},
    "id_to_url.json": {"1": "https://example.org/1.jpg", "2": "https://example.org/2.jpg"},
}

ANILIST = {
    "user": {"mediaListOptions": {"scoreFormat": "POINT_10"}},
    "lists": [
        {"entries": [{"mediaId": i, "score": i, "status": "COMPLETED", "media": {"idMal": i}} for i in (1, 2, 3)]}
    ],
}


def read(path: Path) -> int:
    def unknown(title: str) -> int:
        raise UnknownTitle(title, [])

    found = read_list(path, known=lambda i: i < 3, from_anilist=lambda i: i, resolve=unknown)
    assert len(found.entries) + sum(n for n, _ in found.rejects.values()) == found.rows
    return found.rows


@settings(max_examples=60, deadline=None)
@given(document=spoilt(ANILIST))
def test_every_entry_of_an_anilist_export_is_used_or_counted(
    tmp_path_factory: pytest.TempPathFactory, document: Any
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "list.json"
    path.write_bytes(as_bytes(document))
    try:
        assert read(path) >= 1
    except BadTable as error:
        assert "not one anime" in str(error)  # noqa: PT017 - only some documents are refused


XML = b"""<?xml version="1.0" encoding="UTF-8" ?><myanimelist><anime><series_animedb_id>1</series_animedb_id>
<series_title><![CDATA[A title]]></series_title><my_score>8</my_score><my_status>Completed</my_status></anime>
<anime><series_animedb_id>2</series_animedb_id><my_score>0</my_score><my_status>Dropped</my_status></anime></myanimelist>
"""


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(XML) - 1), junk=st.binary(max_size=6), cut=st.booleans(), packed=st.booleans())
def test_any_bytes_in_an_export_are_read_counted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes, cut: bool, packed: bool
) -> None:
    spoilt_xml = XML[:at] + junk + (b"" if cut else XML[at + len(junk) :])
    path = tmp_path_factory.mktemp("fuzz") / "list.xml"
    path.write_bytes(gzip.compress(spoilt_xml)[: -4 if cut else None] if packed else spoilt_xml)
    try:
        assert read(path) <= 2
    except BadTable as error:
        assert str(path) in str(error)  # noqa: PT017 - only some files are refused


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(SETS)), data=st.data())
def test_every_anime_of_a_set_with_ids_of_its_own_is_kept_or_counted_or_the_file_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    documents: dict[str, Any] = {file: data.draw(spoilt(doc)) if file == name else doc for file, doc in SETS.items()}
    files = {file.replace(".", "__"): as_bytes(doc) for file, doc in documents.items()}
    folder = folder_of(tmp_path_factory.mktemp("fuzz"), **files)
    try:
        assert total(folder, "anime") == len(documents["animes.json"])
    except BadTable as error:
        assert name in str(error)  # noqa: PT017 - only some files are refused


def test_a_lone_surrogate_in_a_title_does_not_stop_an_import(tmp_path: Path) -> None:
    document = {"data": [OFFLINE["data"][0] | {"title": "\ud800 A"}]}
    folder = folder_of(tmp_path, **{"anime-offline-database-minified__json": as_bytes(document)})
    assert total(folder, "anime") == 1
