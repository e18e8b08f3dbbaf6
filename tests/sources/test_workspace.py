from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from anirec.core.errors import BadTable, UnknownLayout
from anirec.sources.importer import import_folder, recognise


def silent(stage: str, done: int, total: int) -> None:
    pass


def small_workspace(folder: Path, *, score: int = 9, kind: str = "TV", minutes: int = 24) -> Path:
    folder.mkdir()
    columns = {
        "mal_id": "1", "anilist_id": "1", "anidb_id": "23", "kitsu_id": "1", "title": "'Gintama&#039; '",
        "title_english": "''", "title_japanese": "NULL::VARCHAR", "synonyms": "['A &amp; B']", "type": f"'{kind}'",
        "episodes": "26", "status": "'Finished Airing'", "start_date": "'1998-04-03'", "year": "1998",
        "season": "'spring'", "source": "'Manga'", "duration": f"{minutes}", "age_rating": "'R'", "nsfw": "false",
        "genres": "['Action']", "themes": "['Space']", "demographics": "[]::VARCHAR[]", "tags": "[]::VARCHAR[]",
        "studios": "['Sunrise']", "score": "8.7", "scored_by": "10", "members": "20", "favorites": "3",
        "image_url": "NULL::VARCHAR",
    }  # fmt: skip
    anime = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    write = {
        "catalogue": f"SELECT {anime}",
        "ratings": f"SELECT * FROM (VALUES (7, 1, {score}, 100, 0), (8, 1, 3, NULL, 0)) "
        "t(user_id, anime_id, rating, ts, source)",
        "updates": "SELECT * FROM (VALUES (7, 1, 2, 0, 1, 200), (9, 1, 4, 0, 1, 300)) "
        "t(user_id, anime_id, status, rating, eps, ts)",
        "favourites": "SELECT 5 AS profile, 1 AS anime_id",
    }
    for name, query in write.items():
        duckdb.sql(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")
    (folder / "sources.json").write_text('{"sources": {"0": "mal_radite"}}')
    return folder


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(f"SELECT {query} FROM '{file}' ORDER BY ALL").fetchall()


def test_a_scored_row_wins_and_takes_its_status_from_where_it_is_known(tmp_path: Path) -> None:
    report = import_folder(small_workspace(tmp_path / "in"), tmp_path / "out", progress=silent)
    assert report.kept == {"anime": 1, "ratings": 4}
    assert rows(tmp_path / "out" / "ratings.parquet", "user_id, score, status, updated_at, source") == [
        (7, 9, 2, 200, "mal_radite"),
        (8, 3, 0, None, "mal_radite"),
        (9, None, 4, 300, "updates"),
        (1_000_000_005, None, 0, None, "favourites_2020"),
    ]


def test_entities_in_titles_are_undone_and_empty_titles_are_missing(tmp_path: Path) -> None:
    import_folder(small_workspace(tmp_path / "in"), tmp_path / "out", progress=silent)
    found = rows(tmp_path / "out" / "anime.parquet", "title, title_english, synonyms, minutes, adult")
    assert found == [("Gintama'", None, ["A & B"], 24, False)]


@pytest.mark.parametrize(
    ("kind", "minutes", "expected"),
    [("Movie", 1, None), ("Movie", 90, 90), ("TV", 2, 2), ("Music", 1, 1), ("Special", 2, None), ("TV", 0, None)],
)
def test_what_may_be_hours_is_not_read_as_minutes(
    kind: str, minutes: int, expected: int | None, tmp_path: Path
) -> None:
    import_folder(small_workspace(tmp_path / "in", kind=kind, minutes=minutes), tmp_path / "out", progress=silent)
    assert rows(tmp_path / "out" / "anime.parquet", "minutes") == [(expected,)]


def test_a_score_of_11_is_rejected_and_counted(tmp_path: Path) -> None:
    report = import_folder(small_workspace(tmp_path / "in", score=11), tmp_path / "out", progress=silent)
    assert report.kept["ratings"] == 3
    assert [str(reject) for reject in report.rejects] == [
        '1 row of ratings.parquet and other lists: score outside 1..10 (first: user_id 7, anime_id 1, "11")'
    ]


def test_a_canonical_folder_is_recognised_and_stays_the_same(tmp_path: Path) -> None:
    import_folder(small_workspace(tmp_path / "in"), tmp_path / "one", progress=silent)
    import_folder(tmp_path / "one", tmp_path / "two", progress=silent)
    for table in ("anime", "ratings"):
        one, two = ((tmp_path / name / f"{table}.parquet").read_bytes() for name in ("one", "two"))
        assert one == two


def test_an_unknown_folder_is_refused_with_the_layouts_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UnknownLayout, match=r"notes\.txt[\s\S]*workspace: catalogue\.parquet[\s\S]*canonical"):
        recognise(tmp_path)
    with pytest.raises(UnknownLayout, match="is not a folder"):
        recognise(tmp_path / "nowhere")


def test_a_cut_file_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = small_workspace(tmp_path / "in")
    file = folder / "ratings.parquet"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(BadTable, match=r"ratings\.parquet cannot be read as Parquet, it may be cut off"):
        import_folder(folder, tmp_path / "out", progress=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
