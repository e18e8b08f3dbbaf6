"""The models that train one vector a title, before the suite that all must pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.recommenders import co_rating, item2vec, text_vectors
from anirec.recommenders.vectors import ItemVectors
from conformance import Conformance, Oracle, Subject
from recommenders.test_conformance import through_a_bundle
from worlds import two_tastes


def nearness_by_definition(model: ItemVectors) -> Oracle:
    """The likings-weighted mean of cosines to the known titles of the profile, one by one."""
    known = {int(i): vector.astype(float) for i, vector in zip(model.items, model.vectors, strict=True)}

    def score(profile: Profile) -> NDArray[np.float64]:
        given = [
            (known[i], w) for i, w in zip(profile.anime_ids, profile.liking.astype(float), strict=True) if i in known
        ]
        total = sum(abs(w) for _, w in given) or 1.0
        lengths = {i: np.sqrt(v @ v) for i, v in known.items()}
        return np.array(
            [sum(w * (g @ v) / np.sqrt(g @ g) / lengths[i] for g, w in given) / total for i, v in known.items()]
        )

    return score


class TestCoRating(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        config = co_rating.CoRatingConfig(dimensions=6, min_likes=2, min_ratings=2)
        model = co_rating.fit(two_tastes(), config, np.random.default_rng(0))
        restored = through_a_bundle(tmp_path, {"co_rating": model.state()}, "co_rating")
        return Subject(model, restored, nearness_by_definition(model), tolerance=1e-5)


class TestItem2Vec(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        pytest.importorskip("gensim", reason="training item2vec needs gensim")
        config = item2vec.Item2VecConfig(dimensions=6, min_likes=2, passes=2)
        model = item2vec.fit(two_tastes(), config, np.random.default_rng(0))
        restored = through_a_bundle(tmp_path, {"item2vec": model.state()}, "item2vec")
        return Subject(model, restored, nearness_by_definition(model), tolerance=1e-5)


class TestTextVectors(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        rng = np.random.default_rng(0)
        ids = np.array([i for i in range(1, 23) if i != 4], dtype=np.int32)
        drawn = rng.normal(2 * np.eye(9)[0], size=(len(ids), 9)).astype(np.float32)
        model = text_vectors.fit(ids, drawn, text_vectors.TextVectorsConfig(dimensions=6, sharpness=2))
        assert model is not None
        known = {int(i): code / np.sqrt(code @ code) for i, code in zip(ids, model.codes.astype(float), strict=True)}

        def score(profile: Profile) -> NDArray[np.float64]:
            """The cosine with the likings-weighted sum of the profile's titles, squared, 0 where it is below 0."""
            given = [(known[i], w) for i, w in zip(profile.anime_ids, profile.liking, strict=True) if i in known]
            mean = sum((float(w) * vector for vector, w in given), np.zeros(6))
            length = np.sqrt(mean @ mean) or 1.0
            return np.array([max(float(mean @ vector) / length, 0.0) ** 2 for vector in known.values()])

        restored = through_a_bundle(tmp_path, {"text_vectors": model.state()}, "text_vectors")
        return Subject(model, restored, score, tolerance=1e-5)
