"""What the routes answer from: the use cases of one bundle, and how its facts look over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, Final

import orjson
from orjson import Fragment

from anirec.core.anime import Anime
from anirec.core.errors import DamagedBundle, InputError, MissingAbility
from anirec.service.atlas import Map
from anirec.service.browse import Browse
from anirec.service.explaining import popularity_ranks
from anirec.service.lists import Lists
from anirec.service.quotes import Quotes, quotes_of
from anirec.service.recommend import Service
from anirec.service.search import Search
from anirec.service.typeahead import Typeahead
from anirec.sources.own_list import OwnList
from anirec.web import metrics
from anirec.web.lasting import Lasting
from anirec.web.settings import Images, WebSettings
from anirec.web.sites import Sites

CARD_FIELDS: Final = (
    "anime_id",
    "title",
    "title_english",
    "title_japanese",
    "type",
    "year",
    "season",
    "episodes",
    "minutes",
    "airing",
    "score",
    "members",
    "genres",
    "themes",
    "demographics",
    "adult",
)
FURTHER_FIELDS: Final = (
    "synonyms",
    "source",
    "start_date",
    "age_rating",
    "tags",
    "studios",
    "scored_by",
    "favorites",
    "anilist_id",
    "anidb_id",
    "kitsu_id",
)


@dataclass(frozen=True)
class Served:
    """One bundle, opened. search, atlas: None where it has nothing to search in, or no map.

    card: the model card, Markdown. bundle_hash: SHA-256 of its manifest. warmers: what else is to be done once, beside
    the first answers, so that later ones are faster and read no file. inherited: what stays when another bundle comes,
    None = this is the first.
    """

    service: Service
    settings: WebSettings
    search: Search | None = None
    atlas: Map | None = None
    card: str = ""
    bundle_hash: str = ""
    warmers: tuple[Callable[[], None], ...] = ()
    inherited: Lasting | None = None

    @cached_property
    def lasting(self) -> Lasting:
        """What the process keeps, whichever bundle it serves."""
        return self.inherited or Lasting(self.settings)

    def warm(self) -> None:
        """Read and build what the first of each kind of request would wait for.

        After it the bundle's folder may go: tables are in memory, arrays are mapped.
        """
        self.service.titles.fill()
        self.typeahead.complete("a")
        for _ in (self._rank_of, self.labels, self.browse.calendar, self.lists.by_anilist_id, self.quotes):
            pass  # each is read or built when it is first asked for
        for warm in self.warmers:
            warm()

    def show(self) -> None:
        """Let the figures say that this one is served."""
        metrics.show_bundle(self.bundle_hash, version("anirec"), self.service.default_model)

    def try_out(self) -> None:
        """Answer some requests: a bundle that can be opened and cannot answer shows it here.

        Raises:
            DamagedBundle: there is no answer.
        """
        catalogue = self.service.catalogue
        known = int(catalogue.anime_ids[int(catalogue.members.argmax())])
        found = self.service.recommend(like=[known], k=5)
        if not len(found) or not self.cards(item.anime.anime_id for item in found):
            raise DamagedBundle(f"the bundle at {self.service.path} recommends nothing to who likes the anime {known}")
        if self.search is not None:
            self.search.search("adventure", k=3)

    @cached_property
    def typeahead(self) -> Typeahead:
        """What completes titles."""
        return Typeahead.of(self.service.titles)

    @cached_property
    def lists(self) -> Lists:
        """What reads lists."""
        return Lists(self.service)

    @cached_property
    def sites(self) -> Sites:
        """What reads lists from sites."""
        return Sites(self.lists, enabled=self.settings.sites, desks=self.lasting.desks)

    def read_upload(self, data: bytes) -> OwnList:
        """Read the bytes of a list's file; errors as in `Lists.in_file`."""
        return self.lists.in_file(data, "the file", most=2 * self.settings.most_upload)

    @cached_property
    def browse(self) -> Browse:
        """What answers who looks around."""
        return Browse(self.service)

    @cached_property
    def quotes(self) -> Quotes | None:
        """What finds quotes for reasons; None where the bundle has no texts."""
        return quotes_of(self.search.index if self.search else None)

    def mapped(self) -> Map:
        """Return the map.

        Raises:
            MissingAbility: the bundle has none.
        """
        if self.atlas is None:
            raise MissingAbility("this bundle has no map; make one with `anirec map`")
        return self.atlas

    def searching(self) -> Search:
        """Return what answers queries.

        Raises:
            MissingAbility: the bundle has nothing to search in.
        """
        if self.search is None:
            raise MissingAbility("this bundle has nothing to search in; add it with `anirec index --data DIR`")
        return self.search

    @cached_property
    def labels(self) -> Mapping[str, list[str]]:
        """The values of genres, themes, demographics and airing that anime of the bundle have, sorted."""
        return self.service.facts.labels()

    @cached_property
    def _rank_of(self) -> dict[int, int]:
        """The place of each anime by members, by id: every card shows it."""
        catalogue = self.service.catalogue
        return dict(zip(catalogue.anime_ids.tolist(), popularity_ranks(catalogue).tolist(), strict=True))

    @cached_property
    def _cards(self) -> dict[int, Fragment]:
        """Cards that were asked for, by id."""
        return {}

    def card_of(self, anime: Anime) -> Fragment:
        """Return an `AnimeCard`, as a piece of JSON that is made once."""
        card = self._cards.get(anime.anime_id)
        if card is None:
            card = self._cards[anime.anime_id] = Fragment(orjson.dumps(self._facts_of(anime)))
        return card

    def _facts_of(self, anime: Anime) -> dict[str, Any]:
        """Return the facts of an `AnimeCard`."""
        card = {name: getattr(anime, name) for name in CARD_FIELDS}
        card["score"] = None if anime.score is None else round(anime.score, 2)
        card["popularity_rank"] = self._rank_of[anime.anime_id]
        card["image_url"] = self.image_url(anime)
        return card

    def image_url(self, anime: Anime) -> str | None:
        """Return where the poster is, None where there is none."""
        if anime.image_url is None or self.settings.images is Images.NONE:
            return None
        return anime.image_url if self.settings.images is Images.LINK else f"/images/{anime.anime_id}"

    def full_of(self, anime: Anime) -> dict[str, Any]:
        """Return the facts of an `AnimeFull`."""
        links = {
            "myanimelist": f"https://myanimelist.net/anime/{anime.anime_id}",
            "anilist": f"https://anilist.co/anime/{anime.anilist_id}" if anime.anilist_id else None,
        }
        return self._facts_of(anime) | {name: getattr(anime, name) for name in FURTHER_FIELDS} | {"links": links}

    def cards(self, anime_ids: Iterable[int]) -> list[Fragment]:
        """Return the cards of anime in the order given, once each, without those that are not known."""
        wanted = list(dict.fromkeys(anime_ids))
        found = self.service.facts.of(wanted)
        return [self.card_of(found[anime_id]) for anime_id in wanted if anime_id in found]

    def known(self, anime_id: int) -> Anime:
        """Return the facts of an anime.

        Raises:
            UnknownAnime: the bundle does not know it.
        """
        found: Mapping[int, Anime] = self.service.facts.of([anime_id])
        if anime_id not in found:
            raise UnknownAnime(f"there is no anime with the id {anime_id} in this bundle")
        return found[anime_id]


class UnknownAnime(InputError):
    """The address names an anime that the bundle does not know."""
