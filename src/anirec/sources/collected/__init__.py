"""A folder of pages that `anirec data fetch` kept -> tables. The pages can be read anew as often as the reader changes.

What a page says is kept from the newest page of its key only; older versions stay in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import duckdb

from anirec.core.errors import BadTable
from anirec.sources.collected import anilist, jikan, mal_api
from anirec.sources.collected.tables import NAMES, Tables
from anirec.sources.layout import File, Layout, Reading, mapped_ids
from anirec.sources.web.client import NOTHING
from anirec.sources.web.pages import FILE, Page, open_pages

READERS: Final[Mapping[str, Callable[[Tables, Page], None]]] = {
    "mal": mal_api.read,
    "anilist": anilist.read,
    "jikan": jikan.read,
}
"""By the first part of a page's key."""

LISTS: Final = (mal_api.SOURCE, anilist.SOURCE)


def _read(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Reading]:
    with open_pages(folder) as store:
        tables = Tables(mapped_ids(con), store.page_of)
        for page in store.latest():
            read = READERS.get(page.key.split("/")[0])
            if read is None or page.status in NOTHING:
                continue
            try:
                read(tables, page)
            except ValueError as error:
                tables["anime"].reject(page.key, f"the page is not of the shape expected: {error}")
    found = {name: tables[name] for name in NAMES if len(tables[name])}
    if not found:
        raise BadTable(f"{folder / FILE} holds no page of an anime or a list; fetch some with `anirec data fetch`")
    return {name: rows.reading(con, FILE) for name, rows in found.items()}


LAYOUT = Layout(
    name="collected",
    about="pages kept by `anirec data fetch`",
    files=(File(FILE, required=True),),
    read=_read,
    licence="that of the site it was collected from; for your own use",
    full_list_sources=lambda _folder: LISTS,
)
