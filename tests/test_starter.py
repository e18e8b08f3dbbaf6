"""The bundle that comes with the package."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

import anirec
from anirec.core.ranking import FranchiseMode
from anirec.service.recommend import Service
from anirec.service.search import Search
from anirec.wiring.search import load_search

SPIKE = ["Cowboy Bebop", "Samurai Champloo", "Trigun"]


@pytest.fixture(scope="module")
def service() -> Service:
    return anirec.load()


def test_it_has_at_most_60_megabytes_and_40_without_what_search_needs(service: Service) -> None:
    sizes = {file.relative_to(service.path): file.stat().st_size for file in service.path.rglob("*")}
    assert sum(sizes.values()) <= 60e6
    assert sum(size for file, size in sizes.items() if file.parts[0] != "search") <= 40e6


def test_it_holds_no_prose(service: Service) -> None:
    for table in service.path.glob("*.parquet"):
        with duckdb.connect() as con:
            columns = con.execute(f"DESCRIBE SELECT * FROM '{table}'").fetchall()
            texts = [row[0] for row in columns if row[1] == "VARCHAR"]
            longest = con.execute(f"SELECT {', '.join(f'max(length({t}))' for t in texts)} FROM '{table}'").fetchone()
        assert longest is not None
        assert max(longest) < 260, dict(zip(texts, longest, strict=True))  # the longest title has some 240 characters


def test_the_example_gives_neither_the_likes_nor_two_of_a_franchise(service: Service) -> None:
    found = service.recommend(like=SPIKE, k=50)
    ids = np.array([r.anime.anime_id for r in found], dtype=np.int32)
    franchises = service.catalogue.franchise[service.catalogue.rows_of(ids)]
    liked = service.catalogue.franchise[service.catalogue.rows_of(np.array([1, 205, 6], dtype=np.int32))]
    assert [u.anime_id for u in found.understood] == [1, 205, 6]
    assert len(found) == len(set(franchises.tolist())) == 50
    assert not set(franchises.tolist()) & set(liked.tolist())


def test_the_example_gives_what_a_fan_would_nod_at(service: Service) -> None:
    found = {r.anime.title for r in service.recommend(like=SPIKE, k=20)}
    kindred = {
        "Great Teacher Onizuka", "FLCL", "Black Lagoon", "Baccano!", "Koukaku Kidoutai: Stand Alone Complex",
        "Rurouni Kenshin: Meiji Kenkaku Romantan", "Outlaw Star", "Monster", "Mononoke Hime", "Afro Samurai",
        "Neon Genesis Evangelion", "Shinseiki Evangelion", "Gungrave", "Space☆Dandy", "Mushishi", "Hellsing",
    }  # fmt: skip
    assert len(found & kindred) >= 6, found


@pytest.mark.parametrize("text", ["Shingeki no Kyojin", "Attack on Titan", "進撃の巨人", "atack on titan", "16498"])
def test_titles_are_found_in_three_languages_and_with_a_typo(service: Service, text: str) -> None:
    assert service.info(text).anime.anime_id == 16498


def test_what_comes_next_in_a_series_is_its_next_season(service: Service) -> None:
    found = service.recommend(like=["Mob Psycho 100"], franchise=FranchiseMode.NEXT)
    assert found.items[0].anime.title == "Mob Psycho 100 II"


def test_the_manifest_says_where_it_is_from(service: Service) -> None:
    data = service.manifest["data"]
    assert set(data["tables"]) == {"anime", "ratings", "recommendations", "relations", "titles"}
    assert "updates" in data["sources"]


STEINS_GATE = 9253


def nearest(service: Service, by: str, k: int) -> list[int]:
    found = service.similar(STEINS_GATE, by=by, k=k, franchise=FranchiseMode.ANYTHING)
    return [r.anime.anime_id for r in found]


def test_viewers_of_one_title_watch_what_belongs_to_it(service: Service) -> None:
    assert {30484, 10863} & set(nearest(service, "viewers", 10))  # its other world line, and its special


def test_every_neighbour_says_through_which_lenses_it_came(service: Service) -> None:
    assert all(r.likeness and r.likeness.lenses for r in service.similar(STEINS_GATE, k=30))


def test_reviews_of_cowboy_bebop_speak_of_what_those_of_samurai_champloo_do(service: Service) -> None:
    found = [r.anime.anime_id for r in service.similar(1, by="reviews", k=15)]
    assert 205 in found
    assert not {40677, 12029, 484, 582} & set(found[:5])


def test_who_likes_one_title_may_like_what_fans_name_beside_it(service: Service) -> None:
    assert 31240 in [r.anime.anime_id for r in service.recommend(like=[STEINS_GATE], k=15)]


@pytest.fixture(scope="module")
def search() -> Search:
    for needed in ("onnxruntime", "tokenizers", "Stemmer"):
        pytest.importorskip(needed, reason="the extra text is not installed")
    return load_search()


@pytest.mark.parametrize(
    ("query", "wanted", "least", "barred"),
    [
        ("Overpowered protagonist", {29803, 40496, 20785, 37430, 30276, 32182, 38790}, 4, set()),
        ("Crime drama", {13601, 32827, 40911, 40046, 1535, 889, 41120}, 4, set()),
        ("Wholesome yuri", {39790, 37786, 36214, 6164, 10495, 6203}, 4, {32995, 3342}),
        (
            "Adventure with lots of travelling and meeting new people",
            {486, 35838, 40571, 35839, 34798},
            3,
            {9253, 2236, 44074, 42249, 31043},
        ),
    ],
)
def test_the_old_systems_showcase_is_found(
    search: Search, query: str, wanted: set[int], least: int, barred: set[int]
) -> None:
    found = {row.anime.anime_id for row in search.search(query, k=12)}
    assert len(found & wanted) >= least, found
    assert not found & barred
