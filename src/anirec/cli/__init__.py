"""The command line: arguments in, one use case, text or JSON out."""

from __future__ import annotations

import errno
import json
import os
import sys

import click

import anirec.cli.atlas
import anirec.cli.browse
import anirec.cli.data
import anirec.cli.doctor
import anirec.cli.encoders
import anirec.cli.exports
import anirec.cli.fetch
import anirec.cli.registry
import anirec.cli.search
import anirec.cli.serve
import anirec.cli.together
import anirec.cli.workshop  # noqa: F401 - all add their commands to the group
from anirec.cli.commands import cli
from anirec.core.errors import (
    AnirecError,
    BundleError,
    InputError,
    MachineError,
    MissingAbility,
    SiteError,
    SourceError,
    TitleError,
    Unreachable,
)

EXIT_CODES = {
    InputError: 2,
    SourceError: 3,
    BundleError: 4,
    MissingAbility: 5,
    SiteError: 6,
    Unreachable: 6,
    MachineError: 8,
}
"""What the shell sees for each group of errors; 0 is success, 1 a mistake of ours, 130 an interrupt."""

EXTRAS = {"scipy": "fit"}
"""Packages that many parts import where they first need them, and the extra that brings each."""


def main() -> None:
    """Run the command line and end the process with a documented exit code."""
    try:
        cli.main(prog_name="anirec", standalone_mode=False)
    except AnirecError as error:
        cause = machine_error(error.__cause__) if error.__cause__ else None  # bad data may be a full disk
        _end(cause if cause and cause.room else error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        _end(MissingAbility(f'this needs {package}: pip install "anirec[{EXTRAS[package]}]"'))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo(str(stop) or "interrupted; nothing half-written was left behind", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if (machine := machine_error(error)) is None:
            raise
        _end(machine)


def _end(error: AnirecError) -> None:
    _complain(error)
    sys.exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))


NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}
TOLD_OF_MEMORY = (
    "cannot allocate memory",
    "failed to map segment",
    "out of memory",
    "bad allocation",
    "std::bad_alloc",
)
TOLD_OF_ROOM = ("no space left on device", "file too large", "disk quota exceeded")
TOLD_OF_RIGHT = ("read-only file system", "permission denied")


def machine_error(error: BaseException) -> MachineError | None:
    """Return what an error says of the machine, None where it says nothing of it and is a mistake of ours.

    DuckDB, the loader of libraries and threads that cannot be started say it in words only.
    """
    said = str(error).lower()
    number, file = (error.errno, error.filename) if isinstance(error, OSError) else (None, None)
    file = f": {file}" if file else f" ({str(error).splitlines()[0]})" if said else ""
    if isinstance(error, MemoryError) or number == errno.ENOMEM or any(words in said for words in TOLD_OF_MEMORY):
        return MachineError(f"memory does not suffice{file}; give it more, or ask for less at once")
    if number in NO_ROOM or any(words in said for words in TOLD_OF_ROOM):
        return MachineError(f"there is no room on the disk{file}; make some, or name another folder. {KEPT}")
    if number in NO_RIGHT or any(words in said for words in TOLD_OF_RIGHT):
        return MachineError(f"this cannot be read or written{file}; name another folder. {KEPT}", room=False)
    return None


KEPT = "What was there before is as it was"


def _complain(error: AnirecError) -> None:
    """Print an error to standard error: as JSON where JSON was asked for."""
    if "--json" not in sys.argv:
        click.echo(f"anirec: {error}", err=True)
        return
    complaint: dict[str, object] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, TitleError):
        complaint["candidates"] = [vars(match) for match in error.candidates]
    click.echo(json.dumps(complaint, ensure_ascii=False), err=True)
