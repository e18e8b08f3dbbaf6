"""A person's own list from a file: MyAnimeList's export (XML, also gzipped), AniList's JSON, or a plain CSV.

Every row of the file becomes an entry or is counted among the rejects; nothing is guessed from a title that several
anime share. Files are read with caps on their size, and XML that defines entities is refused (Brad Hill 2013,
"defusedxml"): a list may come from anywhere.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from anirec.core.columns import MAX_SCORE, MIN_SCORE, STATUS_SPELLINGS, Status
from anirec.core.errors import BadTable, TitleError
from anirec.core.profile import Entry
from anirec.sources.scales import ANILIST_SCALES, at_least_one

MAX_BYTES: Final = 64 * 2**20
"""A list of 20,000 anime with comments has some 20 MB."""

ID_COLUMNS: Final = ("anime_id", "mal_id", "series_animedb_id", "id")
TITLE_COLUMNS: Final = ("title", "name", "anime", "series_title")
SCORE_COLUMNS: Final = ("score", "rating", "my_score")
STATUS_COLUMNS: Final = ("status", "my_status", "watching_status")

Resolve = Callable[[str], int]
"""From a title to an anime id; raises TitleError."""


@dataclass(frozen=True)
class OwnList:
    """What a file says. entries: one for each anime. rejects: rows that are none, by reason, with the first of each.

    kind: what the file was taken to be. rows: in the file; the entries, the doubles among them, and the rejects.
    """

    kind: str
    rows: int
    entries: tuple[Entry, ...]
    rejects: Mapping[str, tuple[int, str]]

    def __str__(self) -> str:
        """Return `MyAnimeList export: 812 of 815 entries; 3 not used: no such anime (first: Pupa [999999])`."""
        text = f"{self.kind}: {len(self.entries):,} of {self.rows:,} entries"
        reasons = "; ".join(f"{n:,} not used: {reason} (first: {first})" for reason, (n, first) in self.rejects.items())
        return f"{text}; {reasons}" if reasons else text


@dataclass(frozen=True)
class _Row:
    """One row as written. score: on 1..10, 0 = none. label: what to call it in a message."""

    label: str
    mal_id: int | None
    anilist_id: int | None = None
    title: str | None = None
    score: float | None = None
    status: Status | None = Status.UNKNOWN


def read_list(
    path: Path, *, known: Callable[[int], bool], from_anilist: Callable[[int], int | None], resolve: Resolve
) -> OwnList:
    """Read a person's list.

    known: whether there is an anime of this id. from_anilist: the MyAnimeList id of an AniList id, None if unknown.
    resolve: the id of a title, for files that have nothing else.

    Raises:
        BadTable: the file is missing, empty, too large, broken, or no list of anime.
    """
    data = _bytes_of(path)
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        kind, rows = "MyAnimeList export", _from_xml(path, data)
    elif text.startswith((b"{", b"[")):
        kind, rows = "AniList JSON", _from_json(path, data)
    else:
        kind, rows = "CSV", _from_csv(path, data)
    if not rows:
        raise BadTable(f"{path} holds not one anime; export the anime list, not the manga list")
    return _entries(kind, rows, known, from_anilist, resolve)


def _entries(
    kind: str,
    rows: list[_Row],
    known: Callable[[int], bool],
    from_anilist: Callable[[int], int | None],
    resolve: Resolve,
) -> OwnList:
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    best: dict[int, Entry] = {}
    for row in rows:
        found = _entry(row, known, from_anilist, resolve)
        if isinstance(found, str):
            counts[found] += 1
            first.setdefault(found, row.label)
        elif found.anime_id in best:
            reason = "named again"
            counts[reason] += 1
            first.setdefault(reason, row.label)
        else:
            best[found.anime_id] = found
    rejects = {reason: (n, first[reason]) for reason, n in counts.most_common()}
    return OwnList(kind, len(rows), tuple(best.values()), rejects)


def _entry(
    row: _Row, known: Callable[[int], bool], from_anilist: Callable[[int], int | None], resolve: Resolve
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
    """Return the content of a file, unzipped if it is gzipped, up to `MAX_BYTES`."""
    try:
        with path.open("rb") as handle:
            zipped = handle.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as content:
            data: bytes = content.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadTable(f"{path} cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise BadTable(f"{path} has more than {MAX_BYTES / 2**20:.0f} MB; a list has a few")
    if not data.strip():
        raise BadTable(f"{path} is empty")
    return data


def _from_xml(path: Path, data: bytes) -> list[_Row]:
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - only who reads such a file needs it
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadTable(f"{path} defines entities, which no export of a list does: refused") from error
    except ParseError as error:
        raise BadTable(f"{path} is not whole XML ({error}); export the list again") from error
    if root.tag != "myanimelist":
        raise BadTable(f"{path} is XML, but <{root.tag}> where MyAnimeList's export has <myanimelist>")
    rows = []
    for anime in root.iter("anime"):
        found = {child.tag: (child.text or "").strip() for child in anime}
        number, title = found.get("series_animedb_id", ""), found.get("series_title", "?")
        rows.append(
            _Row(
                label=f"{title} [{number}]",
                mal_id=_whole(number),
                score=_number(found.get("my_score")),
                status=_status(found.get("my_status")),
            )
        )
    return rows


def _from_json(path: Path, data: bytes) -> list[_Row]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadTable(f"{path} is not whole JSON ({error}); export the list again") from error
    entries = list(_anilist_entries(found))
    scores = [s for entry in entries if (s := _number(entry.get("score")))]
    scale = ANILIST_SCALES[_score_format(found) or ("POINT_100" if max(scores, default=0) > 10 else "POINT_10_DECIMAL")]
    rows = []
    for entry in entries:
        media = entry["media"] if isinstance(entry.get("media"), dict) else {}
        title = media["title"] if isinstance(media.get("title"), dict) else {}
        anilist_id = _whole(entry.get("mediaId") or entry.get("series_id") or media.get("id"))
        name = title.get("romaji") or title.get("english") or "AniList"
        score = _number(entry.get("score"))
        rows.append(
            _Row(
                label=f"{name} [{anilist_id}]",
                mal_id=_whole(media.get("idMal")),
                anilist_id=anilist_id,
                score=at_least_one(scale(score)) if score else None,
                status=_status(entry.get("status"), numbers=GDPR_STATUSES if "series_id" in entry else None),
            )
        )
    return rows


GDPR_STATUSES: Final = {
    0: Status.WATCHING,
    1: Status.PLANNED,
    2: Status.COMPLETED,
    3: Status.DROPPED,
    4: Status.ON_HOLD,
    5: Status.COMPLETED,
}
"""What the numbers mean in the file that AniList gives to those who ask for all their data; 5 is watching it again."""


def _anilist_entries(found: Any) -> Iterable[dict[str, Any]]:
    """Yield what looks like an entry of an anime list, wherever it stands."""
    if isinstance(found, list):
        for item in found:
            yield from _anilist_entries(item)
    elif isinstance(found, dict):
        is_entry = "mediaId" in found or "series_id" in found or ("media" in found and "status" in found)
        if not is_entry:
            for value in found.values():
                yield from _anilist_entries(value)
        elif not _is_manga(found):
            yield found


def _is_manga(entry: dict[str, Any]) -> bool:
    media = entry.get("media")
    kind = media.get("type") if isinstance(media, dict) else entry.get("series_type", 0)
    return kind in (1, "1", "MANGA")


def _score_format(found: Any) -> str | None:
    """Return the way to score that a file names, wherever it stands."""
    values = found if isinstance(found, list) else list(found.values()) if isinstance(found, dict) else []
    if isinstance(found, dict) and str(found.get("scoreFormat")) in ANILIST_SCALES:
        return str(found["scoreFormat"])
    return next((name for value in values if (name := _score_format(value))), None)


def _from_csv(path: Path, data: bytes) -> list[_Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTable(f"{path} is neither XML, nor JSON, nor CSV in UTF-8 ({error})") from error
    try:
        table = csv.DictReader(io.StringIO(text))
        columns = {name.strip().lower(): name for name in table.fieldnames or ()}
        lines = list(table)
    except csv.Error as error:
        raise BadTable(f"{path} is neither XML, nor JSON, nor CSV ({error})") from error
    id_column, title_column, score_column, status_column = (
        next((columns[name] for name in names if name in columns), None)
        for names in (ID_COLUMNS, TITLE_COLUMNS, SCORE_COLUMNS, STATUS_COLUMNS)
    )
    if id_column is None and title_column is None:
        raise BadTable(
            f"{path} has the columns {', '.join(columns) or 'none'}; a list needs {' or '.join(ID_COLUMNS)}, or "
            f"{' or '.join(TITLE_COLUMNS)}, and may have score and status"
        )
    rows = []
    for line, row in enumerate(lines, start=2):
        title = (row[title_column] or "").strip() if title_column else ""
        rows.append(
            _Row(
                label=f"line {line}, {title or row[id_column or '']}",
                mal_id=_whole(row[id_column]) if id_column else None,
                title=title or None,
                score=_number(row[score_column]) if score_column else None,
                status=_status(row[status_column]) if status_column else Status.UNKNOWN,
            )
        )
    return rows


def _whole(value: Any) -> int | None:
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if 0 < number < 2**31 else None


def _number(value: Any) -> float | None:
    """Return a score; None where none is given (-1: "watched, not scored"), nan for what is no number."""
    text = str("" if value is None else value).strip()
    try:
        number = float(text) if text else -1.0
    except ValueError:
        return nan
    return None if number == -1 else number


def _status(value: Any, numbers: Mapping[int, Status] | None = None) -> Status | None:
    """Return the status that a text or number means, None if it means none."""
    text = "_".join(str("" if value is None else value).strip().lower().replace("-", " ").split())
    if numbers is not None and text.isdecimal():
        return numbers.get(int(text))
    return STATUS_SPELLINGS.get(text)
