"""The models that know what titles are about, or what people say goes together, before the suite that all must pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.prepare.features import GROUPS, Features
from anirec.recommenders import cold_start, content, crowd
from conformance import Conformance, Subject
from recommenders.described import two_tastes_features, two_tastes_pairs
from recommenders.test_conformance import through_a_bundle
from worlds import two_tastes


def shares(items: NDArray[np.int32], profile: Profile) -> NDArray[np.float64]:
    """Each known title's liking over the sum of their sizes."""
    known = {int(i): float(w) for i, w in zip(profile.anime_ids, profile.liking, strict=True) if i in items}
    total = sum(abs(w) for w in known.values())
    return np.array([known.get(int(i), 0.0) / total if total else 0.0 for i in items])


def described_by_hand(features: Features, config: content.ContentConfig) -> NDArray[np.float64]:
    """TF-IDF, title by title and feature by feature."""
    has = features.matrix.toarray().astype(float)
    n = len(has)
    vectors = np.zeros_like(has)
    for row in range(n):
        for number, group in enumerate(GROUPS):
            columns = [c for c in range(has.shape[1]) if features.groups[c] == number]
            part = np.array([has[row, c] * (np.log((1 + n) / (1 + (has[:, c] > 0).sum())) + 1) for c in columns])
            if np.any(part):
                vectors[row, columns] = getattr(config, group) * part / np.sqrt(sum(part**2))
        if np.any(vectors[row]):
            vectors[row] /= np.sqrt(sum(vectors[row] ** 2))
    return vectors


class TestContent(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        config, features = content.ContentConfig(label=0.7), two_tastes_features()
        model = content.fit(two_tastes(), config, np.random.default_rng(0), features=features)
        vectors = described_by_hand(features, config)

        def cosines(profile: Profile) -> NDArray[np.float64]:
            mean = shares(model.items, profile) @ vectors
            length = np.linalg.norm(mean)
            return vectors @ mean / (length if length > 0 else 1)

        return Subject(model, through_a_bundle(tmp_path, {"content": model.state()}, "content"), cosines, 1e-5)


@pytest.mark.parametrize("hub_discount", [0.0, 0.7])
class TestCrowdWalk(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path, hub_discount: float) -> Subject:
        config = crowd.CrowdConfig(restart=0.3, steps=50, vote_power=0.5, listed_votes=2, hub_discount=hub_discount)
        model = crowd.fit(two_tastes(), config, np.random.default_rng(0), pairs=two_tastes_pairs())
        weights = crowd_by_hand(model.items, power=0.5, listed=2)
        onward = weights / weights.sum(axis=1, keepdims=True)

        def solved(profile: Profile) -> NDArray[np.float64]:
            """p = r s + (1 - r) p P, as a system of linear equations."""
            system = np.eye(len(weights)) - 0.7 * onward.T
            walked: NDArray[np.float64] = np.linalg.solve(system, 0.3 * shares(model.items, profile))
            walked /= weights.sum(axis=1) ** hub_discount
            return walked

        return Subject(model, through_a_bundle(tmp_path, {"crowd": model.state()}, "crowd"), solved, 1e-5)


class TestCrowdVotes(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        config = crowd.CrowdConfig(method="votes", vote_power=1, listed_votes=1, hub_discount=0.5)
        model = crowd.fit(two_tastes(), config, np.random.default_rng(0), pairs=two_tastes_pairs())
        weights = crowd_by_hand(model.items, power=1, listed=1)
        degrees = weights.sum(axis=1)
        shared = weights / np.sqrt(np.outer(degrees, degrees))
        restored = through_a_bundle(tmp_path, {"crowd": model.state()}, "crowd")
        return Subject(model, restored, lambda p: shares(model.items, p) @ shared, 1e-5)


def crowd_by_hand(items: NDArray[np.int32], *, power: float, listed: float) -> NDArray[np.float64]:
    pairs = two_tastes_pairs()
    weights = np.zeros((len(items), len(items)))
    for a, b, votes in zip(pairs.first, pairs.second, pairs.votes, strict=True):
        weight = (listed if np.isnan(votes) else float(votes)) ** power
        weights[items == a, items == b] = weight
        weights[items == b, items == a] = weight
    return weights


class TestColdStart(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        """The same least squares, by a general solver over rows that stand for the penalty."""
        data, features = two_tastes(), two_tastes_features()
        config = cold_start.ColdStartConfig(dimensions=100, min_likes=3, l2=0.5, trust=4)
        model = cold_start.fit(data, config, np.random.default_rng(0), features=features)
        places = np.flatnonzero(data.like_counts() >= 3)
        own = cold_start.collaborative(data, places, config, np.random.default_rng(0))
        likes = data.like_counts()[places]
        sure = (likes / (likes + 4))[:, np.newaxis]
        inputs = np.hstack([described_by_hand(features, config.content), np.ones((25, 1))])
        penalty = np.sqrt(np.diag([0.5] * (inputs.shape[1] - 1) + [cold_start.FREE]))
        rows = np.vstack([np.sqrt(sure) * inputs[places], penalty])
        targets = np.vstack([np.sqrt(sure) * own, np.zeros((len(penalty), own.shape[1]))])
        vectors = inputs @ np.linalg.lstsq(rows, targets, rcond=None)[0]
        vectors[places] = sure * own + (1 - sure) * vectors[places]
        restored = through_a_bundle(tmp_path, {"cold_start": model.state()}, "cold_start")
        return Subject(model, restored, lambda p: shares(model.items, p) @ vectors @ vectors.T, 1e-4)
