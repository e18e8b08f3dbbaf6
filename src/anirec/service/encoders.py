"""A text encoder taught what people call things: from canonical tables to a Sentence Transformer and an int8 encoder.

    texts -> passages -> made-up queries -> an answer and a wrong one for each -> (a teacher's margins) -> training
    passages of judged and other anime -> dense search before and after, on queries that somebody labelled

Training sees no labelled query. What comes out is kept only if it answers those better than what went in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import BadTable, InputError
from anirec.evaluate.intervals import Interval, bootstrap
from anirec.evaluate.labelled import LabelledQuery, figures
from anirec.prepare.pairs import Pairs
from anirec.recommenders.neural.settings import LoopConfig, Run
from anirec.search.building import labels_of
from anirec.search.cache import encoded
from anirec.search.documents import Chunks, DocumentConfig, cut, read_texts
from anirec.search.encoders import TextEncoder
from anirec.search.labels import LabelIndex
from anirec.search.rerank import Reranker
from anirec.search.training.negatives import Ground, Triples, mine
from anirec.search.training.questions import (
    Generator,
    Passages,
    Question,
    of_generator,
    of_labels,
    of_openings,
    of_pairs,
)
from anirec.service.progress import Progress
from anirec.tables import connect, quoted

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SOURCES: Final = ("labels", "pairs", "openings")
"""What queries are made up from without a generator."""
HELD: Final = 0.1
"""This share of the anime is not learned from: by what is made up for them the best epoch is chosen."""
CHECKED: Final = 300
"""Triples of those that are looked at after each epoch, at most."""
FIGURES: Final = ("ndcg@10", "success@5")


@dataclass(frozen=True)
class EncoderTraining:
    """How an encoder is trained.

    sources: some of `SOURCES`. labels: queries of labels for each anime. questions: of all sources together, at most, a
    random part. nearer: 0..1, what is made up is trusted if at most this share of passages is nearer than its answer;
    1 = always, for an encoder that knows nothing yet. passages: that are learned from, at most. tokens: read of a
    passage while training. batch: triples at a time. judged: passages that labelled queries are asked of, at most,
    besides those of anime with a label. loop: of training; an epoch goes over all triples once.
    """

    sources: tuple[str, ...] = ("labels",)
    labels: int = 6
    questions: int = 40_000
    nearer: float = 0.02
    passages: int = 14_000
    tokens: int = 48
    batch: int = 16
    judged: int = 4_000
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(epochs=1, patience=1, lr=3e-5, weight_decay=0.01, warm_up=100)
    )
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if unknown := sorted(set(self.sources) - set(SOURCES)):
            raise InputError(f"queries cannot be made of {', '.join(unknown)}; there are {', '.join(SOURCES)}")
        if min(self.labels, self.questions, self.passages, self.tokens, self.judged) < 1 or self.batch < 2:
            raise InputError(f"counts of at least 1, and batches of at least 2, are needed; got {self}")


@dataclass(frozen=True, eq=False)
class Helpers:
    """What teaches besides texts.

    teacher: of margins, which then are learned. generator: of queries. pairs, titles (by id): for `pairs`.
    """

    pairs: Pairs
    titles: Mapping[int, str]
    teacher: Reranker | None = None
    generator: Generator | None = None


@dataclass(frozen=True, eq=False)
class Learning:
    """All that one training learns from. held: triples of anime that `train` has none of. margins: of `train`."""

    chunks: Chunks
    passages: Passages
    train: Triples
    held: Triples
    margins: NDArray[np.float32] | None


def read_passages(folder: Path, catalogue: Catalogue, encoder: TextEncoder, most: int) -> Chunks:
    """Return chunks of a canonical folder's texts about anime of the catalogue, those of well-known ones first.

    Raises:
        BadTable: a table cannot be read, or there are no texts.
    """
    config = DocumentConfig()
    texts = read_texts(folder, config).known_to(catalogue.anime_ids)
    chunks = cut(texts, encoder.lengths, config, most=most)
    if len(chunks) == 0:
        raise BadTable(f"there is no synopsis or review in {folder} of an anime that is known")
    return chunks


def learning(
    folder: Path,
    catalogue: Catalogue,
    encoder: TextEncoder,
    helpers: Helpers,
    config: EncoderTraining,
    work: Path,
    progress: Progress,
) -> Learning:
    """Make up queries for the texts of a canonical folder and find what answers them and what does not.

    encoder: as it is before training. work: where its vectors are kept.

    Raises:
        BadTable: a table cannot be read, or nothing can be learned from the texts.
    """
    rng = np.random.default_rng([config.seed, 1])
    progress("reading texts", 0, 1)
    chunks = read_passages(folder, catalogue, encoder, config.passages)
    passages = Passages(chunks.texts, catalogue.rows_of(chunks.anime_ids), chunks.documents)
    vectors = encoded(chunks.texts, encoder, work, lambda done, total: progress("encoding texts", done, total))
    labels = labels_of(folder, catalogue, encoder)
    questions = _made_up(passages, labels, catalogue, helpers, config, rng)
    held = np.isin([question.row for question in questions], _held_rows(catalogue, config))
    ground = Ground.over(passages, vectors)
    parts: list[Triples] = []
    for wanted in (~held, held):
        chosen = [questions[int(i)] for i in np.flatnonzero(wanted)][: config.questions]
        progress("looking for wrong answers", len(parts), 2)
        parts.append(mine(chosen, ground, encoder, rng, nearer=config.nearer))
    if min(map(len, parts)) < 2:
        raise BadTable(f"too little can be made up from the texts in {folder} to learn from")
    train, checked = parts[0], parts[1].first(CHECKED)
    taught = None if helpers.teacher is None else _taught(train, passages, helpers.teacher, progress)
    return Learning(chunks, passages, train, checked, taught)


def _made_up(
    passages: Passages,
    labels: LabelIndex,
    catalogue: Catalogue,
    helpers: Helpers,
    config: EncoderTraining,
    rng: np.random.Generator,
) -> list[Question]:
    """Return all questions in random order."""
    found: list[Question] = []
    if helpers.generator is not None:
        found += of_generator(passages, catalogue, helpers.generator)
    if "labels" in config.sources:
        found += of_labels(passages, labels, catalogue, config.labels, rng)
    if "pairs" in config.sources:
        found += of_pairs(passages, helpers.pairs, helpers.titles, catalogue, rng)
    if "openings" in config.sources:
        found += of_openings(passages, catalogue)
    return [found[int(i)] for i in rng.permutation(len(found))]


def _held_rows(catalogue: Catalogue, config: EncoderTraining) -> NDArray[np.int64]:
    """Return the rows of whole franchises, about `HELD` of all."""
    franchises = np.unique(catalogue.franchise)
    held = np.random.default_rng([config.seed, 2]).random(len(franchises)) < HELD
    return np.flatnonzero(np.isin(catalogue.franchise, franchises[held]))


def _taught(triples: Triples, passages: Passages, teacher: Reranker, progress: Progress) -> NDArray[np.float32]:
    from anirec.search.training.objective import margins  # noqa: PLC0415 - what follows it needs torch

    progress("asking the teacher", 0, 1)
    return margins(triples, passages, teacher)


def fine_tune(model: SentenceTransformer, given: Learning, config: EncoderTraining, run: Run) -> Sequence[float]:
    """Train a Sentence Transformer in place; returns of each epoch how many held-out answers beat wrong ones.

    Raises:
        FloatingPointError: the loss is not finite; says at which epoch and batch.
        InputError: the checkpoint is of another training.
    """
    from anirec.recommenders.neural import loop  # noqa: PLC0415 - torch
    from anirec.search.training.objective import batches, beaten, loss_of  # noqa: PLC0415 - torch

    rng = np.random.default_rng([config.seed, 3])
    loop.seed(rng)
    whole, model.max_seq_length = model.max_seq_length, config.tokens
    loss = loss_of(model, given.train, given.passages, given.margins)
    history = loop.train(
        model,
        n_batches=-(-len(given.train) // config.batch),
        batches=lambda own: batches(given.train, config.batch, own),
        loss=lambda _net, places, _step: loss(places),
        validate=lambda: beaten(model, given.held, given.passages),
        config=config.loop,
        rng=rng,
        run=run,
    )
    model.max_seq_length = whole
    return history.figures


@dataclass(frozen=True)
class Judged:
    """How dense search answers labelled queries: by figure, and NDCG@10 of each query: float64 [queries]."""

    figures: Mapping[str, Interval]
    each: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jury:
    """Labelled queries and the passages that they are asked of."""

    queries: Sequence[LabelledQuery]
    passages: Passages
    catalogue: Catalogue

    @classmethod
    def over(cls, queries: Sequence[LabelledQuery], chunks: Chunks, catalogue: Catalogue, most: int) -> Jury:
        """Take the passages of all anime with a label, and the first others.

        Raises:
            InputError: no labelled anime has a passage.
        """
        labelled = np.isin(chunks.anime_ids, [anime_id for query in queries for anime_id in query.relevant])
        if not labelled.any():
            raise InputError("none of the labelled anime has a synopsis or review: nothing can be judged")
        kept = labelled | (np.cumsum(~labelled) <= most)
        places = np.flatnonzero(kept)
        texts = [chunks.texts[int(place)] for place in places]
        rows = catalogue.rows_of(chunks.anime_ids[places])
        return cls(queries, Passages(texts, rows, chunks.documents[places]), catalogue)

    def judge(self, encoder: TextEncoder) -> Judged:
        """Answer each query by the anime whose nearest passage is nearest, one of each franchise, and mark it."""
        franchise = self.catalogue.franchise
        franchise_of = dict(zip(self.catalogue.anime_ids.tolist(), franchise.tolist(), strict=True))
        asked = encoder.encode([query.text for query in self.queries])
        held = encoder.encode(list(self.passages.texts))
        marks = np.empty((len(self.queries), 2))
        for i, (query, vector) in enumerate(zip(self.queries, asked, strict=True)):
            rows = self.passages.rows[np.argsort(-(held @ vector), kind="stable")]
            _, first = np.unique(franchise[rows], return_index=True)
            found = self.catalogue.anime_ids[rows[np.sort(first)[:10]]]
            marks[i] = figures(found.tolist(), query.relevant, franchise_of)
        intervals = bootstrap(marks, np.random.default_rng(0))
        return Judged(dict(zip(FIGURES, intervals, strict=True)), marks[:, 0])


def better(before: Judged, after: Judged) -> Interval:
    """Return by how much NDCG@10 rose, paired by query."""
    (found,) = bootstrap((after.each - before.each)[:, np.newaxis], np.random.default_rng(0))
    return found


def jury_of(
    queries: Sequence[LabelledQuery] | None, given: Learning, catalogue: Catalogue, config: EncoderTraining
) -> Jury:
    """Return who judges: labelled queries, or, where nobody labelled any, what was made up for anime held out.

    Raises:
        InputError: as `Jury.over` does.
    """
    asked = _made_up_labels(given, catalogue) if queries is None else queries
    return Jury.over(asked, given.chunks, catalogue, config.judged)


def _made_up_labels(given: Learning, catalogue: Catalogue) -> list[LabelledQuery]:
    ids = catalogue.anime_ids[given.passages.rows[given.held.positives]]
    pairs = enumerate(zip(given.held.queries, ids.tolist(), strict=True))
    return [LabelledQuery(str(i), text, {anime_id: 2}) for i, (text, anime_id) in pairs]


def titles_of(folder: Path) -> dict[int, str]:
    """Return by id what each anime of a canonical folder is called, in English where there is an English title.

    Raises:
        BadTable: the table cannot be read.
    """
    file = folder / "anime.parquet"
    try:
        with connect() as con:
            rows = con.execute(
                f"SELECT anime_id, coalesce(title_english, title) FROM read_parquet({quoted(file)})"
            ).fetchall()
    except duckdb.Error as error:
        raise BadTable(f"{file} cannot be read as a table of anime: {error}") from error
    return {int(anime_id): title for anime_id, title in rows if title}
