from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from anirec.core.profile import Profile
from anirec.evaluate.protocols.item_similarity import questions
from anirec.evaluate.run import case_by_case
from anirec.prepare.dataset import Dataset
from anirec.prepare.pairs import Pairs, pairs_of
from anirec.prepare.splits import Case
from anirec.recommenders import content, crowd, popularity
from anirec.service.lenses import LEAST, Choice, Lens, Pool, Unseen, best_weights, fit_similar, gather, joined, listed
from anirec.service.progress import silent
from recommenders.described import features_of
from worlds import catalogue_of, dataset_of

N = 180
GROUPS = 12
"""People name titles together that are of one group, fifteen in each; labels tell the groups, ratings do not."""
CATALOGUE = catalogue_of(N, franchises=[[1, 13]])  # 1 and 13 are of one group, and relatives


def ratings() -> Dataset:
    rng = np.random.default_rng(1)
    return dataset_of({user: {int(i): 8 for i in rng.choice(N, 12) + 1} for user in range(80)}, n=N)


def named(count: int = 500) -> Pairs:
    rng = np.random.default_rng(2)
    edges: set[tuple[int, int]] = set()
    while len(edges) < count:
        a, b = sorted(int(i) for i in rng.choice(N, 2, replace=False) + 1)
        if a % GROUPS == b % GROUPS:
            edges.add((a, b))
    first, second = (np.array(column, np.int32) for column in zip(*sorted(edges), strict=True))
    return pairs_of(first, second, (1 + rng.integers(0, 5, len(first))).astype(np.float32))


def genres(dataset: Dataset, _pairs: Pairs, rng: np.random.Generator) -> content.Content:
    labels = [[f"G{i % GROUPS}"] for i in range(1, N + 1)]
    return content.fit(dataset, content.ContentConfig(), rng, features=features_of(labels))


def noise(dataset: Dataset, _pairs: Pairs, rng: np.random.Generator) -> content.Content:
    labels = [[f"N{i}"] for i in rng.integers(0, 20, N)]
    return content.fit(dataset, content.ContentConfig(), rng, features=features_of(labels))


def graph(dataset: Dataset, pairs: Pairs, rng: np.random.Generator) -> crowd.Crowd | None:
    return crowd.fit(dataset, crowd.CrowdConfig(steps=3), rng, pairs=pairs) if len(pairs) else None


def chosen(lenses: Mapping[str, Lens], pairs: Pairs, seed: int = 0) -> Choice:
    data = ratings()
    viewers = popularity.fit(data, popularity.PopularityConfig(), np.random.default_rng(0))
    return fit_similar(data, CATALOGUE, pairs, ("ease", viewers), lenses, seed=seed, progress=silent)


def test_the_lens_that_sees_what_people_name_gets_the_most_weight_and_noise_the_least() -> None:
    choice = chosen({"noise": Lens(noise, 5.0), "genres": Lens(genres, 0.1)}, named())
    weights = choice.similar.weights
    assert choice.questions >= 100
    assert choice.ndcg is not None
    assert choice.ndcg > 0.3
    assert weights["genres"] > 4 * weights["noise"]
    assert sum(weights.values()) == pytest.approx(1, abs=0.001)
    assert min(weights.values()) >= LEAST * 0.9


def test_the_blend_finds_held_out_pairs_better_than_popularity() -> None:
    learned, tested = named().parted(0.2, np.random.default_rng(5))
    similar = chosen(
        {"noise": Lens(noise, 1.0), "genres": Lens(genres, 1.0), "crowd": Lens(graph, 1.0)}, learned
    ).similar

    asked = questions(tested, learned, CATALOGUE.anime_ids)
    blend, popular = (
        case_by_case(model, asked.cases, CATALOGUE, gains=asked.gains, barred=asked.barred)["unrelated"].of("ndcg@10")
        for model in (similar, similar.by("viewers"))
    )
    assert np.nanmean(blend) > np.nanmean(popular) + 0.3


def test_weights_are_chosen_on_pairs_that_no_lens_has_seen() -> None:
    seen: list[Pairs] = []

    def spy(dataset: Dataset, pairs: Pairs, rng: np.random.Generator) -> crowd.Crowd | None:
        seen.append(pairs)
        return graph(dataset, pairs, rng)

    pairs = named()
    choice = chosen({"crowd": Lens(spy, 1.0)}, pairs)
    assert sorted(len(of_fit) for of_fit in seen)[-1] == len(pairs)  # what is kept knows all
    fewer = min(seen, key=len)
    held = {*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)} - {
        *zip(fewer.first.tolist(), fewer.second.tolist(), strict=True)
    }
    assert len(held) == len(pairs) - len(fewer) > 0
    edges = graph(ratings(), fewer, np.random.default_rng(0))
    assert edges is not None
    for a, b in held:  # neither direction is in the graph that is judged
        assert edges.votes(a, np.array([b], np.int32))[0] == edges.votes(b, np.array([a], np.int32))[0] == 0
    assert choice.questions > 0


def test_the_same_seed_gives_the_same_weights() -> None:
    lenses = {"genres": Lens(genres, 0.3), "crowd": Lens(graph, 0.3)}
    assert chosen(lenses, named()).similar.weights == chosen(lenses, named()).similar.weights


def test_without_enough_pairs_the_lenses_keep_their_own_weights() -> None:
    choice = chosen({"genres": Lens(genres, 0.42)}, named(30))
    assert (choice.questions, choice.ndcg) == (0, None)
    assert choice.similar.weights == pytest.approx({"viewers": 0.25, "genres": 0.75})


def test_a_lens_without_anything_to_look_at_does_not_exist() -> None:
    none = named(30).where(np.zeros(30, np.bool_))
    choice = chosen({"genres": Lens(genres, 0.6), "crowd": Lens(graph, 0.6)}, none)
    assert set(choice.similar.lenses) == {"viewers", "genres"}
    assert set(choice.parts) == {"similar-genres"}


def test_relatives_and_what_was_learned_are_not_in_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anirec.service.lenses.POOL", N)
    learned, held = named().parted(0.2, np.random.default_rng(7))
    similar = chosen({"genres": Lens(genres, 1.0)}, learned).similar
    every = questions(held, learned, CATALOGUE.anime_ids)
    asked = every.at(np.array([[case.user_id for case in every.cases].index(13)]))  # whose relative is 1
    (barred,) = asked.barred
    assert len(barred)
    pool = gather(similar, asked, CATALOGUE, silent)
    assert pool.gains.shape == (1, N - len({1, 13, *barred.tolist()}))


def test_the_figure_that_is_sought_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(3)
    seen = {name: rng.random((4, 30), dtype=np.float32) for name in "ab"}
    gains = np.where(rng.random((4, 30)) < 0.2, rng.random((4, 30)), 0).astype(np.float32)
    pool = Pool(seen, gains, np.full(4, 2.0))
    expected = 0.0
    for row in range(4):
        order = sorted(range(30), key=lambda c, r=row: -(0.3 * seen["a"][r, c] + 0.7 * seen["b"][r, c]))  # type: ignore[misc]
        expected += sum(gains[row, c] / np.log2(place + 2) for place, c in enumerate(order[:10])) / 2 / 4
    assert pool.ndcg({"a": 0.3, "b": 0.7}) == pytest.approx(expected, abs=1e-5)


def test_the_search_never_ends_below_where_it_began() -> None:
    rng = np.random.default_rng(3)
    seen = {name: rng.random((20, 40), dtype=np.float32) for name in "abc"}
    gains = np.where(rng.random((20, 40)) < 0.1, 1, 0).astype(np.float32)
    pool, start = Pool(seen, gains, np.ones(20)), {"a": 0.2, "b": 0.3, "c": 0.5}
    _, reached = best_weights(pool, start)
    assert reached >= pool.ndcg(start)


def pool_of(seed: int, n: int, width: int) -> Pool:
    rng = np.random.default_rng(seed)
    seen = {name: rng.random((n, width), dtype=np.float32) for name in "ab"}
    return Pool(seen, np.where(rng.random((n, width)) < 0.2, 1, 0).astype(np.float32), np.full(n, 2.0))


def test_two_pools_joined_count_alike_whatever_their_sizes() -> None:
    one, other, weights = pool_of(1, 40, 30), pool_of(2, 7, 50), {"a": 0.3, "b": 0.7}
    expected = (one.ndcg(weights) / 0.5 + other.ndcg(weights) / 0.2) / 2
    assert joined((one, 0.5), (other, 0.2)).ndcg(weights) == pytest.approx(expected, rel=1e-5)


def test_a_list_asks_for_what_is_on_it_besides_the_one_title_given() -> None:
    case = Case(7, Profile.of_likes([3]), np.array([5, 9], dtype=np.int32))
    nothing = Case(8, Profile.of_likes([3, 4]), np.array([5], dtype=np.int32))
    asked = listed((case, nothing), CATALOGUE)
    (of_list,), (gains,), (barred,) = asked.cases, asked.gains, asked.barred
    assert (of_list.given.anime_ids.tolist(), of_list.targets.tolist()) == ([3], [5, 9])
    assert (gains.tolist(), barred.tolist()) == ([1, 1], [])


def test_lists_that_a_lens_foretells_give_it_more_weight_than_pairs_alone() -> None:
    pairs, lenses = named(), {"genres": Lens(genres, 0.3), "noise": Lens(noise, 0.3)}
    alone = chosen(lenses, pairs)
    told = noise(ratings(), pairs, np.random.default_rng([0, 3]))  # as the lens will be fitted
    assert told is not None
    cases = []
    for user in range(200):
        given = Profile.of_likes([int(told.items[user % len(told.items)])])
        best = told.items[np.argsort(-told.score([given])[0])[:6]]
        cases.append(Case(user, given, np.sort(best[best != given.anime_ids[0]])[:5]))
    viewers = popularity.fit(ratings(), popularity.PopularityConfig(), np.random.default_rng(0))
    both = fit_similar(
        ratings(), CATALOGUE, pairs, ("ease", viewers), lenses, seed=0, progress=silent, unseen=Unseen(viewers, cases)
    )
    assert both.similar.weights["noise"] > alone.similar.weights["noise"]
