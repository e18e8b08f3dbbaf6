"""Rows of a person's own list as they are written, in each kind of file or page that there is.

Nothing is looked up here, and nothing is left out: `own_list` makes entries of rows, or counts why one is none.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from anirec.core.columns import STATUS_SPELLINGS, Status
from anirec.core.errors import BadTable
from anirec.sources.scales import ANILIST_SCALES, at_least_one

MAX_DEPTH: Final = 8
"""Elements within elements; an export has three."""
MAX_ROWS: Final = 50_000
"""More than there are anime."""

ID_COLUMNS: Final = ("anime_id", "mal_id", "series_animedb_id", "id")
TITLE_COLUMNS: Final = ("title", "name", "anime", "series_title")
SCORE_COLUMNS: Final = ("score", "rating", "my_score")
STATUS_COLUMNS: Final = ("status", "my_status", "watching_status")

GDPR_STATUSES: Final = {
    0: Status.WATCHING,
    1: Status.PLANNED,
    2: Status.COMPLETED,
    3: Status.DROPPED,
    4: Status.ON_HOLD,
    5: Status.COMPLETED,
}
"""What the numbers mean in the file that AniList gives to those who ask for all their data; 5 is watching it again."""


@dataclass(frozen=True)
class Row:
    """One row as written. score: on 1..10, 0 = none. label: what to call it in a message. shown: the title it shows."""

    label: str
    shown: str
    mal_id: int | None
    anilist_id: int | None = None
    title: str | None = None
    score: float | None = None
    status: Status | None = Status.UNKNOWN


def from_xml(data: bytes, name: str) -> list[Row]:
    """Read MyAnimeList's export, one anime after the other, so that no tree of it is ever whole in memory.

    name: what the file is called in messages.

    Raises:
        BadTable: it is broken, or no list.
    """
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - only who reads such a file needs it
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    rows: list[Row] = []
    depth = 0
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise BadTable(f"{name} is nested deeper than any export of a list")
            if event == "start" and depth == 1 and element.tag != "myanimelist":
                raise BadTable(f"{name} is XML, but <{element.tag}> where MyAnimeList's export has <myanimelist>")
            if event == "end" and depth <= 1:
                if element.tag == "anime":
                    rows.append(_of_xml(element))
                element.clear()
            if len(rows) > MAX_ROWS:
                break  # whoever called refuses so many
    except DefusedXmlException as error:
        raise BadTable(f"{name} defines entities, which no export of a list does: refused") from error
    except (ParseError, LookupError, ValueError) as error:  # the latter two: an encoding that Python does not have
        raise BadTable(f"{name} is not whole XML ({error}); export the list again") from error
    return rows


def _of_xml(anime: Element) -> Row:
    found = {child.tag: (child.text or "").strip() for child in anime}
    number, title = found.get("series_animedb_id", ""), found.get("series_title", "?")
    return Row(
        label=f"{title} [{number}]",
        shown=title,
        mal_id=_whole(number),
        score=_number(found.get("my_score")),
        status=_status(found.get("my_status")),
    )


def from_json(data: bytes, name: str) -> list[Row]:
    """Read a file of AniList's; errors as in `from_xml`."""
    try:
        return anilist_rows(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise BadTable(f"{name} is not whole JSON ({error}); export the list again") from error


def anilist_rows(found: Any) -> list[Row]:
    """Return the rows of a file of AniList's, or of a page of its API."""
    entries = list(_anilist_entries(found))
    scores = [s for entry in entries if (s := _number(entry.get("score")))]
    scale = ANILIST_SCALES[_score_format(found) or ("POINT_100" if max(scores, default=0) > 10 else "POINT_10_DECIMAL")]
    rows = []
    for entry in entries:
        media = entry["media"] if isinstance(entry.get("media"), dict) else {}
        title = media["title"] if isinstance(media.get("title"), dict) else {}
        anilist_id = _whole(entry.get("mediaId") or entry.get("series_id") or media.get("id"))
        name = str(title.get("romaji") or title.get("english") or "AniList")
        score = _number(entry.get("score"))
        rows.append(
            Row(
                label=f"{name} [{anilist_id}]",
                shown=name,
                mal_id=_whole(media.get("idMal")),
                anilist_id=anilist_id,
                score=at_least_one(scale(score)) if score else None,
                status=_status(entry.get("status"), numbers=GDPR_STATUSES if "series_id" in entry else None),
            )
        )
    return rows


def mal_rows(found: Any) -> list[Row]:
    """Return the rows of a page of MyAnimeList's API."""
    rows = []
    for row in found["data"]:
        node, status = row.get("node", {}), row.get("list_status", {})
        title, number = str(node.get("title")), _whole(node.get("id"))
        score, state = _number(status.get("score")), _status(status.get("status"))
        rows.append(Row(label=f"{title} [{number}]", shown=title, mal_id=number, score=score, status=state))
    return rows


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


def from_csv(data: bytes, name: str) -> list[Row]:
    """Read a table with ids or titles; errors as in `from_xml`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTable(f"{name} is neither XML, nor JSON, nor CSV in UTF-8 ({error})") from error
    try:
        table = csv.DictReader(io.StringIO(text))
        columns = {name.strip().lower(): name for name in table.fieldnames or ()}
        lines = list(table)
    except csv.Error as error:
        raise BadTable(f"{name} is neither XML, nor JSON, nor CSV ({error})") from error
    id_column, title_column, score_column, status_column = (
        next((columns[name] for name in names if name in columns), None)
        for names in (ID_COLUMNS, TITLE_COLUMNS, SCORE_COLUMNS, STATUS_COLUMNS)
    )
    if id_column is None and title_column is None:
        raise BadTable(
            f"{name} has the columns {', '.join(columns) or 'none'}; a list needs {' or '.join(ID_COLUMNS)}, or "
            f"{' or '.join(TITLE_COLUMNS)}, and may have score and status"
        )
    rows = []
    for line, row in enumerate(lines, start=2):
        title = (row[title_column] or "").strip() if title_column else ""
        rows.append(
            Row(
                label=f"line {line}, {title or row[id_column or '']}",
                shown=title,
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
