"""Pages of AniList's API -> rows; an anime of which no MyAnimeList id is known is a reject."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final

from anirec.core.columns import STATUS_SPELLINGS
from anirec.sources.collected.tables import Tables, sorted_labels
from anirec.sources.json_rows import at, dicts, names, number_of
from anirec.sources.scales import ANILIST_SCALES, whole_score
from anirec.sources.web.anilist import list_of, media_of
from anirec.sources.web.pages import Page

SOURCE: Final = "anilist"

TYPES: Final = {
    **{"TV": "TV", "TV_SHORT": "TV", "MOVIE": "Movie", "SPECIAL": "Special", "OVA": "OVA", "ONA": "ONA"},
    "MUSIC": "Music",
}
AIRING: Final = {
    "FINISHED": "Finished Airing",
    "RELEASING": "Currently Airing",
    "NOT_YET_RELEASED": "Not yet aired",
}
RELATIONS: Final = {
    "SEQUEL": "Sequel",
    "PREQUEL": "Prequel",
    "PARENT": "Parent story",
    "SIDE_STORY": "Side story",
    "SUMMARY": "Summary",
    "ALTERNATIVE": "Alternative version",
    "SPIN_OFF": "Spin-off",
    "CHARACTER": "Character",
    "OTHER": "Other",
    "COMPILATION": "Summary",
    "CONTAINS": "Full story",
}
"""AniList's relations by MyAnimeList's names; ADAPTATION and SOURCE lead to what is no anime."""

LEAST_RANK: Final = 50
"""A tag that fewer per cent of voters find fitting is left out."""


def read(tables: Tables, page: Page) -> None:
    """Add the rows of a page; a listing without details has none."""
    if page.key.startswith("anilist/media/"):
        for media in dicts(media_of(page.body)["media"]):
            if tables.is_current(f"anilist/{media.get('id')}", page) and tables.is_new("anilist", media.get("id")):
                _media(tables, page.key, media)
    elif page.key.startswith("anilist/list/"):
        found = list_of(page.body)
        scale = str(at(found, "user", "mediaListOptions", "scoreFormat"))
        for part in dicts(found["lists"]):
            for entry in dicts(part.get("entries")):
                _entry(tables, page.key, entry, scale)


def _media(tables: Tables, where: str, media: dict[str, Any]) -> None:
    anime_id = tables.mal_id("anilist", media.get("id"), media.get("idMal"))
    if anime_id is None:
        tables["anime"].reject(where, NO_ID, media.get("id"))
        return
    score, source = media.get("averageScore"), media.get("source")
    title, season = media.get("title"), media.get("season")
    tables["anime"].add(
        where,
        {
            "anime_id": anime_id,
            "anilist_id": media.get("id"),
            "title": at(title, "romaji"),
            "title_english": at(title, "english"),
            "title_japanese": at(title, "native"),
            "synonyms": media.get("synonyms"),
            "type": TYPES.get(str(media.get("format"))),
            "episodes": media.get("episodes"),
            "airing": AIRING.get(str(media.get("status"))),
            "start_date": _date(media.get("startDate")),
            "year": media.get("seasonYear") or at(media, "startDate", "year"),
            "season": season.lower() if isinstance(season, str) else None,
            "source": source.replace("_", " ").capitalize() if isinstance(source, str) else None,
            "minutes": media.get("duration"),
            "adult": media.get("isAdult"),
            **sorted_labels(media["genres"] if isinstance(media.get("genres"), list) else []),
            "tags": _tags(media.get("tags")),
            "studios": names(at(media, "studios", "nodes")),
            "score": score / 10 if isinstance(score, int) and score > 0 else None,
            "members": media.get("popularity"),
            "favorites": media.get("favourites"),
            "image_url": at(media, "coverImage", "large"),
        },
    )
    tables["ids"].add(where, {"anime_id": anime_id, "site": "anilist", "site_id": str(media.get("id"))})
    tables.titles(where, anime_id, main=at(title, "romaji"), others=media.get("synonyms"))
    tables.title(where, anime_id, "en", "official", at(title, "english"))
    tables.title(where, anime_id, "ja", "official", at(title, "native"))
    tables.synopsis(where, anime_id, _plain(media.get("description")), SOURCE)
    for edge in dicts(at(media, "relations", "edges")):
        node, kind = edge.get("node"), RELATIONS.get(str(edge.get("relationType")))
        target = tables.mal_id("anilist", at(node, "id"), at(node, "idMal"))
        if kind and target and at(node, "type") == "ANIME":
            tables.relation(where, anime_id, kind, target)
    for other in dicts(at(media, "recommendations", "nodes")):
        node, votes = other.get("mediaRecommendation"), other.get("rating")
        target = tables.mal_id("anilist", at(node, "id"), at(node, "idMal"))
        if target and isinstance(votes, int) and votes > 0 and at(node, "type") == "ANIME":
            tables.recommendation(where, anime_id, target, votes)


NO_ID: Final = "no MyAnimeList id is known for the AniList id; an id map may have it (--ids)"


def _entry(tables: Tables, where: str, entry: dict[str, Any], scale: str) -> None:
    masked = where.split("/")[2]
    media, status = entry.get("mediaId"), entry.get("status")
    if not tables.is_new(masked, media):
        return  # the same entry stands in several lists of a person's own
    anime_id = tables.mal_id("anilist", media, at(entry, "media", "idMal"))
    known = STATUS_SPELLINGS.get(str(status).lower())
    score = entry.get("score")
    if anime_id is None:
        tables["ratings"].reject(where, NO_ID, media)
    elif known is None:
        tables["ratings"].reject(where, "unknown status", status)
    elif scale not in ANILIST_SCALES:
        tables["ratings"].reject(where, "unknown way to score", scale)
    elif score is not None and not _is_score(score):
        tables["ratings"].reject(where, "score is no number from 0 to 100", score)
    else:
        tables["ratings"].add(
            where,
            {
                "user_id": tables.user(masked),
                "anime_id": anime_id,
                "score": whole_score(ANILIST_SCALES[scale](score)) if score else None,
                "status": int(known),
                "updated_at": entry.get("updatedAt") or None,
                "source": SOURCE,
            },
        )


def _is_score(value: Any) -> bool:
    number = number_of(value)
    return number is not None and 0 <= number <= 100


def _date(value: Any) -> str | None:
    year, month, day = (at(value, part) for part in ("year", "month", "day"))
    if not isinstance(year, int) or not 1900 <= year < 2200:
        return None
    if not isinstance(month, int) or not 1 <= month <= 12:
        return f"{year}"
    return f"{year}-{month:02}-{day:02}" if isinstance(day, int) and 1 <= day <= 31 else f"{year}-{month:02}"


def _tags(value: Any) -> list[str]:
    ranked = [tag for tag in dicts(value) if isinstance(tag.get("rank"), int) and tag["rank"] >= LEAST_RANK]
    return names(ranked)


def _plain(text: Any) -> str | None:
    """Undo the few HTML tags of a description."""
    return (
        unescape(re.sub(r"<[^>]{0,200}>", "", re.sub(r"(?i)<br\s*/?>", "\n", text))) if isinstance(text, str) else None
    )
