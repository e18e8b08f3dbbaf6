"""A whole bundle over the world of two tastes: 25 anime, "Show 1" to "Show 25"."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from anirec.core.columns import ANIME
from anirec.recommenders import blend, ease, popularity
from anirec.stores.bundle import BundleContent, write_bundle
from anirec.stores.facts import write_facts, write_titles
from worlds import catalogue_of, two_tastes

N = 25


def write_anime_table(folder: Path) -> None:
    known = {
        "anime_id": "i",
        "title": "'Show ' || i",
        "title_english": "CASE WHEN i = 2 THEN 'The Second Show' END",
        "type": "'TV'",
        "year": "2010",
        "episodes": "12",
        "adult": "i = 20",
        "members": "1000",
    }
    columns = ", ".join(f"({known.get(name, 'NULL')})::{kind} AS {name}" for name, kind in ANIME.items())
    duckdb.sql(f"COPY (SELECT {columns} FROM range(1, {N + 1}) t(i)) TO '{folder / 'anime.parquet'}' (FORMAT parquet)")


def write_small_bundle(folder: Path, **about: object) -> Path:
    """Write the bundle to `folder / "bundle"`: 1, 2, 3 are seasons of one series, 20 is an adult title.

    about: for the manifest; makes it another bundle.
    """
    data, rng = two_tastes(users=400), np.random.default_rng(0)
    parts: dict[str, ease.Ease | popularity.Popularity] = {
        "ease": ease.fit(data, ease.EaseConfig(l2=5.0, min_likes=2), rng),
        "popularity": popularity.fit(data, popularity.PopularityConfig(), rng),
    }
    one = np.ones(1, dtype=np.float32)
    by_part = {"ease": np.array([[0, 5]], np.float32), "popularity": np.array([[0.01]], np.float32)}
    mixed = blend.Blend(parts, {"ease": "liking", "popularity": "share"}, blend.BlendWeights(one, by_part)).state()
    work = folder / "work"
    work.mkdir()
    write_anime_table(work)
    tables = {name: folder / name for name in ("anime.parquet", "titles.parquet")}
    write_facts(work, tables["anime.parquet"])
    write_titles(work, tables["titles.parquet"])
    states = {name: part.state() for name, part in parts.items()} | {"blend": mixed, "similar": mixed}
    catalogue = catalogue_of(N, franchises=[[1, 2, 3]], adult=[20], genres={4: ["Drama"]})
    write_bundle(folder / "bundle", BundleContent(catalogue, states, "blend", tables, about))
    return folder / "bundle"
