"""Names of people from a public page that shows who is online, for those who study a site and may do so.

Off unless enabled. Obeys robots.txt (RFC 9309). What is kept of a page is a list of hashes, salted with a secret of the
store, unless names are asked for. The page shows few people and changes slowly: a long pause between two looks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urlsplit

from protego import Protego

from anirec.core.errors import InputError
from anirec.sources.web.client import Ask, Limit
from anirec.sources.web.collection import DAY, Collection, Manners
from anirec.sources.web.pages import PageStore

MANNERS: Final = Manners(Limit(1, 1.0))
AGENT: Final = "anirec"
PAUSE: Final = 20.0
"""Seconds between two looks at the page, by default."""

PROFILE: Final = re.compile(r"^(?:https?://[^/]+)?/profile/([^/?#]{2,40})/?$")


@dataclass(frozen=True)
class OnlineUsers:
    """How to look. url: of the page. looks: how often. pause: seconds between two. keep_names: else salted hashes."""

    url: str
    looks: int
    pause: float = PAUSE
    keep_names: bool = False

    def collect(self, collection: Collection, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Look so often; what an earlier, interrupted run saw is not looked at again.

        Raises:
            InputError: robots.txt does not allow it.
        """
        pause = max(self.pause, self._robots(collection))
        for look in range(self.looks):
            key = f"online/{look:06}"
            before = collection.n_asked
            collection.page(
                Ask(key=key, url=self.url, check=_names_on, scrub=lambda body: self._kept(collection, body))
            )
            if collection.n_asked > before and look + 1 < self.looks:
                sleep(pause)

    def _kept(self, collection: Collection, body: bytes) -> bytes:
        names = _names_on(body)
        kept = names if self.keep_names else [collection.masked(name) for name in names]
        return json.dumps(sorted(kept)).encode()

    def _robots(self, collection: Collection) -> float:
        """Return the seconds between requests that robots.txt asks for. One that is missing allows everything."""
        parts = urlsplit(self.url)
        ask = Ask(key="robots", url=f"{parts.scheme}://{parts.netloc}/robots.txt", check=lambda body: body.decode())
        page = collection.page(ask, max_age=DAY)
        if page is None and collection.problem_with("robots"):
            raise InputError(f"{ask.url} does not answer, so nothing else is asked for (RFC 9309, 2.3.1.4)")
        robots = Protego.parse(page.body.decode() if page else "")
        if not robots.can_fetch(self.url, AGENT):
            raise InputError(f"{ask.url} does not allow to look at {self.url}")
        return float(robots.crawl_delay(AGENT) or 0.0)


def people(store: PageStore) -> set[str]:
    """Return all whom the pages of a store show: names or what stands for them, as they were kept."""
    return {str(name) for page in store.latest("online/") for name in json.loads(page.body)}


def _names_on(body: bytes) -> list[str]:
    """Return the names of people that a page links to. Raises ValueError if there are none, or the page has no end."""
    if b"</html>" not in body.lower():
        raise ValueError("the page has no end")
    links = _Links()
    links.feed(body.decode("utf-8", errors="replace"))
    names = {unquote(found[1]) for link in links.found if (found := PROFILE.match(link))}
    if not names:
        raise ValueError("no link to a profile")
    return sorted(names)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
