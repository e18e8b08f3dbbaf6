"""RecVAE: what every recommender owes, its definition, and worlds with a known right answer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.errors import InputError  # noqa: E402
from anirec.core.profile import Entry, Profile  # noqa: E402
from anirec.recommenders.neural import recvae, recvae_nets  # noqa: E402
from anirec.recommenders.neural.autoencoder_nets import array, bags, batches  # noqa: E402
from anirec.recommenders.neural.lists import lists_of  # noqa: E402
from anirec.recommenders.neural.recvae import RecVae, RecVaeConfig  # noqa: E402
from anirec.recommenders.neural.settings import LoopConfig  # noqa: E402
from conformance import Conformance, Subject  # noqa: E402
from recommenders.test_conformance import through_a_bundle  # noqa: E402
from worlds import two_tastes  # noqa: E402

LOOP = LoopConfig(epochs=20, patience=10, lr=0.01, warm_up=5)
SMALL: dict[str, Any] = {"min_likes": 1, "min_list": 2, "batch": 50, "validation_users": 30, "loop": LOOP}
CONFIG = RecVaeConfig(**SMALL, hidden=12, latent=6)


@cache
def fitted(seed: int = 0) -> RecVae:
    return recvae.fit(two_tastes(users=200), CONFIG, np.random.default_rng(seed))


def by_definition(model: RecVae, profile: Profile) -> NDArray[np.float64]:
    """Section 3 with every sum written out, over a dense input, in double precision."""
    x = np.zeros(len(model.items))
    for anime_id, liking in zip(profile.anime_ids, profile.liking, strict=True):
        x[model.items == anime_id] = max(liking, 0)
    x /= np.linalg.norm(x) or 1.0
    layers: list[NDArray[np.float64]] = []
    for depth in range(len(model.biases)):
        heard = x @ model.encoder.values.astype(float) if depth == 0 else model.between[depth - 1] @ layers[-1]
        heard = heard + model.biases[depth] + sum(layers, start=np.zeros(len(model.biases[0])))
        bent = heard / (1 + np.exp(-heard))
        layers.append((bent - bent.mean()) / np.sqrt(bent.var() + 0.1) * model.gains[depth] + model.shifts[depth])
    logits = model.decoder.values.astype(float) @ (model.mean @ layers[-1] + model.mean_bias) + model.bias
    logits -= logits.min()
    return np.asarray(logits, dtype=np.float64)


class TestRecVae(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        model = fitted()
        restored = through_a_bundle(tmp_path, {"model": model.state()}, "model")
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=1e-5)


@pytest.mark.parametrize(
    ("given", "taste"), [([2], range(1, 11)), ([12, 15], range(11, 21)), ([1, 4, 6], range(1, 11))]
)
def test_people_of_one_taste_are_named_what_that_taste_likes(given: list[int], taste: range) -> None:
    scores = fitted().score([Profile.of_likes(given)])[0]
    scores[np.isin(fitted().items, given)] = -1
    assert {int(i) for i in fitted().items[np.argsort(-scores)[:5]]} <= set(taste)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again = fitted().state().arrays, fitted.__wrapped__().state().arrays
    assert {name: array.tobytes() for name, array in first.items()} == {n: a.tobytes() for n, a in again.items()}


def test_the_served_net_is_the_trained_one() -> None:
    torch.manual_seed(1)
    config = RecVaeConfig(hidden=12, latent=6, depth=4, precision="float32")
    net = recvae_nets.RecVaeNet(20, config).eval()
    for weights in net.parameters():
        weights.data += 0.3 * torch.randn_like(weights)
    profile = Profile.of([Entry(3, 9), Entry(4, 6), Entry(12, 2)])
    shown = bags(np.array([2, 3, 11]), profile.liking, np.zeros(3, dtype=np.int64), 1, n=20, dislikes=False)
    with torch.no_grad():
        logits = array(net.decoder(net.encoder(shown)[0])[0])
    model = recvae_nets.served(net, np.arange(1, 21, dtype=np.int32), config)
    np.testing.assert_allclose(model.score([profile])[0], logits - logits.min(), atol=1e-5)


def test_with_the_old_encoder_as_the_whole_prior_the_distance_to_itself_is_nothing() -> None:
    config = RecVaeConfig(hidden=12, latent=6, standard=1e-9, old=1 - 2e-9, wide=1e-9)
    torch.manual_seed(1)
    net = recvae_nets.RecVaeNet(25, config)
    data = two_tastes()
    lists = lists_of(data, data.anime_ids, 2)
    whole = next(batches(lists, config, np.random.default_rng(0), n=len(data.anime_ids), dislikes=False)).whole
    mean, log_variance = net.encoder(whole)
    np.testing.assert_allclose(
        array(net.log_prior(mean, whole)), array(recvae_nets.log_normal(mean, mean, log_variance)), atol=1e-4
    )


def test_encoder_and_decoder_are_changed_only_on_their_turn() -> None:
    data = two_tastes()
    lists = lists_of(data, data.anime_ids, 2)
    torch.manual_seed(1)
    net = recvae_nets.RecVaeNet(25, CONFIG)
    batch = next(batches(lists, CONFIG, np.random.default_rng(0), n=25, dislikes=False))
    for encoder in (True, False):
        net.zero_grad(set_to_none=True)
        net.encoder.requires_grad_(encoder)
        net.decoder.requires_grad_(not encoder)
        net.loss(recvae_nets.Turn(batch, encoder=encoder, first=False)).backward()  # type: ignore[no-untyped-call]
        assert (net.encoder.table.grad is not None) is encoder
        assert (net.decoder.weight.grad is not None) is not encoder


@pytest.mark.parametrize(
    "wrong", [{"hidden": 0}, {"depth": 0}, {"latent": 0}, {"gamma": -1.0}, {"encoder_passes": 0}, {"wide": 0.5}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RecVaeConfig(**wrong)


@pytest.mark.parametrize("name", ["encoder_steps", "decoder_scales", "gains", "between", "mean", "bias"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    state = fitted().state()
    with pytest.raises(ValueError, match=r"finite|numbers"):
        recvae.restore(type(state)(kind=state.kind, arrays={**state.arrays, name: state.arrays[name][..., :-1]}))
