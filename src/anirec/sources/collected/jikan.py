"""Pages of a Jikan v4 server -> rows."""

from __future__ import annotations

import re
from typing import Any, Final

from anirec.sources.collected.tables import Tables, sorted_labels
from anirec.sources.json_rows import at, dicts, epoch_of, iso_date, names
from anirec.sources.web.jikan import anime_of, rows_of
from anirec.sources.web.pages import Page

SOURCE: Final = "jikan"


def read(tables: Tables, page: Page) -> None:
    """Add the rows of a page."""
    part = page.key.split("/")
    if part[1] == "recommendations":
        for row in dicts(rows_of(page.body)["data"]):
            _recommendation_text(tables, page.key, row)
    elif part[1] == "genre":
        for found in dicts(rows_of(page.body)["data"]):
            _anime(tables, page.key, found)
    elif part[3] == "full":
        _anime(tables, page.key, anime_of(page.body))
    elif part[3] == "recommendations":
        for row in dicts(rows_of(page.body)["data"]):
            tables.recommendation(page.key, int(part[2]), at(row, "entry", "mal_id"), row.get("votes"))
    elif part[3] == "reviews":
        for row in dicts(rows_of(page.body)["data"]):
            _review(tables, page.key, int(part[2]), row)


def _anime(tables: Tables, where: str, found: dict[str, Any]) -> None:
    anime_id = found.get("mal_id")
    if not tables.is_new("anime", anime_id):
        return
    rating = found.get("rating")
    labels = [
        name for part in ("genres", "explicit_genres", "themes", "demographics") for name in names(found.get(part))
    ]
    start = at(found, "aired", "from")
    start = iso_date(start[:10]) if isinstance(start, str) else None
    tables["anime"].add(
        where,
        {
            "anime_id": anime_id,
            **{name: found.get(name) for name in SAME},
            "synonyms": found.get("title_synonyms"),
            "airing": found.get("status"),
            "start_date": start,
            "year": found.get("year") or tables.year_of(start),
            "minutes": _minutes(found.get("duration")),
            "age_rating": rating,
            "adult": (isinstance(rating, str) and rating.startswith("Rx")) or "Hentai" in labels,
            **sorted_labels(labels),
            "studios": names(found.get("studios")),
            "image_url": at(found, "images", "jpg", "image_url"),
        },
    )
    tables.titles(where, anime_id, main=found.get("title"), others=found.get("title_synonyms"))
    tables.title(where, anime_id, "en", "official", found.get("title_english"))
    tables.title(where, anime_id, "ja", "official", found.get("title_japanese"))
    tables.synopsis(where, anime_id, found.get("synopsis"), SOURCE)
    for relation in dicts(found.get("relations")):
        for target in dicts(relation.get("entry")):
            if target.get("type") == "anime":
                tables.relation(where, anime_id, relation.get("relation"), target.get("mal_id"))


SAME: Final = (
    *("title", "title_english", "title_japanese", "type", "episodes", "season", "source", "score", "scored_by"),
    *("members", "favorites"),
)
"""Facts that the server names and writes as we do."""


def _review(tables: Tables, where: str, anime_id: int, row: dict[str, Any]) -> None:
    tables["reviews"].add(
        where,
        {
            "anime_id": anime_id,
            "review_id": row.get("mal_id"),
            "user_id": tables.user(at(row, "user", "username")),
            "score": row.get("score") or None,
            "helpful": at(row, "reactions", "overall"),
            "written_at": epoch_of(row.get("date")),
            "text": row.get("review"),
            "source": SOURCE,
        },
    )


def _recommendation_text(tables: Tables, where: str, row: dict[str, Any]) -> None:
    pair = [entry.get("mal_id") for entry in dicts(row.get("entry"))]
    if len(pair) != 2:
        tables["recommendation_texts"].reject(where, "not about two anime", row.get("mal_id"))
        return
    tables["recommendation_texts"].add(
        where,
        {
            "anime_a": pair[0],
            "anime_b": pair[1],
            "text_id": len(tables["recommendation_texts"]) + 1,
            "user_id": tables.user(at(row, "user", "username")),
            "text": row.get("content"),
            "source": SOURCE,
        },
    )


def _minutes(text: Any) -> int | None:
    """Return the minutes in `1 hr 55 min` or `24 min per ep`; seconds alone are 1 minute."""
    if not isinstance(text, str):
        return None
    hours, rest = re.search(r"(\d{1,3}) hr", text), re.search(r"(\d{1,3}) min", text)
    if not hours and not rest:
        return 1 if " sec" in text else None
    return (int(hours[1]) if hours else 0) * 60 + (int(rest[1]) if rest else 0)
