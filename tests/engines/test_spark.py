"""Tables worked out by Spark beside those of DuckDB: the same queries, the same bytes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from anirec.core.columns import TABLES
from anirec.core.errors import BadTable, InputError, MissingAbility
from anirec.engines import on_spark
from anirec.engines.on_spark import OnSpark
from anirec.service.data import build
from anirec.sources.importer import import_folder
from anirec.wiring.engine import relations

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
)


SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""What suits tables of a few rows: little is compiled."""


@pytest.fixture(scope="module")
def spark() -> Iterator[OnSpark]:
    """Spark with two threads on this machine."""
    pytest.importorskip("pyspark", reason="the extra spark is not installed: pip install pyspark sqlglot")
    pytest.importorskip("sqlglot", reason="the extra spark is not installed: pip install pyspark sqlglot")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    with on_spark.opened("local[2]", SMALL) as opened:
        yield opened


def folder_with(folder: Path, **tables: str) -> Path:
    """A canonical folder from SQL by table; a column that the SQL leaves out is NULL."""
    folder.mkdir()
    with duckdb.connect() as con:
        for table, query in tables.items():
            given = {row[0] for row in con.execute(f"DESCRIBE {query}").fetchall()}
            columns = ", ".join(
                f"{name}::{kind} AS {name}" if name in given else f"NULL::{kind} AS {name}"
                for name, kind in TABLES[table].items()
            )
            con.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{folder / f'{table}.parquet'}' (FORMAT parquet)")
    return folder


def two_sources(folder: Path) -> list[Path]:
    """Two folders that share anime and disagree on some: on facts, on numbers of other sites, on relations."""
    ratings = (
        "SELECT u AS user_id, 1 + (u * {step} + j * 7) % 90 AS anime_id, nullif((u + j) % 11, 0) AS score, "
        "CASE WHEN j % 3 = 0 THEN 2 END AS status, CASE WHEN u % 2 = 0 THEN 1700000000 + j END AS updated_at, "
        "'{name}' AS source FROM range(300) u(u), range(25) j(j)"
    )
    first = folder_with(
        folder / "first",
        anime="SELECT i AS anime_id, 'Anime ' || i AS title, CASE WHEN i % 4 THEN 1980 + i % 40 END AS year, "
        "['TV', NULL, 'Movie'][1 + i % 3] AS type, CASE WHEN i % 5 THEN ['Drama', 'Ü'] ELSE [] END AS genres, "
        "i % 7 = 0 AS adult, i / 10 AS score, 1000 + i AS anilist_id, CASE WHEN i % 3 = 0 THEN i // 2 END AS kitsu_id, "
        "i // 3 AS anidb_id, 1000000 // i AS members FROM range(1, 90) t(i)",
        titles="SELECT i AS anime_id, 'en' AS lang, 'main' AS kind, 'Anime ' || i AS title FROM range(1, 90) t(i)",
        ratings=ratings.format(step=3, name="first"),
        relations="SELECT i AS anime_id, ['Related', 'Sequel', 'Other'][1 + i % 3] AS relation, i + 1 AS target_id "
        "FROM range(1, 80) t(i)",
        recommendations="SELECT i AS anime_a, i + 3 AS anime_b, i % 9 AS votes FROM range(1, 60) t(i)",
        reviews="SELECT 1 + i % 80 AS anime_id, i AS review_id, i % 50 AS user_id, "
        "'Größe ' || i || chr(10) || 'x' AS text, "
        "'first' AS source FROM range(400) t(i)",
        synopses="SELECT i AS anime_id, 'A synopsis of ' || i AS text, CASE WHEN i % 2 THEN 'first' END AS source "
        "FROM range(1, 70) t(i)",
        ids="SELECT i AS anime_id, 'tvdb' AS site, (i // 4)::VARCHAR AS site_id FROM range(1, 90) t(i)",
    )
    second = folder_with(
        folder / "second",
        anime="SELECT i AS anime_id, 'Other ' || i AS title, 1981 + i % 37 AS year, 'TV' AS type, "
        "['Comedy'] AS genres, "
        "true AS adult, 5.5 AS score, 1000 + i + (i % 11 = 0)::INTEGER AS anilist_id, 5 AS members "
        "FROM range(40, 130) t(i)",
        titles="SELECT i AS anime_id, 'en' AS lang, 'main' AS kind, "
        "CASE WHEN i % 2 THEN 'Anime ' ELSE 'アニメ ' END || i AS title FROM range(40, 130) t(i)",
        ratings=ratings.format(step=5, name="second"),
        relations="SELECT i AS anime_id, 'Prequel' AS relation, i + 1 AS target_id FROM range(40, 100) t(i)",
        recommendations="SELECT i AS anime_a, i + 3 AS anime_b, NULL AS votes FROM range(40, 100) t(i)",
        reviews="SELECT 1 + i % 80 AS anime_id, i AS review_id, i % 50 AS user_id, "
        "'Text ' || i AS text FROM range(90) t(i)",
        synopses="SELECT i AS anime_id, 'Another of ' || i AS text, 'second' AS source FROM range(50, 110) t(i)",
        ids="SELECT i AS anime_id, 'anilist' AS site, (1000 + i)::VARCHAR AS site_id FROM range(60, 120) t(i)",
        users="SELECT i AS user_id, i % 300 AS entries, 7.25 AS mean_score, 'second' AS source FROM range(300) t(i)",
    )
    return [first, second]


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_two_folders_are_joined_to_the_same_bytes(spark: OnSpark, tmp_path: Path) -> None:
    folders = two_sources(tmp_path)
    here = build(folders, tmp_path / "duckdb", now=0)
    there = build(folders, tmp_path / "spark", now=0, tables=spark)
    assert there == here
    assert set(here.conflicts) == {"different facts", "number of several anime", "several numbers of an anime"}
    assert set(here.rows) == {*TABLES, "conflicts", "franchises"} - {"recommendation_texts"}
    found, expected = files(tmp_path / "spark"), files(tmp_path / "duckdb")
    assert set(found) == set(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.slow
def test_the_real_data_are_joined_to_the_same_bytes(spark: OnSpark, shared_data: Path, tmp_path: Path) -> None:
    import_folder(shared_data, tmp_path / "real", progress=lambda _stage, _done, _total: None)
    folders = [tmp_path / "real", *two_sources(tmp_path)]
    build(folders, tmp_path / "duckdb", now=0)
    build(folders, tmp_path / "spark", now=0, tables=spark)
    found, expected = files(tmp_path / "spark"), files(tmp_path / "duckdb")
    assert [name for name in expected if found[name] != expected[name]] == []


def test_a_damaged_table_is_named_and_nothing_is_left_behind(spark: OnSpark, tmp_path: Path) -> None:
    folders = two_sources(tmp_path)
    whole = (folders[1] / "ratings.parquet").read_bytes()
    (folders[1] / "ratings.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadTable, match="import the data again"):
        build(folders, tmp_path / "out", tables=spark)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]


def test_an_unknown_engine_is_refused_and_a_missing_one_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="spark://HOST:7077"):
        relations("hive")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingAbility, match=r"anirec\[spark\]"), relations("spark"):
        pass


def test_without_an_engine_duckdb_works_the_tables_out(tmp_path: Path) -> None:
    with relations("local") as tables:
        built: Any = build(two_sources(tmp_path), tmp_path / "out", now=0, tables=tables)
    assert built.rows["ratings"] == 300 * 25 * 2
