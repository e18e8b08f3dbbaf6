"""Queries that nobody asked, made up for passages, from which an encoder can learn what people call things.

- *labels*: what a title carries, in its own name or as people call it: "funny crime, detectives".
- *pairs*: the title that people name beside another one: "like Cowboy Bebop".
- *openings*: the first sentence of a text, for another passage of the same title (the inverse cloze task).
- a generator, where the user names one: a net that writes queries for a passage.

None needs a network but the last. None sees a query that anybody judged.

Sources: Wang et al. 2022, "GPL: Generative Pseudo Labeling for Unsupervised Domain Adaptation of Dense Retrieval"; the
inverse cloze task, Lee, Chang, Toutanova 2019, "Latent Retrieval for Weakly Supervised Open Domain Question Answering".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError, MissingAbility
from anirec.prepare.pairs import Pairs
from anirec.search.chunks import sentences
from anirec.search.glosses import GLOSSES
from anirec.search.labels import LabelIndex

FORMS: Final = ("{}", "{} anime", "anime about {}", "something with {}", "{} story")
LIKE: Final = ("like {}", "similar to {}", "anime like {}", "something like {}")
MOST_LABELS: Final = 3
WORDS: Final = (4, 24)
"""A sentence of fewer or more words is no query."""


@dataclass(frozen=True, eq=False)
class Question:
    """A query and whom it may bring up.

    text: as it might be typed. row: of the catalogue, the anime that answers it. answers: int32 [m], rows of all that
    may answer it, that one among them: none of these is a wrong answer. passage: the very passage it was made for, or
    -1 for whichever passage of that anime is nearest; without: passages of the anime that give the answer away.
    """

    text: str
    row: int
    answers: NDArray[np.int32]
    passage: int = -1
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Passages:
    """What is searched: texts, and of which row of the catalogue each is, int [n]; documents: of which text each is."""

    texts: Sequence[str]
    rows: NDArray[np.int64]
    documents: NDArray[np.int32]

    def of(self) -> Mapping[int, NDArray[np.int64]]:
        """Return the places of each row's passages."""
        order = np.argsort(self.rows, kind="stable")
        rows, starts = np.unique(self.rows[order], return_index=True)
        return dict(zip(rows.tolist(), np.split(order, starts[1:]), strict=True))


class Generator(Protocol):
    """What writes queries for a passage."""

    def queries(self, texts: Sequence[str]) -> list[str]:
        """Return one query for each text, none of them empty where the text is not."""
        ...


def of_labels(
    passages: Passages, labels: LabelIndex, catalogue: Catalogue, each: int, rng: np.random.Generator
) -> list[Question]:
    """Return up to `each` queries for each anime with a passage, of one to three labels that it carries.

    Rare labels are taken more often than those of every second title, and those that a title has much of more often.
    """
    carried = _carried(labels)
    idf = -np.log(np.maximum(labels.share, 1e-6))
    found = []
    for row in passages.of():
        own, weights = carried.get(row, (np.empty(0, np.int64), np.empty(0)))
        if len(own) == 0:
            continue
        chances = weights * idf[own] + 1e-9
        for _ in range(each):
            n = min(int(rng.integers(1, MOST_LABELS + 1)), len(own))
            chosen = rng.choice(own, size=n, replace=False, p=chances / chances.sum())
            answers = np.logical_and.reduce([labels.carried(int(label)) > 0 for label in chosen])
            answers |= catalogue.franchise == catalogue.franchise[row]
            text = _said([_called(labels.names[int(i)], rng) for i in chosen], rng)
            found.append(Question(text, row, _rows(answers)))
    return found


def _rows(marked: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.flatnonzero(marked).astype(np.int32)


def _carried(labels: LabelIndex) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return by row the labels, studios left out, and how much of each it has."""
    of_entry = np.repeat(np.arange(len(labels.names)), np.diff(labels.indptr))
    kept = ~labels.studios[of_entry]
    rows, of_entry, weights = labels.rows[kept], of_entry[kept], labels.weights[kept] / 255
    order = np.argsort(rows, kind="stable")
    unique, starts = np.unique(rows[order], return_index=True)
    parts = zip(np.split(of_entry[order], starts[1:]), np.split(weights[order], starts[1:]), strict=True)
    return dict(zip(unique.tolist(), parts, strict=True))


def _called(label: str, rng: np.random.Generator) -> str:
    """Return a label's own name, or something else that it is called."""
    names = [label.lower(), *(other for other in GLOSSES.get(label, "").split(", ") if other.isascii() and other)]
    return names[int(rng.integers(len(names)))]


def _said(parts: Sequence[str], rng: np.random.Generator) -> str:
    joined = (" ", ", ", " and ", " with ")[int(rng.integers(4))].join(parts)
    return FORMS[int(rng.integers(len(FORMS)))].format(joined)


def of_pairs(
    passages: Passages, pairs: Pairs, titles: Mapping[int, str], catalogue: Catalogue, rng: np.random.Generator
) -> list[Question]:
    """Return for each pair a query by the one title for the other one, of which there is a passage.

    titles: by id. Any title that people named beside the one that is asked for may answer, too.
    """
    with_passage = np.zeros(len(catalogue), dtype=np.bool_)
    with_passage[passages.rows] = True
    known = pairs.known_to(catalogue.anime_ids)
    a, b = catalogue.rows_of(known.first), catalogue.rows_of(known.second)
    asked, named = np.concatenate([a, b]), np.concatenate([b, a])
    beside: dict[int, list[int]] = {}
    for one, other in zip(asked.tolist(), named.tolist(), strict=True):
        beside.setdefault(one, []).append(other)
    found = []
    for one, other in zip(asked.tolist(), named.tolist(), strict=True):
        title = titles.get(int(catalogue.anime_ids[one]))
        if title and with_passage[other]:
            answers = np.isin(catalogue.franchise, catalogue.franchise[[one, *beside[one]]])
            found.append(Question(LIKE[int(rng.integers(len(LIKE)))].format(title), other, _rows(answers)))
    return found


def of_openings(passages: Passages, catalogue: Catalogue) -> list[Question]:
    """Return the first sentence of each text of which there is a passage, for the other passages of its anime."""
    found, told = [], set()
    by_row = passages.of()
    for place, (text, document) in enumerate(zip(passages.texts, passages.documents.tolist(), strict=True)):
        row = int(passages.rows[place])
        first = sentences(text)[:1]
        others = by_row[row][by_row[row] != place]
        if document in told or not first or not WORDS[0] <= len(first[0].split()) <= WORDS[1] or len(others) == 0:
            continue
        told.add(document)
        same = catalogue.franchise == catalogue.franchise[row]
        found.append(Question(first[0].rstrip(".!"), row, _rows(same), without=frozenset({place})))
    return found


def of_generator(passages: Passages, catalogue: Catalogue, generator: Generator) -> list[Question]:
    """Return what a generator asks each passage."""
    return [
        Question(query, int(row), _rows(catalogue.franchise == catalogue.franchise[row]), passage=place)
        for place, (query, row) in enumerate(zip(generator.queries(passages.texts), passages.rows, strict=True))
        if query.strip()
    ]


@dataclass(frozen=True, eq=False)
class NetGenerator:
    """A sequence-to-sequence net of the library `transformers`, T5 among them. Make one with `open_generator`."""

    net: Any
    tokenizer: Any
    batch: int = 16

    def queries(self, texts: Sequence[str]) -> list[str]:
        """Return one query for each text; the likeliest, so that the same text gives the same query."""
        import torch  # noqa: PLC0415 - an extra

        found: list[str] = []
        for start in range(0, len(texts), self.batch):
            read = self.tokenizer(
                list(texts[start : start + self.batch]), return_tensors="pt", padding=True, truncation=True
            )
            with torch.inference_mode():
                written = self.net.generate(
                    input_ids=read["input_ids"], attention_mask=read["attention_mask"], max_new_tokens=32
                )
            found += self.tokenizer.batch_decode(written, skip_special_tokens=True)
        return found


def open_generator(name: str, *, download: bool = False) -> NetGenerator:
    """Open a generator by its name or folder. download: whether the model hub may be asked for it.

    Raises:
        MissingAbility: transformers is not installed.
        InputError: there is no such net.
    """
    try:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer  # noqa: PLC0415 - an extra, seconds to load
    except ImportError as error:
        raise MissingAbility(f'a generator needs transformers: pip install "anirec[text-train]" ({error})') from error
    try:  # whoever trains names the net; weights are read, code of a hub is not run
        net = AutoModelForSeq2SeqLM.from_pretrained(name, local_files_only=not download).eval()  # nosec B615
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=not download)  # nosec B615
    except (OSError, ValueError) as error:
        raise InputError(f'there is no generator of queries "{name}": {error}') from error
    return NetGenerator(net, tokenizer)
