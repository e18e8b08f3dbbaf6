"""Options that several commands share, and how they become filters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from anirec.core.catalogue import KINDS
from anirec.core.ranking import POPULARITY_STOPS, Filters, FranchiseMode

Command = TypeVar("Command", bound=Callable[..., Any])

TEXTS_HELP = "A canonical folder (see `anirec data import`) with synopses, reviews, or both."


def file_option(
    *names: str, about: str, metavar: str = "FILE", required: bool = False, multiple: bool = False
) -> Callable[[Command], Command]:
    """Return an option that names a file. names: as `click.option` takes them."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, required=required, multiple=multiple, type=kind, metavar=metavar, help=about)


def folder_option(
    *names: str, about: str, metavar: str = "DIR", required: bool = False, exists: bool = False
) -> Callable[[Command], Command]:
    """Return an option that names a folder. names: as `click.option` takes them. exists: whether it must be there."""
    kind = click.Path(file_okay=False, exists=exists, path_type=Path)
    return click.option(*names, required=required, type=kind, metavar=metavar, help=about)


def data_option(about: str) -> Callable[[Command], Command]:
    """Return the option that names the folder to read data from."""
    return folder_option("--data", "folder", required=True, about=about)


def list_option(about: str) -> Callable[[Command], Command]:
    """Return the option that names somebody's own list."""
    return file_option("--list", "list_file", about=about)


def work_option(what: str) -> Callable[[Command], Command]:
    """Return the option that names where encoded texts are kept. what: that is good for."""
    return folder_option("--work", about=f"Where encoded texts are kept, so that {what}.  [default: BUNDLE.texts]")


def each_option(default: int, what: str) -> Callable[[Command], Command]:
    """Return the option of a batch that says how many are wanted for each of `what`."""
    least = click.IntRange(min=1)
    return click.option("--k", "k", default=default, show_default=True, type=least, help=f"How many for each {what}.")


def rows_option(of: str) -> Callable[[Command], Command]:
    """Return the option of a batch that names the file to write. of: the column that tells whose rows these are."""
    about = f"Columns {of}, rank (from 1), anime_id, score."
    return file_option("--out", required=True, metavar="OUT.parquet", about=about)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
track_option = click.option(
    "--track",
    is_flag=False,
    flag_value="mlruns",
    metavar="[URI]",
    help="Keep settings, data hashes and figures as a run in MLflow: in the folder ./mlruns, or in the folder or at "
    "the server (http://...) that is named.",
)


def _in_environment(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """Put the address of a store where all processes of a command find it."""
    if url is not None:
        os.environ["ANIREC_VECTORS"] = url
    return url


vectors_option = click.option(
    "--vectors",
    metavar="URL",
    expose_value=False,
    callback=_in_environment,
    help="Look for texts' vectors in a store, where `anirec vectors` has put them, instead of in the bundle: "
    "postgresql://USER@HOST/DATABASE, qdrant://HOST:6333 or qdrant:FOLDER.  [default: $ANIREC_VECTORS, else the"
    " bundle]",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the work is done: in this process; or by Ray (the extra `ray`), on all cores of this machine or on the "
    "cluster that $RAY_ADDRESS names. The figures are the same, those of nets as with another seed.",
)
bundle_option = click.option(
    "--bundle",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder written by `anirec train`, or mlflow://NAME@champion.  [default: $ANIREC_BUNDLE, else the starter "
    "bundle]",
)
changed_option = folder_option(
    "--out",
    metavar="BUNDLE",
    about="Folder to write.  [default: the bundle itself, replaced when the new one is complete]",
)
model_option = click.option(
    "--model", metavar="NAME", help="A model of the bundle (see `anirec doctor`).  [default: the bundle's]"
)
count_option = click.option(
    "-k", "--count", "k", default=20, show_default=True, type=click.IntRange(min=1), help="How many."
)
offset_option = click.option(
    "--offset",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Pass over so many of the best: for the next page.",
)
franchise_option = click.option(
    "--franchise",
    type=click.Choice([mode.value for mode in FranchiseMode]),
    default=FranchiseMode.ENTRY.value,
    show_default=True,
    help="entry: where a newcomer starts, only franchises new to you, one title each. next: what comes next in your "
    "series. mixed: both. unrelated: any season of franchises new to you. anything: no rule.",
)


def _popularity(_context: click.Context, _option: click.Parameter, text: str) -> float:
    """Read a place on the slider: its name or a number."""
    if text in POPULARITY_STOPS:
        return POPULARITY_STOPS[text]
    try:
        return float(text)
    except ValueError:
        raise click.BadParameter(f"{text} is neither a number nor one of {', '.join(POPULARITY_STOPS)}") from None


popularity_option = click.option(
    "--popularity",
    default="balanced",
    show_default=True,
    callback=_popularity,
    metavar="-1..1",
    help=f"Lean to what few people know or to what many do: {', '.join(POPULARITY_STOPS)}, or a number.",
)


def _weights(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, float] | None:
    """Read `PART=FACTOR` pairs; None = there are none."""
    weights = {}
    for text in texts:
        part, _, factor = text.partition("=")
        try:
            weights[part.strip()] = float(factor)
        except ValueError:
            raise click.BadParameter(f"{text} is not PART=FACTOR, such as popularity=0") from None
    return weights or None


weights_option = click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=_weights,
    metavar="PART=FACTOR",
    help="Let a part of the blend say more or less: 0 nothing, 1 as learned, 3 at most; may be repeated.",
)

lens_option = click.option(
    "--by",
    default="blend",
    show_default=True,
    metavar="LENS",
    help="viewers: liked by the same people. genres: about the same things. crowd: what people name beside it. "
    "reviews: reviewers speak of the same things. synopsis: the stories are told alike. blend: all of them.",
)

_FILTERS = (
    click.option(
        "--type",
        "kinds",
        multiple=True,
        type=click.Choice([k for k in KINDS if k != "Unknown"], case_sensitive=False),
        help="Only this type; may be repeated.",
    ),
    click.option(
        "--airing", metavar="STATUS", multiple=True, help='"Currently Airing", "Finished Airing"; may be repeated.'
    ),
    click.option("--year-from", type=int, metavar="YEAR", help="Not older than this."),
    click.option("--year-to", type=int, metavar="YEAR", help="Not newer than this."),
    click.option(
        "--genre", "genres_in", multiple=True, help="Must have this genre, theme or demographic; may be repeated."
    ),
    click.option("--not-genre", "genres_out", multiple=True, help="Must not have this one; may be repeated."),
    click.option("--min-members", type=click.IntRange(min=1), help="At least so many people have it on a list."),
    click.option("--max-members", type=click.IntRange(min=1), help="At most so many: hidden gems."),
    click.option("--min-episodes", type=click.IntRange(min=1), help="At least so many episodes."),
    click.option("--max-episodes", type=click.IntRange(min=1), help="At most so many episodes."),
    click.option("--max-minutes", type=click.IntRange(min=1), help="An episode is at most so long."),
    click.option("--adult", is_flag=True, help="Let adult titles appear."),
)


def filter_options(command: Command) -> Command:
    """Add the filter options to a command; it receives them as keyword arguments that `filters_of` takes."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def filters_of(
    *,
    kinds: tuple[str, ...],
    airing: tuple[str, ...],
    genres_in: tuple[str, ...],
    genres_out: tuple[str, ...],
    **bounds: Any,
) -> Filters:
    """Turn the values of the filter options into filters."""
    return Filters(
        kinds=frozenset(kinds) or None,
        airing=frozenset(airing),
        genres_in=frozenset(genres_in),
        genres_out=frozenset(genres_out),
        **bounds,
    )
