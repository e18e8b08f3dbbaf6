"""The canonical tables that pages of any site are read into."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from anirec.sources.json_rows import Rows, is_id
from anirec.sources.mal import DEMOGRAPHICS, GENRES, RENAMED
from anirec.sources.web.pages import Page

NAMES = (
    *("anime", "titles", "ratings", "relations", "recommendations", "recommendation_texts", "reviews", "synopses"),
    "ids",
)


class Tables:
    """Rows by table.

    mapped: the MyAnimeList id of a site's id by an id map, None if it has none. current: the page that has the newest
    version of an item, None if versions of it are not known.

    Of what two pages say (both of a pair that people recommend, the same entry in two lists of a person's own), the
    first is kept; that is no loss.
    """

    def __init__(
        self, mapped: Callable[[str, str], int | None], current: Callable[[str], int | None] = lambda _item: None
    ) -> None:
        self._tables = {name: Rows(name) for name in NAMES}
        self._mapped = mapped
        self._current = current
        self._users: dict[str, int] = {}
        self._seen: set[tuple[str, object]] = set()

    def __getitem__(self, table: str) -> Rows:
        """Return the rows of a table."""
        return self._tables[table]

    def is_new(self, kind: str, number: object) -> bool:
        """Return whether something is named for the first time."""
        key = (kind, repr(number))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def is_current(self, item: str, page: Page) -> bool:
        """Return whether a page has the newest version of an item that stands on several."""
        return self._current(item) in (None, page.page)

    def user(self, name: Any) -> int | None:
        """Return the number of a person: from 1, in the order of their first appearance."""
        if not isinstance(name, str) or not name:
            return None
        return self._users.setdefault(name, len(self._users) + 1)

    def mal_id(self, site: str, site_id: Any, said: Any) -> int | None:
        """Return the MyAnimeList id: as the site says it, else by the id map."""
        if is_id(said):
            return int(said)
        return self._mapped(site, str(site_id)) if is_id(site_id) else None

    def title(self, where: str, anime_id: Any, lang: str, kind: str, title: Any) -> None:
        """Add a title, if it is one, once."""
        if isinstance(title, str) and title.strip() and self.is_new("title", (anime_id, lang, kind, title.strip())):
            self["titles"].add(where, {"anime_id": anime_id, "lang": lang, "kind": kind, "title": title})

    def titles(self, where: str, anime_id: Any, *, main: Any, others: Any) -> None:
        """Add the main title and the synonyms, whose language nobody says."""
        self.title(where, anime_id, "x-jat", "main", main)
        for other in others if isinstance(others, list) else []:
            self.title(where, anime_id, "en", "syn", other)

    def synopsis(self, where: str, anime_id: Any, text: Any, source: str) -> None:
        """Add a synopsis, if there is one."""
        if isinstance(text, str) and text.strip():
            self["synopses"].add(where, {"anime_id": anime_id, "text": text, "source": source})

    def relation(self, where: str, anime_id: Any, kind: Any, target: Any) -> None:
        """Add a relation, once."""
        if self.is_new("relation", (anime_id, kind, target)):
            self["relations"].add(where, {"anime_id": anime_id, "relation": kind, "target_id": target})

    def recommendation(self, where: str, a: Any, b: Any, votes: Any) -> None:
        """Add a pair, whichever way round, once; both pages of a pair name the same votes."""
        pair = tuple(sorted((a, b))) if isinstance(a, int) and isinstance(b, int) else (a, b)
        if self.is_new("recommendation", pair):
            self["recommendations"].add(where, {"anime_a": pair[0], "anime_b": pair[1], "votes": votes})

    @staticmethod
    def year_of(date: Any) -> int | None:
        """Return the year of an ISO date."""
        return int(date[:4]) if isinstance(date, str) and date[:4].isdecimal() else None

    @staticmethod
    def json_of(page: Page) -> dict[str, Any]:
        """Return the object that a page is. Raises ValueError if it is none."""
        found = json.loads(page.body)
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        return found


def sorted_labels(labels: list[Any]) -> dict[str, list[str]]:
    """Return labels by the columns that they belong in: genres, themes, demographics."""
    current = sorted({RENAMED.get(label, label) for label in labels if isinstance(label, str)})
    return {
        "genres": [label for label in current if label in GENRES],
        "themes": [label for label in current if label not in GENRES and label not in DEMOGRAPHICS],
        "demographics": [label for label in current if label in DEMOGRAPHICS],
    }
