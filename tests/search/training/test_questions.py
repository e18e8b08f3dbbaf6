from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError
from anirec.prepare.pairs import Pairs
from anirec.search.glosses import GLOSSES
from anirec.search.labels import LabelIndex
from anirec.search.training.questions import (
    Passages,
    of_generator,
    of_labels,
    of_openings,
    of_pairs,
    open_generator,
)
from worlds import catalogue_of

TEXTS = (
    "Two cops hunt a thief through the rain. They never sleep.",
    "The thief is an old friend. He knows what they want.",
    "A band plays its first song. Nobody claps at the end.",
    "The drummer leaves on a ship.",
)
ROWS = np.array([0, 0, 1, 2])
"""0 and 2 carry Crime, 1 carries Music, 2 carries both, 3 carries Crime and has no passage."""


@pytest.fixture
def catalogue() -> Catalogue:
    return catalogue_of(5, franchises=[[3, 5]])


@pytest.fixture
def passages() -> Passages:
    return Passages(TEXTS, ROWS, np.array([0, 1, 2, 3], np.int32))


@pytest.fixture
def labels() -> LabelIndex:
    return LabelIndex(
        names=("Crime", "Music", "Sunrise"),
        studios=np.array([False, False, True]),
        indptr=np.array([0, 3, 5, 7]),
        rows=np.array([0, 2, 3, 1, 2, 0, 1], np.uint16),
        weights=np.full(7, 255, np.uint8),
        vectors=np.zeros((3, 4), np.float32),
        n=5,
    )


def test_a_query_of_labels_calls_them_as_people_do_and_is_answered_by_all_that_carry_them(
    passages: Passages, labels: LabelIndex, catalogue: Catalogue
) -> None:
    found = of_labels(passages, labels, catalogue, 20, np.random.default_rng(0))
    assert {question.row for question in found} == {0, 1, 2}
    crime = {"crime", *(name for name in GLOSSES["Crime"].split(", ") if name.isascii())}
    spoken = {q.text for q in found if q.row == 0}
    assert all(any(name in text for name in crime) for text in spoken)
    assert len(spoken) > 5
    assert not any("sunrise" in q.text for q in found)
    for question in found:
        answers = set(question.answers.tolist())
        carriers = {0: {0, 2, 3}, 1: {1, 2}}
        assert question.row in answers
        assert answers in [carriers[0], carriers[1], {2}, carriers[0] | {4}, carriers[1] | {4}, {2, 4}]
        assert (4 in answers) == (question.row == 2)  # the other one of its franchise


def test_a_query_by_a_title_is_answered_by_what_people_named_beside_it(
    passages: Passages, catalogue: Catalogue
) -> None:
    pairs = Pairs(np.array([1, 1], np.int32), np.array([2, 4], np.int32), np.array([3, 1], np.float32))
    titles = {1: "Cowboy Bebop", 2: "Nana", 4: "Beck"}
    found = of_pairs(passages, pairs, titles, catalogue, np.random.default_rng(0))
    asked = {("Cowboy Bebop", 1), ("Nana", 0), ("Beck", 0)}  # 4 has no passage that could answer
    assert {(next(t for t in titles.values() if t in q.text), q.row) for q in found} == asked
    bebop = next(q for q in found if "Bebop" in q.text)
    assert bebop.answers.tolist() == [0, 1, 3]


def test_a_first_sentence_asks_for_another_passage_of_its_anime(passages: Passages, catalogue: Catalogue) -> None:
    found = of_openings(passages, catalogue)
    assert [(q.text, q.row, set(q.without)) for q in found] == [
        ("Two cops hunt a thief through the rain", 0, {0}),
        ("The thief is an old friend", 0, {1}),
    ]


class Echo:
    def queries(self, texts: Sequence[str]) -> list[str]:
        return ["" if "ship" in text else text.split()[1] for text in texts]


def test_a_generated_query_is_answered_by_the_passage_that_it_was_written_for(
    passages: Passages, catalogue: Catalogue
) -> None:
    found = of_generator(passages, catalogue, Echo())
    assert [(q.text, q.row, q.passage) for q in found] == [("cops", 0, 0), ("thief", 0, 1), ("band", 1, 2)]


def test_a_net_writes_for_each_passage_what_it_has_learned(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra text-train is not installed")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    words = ["<pad>", "</s>", "<unk>", *sorted({word for text in TEXTS for word in text.split()})]
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))  # noqa: S106 - no password
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=raw, **special)
    torch.manual_seed(0)
    config: Any = T5Config
    net = T5ForConditionalGeneration(
        config(
            vocab_size=len(words), d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, decoder_start_token_id=0,
            pad_token_id=0, eos_token_id=1, dropout_rate=0.0,
        )
    )  # fmt: skip
    wanted = [" ".join(text.split()[:2]) for text in TEXTS]
    read, written = (tokenizer(texts, return_tensors="pt", padding=True) for texts in (list(TEXTS), wanted))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        net(
            input_ids=read["input_ids"], attention_mask=read["attention_mask"], labels=written["input_ids"]
        ).loss.backward()
        optimiser.step()
    net.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert open_generator(str(tmp_path)).queries(TEXTS) == wanted
    with pytest.raises(InputError, match="there is no generator"):
        open_generator(str(tmp_path / "nowhere"))
