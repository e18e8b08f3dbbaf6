from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.search.training.negatives import Triples
from anirec.search.training.objective import NearnessTeacher, batches, beaten, loss_of, margins
from anirec.search.training.questions import Passages
from fake_encoder import FakeEncoder
from subjects import SUBJECTS, write_tiny_transformer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@pytest.fixture
def model(tmp_path: Path) -> SentenceTransformer:
    pytest.importorskip("sentence_transformers", reason="the extra text-train is not installed")
    from anirec.search.encoders.sentence import open_sentence

    return open_sentence(str(write_tiny_transformer(tmp_path / "tiny"))).model


def world() -> tuple[Triples, Passages]:
    """Each subject by its name; two passages of its words answer, one of another's words does not."""
    names = list(SUBJECTS)
    texts = [" ".join(SUBJECTS[name].split()[k : k + 3]) for name in names for k in (0, 3)]
    passages = Passages(texts, np.repeat(np.arange(6), 2), np.arange(12, dtype=np.int32))
    queries = [f"{name.lower()} anime" for name in names for _ in (0, 1)]
    wrong = (np.arange(12) + 2) % 12
    return Triples(queries, np.arange(12), wrong), passages


def taught(model: SentenceTransformer, given: NDArray[np.float32] | None, steps: int) -> None:
    import torch

    triples, passages = world()
    loss, rng = loss_of(model, triples, passages, given), np.random.default_rng(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        for places in batches(triples, 6, rng):
            optimiser.zero_grad()
            loss(places).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    model.eval()


def test_told_answers_from_the_rest_it_puts_them_in_front(model: SentenceTransformer) -> None:
    triples, passages = world()
    before = beaten(model, triples, passages)
    taught(model, None, 30)
    assert before < 0.8
    assert beaten(model, triples, passages) == 1.0


def test_told_margins_it_learns_them_even_where_a_negative_is_to_win(model: SentenceTransformer) -> None:
    triples, passages = world()
    wanted = np.where(np.arange(len(triples)) % 4 < 2, 1.0, -1.0).astype(np.float32)  # of half, the negative wins
    taught(model, wanted, 60)
    held, asked = model.encode(list(passages.texts)), model.encode(list(triples.queries))
    found = [
        vector @ held[right] - vector @ held[wrong]
        for vector, right, wrong in zip(asked, triples.positives, triples.negatives, strict=True)
    ]
    signs = np.sign(found)
    assert np.mean(signs == wanted) > 0.9


class ByLength:
    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([len(text) - len(query) for text in texts], np.float32)


def test_a_margin_is_what_the_teacher_gives_the_answer_more_than_a_negative() -> None:
    passages = Passages(["aaaa", "b", "cc"], np.arange(3), np.arange(3, dtype=np.int32))
    triples = Triples(["q"], np.array([0]), np.array([1]))
    assert margins(triples, passages, ByLength()).tolist() == [3.0]


def test_an_encoder_teaches_by_its_inner_products() -> None:
    encoder = FakeEncoder()
    query, text = encoder.encode(["a murder", "the murder of a clerk"])
    found = NearnessTeacher(encoder).score("a murder", ["the murder of a clerk"])
    assert found.tolist() == pytest.approx([float(query @ text)])


def test_an_epoch_has_every_triple_once_but_for_one_that_would_be_alone() -> None:
    triples, _ = world()
    rng = np.random.default_rng(0)
    assert sorted(np.concatenate(list(batches(triples, 5, rng))).tolist()) == list(range(12))
    assert sum(map(len, batches(triples, 11, rng))) == 11
