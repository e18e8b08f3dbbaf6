"""The command for several people at once: `group`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anirec.cli import options, render
from anirec.cli.commands import cli, load
from anirec.core.errors import InputError

if TYPE_CHECKING:
    from anirec.service.groups import GroupRecommendations, Member
    from anirec.service.recommend import Service

STRATEGIES = ("fairness", "average", "least-misery")


@cli.command()
@click.option(
    "--member",
    "members",
    multiple=True,
    metavar="'NAME: TITLE[:SCORE], TITLE ...'",
    help="Somebody and what they like, in quotes where a title has a comma; may be repeated.",
)
@options.file_option(
    "--list",
    "list_files",
    multiple=True,
    about="Somebody's own list, as for `anirec recommend`; they are called as the file is. May be repeated.",
)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="fairness",
    show_default=True,
    help="fairness: everybody finds something early. average: the most for all together. least-misery: nothing that "
    "anyone would like little.",
)
@options.count_option
@options.offset_option
@options.franchise_option
@options.popularity_option
@options.filter_options
@options.model_option
@options.bundle_option
@options.json_option
def group(
    *,
    members: tuple[str, ...],
    list_files: tuple[Path, ...],
    strategy: str,
    k: int,
    offset: int,
    franchise: str,
    popularity: float,
    model: str | None,
    bundle: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Recommend anime to 2 to 16 people at once: nothing that any of them has seen.

    \b
    anirec group --member "Ann: Mushishi, Barakamon" --member "Ben: Monster:10, Steins;Gate"
    anirec group --list ann.xml --list ben.json --strategy least-misery -k 10
    """
    from anirec.service.groups import Member, recommend_to_group

    service = load(bundle)
    people = [_member(text, service) for text in members]
    for file in list_files:
        own = service.read_list(file)
        if not as_json:
            click.echo(f"{file.name}: {own}", err=True)
        people.append(Member(file.name.partition(".")[0], service.profile(entries=own.entries)))
    answer = recommend_to_group(
        service,
        people,
        strategy=strategy,
        k=k,
        offset=offset,
        franchise=franchise,
        popularity=popularity,
        filters=options.filters_of(**filters),
        model=model,
    )
    if as_json:
        render.print_json(group_json(answer))
    else:
        _print(answer)


def _member(text: str, service: Service) -> Member:
    from anirec.service.groups import Member

    name, colon, said = text.partition(":")
    titles = [title.strip() for title in next(csv.reader([said], skipinitialspace=True), []) if title.strip()]
    if not colon or not name.strip() or not titles:
        raise InputError(
            f'"{text}" does not say who likes what; write a name, a colon, and titles: "Ann: Mushishi, K-On!"'
        )
    return Member(name.strip(), service.profile(titles))


def group_json(answer: GroupRecommendations) -> dict[str, Any]:
    """Return recommendations for a group as a JSON document."""
    return {
        "strategy": answer.strategy.value,
        "items": [
            {"rank": one.item.rank, "score": round(one.item.score, 6), "match": one.item.match}
            | render.anime_json(one.item.anime)
            | {"members": [{"name": view.name, "match": view.match, "place": view.place} for view in one.members]}
            for one in answer
        ],
        "next_offset": answer.next_offset,
    }


def _print(answer: GroupRecommendations) -> None:
    if len(answer) == 0:
        click.echo("Nothing that is new to all of you passes these filters; loosen one of them.")
        return
    names = [view.name for view in answer.items[0].members]
    rows = [
        [str(one.item.rank), render.display_title(one.item.anime), *render.facts(one.item.anime)]
        + [_view(view.match, view.place) for view in one.members]
        for one in answer
    ]
    numbers = ["#", "id", "year", "eps", "score"]
    render.print_table(["#", "title", "id", "year", "type", "eps", "score", *names], rows, right=[*numbers, *names])


def _view(match: int | None, place: int | None) -> str:
    """Return what a title is to a member: the match, or the place on their own list where there is none."""
    if match is not None:
        return str(match)
    return f"#{place}" if place else ""
