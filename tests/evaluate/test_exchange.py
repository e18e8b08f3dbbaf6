"""Systems that are not ours: what they are handed, and that what they answer is marked as ours is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.evaluate.exam import Exam
from anirec.evaluate.exchange import read_rankings, write_exam
from anirec.evaluate.figures import FIGURES
from anirec.evaluate.run import METRICS, run
from anirec.rank import rank
from evaluate.planted import CATALOGUE, TRAIN, Fixed, N, case, random_cases, silent
from worlds import catalogue_of, dataset_of

SCORES = dict(zip(range(1, N + 1), np.random.default_rng(2).random(N).tolist(), strict=True))


def parquet(path: Path, rows: list[tuple[int, int, int]]) -> Path:
    con = duckdb.connect()
    con.execute("CREATE TABLE lists (profile_id BIGINT, rank INTEGER, anime_id INTEGER)")
    con.executemany("INSERT INTO lists VALUES (?, ?, ?)", rows)
    con.execute(f"COPY lists TO '{path}' (FORMAT parquet)")
    return path


def test_what_is_written_is_the_exam(tmp_path: Path) -> None:
    train = dataset_of({1: {5: 9, 6: 3}, 2: {5: 8}}, n=N)
    exam = Exam("planted", 1, {}, train, (case([1, 2], [3], user=7), case([4], [5, 6], user=9)))
    written = write_exam(exam, tmp_path / "exam")
    assert written == {"learn.parquet": 3, "given.parquet": 3, "targets.parquet": 3}
    read = {name: duckdb.read_parquet(str(tmp_path / "exam" / name)).fetchall() for name in written}
    assert read["learn.parquet"] == [(1, 5, 9, 0, None), (1, 6, 3, 0, None), (2, 5, 8, 0, None)]
    assert read["given.parquet"] == [(7, 1, None, 0), (7, 2, None, 0), (9, 4, None, 0)]
    assert read["targets.parquet"] == [(7, 3), (9, 5), (9, 6)]


def test_lists_of_another_system_get_the_figures_of_the_model_that_made_them(tmp_path: Path) -> None:
    cases, model = random_cases(n=30), Fixed.of(SCORES)
    whole = Query(N, NO_FILTERS, FranchiseMode.ANYTHING)
    ranked = {c.user_id: rank(model.score([c.given])[0], c.given, CATALOGUE, whole).anime_ids for c in cases}
    rows = [(user, place, anime) for user, ids in ranked.items() for place, anime in enumerate(ids.tolist(), start=1)]
    np.random.default_rng(0).shuffle(rows)  # the order of rows says nothing
    file = parquet(tmp_path / "lists.parquet", rows)
    report = run(
        {"ours": model},
        Exam("planted", 1, {}, TRAIN, cases),
        CATALOGUE,
        rng=np.random.default_rng(0),
        progress=silent,
        foreign={"theirs": read_rankings(file, cases)},
    )
    for figure in FIGURES:
        ours, theirs = (report.row(name, figure) for name in ("ours", "theirs"))
        assert theirs.candidates is None
        for metric in METRICS:
            assert theirs.metrics[metric].mean == pytest.approx(ours.metrics[metric].mean)


def test_what_a_figure_does_not_allow_is_passed_over() -> None:
    world = catalogue_of(8, franchises=[[1, 2], [3, 4]])

    def found(ids: list[int]) -> dict[str, float]:
        answer: NDArray[np.int32] = np.array(ids, dtype=np.int32)
        report = run(
            {},
            Exam("planted", 1, {}, dataset_of({1: dict.fromkeys(range(1, 9), 9)}), (case([1], [2, 4, 5]),)),
            world,
            rng=np.random.default_rng(0),
            progress=silent,
            foreign={"theirs": [answer]},
        )
        return {f: report.row("theirs", f).metrics["mrr"].mean for f in FIGURES}

    assert found([1, 2, 4]) == {"raw": 1, "unrelated": 1, "franchises": 1}  # 1 is given, 2 its relative
    assert found([6, 99, 3, 4]) == {"raw": 1 / 3, "unrelated": 1 / 3, "franchises": 1 / 2}  # 99 is no title; 3 is 4's
    assert found([]) == {"raw": 0, "unrelated": 0, "franchises": 0}


@pytest.mark.parametrize(
    ("rows", "said"), [([(99, 1, 1)], "a list for none of the 2 profiles"), (None, "there is no file")]
)
def test_a_file_that_answers_nothing_is_refused(
    tmp_path: Path, rows: list[tuple[int, int, int]] | None, said: str
) -> None:
    file = tmp_path / "lists.parquet"
    if rows is not None:
        parquet(file, rows)
    with pytest.raises(InputError, match=said):
        read_rankings(file, (case([1], [2], user=7), case([3], [4], user=8)))


def test_a_file_of_another_kind_is_refused_with_what_it_should_be(tmp_path: Path) -> None:
    file = tmp_path / "lists.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS profile_id, 2 AS anime) TO '{file}' (FORMAT parquet)")
    with pytest.raises(InputError, match="not a Parquet file of profile_id, rank and anime_id"):
        read_rankings(file, (case([1], [2], user=1),))


def test_a_case_without_a_list_is_answered_with_nothing(tmp_path: Path) -> None:
    file = parquet(tmp_path / "lists.parquet", [(7, 2, 5), (7, 1, 4)])
    found = read_rankings(file, (case([1], [2], user=7), case([3], [4], user=8)))
    assert [ids.tolist() for ids in found] == [[4, 5], []]
