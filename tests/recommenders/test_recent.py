from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import recent
from conformance import Conformance, Subject
from recommenders.test_conformance import through_a_bundle
from worlds import dataset_of, two_tastes

NOW = 1_700_000_000


def dated(data: Dataset, days_ago: np.ndarray) -> Dataset:
    return replace(data, updated_at=(NOW - 86_400 * days_ago).astype(np.int64))


class TestRecent(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        data = two_tastes()
        data = dated(data, np.random.default_rng(1).integers(0, 1000, data.n_rows))
        model = recent.fit(data, recent.RecentConfig(half_life=100), np.random.default_rng(0))
        newest = data.updated_at[data.liked].max()
        worth = [0.5 ** ((newest - when) / 8_640_000) for when in data.updated_at]
        likes = np.array([
            sum(w for w, i, liked in zip(worth, data.items, data.liked, strict=True) if liked and i == item)
            for item in range(len(data.anime_ids))
        ])  # fmt: skip
        restored = through_a_bundle(tmp_path, {"popularity": model.state()}, "popularity")
        return Subject(model, restored, lambda _: likes / likes.max(), tolerance=1e-6)


def test_what_was_liked_lately_comes_before_what_was_liked_more_often_long_ago() -> None:
    data = dataset_of({1: {1: 9, 2: 9}, 2: {1: 9}, 3: {1: 9}, 4: {2: 9, 3: 9}})
    data = dated(data, np.where(data.anime_ids[data.items] == 1, 3000, 10))
    model = recent.fit(data, recent.RecentConfig(half_life=365), np.random.default_rng(0))
    scores = model.score([Profile.of([])])[0]
    assert model.items[np.argsort(-scores)].tolist() == [2, 3, 1]


def test_data_without_times_and_senseless_settings_are_refused() -> None:
    with pytest.raises(InputError, match="not one like in the data is dated"):
        recent.fit(two_tastes(), recent.RecentConfig(), np.random.default_rng(0))
    with pytest.raises(InputError, match="half_life > 0"):
        recent.RecentConfig(half_life=0)
