"""Pages of MyAnimeList's API v2 -> rows."""

from __future__ import annotations

from typing import Any, Final

from anirec.core.columns import STATUS_SPELLINGS
from anirec.sources.collected.tables import Tables, sorted_labels
from anirec.sources.json_rows import at, dicts, epoch_of, iso_date, minutes_of, names
from anirec.sources.web.mal_api import json_object_with_rows
from anirec.sources.web.pages import Page

SOURCE: Final = "mal_api"

TYPES: Final = {
    **{"tv": "TV", "ova": "OVA", "movie": "Movie", "special": "Special", "ona": "ONA", "music": "Music", "cm": "CM"},
    **{"pv": "PV", "tv_special": "TV Special"},
}
AIRING: Final = {
    "finished_airing": "Finished Airing",
    "currently_airing": "Currently Airing",
    "not_yet_aired": "Not yet aired",
}
AGES: Final = {
    "g": "G - All Ages",
    "pg": "PG - Children",
    "pg_13": "PG-13 - Teens 13 or older",
    "r": "R - 17+ (violence & profanity)",
    "r+": "R+ - Mild Nudity",
    "rx": "Rx - Hentai",
}


def read(tables: Tables, page: Page) -> None:
    """Add the rows of a page; a listing without details has none."""
    if page.key.startswith("mal/anime/"):
        _anime(tables, page.key, tables.json_of(page))
    elif page.key.startswith("mal/list/"):
        for row in json_object_with_rows(page.body)["data"]:
            _entry(tables, page.key, row)


def _anime(tables: Tables, where: str, found: dict[str, Any]) -> None:
    anime_id = found.get("id")
    start = iso_date(found.get("start_date"))
    season = found.get("start_season")
    source = found.get("source")
    adult = found.get("rating") == "rx"
    tables["anime"].add(
        where,
        {
            "anime_id": anime_id,
            "title": found.get("title"),
            "title_english": at(found, "alternative_titles", "en"),
            "title_japanese": at(found, "alternative_titles", "ja"),
            "synonyms": at(found, "alternative_titles", "synonyms"),
            "type": TYPES.get(str(found.get("media_type"))),
            "episodes": found.get("num_episodes") or None,
            "airing": AIRING.get(str(found.get("status"))),
            "start_date": start,
            "year": at(season, "year") or tables.year_of(start),
            "season": at(season, "season"),
            "source": source.replace("_", " ").capitalize().replace("4 koma", "4-koma")
            if isinstance(source, str)
            else None,
            "minutes": minutes_of(found.get("average_episode_duration")),
            "age_rating": AGES.get(str(found.get("rating"))),
            "adult": adult or "Hentai" in names(found.get("genres")),
            **sorted_labels(names(found.get("genres"))),
            "studios": names(found.get("studios")),
            "score": found.get("mean"),
            "scored_by": found.get("num_scoring_users"),
            "members": found.get("num_list_users"),
            "image_url": at(found, "main_picture", "medium"),
        },
    )
    tables.titles(where, anime_id, main=found.get("title"), others=at(found, "alternative_titles", "synonyms"))
    for lang in ("en", "ja"):
        tables.title(where, anime_id, lang, "official", at(found, "alternative_titles", lang))
    tables.synopsis(where, anime_id, found.get("synopsis"), SOURCE)
    for related in dicts(found.get("related_anime")):
        kind = related.get("relation_type_formatted") or related.get("relation_type")
        tables.relation(where, anime_id, kind, at(related, "node", "id"))
    for other in dicts(found.get("recommendations")):
        tables.recommendation(where, anime_id, at(other, "node", "id"), other.get("num_recommendations"))


def _entry(tables: Tables, where: str, row: Any) -> None:
    status = at(row, "list_status", "status")
    known = STATUS_SPELLINGS.get(status) if isinstance(status, str) else STATUS_SPELLINGS[""]
    if known is None:
        tables["ratings"].reject(where, "unknown status", status)
        return
    tables["ratings"].add(
        where,
        {
            "user_id": tables.user(where.split("/")[2]),
            "anime_id": at(row, "node", "id"),
            "score": at(row, "list_status", "score") or None,
            "status": int(known),
            "updated_at": epoch_of(at(row, "list_status", "updated_at")),
            "source": SOURCE,
        },
    )
