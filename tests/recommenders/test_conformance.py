from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders import blend, ease, popularity
from anirec.stores.bundle import BundleContent, read_bundle, write_bundle
from anirec.wiring.serve import restore_models
from conformance import Conformance, Subject
from worlds import catalogue_of, two_tastes

EASE = ease.EaseConfig(l2=2.0, dropout=0.2, min_likes=2, keep=25, keep_least=5)


def through_a_bundle(
    folder: Path, states: dict[str, State], name: str, catalogue: Catalogue | None = None
) -> Recommender:
    content = BundleContent(
        catalogue=catalogue or catalogue_of(25),
        models=states,
        default_model=name,
        tables={},
        about={"made_by": "a test"},
    )
    write_bundle(folder / "bundle", content)
    return restore_models(read_bundle(folder / "bundle"))[name]


def dense_likings(data: Dataset) -> NDArray[np.float64]:
    likings = np.zeros((data.n_users, len(data.anime_ids)))
    likings[data.users, data.items] = np.maximum(data.liking, 0)
    return likings


def popularity_by_definition(data: Dataset) -> NDArray[np.float64]:
    likes = np.array([sum(data.liked & (data.items == i)) for i in range(len(data.anime_ids))], dtype=float)
    shares: NDArray[np.float64] = likes / likes.max()
    return shares


def ease_by_definition(data: Dataset, items: NDArray[np.int32]) -> NDArray[np.float64]:
    """Steck 2019, in double precision and with a general inverse."""
    likings = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    gram = likings.T @ likings
    inverse = np.linalg.inv(gram + np.diag(EASE.l2 + EASE.dropout / (1 - EASE.dropout) * np.diag(gram)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def as_input(profile: Profile, items: NDArray[np.int32]) -> NDArray[np.float64]:
    likings = np.zeros(len(items))
    for anime_id, liking in zip(profile.anime_ids, profile.liking, strict=True):
        likings[items == anime_id] = liking
    return likings


class TestPopularity(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = popularity.fit(data, popularity.PopularityConfig(member_likes=0), np.random.default_rng(0))
        expected = popularity_by_definition(data)
        restored = through_a_bundle(tmp_path, {"popularity": model.state()}, "popularity")
        return Subject(model, restored, lambda _: expected, tolerance=1e-6)


class TestEase(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = ease.fit(data, EASE, np.random.default_rng(0))
        weights = ease_by_definition(data, model.items)
        restored = through_a_bundle(tmp_path, {"ease": model.state()}, "ease")
        # Each weight is rounded to half a step of 1/127 of its target's largest; a profile of 20 adds up 20 of them.
        tolerance = 20 * 0.5 * float(np.abs(weights).max()) / ease.LEVELS
        return Subject(model, restored, lambda p: as_input(p, model.items) @ weights, tolerance)


class TestBlend(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        rng = np.random.default_rng(0)
        parts: dict[str, Recommender] = {
            "ease": (linear := ease.fit(data, EASE, rng)),
            "popularity": (floor := popularity.fit(data, popularity.PopularityConfig(), rng)),
        }
        sizes = np.array([1, 10], dtype=np.float32)
        weights = {
            "ease": np.array([[0.4, 2], [0.5, 1]], np.float32),
            "popularity": np.array([[0.5], [0.1]], np.float32),
        }
        readings = {"ease": "liking", "popularity": "share"}
        model = blend.Blend(parts, readings, blend.BlendWeights(sizes, weights))
        states = {"ease": linear.state(), "popularity": floor.state(), "blend": model.state()}

        def by_definition(profile: Profile) -> NDArray[np.float64]:
            share = np.clip(np.log((1 + len(profile)) / 2) / np.log(11 / 2), 0, 1)
            liking = np.zeros(len(model.items))
            liking[np.isin(model.items, linear.items)] = np.maximum(linear.score([profile])[0], 0)
            sums = (0.4 + 0.1 * share) * np.log(liking + 0.02) + (2 - share) * liking
            sums += (0.5 - 0.4 * share) * np.log(floor.score([profile])[0] + 1e-5)
            chances: NDArray[np.float64] = np.exp(sums) / np.exp(sums).sum()
            return chances

        return Subject(model, through_a_bundle(tmp_path, states, "blend"), by_definition, tolerance=1e-6)
