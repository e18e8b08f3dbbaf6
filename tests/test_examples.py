"""The examples by which older systems showed themselves, asked of the starter bundle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import anirec
from anirec.core.ranking import Filters
from anirec.service.recommend import Service

FAVOURITES = [35507, 54968, 42361, 41457, 39535, 34599, 52347, 48580, 46569]
KINDRED = {
    48316, 48569, 51096, 45576, 54595, 51179, 50346, 55888, 48736, 54744, 47194, 53393, 50709, 52034, 55791, 52991,
    40748, 42897, 44511, 52299, 41389, 42310, 38826, 57334,
}  # fmt: skip
LATER_SEASONS = {42203, 54857, 49387}
"""Re:Zero 2nd Season Part 2, Re:Zero 3rd Season, Vinland Saga Season 2: an older system gave them to newcomers."""
DRAMAS = [28851, 2167, 12189]
"""A Silent Voice, Clannad, Hyouka: dramas of one studio."""


@pytest.fixture(scope="module")
def service() -> Service:
    return anirec.load()


def ids(service: Service, like: list[int], k: int = 20) -> list[int]:
    return [found.anime.anime_id for found in service.recommend(like=like, k=k)]


def test_no_title_comes_twice_and_none_that_was_given(service: Service) -> None:
    found = ids(service, FAVOURITES, k=100)
    assert len(found) == len(set(found)) == 100
    assert not set(found) & set(FAVOURITES)


def test_the_order_of_favourites_says_nothing(service: Service) -> None:
    shuffled = np.random.default_rng(0).permutation(FAVOURITES).tolist()
    assert ids(service, shuffled) == ids(service, FAVOURITES)


def test_neither_does_it_among_more_than_128(service: Service) -> None:
    many = service.catalogue.anime_ids[np.argsort(-service.catalogue.members)[:200]].tolist()
    shuffled = np.random.default_rng(1).permutation(many).tolist()
    found = ids(service, many)
    assert found == ids(service, shuffled)
    assert not set(found) & set(many)


def test_no_later_season_comes_whose_first_is_not_on_the_list(service: Service) -> None:
    found = np.array(ids(service, FAVOURITES, k=100), dtype=np.int32)
    assert not set(found.tolist()) & LATER_SEASONS
    needed = service.catalogue.requires[service.catalogue.rows_of(found)]
    given = service.catalogue.rows_of(np.array(FAVOURITES, dtype=np.int32))
    assert np.isin(needed[needed >= 0], given).all()


def test_nine_favourites_of_today_bring_what_their_viewers_like(service: Service) -> None:
    found = ids(service, FAVOURITES)
    assert len(KINDRED.intersection(found)) >= 6, found


def test_dramas_of_one_studio_are_nearer_than_titles_at_random(service: Service) -> None:
    """Near: the mean cosine of the autoencoder's vectors of titles, of 10,000 random triples."""
    model = service.model("recvae")
    vectors = model.decoder.values / np.linalg.norm(model.decoder.values, axis=1, keepdims=True)  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    triples = rng.integers(len(vectors), size=(10_000, 3))
    dramas = np.searchsorted(model.items, np.sort(DRAMAS))
    assert model.items[dramas].tolist() == sorted(DRAMAS)

    def nearness(rows: np.ndarray) -> np.ndarray:
        a, b, c = (vectors[rows[..., i]] for i in range(3))
        return np.asarray((a * b + b * c + a * c).sum(axis=-1) / 3)

    assert float(nearness(dramas)) > float(np.quantile(nearness(triples), 0.95))


def test_titles_newer_than_the_ratings_come_by_taste_and_not_by_fame_alone(service: Service) -> None:
    """2025 and later: hardly anybody in the ratings has met them, and yet each taste gets most of its own."""
    tastes = {
        "Crime": [1535, 19, 1889, 31043],  # Death Note, Monster, Higurashi, Erased
        "Slice of Life": [5680, 10165, 17549],  # K-On!, Nichijou, Non Non Biyori
        "Romance": [4224, 23273, 2167],  # Toradora!, Your Lie in April, Clannad
    }
    lists = {
        label: [found.anime for found in service.recommend(like=like, k=20, filters=Filters(year_from=2025))]
        for label, like in tastes.items()
    }
    for one, other in itertools.combinations(lists.values(), 2):
        assert len({a.anime_id for a in one} & {a.anime_id for a in other}) <= 15
    for label in tastes:
        carry = {
            name: sum(label.lower() in {x.lower() for x in (*a.genres, *a.themes, *a.tags)} for a in found)
            for name, found in lists.items()
        }
        assert carry.pop(label) > max(carry.values())
