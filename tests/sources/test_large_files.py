"""What makes the import of large files cheap must not change what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anirec.sources import checking, csv_file, layout
from anirec.sources.importer import LAYOUTS
from sources.files import folder_of, imported, rejects, rows

WHOLE = re.compile(r" *(-?\d{1,18}(\.0+)?) *", re.ASCII)

numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-3, 1000).map(str),
    st.from_regex(r"[ \t+-]{0,2}[0-9_]{0,19}[.ex]?[0-9]{0,3}[ \n]?", fullmatch=True),
    st.sampled_from(["-0", "007", "1e3", "1_000", "0x10", "0b1", "+5", ".5", "5.", "5.00", "5.01", "٣", "1e0", "true"]),
    st.text(max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.one_of(st.none(), numbers), min_size=1, max_size=60))
def test_a_whole_number_is_digits_perhaps_with_a_sign_blanks_and_noughts_behind_a_point(
    texts: list[str | None],
) -> None:
    with duckdb.connect() as con:
        layout.prepare(con)
        con.execute("CREATE TABLE t AS SELECT unnest(?::VARCHAR[]) AS t", [texts])
        found = con.execute("SELECT t, whole(t), is_whole(t) FROM t").fetchall()
    for text, number, is_whole in found:
        match = WHOLE.fullmatch(text) if text is not None else None
        assert (number, is_whole) == (int(match[1].split(".")[0]) if match else None, match is not None), text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from([b"a", b'"', b'a"b"', b"", b"\r", b"a\r"]), max_size=30), ended=st.booleans())
@pytest.mark.parametrize("piece", [1, 4, 1 << 20])
def test_records_are_found_alike_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes], ended: bool, piece: int
) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"\n".join(lines) + (b"\n" if ended else b""))
    expected, inside = [], False
    with file.open("rb") as handle:
        for line, text in enumerate(handle, start=1):
            if not inside:
                expected.append((line, not text.strip(b"\r\n")))
            inside ^= text.count(b'"') % 2 == 1
    monkeypatch.setattr(csv_file, "PIECE_BYTES", piece)
    found = [(int(n), bool(b)) for starts, blank in csv_file._records(file) for n, b in zip(starts, blank, strict=True)]
    assert found == expected


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cooperunion2016", "rating.csv"),
        ("hernan2020", "animelist.csv"),
        ("hernan2020", "rating_complete.csv"),
        ("dbdmobile2023", "users-score-2023.csv"),
    ],
)
def test_what_counts_its_places_keeps_the_order_of_the_file(tmp_path: Path, name: str, file: str) -> None:
    known = next(known for known in LAYOUTS if known.name == name)
    columns = next(found.columns for found in known.files if found.name == file)
    folder = folder_of(tmp_path, **{file.replace(".", "__"): ",".join(columns) + "\n" + ",".join("1" * len(columns))})
    with duckdb.connect() as con:
        layout.prepare(con)
        reading = known.read(con, folder)["ratings"]
        assert reading.scanned is not None
        con.execute("SET explain_output = 'optimized_only'")
        plan = str(con.execute(f"EXPLAIN {reading.query}").fetchall()[0][1]).upper()
    assert "PROJECTION" in plan
    assert not [word for word in ("JOIN", "AGGREGATE", "GROUP", "UNION") if word in plan]


def test_places_are_lines_and_repeated_rows_are_found_in_a_file_that_several_threads_read(tmp_path: Path) -> None:
    n = 150_000  # more than a row group
    header, filler = "user_id,anime_id,rating,watching_status,watched_episodes,more\n", "x" * 150
    body = "".join(f"{user},{anime},7,2,1,{filler}\n" for user in range(n // 50, 0, -1) for anime in range(1, 51))
    content = (
        header + body + f"1,1,11,2,1,{filler}\n" + body[: body.index("\n", 10_000) + 1] + f"1,two,7,2,1,{filler}\n"
    )
    repeated = content.count("\n") - 1 - n - 2
    out, report = imported(folder_of(tmp_path, animelist__csv=content))
    assert report.kept == {"ratings": n}
    first = f"user_id {n // 50}, anime_id 1"
    assert [str(reject) for reject in report.rejects] == [
        f"{repeated} rows of animelist.csv: a row with the same user_id, anime_id stands before "
        f'(first: line {n + 3}, "{first}")',
        f'1 row of animelist.csv: anime_id is not a whole number from 1 (first: line {n + 3 + repeated}, "two")',
        f'1 row of animelist.csv: score outside 1..10 (first: line {n + 2}, "11")',
    ]
    assert [place for _, place, _, _ in rejects(out)] == [f"line {line}" for line in range(n + 2, n + 4 + repeated)]
    assert rows(out / "ratings.parquet", "user_id, anime_id") == [
        (u, a) for u in range(1, n // 50 + 1) for a in range(1, 51)
    ]


def test_every_row_twice_is_half_left_out(tmp_path: Path) -> None:
    n = 130_000
    lines = [f"{row // 100},{1 + row % 100},{1 + row % 10}" for row in range(n)]
    again = [line.rsplit(",", 1)[0] + ",-1" for line in lines]
    content = "\n".join(["user_id,anime_id,rating", *lines, *again]) + "\n"
    out, report = imported(folder_of(tmp_path, rating__csv=content))
    assert (report.kept, report.n_rejected) == ({"ratings": n}, n)
    assert len(rejects(out)) == checking.REJECTS_SHOWN
    assert rows(out / "ratings.parquet", "count(*), count(score)") == [(n, n)]


def test_the_first_row_of_each_reason_is_named_however_many_stand_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "REJECTS_SHOWN", 2)
    content = "user_id,anime_id,rating\n1,1,9\n" + "x,1,9\n" * 3 + "1,x,9\n1,2,9\n1,3,9\n1,4,9\n"
    _, report = imported(folder_of(tmp_path, rating__csv=content))
    assert [(reject.rows, reject.first) for reject in report.rejects] == [(3, "line 3"), (1, "line 6")]


def test_nothing_is_left_of_the_work_beside_the_tables(tmp_path: Path) -> None:
    out, _ = imported(folder_of(tmp_path, rating__csv="user_id,anime_id,rating\n1,1,9\n"))
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "ratings.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
