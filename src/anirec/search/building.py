"""A canonical folder -> all that search looks into. Encoding is nearly all of the time; `cache` keeps what is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import BadTable
from anirec.search import lexical
from anirec.search.cache import encoded
from anirec.search.documents import KINDS, REVIEW, SYNOPSIS, Chunks, DocumentConfig, Texts, cut, read_texts
from anirec.search.encoders import TextEncoder
from anirec.search.index import Chunked, SearchIndex
from anirec.search.labels import LabelIndex, meaning
from anirec.search.lexical import Lexical, LexicalConfig
from anirec.search.vectors import FEW_STEPS, STEPS, Vectors, packed
from anirec.search.words import counted, keys_of
from anirec.tables import connect, quoted

FADING: Final = 12.0
"""A tag in the place 12 of its list counts half as much as the first: lists begin with what a title is about."""
LEAST_TITLES: Final = 3
"""A label or studio that fewer titles carry is left out."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class IndexConfig:
    """How an index is built.

    documents: which texts, and how they are cut. words: of the word indexes. chunks: vectors at most, 0 = all, see
    `documents.cut`. passages: whether the texts themselves are kept, as evidence; not for bundles that are given to
    others. small: vectors in 4 bits instead of 8.
    """

    documents: DocumentConfig = field(default_factory=DocumentConfig)
    words: LexicalConfig = field(default_factory=LexicalConfig)
    chunks: int = 0
    passages: bool = True
    small: bool = False


@dataclass(frozen=True, eq=False)
class Built:
    """index: ready to be kept. counts: how much there was of what, for manifests."""

    index: SearchIndex
    counts: Mapping[str, int]


def build(
    folder: Path, catalogue: Catalogue, encoder: TextEncoder, cache: Path, config: IndexConfig, progress: Progress
) -> Built:
    """Build the index of a canonical folder.

    cache: where encoded texts are kept; what is there already is not encoded again. Anime that the catalogue does not
    have are passed over.

    Raises:
        BadTable: a table cannot be read.
    """
    progress("reading texts", 0, 1)
    texts = read_texts(folder, config.documents).known_to(catalogue.anime_ids)
    progress("reading texts", 1, 1)
    chunks = cut(texts, encoder.lengths, config.documents, most=config.chunks)
    labels = labels_of(folder, catalogue, encoder)
    words, said = _words(texts, catalogue, config.words, progress)
    vectors = encoded(chunks.texts, encoder, cache, lambda done, total: progress("encoding texts", done, total))
    steps = packed(vectors, steps=FEW_STEPS if config.small else STEPS)
    kept = _chunked(chunks, steps, catalogue, passages=config.passages)
    counts = {
        "texts": len(texts.texts),
        "chunks": len(chunks),
        "anime": len(np.unique(chunks.anime_ids)),
        "words": len(words.keys),
        "labels": len(labels.names),
    } | {f"left out: {reason}": n for reason, n in texts.dropped.items()}
    return Built(SearchIndex(catalogue, kept, words, said, labels), counts)


def _chunked(chunks: Chunks, vectors: Vectors, catalogue: Catalogue, *, passages: bool) -> Chunked:
    denied = [sorted(counted(text)[1]) for text in chunks.texts]
    signs = [text.encode() for text in chunks.texts]
    rows = catalogue.rows_of(chunks.anime_ids)
    kept = None
    if passages:
        kept = (np.frombuffer(b"".join(signs), dtype=np.uint8), _starts([len(s) for s in signs]))
    return Chunked(
        vectors=vectors,
        rows=rows.astype(np.uint16 if len(catalogue) <= 1 << 16 else np.int32),
        texts=chunks.documents,
        denied_keys=keys_of(stem for stems in denied for stem in stems),
        denied_indptr=_starts([len(stems) for stems in denied]),
        passages=kept,
    )


def _starts(sizes: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)


def _words(texts: Texts, catalogue: Catalogue, config: LexicalConfig, progress: Progress) -> tuple[Lexical, Lexical]:
    """Count the words of each anime's synopses and reviews; returns what they hold, and what reviews say much."""
    fields: dict[str, list[Counter[str]]] = {kind: [Counter() for _ in range(len(catalogue))] for kind in KINDS}
    rows = catalogue.rows_of(texts.anime_ids)
    for done, (row, kind, text) in enumerate(zip(rows, texts.kinds, texts.texts, strict=True)):
        if done % 1000 == 0:
            progress("counting words", done, len(texts.texts))
        fields[KINDS[int(kind)]][int(row)].update(counted(text)[0])
    progress("counting words", len(texts.texts), len(texts.texts))
    held = lexical.build(fields, {SYNOPSIS: config.synopsis, REVIEW: config.review}, config)
    return held, lexical.build_said(fields[REVIEW], most=config.said)


def labels_of(folder: Path, catalogue: Catalogue, encoder: TextEncoder) -> LabelIndex:
    """Read what each anime of a canonical folder carries; labels count in full, a tag by its place in the list.

    Raises:
        BadTable: the table of anime cannot be read.
    """
    file = folder / "anime.parquet"
    query = (
        "SELECT anime_id, coalesce(genres, []) || coalesce(themes, []) || coalesce(demographics, []), "
        f"coalesce(tags, []), coalesce(studios, []) FROM read_parquet({quoted(file)}) ORDER BY anime_id"
    )
    try:
        with connect() as con:
            found = con.execute(query).fetchall()
    except duckdb.Error as error:
        raise BadTable(f"{file} cannot be read as a table of anime: {error}") from error
    carried: dict[tuple[str, bool], dict[int, float]] = {}
    rows = dict(zip(catalogue.anime_ids.tolist(), range(len(catalogue)), strict=True))
    for anime_id, labels, tags, studios in found:
        if (row := rows.get(anime_id)) is None:
            continue
        said = [(name, False, 1.0) for name in labels]
        said += [(name, False, FADING / (FADING + place)) for place, name in enumerate(tags)]
        said += [(name, True, 1.0) for name in studios]
        for name, studio, weight in said:
            if name:
                of_label = carried.setdefault((name, studio), {})
                of_label[row] = max(of_label.get(row, 0.0), weight)
    kept = sorted(key for key, of_label in carried.items() if len(of_label) >= LEAST_TITLES)
    lists = [sorted(carried[key].items()) for key in kept]
    vectors = np.zeros((len(kept), encoder.size), dtype=np.float32)
    meant = [i for i, (_, studio) in enumerate(kept) if not studio]
    if meant:
        vectors[meant] = _unit(encoder.encode([meaning(kept[i][0]) for i in meant]))
    return LabelIndex(
        names=tuple(name for name, _ in kept),
        studios=np.array([studio for _, studio in kept], dtype=np.bool_),
        indptr=_starts([len(one) for one in lists]),
        rows=np.array([row for one in lists for row, _ in one], dtype=np.uint16 if len(rows) <= 1 << 16 else np.int32),
        weights=np.array([max(round(255 * w), 1) for one in lists for _, w in one], dtype=np.uint8),
        vectors=vectors,
        n=len(catalogue),
    )


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return found
