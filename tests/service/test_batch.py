from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from anirec.core.errors import InputError
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.service.batch import BatchReport, recommend_batch, similar_batch
from anirec.wiring.serve import load

QUERY = Query(k=5, filters=NO_FILTERS)


def write(file: Path, values: str, columns: str = "profile_id, anime_id, score, status") -> Path:
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {values}) t({columns})) TO '{file}' (FORMAT parquet)")
    return file


def read(file: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(f"SELECT * FROM '{file}'").fetchall()


def run(bundle: Path, folder: Path, values: str, query: Query = QUERY) -> tuple[BatchReport, list[tuple[object, ...]]]:
    report = recommend_batch(load(bundle), write(folder / "in.parquet", values), folder / "out.parquet", query)
    return report, read(folder / "out.parquet")


def test_every_profile_gets_k_rows_that_the_service_would_give(small_bundle: Path, tmp_path: Path) -> None:
    report, rows = run(small_bundle, tmp_path, "('a', 4, 9, NULL), ('a', 5, 8, NULL), ('b', 12, NULL, NULL)")
    assert (report.answered, report.rows_written) == (2, 10)
    expected = load(small_bundle).recommend(like=[(4, 9), (5, 8)], k=5)
    assert [row[2] for row in rows if row[0] == "a"] == [r.anime.anime_id for r in expected]
    assert [row[:2] for row in rows] == [(p, rank) for p in "ab" for rank in range(1, 6)]


def test_unknown_anime_are_counted_and_their_profile_is_answered_all_the_same(
    small_bundle: Path, tmp_path: Path
) -> None:
    report, rows = run(small_bundle, tmp_path, "(1, 999, 9, NULL), (2, 4, 9, NULL), (2, 998, NULL, NULL)")
    assert (report.answered, report.unknown_anime, len(rows)) == (2, 2, 10)


def test_repeated_rows_are_merged_and_counted(small_bundle: Path, tmp_path: Path) -> None:
    report, rows = run(small_bundle, tmp_path, "(1, 4, 9, NULL), (1, 4, 9, NULL), (1, 5, 8, NULL)")
    assert report.duplicates == 1
    assert rows == run(small_bundle, tmp_path, "(1, 5, 8, NULL), (1, 4, 9, NULL)")[1]


def test_later_seasons_appear_only_if_franchises_are_allowed(small_bundle: Path, tmp_path: Path) -> None:
    values = "(1, 4, 9, NULL), (1, 5, 9, NULL), (1, 6, 9, NULL)"
    by_rule = {row[2] for row in run(small_bundle, tmp_path, values, Query(k=25, filters=NO_FILTERS))[1]}
    anything = Query(k=25, filters=NO_FILTERS, franchise=FranchiseMode.ANYTHING)
    free = {row[2] for row in run(small_bundle, tmp_path, values, anything)[1]}
    assert free - by_rule == {2, 3}


@pytest.mark.parametrize("status", ["'completed'", "'Plan to Watch'", "'on-hold'", "2", "NULL"])
def test_statuses_are_read_as_words_and_numbers(small_bundle: Path, tmp_path: Path, status: str) -> None:
    report, _ = run(small_bundle, tmp_path, f"(1, 4, NULL, {status}), (1, 5, 8, {status})")
    assert report.answered == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("(7, 4, 11, NULL), (7, 5, 8, NULL)", r"1 of 2 scores .* lie outside 1\.\.10 \(first: profile 7, anime 4: 11"),
        ("(7, 4, 8, 'binged')", r"1 of 1 statuses .* are none of unknown, watching.*binged"),
        ("(NULL, 4, 8, NULL)", "1 of 1 rows .* have no profile_id or no anime_id"),
    ],
)
def test_rows_that_make_no_sense_are_refused_and_nothing_is_written(
    small_bundle: Path, tmp_path: Path, values: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(small_bundle, tmp_path, values)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_a_missing_column_or_file_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    service = load(small_bundle)
    with pytest.raises(InputError, match="there is no file"):
        recommend_batch(service, tmp_path / "nowhere.parquet", tmp_path / "out.parquet", QUERY)
    file = write(tmp_path / "in.parquet", "(1, 2)", "user, anime_id")
    with pytest.raises(InputError, match="lacks the column profile_id; it has anime_id, user"):
        recommend_batch(service, file, tmp_path / "out.parquet", QUERY)
    (tmp_path / "in.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="cannot be read as a Parquet table"):
        recommend_batch(service, file, tmp_path / "out.parquet", QUERY)


def test_similar_titles_never_hold_the_query_and_unknown_queries_are_counted(
    small_bundle: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "in.parquet", "(4), (12), (999)", "anime_id")
    report = similar_batch(load(small_bundle), file, tmp_path / "out.parquet", QUERY)
    rows = read(tmp_path / "out.parquet")
    assert (report.answered, report.unknown_anime, len(rows)) == (2, 1, 10)
    assert all(query != found for query, _, found, _ in rows)
    assert {query for query, *_ in rows} == {4, 12}
