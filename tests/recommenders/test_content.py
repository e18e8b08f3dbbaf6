from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.features import Features, build_features
from anirec.recommenders import content
from anirec.recommenders.content import Content, ContentConfig
from anirec.recommenders.shared_labels import Then, most_shared, shared_labels
from recommenders.described import features_of
from worlds import dataset_of


def fitted(features: Features, config: ContentConfig | None = None) -> Content:
    nobody = dataset_of({1: {1: 8}})
    return content.fit(nobody, config or ContentConfig(), np.random.default_rng(0), features=features)


def best_of(model: Content, profile: Profile) -> list[int]:
    """All titles but the profile's, best first; ties by id."""
    scores = model.score([profile])[0]
    order = model.items[np.argsort(-scores, kind="stable")]
    return [int(i) for i in order if i not in profile.anime_ids]


def test_a_title_that_nobody_rated_is_ranked_by_what_it_is_about() -> None:
    model = fitted(features_of([["Drama"], ["Sport"], ["Sport"], ["Drama", "Sport"]]))
    assert best_of(model, Profile.of_likes([2])) == [3, 4, 1]


def test_sharing_a_rare_label_says_more_than_sharing_a_common_one() -> None:
    common = [["Comedy"]] * 10
    model = fitted(features_of([["Comedy", "Go"], ["Go", "Music"], ["Comedy", "Music"], *common, ["Music"]]))
    assert best_of(model, Profile.of_likes([1])).index(2) < best_of(model, Profile.of_likes([1])).index(3)


def test_what_is_disliked_speaks_against_its_like() -> None:
    model = fitted(features_of([["Drama"], ["Sport"], ["Drama", "Music"], ["Sport", "Music"]]))
    scores = model.score([Profile.of([Entry(1, 9), Entry(2, 2)])])[0]
    assert scores[2] > 0 > scores[3]


def test_many_tags_do_not_drown_the_labels() -> None:
    tags = [f"t{i}" for i in range(30)]
    values = {"label": [["Drama"], ["Drama"], ["Sport"]], "tag": [tags, [], tags]}
    features = build_features(np.array([1, 2, 3], np.int32), values, np.zeros(3, np.int16), min_titles=1)
    assert best_of(fitted(features, ContentConfig(label=1, tag=0.5)), Profile.of_likes([1])) == [2, 3]


def test_titles_of_near_years_are_alike_and_of_far_years_are_not() -> None:
    features = build_features(np.array([1, 2, 3], np.int32), {}, np.array([2014, 2016, 1995], np.int16), min_titles=1)
    scores = fitted(features).score([Profile.of_likes([1])])[0]
    assert scores[1] > 0.5
    assert scores[2] == 0


def test_groups_without_weight_change_nothing() -> None:
    values = {"label": [["Drama"], ["Sport"]], "studio": [["Ghibli"], ["Ghibli"]]}
    features = build_features(np.array([1, 2], np.int32), values, np.zeros(2, np.int16), min_titles=1)
    assert fitted(features, ContentConfig(studio=0)).score([Profile.of_likes([1])])[0].tolist() == [1, 0]


@pytest.mark.parametrize("bad", [{"label": -1}, {"tag": float("nan")}, dict.fromkeys(vars(ContentConfig()), 0)])
def test_weights_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="weights"):
        ContentConfig(**bad)


@pytest.mark.parametrize(
    ("array", "value"),
    [("indptr", [0, 1]), ("features", [0, 5, 0]), ("values", [1, np.nan, 1]), ("features", [0, 1])],
)
def test_arrays_that_do_not_fit_are_refused(array: str, value: list[float]) -> None:
    state = fitted(features_of([["Drama"], ["Sport"], ["Drama"]])).state()
    damaged = replace(state, arrays={**state.arrays, array: np.array(value)})
    with pytest.raises(ValueError, match="do not fit"):
        content.restore(damaged)


LABELS = [["Drama", "Sport"], ["Drama", "Sport"], ["Drama"], ["Drama", "Sport"], ["Sport"], ["Music"], ["Drama"]]


def rated() -> Features:
    return replace(
        features_of(LABELS),
        ratings=np.array([9, 7.001, 9.9, 7.002, 8, 10, np.nan], np.float32),
        raters=np.array([900, 900, 900, 900, 900, 900, 0], np.int32),
        started=np.array([20000101, 20100402, 20200101, 20100401, 0, 20200101, 19990000], np.int32),
    )


def test_shared_labels_are_counted() -> None:
    assert shared_labels(rated(), 1).tolist() == [2, 2, 1, 2, 1, 0, 1]


def test_more_shared_labels_come_before_a_better_rating_and_ties_go_by_the_exact_mean() -> None:
    assert most_shared(rated(), 1).tolist() == [4, 2, 3, 5, 7]


def test_the_newest_of_equals_is_told_by_the_day_and_an_unknown_day_comes_last() -> None:
    assert most_shared(rated(), 1, then=Then.NEWEST).tolist() == [2, 4, 3, 7, 5]


def test_a_mean_of_few_raters_is_no_mean() -> None:
    few = replace(rated(), raters=np.array([900, 900, 3, 900, 900, 900, 0], np.int32))
    assert most_shared(few, 1).tolist() == [4, 2, 5, 3, 7]


def test_at_most_k_come_back() -> None:
    assert most_shared(rated(), 1, k=2).tolist() == [4, 2]


@pytest.mark.parametrize(("anime_id", "wanted"), [(99, {}), (1, {"k": 0}), (1, {"then": "oldest"})])
def test_what_cannot_be_asked_is_refused(anime_id: int, wanted: dict[str, object]) -> None:
    with pytest.raises(InputError):
        most_shared(rated(), anime_id, **wanted)  # type: ignore[arg-type]
