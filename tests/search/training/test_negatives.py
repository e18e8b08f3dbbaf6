from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.search.training.negatives import Ground, mine
from anirec.search.training.questions import Passages, Question
from fake_encoder import FakeEncoder

TEXTS = (
    "a detective solves a murder",
    "the detective smokes and the murder is forgotten",
    "a robot has a pilot",
    "a detective robot dreams",
    "songs and songs again",
)
ROWS = np.array([0, 0, 1, 2, 3])


@pytest.fixture(autouse=True)
def _stems() -> None:
    pytest.importorskip("Stemmer", reason="the extra text is not installed")


def mined(question: Question, seed: int = 0) -> tuple[list[int], list[int]]:
    passages = Passages(TEXTS, ROWS, np.arange(5, dtype=np.int32))
    encoder = FakeEncoder()
    ground = Ground.over(passages, encoder.encode(TEXTS))
    found = mine([question], ground, encoder, np.random.default_rng(seed))
    return found.positives.tolist(), found.negatives.tolist()


def answered_by(*rows: int) -> NDArray[np.int32]:
    return np.array(rows, dtype=np.int32)


def test_the_answer_is_the_nearest_passage_of_the_anime_and_no_answer_is_a_negative() -> None:
    for seed in range(20):
        positives, negatives = mined(Question("detective solves murder", 0, answered_by(0, 1)), seed)
        assert positives == [0]
        assert set(negatives) <= {3, 4}


def test_a_query_is_not_answered_by_the_passage_that_it_is_from() -> None:
    positives, _ = mined(Question("a detective solves a murder", 0, answered_by(0), without=frozenset({0})))
    assert positives == [1]
    assert mined(Question("a robot", 1, answered_by(1), without=frozenset({2}))) == ([], [])


def test_a_passage_that_a_query_was_written_for_answers_it() -> None:
    assert mined(Question("murder", 0, answered_by(0), passage=1))[0] == [1]


def test_what_everything_answers_teaches_nothing() -> None:
    assert mined(Question("murder", 0, answered_by(0, 1, 2, 3))) == ([], [])


def test_where_no_wrong_passage_shares_a_word_any_will_do() -> None:
    _, negatives = mined(Question("zebra", 0, answered_by(0)))
    assert set(negatives) <= {2, 3, 4}
