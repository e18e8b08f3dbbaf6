"""Signed reasons: what the closed forms say is what comes out when a title is really left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.profile import Entry, Profile
from anirec.core.protocols import Recommender
from anirec.recommenders import blend, ease, leaving_out, popularity, readings, sequels
from anirec.recommenders.leaving_out import LeavesOut, left_out
from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.autoencoders import Autoencoder
from anirec.recommenders.neural.recvae import RecVae
from worlds import catalogue_of, two_tastes

PROFILE = Profile.of(
    [Entry(1, 9), Entry(2, 7), Entry(3, status=Status.COMPLETED), Entry(12, 2), Entry(4, 5), Entry(99)]
)
RNG = np.random.default_rng(0)


def net(n: int = 25, hidden: int = 6, *, dislikes: bool = False, deep: bool = False) -> Autoencoder:
    rng = np.random.default_rng(4)

    def made(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    layers = ((made(3, hidden), made(3)), (made(hidden, 3), made(hidden))) if deep else ()
    return Autoencoder(
        kind="mult-vae" if deep else "mult-dae",
        items=np.arange(1, n + 1, dtype=np.int32),
        encoder=Table.of(made(2 * n if dislikes else n, hidden), "int8"),
        first=made(hidden),
        layers=layers,
        decoder=Table.of(made(n, hidden), "int8"),
        bias=made(n),
    )


def rec_vae(n: int = 25, hidden: int = 6, latent: int = 3, depth: int = 3) -> RecVae:
    rng = np.random.default_rng(5)

    def made(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    return RecVae(
        items=np.arange(1, n + 1, dtype=np.int32),
        encoder=Table.of(made(n, hidden), "int8"),
        biases=made(depth, hidden),
        gains=1 + made(depth, hidden),
        shifts=made(depth, hidden),
        between=made(depth - 1, hidden, hidden),
        mean=made(latent, hidden),
        mean_bias=made(latent),
        decoder=Table.of(made(n, latent), "int8"),
        bias=made(n),
    )


def parts() -> dict[str, Recommender]:
    data = two_tastes(users=300)
    catalogue = catalogue_of(25, franchises=[[1, 2, 5], [3, 6]])
    return {
        "ease": ease.fit(data, ease.EaseConfig(l2=5.0, min_likes=2), RNG),
        "sequels": sequels.fit(data, sequels.SequelsConfig(shrink=1.0), RNG, catalogue=catalogue),
        "popularity": popularity.fit(data, popularity.PopularityConfig(), RNG),
        "net": net(),
        "net of dislikes": net(dislikes=True),
        "deep net": net(deep=True),
        "recvae": rec_vae(),
    }


@pytest.mark.parametrize("name", ["ease", "sequels", "popularity"])
def test_what_is_said_in_closed_form_is_what_the_scores_without_a_title_are(name: str) -> None:
    part = parts()[name]
    rows = np.arange(len(part.items))
    left = left_out(part, PROFILE, rows, logits=False)
    np.testing.assert_allclose(left.whole, part.score([PROFILE])[0], atol=1e-5)
    for entry in range(len(PROFILE)):
        truth = part.score([PROFILE.where(np.arange(len(PROFILE)) != entry)])[0]
        np.testing.assert_allclose(left.whole if left.without is None else left.without[entry], truth, atol=1e-5)


@pytest.mark.parametrize("name", ["net", "net of dislikes", "deep net", "recvae"])
def test_logits_of_nets_differ_as_they_do_when_a_title_is_left_out_and_their_mean_stays(name: str) -> None:
    part = parts()[name]
    assert isinstance(part, LeavesOut)
    rows = np.array([0, 4, 7, 20])
    left = part.without(PROFILE, rows)
    np.testing.assert_allclose(left.whole, part.score([PROFILE])[0][rows], atol=1e-5)
    assert left.without is not None
    told = []
    for entry in range(len(PROFILE)):
        truth = part.score([PROFILE.where(np.arange(len(PROFILE)) != entry)])[0][rows]
        moved = (left.whole - left.without[entry]) - (left.whole - truth)
        np.testing.assert_allclose(moved, np.full(4, moved[0]), atol=1e-5, err_msg="the same for all titles")
        told.append(float(np.abs(left.whole - left.without[entry]).max()))
    assert told[-1] == 0, "what the net does not know says nothing"
    exactly = leaving_out._asked(part, PROFILE, rows, part.score([PROFILE])[0], logits=True)
    assert exactly.without is not None
    assert np.abs(exactly.without - exactly.whole).max() > 0
    np.testing.assert_allclose(left.without, exactly.without, atol=1e-4)


class Opaque:
    """A model that cannot leave anything out."""

    def __init__(self, part: Recommender) -> None:
        self.part = part
        self.items = part.items

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        return self.part.score(profiles)


def blended(own: dict[str, Recommender]) -> blend.Blend:
    readings_of = {"ease": "liking", "sequels": "chance", "popularity": "share", "net": "logits", "opaque": "standard"}
    weights = {
        name: np.linspace(0.3, 0.7, readings.VIEWS[readings_of[name]], dtype=np.float32)[np.newaxis] for name in own
    }
    weighed = blend.BlendWeights(np.ones(1, np.float32), weights)
    return blend.Blend(own, {name: readings_of[name] for name in own}, weighed)


def test_a_blends_reasons_order_titles_as_leaving_out_does() -> None:
    known = parts()
    model = blended({name: known[name] for name in ("ease", "sequels", "popularity", "net")})
    ids = np.array([5, 6, 7, 15, 21], dtype=np.int32)
    told = model.contributions(PROFILE, ids)
    rows = np.searchsorted(model.items, ids)
    whole = np.log(model.score([PROFILE])[0][rows])
    for entry in range(len(PROFILE)):
        without = np.log(model.score([PROFILE.where(np.arange(len(PROFILE)) != entry)])[0][rows])
        truth = whole - without  # up to what the sum of all chances moves by
        np.testing.assert_allclose(told[entry] - told[entry].mean(), truth - truth.mean(), atol=0.12)
    assert not told[-1].any(), "an unknown title says nothing"
    assert told[0, 2] > 0, "who likes 1 likes 7"


def test_parts_that_can_do_neither_are_asked_anew_and_say_the_same() -> None:
    known = parts()
    for name in ("ease", "net"):
        rows, logits = np.array([4, 6, 14]), name == "net"
        told = left_out(known[name], PROFILE, rows, logits=logits)
        asked = left_out(Opaque(known[name]), PROFILE, rows, logits=logits)
        assert told.without is not None
        assert asked.without is not None
        np.testing.assert_allclose(told.without, asked.without, atol=1e-4 if logits else 1e-5)
    model = blended({"opaque": Opaque(known["ease"]), "popularity": known["popularity"]})
    assert np.isfinite(model.contributions(PROFILE, model.items)).all()


def test_what_was_heard_of_a_profile_is_explained_as_if_it_were_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    known = parts()
    model = blended({name: known[name] for name in ("ease", "sequels", "popularity", "net")})
    ids = np.array([5, 6, 7, 15, 21], dtype=np.int32)
    heard = model.heard(PROFILE)
    np.testing.assert_array_equal(heard.chances, model.score([PROFILE])[0])
    np.testing.assert_allclose(heard.contributions(PROFILE, ids), model.contributions(PROFILE, ids), atol=1e-5)
    monkeypatch.setattr(blend, "MOST", 2)  # what was heard is of the whole profile, and only a part of it is looked at
    np.testing.assert_array_equal(heard.contributions(PROFILE, ids), model.contributions(PROFILE, ids))


def test_of_a_long_profile_those_that_say_most_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    model = blended({name: part for name, part in parts().items() if name in {"ease", "popularity"}})
    whole = model.contributions(PROFILE, np.array([5], dtype=np.int32))[:, 0]
    monkeypatch.setattr(blend, "MOST", 2)
    some = model.contributions(PROFILE, np.array([5], dtype=np.int32))[:, 0]
    assert np.count_nonzero(some) == 2
    assert set(np.flatnonzero(some)) == set(np.argsort(-np.abs(whole))[:2])


def test_an_empty_profile_has_no_reasons() -> None:
    model = blended({name: part for name, part in parts().items() if name in {"ease", "popularity", "net"}})
    assert model.contributions(Profile.of([]), np.array([5, 6], dtype=np.int32)).shape == (0, 2)


@pytest.mark.parametrize("reading", sorted(readings.READINGS))
def test_a_few_scores_are_read_as_they_are_among_all(reading: str) -> None:
    scores = np.random.default_rng(1).random(40).astype(np.float32)
    scores -= scores.min()
    few = np.array([3, 17, 39])
    np.testing.assert_allclose(
        readings.AT[reading](scores[few], scores), readings.READINGS[reading](scores)[:, few], atol=1e-5
    )
