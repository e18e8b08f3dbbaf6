"""The front of the blend's list, ordered anew: numbers of candidates, nets, and how they are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.core.state import State
from anirec.prepare.splits import Case, held_out_users
from anirec.recommenders import blend, reranking
from anirec.recommenders.blending import Worth
from anirec.recommenders.candidates import LEAST, Described, numbers
from anirec.recommenders.reranker import LAYERS, Nets, Part, Reranker
from anirec.recommenders.reranking import Learned, RerankConfig
from worlds import catalogue_of, two_tastes

N, OF_EACH = 90, 3
IDS = np.arange(1, N + 1, dtype=np.int32)
CONFIG = RerankConfig(front=40, hidden=(12, 6), nets=2, epochs=6, rate=0.01, doubt=0.0, least=20)


@dataclass(frozen=True)
class Guess:
    """A part that knows nothing of franchises: noise, another for each profile."""

    items: NDArray[np.int32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(p.anime_ids.tolist()).normal(size=len(self.items)) for p in profiles]
        return np.array(rows, dtype=np.float32).reshape(len(profiles), len(self.items))


def threes() -> Catalogue:
    """Franchises of three seasons each: 1, 2, 3; 4, 5, 6; ..."""
    groups = [list(range(first, first + OF_EACH)) for first in range(1, N + 1, OF_EACH)]
    return catalogue_of(N, franchises=groups, members={i: 1000 + i for i in range(1, N + 1)})


def guessing(items: NDArray[np.int32] = IDS) -> blend.Blend:
    weights = blend.BlendWeights(np.ones(1, np.float32), {"guess": np.ones((1, 1), np.float32)})
    return blend.Blend({"guess": Guess(items)}, {"guess": "standard"}, weights)


def described() -> Described:
    return Described.of(IDS, np.linspace(100, 10, N).astype(np.float32), threes())


def cases(n: int, *, seasons: bool = True, seed: int = 0) -> list[Worth]:
    """People who are given one season of some franchises and like the next; or, without `seasons`, anything."""
    rng, found = np.random.default_rng(seed), []
    for user in range(n):
        firsts = 1 + OF_EACH * np.sort(rng.permutation(N // OF_EACH)[: int(rng.integers(1, 6))])
        targets = firsts + 1 if seasons else np.setdiff1d(1 + rng.permutation(N)[:5], firsts)
        found.append(Worth(Case(user, Profile.of_likes(firsts.tolist()), np.sort(targets).astype(np.int32))))
    return found


def learned(n: int = 300, config: RerankConfig = CONFIG, **world: bool) -> Learned:
    return reranking.learn(guessing(), described(), cases(n, **world), config, np.random.default_rng(1))


def reranked(seed: int = 0) -> blend.Blend:
    """A blend with nets that say something, whatever it is."""
    rng, (h, g) = np.random.default_rng(seed), CONFIG.hidden
    f = reranking.gather(guessing(), described(), cases(1), CONFIG).table.shape[1]
    shapes = dict(zip(LAYERS, ((2, h, f), (2, h, 1), (2, g, h), (2, g, 1), (2, 1, g)), strict=True))
    layers = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    nets = Nets(np.zeros(f, np.float32), np.ones(f, np.float32), layers)
    return replace(guessing(), reranker=Reranker(nets, CONFIG.front, 3.0, described()))


def by_definition(what: Described, liked: list[int], place: int, catalogue: Catalogue) -> list[float]:
    """What of a candidate's franchise is liked, title by title."""
    ids, rows = IDS.tolist(), {int(i): row for row, i in enumerate(catalogue.anime_ids)}
    row = rows[ids[place]]
    family = [p for p in range(N) if catalogue.franchise[rows[ids[p]]] == catalogue.franchise[row]]
    mine = [p for p in family if p in liked]
    if not mine:
        return [0.0] * 9
    most = max(what.likes[p] for p in family)
    rest = sum(what.likes[p] / most for p in family if p != place)
    order = [int(catalogue.order[rows[ids[p]]]) for p in mine]
    own, before = int(catalogue.order[row]), int(catalogue.requires[row])
    needed = 0 if before < 0 else 1 if ids.index(int(catalogue.anime_ids[before])) in mine else -1
    better = [p for p in family if what.likes[p] > what.likes[place]]
    return [
        1.0,
        float(len(mine)),
        min(sum(what.likes[p] / most for p in mine) / rest, 3),
        float(own - max(order)),
        float(own - min(order)),
        float(what.fame[place] - max(what.fame[p] for p in mine)),
        float(needed),
        float(sum(p not in mine for p in better)),
        float(sum(p in mine for p in better)),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_said_of_relatives_is_what_counting_them_one_by_one_says(seed: int) -> None:
    rng, what, catalogue = np.random.default_rng(seed), described(), threes()
    liked = np.sort(rng.permutation(N)[:20])
    places = np.setdiff1d(np.arange(N), liked)[:40]
    chances = rng.dirichlet(np.ones(len(places))).astype(np.float32)
    table = numbers(what, liked, places, chances, [np.zeros((1, len(places)), np.float32)])
    expected = np.array([by_definition(what, liked.tolist(), int(place), catalogue) for place in places]).T
    np.testing.assert_allclose(table[-9:], expected, atol=1e-5)


def test_what_is_said_of_chances_and_of_fame() -> None:
    what, places = described(), np.array([5, 1, 8])
    chances = np.array([0.2, 0.5, 0.3], np.float32)
    table = numbers(what, np.array([0, 2]), places, chances, [])
    logs = np.log(chances)
    np.testing.assert_allclose(table[0], logs, rtol=1e-6)
    np.testing.assert_allclose(table[1], logs.max() - logs, atol=1e-6)
    np.testing.assert_allclose(table[2], np.log([3, 1, 2]), atol=1e-6)
    np.testing.assert_allclose(table[3], np.log(0.2), rtol=1e-5)  # the last of fewer than ten
    fame = np.log(np.maximum(np.linspace(100, 10, N) / 100, LEAST))
    np.testing.assert_allclose(table[4], fame[places], atol=1e-5)
    np.testing.assert_allclose(table[7], fame[places] - fame[2], atol=1e-5)
    np.testing.assert_allclose(table[10], np.log(3), atol=1e-6)


def test_how_whole_franchises_are_is_what_counting_says() -> None:
    what = described()  # franchises of three: 0, 1, 2; 3, 4, 5; ...
    liked = [0, 2, 4]
    shares = [what.likes[p] / what.likes[p - p % 3] for p in range(6)]
    table = numbers(what, np.array(liked), np.array([1]), np.ones(1, np.float32), [])
    had, there = shares[0] + shares[2] + shares[4], sum(shares)
    expected = [had / there, (1 + 1) / (there - 2 + 2), np.log1p(there - 2), 2 / 3]
    np.testing.assert_allclose(table[-13:-9, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("liked", [[], [3], list(range(N))])
def test_any_profile_has_numbers(liked: list[int]) -> None:
    table = numbers(described(), np.array(liked, dtype=np.int64), np.arange(4), np.full(4, 0.1, np.float32), [])
    assert np.isfinite(table).all()


def test_a_title_that_the_catalogue_lacks_cannot_be_described() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Described.of(np.array([1, N + 1], np.int32), np.ones(2, np.float32), threes())


def test_the_front_shares_what_it_has_and_all_else_keeps_its_chance() -> None:
    profile, again = Profile.of_likes([1, 4, 50]), reranked()
    before, after = guessing().score([profile])[0], again.score([profile])[0]
    moved = before != after
    assert after.sum() == pytest.approx(1, abs=1e-5)
    assert 10 < moved.sum() <= CONFIG.front
    assert before[moved].min() >= before[~moved & ~np.isin(IDS, profile.anime_ids)].max()
    assert not moved[np.isin(IDS, profile.anime_ids)].any()


def test_profiles_are_answered_alike_alone_and_together_and_in_any_order() -> None:
    again, profiles = reranked(), [Profile.of_likes([1, 4]), Profile.of_likes([]), Profile.of_likes([9, 30, 31])]
    together = again.score(profiles)
    for profile, row in zip(profiles, together, strict=True):
        np.testing.assert_array_equal(again.score([profile])[0], row)
        np.testing.assert_array_equal(again.heard(profile).chances, row)
    np.testing.assert_array_equal(again.score([Profile.of_likes([31, 9, 30])])[0], together[2])


def test_of_few_liked_titles_the_nets_say_little_and_of_none_nothing() -> None:
    def moved(liked: list[int]) -> float:
        again, profile = reranked(), Profile.of_likes(liked)
        before, after = (np.log(model.score([profile])[0]) for model in (guessing(), again))
        every = after - before
        found = next(guessing().fronts([profile], described(), CONFIG.front))
        said = Nets.say(again.reranker.nets, found.table) if again.reranker else np.zeros(0)
        change = every[found.places]
        return float(np.polyfit(said, change, 1)[0])

    assert moved([]) == pytest.approx(0, abs=1e-4)
    assert moved([4]) == pytest.approx(1 / 4, abs=1e-3)
    assert moved([1, 4, 50]) == pytest.approx(3 / 6, abs=1e-3)


def test_what_is_disliked_is_neither_a_candidate_nor_a_like() -> None:
    profile = Profile.of([Entry(1), Entry(4, 2)])
    found = next(guessing().fronts([profile], described(), N))
    assert not np.isin(IDS[found.places], profile.anime_ids).any()
    related = dict(zip(IDS[found.places].tolist(), found.table[-9].tolist(), strict=True))
    assert related[2] == 1
    assert related[5] == 0


def test_a_part_that_does_not_know_a_title_says_nothing_of_it() -> None:
    few = IDS[::2]
    weights = blend.BlendWeights(np.ones(1, np.float32), {name: np.ones((1, 1), np.float32) for name in ("few", "all")})
    both = blend.Blend({"few": Guess(few), "all": Guess(IDS)}, {"few": "standard", "all": "standard"}, weights)
    found = next(both.fronts([Profile.of_likes([1])], described(), N))
    said = found.table[4]  # of the first part
    assert not said[~np.isin(IDS[found.places], few)].any()
    assert said[np.isin(IDS[found.places], few)].all()


def test_what_the_blend_does_not_know_is_learned_from_others() -> None:
    found = learned()
    assert found.reranker is not None
    assert found.found["after"] > found.found["before"] + 0.4
    others = [one.case for one in cases(50, seed=9)]
    again = replace(guessing(), reranker=found.reranker)
    wanted = 0
    for case in others:
        scores = again.score([case.given])[0]
        scores[np.isin(IDS, case.given.anime_ids)] = 0
        first = IDS[np.argsort(-scores, kind="stable")[: len(case.targets)]]
        wanted += np.isin(first, case.targets).mean() > 0.3  # what chance does not put in front, nobody finds there
    assert wanted > 25


def test_a_part_says_of_each_title_what_it_says_of_that_one() -> None:
    part = Part(np.array([2, 5, 9], np.int32), np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    said = part.of(np.array([1, 5, 9, 11], np.int32))
    assert said.tolist() == [[0, 2, 3, 0], [0, 5, 6, 0]]
    assert part.of(np.array([9, 2], np.int32)).tolist() == [[3, 1], [6, 4]]


@pytest.mark.parametrize("n", [1, 4])
def test_what_everybody_likes_counts_less_the_fewer_titles_are_given(n: int) -> None:
    what, config = described(), replace(CONFIG, front=N, against_fame=0.5)
    case = Case(1, Profile.of_likes(range(10, 10 + n)), np.array([1, 40, 80], np.int32))
    found = reranking.gather(guessing(), what, [Worth(case)], config)
    front = next(guessing().fronts([case.given], what, N))
    sought = np.searchsorted(front.places, np.array([1, 40, 80]) - 1)
    expected = what.likes[[0, 39, 79]].astype(np.float64) ** (-0.5 / np.sqrt(n))
    np.testing.assert_allclose(found.counts[sought], expected * 3 / expected.sum(), rtol=1e-4)
    assert found.counts.sum() == pytest.approx(3, rel=1e-5)


def test_those_who_judge_were_not_learned_from() -> None:
    one = learned()
    own = cases(300)
    swapped = [  # whoever judges likes something else: the trial must come out the same, and be judged worse
        replace(worth, case=replace(worth.case, targets=worth.case.targets + 1))
        if worth.case.user_id in one.judged
        else worth
        for worth in own
    ]
    other = reranking.learn(guessing(), described(), swapped, CONFIG, np.random.default_rng(1))
    assert other.judged == one.judged
    assert other.found["after"] < one.found["after"] - 0.1
    trials = [found.trial for found in (one, other) if found.trial is not None]
    assert len({trial.nets.layers["out"].tobytes() for trial in trials}) == 1
    assert len(trials) == 2


def test_nothing_is_kept_that_does_not_help() -> None:
    found = learned(seasons=False)
    assert found.reranker is None
    assert found.found["after"] <= found.found["before"] + 0.02


def test_too_few_users_tell_nothing() -> None:
    assert learned(19) == Learned()


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (learned(60, replace(CONFIG, epochs=1)).trial or learned(60).trial for _ in range(2))
    if one is None or two is None:
        pytest.fail("nothing was learned")
    assert all(one.nets.layers[name].tobytes() == two.nets.layers[name].tobytes() for name in LAYERS)


def test_slopes_are_those_of_the_loss() -> None:
    config, rng = replace(CONFIG, dropout=0.0, hidden=(4, 3)), np.random.default_rng(2)
    table, own = rng.normal(size=(12, 5)).astype(np.float32), rng.normal(size=12).astype(np.float32)
    counts = (rng.random(12) * (rng.random(12) < 0.6)).astype(np.float32)
    rows, worth = [np.arange(5), np.arange(5, 12)], np.array([1.0, 0.5], np.float32)
    first = reranking._first_layers(5, config, rng)
    layers: dict[str, NDArray[Any]] = {name: rng.normal(size=layer.shape) for name, layer in first.items()}

    def loss() -> float:
        hidden = np.maximum(table @ layers["in"].T + layers["in_bias"].T, 0)
        hidden = np.maximum(hidden @ layers["middle"].T + layers["middle_bias"].T, 0)
        sums = own + (hidden @ layers["out"].T)[:, 0]
        each = [-((sums[row] - np.log(np.exp(sums[row]).sum())) * counts[row]).sum() for row in rows]
        return float(np.dot(each, worth / worth.sum()))

    slopes = reranking._slopes(layers, table, own, counts, rows, worth, config, rng)
    for name, layer in layers.items():
        for place in np.ndindex(*layer.shape):
            layer[place] += 1e-5
            above = loss()
            layer[place] -= 2e-5
            below = loss()
            layer[place] += 1e-5
            assert slopes[name][place] == pytest.approx((above - below) / 2e-5, abs=2e-4), (name, place)


def test_every_user_is_parted_anew_and_cut() -> None:
    data = two_tastes(60)
    split = held_out_users(data, n_users=20, rng=np.random.default_rng(0))
    found = reranking.cases_of(data, split, replace(CONFIG, draws=3), np.random.default_rng(0))
    whole = [one.case for one in found if one.worth == 1]
    assert len(whole) == 3 * len(split.cases)
    for case in whole:
        liked = data.profile(int(np.searchsorted(data.user_ids, case.user_id))).liked_ids
        assert sorted([*case.given.anime_ids.tolist(), *case.targets.tolist()]) == liked.tolist()
    assert len({tuple(case.targets.tolist()) for case in whole if case.user_id == whole[0].user_id}) > 1
    assert any(one.worth == CONFIG.cut_worth for one in found)


def test_it_is_kept_and_restored() -> None:
    again, profile = reranked(), Profile.of_likes([1, 4, 50])
    restored = blend.restore(again.state(), again.parts, threes())
    np.testing.assert_array_equal(restored.score([profile]), again.score([profile]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("rerank_mean", np.zeros(3, np.float32)),
        ("rerank_out", np.zeros((2, 1, 5), np.float32)),
        ("rerank_in_bias", np.full((2, 12, 1), np.nan, np.float32)),
        ("rerank_likes", np.ones(4, np.float32)),
    ],
)
def test_nets_that_do_not_fit_are_refused(name: str, damage: NDArray[np.float32]) -> None:
    again = reranked()
    state = again.state()
    with pytest.raises(ValueError, match="do not fit"):
        blend.restore(State(state.kind, {**state.arrays, name: damage}, state.facts), again.parts, threes())


def test_other_weights_leave_the_reranker_out() -> None:
    assert reranked().weighed({"guess": 2.0}).reranker is None


@pytest.mark.parametrize(
    "values",
    [
        {"front": 0},
        {"hidden": (4, 0)},
        {"rate": 0.0},
        {"dropout": 1.0},
        {"judged": 1.0},
        {"cut_worth": -1.0},
        {"least": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError):
        RerankConfig(**values)  # type: ignore[arg-type]
