from __future__ import annotations

import json
from math import log2
from pathlib import Path

import pytest

from anirec.core.errors import InputError
from anirec.evaluate.labelled import figures, read_labelled

ALONE = {i: i for i in range(1, 20)}


def test_a_perfect_answer_has_1_and_one_without_any_relevant_anime_0() -> None:
    assert figures([3, 1, 2], {1: 2, 2: 1, 3: 3}, ALONE) == (1.0, 1.0)
    assert figures([7, 8], {1: 2}, ALONE) == (0.0, 0.0)
    assert figures([], {1: 2}, ALONE) == (0.0, 0.0)
    assert figures([1], {99: 3}, ALONE) == (0.0, 0.0)  # nobody could find it


def test_ndcg_is_that_of_the_definition() -> None:
    found, _ = figures([9, 1, 3], {1: 2, 2: 1, 3: 3}, ALONE)
    assert found == pytest.approx((3 / log2(3) + 7 / log2(4)) / (7 + 3 / log2(3) + 1 / log2(4)))


def test_a_success_is_a_clear_answer_among_the_first_five() -> None:
    assert figures([9, 8, 7, 6, 1], {1: 2}, ALONE)[1] == 1.0
    assert figures([9, 8, 7, 6, 5, 1], {1: 3}, ALONE)[1] == 0.0
    assert figures([1], {1: 1}, ALONE)[1] == 0.0


def test_a_franchise_is_one_answer_with_its_best_grade() -> None:
    one_series = ALONE | {2: 1}
    assert figures([2], {1: 3, 2: 1}, one_series) == (1.0, 1.0)


def test_what_stands_below_the_tenth_place_counts_for_nothing() -> None:
    assert figures([*range(2, 12), 1], {1: 3}, ALONE)[0] == 0.0


@pytest.mark.parametrize(
    "content", ["{", "[]]", '[{"id": 1}]', '[{"id": "a", "text": "b", "relevant": {"1": 9}}]', '{"a": 1}']
)
def test_what_is_no_file_of_queries_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(InputError, match="is no file of labelled queries"):
        read_labelled(tmp_path / "q.json")


def test_queries_are_read_in_their_order(tmp_path: Path) -> None:
    entries = [{"id": "b", "text": "B", "relevant": {"2": 3}, "kind": "x"}, {"id": "a", "text": "A", "relevant": {}}]
    (tmp_path / "q.json").write_text(json.dumps(entries))
    assert [(q.id, dict(q.relevant)) for q in read_labelled(tmp_path / "q.json")] == [("b", {2: 3}), ("a", {})]
