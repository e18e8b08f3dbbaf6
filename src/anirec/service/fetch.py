"""Fetching from sites: what a person may ask for, put to the collectors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from anirec.core.errors import InputError, SiteError
from anirec.sources.web import anilist, downloads, jikan, mal_api, online_users
from anirec.sources.web.client import NOTHING, Patience
from anirec.sources.web.collection import DAY, Collection, FetchReport, Manners, run
from anirec.sources.web.keys import MAL_CLIENT_ID
from anirec.sources.web.pages import open_pages

Report = Callable[[str], None]

MOST_LISTS: Final = 25
"""People whose lists one fetch may ask for."""

WHILE_SOMEBODY_WAITS: Final = Patience(
    attempts=2, first_wait=1.0, longest_wait=5.0, slow_wait=3.0, connect=5.0, read=10.0, deadline=20.0
)


@dataclass(frozen=True)
class Into:
    """Where pages go and how sites are treated. pause: seconds a request at least; None = what the site bears."""

    folder: Path
    pause: float | None = None
    patience: Patience | None = None
    report: Report = lambda _text: None

    def manners(self, usual: Manners) -> Manners:
        """Return the manners for a site: its usual ones or slower."""
        return replace(usual.slower(self.pause), patience=self.patience or usual.patience)


@dataclass(frozen=True)
class Season:
    """A season as people write it, 2026/fall."""

    year: int
    name: str

    @classmethod
    def parse(cls, text: str) -> Season:
        """Return the season that a text names.

        Raises:
            InputError: it names none.
        """
        year, _, name = text.strip().lower().partition("/")
        if not year.isdecimal() or len(year) != 4 or name not in mal_api.SEASONS:
            raise InputError(f'"{text}" is no season; write it as 2026/fall, with {", ".join(mal_api.SEASONS)}')
        return cls(int(year), name)


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a site.

    ids: MyAnimeList's. top: the first so many of the ranking. max_age: in days; details that are not older are kept.
    """

    ids: Sequence[int] = ()
    seasons: Sequence[Season] = ()
    ranking: str | None = None
    top: int = 100
    people: Sequence[str] = ()
    max_age: float = 30.0

    def plan(self) -> dict[str, object]:
        """Return what makes two fetches the same one; people come to it masked."""
        return {
            "ids": sorted(set(self.ids)),
            "seasons": [f"{season.year}/{season.name}" for season in self.seasons],
            "ranking": self.ranking,
            "top": self.top if self.ranking else None,
        }

    def check(self) -> None:
        """Raise InputError where nothing is wanted, or too much."""
        if not (self.ids or self.seasons or self.ranking or self.people):
            raise InputError("say what to fetch: ids, a season, a ranking, or the list of a person")
        if len(self.people) > MOST_LISTS:
            raise InputError(f"{len(self.people)} people at once are too many; {MOST_LISTS} are the most")


def fetch_mal(into: Into, wanted: Wanted, *, url: str | None = None) -> FetchReport:
    """Fetch from MyAnimeList's API. The client id is read from the environment. url: of the API; None = its own.

    Raises:
        InputError: there is no client id, it is not accepted, or nothing is wanted.
        SiteError: the site does not answer; what came is kept.
    """
    wanted.check()
    client_id = os.environ.get(MAL_CLIENT_ID, "")
    if not client_id:
        raise InputError(
            f"MyAnimeList wants a client id: make one at https://myanimelist.net/apiconfig and put it in the "
            f"environment variable {MAL_CLIENT_ID}"
        )
    api = mal_api.MalApi(client_id, url or mal_api.URL)

    def collect(collection: Collection) -> None:
        for season in wanted.seasons:
            api.season(collection, season.year, season.name)
        if wanted.ranking:
            api.ranking(collection, wanted.ranking, wanted.top)
        api.details(collection, sorted(set(wanted.ids)), max_age=wanted.max_age * DAY)
        api.lists(collection, wanted.people)

    return _run(into, "mal", wanted.plan(), collect, mal_api.MANNERS, people=wanted.people)


def fetch_anilist(into: Into, wanted: Wanted, *, url: str | None = None) -> FetchReport:
    """Fetch from AniList's API: what a person names, up to a cap a day. url: of the API; None = its own.

    Raises:
        InputError: nothing is wanted, or more than the cap.
        SiteError: the site does not answer; what came is kept.
    """
    wanted.check()
    if wanted.ranking:
        raise InputError("AniList's terms forbid to collect in mass: name ids, a season, or the list of a person")
    api = anilist.AniList(url or anilist.URL)

    def collect(collection: Collection) -> None:
        for season in wanted.seasons:
            api.season(collection, season.year, season.name)
        api.details(collection, wanted.ids, max_age=wanted.max_age * DAY)
        api.lists(collection, wanted.people)

    return _run(into, "anilist", wanted.plan(), collect, anilist.MANNERS, people=wanted.people)


def pages_of_list(site: str, user: str, *, url: str | None = None) -> list[bytes]:
    """Fetch the public list of one user for somebody who waits for it. Nothing of it is kept, nor is the name.

    site: "myanimelist" or "anilist". Returns the bodies of its pages, none where the site shows no such list.

    Raises:
        InputError: MyAnimeList wants a client id, and there is none.
        SiteError: the site does not answer.
    """
    fetch = {"myanimelist": fetch_mal, "anilist": fetch_anilist}[site]
    with tempfile.TemporaryDirectory(prefix="anirec-list-") as folder:
        done = fetch(Into(Path(folder), patience=WHILE_SOMEBODY_WAITS), Wanted(people=[user]), url=url)
        if done.problems:
            raise SiteError(f"{site} does not answer as it should: {next(iter(done.problems.values()))}")
        with open_pages(Path(folder)) as store:
            return [page.body for page in store.latest() if page.status not in NOTHING]


def fetch_jikan(
    into: Into,
    *,
    url: str,
    ids: Sequence[int] = (),
    parts: Sequence[str] = jikan.PARTS,
    review_pages: int = 1,
    genres: Sequence[int] = (),
    recommendation_pages: int = 0,
    max_age: float = 30.0,
) -> FetchReport:
    """Fetch from a server that speaks Jikan's API v4. genres: 40 pages of each at most.

    Raises:
        InputError: nothing is wanted.
        SiteError: the server does not answer; what came is kept.
    """
    if not (ids or genres or recommendation_pages):
        raise InputError("say what to fetch: ids, a genre, or recommendation texts")
    server = jikan.Jikan(url.rstrip("/"))
    plan = {
        **{"ids": sorted(set(ids)), "parts": sorted(parts), "review_pages": review_pages, "genres": sorted(genres)},
        "recommendation_pages": recommendation_pages,
    }

    def collect(collection: Collection) -> None:
        age = max_age * DAY
        server.anime(collection, sorted(set(ids)), parts=parts, review_pages=review_pages, max_age=age)
        for genre in genres:
            server.genre(collection, genre, most_pages=40, max_age=age)
        if recommendation_pages:
            server.recommendation_texts(collection, most_pages=recommendation_pages, max_age=age)

    return _run(into, "jikan", plan, collect, jikan.MANNERS)


def fetch_file(into: Into, url: str) -> FetchReport:
    """Fetch a file that a project publishes, if it changed, and lay it in the folder.

    Raises:
        SiteError: there is none, or the site does not answer.
    """

    def collect(collection: Collection) -> None:
        downloads.download(collection, url, collection.folder)

    return _run(into, "file", {"url": url}, collect, downloads.MANNERS)


def fetch_people(
    into: Into, url: str, *, enabled: bool, looks: int, pause: float, keep_names: bool
) -> tuple[FetchReport, int]:
    """Collect who a public page shows to be online; returns how many people the store has, too.

    Raises:
        InputError: it was not enabled, or robots.txt does not allow it.
        SiteError: the site does not answer; what came is kept.
    """
    if not enabled:
        raise InputError(
            "names of people are not collected unless you enable it (--enable): be sure that the site's terms and the "
            "law where you live allow it"
        )
    look = online_users.OnlineUsers(url, looks, pause, keep_names)
    plan = {"url": url, "looks": looks, "keep_names": keep_names}
    report = _run(into, "people", plan, look.collect, online_users.MANNERS)
    with open_pages(into.folder) as store:
        return report, len(online_users.people(store))


def _run(
    into: Into,
    site: str,
    plan: dict[str, object],
    collect: Callable[[Collection], None],
    usual: Manners,
    people: Sequence[str] = (),
) -> FetchReport:
    return run(into.folder, site, plan, collect, manners=into.manners(usual), names=people, report=into.report)
