"""Lists from sites for those who ask this server: one at a time of each site, and not more a day than the site bears.

Sites are named, never addresses, and a name has letters that no address is made of: nobody can make this server ask
anything else for them.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from anirec.core.errors import AnirecError, MissingAbility
from anirec.service.lists import Lists, Site
from anirec.sources.own_list import OwnList
from anirec.sources.web.keys import MAL_CLIENT_ID

MOST_A_DAY: Final = 150
"""Lists of one site in 24 hours. One takes one to four requests, and AniList is asked at most 300 times a day."""
LEAST_PAUSE: Final = 2.0
"""Seconds from one list's end to the next one's beginning."""
DAY: Final = 86_400.0
PATIENCE: Final = 20.0
"""Seconds that somebody waits for those before."""


class SiteBusy(AnirecError):
    """As much was asked of a site as it bears. seconds: after which to come again."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass
class Desk:
    """Whose turn it is at one site, and when the last lists were read."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    read_at: deque[float] = field(default_factory=deque)


def desks() -> dict[Site, Desk]:
    """Return a desk for each site, at which nobody was yet."""
    return {site: Desk() for site in Site}


@dataclass(frozen=True)
class Sites:
    """Reads lists from sites. enabled: whether at all. clock: seconds. desks: one a site."""

    lists: Lists
    enabled: bool = True
    clock: Callable[[], float] = time.monotonic
    pause: float = LEAST_PAUSE
    desks: dict[Site, Desk] = field(default_factory=desks, repr=False)

    @property
    def available(self) -> list[str]:
        """The sites whose lists can be read: MyAnimeList wants a client id."""
        has_key = bool(os.environ.get(MAL_CLIENT_ID))
        return [site.value for site in Site if self.enabled and (site is not Site.MYANIMELIST or has_key)]

    def read(self, site: Site, user: str) -> OwnList:
        """Read the public list of a user; errors as in `Lists.of_user`.

        Raises:
            MissingAbility: this server asks no site, or not this one.
            SiteBusy: others are before, or as much was asked today as the site bears.
        """
        if site.value not in self.available:
            raise MissingAbility(
                f"this server reads no lists from {site}; export the list there, and send the file"
                + ("" if not self.enabled or site is not Site.MYANIMELIST else f" (it needs {MAL_CLIENT_ID})")
            )
        desk = self.desks[site]
        if not desk.turn.acquire(timeout=PATIENCE):
            raise SiteBusy(f"others are waiting for {site}; come again", 30.0)
        try:
            now = self.clock()
            while desk.read_at and now - desk.read_at[0] > DAY:
                desk.read_at.popleft()
            if len(desk.read_at) >= MOST_A_DAY:
                again = DAY - (now - desk.read_at[0])
                raise SiteBusy(f"as many lists were read from {site} today as it bears; send the file instead", again)
            if desk.read_at and now - desk.read_at[-1] < self.pause:
                time.sleep(self.pause - (now - desk.read_at[-1]))
            try:
                return self.lists.of_user(site, user)
            finally:
                desk.read_at.append(self.clock())
        finally:
            desk.turn.release()
