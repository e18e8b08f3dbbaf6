"""Options that several commands share, and how they become filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from anirec.core.catalogue import KINDS
from anirec.core.ranking import POPULARITY_STOPS, Filters, FranchiseMode

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
track_option = click.option(
    "--track",
    is_flag=False,
    flag_value="mlruns",
    metavar="[URI]",
    help="Keep settings, data hashes and figures as a run in MLflow: in the folder ./mlruns, or in the folder or at "
    "the server (http://...) that is named.",
)
bundle_option = click.option(
    "--bundle",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder written by `anirec train`.  [default: $ANIREC_BUNDLE, else the starter bundle]",
)
count_option = click.option(
    "-k", "--count", "k", default=20, show_default=True, type=click.IntRange(min=1), help="How many."
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

lens_option = click.option(
    "--by",
    default="blend",
    show_default=True,
    metavar="LENS",
    help="viewers: liked by the same people. genres: about the same things. crowd: what people name beside it. blend: "
    "all of them.",
)

_FILTERS = (
    click.option(
        "--type",
        "kinds",
        multiple=True,
        type=click.Choice([k for k in KINDS if k != "Unknown"], case_sensitive=False),
        help="Only this type; may be repeated.",
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
    *, kinds: tuple[str, ...], genres_in: tuple[str, ...], genres_out: tuple[str, ...], **bounds: Any
) -> Filters:
    """Turn the values of the filter options into filters."""
    return Filters(
        kinds=frozenset(kinds) or None,
        genres_in=frozenset(genres_in),
        genres_out=frozenset(genres_out),
        **bounds,
    )
