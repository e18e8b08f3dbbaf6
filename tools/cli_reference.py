"""Writes docs/reference/cli.md from the commands themselves: `python tools/cli_reference.py`, `--check` to compare."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import anirec.cli  # noqa: F401 - every module of commands adds its own to the group
from anirec.cli.commands import cli

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
HEAD = """# Command line

Made by `python tools/cli_reference.py` from the commands; do not edit it. Every command says the same with `--help`.

"""
UNMARKED = "\b\n"
"""What click takes for a paragraph that keeps its lines."""


def pages() -> str:
    """Return the whole document."""
    epilog = " ".join(str(cli.epilog).removeprefix(UNMARKED).split())
    return HEAD + f"{epilog}\n\n" + "\n".join(_sections(cli, "anirec"))


def _sections(group: click.Group, path: str) -> Iterator[str]:
    for name in sorted(group.commands):
        command = group.commands[name]
        full = f"{path} {name}"
        yield f"## {full}\n"
        yield from _about(command)
        if isinstance(command, click.Group):
            yield from _sections(command, full)
        else:
            yield from _parameters(command)


def _about(command: click.Command) -> Iterator[str]:
    """Return the paragraphs of a command's help; lines that stand as they are become a list of examples."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith(UNMARKED):
            yield "\n".join(f"- `{line.strip()}`" for line in paragraph.removeprefix(UNMARKED).split("\n")) + "\n"
        else:
            yield _plain(paragraph) + "\n"


def _parameters(command: click.Command) -> Iterator[str]:
    yield "| argument or option | what it is |\n|---|---|"
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield f"| `{parameter.make_metavar(context)}` | {'needed' if parameter.required else 'may be left out'} |"
        elif isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            names, about = record
            yield f"| `{names.replace('|', chr(92) + '|')}` | {_plain(about).replace('|', chr(92) + '|')} |"
    yield ""


def _plain(text: str) -> str:
    """Return help as one line in which nothing is taken for markup; what stands between backticks is code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]])", r"\\\1", part) for part in parts)


def main() -> int:
    """Write the page, or say that it is not as it would be written."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail where the page would change")
    made = pages()
    if not arguments.parse_args().check:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != made:
        sys.stderr.write(f"{PAGE.name} is not what the commands say; run python tools/cli_reference.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
