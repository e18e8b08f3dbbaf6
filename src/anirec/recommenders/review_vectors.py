"""Titles as what their reviews speak of: skip-gram word vectors, trained on the reviews, averaged for each title.

What it does: reads the words of all reviews; leaves out those that the reviews of few franchises use; trains skip-gram
with negative sampling on the rest; takes for each title the mean of its words' vectors, where the frequent ones weigh
less, without what the reviews of all titles have in common. What it does not: tell "not funny" from "funny", or
understand word order.

A series' own names go, as `min_franchises` says, else all its seasons would be one point; what reviewers of other
series name stays, as directors, studios and "like Champloo" are what likeness is told by.

Sources: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality"; smooth
inverse frequency, Arora, Liang, Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings": the weight of a
word is a / (a + p), with p its share of all words.

Training needs gensim; serving does not. One thread, so that the same seed gives the same bytes.
Memory: the texts twice, 16 bytes a word of them, 8 k a word of the vocabulary.
Time: passes * words * window * negatives * k operations. Workable sizes: tens of millions of words.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility
from anirec.prepare.documents import Documents
from anirec.recommenders.text_vectors import without_common

if TYPE_CHECKING:
    from scipy import sparse

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@dataclass(frozen=True)
class ReviewsConfig:
    """How words become vectors of titles.

    dimensions: of the vectors. window: words on each side that one is to foretell. negatives: random words for each
    true one. passes: over all reviews. sample: 0..1, words beyond this share of all are thinned out in training, as the
    square root; 0 = none. lr: learning rate. min_franchises: whose reviews must use a word, else it is left out.
    smoothing: the a of the words' weights; less makes frequent words count less. components: principal components that
    are taken away.
    """

    dimensions: int = 300
    window: int = 5
    negatives: int = 5
    passes: int = 5
    sample: float = 1e-4
    lr: float = 0.025
    min_franchises: int = 4
    smoothing: float = 1e-4
    components: int = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least = min(self.dimensions, self.window, self.negatives, self.passes, self.min_franchises)
        if least < 1 or self.components < 0 or not self.smoothing > 0 or not 0 < self.lr < 1:
            raise InputError(f"vectors of reviews need counts of at least 1, smoothing > 0 and 0 < lr < 1; got {self}")
        if not 0 <= self.sample <= 1:
            raise InputError(f"sample must lie in 0..1; got {self}")


@dataclass(frozen=True, eq=False)
class Words:
    """What was learned of words. counts: float64 CSR [titles, words], uses. vectors: float32 [words, k]."""

    counts: sparse.csr_array[np.float64]
    vectors: NDArray[np.float32]


def fit(
    documents: Documents, config: ReviewsConfig, rng: np.random.Generator, *, franchise: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Train on the documents and return float32 [n, dimensions], row by row of `documents`; 0 where no word is left.

    franchise: int32 [n], equal where titles are of one franchise.

    Raises:
        MissingAbility: gensim is not installed.
    """
    return averaged(read_words(documents, config, rng, franchise=franchise), config)


def read_words(
    documents: Documents, config: ReviewsConfig, rng: np.random.Generator, *, franchise: NDArray[np.int32]
) -> Words:
    """Train vectors of words and count words by title; arguments and errors as in `fit`."""
    train = _word2vec()
    one: dict[str, str] = {}  # one object a word, whichever text it is in
    spoken = [
        [[one.setdefault(word, word) for word in words_of(text)] for text in of_title] for of_title in documents.texts
    ]
    told = vocabulary(spoken, config, franchise)
    spoken = [[[word for word in words if word in told] for words in of_title] for of_title in spoken]
    reviews = [words for of_title in spoken for words in of_title if len(words) > 1]
    if not reviews:
        return Words(counted(spoken, ()), np.zeros((0, config.dimensions), dtype=np.float32))
    trained = train(
        reviews,
        **{"vector_size": config.dimensions, "window": config.window, "sg": 1, "hs": 0, "min_count": 1, "workers": 1},
        **{"negative": config.negatives, "epochs": config.passes, "sample": config.sample, "alpha": config.lr},
        seed=int(rng.integers(2**31)),
    ).wv
    return Words(counted(spoken, tuple(trained.index_to_key)), np.asarray(trained.vectors, dtype=np.float32))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, in their order, its HTML entities read and its apostrophes straight."""
    return _WORD.findall(html.unescape(text).replace("\u2019", "'").lower())


def vocabulary(
    spoken: Sequence[Sequence[Sequence[str]]], config: ReviewsConfig, franchise: NDArray[np.int32]
) -> set[str]:
    """Return the words that enough franchises use. spoken: of each title, the words of each review."""
    used: Counter[str] = Counter()
    order = np.argsort(franchise, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(franchise[order])) + 1):
        used.update({word for row in rows.tolist() for words in spoken[row] for word in words})
    return {word for word, count in used.items() if count >= config.min_franchises}


def counted(spoken: Sequence[Sequence[Sequence[str]]], words: Sequence[str]) -> sparse.csr_array[np.float64]:
    """Return float64 CSR [titles, words]: how often each word is used of each title."""
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    place = {word: i for i, word in enumerate(words)}
    columns = [np.array([place[w] for text in texts for w in text if w in place], dtype=np.int64) for texts in spoken]
    bounds = np.concatenate([[0], np.cumsum([len(of_title) for of_title in columns])])
    found = np.concatenate([np.empty(0, np.int64), *columns])
    matrix = sparse.csr_array((np.ones(len(found)), found, bounds), shape=(len(spoken), len(words)))
    matrix.sum_duplicates()
    return matrix


def averaged(words: Words, config: ReviewsConfig) -> NDArray[np.float32]:
    """Return float32 [titles, k]: the weighted means of their words' vectors, without what all have in common.

    0 for a title without words.
    """
    counts = words.counts
    share = counts.sum(axis=0) / max(counts.sum(), 1)
    weighed = counts @ (words.vectors * (config.smoothing / (config.smoothing + share))[:, np.newaxis])
    total = np.maximum(counts.sum(axis=1), 1)[:, np.newaxis]
    return without_common((weighed / total).astype(np.float32), config.components)


def _word2vec() -> Any:
    try:
        return import_module("gensim.models").Word2Vec
    except ImportError as error:
        raise MissingAbility("training vectors of reviews needs gensim; install it, or leave reviews out") from error
