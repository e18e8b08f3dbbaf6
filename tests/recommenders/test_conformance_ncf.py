"""NCF: what every recommender owes, its definition, and worlds with a known right answer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.errors import InputError  # noqa: E402
from anirec.core.profile import Profile  # noqa: E402
from anirec.prepare.splits import Case  # noqa: E402
from anirec.recommenders.neural import ncf, ncf_nets  # noqa: E402
from anirec.recommenders.neural.autoencoder_nets import array  # noqa: E402
from anirec.recommenders.neural.lists import lists_of  # noqa: E402
from anirec.recommenders.neural.ncf import FOLDS, Ncf, NcfConfig  # noqa: E402
from anirec.recommenders.neural.settings import LoopConfig  # noqa: E402
from anirec.recommenders.neural.validation import Validation  # noqa: E402
from conformance import Conformance, Subject  # noqa: E402
from recommenders.test_conformance import through_a_bundle  # noqa: E402
from worlds import dataset_of, two_tastes  # noqa: E402

LOOP = LoopConfig(epochs=20, patience=10, lr=0.03, warm_up=5)
CONFIG = NcfConfig(min_likes=1, min_list=2, dim=8, batch=400, validation_users=30, loop=LOOP)


@cache
def fitted(seed: int = 0) -> Ncf:
    return ncf.fit(two_tastes(users=200), CONFIG, np.random.default_rng(seed))


def by_definition(model: Ncf, profile: Profile) -> NDArray[np.float64]:
    """Hu et al. 2008, eq. 4, with a weight for every title, or the mean; then the cosine and the logistic curve."""
    everything = model.embeddings.values.astype(float)
    likings = np.zeros(len(model.items))
    for anime_id, liking in zip(profile.anime_ids, profile.liking, strict=True):
        likings[model.items == anime_id] = liking
    user = likings @ everything
    if model.fold == "ridge":
        trust = np.diag(model.rest + (likings != 0))
        user = np.linalg.inv(everything.T @ trust @ everything + model.ridge * np.eye(len(user))) @ user
    user = user / (np.linalg.norm(user) or 1.0)
    return np.asarray(1 / (1 + np.exp(-(model.slope * (everything @ user) + model.offset))), dtype=np.float64)


@pytest.mark.parametrize("fold", FOLDS)
class TestNcf(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path, fold: str) -> Subject:
        model = replace(fitted(), fold=fold)
        restored = through_a_bundle(tmp_path, {"model": model.state()}, "model")
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=1e-4)


@pytest.mark.parametrize(
    ("given", "taste"), [([2], range(1, 11)), ([12, 15], range(11, 21)), ([1, 4, 6], range(1, 11))]
)
def test_people_of_one_taste_are_named_what_that_taste_likes(given: list[int], taste: range) -> None:
    scores = fitted().score([Profile.of_likes(given)])[0]
    scores[np.isin(fitted().items, given)] = -1
    assert {int(i) for i in fitted().items[np.argsort(-scores)[:5]]} <= set(taste)


def test_the_way_of_folding_in_that_ranks_better_for_validation_users_is_kept() -> None:
    model = fitted()
    scores = {fold: replace(model, fold=fold).score([Profile.of_likes([2, 12, 13])])[0] for fold in FOLDS}
    for fold in FOLDS:  # a case that this way answers perfectly, and the other does not
        given = Profile.of_likes([2, 12, 13])
        ranked = scores[fold].copy()
        ranked[np.isin(model.items, given.anime_ids)] = -1
        gains = ranked - np.where(np.isin(model.items, given.anime_ids), 0, scores[FOLDS[fold == "mean"]])
        target = model.items[[int(np.argmax(gains))]]
        case = Validation((Case(1, given, target),), model.items)
        kept, figure = ncf.better_fold(model, case)
        assert figure == max(case.ndcg(replace(model, fold=one).score) for one in FOLDS)
        assert case.ndcg(kept.score) == figure


def test_what_a_user_has_is_never_drawn_as_what_they_do_not_have() -> None:
    data = two_tastes()
    lists = lists_of(data, data.anime_ids, 2)
    n = len(data.anime_ids)
    owner = np.repeat(np.arange(lists.n_users), np.diff(lists.indptr))
    have = set(zip(owner.tolist(), lists.items.tolist(), strict=True))
    drawn = positive = 0
    for batch in ncf_nets.pairs(lists, CONFIG, np.random.default_rng(0), n):
        couples = list(zip(batch.users.tolist(), batch.items.tolist(), strict=True))
        entries = [couple in have for couple in couples]
        k = sum(entries)
        assert entries == [True] * k + [False] * (len(entries) - k)
        assert not batch.labels[k:].any()
        positive, drawn = positive + k, drawn + len(entries) - k
    assert positive == len(lists.items)
    assert drawn > positive


def test_scores_become_labels_from_0_to_1() -> None:
    data = dataset_of({1: {1: 1, 2: 10, 3: 7}})
    np.testing.assert_allclose(ncf_nets.labels_of(lists_of(data, data.anime_ids, 1)), [0, 1, 6 / 9], rtol=1e-6)


def test_the_served_chance_is_that_of_the_trained_net() -> None:
    torch.manual_seed(1)
    net = ncf_nets.NcfNet(3, 20, 8)
    for _ in range(50):  # the norm has to count something
        net(torch.randint(3, (30,)), torch.randint(20, (30,)))
    net.eval()
    with torch.no_grad():
        chances = array(torch.sigmoid(net(torch.full((20,), 2), torch.arange(20))))
        user = array(torch.nn.functional.normalize(net.users[2], dim=0))
    units, slope, offset = ncf_nets.folded(net)
    np.testing.assert_allclose(1 / (1 + np.exp(-(slope * (units @ user) + offset))), chances, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again = fitted().state().arrays, fitted.__wrapped__().state().arrays
    assert {name: array.tobytes() for name, array in first.items()} == {n: a.tobytes() for n, a in again.items()}


@pytest.mark.parametrize(
    "wrong", [{"dim": 0}, {"batch": 0}, {"ridge": 0.0}, {"rest": 2.0}, {"negatives": -1}, {"negative_weight": -1.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        NcfConfig(**wrong)


def test_arrays_that_do_not_fit_are_refused() -> None:
    state = fitted().state()
    for name in ("embeddings_scales", "numbers"):
        broken = {**state.arrays, name: state.arrays[name][:-1]}
        with pytest.raises(ValueError, match=r"finite|numbers"):
            ncf.restore(type(state)(kind=state.kind, arrays=broken, facts=state.facts))
    with pytest.raises(ValueError, match="folded in"):
        ncf.restore(type(state)(kind=state.kind, arrays=state.arrays, facts={"fold": "guess"}))
