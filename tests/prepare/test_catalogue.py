"""A small canonical folder -> its franchises, with and without relations and an id map."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from anirec.core.columns import ANIME
from anirec.core.errors import BadTable
from anirec.prepare.catalogue import read_catalogue, write_franchises

RELATIONS = "SELECT 3 AS anime_id, 'Sequel' AS relation, 9 AS target_id"
IDS = (
    "(VALUES (9, 'tvdb', '77'), (12, 'tvdb', '77'), (5, 'tmdb', 'movie/1'), (12, 'tmdb', 'movie/1'), (5, 'imdb', '7'))"
)


def write(folder: Path, table: str, query: str) -> None:
    duckdb.sql(f"COPY ({query}) TO '{folder / table}.parquet' (FORMAT parquet)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four anime: 3 from 2010, 5 from 2011, 9 from 2012, 12 from 2013."""
    known = {"anime_id": "i", "title": "t", "type": "'TV'", "episodes": "6", "year": "y", "synonyms": "[]::VARCHAR[]"}
    columns = ", ".join(f"{known.get(name, 'NULL')}::{kind} AS {name}" for name, kind in ANIME.items())
    rows = "(VALUES (3, 'Umi', 2010), (5, 'Yama', 2011), (9, 'Hoshi', 2012), (12, 'Tsuki', 2013))"
    write(tmp_path, "anime", f"SELECT {columns} FROM {rows} t(i, t, y)")
    return tmp_path


def rows(folder: Path) -> list[tuple[object, ...]]:
    return duckdb.execute(f"SELECT * FROM '{folder / 'franchises.parquet'}'").fetchall()


def test_the_table_of_franchises_says_first_place_need_role_and_evidence(folder: Path) -> None:
    write(folder, "relations", RELATIONS)
    assert write_franchises(folder) == 4
    assert rows(folder) == [
        (3, 3, 0, None, "story", "first of its franchise"),
        (5, 5, 0, None, "story", "alone"),
        (9, 3, 1, 3, "story", "relation: Sequel of 3"),
        (12, 12, 0, None, "story", "alone"),
    ]


def test_the_columns_of_the_table_have_the_types_that_are_promised(folder: Path) -> None:
    write_franchises(folder)
    described = duckdb.execute(f"DESCRIBE SELECT * FROM '{folder / 'franchises.parquet'}'").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        ("anime_id", "INTEGER"),
        ("franchise", "INTEGER"),
        ("place", "SMALLINT"),
        ("requires", "INTEGER"),
        ("role", "VARCHAR"),
        ("evidence", "VARCHAR"),
    ]


def test_series_ids_of_the_id_map_join_and_film_ids_do_not(folder: Path) -> None:
    write(folder, "relations", RELATIONS)
    write(folder, "ids", f"SELECT * FROM {IDS} t(anime_id, site, site_id)")
    assert read_catalogue(folder).franchise.tolist() == [0, 1, 0, 0]
    write_franchises(folder)
    assert rows(folder)[3] == (12, 3, 2, 9, "story", "id map: tvdb 77")


def test_an_id_map_that_cannot_be_read_is_refused(folder: Path) -> None:
    write(folder, "ids", "SELECT 1 AS anime_id")
    with pytest.raises(BadTable, match="cannot be read"):
        write_franchises(folder)
    assert not (folder / "franchises.parquet").exists()


def test_a_folder_without_anime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"anime\.parquet is missing"):
        read_catalogue(tmp_path)
