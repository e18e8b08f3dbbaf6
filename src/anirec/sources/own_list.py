"""A person's own list from a file: MyAnimeList's export (XML, also gzipped), AniList's JSON, or a plain CSV.

Every row of the file becomes an entry or is counted among the rejects; nothing is guessed from a title that several
anime share. Files are read with caps on their size, and XML that defines entities is refused (Brad Hill 2013,
"defusedxml"): a list may come from anywhere.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anirec.core.columns import MAX_SCORE, MIN_SCORE
from anirec.core.errors import BadTable, TitleError, UnknownTitle
from anirec.core.profile import Entry
from anirec.sources.own_rows import MAX_ROWS, Row, anilist_rows, from_csv, from_json, from_xml, mal_rows

MAX_BYTES: Final = 64 * 2**20
"""A list of 20,000 anime with comments has some 20 MB."""
MAX_RATIO: Final = 200
"""How many times its size a zipped file may have unzipped, beyond the first MB; lists have 5 to 20 times theirs."""
MOST_UNUSED: Final = 50
GZIP: Final = b"\x1f\x8b"

Resolve = Callable[[str], int]
"""From a title to an anime id; raises TitleError."""


@dataclass(frozen=True)
class Unused:
    """A row that is no entry. title: as written, or what stands for it. number: its id at MyAnimeList, None = none."""

    title: str
    number: int | None
    reason: str


@dataclass(frozen=True)
class OwnList:
    """What a file says. entries: one for each anime. rejects: rows that are none, by reason, with the first of each.

    kind: what the file was taken to be. rows: in the file; the entries, the doubles among them, and the rejects.
    unused: the first of the rejects, at most `MOST_UNUSED`.
    """

    kind: str
    rows: int
    entries: tuple[Entry, ...]
    rejects: Mapping[str, tuple[int, str]]
    unused: tuple[Unused, ...] = ()

    def __str__(self) -> str:
        """Return `MyAnimeList export: 812 of 815 entries; 3 not used: no such anime (first: Pupa [999999])`."""
        text = f"{self.kind}: {len(self.entries):,} of {self.rows:,} entries"
        reasons = "; ".join(f"{n:,} not used: {reason} (first: {first})" for reason, (n, first) in self.rejects.items())
        return f"{text}; {reasons}" if reasons else text


def read_list(
    path: Path, *, known: Callable[[int], bool], from_anilist: Callable[[int], int | None], resolve: Resolve
) -> OwnList:
    """Read a person's list.

    known: whether there is an anime of this id. from_anilist: the MyAnimeList id of an AniList id, None if unknown.
    resolve: the id of a title, for files that have nothing else.

    Raises:
        BadTable: the file is missing, empty, too large, broken, or no list of anime.
    """
    return list_in(_bytes_of(path), str(path), known=known, from_anilist=from_anilist, resolve=resolve)


def list_in(
    data: bytes,
    name: str,
    *,
    known: Callable[[int], bool],
    from_anilist: Callable[[int], int | None],
    resolve: Resolve,
    most: int = MAX_BYTES,
) -> OwnList:
    """Read a person's list from the bytes of a file, zipped or not. name: what it is called in messages.

    most: bytes, unzipped. The other arguments and errors as in `read_list`.
    """
    data = _unzipped(data, name, most)
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        kind, rows = "MyAnimeList export", from_xml(data, name)
    elif text.startswith((b"{", b"[")):
        kind, rows = "AniList JSON", from_json(data, name)
    else:
        kind, rows = "CSV", from_csv(data, name)
    if len(rows) > MAX_ROWS:
        raise BadTable(f"{name} has {len(rows):,} rows, more than there are anime")
    if not rows:
        raise BadTable(f"{name} holds not one anime; export the anime list, not the manga list")
    return _entries(kind, rows, known, from_anilist, resolve)


def _entries(
    kind: str,
    rows: list[Row],
    known: Callable[[int], bool],
    from_anilist: Callable[[int], int | None],
    resolve: Resolve,
) -> OwnList:
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    unused: list[Unused] = []
    best: dict[int, Entry] = {}
    for row in rows:
        found = _entry(row, known, from_anilist, resolve)
        if not isinstance(found, str) and found.anime_id not in best:
            best[found.anime_id] = found
            continue
        reason = found if isinstance(found, str) else "named again"
        counts[reason] += 1
        first.setdefault(reason, row.label)
        if len(unused) < MOST_UNUSED:
            unused.append(Unused(row.shown or row.label, row.mal_id, reason))
    rejects = {reason: (n, first[reason]) for reason, n in counts.most_common()}
    return OwnList(kind, len(rows), tuple(best.values()), rejects, tuple(unused))


def _entry(
    row: Row, known: Callable[[int], bool], from_anilist: Callable[[int], int | None], resolve: Resolve
) -> Entry | str:
    """Return the entry that a row stands for, or why it stands for none."""
    anime_id = row.mal_id
    if anime_id is None and row.anilist_id is not None:
        anime_id = from_anilist(row.anilist_id)
    if anime_id is None and row.title and row.anilist_id is None:
        try:
            anime_id = resolve(row.title)
        except TitleError:
            return "not the title of exactly one anime"
    if anime_id is None or not known(anime_id):
        return "no such anime in this bundle"
    if row.status is None:
        return "unknown status"
    score = row.score if row.score != 0 else None
    if score is not None and not MIN_SCORE <= score <= MAX_SCORE:
        return f"score outside {MIN_SCORE}..{MAX_SCORE}"
    return Entry(anime_id, score, row.status)


def _bytes_of(path: Path) -> bytes:
    """Return the content of a file, up to `MAX_BYTES` and one more."""
    try:
        with path.open("rb") as content:
            return content.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error}") from error


def _unzipped(data: bytes, name: str, most: int) -> bytes:
    """Return the bytes, unzipped if they are gzipped; never holds more than `most` of them.

    Raises:
        BadTable: they are empty, too many, a ZIP archive, or swell more than any list does.
    """
    if data.startswith(b"PK\x03\x04"):
        raise BadTable(f"{name} is a ZIP archive; unpack it, and give the file that is in it")
    if data.startswith(GZIP):
        bound = min(most, max(2**20, MAX_RATIO * len(data)))
        try:
            with gzip.open(io.BytesIO(data)) as content:
                unzipped: bytes = content.read(bound + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BadTable(f"{name} cannot be read: {error}") from error
        if bound < len(unzipped) and bound < most:
            raise BadTable(f"{name} has more than {MAX_RATIO} times its size when it is unzipped; no list does")
        data = unzipped
    if len(data) > most:
        raise BadTable(f"{name} has more than {most / 2**20:.0f} MB; a list has a few")
    if not data.strip():
        raise BadTable(f"{name} is empty")
    return data


SITES: Final[Mapping[str, Callable[[Any], list[Row]]]] = {"myanimelist": mal_rows, "anilist": anilist_rows}
"""How the pages that a site's API gives of a person's list are read."""


def list_of_pages(
    site: str,
    pages: Iterable[bytes],
    *,
    known: Callable[[int], bool],
    from_anilist: Callable[[int], int | None],
) -> OwnList:
    """Read a person's list from the pages of a site's API, as the collectors fetched them. site: a key of `SITES`.

    Raises:
        BadTable: a page is not of the shape that the site's API gives, or they hold not one anime.
    """
    rows: list[Row] = []
    try:
        for page in pages:
            rows += SITES[site](json.loads(page))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise BadTable(f"what {site} answered is no list of anime") from error
    if not rows:
        raise BadTable(f"the list at {site} is empty, or not public")
    return _entries(site, rows, known, from_anilist, _unresolved)


def _unresolved(title: str) -> int:
    raise UnknownTitle(title, [])
