"""The files that the documents speak of: small, made up, and of anime that the starter bundle knows."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import numpy as np

from anirec.wiring.serve import starter_bundle
from sources.web.fault_server import serving
from sources.web.runs import fetch
from sources.web.sites import FakeMal

N = 60
USERS = 400
FAVOURITES = (1, 5114, 205, 19)  # Cowboy Bebop, Fullmetal Alchemist: Brotherhood, Samurai Champloo, Monster


def write_workspace(folder: Path) -> None:
    """Write everything that a page may name before its own commands have made it."""
    anime = best_known()
    write_set(folder / "Downloads" / "anime-2016", anime)
    write_reviews(folder / "Downloads" / "reviews", anime)
    for name, ids in {"animelist": FAVOURITES, "mine": FAVOURITES[:2], "yours": FAVOURITES[2:]}.items():
        write_export(folder / f"{name}.xml.gz", ids)
    write_anilist(folder / "anilist.json", FAVOURITES)
    with serving(FakeMal()) as server:
        fetch("mal", server.url, folder / "pages" / "mal")
    (folder / "posters").mkdir()


def best_known() -> list[tuple[int, str]]:
    """The favourites and the anime that most people know, by id: numbers and titles."""
    table = starter_bundle() / "anime.parquet"
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT anime_id, title FROM '{table}' ORDER BY list_contains(?, anime_id) DESC, members DESC LIMIT {N}",
            [list(FAVOURITES)],
        ).fetchall()


def write_set(folder: Path, anime: Sequence[tuple[int, str]]) -> None:
    """A folder of the layout of 2016: half the people like every other anime, the rest the others."""
    rng = np.random.default_rng(0)
    facts = [(i, title, "Action, Comedy", "TV", 12, 7.5, 100_000 - 1000 * at) for at, (i, title) in enumerate(anime)]
    ratings = [
        (user, anime[at][0], 9 if at % 2 == user % 2 else 4)
        for user in range(1, USERS + 1)
        for at in sorted(rng.choice(len(anime), 24, replace=False).tolist())
    ]
    write_csv(folder / "anime.csv", ("anime_id", "name", "genre", "type", "episodes", "rating", "members"), facts)
    write_csv(folder / "rating.csv", ("user_id", "anime_id", "rating"), ratings)


def write_reviews(folder: Path, anime: Sequence[tuple[int, str]]) -> None:
    said = ("A crime drama about people who hunt for money.", "A slow and gentle story of friends who travel.")
    rows = [
        (
            title,
            f"{said[at % 2]} The best that I have seen, and the music is good, too.",
            "",
            f"/anime/{anime_id}",
        )
        for at, (anime_id, title) in enumerate(anime)
    ]
    write_csv(folder / "reviews.csv", ("Anime Title", "Review", "Image URL", "MAL Link"), rows)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def write_export(path: Path, ids: Iterable[int]) -> None:
    """A list as MyAnimeList exports it."""
    rows = "".join(
        f"<anime><series_animedb_id>{i}</series_animedb_id><my_score>9</my_score><my_status>Completed</my_status></anime>"
        for i in ids
    )
    path.write_bytes(gzip.compress(f"<myanimelist><myinfo></myinfo>{rows}</myanimelist>".encode(), mtime=0))


def write_anilist(path: Path, ids: Iterable[int]) -> None:
    entries = [{"media": {"idMal": i}, "score": 9, "status": "COMPLETED"} for i in ids]
    lists = {"data": {"MediaListCollection": {"lists": [{"entries": entries}]}}}
    path.write_text(json.dumps(lists), encoding="utf-8")
