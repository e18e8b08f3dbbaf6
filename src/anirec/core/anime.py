"""One anime as people see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Anime:
    """Facts about one anime, named as in `core.columns.ANIME`; None or an empty tuple where not known."""

    anime_id: int
    title: str
    title_english: str | None = None
    title_japanese: str | None = None
    synonyms: tuple[str, ...] = ()
    type: str | None = None
    episodes: int | None = None
    airing: str | None = None
    start_date: str | None = None
    year: int | None = None
    season: str | None = None
    source: str | None = None
    minutes: int | None = None
    age_rating: str | None = None
    adult: bool = False
    genres: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    demographics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    studios: tuple[str, ...] = ()
    score: float | None = None
    scored_by: int | None = None
    members: int | None = None
    favorites: int | None = None
    image_url: str | None = None
    anilist_id: int | None = None
    anidb_id: int | None = None
    kitsu_id: int | None = None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What it is said to be about: genres, themes, demographics, then tags; each once."""
        return tuple(dict.fromkeys((*self.genres, *self.themes, *self.demographics, *self.tags)))
