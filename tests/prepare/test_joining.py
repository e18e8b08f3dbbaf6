"""Folders of several sources joined into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from anirec.core.columns import TABLES
from anirec.core.errors import BadTable
from anirec.service.data import ask, build


def folder_with(folder: Path, **tables: list[dict[str, Any]]) -> Path:
    """A canonical folder; what a row leaves out is NULL."""
    folder.mkdir()
    with duckdb.connect() as con:
        for table, rows in tables.items():
            columns = TABLES[table]
            declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            con.execute(f"CREATE TABLE {table}({declared})")
            marks = ", ".join("?" for _ in columns)
            for row in rows:
                con.execute(f"INSERT INTO {table} VALUES ({marks})", [row.get(name) for name in columns])
            con.execute(f"COPY {table} TO '{folder / f'{table}.parquet'}' (FORMAT parquet)")
    return folder


def found(folder: Path, query: str) -> list[tuple[Any, ...]]:
    return ask(folder, query)[1]


def test_facts_come_from_the_first_folder_that_knows_them(tmp_path: Path) -> None:
    a = folder_with(tmp_path / "a", anime=[{"anime_id": 1, "title": "A", "genres": []}, {"anime_id": 2, "title": "B"}])
    b = folder_with(
        tmp_path / "b",
        anime=[{"anime_id": 1, "title": "Not A", "year": 1999, "genres": ["Drama"]}, {"anime_id": 3, "title": "C"}],
    )
    build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT anime_id, title, year, genres FROM anime") == [
        (1, "A", 1999, ["Drama"]),
        (2, "B", None, None),
        (3, "C", None, None),
    ]


def test_the_same_title_does_not_make_the_same_anime(tmp_path: Path) -> None:
    a = folder_with(tmp_path / "a", anime=[{"anime_id": 1000, "title": "Harlock"}])
    b = folder_with(tmp_path / "b", anime=[{"anime_id": 17269, "title": "Harlock"}])
    build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT anime_id FROM anime") == [(1000,), (17269,)]


def test_ids_that_folders_do_not_agree_on_are_listed_and_used_by_none(tmp_path: Path) -> None:
    a = folder_with(
        tmp_path / "a",
        anime=[
            {"anime_id": 1, "title": "A", "anilist_id": 11, "kitsu_id": 5, "anidb_id": 9},
            {"anime_id": 2, "title": "B", "anilist_id": 12, "anidb_id": 9},
            {"anime_id": 3, "title": "C", "anilist_id": 13},
        ],
    )
    b = folder_with(
        tmp_path / "b",
        ids=[
            {"anime_id": 1, "site": "anilist", "site_id": "11"},
            {"anime_id": 2, "site": "anilist", "site_id": "13"},
            {"anime_id": 3, "site": "kitsu", "site_id": "7"},
            {"anime_id": 1, "site": "tvdb", "site_id": "100"},
            {"anime_id": 2, "site": "tvdb", "site_id": "100"},
        ],
    )
    built = build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT anime_id, anilist_id, kitsu_id, anidb_id FROM anime") == [
        (1, 11, 5, 9),
        (2, None, None, 9),
        (3, None, 7, None),
    ]
    assert found(tmp_path / "out", "SELECT * FROM conflicts") == [
        ("number of several anime", "anilist 13", ["anime 2 by folder 2", "anime 3 by folder 1"]),
        ("several numbers of an anime", "anime 2", ["anilist 12 by folder 1", "anilist 13 by folder 2"]),
    ]
    assert built.conflicts == {"number of several anime": 1, "several numbers of an anime": 1}
    assert found(tmp_path / "out", "SELECT anime_id FROM ids WHERE site = 'tvdb'") == [(1,), (2,)]


def test_anime_that_folders_describe_differently_are_listed(tmp_path: Path) -> None:
    a = folder_with(tmp_path / "a", anime=[{"anime_id": 1, "title": "A", "type": "TV", "year": 1999}])
    b = folder_with(tmp_path / "b", anime=[{"anime_id": 1, "title": "A", "type": "TV", "year": 2013}])
    build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT what, who, claims FROM conflicts") == [
        ("different facts", "anime 1", ["TV 1999 by folder 1", "TV 2013 by folder 2"])
    ]


def test_users_and_reviews_of_two_folders_stay_apart(tmp_path: Path) -> None:
    rating = {"anime_id": 1, "score": 7, "status": 2, "source": "a"}
    review = {"anime_id": 1, "review_id": 4, "user_id": 3, "text": "x", "source": "a"}
    a = folder_with(
        tmp_path / "a",
        anime=[{"anime_id": 1, "title": "A"}],
        ratings=[rating | {"user_id": 0}, rating | {"user_id": 2}],
        reviews=[review],
    )
    b = folder_with(tmp_path / "b", ratings=[rating | {"user_id": 0, "source": "b"}], reviews=[review])
    build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT user_id, source FROM ratings") == [(0, "a"), (2, "a"), (4, "b")]
    assert found(tmp_path / "out", "SELECT review_id, user_id FROM reviews") == [(4, 3), (9, 7)]


def test_a_vague_relation_gives_way_to_one_that_says_more(tmp_path: Path) -> None:
    anime = [{"anime_id": i, "title": f"T{i}"} for i in (1, 2, 3)]
    a = folder_with(
        tmp_path / "a",
        anime=anime,
        relations=[{"anime_id": 1, "relation": "Related", "target_id": t} for t in (2, 3)],
    )
    b = folder_with(tmp_path / "b", relations=[{"anime_id": 1, "relation": "Sequel", "target_id": 2}])
    build([a, b], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT * FROM relations") == [(1, "Related", 3), (1, "Sequel", 2)]
    assert found(tmp_path / "out", "SELECT anime_id, franchise, place, requires, evidence FROM franchises")[:2] == [
        (1, 1, 0, None, "first of its franchise"),
        (2, 1, 1, 1, "relation: Sequel of 1"),
    ]


def test_anime_of_one_series_at_another_site_are_a_franchise_where_no_relation_says_so(tmp_path: Path) -> None:
    a = folder_with(
        tmp_path / "a",
        anime=[
            {"anime_id": i, "title": title, "type": "TV", "year": 2020 + i, "start_date": f"{2020 + i}"}
            for i, title in enumerate(("Sora no Iro", "Umi no Oto", "Kaze"), start=1)
        ],
        ids=[{"anime_id": i, "site": "tvdb", "site_id": "77"} for i in (1, 2)],
    )
    build([a], tmp_path / "out")
    assert found(tmp_path / "out", "SELECT franchise, evidence FROM franchises") == [
        (1, "first of its franchise"),
        (1, "id map: tvdb 77"),
        (3, "alone"),
    ]


def test_the_manifest_says_of_every_table_where_it_is_from(tmp_path: Path) -> None:
    source = {"layout": "x", "file": "y.csv", "licence": "z"}
    a = folder_with(tmp_path / "a", anime=[{"anime_id": 1, "title": "A"}])
    (a / "manifest.json").write_text(
        json.dumps({"licence": "z", "full_list_sources": ["q"], "tables": {"anime": {"sources": [source]}}})
    )
    build([a], tmp_path / "out", now=0.0)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (
        manifest["tables"]["anime"].items()
        >= {
            **{"sources": [source], "rows": 1, "rejects": 0, "made": "1970-01-01T00:00:00+00:00"},
        }.items()
    )
    assert set(manifest["tables"]) == {"anime", "conflicts", "franchises"}
    assert manifest["full_list_sources"] == ["q"]
    assert list(manifest["inputs"]) == ["1/anime.parquet"]


def test_folders_without_anime_cannot_be_joined_and_nothing_is_left(tmp_path: Path) -> None:
    a = folder_with(tmp_path / "a", ids=[{"anime_id": 1, "site": "tvdb", "site_id": "1"}])
    with pytest.raises(BadTable, match="none of the folders has a table of anime"):
        build([a], tmp_path / "out")
    with pytest.raises(BadTable, match="holds no canonical table"):
        build([tmp_path], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
