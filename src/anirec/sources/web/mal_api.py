"""MyAnimeList's API v2: details, rankings, seasons, and lists of people who made theirs public.

Source: https://myanimelist.net/apiconfig/references/api/v2. It wants a client id in the header X-MAL-CLIENT-ID; anyone
with an account gets one. It states no rate; one request a second is what its users found it to bear. It answers 403 to
who is too fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from anirec.core.errors import InputError
from anirec.sources.web.client import Ask, Limit
from anirec.sources.web.collection import Collection, Manners, json_object

URL: Final = "https://api.myanimelist.net/v2"
MANNERS: Final = Manners(Limit(1, 1.0))

FIELDS: Final = (
    "id,title,main_picture,alternative_titles,start_date,end_date,synopsis,mean,rank,popularity,num_list_users,"
    "num_scoring_users,nsfw,updated_at,media_type,status,genres,num_episodes,start_season,source,"
    "average_episode_duration,rating,studios,related_anime,recommendations,statistics"
)
SEASONS: Final = ("winter", "spring", "summer", "fall")
PER_PAGE: Final = 500
LIST_PER_PAGE: Final = 1000


@dataclass(frozen=True)
class MalApi:
    """What to ask of the API. client_id: the secret. url: of the API, without a slash at the end."""

    client_id: str
    url: str = URL

    def details(self, collection: Collection, anime_ids: Sequence[int], *, max_age: float) -> None:
        """Fetch the details of anime; what is kept and not older than `max_age` seconds is not asked for."""
        for anime_id in anime_ids:
            collection.page(self._anime(anime_id), max_age=max_age, versions=_version)

    def season(self, collection: Collection, year: int, season: str) -> None:
        """Fetch the anime of a season; details only of those that changed since they were last fetched."""
        self._changed(collection, f"season/{year}/{season}", f"/anime/season/{year}/{season}", {}, None)

    def ranking(self, collection: Collection, kind: str, n: int) -> None:
        """Fetch the first n anime of a ranking; details only of those that changed."""
        self._changed(collection, f"ranking/{kind}", "/anime/ranking", {"ranking_type": kind}, n)

    def lists(self, collection: Collection, names: Sequence[str]) -> None:
        """Fetch the public lists of people; their names are not kept."""
        for name in names:
            masked = collection.masked(name)
            path = f"/users/{quote(name, safe='')}/animelist"
            query = {"fields": "list_status", "nsfw": "true", "limit": str(LIST_PER_PAGE)}
            for _ in self._pages(collection, f"list/{masked}", path, query, hide=(name, masked)):
                pass

    def _changed(self, collection: Collection, key: str, path: str, query: dict[str, str], n: int | None) -> None:
        listed: dict[int, str | None] = {}
        per_page = min(PER_PAGE, n or PER_PAGE)
        asked = query | {"limit": str(per_page), "nsfw": "true", "fields": "updated_at"}
        for found in self._pages(collection, key, path, asked):
            for row in found["data"]:
                node = row.get("node") if isinstance(row, dict) else None
                if isinstance(node, dict) and isinstance(node.get("id"), int):
                    listed[node["id"]] = node.get("updated_at")
            if n is not None and len(listed) >= n:
                break
        for anime_id, version in list(listed.items())[:n]:
            if collection.is_current(f"mal/anime/{anime_id}", version):
                collection.hold()
            else:
                collection.page(self._anime(anime_id), versions=_version)

    def _pages(
        self,
        collection: Collection,
        key: str,
        path: str,
        query: dict[str, str],
        *,
        hide: tuple[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing, as far as `paging.next` leads. hide: a name, and what is kept in its place."""
        url: str | None = f"{self.url}{path}?{urlencode(query)}"
        number = 0
        while url is not None:
            ask = Ask(
                key=f"mal/{key}/{number:05}",
                url=_hidden(url, hide),
                real_url=url,
                secrets=self._secrets,
                check=json_object_with_rows,
                scrub=partial(_scrubbed, hide=hide),
            )
            page = collection.page(ask)
            if page is None:
                return
            found = json_object_with_rows(page.body)
            yield found
            number += 1
            url = self._next(found, hide)

    def _next(self, found: dict[str, Any], hide: tuple[str, str] | None) -> str | None:
        """Return the address of the next page, which must be of the same API: the secret goes nowhere else.

        Raises:
            InputError: it is another site's.
        """
        paging = found.get("paging")
        url = paging.get("next") if isinstance(paging, dict) else None
        if not isinstance(url, str):
            return None
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            raise InputError(f"the next page is said to be at {urlsplit(url).netloc}, not at {self.url}: not followed")
        return url.replace(quote(hide[1]), quote(hide[0], safe=""), 1) if hide else url

    @property
    def _secrets(self) -> dict[str, str]:
        return {"X-MAL-CLIENT-ID": self.client_id}

    def _anime(self, anime_id: int) -> Ask:
        return Ask(
            key=f"mal/anime/{anime_id:08}",
            url=f"{self.url}/anime/{anime_id}?{urlencode({'fields': FIELDS})}",
            secrets=self._secrets,
            check=partial(json_object_with_id, number=anime_id),
        )


def json_object_with_rows(body: bytes) -> dict[str, Any]:
    """Return a page of a listing. Raises ValueError if it is none."""
    found = json_object(body, "data")
    if not isinstance(found["data"], list):
        raise ValueError("data is no list")
    return found


def json_object_with_id(body: bytes, *, number: int) -> dict[str, Any]:
    """Return the details of the anime of this number. Raises ValueError if they are not."""
    found = json_object(body, "id")
    if found["id"] != number:
        raise ValueError(f"id is not {number}")
    return found


def _version(body: bytes) -> list[tuple[str, str]]:
    found = json_object(body, "id")
    updated = found.get("updated_at")
    return [(f"mal/anime/{found['id']}", updated)] if isinstance(updated, str) else []


def _hidden(text: str, hide: tuple[str, str] | None) -> str:
    """Return text with a person's name in addresses replaced, however the site spells its case or escapes slashes."""
    if hide is None:
        return text
    name, masked = hide
    return re.sub(rf"(?i)(users\\?/){re.escape(quote(name, safe=''))}(?=\\?/)", rf"\g<1>{quote(masked)}", text)


def _scrubbed(body: bytes, *, hide: tuple[str, str] | None) -> bytes:
    return _hidden(body.decode(), hide).encode() if hide else body
