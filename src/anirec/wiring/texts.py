"""The lenses of `similar` that are made of what is written of titles: reviews and synopses."""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.documents import read_documents
from anirec.recommenders import review_vectors, text_vectors
from anirec.search import texts
from anirec.search.cache import encoded
from anirec.search.chunks import ChunkConfig, windows
from anirec.search.encoders import TextEncoder
from anirec.search.encoders.facts import read_facts
from anirec.service.indexing import fingerprint
from anirec.service.progress import Progress
from anirec.service.training import Material, Storable
from anirec.wiring.search import open_encoder
from anirec.wiring.serve import starter_bundle

REVIEWS: Final = review_vectors.ReviewsConfig()
REVIEWS_KEPT: Final = text_vectors.TextVectorsConfig()
WINDOWS: Final = ChunkConfig()
"""Sentences of a synopsis that are encoded together: the windows of search, so that vectors can be shared."""
COMMON: Final = 1
"""Principal components that are taken away from the vectors of synopses."""
SYNOPSES_KEPT: Final = text_vectors.TextVectorsConfig()
BLOCK: Final = 512
"""Windows encoded from one word of progress to the next."""


def config(encoder: Path | None) -> dict[str, dict[str, Any]]:
    """Return the settings of the lenses, for manifests. encoder: the folder of that of synopses, None = there is none.

    Raises:
        DamagedBundle: there is no encoder in that folder.
    """
    found: dict[str, dict[str, Any]] = {"similar-reviews": {**asdict(REVIEWS), "kept": asdict(REVIEWS_KEPT)}}
    if encoder is not None:
        facts = read_facts(encoder)
        found["similar-synopsis"] = {
            "encoder": {"name": facts.name, "origin": facts.origin, "fingerprint": fingerprint(encoder)},
            "windows": asdict(WINDOWS),
            "common": COMMON,
            "kept": asdict(SYNOPSES_KEPT),
        }
    return found


def left_out(material: Material, encoder: Path | None) -> tuple[str, ...]:
    """Return why lenses go missing for which there would be data: a sentence each, with what to do."""
    said = []
    if material.has("reviews") and not can_read_reviews():
        said.append('gensim is not installed, so there is no lens "reviews"; pip install "anirec[item2vec]"')
    if material.has("synopses") and encoder is None:
        said.append('there is no text encoder, so there is no lens "synopsis"; pip install "anirec[text]", --encoder')
    return tuple(said)


def default_encoder() -> Path | None:
    """Return the folder of the encoder that comes with the package, None where there is none or nothing to run it."""
    folder = starter_bundle() / "search" / "encoder"
    runs = find_spec("onnxruntime") is not None and find_spec("tokenizers") is not None
    return folder if runs and folder.is_dir() else None


def can_read_reviews() -> bool:
    """Return whether gensim is installed, which training on reviews takes (and serving does not)."""
    return find_spec("gensim") is not None


def reviews(material: Material, seed: int) -> Storable | None:
    """Train the vectors of reviews; None where there are none, or nothing to train them with."""
    if not material.has("reviews") or not can_read_reviews():
        return None
    documents = read_documents(material.folder, "reviews").known_to(material.catalogue.anime_ids)
    franchise = material.catalogue.franchise[material.catalogue.rows_of(documents.anime_ids)]
    vectors = review_vectors.fit(documents, REVIEWS, np.random.default_rng(seed), franchise=franchise)
    return text_vectors.fit(documents.anime_ids, vectors, REVIEWS_KEPT)


def synopses(material: Material, encoder: Path | None, progress: Progress, work: Path | None = None) -> Storable | None:
    """Encode the synopses; None where there are none, or no encoder.

    work: where encoded texts are kept, those of each encoder in a folder of their own, as `anirec index` does: what it
    encoded is not encoded again. None = they are not kept.

    Raises:
        MissingAbility: what runs the encoder is not installed.
        DamagedBundle: there is no encoder in that folder.
    """
    if not material.has("synopses") or encoder is None:
        return None
    documents = read_documents(material.folder, "synopses").known_to(material.catalogue.anime_ids)
    cache = work / fingerprint(encoder) if work is not None else None
    vectors = synopsis_vectors(documents.texts, open_encoder(encoder), progress, cache)
    return text_vectors.fit(documents.anime_ids, text_vectors.without_common(vectors, COMMON), SYNOPSES_KEPT)


def synopsis_vectors(
    written: tuple[tuple[str, ...], ...], encoder: TextEncoder, progress: Progress, cache: Path | None = None
) -> NDArray[np.float32]:
    """Return float32 [n, size]: of each title the mean of the vectors of its synopsis's windows, without boilerplate.

    written: of each title. cache: where vectors are kept, see `search.cache`. 0 where nothing but boilerplate is
    written.
    """
    cut = [
        [w for text in of_title for w in windows(texts.synopsis(text), encoder.lengths, WINDOWS)]
        for of_title in written
    ]
    rows = np.repeat(np.arange(len(cut)), [len(of_title) for of_title in cut])
    flat = [window for of_title in cut for window in of_title]
    if cache is not None:
        known = encoded(flat, encoder, cache, lambda done, total: progress("encoding synopses", done, total))
        return text_vectors.averaged(rows, known.astype(np.float32), len(cut))
    blocks = [np.empty((0, encoder.size), np.float32)]
    for start in range(0, len(flat), BLOCK):
        progress("encoding synopses", start, len(flat))
        blocks.append(encoder.encode(flat[start : start + BLOCK]))
    progress("encoding synopses", len(flat), len(flat))
    return text_vectors.averaged(rows, np.concatenate(blocks), len(cut))
