"""Hybrid: what every recommender owes, its definition, and a space with known places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.recommenders.neural import hybrid
from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.hybrid import Hybrid, HybridConfig, similar_anime
from anirec.recommenders.neural.ncf import Ncf
from conformance import Conformance, Subject
from recommenders.test_conformance import through_a_bundle
from worlds import catalogue_of, two_tastes

CONFIG = HybridConfig(min_list=3, neighbours=4, labels=1, user_weight=0.7, item_weight=0.3, precision="float32")
GENRES = {i: ["Action"] if i % 2 else ["Drama"] for i in range(1, 21)}


def space() -> Ncf:
    """Anime 1..10 stand around one place, 11..20 around the opposite one, 21..24 across."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(24, 4)) * 0.2
    values[:10, 0] += 1
    values[10:20, 0] -= 1
    values[20:, 1] += 1
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    table = Table.of(values.astype(np.float32), "float32")
    return Ncf(np.arange(1, 25, dtype=np.int32), table, slope=5.0, offset=-1.0, fold="mean", ridge=0.5, rest=0.25)


def gathered() -> Hybrid:
    catalogue = catalogue_of(25, genres=GENRES)
    return hybrid.gather(two_tastes(), space(), CONFIG, np.random.default_rng(0), catalogue=catalogue)


def by_definition(model: Hybrid, profile: Profile) -> NDArray[np.float64]:
    """Lists of ids and counts of names; every user of the world is kept."""
    data, values, items = two_tastes(), model.space.embeddings.values.astype(float), model.items.tolist()
    me = model.space.embedding_of(profile).astype(float)
    kept = [p for p in map(data.profile, range(data.n_users)) if len(set(p.liked_ids.tolist()) & set(items)) >= 3]
    near = [float(model.space.embedding_of(person) @ me) for person in kept]
    liked = [i for i in profile.liked_ids.tolist() if i in items]
    counts = Counter(genre for i in liked for genre in GENRES.get(i, []))
    favourite = min(counts, key=lambda name: (-counts[name], name)) if counts else None
    scores = np.zeros(len(items))
    for place in sorted(range(len(kept)), key=lambda i: -near[i])[:4]:
        person = kept[place]
        least = max(np.percentile(person.scores, 75), 7)
        for anime_id, score in zip(person.anime_ids.tolist(), person.scores, strict=True):
            if score >= least and (favourite is None or favourite in GENRES.get(anime_id, [])):
                scores[items.index(anime_id)] += 0.7 / 4
    for i in liked:
        scores += 0.3 / len(liked) * (values @ values[items.index(i)])
    return scores


class TestNeighbours(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        model = gathered()
        restored = through_a_bundle(tmp_path, {"model": model.state()}, "model")
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=1e-5)


def test_similar_anime_stand_near_and_the_most_dissimilar_ones_opposite() -> None:
    assert {i for i, _ in similar_anime(space(), 3, 9)} == set(range(1, 11)) - {3}
    assert {i for i, _ in similar_anime(space(), 3, 10, opposite=True)} == set(range(11, 21))
    with pytest.raises(InputError, match="knows no anime 25"):
        similar_anime(space(), 25, 3)


def test_neighbours_name_nothing_without_a_label_of_the_profile_unless_there_is_no_filter() -> None:
    model, profile = gathered(), Profile.of_likes([1, 3])
    assert set(model.items[model.named(profile) > 0] % 2) == {1}
    assert set(replace(model, n_labels=0).items[replace(model, n_labels=0).named(profile) > 0] % 2) == {0, 1}


@pytest.mark.parametrize("wrong", [{"users": 0}, {"neighbours": 0}, {"percentile": 101.0}, {"user_weight": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        HybridConfig(**wrong)


@pytest.mark.parametrize("name", ["users_scales", "loved", "label_bits"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    state = gathered().state()
    broken = {**state.arrays, name: state.arrays[name][:-1]}
    with pytest.raises(ValueError, match=r"fit|numbers"):
        hybrid.restore(type(state)(kind=state.kind, arrays=broken, facts=state.facts))
