"""The net of two heads: what every recommender owes, its definition, and worlds with a known right answer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.columns import Status  # noqa: E402
from anirec.core.errors import InputError  # noqa: E402
from anirec.core.profile import Entry, Profile  # noqa: E402
from anirec.prepare.dataset import Dataset  # noqa: E402
from anirec.recommenders.neural import twoheads, twoheads_nets  # noqa: E402
from anirec.recommenders.neural.autoencoder_nets import Bags, array  # noqa: E402
from anirec.recommenders.neural.lists import lists_of  # noqa: E402
from anirec.recommenders.neural.settings import LoopConfig  # noqa: E402
from anirec.recommenders.neural.twoheads import TwoHeads, TwoHeadsConfig  # noqa: E402
from conformance import Conformance, Subject  # noqa: E402
from recommenders.test_conformance import through_a_bundle  # noqa: E402
from worlds import dataset_of, two_tastes  # noqa: E402

LOOP = LoopConfig(epochs=30, patience=30, lr=0.01, warm_up=5)
SMALL: dict[str, Any] = {"min_likes": 1, "min_list": 2, "batch": 50, "validation_users": 30, "loop": LOOP}
CONFIG = TwoHeadsConfig(**SMALL, hidden=12)


@cache
def fitted(seed: int = 0) -> TwoHeads:
    return twoheads.fit(two_tastes(users=200), CONFIG, np.random.default_rng(seed))


def by_definition(model: TwoHeads, profile: Profile) -> NDArray[np.float64]:
    """Both inputs dense, in double precision, and the product of presence and e^(weight * score)."""
    n = len(model.items)
    there, far = np.zeros(n), np.zeros(n)
    entries = [
        (int(np.flatnonzero(model.items == i)[0]), float(s))
        for i, s, liking in zip(profile.anime_ids, profile.scores, profile.liking, strict=True)
        if i in model.items and liking != 0
    ]
    scores = [score for _, score in entries if not np.isnan(score)]
    mean = (sum(scores) + 5 * 7.5) / (len(scores) + 5)
    for place, score in entries:
        there[place] = 1 / np.sqrt(len(entries))
        far[place] = 0 if np.isnan(score) else (score - mean) / 1.5 / np.sqrt(len(entries))
    hidden = np.tanh(np.concatenate([there, far]) @ model.encoder.values.astype(float) + model.first)
    hidden = np.tanh(model.middle @ hidden + model.middle_bias)
    both = model.heads.values.astype(float) @ hidden + model.bias
    served = np.log(1 / (1 + np.exp(-both[:n])) * np.exp(model.score_weight * both[n:]))
    return np.asarray(served - served.min(), dtype=np.float64)


class TestTwoHeads(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        model = fitted()
        restored = through_a_bundle(tmp_path, {"model": model.state()}, "model")
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=1e-5)


def best(model: TwoHeads, given: list[int], n: int) -> list[int]:
    scores = model.score([Profile.of_likes(given)])[0]
    scores[np.isin(model.items, given)] = -1
    return [int(i) for i in model.items[np.argsort(-scores)[:n]]]


@pytest.mark.parametrize(
    ("given", "taste"), [([2], range(1, 11)), ([12, 15], range(11, 21)), ([1, 4, 6], range(1, 11))]
)
def test_people_of_one_taste_are_named_what_that_taste_has_on_its_lists(given: list[int], taste: range) -> None:
    assert set(best(fitted(), given, 5)) <= set(taste)


def seen_by_all_loved_by_few() -> Dataset:
    """Everybody has 5, and scores it below all else; half have 6, and score it above all else."""
    rng = np.random.default_rng(0)
    lists = {}
    for user in range(300):
        scores = {anime: int(rng.integers(7, 9)) for anime in range(1, 5)} | {5: 4 if user else 7}
        lists[user] = scores | ({6: 10} if user % 2 else {})
    return dataset_of(lists)


def test_the_weight_of_scores_moves_a_title_that_is_seen_often_below_one_that_is_loved() -> None:
    model = twoheads.fit(seen_by_all_loved_by_few(), CONFIG, np.random.default_rng(0))
    assert best(replace(model, score_weight=0.0), [1, 2, 3, 4], 2) == [5, 6]
    assert best(replace(model, score_weight=2.0), [1, 2, 3, 4], 2) == [6, 5]


def test_what_is_only_planned_says_nothing() -> None:
    said = [Entry(2, 9), Entry(4, 7)]
    planned = [*said, Entry(12, None, Status.PLANNED)]
    np.testing.assert_array_equal(fitted().score([Profile.of(said)]), fitted().score([Profile.of(planned)]))


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again = fitted().state().arrays, fitted.__wrapped__().state().arrays
    assert {name: array.tobytes() for name, array in first.items()} == {n: a.tobytes() for n, a in again.items()}


def test_the_served_net_is_the_trained_one() -> None:
    torch.manual_seed(1)
    config = TwoHeadsConfig(hidden=12, precision="float32")
    net = twoheads_nets.TwoHeadsNet(20, config, np.full(20, 0.3)).eval()
    profile = Profile.of([Entry(3, 9), Entry(4, 6), Entry(12, 2)])
    weights = twoheads.weights_of(profile.scores)
    shown = Bags(torch.tensor([2, 3, 11, 22, 23, 31]), torch.from_numpy(weights), torch.tensor([0]))
    with torch.no_grad():
        presence, named = (array(head[0]) for head in net(shown))
    model = twoheads_nets.served(net, np.arange(1, 21, dtype=np.int32), config)
    np.testing.assert_allclose(model.heard(profile), (presence, named), atol=1e-5)


def test_the_loss_is_cross_entropy_over_all_titles_and_squared_errors_of_scores_alone() -> None:
    data = dataset_of({1: {1: 9, 2: 7}, 2: {1: 10, 2: 8, 3: 2}, 3: {2: 8, 3: 7}})
    config = TwoHeadsConfig(min_likes=1, min_list=1, hidden=4, dropout=0.0, short=0.0, length_power=1.0)
    lists = lists_of(data, data.anime_ids, 1)
    torch.manual_seed(0)
    net = twoheads_nets.TwoHeadsNet(3, config, np.full(3, 0.4))
    batch = next(twoheads_nets.batches(lists, config, np.random.default_rng(0), 3))
    presence, named = (array(head).astype(float) for head in net(batch.shown))
    there, far = np.zeros((3, 3)), np.zeros((3, 3))
    there[batch.owner.numpy(), batch.items.numpy()] = 1
    far[batch.owner.numpy(), batch.items.numpy()] = batch.far.numpy()
    odds = 1 / (1 + np.exp(-presence))
    entropy = -(there * np.log(odds) + (1 - there) * np.log(1 - odds)).sum(axis=1)
    errors = (there * (named - far) ** 2).sum(axis=1)
    got = float(twoheads_nets.loss_of(net, batch, 0.3).detach())
    assert got == pytest.approx((entropy + 0.3 * errors).mean(), rel=1e-5)


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"score_loss": -1.0}, {"score_weight": -0.5}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TwoHeadsConfig(**wrong)


@pytest.mark.parametrize("name", ["encoder_steps", "heads_scales", "middle", "bias"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    state = fitted().state()
    broken = {**state.arrays, name: state.arrays[name][..., :-1]}
    with pytest.raises(ValueError, match=r"finite|numbers"):
        twoheads.restore(type(state)(kind=state.kind, arrays=broken, facts=state.facts))
