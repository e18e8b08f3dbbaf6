"""Weights of a blend, learned on worlds where the right answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.prepare.splits import Case
from anirec.recommenders import blend, blending
from anirec.recommenders.blending import BlendConfig, Worth

N = 60


def silent(_done: int, _total: int) -> None: ...


CONFIG = BlendConfig(sizes=(1, 10), front=15, by_chance=10)


@dataclass(frozen=True)
class Oracle:
    """Scores that know the answer from some number of titles on, and are noise below. knows: (least, most) titles."""

    knows: tuple[int, int]
    seed: int
    items: NDArray[np.int32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        rows = []
        for profile in profiles:
            noise = np.random.default_rng([self.seed, *profile.anime_ids.tolist()]).normal(size=len(self.items))
            if self.knows[0] <= len(profile) <= self.knows[1]:
                noise += 3.0 * np.isin(self.items, wanted_by(profile))
            rows.append(noise)
        return np.array(rows, dtype=np.float32).reshape(len(profiles), len(self.items))


def wanted_by(profile: Profile) -> NDArray[np.int32]:
    """What somebody with this profile likes besides: every tenth title from the first of the profile on."""
    ids = np.arange(1, N + 1, dtype=np.int32)
    alike: NDArray[np.bool_] = (ids % 10 == profile.anime_ids[0] % 10) & ~np.isin(ids, profile.anime_ids)
    return ids[alike]


def cases(sizes: Sequence[int], n: int, seed: int = 0) -> list[Worth]:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        given = Profile.of_likes((1 + rng.permutation(N)[: sizes[i % len(sizes)]]).tolist())
        targets = wanted_by(given)
        if len(targets):
            found.append(Worth(Case(i, given, targets), worth=1.0 + i % 2))
    return found


def short_and_long() -> dict[str, Oracle]:
    items = np.arange(1, N + 1, dtype=np.int32)
    return {"of-short": Oracle((1, 3), 1, items), "of-long": Oracle((4, 99), 2, items)}


def test_each_part_weighs_most_at_the_sizes_where_it_knows_most() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "standard"}
    found = blending.learn(parts, readings, cases((1, 12), 200), CONFIG, np.random.default_rng(0))
    of_short, of_long = (found.at((1, 12))[part][:, 0].tolist() for part in parts)
    assert of_short[0] > 1.0
    assert abs(of_short[1]) < 0.2
    assert of_long[1] > 1.0
    assert abs(of_long[0]) < 0.2


def test_the_blend_ranks_others_better_than_each_of_its_parts() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "standard"}
    weights = blending.learn(parts, readings, cases((1, 12), 200), CONFIG, np.random.default_rng(0))
    unseen = [one.case for one in cases((1, 2, 9, 15), 80, seed=9)]

    def hits(scores: NDArray[np.float32], case: Case) -> float:
        left = np.where(np.isin(np.arange(1, N + 1), case.given.anime_ids), -np.inf, scores)
        return float(np.isin(1 + np.argsort(-left)[:5], case.targets).mean())

    models: dict[str, Recommender] = {**parts, "blend": blend.Blend(parts, readings, weights)}
    means = {
        name: np.mean([hits(model.score([case.given])[0], case) for case in unseen]) for name, model in models.items()
    }
    assert means["blend"] > 1.3 * max(means["of-short"], means["of-long"]), means


def test_the_slope_is_that_of_the_loss() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "logits"}
    lists = blending.gather(parts, readings, cases((1, 4, 12), 12), CONFIG, np.random.default_rng(0), silent)
    loss, shape = blending.objective(lists, CONFIG)
    weights = np.random.default_rng(1).normal(size=shape).ravel()
    steps = 1e-2 * np.eye(len(weights))
    slope = [(loss(weights + step)[0] - loss(weights - step)[0]) / 2e-2 for step in steps]
    assert loss(weights)[1] == pytest.approx(slope, rel=1e-2, abs=1e-3)


def test_the_loss_is_what_its_definition_says() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "standard"}
    lists = blending.gather(parts, readings, cases((1, 12), 6), CONFIG, np.random.default_rng(0), silent)
    loss, shape = blending.objective(lists, CONFIG)
    weights = np.random.default_rng(1).normal(size=shape)
    views = lists.views / np.sqrt(np.mean(lists.views.astype(float) ** 2, axis=0))
    ends = [*lists.starts[1:].tolist(), len(views)]
    total, worths = 0.0, 0.0
    for row, (start, end) in enumerate(zip(lists.starts.tolist(), ends, strict=True)):
        sums = views[start:end] @ (lists.mix[row] @ weights)
        logs = sums - np.log(np.exp(sums).sum())
        liked = lists.liked[start:end]
        total -= lists.worth[row] * liked.sum() ** (CONFIG.length_power - 1) * logs[liked].sum()
        worths += lists.worth[row] * liked.sum() ** CONFIG.length_power
    price = CONFIG.smooth * (np.square(weights[1] - weights[0]).sum() + 0.1 * np.square(weights).sum())
    assert loss(weights.ravel())[0] == pytest.approx(total / worths + price, rel=1e-5)


def test_what_weighs_twice_counts_as_often_as_what_is_there_twice() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "standard"}
    config = replace(CONFIG, by_chance=0)
    some = [one.case for one in cases((1, 4, 12), 12)]
    heavy = [Worth(case, 1.0 + i % 2) for i, case in enumerate(some)]
    often = [Worth(case) for i, case in enumerate(some) for _ in range(1 + i % 2)]
    found, expected = (
        blending.learn(parts, readings, these, config, np.random.default_rng(0)) for these in (heavy, often)
    )
    for name in parts:
        assert found.weights[name] == pytest.approx(expected.weights[name], rel=1e-2, abs=1e-3)


def test_same_seed_same_weights() -> None:
    parts, readings = short_and_long(), {"of-short": "standard", "of-long": "standard"}
    first, again = (
        blending.learn(parts, readings, cases((1, 12), 60), CONFIG, np.random.default_rng(4)) for _ in range(2)
    )
    assert all(np.array_equal(first.weights[name], again.weights[name]) for name in parts)


def test_nothing_to_learn_from_is_an_error() -> None:
    parts = {"a": Oracle((1, 99), 1, np.arange(1, N + 1, dtype=np.int32))}
    nobody = [Worth(Case(1, Profile.of_likes([1]), np.array([N + 5], dtype=np.int32)))]
    with pytest.raises(InputError, match="nothing to learn weights from"):
        blending.learn(parts, {"a": "standard"}, nobody, CONFIG, np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong",
    [{"sizes": ()}, {"sizes": (3, 1)}, {"front": 0}, {"smooth": 0}, {"length_power": 2}, {"cut": 0}, {"cut_worth": 0}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        BlendConfig(**wrong)  # type: ignore[arg-type]
