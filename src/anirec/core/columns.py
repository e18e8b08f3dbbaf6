"""Names and types of the canonical tables: declared here once, used by readers, preparation, and `batch`.

A canonical folder holds one Parquet file per table, named `<table>.parquet`. Types are DuckDB's.
Ids are MyAnimeList ids. A missing value is NULL, never 0, -1 or "Unknown".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """Where an anime stands on a list. The numbers are MyAnimeList's; 0 is ours for "not said"."""

    UNKNOWN = 0
    WATCHING = 1
    COMPLETED = 2
    ON_HOLD = 3
    DROPPED = 4
    PLANNED = 6


STATUS_WORDS: Final[dict[str, Status]] = {
    "unknown": Status.UNKNOWN,
    "watching": Status.WATCHING,
    "completed": Status.COMPLETED,
    "on_hold": Status.ON_HOLD,
    "dropped": Status.DROPPED,
    "plan_to_watch": Status.PLANNED,
}
"""The spelling of each status in text."""

STATUS_SPELLINGS: Final[dict[str, Status]] = {
    **STATUS_WORDS,
    **{str(int(status)): status for status in Status},
    "": Status.UNKNOWN,
    "current": Status.WATCHING,
    "currently_watching": Status.WATCHING,
    "rewatching": Status.COMPLETED,
    "repeating": Status.COMPLETED,
    "paused": Status.ON_HOLD,
    "onhold": Status.ON_HOLD,
    "planning": Status.PLANNED,
    "planned": Status.PLANNED,
    "ptw": Status.PLANNED,
}
"""Every way to write a status that is read, after lower case and underscores for blanks and hyphens."""

MIN_SCORE: Final = 1
MAX_SCORE: Final = 10

ANIME: Final = {
    "anime_id": "INTEGER",
    "anilist_id": "INTEGER",
    "anidb_id": "INTEGER",
    "kitsu_id": "INTEGER",
    "title": "VARCHAR",
    "title_english": "VARCHAR",
    "title_japanese": "VARCHAR",
    "synonyms": "VARCHAR[]",
    "type": "VARCHAR",  # TV, Movie, OVA, ONA, Special, TV Special, Music, CM, PV
    "episodes": "INTEGER",
    "airing": "VARCHAR",  # Finished Airing, Currently Airing, Not yet aired
    "start_date": "VARCHAR",  # ISO, as much as is known: 2014, 2014-04 or 2014-04-06
    "year": "INTEGER",
    "season": "VARCHAR",  # winter, spring, summer, fall
    "source": "VARCHAR",  # Manga, Light novel, Original ...
    "minutes": "INTEGER",  # length of one episode
    "age_rating": "VARCHAR",
    "adult": "BOOLEAN",
    "genres": "VARCHAR[]",
    "themes": "VARCHAR[]",
    "demographics": "VARCHAR[]",
    "tags": "VARCHAR[]",
    "studios": "VARCHAR[]",
    "score": "FLOAT",  # the site's mean, 1..10
    "scored_by": "INTEGER",
    "members": "INTEGER",
    "favorites": "INTEGER",
    "image_url": "VARCHAR",
}

TITLES: Final = {
    "anime_id": "INTEGER",
    "lang": "VARCHAR",  # ISO 639-1, or x-jat for romaji
    "kind": "VARCHAR",  # main, official, synonym, short
    "title": "VARCHAR",
}

RATINGS: Final = {
    "user_id": "BIGINT",
    "anime_id": "INTEGER",
    "score": "TINYINT",  # 1..10, NULL = on the list without a score
    "status": "TINYINT",  # a `Status`
    "updated_at": "BIGINT",  # epoch seconds UTC, NULL = not known
    "source": "VARCHAR",  # which collection the row is from
}

RELATIONS: Final = {
    "anime_id": "INTEGER",
    "relation": "VARCHAR",  # "Sequel" reads: target is the sequel of anime_id
    "target_id": "INTEGER",
}

RECOMMENDATIONS: Final = {
    "anime_a": "INTEGER",  # anime_a < anime_b: the pair has no direction
    "anime_b": "INTEGER",
    "votes": "INTEGER",  # users behind the pair, NULL = listed, count not known
}

RECOMMENDATION_TEXTS: Final = {
    "anime_a": "INTEGER",  # who likes this
    "anime_b": "INTEGER",  # may like this
    "text_id": "BIGINT",  # the source's number, or the row's
    "user_id": "BIGINT",  # as in ratings where the source has both, NULL = not known
    "text": "VARCHAR",
    "source": "VARCHAR",
}

REVIEWS: Final = {
    "anime_id": "INTEGER",
    "review_id": "BIGINT",  # the source's number, or the row's
    "user_id": "BIGINT",  # as in ratings where the source has both, NULL = not known
    "score": "TINYINT",  # 1..10, overall
    "helpful": "INTEGER",  # people who found it so
    "written_at": "BIGINT",  # epoch seconds UTC
    "text": "VARCHAR",
    "source": "VARCHAR",
}

SYNOPSES: Final = {
    "anime_id": "INTEGER",
    "text": "VARCHAR",  # English
    "source": "VARCHAR",
}

IDS: Final = {
    "anime_id": "INTEGER",
    "site": "VARCHAR",  # anilist, anidb, kitsu, tvdb, tmdb, imdb, simkl ...
    "site_id": "VARCHAR",  # tmdb: tv/123 or movie/123; several anime may share one of tvdb, tmdb and imdb
}

USERS: Final = {
    "user_id": "BIGINT",  # as in ratings
    "entries": "INTEGER",  # on the whole list, which ratings may have a part of
    "completed": "INTEGER",
    "mean_score": "FLOAT",  # 1..10
    "joined_at": "BIGINT",  # epoch seconds UTC
    "source": "VARCHAR",
}

TABLES: Final[dict[str, dict[str, str]]] = {
    "anime": ANIME,
    "titles": TITLES,
    "ratings": RATINGS,
    "relations": RELATIONS,
    "recommendations": RECOMMENDATIONS,
    "recommendation_texts": RECOMMENDATION_TEXTS,
    "reviews": REVIEWS,
    "synopses": SYNOPSES,
    "ids": IDS,
    "users": USERS,
}

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "anime": ("anime_id",),
    "titles": ("anime_id", "lang", "kind", "title"),
    "ratings": ("user_id", "anime_id"),
    "relations": ("anime_id", "relation", "target_id"),
    "recommendations": ("anime_a", "anime_b"),
    "recommendation_texts": ("anime_a", "anime_b", "text_id"),
    "reviews": ("anime_id", "review_id"),
    "synopses": ("anime_id",),
    "ids": ("anime_id", "site", "site_id"),
    "users": ("user_id",),
}
"""What must be unique in each table; tables are stored sorted by it."""
