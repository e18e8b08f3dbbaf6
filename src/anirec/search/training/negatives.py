"""For each query a passage that answers it, and one that looks as if it did: what two retrievers put in front.

Passages far from a query teach nothing, and those of one retriever only what that one gets wrong; so half are what the
encoder itself confuses, half what shares the query's words (BM25). Passages of anything that may answer are none.

What is made up is often wrong: no passage may speak of what its title is labelled with. So a query is kept only if the
nearest passage of its answer is among the nearest of all (round-trip consistency, Dai et al. 2022, "Promptagator").

Source: Karpukhin et al. 2020, "Dense Passage Retrieval for Open-Domain Question Answering"; Wang et al. 2022 (GPL).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.search import lexical
from anirec.search.encoders import TextEncoder
from anirec.search.lexical import Lexical, LexicalConfig
from anirec.search.training.questions import Passages, Question
from anirec.search.words import counted

DEPTH: Final = 200
"""Places of each retriever among which a negative is looked for."""
SPREAD: Final = 20
"""Among how many of the first negatives of a retriever one is drawn: the very first is too often an answer."""


@dataclass(frozen=True, eq=False)
class Triples:
    """What is learned from. queries: [n]. positives, negatives: int64 [n], places of passages."""

    queries: Sequence[str]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.queries)

    def first(self, most: int) -> Triples:
        """Return the first `most`."""
        return Triples(self.queries[:most], self.positives[:most], self.negatives[:most])


@dataclass(frozen=True, eq=False)
class Ground:
    """Where answers and wrong answers are looked for.

    vectors: of the passages, float32 [n, size]. words: what passages say, BM25. by_row: places of each row's passages.
    """

    passages: Passages
    vectors: NDArray[np.float32]
    words: Lexical
    by_row: Mapping[int, NDArray[np.int64]]

    @classmethod
    def over(cls, passages: Passages, vectors: NDArray[np.floating]) -> Ground:
        """Take passages and their vectors, float [n, size]."""
        said = {"text": [Counter(counted(text)[0]) for text in passages.texts]}
        words = lexical.build(said, {"text": 1.0}, LexicalConfig())
        return cls(passages, vectors.astype(np.float32), words, passages.of())


def mine(
    questions: Sequence[Question],
    ground: Ground,
    encoder: TextEncoder,
    rng: np.random.Generator,
    *,
    nearer: float = 1.0,
) -> Triples:
    """Return a triple for each question of whose anime there is a passage left.

    encoder: that the ground's vectors are of. nearer: 0..1, a question is kept if at most this share of all passages is
    nearer to it than its answer, and wrong.
    """
    passages = ground.passages
    asked = encoder.encode([question.text for question in questions])
    kept, positives, negatives = [], [], []
    for question, vector in zip(questions, asked, strict=True):
        near = ground.vectors @ vector
        right = _answer(question, ground.by_row, near)
        wrong = ~np.isin(passages.rows, question.answers)
        if right < 0 or not wrong.any() or np.mean(wrong & (near > near[right])) > nearer:
            continue
        said = ground.words.score(counted(question.text)[0])[0] if rng.random() < 1 / 2 else near
        kept.append(question.text)
        positives.append(right)
        negatives.append(_drawn(said, wrong, rng))
    return Triples(kept, np.array(positives, np.int64), np.array(negatives, np.int64))


def _answer(question: Question, by_row: Mapping[int, NDArray[np.int64]], near: NDArray[np.float32]) -> int:
    """Return the passage that answers: the one it was made for, else the nearest of its anime; -1 if none is left."""
    if question.passage >= 0:
        return question.passage
    may = [place for place in by_row.get(question.row, np.empty(0, np.int64)) if place not in question.without]
    return int(may[int(np.argmax(near[may]))]) if may else -1


def _drawn(scores: NDArray[np.float32], wrong: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """Return one of the best places that are marked; any marked one if none of them is among the best."""
    front = np.argpartition(-scores, min(DEPTH, len(scores) - 1))[:DEPTH]
    front = front[wrong[front]]
    if len(front) == 0:
        return int(rng.choice(np.flatnonzero(wrong)))
    return int(rng.choice(front[np.argsort(-scores[front], kind="stable")][:SPREAD]))
