"""The commands around the map: `map`, `graph`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anirec.cli import options, render
from anirec.cli.commands import cli
from anirec.core.errors import InputError

if TYPE_CHECKING:
    from anirec.atlas.atlas import Atlas
    from anirec.atlas.drawing import Drawn
    from anirec.service.atlas import Map

PICTURES = (".png", ".svg")
ENDINGS = (".graphml", *PICTURES)
DRAWN = 60
"""Titles of a picture unless asked otherwise; with more, names are hard to read."""


@cli.command(name="map")
@options.bundle_option
@options.changed_option
@click.option("--seed", default=0, show_default=True, help="Same bundle, same seed, same map.")
@options.json_option
def map_(bundle: str | None, out: Path | None, seed: int, as_json: bool) -> None:
    """Make the map of a bundle: a place, neighbours and a community for every title; put it into the bundle.

    Prints how far the map can be believed, beside a layout by chance and one by principal components. Needs
    pip install "anirec[map]"; some four minutes for 30,000 titles. Showing the map needs nothing.

    \b
    anirec map --bundle my-bundle
    anirec map --bundle my-bundle --out my-bundle-with-map --seed 7
    """
    from anirec.service.mapping import MapConfig
    from anirec.wiring.atlas import add_map

    started = time.monotonic()
    with render.progress_bar(quiet=as_json) as progress:
        made, sha256, written = add_map(bundle, out, MapConfig(), seed=seed, progress=progress)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        labels = [{"text": label.text, "level": label.level, "size": label.size} for label in made.labels]
        answer = {"bundle": str(written), "sha256": sha256, "seconds": seconds, **made.facts, "labels": labels}
        render.print_json(answer)
        return
    _print_made(made)
    click.echo(f"{written}: in {seconds:g} s; sha256 {sha256}")


def _print_made(made: Atlas) -> None:
    facts = made.facts
    click.echo(
        f"{facts['points']:,} titles: {facts['laid_out']:,} laid out, {facts['set_beside']:,} set beside those they "
        f"are most like, {facts['alone']:,} apart, as nothing is known of them; {facts['communities']} communities"
    )
    rows = [
        [of.replace("_", " "), name, *(f"{of_measure[k]:.3f}" for of_measure in measured.values() for k in of_measure)]
        for of, layouts in facts["judged"].items()
        for name, measured in layouts.items()
    ]
    one = next(iter(facts["judged"]["placed"].values()))
    columns = ["titles", "layout", *(f"{name}@{k}" for name, of_measure in one.items() for k in of_measure)]
    render.print_table(columns, rows, right=columns[2:])
    named = [label for label in made.labels if label.level == 0]
    rows = [[str(label.community), label.text, f"{label.size:,}"] for label in named]
    render.print_table(["community", "called", "titles"], rows, right=["community", "titles"])


@cli.command()
@options.file_option(
    "--out", required=True, about="What to write: .graphml (for graph programs), .png or .svg (a picture)."
)
@click.option("--around", metavar="TITLE", help="What stands around this title.")
@click.option("--depth", default=2, show_default=True, type=click.IntRange(1, 6), help="Steps away from it, at most.")
@options.list_option("The titles of your own list, as for `anirec recommend --list`.")
@click.option("--community", type=int, metavar="N", help="The titles of this community (`anirec map` prints them).")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Titles at most: the nearest, or the best known.  [default: {DRAWN} in a picture, else all]",
)
@options.folder_option(
    "--posters",
    exists=True,
    about="Folder of pictures named by anime id (1.jpg, 1.png), drawn in place of dots where there is one.",
)
@click.option("--adult", is_flag=True, help="Let adult titles appear.")
@options.bundle_option
@options.json_option
def graph(
    *,
    out: Path,
    around: str | None,
    depth: int,
    list_file: Path | None,
    community: int | None,
    most: int | None,
    posters: Path | None,
    adult: bool,
    bundle: str | None,
    as_json: bool,
) -> None:
    """Write the graph of what is alike, or a part of it, to a file. The bundle needs a map (see `anirec map`).

    \b
    anirec graph --out all.graphml
    anirec graph --out around.svg --around "Cowboy Bebop" --depth 2
    anirec graph --out mine.png --list animelist.xml.gz --most 100
    """
    from anirec.wiring.atlas import load_map

    ending = out.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f'{out} ends with "{out.suffix}"; a graph is written as {", ".join(ENDINGS)}')
    if sum(choice is not None for choice in (around, list_file, community)) > 1:
        raise InputError("take one of --around, --list and --community")
    if posters is not None and ending not in PICTURES:
        raise InputError("--posters is for pictures: .png or .svg")
    of_all = most if most is not None or ending not in PICTURES else DRAWN
    found = load_map(bundle)
    drawn = _part(found, around, depth, list_file, community, of_all, adult=adult)
    if ending in PICTURES:
        from anirec.cli.report.graph import draw

        draw(drawn, out, posters)
    else:
        from anirec.atlas.drawing import write_graphml

        write_graphml(drawn, out)
    if as_json:
        render.print_json({"out": str(out), "titles": len(drawn.nodes), "ties": len(drawn.edges)})
    else:
        click.echo(f"{out}: {len(drawn.nodes):,} titles, {len(drawn.edges):,} ties")


def _part(
    found: Map,
    around: str | None,
    depth: int,
    list_file: Path | None,
    community: int | None,
    most: int | None,
    *,
    adult: bool,
) -> Drawn:
    everything = len(found.atlas) if most is None else most
    if around is not None:
        return found.around(around, depth, everything, adult=adult)
    if list_file is not None:
        entries = found.service.read_list(list_file).entries
        return found.of_ids([entry.anime_id for entry in entries], everything, adult=adult)
    if community is not None:
        return found.of_community(community, everything, adult=adult)
    return found.whole(everything, adult=adult)
