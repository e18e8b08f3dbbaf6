"""The bundle that comes with the package."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

import anirec
from anirec.core.ranking import FranchiseMode
from anirec.service.recommend import Service

SPIKE = ["Cowboy Bebop", "Samurai Champloo", "Trigun"]


@pytest.fixture(scope="module")
def service() -> Service:
    return anirec.load()


def test_it_has_at_most_40_megabytes(service: Service) -> None:
    assert sum(file.stat().st_size for file in service.path.rglob("*")) <= 40e6


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


def needs_lenses(service: Service) -> None:
    if set(service.lenses) < {"viewers", "genres", "crowd"}:
        pytest.skip("the starter bundle is older than the lenses of `similar`: build it anew")


def nearest(service: Service, by: str, k: int) -> list[int]:
    found = service.similar(STEINS_GATE, by=by, k=k, franchise=FranchiseMode.ANYTHING)
    return [r.anime.anime_id for r in found]


def test_viewers_of_one_title_watch_what_belongs_to_it(service: Service) -> None:
    assert {30484, 10863} & set(nearest(service, "viewers", 10))  # its other world line, and its special


def test_the_lenses_together_find_what_fans_name_beside_it(service: Service) -> None:
    needs_lenses(service)
    found = service.similar(STEINS_GATE, k=20)
    assert 31240 in [r.anime.anime_id for r in found], found  # Re:Zero
    assert all(r.likeness and r.likeness.lenses for r in found)


def test_who_likes_one_title_may_like_what_fans_name_beside_it(service: Service) -> None:
    assert 31240 in [r.anime.anime_id for r in service.recommend(like=[STEINS_GATE], k=15)]
