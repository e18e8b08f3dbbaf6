"""Files that projects publish at an address: fetched when they changed, kept as a page, laid beside the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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

    Files of JSON are looked into, so that a page of apologies is not taken for one.

    Raises:
        SiteError: there is no such file.
    """
    name = name_of(url)
    check = next((check for suffix, check in CHECKS.items() if name.endswith(suffix)), bytes)
    page = collection.page(Ask(key=f"file/{name}", url=url, check=check, most_bytes=MOST_BYTES, follow=True))
    if page is None:
        raise SiteError(f"{url} could not be fetched; there may be no such file, or the site is down")
    target = folder / name
    if not target.is_file() or target.read_bytes() != page.body:
        with new_file(target) as work:
            work.write_bytes(page.body)
    return target


def _json_of_objects(body: bytes) -> object:
    """Raise ValueError where a body is neither an object nor an array of objects in JSON."""
    found = json.loads(body)
    if not isinstance(found, dict) and not (isinstance(found, list) and all(isinstance(item, dict) for item in found)):
        raise ValueError("no objects in JSON")
    return found


def _lines_of_objects(body: bytes) -> object:
    """Raise ValueError where the first and the last line of a body are not objects in JSON."""
    lines = body.strip().split(b"\n")
    return [_json_of_objects(lines[0]), _json_of_objects(lines[-1])]


def _zstd(body: bytes) -> bytes:
    if not body.startswith(b"\x28\xb5\x2f\xfd"):
        raise ValueError("not packed with zstd")
    return body


CHECKS: Final[Mapping[str, Callable[[bytes], object]]] = {
    ".json": _json_of_objects,
    ".jsonl": _lines_of_objects,
    ".zst": _zstd,
}
"""What a file of a name must be, by how the name ends."""
