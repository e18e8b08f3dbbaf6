"""Servers that speak Jikan's API v4: details, reviews, recommendations, and anime by genre.

The public server ended on 2026-10-01, so whoever uses this runs one (https://github.com/jikan-me/jikan-rest) and gives
its address. Its answers carry an ETag: what did not change comes without a body.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from anirec.sources.web.client import Ask, Limit
from anirec.sources.web.collection import Collection, Manners, json_object

MANNERS: Final = Manners(Limit(1, 1.0))
PARTS: Final = ("details", "reviews", "recommendations")


@dataclass(frozen=True)
class Jikan:
    """What to ask of a server. url: as far as /v4, without a slash at the end."""

    url: str

    def anime(
        self,
        collection: Collection,
        anime_ids: Sequence[int],
        *,
        parts: Sequence[str] = PARTS,
        review_pages: int = 1,
        max_age: float = 0.0,
    ) -> None:
        """Fetch parts of anime. review_pages: of some 20 reviews each, the most helpful first."""
        for anime_id in anime_ids:
            if "details" in parts:
                collection.page(self._one(f"anime/{anime_id:08}/full", f"/anime/{anime_id}/full"), max_age=max_age)
            if "recommendations" in parts:
                ask = self._many(f"anime/{anime_id:08}/recommendations", f"/anime/{anime_id}/recommendations", {})
                collection.page(ask, max_age=max_age)
            if "reviews" in parts:
                query = {"preliminary": "true", "spoilers": "true"}
                for _ in self._pages(
                    collection,
                    f"anime/{anime_id:08}/reviews",
                    f"/anime/{anime_id}/reviews",
                    query,
                    review_pages,
                    max_age,
                ):
                    pass

    def genre(self, collection: Collection, genre: int, *, most_pages: int, max_age: float) -> None:
        """Fetch the anime of a genre, by the site's number of it; 25 a page."""
        query = {"genres": str(genre), "order_by": "mal_id"}
        for _ in self._pages(collection, f"genre/{genre:05}", "/anime", query, most_pages, max_age):
            pass

    def recommendation_texts(self, collection: Collection, *, most_pages: int, max_age: float) -> None:
        """Fetch what people wrote of late about why who likes one anime may like another; 100 a page."""
        for _ in self._pages(collection, "recommendations", "/recommendations/anime", {}, most_pages, max_age):
            pass

    def _pages(
        self, collection: Collection, key: str, path: str, query: dict[str, str], most: int, max_age: float
    ) -> Iterator[dict[str, Any]]:
        for number in range(1, most + 1):
            ask = self._many(f"{key}/{number:05}", path, query | {"page": str(number)})
            page = collection.page(ask, max_age=max_age)
            if page is None:
                return
            found = rows_of(page.body)
            yield found
            paging = found.get("pagination")
            if not isinstance(paging, dict) or not paging.get("has_next_page"):
                return

    def _one(self, key: str, path: str) -> Ask:
        return Ask(key=f"jikan/{key}", url=f"{self.url}{path}", check=anime_of)

    def _many(self, key: str, path: str, query: dict[str, str]) -> Ask:
        asked = f"?{urlencode(query)}" if query else ""
        return Ask(key=f"jikan/{key}", url=f"{self.url}{path}{asked}", check=rows_of)


def anime_of(body: bytes) -> dict[str, Any]:
    """Return the details of an anime. Raises ValueError if they are not."""
    found = json_object(body, "data")["data"]
    if not isinstance(found, dict) or "mal_id" not in found:
        raise ValueError("no anime")
    return found


def rows_of(body: bytes) -> dict[str, Any]:
    """Return a page of rows. Raises ValueError if it is none."""
    found = json_object(body, "data")
    if not isinstance(found["data"], list):
        raise ValueError("data is no list")
    return found
