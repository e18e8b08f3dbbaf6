from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import ease, ials, neighbours, slim
from conformance import Conformance, Subject
from recommenders.test_conformance import as_input, dense_likings, through_a_bundle
from worlds import two_tastes

IALS = ials.IalsConfig(d=6, epochs=5, min_likes=2, l2=0.02, nu=0.8)
ITEM_KNN = neighbours.ItemKnnConfig(k=4, shrink=3.0, min_likes=2)
USER_KNN = neighbours.UserKnnConfig(k=5, shrink=2.0, max_users=1000, min_list=1, min_likes=2)
SLIM = slim.SlimConfig(k=5, l2=2.0, dropout=0.2, min_likes=2, max_sources=15)


def weighted_least_squares(
    vectors: NDArray[np.float64], likings: NDArray[np.float64], config: ials.IalsConfig
) -> NDArray[np.float64]:
    """Return the best vector for one list over all cells, one dense weighted regression: Rendle et al. 2021.

    A cell with a liking is there twice: once as any cell, with the weight alpha and the target 0, and once for itself.
    """
    d = vectors.shape[1]
    penalty = config.l2 * (np.abs(likings).sum() + config.alpha * len(vectors)) ** config.nu
    rows = np.concatenate([vectors * np.sqrt(config.alpha), vectors * np.sqrt(np.abs(likings))[:, None]])
    targets = np.concatenate([np.zeros(len(vectors)), np.sqrt(np.abs(likings)) * np.sign(likings)])
    with_penalty = np.concatenate([rows, np.sqrt(penalty) * np.eye(d)])
    best: NDArray[np.float64] = np.linalg.lstsq(with_penalty, np.concatenate([targets, np.zeros(d)]), rcond=None)[0]
    return best


def ials_by_definition(data: Dataset, items: NDArray[np.int32], config: ials.IalsConfig) -> NDArray[np.float64]:
    """The titles' vectors, by alternating dense regressions from the same start."""
    likings = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    first = ials.first_vectors(sparse.csr_array(likings.astype(np.float32)), config.d, np.random.default_rng(0))
    users = first.astype(np.float64)
    titles = np.array([weighted_least_squares(users, of_title, config) for of_title in likings.T])
    for _ in range(config.epochs - 1):
        users = np.array([weighted_least_squares(titles, of_user, config) for of_user in likings])
        titles = np.array([weighted_least_squares(users, of_title, config) for of_title in likings.T])
    return titles


def item_knn_by_definition(data: Dataset, items: NDArray[np.int32]) -> NDArray[np.float64]:
    likings = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    weights = np.zeros((len(items), len(items)))
    for j in range(len(items)):
        for i in set(range(len(items))) - {j}:
            lengths = np.linalg.norm(likings[:, i]) * np.linalg.norm(likings[:, j])
            weights[i, j] = likings[:, i] @ likings[:, j] / (lengths + ITEM_KNN.shrink)
        weights[np.argsort(-weights[:, j])[ITEM_KNN.k :], j] = 0
    return weights


def user_knn_by_definition(data: Dataset, items: NDArray[np.int32], profile: Profile) -> NDArray[np.float64]:
    users = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    own = as_input(profile, items)
    alike = [u @ own / (np.linalg.norm(u) * np.linalg.norm(own) + USER_KNN.shrink) if u.any() else 0.0 for u in users]
    near = [i for i in sorted(range(len(users)), key=lambda i: -alike[i])[: USER_KNN.k] if alike[i] > 0]
    votes = np.array([alike[i] ** USER_KNN.sharpness for i in near])
    scores: NDArray[np.float64] = votes @ users[near] / votes.sum() if near else np.zeros(len(items))
    return scores


def slim_by_definition(data: Dataset, items: NDArray[np.int32]) -> NDArray[np.float64]:
    """For each title, a ridge regression on the sources that would each lower its error most."""
    likings = dense_likings(data)[:, np.isin(data.anime_ids, items)]
    liked = data.like_counts()[np.isin(data.anime_ids, items)]
    speaking = set(np.argsort(-liked, kind="stable")[: SLIM.max_sources].tolist())
    gram = likings.T @ likings
    system = gram + np.diag(SLIM.l2 + SLIM.dropout / (1 - SLIM.dropout) * np.diag(gram))
    weights = np.zeros(gram.shape)
    for j in range(len(items)):
        chosen = sorted(speaking - {j}, key=lambda i: -(gram[i, j] ** 2) / system[i, i])[: SLIM.k]
        weights[chosen, j] = np.linalg.solve(system[np.ix_(chosen, chosen)], gram[chosen, j])
    return weights


class TestIals(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = ials.fit(data, IALS, np.random.default_rng(0))
        titles = ials_by_definition(data, model.items, IALS)
        restored = through_a_bundle(tmp_path, {"ials": model.state()}, "ials")

        def by_definition(profile: Profile) -> NDArray[np.float64]:
            return titles @ weighted_least_squares(titles, as_input(profile, model.items), IALS)

        return Subject(model, restored, by_definition, tolerance=1e-4)


class TestItemKnn(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = neighbours.fit_items(data, ITEM_KNN, np.random.default_rng(0))
        weights = item_knn_by_definition(data, model.items)
        restored = through_a_bundle(tmp_path, {"item_knn": model.state()}, "item_knn")
        return Subject(model, restored, lambda p: as_input(p, model.items) @ weights, tolerance=1e-5)


class TestUserKnn(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = neighbours.fit_users(data, USER_KNN, np.random.default_rng(0))
        restored = through_a_bundle(tmp_path, {"user_knn": model.state()}, "user_knn")
        return Subject(model, restored, lambda p: user_knn_by_definition(data, model.items, p), tolerance=1e-5)


class TestSlim(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        model = slim.fit(data, SLIM, np.random.default_rng(0))
        weights = slim_by_definition(data, model.items)
        restored = through_a_bundle(tmp_path, {"slim": model.state()}, "slim")
        return Subject(model, restored, lambda p: as_input(p, model.items) @ weights, tolerance=1e-5)


class TestRelaxedEase(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        config = ease.EaseConfig(l2=2.0, min_likes=2, keep=25, slack=0.5, user_power=0.4, item_power=0.3)
        model = ease.fit(data, config, np.random.default_rng(0))
        weights = ease.fit_dense(data, config, np.random.default_rng(0)).weights.astype(np.float64)
        restored = through_a_bundle(tmp_path, {"ease": model.state()}, "ease")
        # As for EASE: what is served is rounded to steps; the weights themselves have their definition in test_ease.
        tolerance = 20 * 0.5 * float(np.abs(weights).max()) / ease.LEVELS
        return Subject(model, restored, lambda p: as_input(p, model.items) @ weights, tolerance)
