from __future__ import annotations

import sys

import numpy as np
import pytest

from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Profile
from anirec.recommenders import item2vec
from anirec.recommenders.item2vec import Item2VecConfig
from worlds import dataset_of, two_tastes

CONFIG = Item2VecConfig(dimensions=8, min_likes=2, passes=60, sample=0)


def test_titles_of_one_taste_are_nearer_than_those_of_another() -> None:
    pytest.importorskip("gensim", reason="training item2vec needs gensim")
    model = item2vec.fit(two_tastes(users=200), CONFIG, np.random.default_rng(0))
    for given, alike in (([1, 2], range(1, 11)), ([11, 12], range(11, 21))):
        scores = model.score([Profile.of_likes(given)])[0]
        best = [int(i) for i in model.items[np.argsort(-scores)] if i not in given and i <= 20][:8]
        assert set(best) == set(alike) - set(given)


def test_same_seed_same_bytes() -> None:
    pytest.importorskip("gensim", reason="training item2vec needs gensim")
    one, other = (item2vec.fit(two_tastes(), CONFIG, np.random.default_rng(4)).vectors for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_nothing_to_learn_from_is_refused() -> None:
    pytest.importorskip("gensim", reason="training item2vec needs gensim")
    with pytest.raises(InputError, match="nobody likes two"):
        item2vec.fit(dataset_of({1: {1: 8}, 2: {2: 9}}), CONFIG, np.random.default_rng(0))


def test_without_gensim_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingAbility, match="gensim"):
        item2vec.fit(two_tastes(), CONFIG, np.random.default_rng(0))


@pytest.mark.parametrize(
    "bad",
    [
        *({"dimensions": 0}, {"window": 0}, {"negatives": 0}, {"passes": 0}, {"min_likes": 0}),
        *({"sample": 2}, {"lr": 0}, {"lr": float("nan")}),
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="item2vec needs"):
        Item2VecConfig(**bad)  # type: ignore[arg-type]
