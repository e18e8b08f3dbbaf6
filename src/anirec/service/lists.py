"""A person's own list, from the bytes of a file or from a site that has it: read, and forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from anirec.core.errors import InputError, UnknownTitle
from anirec.service.recommend import Service
from anirec.sources.own_list import OwnList, list_in, list_of_pages

NEAR_TITLES: Final = 40
"""Titles of one file that are looked for by likeness, some 50 ms each; the further ones must be written exactly."""


class Site(StrEnum):
    """A site whose lists can be read by a user's name."""

    MYANIMELIST = "myanimelist"
    ANILIST = "anilist"


class NoSuchUser(InputError):
    """The site shows no list of a user of that name."""


@dataclass(frozen=True)
class Lists:
    """Reads lists for a bundle. urls: of the sites' APIs, by site; those not named are at their own."""

    service: Service
    urls: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.service.catalogue.anime_ids.tolist())

    @cached_property
    def by_anilist_id(self) -> dict[int, int]:
        """The id of each anime by its AniList id."""
        return self.service.facts.by_anilist_id()

    def in_file(self, data: bytes, name: str, *, most: int) -> OwnList:
        """Read the bytes of a file, see `own_list.read_list`. name: it is called so in messages. most: bytes unzipped.

        Raises:
            BadTable: it is empty, broken, too large, or no list of anime.
        """
        left = NEAR_TITLES

        def resolve(title: str) -> int:
            nonlocal left
            if left == 0 and not self.service.titles.is_title(title):
                raise UnknownTitle(title, [])
            left -= not self.service.titles.is_title(title)
            return self.service.titles.resolve(title).anime_id

        known, by_anilist_id = self._known.__contains__, self.by_anilist_id.get
        return list_in(data, name, known=known, from_anilist=by_anilist_id, resolve=resolve, most=most)

    def of_user(self, site: Site, user: str) -> OwnList:
        """Fetch the public list of a user, and read it. The pages are thrown away, and the name is not kept.

        Raises:
            NoSuchUser: the site shows none.
            InputError: MyAnimeList wants a client id, and there is none.
            SiteError: the site does not answer.
            BadTable: the list is empty.
        """
        from anirec.service.fetch import pages_of_list  # noqa: PLC0415 - the collectors, .2 s to load and seldom asked

        pages = pages_of_list(site, user, url=self.urls.get(site))
        if not pages:
            raise NoSuchUser(f"{site} shows no list of a user of that name; is it spelled so, and public?")
        return list_of_pages(site, pages, known=self._known.__contains__, from_anilist=self.by_anilist_id.get)
