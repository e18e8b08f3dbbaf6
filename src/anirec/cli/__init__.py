"""The command line: arguments in, one use case, text or JSON out."""

from __future__ import annotations

import json
import os
import sys

import click

import anirec.cli.atlas
import anirec.cli.browse
import anirec.cli.data
import anirec.cli.doctor
import anirec.cli.encoders
import anirec.cli.fetch
import anirec.cli.search
import anirec.cli.serve
import anirec.cli.together
import anirec.cli.workshop  # noqa: F401 - all add their commands to the group
from anirec.cli.commands import cli
from anirec.core.errors import (
    AnirecError,
    BundleError,
    InputError,
    MissingAbility,
    SiteError,
    SourceError,
    TitleError,
    Unreachable,
)

EXIT_CODES = {InputError: 2, SourceError: 3, BundleError: 4, MissingAbility: 5, SiteError: 6, Unreachable: 6}
"""What the shell sees for each group of errors; 0 is success, 1 a mistake of ours, 130 an interrupt."""


def main() -> None:
    """Run the command line and end the process with a documented exit code."""
    try:
        cli.main(prog_name="anirec", standalone_mode=False)
    except AnirecError as error:
        _complain(error)
        sys.exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo(str(stop) or "interrupted; nothing half-written was left behind", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _complain(error: AnirecError) -> None:
    """Print an error to standard error: as JSON where JSON was asked for."""
    if "--json" not in sys.argv:
        click.echo(f"anirec: {error}", err=True)
        return
    complaint: dict[str, object] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, TitleError):
        complaint["candidates"] = [vars(match) for match in error.candidates]
    click.echo(json.dumps(complaint, ensure_ascii=False), err=True)
