"""AniList's GraphQL API: anime with typed relations, recommendations and tags; lists of people who made theirs public.

Source: https://docs.anilist.co. 90 requests a minute are stated, 30 have been allowed for years; the answer's headers
say how many are left. Its terms forbid to collect its data in mass: anirec asks for what a person names, and stops at
`MOST_A_DAY` requests in 24 hours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anirec.core.errors import InputError
from anirec.sources.web.client import Ask, Limit
from anirec.sources.web.collection import DAY, Collection, Manners, json_object
from anirec.sources.web.pages import Page

URL: Final = "https://graphql.anilist.co"
MANNERS: Final = Manners(Limit(30, 60.0))
MOST_A_DAY: Final = 300
PER_PAGE: Final = 25

MEDIA: Final = """
query ($ids: [Int], $mal: [Int]) {
  Page(perPage: 50) {
    media(id_in: $ids, idMal_in: $mal, type: ANIME) {
      id idMal updatedAt format status episodes duration season seasonYear source isAdult genres synonyms
      averageScore popularity favourites description(asHtml: false)
      title { romaji english native }
      startDate { year month day }
      tags { name rank isMediaSpoiler }
      studios(isMain: true) { nodes { name } }
      coverImage { large }
      relations { edges { relationType node { id idMal type } } }
      recommendations(perPage: 25, sort: RATING_DESC) { nodes { rating mediaRecommendation { id idMal type } } }
    }
  }
}"""
SEASON: Final = """
query ($year: Int, $season: MediaSeason, $page: Int) {
  Page(page: $page, perPage: 50) {
    pageInfo { hasNextPage }
    media(seasonYear: $year, season: $season, type: ANIME, sort: ID) { id updatedAt }
  }
}"""
LIST: Final = """
query ($name: String, $chunk: Int) {
  MediaListCollection(userName: $name, type: ANIME, chunk: $chunk, perChunk: 500) {
    hasNextChunk
    user { mediaListOptions { scoreFormat } }
    lists { entries { mediaId status score updatedAt media { idMal type title { romaji english } } } }
  }
}"""


@dataclass(frozen=True)
class AniList:
    """What to ask of the API at an address."""

    url: str = URL

    def details(self, collection: Collection, anime_ids: Sequence[int], *, max_age: float) -> None:
        """Fetch anime by their MyAnimeList ids; what is kept and not older than `max_age` seconds is not asked for."""
        for ids in _in_parts(sorted(set(anime_ids))):
            self._media(collection, {"mal": ids}, max_age=max_age)

    def season(self, collection: Collection, year: int, season: str) -> None:
        """Fetch the anime of a season; of those that are kept, only the ones that changed."""
        changed = []
        for found in self._season_pages(collection, year, season):
            for media in found["media"]:
                if not isinstance(media, dict) or not isinstance(media.get("id"), int):
                    continue
                if collection.is_current(f"anilist/{media['id']}", str(media.get("updatedAt"))):
                    collection.hold()
                else:
                    changed.append(media["id"])
        for ids in _in_parts(changed):
            self._media(collection, {"ids": ids}, max_age=0.0)

    def lists(self, collection: Collection, names: Sequence[str]) -> None:
        """Fetch the public lists of people; their names are not kept."""
        for name in names:
            masked, chunk = collection.masked(name), 1
            while True:
                key = f"anilist/list/{masked}/{chunk:05}"
                page = self._ask(collection, key, LIST, {"name": name, "chunk": chunk}, list_of)
                if page is None or not list_of(page.body).get("hasNextChunk"):
                    break
                chunk += 1

    def _season_pages(self, collection: Collection, year: int, season: str) -> Iterator[dict[str, Any]]:
        number = 1
        while True:
            key = f"anilist/season/{year}/{season}/{number:05}"
            variables = {"year": year, "season": season.upper(), "page": number}
            page = self._ask(collection, key, SEASON, variables, media_of)
            if page is None:
                return
            found = media_of(page.body)
            yield found
            info = found.get("pageInfo")
            if not isinstance(info, dict) or not info.get("hasNextPage"):
                return
            number += 1

    def _media(self, collection: Collection, wanted: dict[str, list[int]], *, max_age: float) -> None:
        named = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:20]
        self._ask(collection, f"anilist/media/{named}", MEDIA, wanted, media_of, max_age=max_age, versions=_versions)

    def _ask(
        self,
        collection: Collection,
        key: str,
        query: str,
        variables: dict[str, Any],
        check: Callable[[bytes], object],
        *,
        max_age: float = 0.0,
        versions: Callable[[bytes], Sequence[tuple[str, str]]] = lambda _body: (),
    ) -> Page | None:
        if collection.answered_in(DAY) >= MOST_A_DAY:
            raise InputError(
                f"{MOST_A_DAY} requests in 24 hours are the most that anirec sends to AniList, whose terms forbid mass "
                "collection; go on tomorrow, or import a public data set"
            )
        body = json.dumps({"query": query, "variables": variables}).encode()
        ask = Ask(key=key, url=self.url, body=body, check=check)
        return collection.page(ask, max_age=max_age, versions=versions)


def _data_of(body: bytes, name: str) -> dict[str, Any]:
    data = json_object(body, "data")["data"]
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise ValueError(f"no {name}")
    return found


def media_of(body: bytes) -> dict[str, Any]:
    """Return a page of anime. Raises ValueError if it is none."""
    found = _data_of(body, "Page")
    if not isinstance(found.get("media"), list):
        raise ValueError("no media")
    return found


def list_of(body: bytes) -> dict[str, Any]:
    """Return a part of a person's list. Raises ValueError if it is none."""
    found = _data_of(body, "MediaListCollection")
    if not isinstance(found.get("lists"), list):
        raise ValueError("no lists")
    return found


def _versions(body: bytes) -> list[tuple[str, str]]:
    media = [m for m in media_of(body)["media"] if isinstance(m, dict)]
    return [(f"anilist/{m['id']}", str(m["updatedAt"])) for m in media if "id" in m and "updatedAt" in m]


def _in_parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), PER_PAGE):
        yield ids[start : start + PER_PAGE]
