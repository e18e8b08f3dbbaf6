"""One fetch of each site, quick and impatient, as tests want it; also as a process: `python -m sources.web.runs`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from anirec.sources.web import anilist, downloads, jikan, mal_api
from anirec.sources.web.client import Limit, Patience
from anirec.sources.web.collection import Collection, FetchReport, Manners, run
from anirec.sources.web.online_users import OnlineUsers
from sources.web.sites import PERSON

LIMIT = Limit(10, 0.5)
QUICK = Patience(attempts=5, first_wait=0.01, longest_wait=1.5, slow_wait=0.05, connect=2, read=1, deadline=0.4)


def _mal(collection: Collection, url: str) -> None:
    api = mal_api.MalApi("the-key", f"{url}/v2")
    api.season(collection, 2026, "fall")
    api.details(collection, [1, 2, 999], max_age=60.0)
    api.lists(collection, [PERSON])


def _anilist(collection: Collection, url: str) -> None:
    api = anilist.AniList(url)
    api.season(collection, 2026, "fall")
    api.details(collection, [1, 2], max_age=60.0)
    api.lists(collection, [PERSON])


def _jikan(collection: Collection, url: str) -> None:
    server = jikan.Jikan(f"{url}/v4")
    server.anime(collection, [1, 2, 3, 999], review_pages=2)
    server.genre(collection, 7, most_pages=5, max_age=0.0)
    server.recommendation_texts(collection, most_pages=5, max_age=0.0)


def _file(collection: Collection, url: str) -> None:
    downloads.download(collection, f"{url}/anime-list-full.json", collection.folder)


def _people(collection: Collection, url: str) -> None:
    OnlineUsers(f"{url}/users", looks=3, pause=0.05).collect(collection)


FETCHES: dict[str, Callable[[Collection, str], None]] = {
    "mal": _mal,
    "anilist": _anilist,
    "jikan": _jikan,
    "file": _file,
    "people": _people,
}


def fetch(
    site: str,
    url: str,
    folder: Path,
    *,
    limit: Limit = LIMIT,
    patience: Patience = QUICK,
    said: list[str] | None = None,
) -> FetchReport:
    return run(
        folder,
        site,
        {"a": "plan"},
        lambda collection: FETCHES[site](collection, url),
        manners=Manners(limit, patience),
        names=[PERSON],
        report=(said if said is not None else []).append,
    )


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]), patience=Patience(read=30.0, deadline=60.0))
