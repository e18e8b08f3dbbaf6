"""The labelled queries that search is judged by: `benchmarks/queries`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.wiring import serve
from labelled import CLEARLY, FILE, Kind, Query, dumps, read

QUERIES = read()
BY_TEXT = {query.text: query for query in QUERIES}
NEEDED = 120
SHOWCASE = {
    "Overpowered protagonist": ({29803, 40496, 20785, 37430, 30276, 32182, 38790}, set()),
    "Crime drama": ({13601, 32827, 40911, 40046, 1535, 889, 41120}, set()),
    "Wholesome yuri": ({39790, 37786, 36214, 6164, 10495, 6203}, {32995, 3342}),
    "Adventure with lots of travelling and meeting new people": (
        {486, 35838, 40571, 35839, 34798},
        {9253, 2236, 44074, 42249, 31043},
    ),
}


def test_there_are_enough_queries_and_no_two_share_an_id_or_a_text() -> None:
    assert len(QUERIES) >= NEEDED
    assert len({query.id for query in QUERIES}) == len(QUERIES)
    assert len({query.text.casefold() for query in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_is_there_and_split_into_equal_halves(kind: str) -> None:
    halves = Counter(query.half for query in QUERIES if query.kind == kind)
    assert min(halves["development"], halves["report"]) >= 2
    assert abs(halves["development"] - halves["report"]) <= 1


def test_the_halves_are_equally_large() -> None:
    halves = Counter(query.half for query in QUERIES)
    assert abs(halves["development"] - halves["report"]) <= 4


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.id)
def test_a_query_has_at_least_five_anime_that_clearly_fit_or_says_why_not(query: Query) -> None:
    assert sum(grade >= CLEARLY for grade in query.relevant.values()) >= 5 or "few" in query.why


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.id)
def test_no_anime_is_both_relevant_and_wrong(query: Query) -> None:
    assert not set(query.relevant) & query.wrong


def test_every_labelled_anime_is_in_the_catalogue_that_is_served() -> None:
    labelled = {anime_id for query in QUERIES for anime_id in (*query.relevant, *query.wrong)}
    assert labelled - set(serve.load().catalogue.anime_ids.tolist()) == set()


def test_no_music_video_is_labelled() -> None:
    catalogue = serve.load().catalogue
    labelled = np.array(sorted({anime_id for query in QUERIES for anime_id in query.relevant}), dtype=np.int32)
    kinds = catalogue.kinds[catalogue.rows_of(labelled)]
    assert not np.isin(kinds, [7, 8, 9]).any()


@pytest.mark.parametrize("text", SHOWCASE)
def test_the_old_systems_showcase_is_labelled_as_it_was_promised(text: str) -> None:
    good, bad = SHOWCASE[text]
    query = BY_TEXT[text]
    assert query.origin == "showcase"
    assert min(query.grade(anime_id) for anime_id in good) >= CLEARLY
    assert bad <= query.wrong


def test_all_eighteen_example_queries_of_the_old_system_are_there() -> None:
    alone = {"Adventure with lots of travelling and meeting new people"}  # shown, but not offered as an example
    assert len([query for query in QUERIES if query.origin != "ours" and query.text not in alone]) == 18


def test_the_file_is_written_as_it_would_be_written_again() -> None:
    assert FILE.read_text(encoding="utf-8") == dumps(QUERIES)


def one(**changed: object) -> dict[str, object]:
    known = {"id": "cats", "text": "cats", "kind": "theme", "half": "report", "relevant": {"3": 3}, "wrong": [4]}
    return known | changed


def written(folder: Path, *entries: dict[str, object]) -> Path:
    file = folder / "queries.json"
    file.write_text(json.dumps(entries), encoding="utf-8")
    return file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "again.json"
    file.write_text(dumps(reversed(QUERIES)), encoding="utf-8")
    assert read(file) == QUERIES


def test_one_half_can_be_read_alone(tmp_path: Path) -> None:
    file = written(tmp_path, one(), one(id="dogs", half="development"))
    assert [query.id for query in read(file, half="development")] == ["dogs"]


@pytest.mark.parametrize(
    "changed", [{"kind": "mood"}, {"half": "both"}, {"relevant": {"3": 4}}, {"relevant": {"x": 1}}, {"wrong": None}]
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"queries\.json is no file of labelled queries"):
        read(written(tmp_path, one(**changed)))


def test_what_is_not_labelled_and_what_is_wrong_has_grade_0(tmp_path: Path) -> None:
    (query,) = read(written(tmp_path, one()))
    assert [query.grade(anime_id) for anime_id in (3, 4, 5)] == [3, 0, 0]
