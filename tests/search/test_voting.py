from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anirec.search.fusion import VIEWS, FusionWeights, chances, reciprocal
from anirec.search.voting import VotingConfig, at_most, counted, votes

CONFIG = VotingConfig(width=0.1, per_text=2, correction=0.5)


def ballot(*cast: tuple[int, int, float]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    rows, texts, similarity = zip(*sorted(cast, key=lambda vote: -vote[2]), strict=True)
    return np.array(rows), np.array(texts, dtype=np.int32), np.array(similarity, dtype=np.float32)


def test_one_chunk_alone_gives_its_own_similarity() -> None:
    found = votes(*ballot((1, 0, 0.6)), np.array([1, 1, 1]), CONFIG)
    np.testing.assert_allclose(found, [-np.inf, 0.6, -np.inf], atol=1e-6)


def test_more_texts_that_agree_are_better_than_one() -> None:
    found = votes(*ballot((0, 0, 0.6), (1, 1, 0.6), (1, 2, 0.6)), np.array([2, 2]), CONFIG)
    assert found[1] > found[0]


def test_a_title_with_hundreds_of_chunks_is_held_to_more() -> None:
    found = votes(*ballot((0, 0, 0.6), (1, 1, 0.6)), np.array([3, 300]), CONFIG)
    assert found[0] > found[1]


def test_one_long_review_cannot_outvote_several_people() -> None:
    long = [(0, 0, 0.6)] * 20
    several = [(1, text, 0.6) for text in range(1, 4)]
    found = votes(*ballot(*long, *several), np.array([20, 20]), CONFIG)
    assert found[1] > found[0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.floats(-1, 1, width=32)), min_size=1, max_size=40))
def test_votes_are_as_defined(cast: list[tuple[int, int, float]]) -> None:
    rows, texts, similarity = ballot(*cast)
    chunks_of = np.array([40, 10, 3, 1])
    expected = np.full(4, -np.inf)
    for row in range(4):
        total, of_text = 0.0, dict.fromkeys(range(10), 0)
        for r, t, s in zip(rows, texts, similarity, strict=True):
            of_text[int(t)] += 1
            if r == row and of_text[int(t)] <= CONFIG.per_text:
                total += np.exp((float(s) - float(similarity[0])) / CONFIG.width)
        if total > 0:
            corrected = np.log(total) - CONFIG.correction * np.log(chunks_of[row])
            expected[row] = float(similarity[0]) + CONFIG.width * corrected
    np.testing.assert_allclose(votes(rows, texts, similarity, chunks_of, CONFIG), expected, rtol=1e-3, atol=1e-4)


@given(st.lists(st.integers(0, 5), max_size=50), st.integers(1, 4))
def test_of_each_text_the_first_are_kept(texts: list[int], most: int) -> None:
    kept = at_most(np.array(texts, dtype=np.int32), most)
    seen: dict[int, int] = {}
    for text, stays in zip(texts, kept, strict=True):
        seen[text] = seen.get(text, 0) + 1
        assert stays == (seen[text] <= most)


def test_counting_counts_texts_and_nothing_else() -> None:
    rows, texts, _ = ballot((0, 0, 0.9), (0, 0, 0.8), (1, 1, 0.2), (1, 2, 0.1))
    assert counted(rows, texts, 3).tolist() == [1, 2, 0]


def test_nothing_found_is_no_vote() -> None:
    none = np.empty(0)
    found = votes(none.astype(int), none.astype(np.int32), none.astype(np.float32), np.array([1, 0]), CONFIG)
    assert not np.isfinite(found).any()


def test_a_chance_is_the_logistic_of_the_weighed_views() -> None:
    weights = FusionWeights(**{**dict.fromkeys(VIEWS, 0.0), "bias": -1.0, "words": 2.0, "unwanted": -3.0})
    views = {"words": np.array([0, 1, 1], np.float32), "unwanted": np.array([0, 0, 1], np.float32)}
    np.testing.assert_allclose(chances(views, weights), 1 / (1 + np.exp([1.0, -1.0, 2.0])), rtol=1e-5)


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(KeyError):
        chances({"luck": np.zeros(1, np.float32)}, FusionWeights())


def test_places_in_two_lists_add_up_and_what_no_list_has_gets_nothing() -> None:
    views = {"dense": np.array([0.9, 0.1, 0.0], np.float32), "words": np.array([0, 0.5, 0], np.float32)}
    np.testing.assert_allclose(reciprocal(views), [1 / 61, 1 / 62 + 1 / 61, 0], rtol=1e-5)
