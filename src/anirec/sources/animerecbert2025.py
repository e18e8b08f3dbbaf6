"""The files of a transformer recommender of 2025: 20,237 anime under ids of its own, 1..20237, and its ratings.

Files: animes.json (id -> titles, the English one first where there are two), anime_to_malurl.json (id -> page at
MyAnimeList, whose number is the MyAnimeList id), anime_to_typenseq.json (id -> type and two flags that are wrong too
often to be used), id_to_genres.json (id -> genres), id_to_url.json (id -> address of a picture, or of the page),
ratings.npy (rows of user, id, score).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from anirec.core.errors import BadTable
from anirec.sources.layout import File, Layout, Reading, checks, text_table
from anirec.sources.mal import labels

TYPES: Final = {"MOVIE": "Movie", "SPECIAL": "Special", "MUSIC": "Music", "TV_SPECIAL": "TV Special"}
"""Where the set's spelling of a type is not ours."""

_ANIME_PAGE: Final = re.compile(r"/anime/(\d{1,9})(?:/|$)")

NO_ID: Final = {"no MyAnimeList id in its URL": ("anime_id IS NULL", "url")}


BAD_RATING: Final = {
    "not whole numbers": ("NOT whole_row", "'the row'"),
    "unknown id": ("anime_id IS NULL", "r.number::VARCHAR"),
}


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    urls = _json(folder / "anime_to_malurl.json", str)
    titles = _json(folder / "animes.json", list)
    types = _json(folder / "anime_to_typenseq.json", list) if (folder / "anime_to_typenseq.json").is_file() else {}
    genres = _json(folder / "id_to_genres.json", list) if (folder / "id_to_genres.json").is_file() else {}
    links = _json(folder / "id_to_url.json", str) if (folder / "id_to_url.json").is_file() else {}
    rows = []
    for number, names in sorted(titles.items()):
        url, link = urls.get(number), links.get(number)
        name, english = (names[-1], names[0] if len(names) > 1 else None) if names else (None, None)
        genre = ", ".join(map(str, genres.get(number, [])))
        anime_id = _mal_id(url) or _mal_id(link)
        picture = link if link and not _mal_id(link) else None
        rows.append((number, anime_id, url, name, english, _kind(types.get(number)), genre, picture))
    columns = ("place", "anime_id", "url", "name", "english", "type", "genre", "picture")
    text_table(con, "bert_anime", columns, rows)
    query = (
        f"SELECT whole(place) AS place, whole(anime_id) AS anime_id, plain(name) AS title, "
        f"plain(english) AS title_english, type, known(picture) AS image_url, {labels('genre')}, {checks(NO_ID)} "
        f"FROM bert_anime"
    )
    readings = {"anime": Reading(query, "animes.json", "id")}
    if (path := folder / "ratings.npy").is_file():
        con.register("bert_ratings", _ratings(path))
        query = (
            f"SELECT r.place, user_id, whole(anime_id) AS anime_id, nullif(score, 0) AS score, "
            f"'animerecbert2025' AS source, {checks(BAD_RATING)} "
            f"FROM bert_ratings r LEFT JOIN bert_anime a ON whole(a.place) = r.number"
        )
        readings["ratings"] = Reading(query, path.name)
    return readings


def _json(path: Path, kind: type) -> dict[int, Any]:
    """Read an object whose keys are whole numbers and whose values are of one kind."""
    try:
        found = {int(key): value for key, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BadTable(f"{path} cannot be read as JSON from ids to values: {error}") from error
    for key, value in found.items():
        if not isinstance(value, kind):
            raise BadTable(f"{path}: the value of {key} is {value!r}; it should be a {kind.__name__}")
    return found


def _mal_id(url: str | None) -> int | None:
    found = _ANIME_PAGE.search(url or "")
    return int(found[1]) if found else None


def _kind(facts: list[Any] | None) -> str | None:
    kind = str(facts[0]) if facts and facts[0] else None
    return TYPES.get(kind, kind) if kind else None


def _ratings(path: Path) -> dict[str, Any]:
    try:
        ratings = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise BadTable(f"{path} cannot be read as an array of numbers: {error}") from error
    if ratings.ndim != 2 or ratings.shape[1] != 3 or ratings.dtype.kind not in "iuf":
        raise BadTable(f"{path} holds {ratings.dtype} {ratings.shape}; it should be numbers in rows of user, id, score")
    whole = np.all(np.isfinite(ratings) & (ratings == np.trunc(ratings)) & (np.abs(ratings) < MOST), axis=1)
    users, numbers, scores = (np.where(whole, ratings[:, column], 0).astype(np.int64) for column in range(3))
    place = np.arange(1, len(ratings) + 1)
    return {"place": place, "user_id": users, "number": numbers, "score": scores, "whole_row": whole}


MOST: Final = 2**53
"""From here on not every whole number is a float of its own."""


LAYOUT = Layout(
    name="animerecbert2025",
    about="the files of ramazanturann's AnimeRecBERT of 2025",
    files=(
        File("animes.json", required=True),
        File("anime_to_malurl.json", required=True),
        File("anime_to_typenseq.json"),
        File("id_to_genres.json"),
        File("id_to_url.json"),
        File("ratings.npy"),
    ),
    read=_read,
    licence="not stated; facts only",
)
