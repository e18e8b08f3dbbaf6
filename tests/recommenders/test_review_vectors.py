from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility
from anirec.prepare.documents import Documents
from anirec.recommenders import review_vectors
from anirec.recommenders.review_vectors import (
    ReviewsConfig,
    Words,
    averaged,
    counted,
    vocabulary,
    words_of,
)
from recommenders.written import EMPTY, N, each_alone, reviewed, subject_of

CONFIG = ReviewsConfig(dimensions=24, passes=20, sample=0, min_franchises=6, smoothing=0.02)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    pytest.importorskip("gensim", reason="training vectors of reviews needs gensim")
    return review_vectors.fit(reviewed(), CONFIG, np.random.default_rng(0), franchise=each_alone())


def test_titles_whose_reviews_speak_of_the_same_things_are_nearest_whatever_their_heroes_are_called(
    vectors: NDArray[np.float32],
) -> None:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    for row in range(N - 1):
        cosines = unit @ unit[row]
        cosines[row] = -2
        nearest = np.argsort(-cosines)[:5] + 1
        assert {subject_of(int(i)) for i in nearest} == {subject_of(row + 1)}


def test_a_title_whose_reviews_have_no_word_keeps_its_row_and_has_no_vector(vectors: NDArray[np.float32]) -> None:
    assert vectors.shape == (N, CONFIG.dimensions)
    assert np.flatnonzero(~vectors.any(axis=1)).tolist() == [EMPTY - 1]


def test_same_seed_same_bytes(vectors: NDArray[np.float32]) -> None:
    again = review_vectors.fit(reviewed(), CONFIG, np.random.default_rng(0), franchise=each_alone())
    assert again.tobytes() == vectors.tobytes()
    other = review_vectors.fit(reviewed(), CONFIG, np.random.default_rng(1), franchise=each_alone())
    assert other.tobytes() != vectors.tobytes()


def spoken(texts: list[list[str]]) -> list[list[list[str]]]:
    return [[words_of(text) for text in of_title] for of_title in texts]


def test_what_only_one_franchise_speaks_of_is_left_out_however_many_titles_it_has() -> None:
    texts = spoken([["a gundam and a robot"]] * 9 + [["a robot"]])
    config = ReviewsConfig(min_franchises=2)
    assert vocabulary(texts, config, np.array([1] * 9 + [2], np.int32)) == {"a", "robot"}
    assert "gundam" in vocabulary(texts, config, np.array([1] * 8 + [3, 2], np.int32))


def test_words_are_those_of_the_text_without_its_entities() -> None:
    assert words_of("It&rsquo;s 9/10, &quot;na\u00efve&quot; \u2014 Don\u2019t!") == [
        "it's",
        "na\u00efve",
        "don't",
    ]


def test_the_mean_of_a_title_is_that_of_the_definition() -> None:
    spoken: list[list[list[str]]] = [[["a", "b", "a"], ["c"]], [[]], [["b"]]]
    words, vectors = ("a", "b", "c"), np.array([[1, 0], [0, 1], [2, 2]], np.float32)
    config = ReviewsConfig(smoothing=0.1, components=0)
    weight = {word: 0.1 / (0.1 + share) for word, share in {"a": 2 / 5, "b": 2 / 5, "c": 1 / 5}.items()}
    by_word = dict(zip(words, vectors.astype(float), strict=True))
    expected = [
        sum(weight[w] * by_word[w] for review in of_title for w in review) / max(sum(map(len, of_title)), 1)
        for of_title in spoken
    ]
    found = averaged(Words(counted(spoken, words), vectors), config)
    for row, of_title in enumerate(expected):
        np.testing.assert_allclose(found[row], of_title, atol=1e-6)


def test_reviews_of_too_few_franchises_to_learn_from_give_no_vectors() -> None:
    pytest.importorskip("gensim", reason="training vectors of reviews needs gensim")
    documents = Documents(np.array([1, 2], np.int32), (("one word",), ("two words",)))
    found = review_vectors.fit(documents, CONFIG, np.random.default_rng(0), franchise=np.array([0, 1], np.int32))
    assert found.shape == (2, CONFIG.dimensions)
    assert not found.any()


def test_without_gensim_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingAbility, match="gensim"):
        review_vectors.fit(reviewed(), CONFIG, np.random.default_rng(0), franchise=each_alone())


@pytest.mark.parametrize(
    "bad",
    [
        *({"dimensions": 0}, {"window": 0}, {"negatives": 0}, {"passes": 0}, {"min_franchises": 0}, {"components": -1}),
        *({"smoothing": 0}, {"lr": 1}, {"sample": 2}),
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ReviewsConfig(**bad)  # type: ignore[arg-type]
