"""The fenced blocks of a document, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NOT_RUN = re.compile(r"# Not run by the tests: (?P<reason>.+)\.")
"""The first line of a block that cannot run here; readers of the page see it, too."""
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
PUNCTUATION = frozenset("();<>|&")


@dataclass(frozen=True)
class Block:
    """What stands between two fences. line: of the first fence. reason: why it is not run; None = it is."""

    line: int
    language: str
    text: str

    @property
    def reason(self) -> str | None:
        found = NOT_RUN.fullmatch(self.text.split("\n", 1)[0])
        return found["reason"] if found else None

    @property
    def commands(self) -> list[str]:
        """The commands of a block of shell, each on one line, without comments."""
        lines = re.sub(r"\\\n\s*", "", self.text).split("\n")
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks_of(page: Path) -> Iterator[Block]:
    """Return all fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").split("\n")
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
        else:
            yield Block(opened + 1, lines[opened].removeprefix("```"), "\n".join(lines[opened + 1 : number]))
            opened = None
    assert opened is None, f"{page}: a fence is not closed"


def programs_of(command: str) -> Iterator[list[str]]:
    """Return the words of each program that a line of shell starts: without variables, and where output goes."""
    reader = shlex.shlex(command, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    words: list[str] = []
    after_redirection = False
    for word in [*reader, ";"]:
        if set(word) <= PUNCTUATION:
            after_redirection = set(word) <= {"<", ">"}
            if words and not after_redirection:
                yield words
                words = []
        elif after_redirection:
            after_redirection = False
        elif words or not ASSIGNED.match(word):
            words.append(word.removeprefix("./") if not words else word)


def spans_of(page: Path) -> Iterator[list[str]]:
    """Return the words of each `anirec ...` that stands within the text of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for span in re.findall(r"`(?:\./)?(anirec [^`]+)`", text):
        yield shlex.split(span.replace("\n", " "))
