"""What must hold of vectors that are trained on the real reviews, with the settings that `anirec train` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.core.ranking import Query
from anirec.prepare.documents import Documents, read_documents
from anirec.rank import align, rank
from anirec.recommenders import review_vectors, text_vectors
from anirec.stores.bundle import read_bundle
from anirec.tables import quoted
from anirec.wiring.serve import starter_bundle
from anirec.wiring.texts import REVIEWS, REVIEWS_KEPT

BEBOP, CHAMPLOO = 1, 205
UNLIKE = {40677, 12029, 484, 582}
"""Beside these the old system's misaligned rows put Cowboy Bebop."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_bundle(starter_bundle()).catalogue


@pytest.fixture(scope="module")
def documents(shared_data: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Documents:
    folder = tmp_path_factory.mktemp("reviews")
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT anime_id, review_id, text FROM {quoted(shared_data / 'reviews.parquet')}) "
            f"TO {quoted(folder / 'reviews.parquet')} (FORMAT parquet)"
        )
    return read_documents(folder, "reviews").known_to(catalogue.anime_ids)


@pytest.fixture(scope="module")
def model(documents: Documents, catalogue: Catalogue) -> text_vectors.TextVectors:
    pytest.importorskip("gensim", reason="training vectors of reviews needs gensim")
    franchise = catalogue.franchise[catalogue.rows_of(documents.anime_ids)]
    vectors = review_vectors.fit(documents, REVIEWS, np.random.default_rng(0), franchise=franchise)
    found = text_vectors.fit(documents.anime_ids, vectors, REVIEWS_KEPT)
    assert found is not None
    return found


@pytest.mark.slow
def test_reviews_of_cowboy_bebop_speak_of_what_those_of_samurai_champloo_do(
    model: text_vectors.TextVectors, catalogue: Catalogue, figure: Callable[[str], None]
) -> None:
    profile = Profile.of_likes([BEBOP])
    scores = align(model.score([profile])[0], catalogue.rows_of(model.items), catalogue)
    found = rank(scores, profile, catalogue, Query(k=15)).anime_ids.tolist()
    figure(f"similar by reviews to {BEBOP}: {found}")
    assert CHAMPLOO in found
    assert not UNLIKE & set(found[:5])


@pytest.mark.slow
def test_every_title_with_a_review_in_words_has_a_place(
    model: text_vectors.TextVectors, documents: Documents, figure: Callable[[str], None]
) -> None:
    size = model.items.nbytes + model.codes.nbytes
    figure(f"vectors of reviews: {len(model.items):,} of {len(documents):,} titles in {size / 1e6:.1f} MB")
    assert len(model.items) > 0.99 * len(documents)
    assert size < 4e6
