"""Answers as text for people and as JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from anirec.core.anime import Anime

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from anirec.service.answers import Info, Likeness, Recommendations
    from anirec.service.progress import Progress
    from anirec.service.quotes import Quote
    from anirec.service.search import Results
    from anirec.sources.own_list import OwnList

QUIET = 30.0
"""Seconds between two lines of progress where there is no terminal."""
LONG_STEP = 24 * 3600.0
"""Seconds of steps that the time left is told from; an epoch may take long."""
WORTH_SHOWING = 0.05
"""Share from which a lens is named beside a title."""
MOST_SHARED = 4
"""Shared labels named beside a title."""

PIPE_WIDTH = 140
"""Columns of text when the output is not a terminal."""

Quoted: TypeAlias = "Mapping[int, Quote | None]"
NO_QUOTES: Quoted = {}


def print_json(answer: Any) -> None:
    """Print one JSON document, in UTF-8, titles unescaped; what JSON has no word for (a date) as text."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))


def write_json(answer: Any, path: Path) -> None:
    """Write one JSON document to a file, which is replaced only when it is complete."""
    from anirec.tables import new_file

    with new_file(path) as file:
        file.write_text(json.dumps(answer, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table; the columns named in `right` hold numbers."""
    console().print(table_of(columns, rows, right=right))


def table_of(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """Return a table; the columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def console() -> Console:
    """Return what prints to standard output, as wide as the terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def anime_json(anime: Anime) -> dict[str, Any]:
    """Return the facts that every answer carries about an anime."""
    facts = asdict(anime)
    shown = ("anime_id", "title", "title_english", "title_japanese", "type", "year", "episodes", "score", "members")
    return {name: facts[name] for name in shown} | {"genres": list(anime.genres)}


def recommendations_json(answer: Recommendations, quotes: Quoted = NO_QUOTES) -> dict[str, Any]:
    """Return recommendations as a JSON document. quotes: by anime id, where the bundle has texts."""
    return {
        "understood": [
            {"text": u.text, "anime_id": u.anime_id, "title": answer.named[u.anime_id].title}
            for u in answer.understood
            if u.anime_id in answer.named
        ],
        "items": [
            {"rank": r.rank, "match_score": round(r.score, 6)}
            | anime_json(r.anime)
            | {
                "because": [
                    {"anime_id": b.anime_id, "title": answer.named[b.anime_id].title, "share": round(b.share, 4)}
                    for b in r.because
                ],
                "shared": list(r.shared),
                "quote": quote.to_json() if (quote := quotes.get(r.anime.anime_id)) else None,
                "match": r.match,
                "predicted_score": r.predicted_score,
                "popularity_rank": r.popularity_rank,
            }
            | (likeness_json(r.likeness) if r.likeness else {})
            for r in answer
        ],
        "next_offset": answer.next_offset,
    }


def likeness_json(likeness: Likeness) -> dict[str, Any]:
    """Return why a title is like another one as a JSON document."""
    lenses = {name: round(share, 4) for name, share in likeness.lenses.items()}
    return {"likeness": {"lenses": lenses, "shared": list(likeness.shared), "votes": likeness.votes}}


def likeness_text(likeness: Likeness) -> str:
    """Return why a title is like another one in a few words: `viewers 70 %, genres 30 %; 12 people; Sci-Fi, Drama`."""
    lenses = ", ".join(f"{name} {share:.0%}" for name, share in likeness.lenses.items() if share >= WORTH_SHOWING)
    people = f"named by {likeness.votes:,}" if likeness.votes else ""
    return "; ".join(part for part in (lenses, people, ", ".join(likeness.shared[:MOST_SHARED])) if part)


def results_json(found: Results) -> dict[str, Any]:
    """Return what a search found as a JSON document."""
    return {
        "like": [{"anime_id": anime.anime_id, "title": anime.title} for anime in found.like],
        "items": [
            {"rank": r.rank, "match": r.match, "score": round(r.score, 6)}
            | anime_json(r.anime)
            | {"evidence": {"labels": list(r.evidence.labels), "passage": r.evidence.passage}}
            for r in found
        ],
        "next_offset": found.next_offset,
        "without_vectors": found.without_vectors,
    }


def results_table(found: Results) -> Table | str:
    """Return what a search found as a table."""
    if len(found) == 0:
        return "Nothing is near that and passes these filters; say it in other words, or loosen a filter."
    rows = []
    for r in found:
        quoted = f'"{r.evidence.passage}"' if r.evidence.passage else ""
        why = "; ".join(part for part in (", ".join(r.evidence.labels), quoted) if part)
        rows.append([str(r.rank), display_title(r.anime), *facts(r.anime)[:3], str(r.match), why])
    columns = ["#", "title", "id", "year", "type", "match", "why"]
    return table_of(columns, rows, right=["#", "id", "year", "match"])


def print_results(found: Results) -> None:
    """Print what a search found as a table, and on standard error which titles it was taken to name."""
    if found.like:
        click.echo(f"like {', '.join(display_title(anime) for anime in found.like)}", err=True)
    if found.without_vectors:
        click.echo(f"by words and labels alone: {found.without_vectors}", err=True)
    console().print(results_table(found))


def list_json(own: OwnList) -> dict[str, Any]:
    """Return what was read of a person's own list as a JSON document."""
    rejects = [{"reason": reason, "rows": n, "first": first} for reason, (n, first) in own.rejects.items()]
    return {"kind": own.kind, "rows": own.rows, "entries": len(own.entries), "rejects": rejects}


def print_recommendations(answer: Recommendations, quotes: Quoted = NO_QUOTES) -> None:
    """Print recommendations as a table, and on standard error how titles were read where that was not plain.

    quotes: by anime id, where the bundle has texts.
    """
    for u in answer.understood:
        if u.others:
            others = ", ".join(str(match) for match in u.others[:3])
            name = display_title(answer.named[u.anime_id]) if u.anime_id in answer.named else str(u.anime_id)
            click.echo(f'"{u.text}" was taken to be {name} [{u.anime_id}]; there is also {others}', err=True)
    if len(answer) == 0:
        click.echo("Nothing passes these filters; loosen one of them.")
        return
    rows = []
    for r in answer:
        pulled = [display_title(answer.named[b.anime_id]) for b in r.because if b.share > 0]
        pushed = [display_title(answer.named[b.anime_id]) for b in r.because if b.share < 0]
        why = ", ".join(pulled) + (f" (despite {', '.join(pushed)})" if pushed else "")
        why = likeness_text(r.likeness) if r.likeness else why
        if quote := quotes.get(r.anime.anime_id):
            why = f'{why}; "{quote.text}"' if why else f'"{quote.text}"'
        match = "" if r.match is None else f"{r.match}"
        own = "" if r.predicted_score is None else f"{r.predicted_score:.1f}"
        rows.append([str(r.rank), display_title(r.anime), *facts(r.anime), match, own, why])
    columns = ["#", "title", "id", "year", "type", "eps", "score", "match", "for you", "because of"]
    empty = {place for place in (7, 8, 9) if not any(row[place] for row in rows)}
    kept = [place for place in range(len(columns)) if place not in empty]
    print_table(
        [columns[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        right=["#", "id", "year", "eps", "score", "match", "for you"],
    )


def facts(anime: Anime) -> list[str]:
    """Return what stands beside a title in every table: id, year, type, episodes, score."""
    score = f"{anime.score:.2f}" if anime.score else ""
    return [str(anime.anime_id), str(anime.year or ""), anime.type or "", str(anime.episodes or ""), score]


def display_title(anime: Anime) -> str:
    """Return the English title where there is one, else the main one."""
    return anime.title_english or anime.title


def info_json(info: Info) -> dict[str, Any]:
    """Return everything about one anime as a JSON document."""
    franchise = [
        {"order": p.order, "entry": p.entry, "role": p.role, "optional": p.optional}
        | {"anime_id": p.anime.anime_id, "title": p.anime.title}
        | {"type": p.anime.type, "year": p.anime.year}
        for p in info.franchise
    ]
    return asdict(info.anime) | {"franchise": franchise}


def print_info(info: Info) -> None:
    """Print the facts of one anime and its franchise in watch order."""
    anime = info.anime
    click.echo(display_title(anime))
    names = [n for n in (anime.title, anime.title_japanese) if n and n != display_title(anime)]
    if names:
        click.echo("  ".join(names))
    lines: Mapping[str, object] = {
        "id": anime.anime_id,
        "type": anime.type,
        "episodes": f"{anime.episodes or '?'} x {anime.minutes or '?'} min",
        "aired": " ".join(str(x) for x in (anime.season, anime.year) if x) or None,
        "status": anime.airing,
        "source": anime.source,
        "studios": ", ".join(anime.studios),
        "genres": ", ".join((*anime.genres, *anime.themes, *anime.demographics)),
        "tags": ", ".join(anime.tags[:12]),
        "score": f"{anime.score:.2f} from {anime.scored_by or 0:,} people" if anime.score else None,
        "members": f"{anime.members:,}" if anime.members else None,
        "rated": anime.age_rating,
    }
    for name, value in lines.items():
        if value:
            click.echo(f"  {name:<9} {value}")
    if len(info.franchise) > 1:
        click.echo("\nIn watch order (* = you can start here):")
        rows = [
            ["*" if p.entry else "", display_title(p.anime), *facts(p.anime), "<" if p.anime == anime else ""]
            for p in info.franchise
        ]
        print_table(["", "title", "id", "year", "type", "eps", "score", ""], rows, right=["id", "year", "eps", "score"])


def progress_lines(write: Callable[[str], None], clock: Callable[[], float]) -> Progress:
    """Return a callback that writes `training ncf, epochs: 12 of 50, 8 min left`, at most one line in `QUIET` seconds.

    clock: seconds. What takes less than that from start to end is not spoken of.
    """
    last = clock()
    stages: dict[str, tuple[float, int, int]] = {}  # when it began, where, and how far it is

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = clock()
        since, first, before = stages.get(stage, (now, done, done))
        if done < before:  # it begins again
            since, first = now, done
        stages[stage] = (since, first, done)
        if now - last < QUIET:
            return
        last = now
        left = f", {_duration((now - since) / (done - first) * (total - done))} left" if done > first else ""
        write(f"{stage}: {done:,} of {total:,}{left}")

    return report


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Yield a callback that shows on standard error how far each stage is, and how long it will take.

    On a terminal it draws a bar per stage, once the work has taken more than a second; elsewhere it writes a line now
    and then, see `progress_lines`. quiet: it shows nothing.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not quiet and not console.is_terminal:
        yield progress_lines(lambda line: click.echo(line, err=True), time.monotonic)
        return
    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=console, transient=True, disable=quiet, speed_estimate_period=LONG_STEP)
    tasks: dict[str, Any] = {}
    places: dict[str, int] = {}

    def report(stage: str, done: int, total: int) -> None:
        if done < places.get(stage, 0):  # another training of the same model: times of the first say nothing
            bar.remove_task(tasks.pop(stage))
        places[stage] = done
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total, completed=done)
        bar.update(tasks[stage], completed=done, total=total)
        if not bar.live.is_started and time.monotonic() - started > 1.0:
            bar.start()

    try:
        yield report
    finally:
        bar.stop()
