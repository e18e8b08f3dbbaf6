from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.evaluate.named import Question, graded_ndcg, measure, questions
from anirec.prepare.pairs import Pairs, pairs_of
from worlds import catalogue_of

NAN = float("nan")


def pairs(*edges: tuple[int, int, float]) -> Pairs:
    first, second, votes = (np.array([edge[i] for edge in edges]) for i in range(3))
    return pairs_of(first.astype(np.int32), second.astype(np.int32), votes.astype(np.float32))


def one_hot(*best_first: int, n: int = 30) -> NDArray[np.float32]:
    scores = np.zeros(n, dtype=np.float32)
    for place, anime_id in enumerate(best_first):
        scores[anime_id - 1] = n - place
    return scores


def test_a_pair_is_asked_for_from_both_sides() -> None:
    asked = questions(pairs((2, 5, 3)), pairs((1, 2, 1)), catalogue_of(6))
    assert [(q.row, q.targets.tolist()) for q in asked] == [(1, [4]), (4, [1])]


def test_gains_rise_with_votes_and_a_listed_pair_counts_as_one_vote() -> None:
    asked = questions(pairs((1, 2, 1), (1, 3, 7), (1, 4, NAN)), pairs((9, 10, 1)), catalogue_of(10))
    assert asked[0].gains.tolist() == [1, 3, 1]


def test_what_was_learned_from_is_no_candidate_for_its_title() -> None:
    catalogue = catalogue_of(30)
    asked = questions(pairs((1, 5, 1)), pairs((1, 2, 1), (1, 3, 1)), catalogue)
    report = measure({"model": lambda _: one_hot(2, 3, 5)}, asked[:1], catalogue, np.random.default_rng(0))
    assert report.rows["raw"]["model"]["ndcg@10"].mean == pytest.approx(1)


def test_titles_that_the_catalogue_lacks_ask_nothing() -> None:
    assert questions(pairs((1, 99, 4)), pairs((98, 99, 1)), catalogue_of(5)) == ()


def test_relatives_are_neither_candidates_nor_targets_of_the_unrelated_figure() -> None:
    catalogue = catalogue_of(30, franchises=[[1, 2, 3]])
    asked = questions(pairs((1, 2, 9), (1, 7, 1)), pairs((20, 21, 1)), catalogue)[:1]
    report = measure({"model": lambda _: one_hot(3, 2, 7)}, asked, catalogue, np.random.default_rng(0))
    assert report.rows["unrelated"]["model"]["ndcg@10"].mean == pytest.approx(1)
    assert report.rows["raw"]["model"]["ndcg@10"].mean < 1


def test_a_question_whose_targets_are_all_relatives_is_left_out_of_the_unrelated_figure() -> None:
    catalogue = catalogue_of(30, franchises=[[1, 2]])
    asked = questions(pairs((1, 2, 9), (5, 6, 1)), pairs((20, 21, 1)), catalogue)
    report = measure({"model": lambda _: one_hot(3)}, asked, catalogue, np.random.default_rng(0))
    assert report.questions == {"raw": 4, "unrelated": 2}


def test_the_gain_is_that_of_the_definition_worked_out_by_hand() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        targets = rng.choice(40, int(rng.integers(1, 15)), replace=False)
        gains = rng.uniform(0.5, 5, len(targets))
        top = rng.choice(40, 10, replace=False)
        gain = dict(zip(targets.tolist(), gains.tolist(), strict=True))
        found = sum(gain.get(row, 0) / np.log2(place + 2) for place, row in enumerate(top.tolist()))
        ideal = sum(g / np.log2(place + 2) for place, g in enumerate(sorted(gains, reverse=True)[:10]))
        assert graded_ndcg(top, targets, gains) == pytest.approx(found / ideal)


def test_titles_that_cannot_be_found_are_no_hits_and_a_hit_is_one_among_ten() -> None:
    catalogue = catalogue_of(30)
    question = Question(row=0, known=np.empty(0, np.int64), targets=np.array([11]), gains=np.array([1.0]))
    scores = one_hot(*range(2, 13))
    rows = measure({"model": lambda _: scores}, [question], catalogue, np.random.default_rng(0)).rows
    assert rows["raw"]["model"]["hit@10"].mean == 0  # it is the eleventh
    nothing = np.full(30, -np.inf, dtype=np.float32)
    rows = measure({"model": lambda _: nothing}, [question], catalogue, np.random.default_rng(0)).rows
    assert rows["raw"]["model"]["ndcg@10"].mean == 0
