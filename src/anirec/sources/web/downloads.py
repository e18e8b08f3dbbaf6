"""Files that projects publish at an address: fetched when they changed, kept as a page, laid beside the store."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from anirec.core.errors import InputError, SiteError
from anirec.sources.web.client import Ask, Limit, Patience
from anirec.sources.web.collection import Collection, Manners
from anirec.tables import new_file

MANNERS: Final = Manners(Limit(1, 1.0), Patience(deadline=1800.0))
MOST_BYTES: Final = 2**30

ID_MAP_URL: Final = "https://raw.githubusercontent.com/Fribb/anime-lists/master/anime-list-full.json"
"""The id map that is fetched where no other is named."""


def name_of(url: str) -> str:
    """Return the name that a file at an address is kept under.

    Raises:
        InputError: the address names no file.
    """
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name or name.startswith("."):
        raise InputError(f"{url} does not end in the name of a file")
    return name


def download(collection: Collection, url: str, folder: Path) -> Path:
    """Fetch a file into a folder, or leave it as it is where the site says that it is the same.

    Raises:
        SiteError: there is no such file.
    """
    name = name_of(url)
    page = collection.page(Ask(key=f"file/{name}", url=url, most_bytes=MOST_BYTES, follow=True))
    if page is None:
        raise SiteError(f"{url} could not be fetched; there may be no such file, or the site is down")
    target = folder / name
    if not target.is_file() or target.read_bytes() != page.body:
        with new_file(target) as work:
            work.write_bytes(page.body)
    return target
