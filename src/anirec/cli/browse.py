"""The commands for looking around: `random`, `trending`, `season`, `watch-order`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anirec.cli import options, render
from anirec.cli.commands import cli, load, show, show_info

SEASONS = ("winter", "spring", "summer", "fall")


@cli.command()
@click.option("--seed", type=click.IntRange(min=0), help="The same number brings the same anime.")
@options.filter_options
@options.bundle_option
@options.json_option
def random(*, seed: int | None, bundle: str | None, as_json: bool, **filters: Any) -> None:
    """Show one anime by chance: any that a newcomer may start with, and that at least 1,000 people know.

    \b
    anirec random
    anirec random --type Movie --genre Mystery --year-from 1990 --seed 7
    """
    from anirec.service.browse import Browse

    service = load(bundle)
    anime = Browse(service).random(filters=options.filters_of(**filters), seed=seed)
    show_info(service.info(anime.anime_id), as_json=as_json)


@cli.command()
@options.count_option
@options.offset_option
@options.filter_options
@options.bundle_option
@options.json_option
def trending(*, k: int, offset: int, bundle: str | None, as_json: bool, **filters: Any) -> None:
    """List what gathers people fastest: most members a day, of what began in the last year that the bundle knows.

    \b
    anirec trending -k 10
    anirec trending --type TV --genre Comedy --json
    """
    from anirec.service.browse import Browse

    show(Browse(load(bundle)).trending(k=k, offset=offset, filters=options.filters_of(**filters)), as_json=as_json)


@cli.command()
@click.argument("year", type=int)
@click.argument("name", metavar="SEASON", type=click.Choice(SEASONS, case_sensitive=False))
@click.option("--like", multiple=True, metavar="TITLE[:SCORE]", help="In the order of your taste; may be repeated.")
@options.list_option("Your own list, as for `anirec recommend`: in the order of your taste, without what is on it.")
@options.count_option
@options.offset_option
@options.filter_options
@options.bundle_option
@options.json_option
def season(
    *,
    year: int,
    name: str,
    like: tuple[str, ...],
    list_file: Path | None,
    k: int,
    offset: int,
    bundle: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the anime that began in a season (winter begins in January): most members first, or in your taste.

    \b
    anirec season 2020 spring
    anirec season 2026 summer --like Mushishi --like "Barakamon:9" --type TV
    """
    from anirec.service.browse import Browse

    service = load(bundle)
    entries = service.read_list(list_file).entries if list_file else ()
    profile = service.profile(like, entries=entries)
    chosen = options.filters_of(**filters)
    answer = Browse(service).season(year, name.lower(), profile=profile, k=k, offset=offset, filters=chosen)
    show(answer, as_json=as_json)


@cli.command(name="watch-order")
@click.argument("title")
@click.option("--no-optional", is_flag=True, help="Only what the story cannot do without.")
@options.bundle_option
@options.json_option
def watch_order(*, title: str, no_optional: bool, bundle: str | None, as_json: bool) -> None:
    """List the franchise of TITLE in the order to watch it, and say what each title is and what can be left out.

    \b
    anirec watch-order "Fullmetal Alchemist"
    anirec watch-order 1575 --no-optional --json
    """
    places = [place for place in load(bundle).info(title).franchise if not (no_optional and place.optional)]
    if as_json:
        shown = ("anime_id", "title", "type", "year", "episodes")
        render.print_json(
            {
                "items": [
                    {"order": place.order, "entry": place.entry, "role": place.role, "optional": place.optional}
                    | {name: getattr(place.anime, name) for name in shown}
                    for place in places
                ]
            }
        )
        return
    rows = [
        [
            "*" if place.entry else "",
            render.display_title(place.anime),
            *render.facts(place.anime),
            place.role or "",
            "can be left out" if place.optional else "",
        ]
        for place in places
    ]
    click.echo("In watch order (* = you can start here):")
    columns = ["", "title", "id", "year", "type", "eps", "score", "role", ""]
    render.print_table(columns, rows, right=["id", "year", "eps", "score"])
