"""What must hold on the real catalogue, and how well the franchises match those written down from knowledge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from anirec.core.catalogue import KINDS
from anirec.prepare.franchises import ROLES, Franchises, Relations, Titles, find_franchises

LABELS: dict[str, Any] = json.loads(Path(__file__).with_name("franchises_labelled.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Real:
    titles: Titles
    found: Franchises

    @cached_property
    def row(self) -> dict[int, int]:
        return {anime_id: row for row, anime_id in enumerate(self.titles.anime_ids.tolist())}

    def group(self, anime_id: int) -> int:
        return int(self.found.number[self.row[anime_id]])

    def needs(self, anime_id: int) -> int:
        """The id that a title requires; 0 for a start."""
        need = int(self.found.requires[self.row[anime_id]])
        return int(self.titles.anime_ids[need]) if need >= 0 else 0


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Real:
    anime = duckdb.execute(
        f"SELECT mal_id, title, title_english, title_japanese, synonyms, coalesce(type, 'Unknown'), start_date, "
        f"coalesce(year, 0), coalesce(episodes, 0), coalesce(members, 0), source, coalesce(nsfw, false) "
        f"FROM '{shared_data / 'catalogue.parquet'}' ORDER BY mal_id"
    ).fetchall()
    relations = duckdb.execute(
        f"SELECT anime_id, relation, target_id FROM '{shared_data / 'relations.parquet'}' ORDER BY ALL"
    ).fetchall()
    ids, title, english, japanese, synonyms, kinds, dates, years, episodes, members, sources, adult = zip(
        *anime, strict=True
    )
    titles = Titles(
        anime_ids=np.array(ids, dtype=np.int32),
        title=title,
        english=english,
        japanese=japanese,
        synonyms=[names or [] for names in synonyms],
        kinds=np.array([KINDS.index(kind) for kind in kinds], dtype=np.int8),
        start_dates=dates,
        years=np.array(years, dtype=np.int16),
        episodes=np.array(episodes, dtype=np.int16),
        members=np.array(members, dtype=np.int32),
        sources=sources,
        adult=np.array(adult, dtype=np.bool_),
    )
    table = Relations(
        anime_ids=np.array([a for a, _, _ in relations], dtype=np.int32),
        relations=[relation for _, relation, _ in relations],
        target_ids=np.array([b for _, _, b in relations], dtype=np.int32),
    )
    return Real(titles, find_franchises(titles, table))


UNTUNED = {"tuned": (False,), "untuned": (True,), "all": (False, True)}


def labelled(which: str) -> dict[str, dict[str, Any]]:
    return {name: f for name, f in LABELS["franchises"].items() if f.get("untuned", False) in UNTUNED[which]}


def test_labels_are_of_known_titles_and_say_nothing_twice(real: Real) -> None:
    franchises = LABELS["franchises"].values()
    labelled_ids = Counter(anime_id for f in franchises for anime_id in f["ids"])
    assert set(labelled_ids.values()) == {1}
    assert labelled_ids.keys() | {anime_id for pair in LABELS["apart"] for anime_id in pair} <= real.row.keys()
    for f in franchises:
        roles = [anime_id for ids in f.get("roles", {}).values() for anime_id in ids]
        assert f.get("roles", {}).keys() <= ROLES.keys()
        assert {*f["starts"], *f["later"], *roles} <= set(f["ids"])
        assert set(f["starts"]).isdisjoint(f["later"])
        assert len(roles) == len(set(roles))


@pytest.mark.parametrize(("which", "recall_floor"), [("tuned", 0.99), ("untuned", 0.97), ("all", 0.98)])
def test_franchises_match_those_written_down_from_knowledge(
    real: Real, figure: Callable[[str], None], which: str, recall_floor: float
) -> None:
    truth = {anime_id: name for name, f in labelled(which).items() for anime_id in f["ids"]}
    pairs = [(real.group(a) == real.group(b), truth[a] == truth[b]) for a, b in combinations(truth, 2)]
    right = sum(found and true for found, true in pairs)
    precision = right / sum(found for found, _ in pairs)
    recall = right / sum(true for _, true in pairs)
    figure(
        f"franchises ({which}, {len(labelled(which))}): precision {precision:.4f}, recall {recall:.4f}; "
        f"held by {held_by(real, truth)}"
    )
    assert precision >= 0.98
    assert recall >= recall_floor


def held_by(real: Real, anime_ids: Iterable[int]) -> str:
    """How many of the titles each kind of evidence holds in their franchise."""
    kinds = Counter(real.found.evidence[real.row[anime_id]].split(":")[0] for anime_id in anime_ids)
    return ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())


@pytest.mark.parametrize(("which", "floor"), [("tuned", 0.96), ("untuned", 0.8)])
def test_roles_match_those_written_down_from_knowledge(
    real: Real, figure: Callable[[str], None], which: str, floor: float
) -> None:
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for franchise in labelled(which).values():
        for role, ids in franchise.get("roles", {}).items():
            said[role] += len(ids)
            right[role] += sum(real.found.role[real.row[anime_id]] == role for anime_id in ids)
    figure(f"roles ({which}): {', '.join(f'{role} {right[role]} of {n}' for role, n in said.items())}")
    assert right.total() >= floor * said.total()


@pytest.mark.parametrize("name", LABELS["franchises"])
def test_newcomers_are_let_in_where_they_should_be_but_for_known_mistakes(real: Real, name: str) -> None:
    labels = LABELS["franchises"][name]
    wrong = [i for i in labels["starts"] if real.needs(i)] + [i for i in labels["later"] if not real.needs(i)]
    assert wrong == LABELS["known"]["newcomers"].get(name, [])


@pytest.mark.parametrize(("a", "b"), LABELS["apart"])
def test_strangers_are_kept_apart_but_for_known_mistakes(real: Real, a: int, b: int) -> None:
    assert (real.group(a) == real.group(b)) is ([a, b] in LABELS["known"]["apart"])


@pytest.mark.parametrize(
    "chain",
    [
        [31240, 39587, 42203, 54857, 61316],  # Re:Zero
        [37521, 49387],  # Vinland Saga
        [2167, 4181],  # Clannad
        [9253, 30484],  # Steins;Gate, Steins;Gate 0
        [1, 5],  # Cowboy Bebop
        [16498, 25777, 35760, 38524, 40028, 48583, 51535],  # Attack on Titan
        [918, 9969, 15417, 28977, 34096],  # Gintama
        [38000, 40456],  # Kimetsu no Yaiba: Mugen Train is story
        [49926, 47778, 51019, 55701, 59192, 62546],
        [40748, 51009, 57658],  # Jujutsu Kaisen
        [52034, 55791, 60058, 63794],  # Oshi no Ko
        [50265, 50602, 53887, 59027],  # Spy x Family
        [39535, 45576, 51179, 55888, 59193],  # Mushoku Tensei
        [269, 41467, 53998, 56784],  # Bleach: Sennen Kessen-hen
        [37999, 40591, 43608],  # Kaguya-sama, not the OVA between
        [41457, 48569],  # 86
        [30831, 32937, 38040, 49458, 61203],  # Konosuba
        [29803, 35073, 37675, 48895],  # Overlord, not the recap films between
        [20583, 28891, 32935, 38883, 40776, 52742],  # Haikyuu
        [32182, 37510, 50172],  # Mob Psycho 100
        [14467, 16904, 27991],  # K
        [52991, 59978],  # Frieren
        [57334, 60543, 62516],  # Dandadan
        [47917, 61006],  # Bocchi the Rock
        [44511, 57555],  # Chainsaw Man
        [52299, 58567],  # Solo Leveling
        [20, 1735, 34566],  # Naruto, Shippuuden, Boruto
        [5081, 9260, 31757, 31758],  # Bakemonogatari before Kizumonogatari
        [235, 21419],  # Detective Conan, its films
        [527, 528],  # Pokemon, its films
        [849, 7311],  # Haruhi
        [48661, 51367, 53273],  # Stone Ocean in three parts
    ],
)
def test_each_requires_the_one_before(real: Real, chain: list[int]) -> None:
    earlier = {49926: 38000, 47778: 49926, 7311: 4382}
    assert [real.needs(b) for b in chain[1:]] == [earlier.get(b, a) for a, b in pairwise(chain)]


def test_requirements_lead_to_a_start_in_the_same_franchise(real: Real) -> None:
    requires, number = real.found.requires, real.found.number
    rows = np.flatnonzero(requires >= 0)
    assert np.all(number[rows] == number[requires[rows]])
    at = requires.copy()
    for _ in range(60):
        at = np.where(at >= 0, requires[at], -1)
    assert np.all(at < 0)


def test_no_series_requires_what_came_out_later(real: Real) -> None:
    dates, kinds = real.titles.start_dates, real.titles.kinds
    later = [
        row
        for row, need in enumerate(real.found.requires.tolist())
        if need >= 0 and (mine := dates[row]) and (its := dates[need])
        if its[: len(mine)] > mine[: len(its)]
    ]
    assert [real.titles.title[row] for row in later if KINDS[kinds[row]] == "TV"] == []
    assert len(later) < 300, "specials, songs, recaps and short side stories ahead of their series"


def test_every_franchise_has_a_start_that_tells_its_own_story_if_it_has_one_at_all(real: Real) -> None:
    aside = {KINDS.index(kind) for kind in ("Special", "Music", "CM", "PV")}
    is_aside = np.isin(real.titles.kinds, list(aside))
    starts, groups = real.found.requires < 0, real.found.number
    told = np.unique(groups[~is_aside])
    assert set(told.tolist()) <= set(groups[starts].tolist())
    assert set(np.unique(groups).tolist()) == set(groups[starts].tolist())
