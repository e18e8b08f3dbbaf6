"""Every error that anirec raises on purpose, grouped by what the reader can do about it.

    AnirecError
    ├── InputError             fix what you typed or passed             exit 2, HTTP 4xx
    │   ├── TitleError         a text is not the name of one anime; carries the nearest
    │   │   ├── UnknownTitle   it is the name of none
    │   │   └── AmbiguousTitle it is the name of several
    │   └── Diverged           a training's loss is no number any more: change its settings
    ├── SourceError            fix or replace the data                  exit 3
    │   ├── UnknownLayout      no reader knows this folder
    │   └── BadTable           a file is there but cannot be used
    ├── BundleError            rebuild or re-download the bundle        exit 4
    │   ├── NotABundle         missing, half-written, or something else
    │   ├── DamagedBundle      bytes differ from the manifest
    │   └── BundleVersion      written by another format version
    ├── MissingAbility         install an extra, or choose another part  exit 5
    ├── SiteError              ask the site again later                 exit 6
    ├── Unreachable            start what it depends on, or ask later   exit 6
    └── MachineError           make room, on the disk or in memory      exit 8

Translation to exit codes happens in `anirec.cli` only.
"""

from __future__ import annotations

from dataclasses import dataclass


class AnirecError(Exception):
    """Base of all deliberate errors; its text says what is wrong and what to do."""


class InputError(AnirecError):
    """What the caller typed or passed cannot be used as it is."""


@dataclass(frozen=True)
class TitleMatch:
    """One title that a text may mean. `similarity` is 0..100, higher is nearer."""

    anime_id: int
    title: str
    year: int | None
    kind: str | None
    similarity: float

    def __str__(self) -> str:
        """Return `Trigun (TV, 1998) [6]`."""
        facts = ", ".join(str(fact) for fact in (self.kind, self.year) if fact)
        return f"{self.title}{f' ({facts})' if facts else ''} [{self.anime_id}]"


class TitleError(InputError):
    """A text does not name exactly one anime. text: as given. candidates: the nearest, best first."""

    def __init__(self, text: str, candidates: list[TitleMatch], problem: str) -> None:
        self.text = text
        self.candidates = candidates
        lines = [f'{problem} "{text}"']
        if candidates:
            lines.append("nearest titles (use the number in brackets to be exact):")
            lines += [f"  {match}" for match in candidates]
        super().__init__("\n".join(lines))


class UnknownTitle(TitleError):
    """No title is near enough to the text; `candidates` holds the nearest."""

    def __init__(self, text: str, candidates: list[TitleMatch]) -> None:
        super().__init__(text, candidates, "no anime is called")


class AmbiguousTitle(TitleError):
    """Several different anime fit the text equally well; `candidates` holds them."""

    def __init__(self, text: str, candidates: list[TitleMatch]) -> None:
        super().__init__(text, candidates, "several anime may be meant by")


class Diverged(InputError):
    """A training was stopped because its loss is no finite number; the same settings would get there again."""


class SourceError(AnirecError):
    """The data at hand cannot be read."""


class UnknownLayout(SourceError):
    """A folder whose files no reader recognises."""


class BadTable(SourceError):
    """A file of a known layout is missing, empty, damaged or mostly unusable."""


class BundleError(AnirecError):
    """A bundle cannot be served."""


class NotABundle(BundleError):
    """The path holds no bundle, or one whose writing was cut short."""


class DamagedBundle(BundleError):
    """A file of the bundle is missing or differs from the manifest."""


class BundleVersion(BundleError):
    """The bundle's format is not the one this version reads."""


class MissingAbility(AnirecError):
    """The installed parts or the loaded bundle cannot do what was asked."""


class SiteError(AnirecError):
    """A site does not answer as it should, or asks to be left alone."""


class Unreachable(AnirecError):
    """What the work was given to, an engine or a store, cannot be reached or does not answer."""


class MachineError(AnirecError):
    """The disk is full or cannot be written, or memory does not suffice. room: whether more room would help."""

    def __init__(self, message: str, *, room: bool = True) -> None:
        self.room = room
        super().__init__(message)
