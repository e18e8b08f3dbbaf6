"""Whether click would take a command as it is written, without running it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

import anirec.cli  # noqa: F401 - every module of commands adds its own to the group
from anirec.cli.commands import cli

HOLDERS = re.compile(r"\.\.\.|[A-Z]{2,}(?:[.=][\w.]+)?|[A-Z]")
"""Words that stand for others in a sentence: DIR, TITLE, FILE.parquet, N, PART=FACTOR."""


def problem_of(words: Sequence[str], *, whole: bool = True) -> str | None:
    """Return what click would say against a command line, None where it would take it.

    words: from `anirec` on. whole: whether nothing may be missing; in a sentence an option may be left out, and a word
    in capitals, or three dots, may stand for another.
    """
    command: click.Command = cli
    context: click.Context | None = None
    rest = list(words[1:])
    try:
        while True:
            context = click.Context(command, info_name=command.name, parent=context)
            if not whole and not rest:
                return None
            if not isinstance(command, click.Group):
                return _taken(command, context, rest, whole=whole)
            _, rest, _ = command.make_parser(context).parse_args(rest)
            if not rest:
                return None if {"--version", "--help"} & set(words) or not whole else "no command"
            name, *rest = rest
            found = command.get_command(context, name)
            if found is None:
                return f'there is no command "{name}"'
            command = found
    except click.ClickException as error:
        return error.format_message()


def _taken(command: click.Command, context: click.Context, rest: list[str], *, whole: bool) -> str | None:
    if not whole:
        context.allow_extra_args = True
        if rest and (rest[-1].startswith("-") and not rest[-1][1:].isdecimal()):
            rest = [*rest, "..."] if _takes_value(command, rest[-1]) else rest
    values, more, _ = command.make_parser(context).parse_args(rest)
    if more and (whole or not all(HOLDERS.fullmatch(word) for word in more)):
        return f"too many words: {more}"
    for parameter in command.params:
        value = values.get(str(parameter.name))
        if value is None or value == () or getattr(value, "name", "") == "UNSET":
            if whole and parameter.required:
                return f"{parameter.name} is missing"
        elif not isinstance(parameter.type, click.Path):
            _convert(parameter, value, context, whole=whole)
    return None


def _takes_value(command: click.Command, name: str) -> bool:
    return any(isinstance(p, click.Option) and name in p.opts and not p.is_flag for p in command.params)


def _convert(parameter: click.Parameter, value: Any, context: click.Context, *, whole: bool) -> None:
    """Raise what click would for a value that is none of its choices, or no number."""
    for one in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(one, str) and (whole or not HOLDERS.fullmatch(one)):
            parameter.type.convert(one, parameter, context)
