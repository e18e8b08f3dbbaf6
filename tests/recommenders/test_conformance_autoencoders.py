"""The autoencoders: what every recommender owes, their definitions, and worlds with a known right answer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.errors import InputError
from anirec.core.profile import Entry, Profile
from anirec.recommenders.neural import autoencoders
from anirec.recommenders.neural.autoencoders import Autoencoder, MultDaeConfig, MultVaeConfig
from anirec.recommenders.neural.settings import LoopConfig
from conformance import Conformance, Subject
from recommenders.test_conformance import through_a_bundle
from worlds import two_tastes

LOOP = LoopConfig(epochs=30, patience=10, lr=0.01, warm_up=5)
SMALL: dict[str, Any] = {"min_likes": 1, "min_list": 2, "batch": 50, "validation_users": 30, "loop": LOOP}
DAE = MultDaeConfig(**SMALL, hidden=12)
VAE = MultVaeConfig(**SMALL, hidden=12, latent=6, precision="float16", dislikes=True)


@cache
def fitted(config: MultDaeConfig, seed: int = 0) -> Autoencoder:
    return autoencoders.fit(two_tastes(users=200), config, np.random.default_rng(seed))


def by_definition(model: Autoencoder, profile: Profile) -> NDArray[np.float64]:
    """The layers one after the other, over a dense input, in double precision."""
    n = len(model.items)
    x = np.zeros(len(model.encoder.steps))
    for anime_id, liking in zip(profile.anime_ids, profile.liking, strict=True):
        for place in np.flatnonzero(model.items == anime_id):
            if liking > 0:
                x[place] = liking
            elif liking < 0 and len(x) == 2 * n:
                x[n + place] = -liking
    hidden = np.tanh(x / (np.linalg.norm(x) or 1.0) @ model.encoder.values.astype(float) + model.first)
    if model.kind == "mult-vae":
        (narrow, narrow_bias), (wide, wide_bias) = model.layers
        hidden = np.tanh(wide @ (narrow @ hidden + narrow_bias) + wide_bias)
    logits: NDArray[np.float64] = model.decoder.values.astype(float) @ hidden + model.bias
    logits -= logits.min()
    return logits


@pytest.mark.parametrize("config", [DAE, VAE], ids=["dae", "vae"])
class TestMult(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path, config: MultDaeConfig) -> Subject:
        model = fitted(config)
        restored = through_a_bundle(tmp_path, {"model": model.state()}, "model")
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=1e-5)


def top(model: Autoencoder, profile: Profile, n: int) -> set[int]:
    scores = model.score([profile])[0]
    scores[np.isin(model.items, profile.anime_ids)] = -1
    return {int(i) for i in model.items[np.argsort(-scores)[:n]]}


@pytest.mark.parametrize("config", [DAE, VAE], ids=["dae", "vae"])
@pytest.mark.parametrize(
    ("given", "taste"), [([2], range(1, 11)), ([12, 15], range(11, 21)), ([1, 4, 6], range(1, 11))]
)
def test_people_of_one_taste_are_named_what_that_taste_likes(
    config: MultDaeConfig, given: list[int], taste: range
) -> None:
    assert top(fitted(config), Profile.of_likes(given), 5) <= set(taste)


@pytest.mark.parametrize("config", [DAE, VAE], ids=["dae", "vae"])
def test_the_same_seed_gives_the_same_bytes(config: MultDaeConfig) -> None:
    first, again = fitted(config).state().arrays, fitted.__wrapped__(config).state().arrays
    assert {name: array.tobytes() for name, array in first.items()} == {n: a.tobytes() for n, a in again.items()}
    assert fitted(config, seed=1).bias.tobytes() != first["bias"].tobytes()


@pytest.mark.parametrize("config", [DAE, VAE], ids=["dae", "vae"])
def test_the_served_net_is_the_trained_one(config: MultDaeConfig) -> None:
    import torch

    from anirec.recommenders.neural.arrays import Table
    from anirec.recommenders.neural.autoencoder_nets import MultNet, array, bags

    torch.manual_seed(1)
    net = MultNet(20, config)
    net.eval()
    torch.nn.init.normal_(net.first)
    model = Autoencoder(
        kind="mult-vae" if net.latent else "mult-dae",
        items=np.arange(1, 21, dtype=np.int32),
        encoder=Table.of(array(net.encoder), "float32"),
        first=array(net.first),
        layers=tuple((array(layer.weight), array(layer.bias)) for layer in net.between()),
        decoder=Table.of(array(net.decoder.weight), "float32"),
        bias=array(net.decoder.bias),
    )
    profile = Profile.of([Entry(3, 9), Entry(4, 6), Entry(12, 2)])
    shown = bags(np.array([2, 3, 11]), profile.liking, np.zeros(3, dtype=np.int64), 1, n=20, dislikes=config.dislikes)
    with torch.no_grad():
        logits = array(net(shown)[0][0])
    np.testing.assert_allclose(model.score([profile])[0], logits - logits.min(), atol=1e-5)


def test_before_training_lists_differ_by_more_than_the_noise_of_the_narrow_layer() -> None:
    import torch

    from anirec.recommenders.neural import autoencoder_nets

    torch.manual_seed(0)
    n = 4000
    net = autoencoder_nets.MultNet(n, MultVaeConfig())
    rows = torch.arange(400)  # 20 lists of 20 titles each
    shown = autoencoder_nets.Bags(rows, torch.full((400,), 20**-0.5), torch.arange(0, 400, 20))
    hidden = torch.tanh(shown.sum_of(net.encoder) + net.first)
    noise = (0.5 * net.log_variance(hidden)).exp().mean()
    assert net.mean(hidden).std(dim=0).mean() > noise


def test_a_dislike_says_nothing_without_its_own_input_and_something_with_it() -> None:
    plain, more = Profile.of([Entry(2, 9)]), Profile.of([Entry(2, 9), Entry(12, 1)])
    without, with_it = fitted(DAE), fitted(VAE)
    np.testing.assert_array_equal(without.score([plain]), without.score([more]))
    assert not np.allclose(with_it.score([plain]), with_it.score([more]))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (MultDaeConfig, {"hidden": 0}),
        (MultDaeConfig, {"dropout": 1.0}),
        (MultDaeConfig, {"short": 1.5}),
        (MultDaeConfig, {"length_power": -1.0}),
        (MultDaeConfig, {"batch": 0}),
        (MultDaeConfig, {"validation_users": -1}),
        (MultDaeConfig, {"precision": "int4"}),
        (MultVaeConfig, {"latent": 0}),
        (MultVaeConfig, {"beta": -0.1}),
        (MultVaeConfig, {"anneal": 2.0}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        kind(**wrong)


def test_data_without_a_title_that_enough_like_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to learn from"):
        fitted(MultDaeConfig(min_likes=10_000))


@pytest.mark.parametrize("name", ["encoder_steps", "decoder_scales", "first", "bias", "weights_0"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    state = fitted(VAE).state()
    broken = {**state.arrays, name: state.arrays[name][..., :-1]}
    with pytest.raises(ValueError, match=r"finite|numbers|table|broadcast"):
        autoencoders.restore(type(state)(kind=state.kind, arrays=broken))
