"""`anirec data fetch`: the commands around sites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anirec.cli import options, render
from anirec.cli.data import data

if TYPE_CHECKING:
    from anirec.service.fetch import Into, Wanted
    from anirec.sources.web.collection import FetchReport

Command = TypeVar("Command", bound=Callable[..., Any])


@data.group()
def fetch() -> None:
    """Ask sites for data: politely, only for what is not there yet, going on where a run was cut short.

    What a site answers is kept as it came in DIR/pages.sqlite; `anirec data import DIR` makes tables of it. The same
    command again asks only for what changed.
    """


to_option = options.folder_option(
    "--to", "folder", required=True, about="Folder that keeps the answers; one for each site."
)
pause_option = click.option(
    "--pause", type=click.FloatRange(min=0), metavar="SECONDS", help="At least so long between requests."
)
age_option = click.option(
    "--max-age",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Details that are not older are not asked for again.",
)
_IDS = (
    click.option("--id", "ids", multiple=True, type=click.IntRange(min=1), help="MyAnimeList id; may be repeated."),
    click.option(
        "--ids-from",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="File of MyAnimeList ids, one a line.",
    ),
)
_WANTED = (
    *_IDS,
    click.option("--season", "seasons", multiple=True, metavar="YEAR/SEASON", help="As 2026/fall; may be repeated."),
    click.option(
        "--list", "people", multiple=True, metavar="NAME", help="The public list of a person; may be repeated."
    ),
)


def wanted_options(command: Command) -> Command:
    """Add the options that say what is wanted of a catalogue site."""
    for option in reversed(_WANTED):
        command = option(command)
    return command


@fetch.command()
@to_option
@wanted_options
@click.option(
    "--ranking",
    type=click.Choice(
        ["all", "airing", "upcoming", "tv", "ova", "movie", "special", "bypopularity", "favorite"], case_sensitive=False
    ),
    help="A ranking of the site; the first --top of it.",
)
@click.option("--top", default=100, show_default=True, type=click.IntRange(min=1, max=30_000))
@age_option
@pause_option
@click.option("--url", help="Another address of the API.")
@options.json_option
def mal(folder: Path, pause: float | None, url: str | None, as_json: bool, **wanted: Any) -> None:
    """Fetch from MyAnimeList's API; wants a client id in $ANIREC_MAL_CLIENT_ID.

    At least a second between requests. The names of people whose lists are asked for are not kept.

    \b
    anirec data fetch mal --to pages/mal --season 2026/fall
    anirec data fetch mal --to pages/mal --ranking bypopularity --top 2000
    anirec data fetch mal --to pages/mine --list NAME
    """
    from anirec.service.fetch import fetch_mal

    _show(fetch_mal(_into(folder, pause), _wanted(**wanted), url=url), folder, as_json)


@fetch.command()
@to_option
@wanted_options
@age_option
@pause_option
@click.option("--url", help="Another address of the API.")
@options.json_option
def anilist(folder: Path, pause: float | None, url: str | None, as_json: bool, **wanted: Any) -> None:
    """Fetch from AniList's API: what you name, at most 30 requests a minute and 300 a day.

    Its terms forbid to collect data in mass. The names of people whose lists are asked for are not kept.

    \b
    anirec data fetch anilist --to pages/anilist --season 2026/fall
    anirec data fetch anilist --to pages/mine --list NAME
    """
    from anirec.service.fetch import fetch_anilist

    _show(fetch_anilist(_into(folder, pause), _wanted(**wanted), url=url), folder, as_json)


@fetch.command()
@to_option
@click.option("--url", required=True, help="Address of a server, as http://localhost:8080/v4.")
@_IDS[0]
@_IDS[1]
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["details", "reviews", "recommendations"]),
    help="What to fetch of each id; may be repeated.  [default: all]",
)
@click.option("--review-pages", default=1, show_default=True, type=click.IntRange(min=1), help="Of each anime.")
@click.option("--genre", "genres", multiple=True, type=click.IntRange(min=1), help="The site's number of a genre.")
@click.option(
    "--recommendation-pages", default=0, type=click.IntRange(min=0), help="Pages of the newest recommendation texts."
)
@age_option
@pause_option
@options.json_option
def jikan(
    *,
    folder: Path,
    url: str,
    ids: tuple[int, ...],
    ids_from: Path | None,
    parts: tuple[str, ...],
    review_pages: int,
    genres: tuple[int, ...],
    recommendation_pages: int,
    max_age: float,
    pause: float | None,
    as_json: bool,
) -> None:
    """Fetch from a server of your own that speaks Jikan's API v4; the public one ended in October 2026.

    Review pages hold the names of reviewers, as the site shows them; tables made of them have numbers only.

    \b
    anirec data fetch jikan --to pages/jikan --url http://localhost:8080/v4 --ids-from ids.txt --part reviews
    """
    from anirec.service.fetch import fetch_jikan
    from anirec.sources.web.jikan import PARTS

    found = fetch_jikan(
        _into(folder, pause),
        url=url,
        ids=_ids(ids, ids_from),
        parts=parts or PARTS,
        review_pages=review_pages,
        genres=genres,
        recommendation_pages=recommendation_pages,
        max_age=max_age,
    )
    _show(found, folder, as_json)


@fetch.command(name="id-map")
@to_option
@click.option("--url", help="Address of the file.  [default: Fribb's anime-list-full.json]")
@options.json_option
def id_map(folder: Path, url: str | None, as_json: bool) -> None:
    """Fetch the map of ids between sites (Fribb's anime-lists), if it changed.

    \b
    anirec data fetch id-map --to pages/id-map
    anirec data import pages/id-map --to tables/id-map
    """
    from anirec.service.fetch import fetch_file
    from anirec.sources.web.downloads import ID_MAP_URL

    _show(fetch_file(_into(folder, None), url or ID_MAP_URL), folder, as_json)


@fetch.command()
@to_option
@click.option("--url", required=True, help="Address of the file.")
@options.json_option
def file(folder: Path, url: str, as_json: bool) -> None:
    """Fetch a file that a project publishes, if it changed: an anime-offline-database or one of its forks, say.

    \b
    anirec data fetch file --to pages/offline --url https://example.org/anime-offline-database.jsonl.zst
    anirec data import pages/offline --to tables/offline
    """
    from anirec.service.fetch import fetch_file

    _show(fetch_file(_into(folder, None), url), folder, as_json)


@fetch.command()
@to_option
@click.option("--url", required=True, help="Address of a public page that shows who is online.")
@click.option("--enable", is_flag=True, help="Off unless you say so.")
@click.option("--looks", default=100, show_default=True, type=click.IntRange(min=1), help="How often to look.")
@click.option(
    "--every",
    default=20.0,
    show_default=True,
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Between two looks.",
)
@click.option("--keep-names", is_flag=True, help="Keep names, not salted hashes of them.")
@options.json_option
def people(folder: Path, url: str, enable: bool, looks: int, every: float, keep_names: bool, as_json: bool) -> None:
    """Collect who a public page shows to be online, as salted hashes. Obeys robots.txt.

    \b
    anirec data fetch people --to pages/people --url https://example.org/users --enable --looks 500
    """
    from anirec.service.fetch import fetch_people

    found, n_people = fetch_people(
        _into(folder, None), url, enabled=enable, looks=looks, pause=every, keep_names=keep_names
    )
    if not as_json:
        click.echo(f"{n_people:,} people")
    _show(found, folder, as_json, people=n_people)


def _into(folder: Path, pause: float | None) -> Into:
    from anirec.service.fetch import Into

    return Into(folder, pause=pause, report=lambda text: click.echo(text, err=True))


def _wanted(*, ids: tuple[int, ...], ids_from: Path | None, seasons: tuple[str, ...], **others: Any) -> Wanted:
    from anirec.service.fetch import Season, Wanted

    return Wanted(ids=_ids(ids, ids_from), seasons=[Season.parse(text) for text in seasons], **others)


def _ids(ids: tuple[int, ...], file: Path | None) -> list[int]:
    from anirec.core.errors import InputError

    words = file.read_text(encoding="utf-8").split() if file else []
    if wrong := [word for word in words if not word.isdecimal()]:
        raise InputError(f'{file} should hold ids, one a line; "{wrong[0][:40]}" is none')
    return [*ids, *map(int, words)]


def _show(found: FetchReport, folder: Path, as_json: bool, **more: Any) -> None:
    from dataclasses import asdict

    from anirec.core.errors import SiteError

    if as_json:
        render.print_json(asdict(found) | more)
    else:
        click.echo(f"{folder}: {found}")
    if found.problems:
        shown = "\n".join(f"  {key}: {problem}" for key, problem in list(found.problems.items())[:10])
        raise SiteError(
            f"{len(found.problems):,} pages stayed without an answer; the same command asks for them again:\n{shown}"
        )
