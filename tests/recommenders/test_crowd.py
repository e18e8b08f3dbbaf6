from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.prepare.pairs import pairs_of
from anirec.recommenders import crowd
from anirec.recommenders.crowd import Crowd, CrowdConfig
from worlds import dataset_of


def crowd_of(edges: Sequence[tuple[int, int, float]], **config: object) -> Crowd:
    first, second, votes = (np.array(column) for column in zip(*edges, strict=True))
    pairs = pairs_of(first.astype(np.int32), second.astype(np.int32), votes.astype(np.float32))
    everything = dataset_of({1: {1: 8}}, n=40)
    return crowd.fit(everything, CrowdConfig(**config), np.random.default_rng(0), pairs=pairs)  # type: ignore[arg-type]


def scores_of(model: Crowd, profile: Profile) -> dict[int, float]:
    return dict(zip(model.items.tolist(), model.score([profile])[0].tolist(), strict=True))


PATH = [(1, 2, 1.0), (2, 3, 1.0), (3, 4, 1.0)]


def test_on_a_path_a_title_scores_less_the_further_it_is() -> None:
    scores = scores_of(crowd_of(PATH, restart=0.5, steps=40), Profile.of_likes([1]))
    assert scores[2] > scores[3] > scores[4] > 0


def test_on_two_titles_the_walk_has_the_shares_worked_out_by_hand() -> None:
    # p1 = r + (1 - r) p2 and p2 = (1 - r) p1, so p1 = 1 / (2 - r).
    scores = scores_of(crowd_of([(1, 2, 5.0)], restart=0.25, steps=80), Profile.of_likes([1]))
    assert scores[1] == pytest.approx(1 / 1.75, abs=1e-6)
    assert scores[2] == pytest.approx(0.75 / 1.75, abs=1e-6)


def test_the_walk_shares_out_all_that_it_has() -> None:
    scores = crowd_of([*PATH, (2, 9, 7.0), (9, 11, float("nan"))]).score([Profile.of([Entry(1, 9), Entry(9, 6)])])
    assert float(scores.sum()) == pytest.approx(1, abs=1e-5)


def test_votes_go_one_step_only() -> None:
    scores = scores_of(crowd_of(PATH, method="votes"), Profile.of_likes([1]))
    assert scores[2] > 0 == scores[3] == scores[4]


def test_more_votes_bring_a_title_nearer() -> None:
    model = crowd_of([(1, 2, 9.0), (1, 3, 4.0)])
    scores = scores_of(model, Profile.of_likes([1]))
    assert scores[2] / scores[3] == pytest.approx(3 / 2, abs=1e-5)  # the root of the votes


def test_a_pair_that_is_only_listed_counts_as_many_votes_as_the_settings_say() -> None:
    scores = scores_of(crowd_of([(1, 2, float("nan")), (1, 3, 4.0)], listed_votes=4), Profile.of_likes([1]))
    assert scores[2] == scores[3]


HUB = [(1, 2, 1.0), (1, 3, 1.0), *((2, i, 1.0) for i in range(10, 30))]


def test_without_a_discount_a_hub_and_with_one_its_lesser_neighbour_comes_first() -> None:
    plain, discounted = (scores_of(crowd_of(HUB, hub_discount=h), Profile.of_likes([1])) for h in (0, 1))
    assert plain[2] > plain[3]
    assert discounted[3] > discounted[2]


def test_what_is_disliked_speaks_against_its_neighbours() -> None:
    scores = scores_of(crowd_of([(1, 2, 1.0), (3, 4, 1.0)]), Profile.of([Entry(1, 9), Entry(3, 2)]))
    assert scores[2] > 0 > scores[4]


def test_titles_that_the_catalogue_lacks_are_not_in_the_graph() -> None:
    assert crowd_of([*PATH, (4, 99, 1.0)]).items.tolist() == [1, 2, 3, 4]


def test_a_world_without_pairs_has_no_items_and_still_answers() -> None:
    model = crowd_of([(98, 99, 1.0)])
    assert model.score([Profile.of_likes([1])]).shape == (1, 0)


def test_in_a_planted_graph_the_other_titles_of_the_same_community_come_first() -> None:
    """Three communities: only a third of the pairs lie within one, but these have more votes."""
    rng = np.random.default_rng(2)
    edges = {}
    for _ in range(200):
        a, b = sorted(rng.choice(np.arange(1, 31), 2, replace=False).tolist())
        edges[a, b] = float(rng.integers(8, 20)) if a % 3 == b % 3 else 1.0
    model = crowd_of([(a, b, votes) for (a, b), votes in edges.items()], vote_power=1)
    found = []
    for given in range(1, 31):
        scores = scores_of(model, Profile.of_likes([given]))
        others = sorted((i for i in scores if i != given), key=lambda i: -scores[i])
        found += [i % 3 == given % 3 for i in others[:6]]
    assert np.mean(found) >= 0.8


@pytest.mark.parametrize(
    "bad",
    [
        *({"method": "fly"}, {"restart": 0.0}, {"restart": 1.5}, {"steps": 0}, {"listed_votes": 0}),
        *({"vote_power": 2}, {"hub_discount": -1}, {"restart": float("nan")}),
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        CrowdConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("array", "value"), [("indptr", [0, 1]), ("neighbours", [1, 0, 2, 1, 3, 9]), ("weights", [0])])
def test_arrays_that_do_not_fit_are_refused(array: str, value: list[int]) -> None:
    state = crowd_of(PATH).state()
    with pytest.raises(ValueError, match="does not fit"):
        crowd.restore(replace(state, arrays={**state.arrays, array: np.array(value)}))


def test_a_bundle_that_does_not_say_how_to_follow_the_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="how to follow"):
        crowd.restore(replace(crowd_of(PATH).state(), facts={"config": {"restart": 7}}))
