"""A world of islands: six kinds of anime, each liked by people of its own, with a genre of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.columns import ANIME
from anirec.core.profile import Profile
from anirec.prepare.dataset import Dataset
from anirec.recommenders import blend, content, ease, popularity
from anirec.recommenders.similar import Similar
from anirec.service.training import Storable
from anirec.stores.bundle import BundleContent, write_bundle
from anirec.stores.facts import write_facts, write_titles
from recommenders.described import features_of
from worlds import catalogue_of, dataset_of

GENRES = ("Sports", "Mecha", "Romance", "Horror", "Music", "Isekai")
EACH = 30
N = EACH * len(GENRES) + 12
"""Besides the islands ten titles that nobody has rated, of the genre `Horror`, and two of which nothing is known."""
UNRATED = tuple(range(EACH * len(GENRES) + 1, N - 1))
UNKNOWN = (N - 1, N)
ADULT = (5, 6)
HORROR = GENRES.index("Horror")
NASTY = 'Tom & Jerry <script>alert("x")</script> \u0007日本'
"""The title of anime 3: with all that XML trips over."""


def island_of(anime_id: int) -> int:
    """Return which island an anime is on; unrated ones are on that of their genre."""
    return HORROR if anime_id in UNRATED else (anime_id - 1) // EACH


def people(users: int = 600, seed: int = 5) -> Dataset:
    """Each person likes a third of one island, and one title of anywhere."""
    rng = np.random.default_rng(seed)
    scores: dict[int, dict[int, int]] = {}
    for user in range(users):
        first = 1 + EACH * (user % len(GENRES))
        liked = {int(i): int(rng.integers(7, 11)) for i in range(first, first + EACH) if rng.random() < 0.35}
        scores[user] = liked | {int(rng.integers(1, EACH * len(GENRES) + 1)): 8}
    return dataset_of(scores, n=N)


def genres_of(anime_id: int) -> list[str]:
    """Return the genres of an anime; every second has one that is everywhere, too."""
    if anime_id in UNKNOWN:
        return []
    return [GENRES[island_of(anime_id)], *(["Action"] if anime_id % 2 else [])]


def write_planted_bundle(folder: Path) -> Path:
    """Write the bundle to `folder / "bundle"`; 1, 2 and 3 are of one franchise."""
    data, rng = people(), np.random.default_rng(0)
    viewers = ease.fit(data, ease.EaseConfig(l2=20.0, min_likes=2), rng)
    known = popularity.fit(data, popularity.PopularityConfig(), rng)
    genres = content.fit(
        data, content.ContentConfig(), rng, features=features_of([genres_of(i) for i in data.anime_ids])
    )
    franchises = [[1, 2, 3]]
    catalogue = catalogue_of(
        N,
        franchises=franchises,
        adult=ADULT,
        genres={i: genres_of(i) for i in range(1, N + 1)},
        members={i: 10 * i for i in range(1, N + 1)},
        years={i: 1970 + island_of(i) * 10 if i <= max(UNRATED) else 0 for i in range(1, N + 1)},
    )
    similar = Similar(
        lenses={"viewers": viewers, "genres": genres},
        models={"viewers": "ease", "genres": "similar-genres"},
        weights={"viewers": 0.7, "genres": 0.3},
        items=data.anime_ids,
        likes=data.like_counts().astype(np.int32),
        franchise=catalogue.franchise,
    )
    one = np.ones(1, dtype=np.float32)
    by_part = {"ease": np.array([[0, 5]], np.float32), "popularity": np.array([[0.01]], np.float32)}
    parts: dict[str, ease.Ease | popularity.Popularity] = {"ease": viewers, "popularity": known}
    mixed = blend.Blend(parts, {"ease": "liking", "popularity": "share"}, blend.BlendWeights(one, by_part))
    models: dict[str, Storable] = {
        "ease": viewers,
        "popularity": known,
        "blend": mixed,
        "similar": similar,
        "similar-genres": genres,
    }
    work = folder / "work"
    work.mkdir()
    _write_anime(work / "anime.parquet")
    tables = {name: folder / name for name in ("anime.parquet", "titles.parquet")}
    write_facts(work, tables["anime.parquet"])
    write_titles(work, tables["titles.parquet"])
    states = {name: model.state() for name, model in models.items()}
    write_bundle(folder / "bundle", BundleContent(catalogue, states, "blend", tables, {}))
    return folder / "bundle"


def _write_anime(path: Path) -> None:
    known = {
        "anime_id": "i",
        "title": "CASE WHEN i = 3 THEN ? ELSE 'Show ' || i END",
        "type": "'TV'",
        "year": f"CASE WHEN i <= {max(UNRATED)} THEN 2010 END",
        "genres": "g",
        "adult": f"i IN {ADULT}",
        "members": "10 * i",
    }
    columns = ", ".join(f"({known.get(name, 'NULL')})::{kind} AS {name}" for name, kind in ANIME.items())
    genres = [genres_of(i) for i in range(1, N + 1)]
    with duckdb.connect() as con:
        rows = "(SELECT unnest(range(1, ?)) AS i, unnest(?::VARCHAR[][]) AS g)"
        con.execute(f"CREATE TABLE anime AS SELECT {columns} FROM {rows}", [NASTY, N + 1, genres])
        con.execute(f"COPY anime TO '{path}' (FORMAT parquet)")


@dataclass(frozen=True)
class Islands:
    """A model that calls titles alike by how near they are on a line, on one island; others have nothing in common.

    items: int32 [n]. island: int [n]. at: float [n].
    """

    items: NDArray[np.int32]
    island: NDArray[np.int64]
    at: NDArray[np.float64]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n], 0..1, of profiles of one title each."""
        rows = [int(np.searchsorted(self.items, profile.anime_ids[0])) for profile in profiles]
        near = 1 / (1 + np.abs(self.at[rows][:, np.newaxis] - self.at))
        scores: NDArray[np.float32] = np.where(self.island[rows][:, np.newaxis] == self.island, near, 0).astype(
            np.float32
        )
        return scores


def islands(each: int = 8, count: int = 3, seed: int = 0) -> Islands:
    """Return a world of a few islands with even ids."""
    n = each * count
    rng = np.random.default_rng(seed)
    return Islands(np.arange(2, 2 * n + 1, 2, dtype=np.int32), np.repeat(np.arange(count), each), rng.random(n) * 10)
