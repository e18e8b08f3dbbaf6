"""Settings of the lenses that are made of texts, each lens by itself, measured on pairs that people name together.

    python benchmarks/texts.py DIR OUT.json [ENCODER]

DIR: a canonical folder with reviews and recommendations. ENCODER: a text encoder's folder, for synopses. Texts learn
from no pair; the pairs asked for are those that `benchmarks/similar.py` learns from, so that what is chosen here can be
tested there. Words are trained once for each way of choosing them; all else is measured on the same vectors of words.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anirec.evaluate.protocols.item_similarity import questions
from anirec.prepare.catalogue import read_catalogue
from anirec.prepare.documents import read_documents
from anirec.prepare.pairs import read_pairs
from anirec.recommenders import review_vectors, text_vectors
from anirec.service.progress import silent
from anirec.wiring.search import open_encoder
from anirec.wiring.texts import REVIEWS, REVIEWS_KEPT, synopsis_vectors
from similar import ASKED, TESTED, measure

WHOLE = text_vectors.TextVectorsConfig(dimensions=1000)
WORDS = {
    "": REVIEWS,
    "of 20 franchises": replace(REVIEWS, min_franchises=20),
    "10 passes": replace(REVIEWS, passes=10),
}
SMOOTHING = (1e-2, 1e-3, 3e-4, 1e-4)
COMPONENTS = (0, 1, 2, 5, 10)
DIMENSIONS = (64, 96, 128, 192)

Tried = tuple[str, text_vectors.TextVectors | None]


def reviews(folder: Path, ids: NDArray[np.int32], franchise: NDArray[np.int32]) -> Iterator[Tried]:
    """Yield what is tried of reviews. ids, franchise: of the catalogue."""
    documents = read_documents(folder, "reviews").known_to(ids)
    groups = franchise[np.searchsorted(ids, documents.anime_ids)]
    for name, config in WORDS.items():
        started = time.process_time()
        words = review_vectors.read_words(documents, config, np.random.default_rng(0), franchise=groups)
        print(f"reviews {name}: {len(words.vectors):,} words, {time.process_time() - started:.0f} s", flush=True)
        keep = partial(text_vectors.fit, documents.anime_ids)
        yield f"reviews {name}", keep(review_vectors.averaged(words, config), WHOLE)
        if name:
            continue
        for smoothing in SMOOTHING:
            for components in COMPONENTS:
                tried = replace(config, smoothing=smoothing, components=components)
                yield f"reviews a={smoothing:g} -{components}", keep(review_vectors.averaged(words, tried), WHOLE)
        for k in DIMENSIONS:
            kept = replace(REVIEWS_KEPT, dimensions=k)
            yield f"reviews {k} numbers", keep(review_vectors.averaged(words, config), kept)


def synopses(folder: Path, ids: NDArray[np.int32], encoder: Path) -> Iterator[Tried]:
    """Yield what is tried of synopses."""
    documents = read_documents(folder, "synopses").known_to(ids)
    vectors = synopsis_vectors(documents.texts, open_encoder(encoder), silent)
    keep = partial(text_vectors.fit, documents.anime_ids)
    for components in COMPONENTS:
        yield f"synopsis -{components}", keep(text_vectors.without_common(vectors, components), WHOLE)
    for k in DIMENSIONS:
        kept = replace(REVIEWS_KEPT, dimensions=k)
        yield f"synopsis {k} numbers", keep(text_vectors.without_common(vectors, 1), kept)


def main(folder: Path, out: Path, encoder: Path | None = None) -> None:
    """Measure, print and write."""
    catalogue = read_catalogue(folder)
    learned, _ = read_pairs(folder).parted(TESTED, np.random.default_rng([0, 8]))
    known, asked_for = learned.parted(0.2, np.random.default_rng([0, 6]))
    every = questions(asked_for, known, catalogue.anime_ids)
    drawn = np.random.default_rng([0, 11]).permutation(len(every))[:ASKED]
    tried = dict(reviews(folder, catalogue.anime_ids, catalogue.franchise))
    if encoder is not None:
        tried |= dict(synopses(folder, catalogue.anime_ids, encoder))
    models = {name: model for name, model in tried.items() if model is not None}
    report = measure(models, every.at(np.sort(drawn)), catalogue, np.random.default_rng(0))
    for name in models:
        print(f"{name:24}", *(f"{figure} {of[name]['ndcg@10']}" for figure, of in report.rows.items()))
    rows = {f: {n: asdict(of["ndcg@10"]) for n, of in by.items()} for f, by in report.rows.items()}
    out.write_text(
        json.dumps({"questions": dict(report.questions), "ndcg@10": rows}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(Path, sys.argv[3:]))
