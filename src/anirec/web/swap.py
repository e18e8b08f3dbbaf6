"""Another bundle takes the place of the one that is served, while requests are answered.

A new bundle is opened, checked, warmed and tried out beside the old one. Then one assignment makes it answer: a request
is answered wholly by the one or by the other, and those inside end where they began. What cannot be served is refused,
and the old one goes on. The one before is held open, so that going back takes no reading.

    Control ── open, then take or leave ──► Hand: a process that serves   (Swapping in this one, RemoteHand elsewhere)

No process takes a bundle before all could open it, and found the same.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from fastapi.dependencies import models
from starlette.types import ASGIApp, Receive, Scope, Send

from anirec.core.errors import AnirecError, InputError
from anirec.web import metrics
from anirec.web.lasting import Lasting, Outcome
from anirec.web.logs import logger
from anirec.web.settling import settle

LOGGER: Final = logger("anirec.web.swap")


@dataclass(frozen=True)
class Opened:
    """A bundle with the application that answers from it. sha256: of its manifest. show: tells the figures of it."""

    app: ASGIApp
    sha256: str
    show: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Answer:
    """What a process says of a bundle that it was asked to open.

    sha256: of the manifest, None if it cannot serve it. why: the kind of error. detail: its message.
    """

    sha256: str | None
    why: str | None = None
    detail: str | None = None
    error: Exception | None = field(default=None, compare=False)

    @classmethod
    def of(cls, error: Exception) -> Answer:
        """Return that it cannot serve it; a mistake of ours is told by its kind alone."""
        detail = str(error) if isinstance(error, (AnirecError, OSError, MemoryError)) else ""
        return cls(None, type(error).__name__, detail or type(error).__name__, error)

    def to_json(self) -> dict[str, str | None]:
        """Return what goes to another process."""
        return {"sha256": self.sha256, "why": self.why, "detail": self.detail}


class Hand(Protocol):
    """A process that serves."""

    def open(self, path: Path, sha256: str | None = None) -> Answer:
        """Open a bundle beside the one that is served. sha256: of the one before, which need not be read again."""
        ...

    def take(self, outcome: Outcome | None) -> None:
        """Serve what was opened. outcome: to be told to who asks; None = it is the first."""
        ...

    def leave(self, outcome: Outcome | None) -> None:
        """Drop what was opened, if anything was. outcome: as for `take`; None = nobody wants to know."""
        ...


class Swapping:
    """An application that passes every request to that of the bundle which is served; a `Hand`."""

    def __init__(self, lasting: Lasting, *, first: Callable[[Path], Opened], beside: Callable[[Path], Opened]) -> None:
        """Serve nothing so far. first: opens a bundle where none is served. beside: warms it and tries it out, too."""
        self._lasting, self._first, self._beside = lasting, first, beside
        self._current: Opened | None = None
        self._before: Opened | None = None
        self._next: Opened | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        opened = self._current  # once: what comes meanwhile is for the next request
        if opened is None:
            raise RuntimeError("no bundle was opened")
        await opened.app(scope, receive, send)

    def open(self, path: Path, sha256: str | None = None) -> Answer:
        """Open a bundle beside the one that is served; see `Hand`."""
        if sha256 is not None and self._before is not None and self._before.sha256 == sha256:
            self._next = self._before
            return Answer(sha256)
        begun = time.perf_counter()
        try:
            self._next = (self._first if self._current is None else self._beside)(path)
        except Exception as error:
            self._next = None
            if not isinstance(error, (AnirecError, OSError, MemoryError)):
                LOGGER.exception("bundle")  # a mistake of ours; whatever a bundle does to us, the old one is served on
            return Answer.of(error)
        if self._current is not None:
            metrics.OPENING.observe(time.perf_counter() - begun)
        return Answer(self._next.sha256)

    def take(self, outcome: Outcome | None) -> None:
        """Serve what was opened; see `Hand`."""
        if self._next is None:
            raise RuntimeError("nothing was opened")
        self._before, self._current, self._next = self._current, self._next, None
        self._told(outcome)
        if outcome is not None:
            self._current.show()
            _release()  # the one before the last goes now, with its memory

    def leave(self, outcome: Outcome | None) -> None:
        """Drop what was opened; see `Hand`."""
        self._next = None
        self._told(outcome)
        _release()

    def _told(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._lasting.last = outcome
            metrics.SWAPS.labels(outcome.what).inc()


def _release() -> None:
    """Let go of the memory of bundles that are served no more.

    Applications hold themselves in cycles, and FastAPI remembers the functions that it was given, which hold their
    bundle: 150 MB each, for the starter bundle.
    """
    for value in list(vars(models).values()):
        if (clear := getattr(value, "cache_clear", None)) is not None:
            clear()
    settle()


@dataclass(frozen=True)
class Place:
    """A bundle as it is served. named: as it was asked for, None = the default one. path: where that was."""

    named: str | None
    path: Path
    sha256: str | None = None


class Control:
    """Swaps the bundle of one process or of several, all or none. Its methods may be called by any thread."""

    def __init__(self, named: str | None, resolve: Callable[[str | None], Path], path: Path) -> None:
        """Begin with no process.

        named: the bundle to serve; None = the default one. resolve: says where a named bundle is, and brings it there
        if need be. path: where the first one is.
        """
        self._resolve = resolve
        self._place = Place(named, path)
        self._before: Place | None = None
        self._hands: list[Hand] = []
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._last: Outcome | None = None
        threading.Thread(target=self._answer_asks, name="reload", daemon=True).start()

    @property
    def path(self) -> Path:
        """Where the bundle is, or was, that is served."""
        return self._place.path

    def join(self, hand: Hand) -> Answer:
        """Let a process open what is served, and serve with the others from now on.

        One that cannot is asked again with the next bundle.
        """
        while True:
            place = self._place
            answer = hand.open(place.path)
            with self._lock:
                if place.path != self._place.path or place.sha256 not in (None, self._place.sha256):
                    continue  # another bundle came while it was opening this one
                self._hands.append(hand)
                if answer.sha256 is None:
                    LOGGER.error("bundle not opened", why=answer.why, detail=answer.detail)
                    return answer
                if self._place.sha256 is None:
                    self._place = Place(place.named, place.path, answer.sha256)
                if answer.sha256 != self._place.sha256:  # the folder has another one by now
                    LOGGER.warning("another bundle found", bundle=answer.sha256)
                    if self._last is not None and self._last.what == "rolled-back":
                        return answer  # and it is not wanted: this one waits for the next
                    self.ask()  # all are to have it
                hand.take(None)
                return answer

    def ask(self) -> None:
        """Ask for what is there now under the name that is served, without waiting for it."""
        self._asked.set()

    def _answer_asks(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            try:
                self.reload()
            except Exception:
                LOGGER.exception("reload")  # a mistake of ours; the next wish is answered all the same

    def reload(self, named: str | None = None) -> Outcome:
        """Swap to a bundle. named: None = what is there now under the name that is served."""
        with self._lock:
            asked = named if named is not None else self._place.named
            try:
                path = self._resolve(asked)
            except Exception as error:
                if not isinstance(error, (AnirecError, OSError)):
                    LOGGER.exception("reload")  # a registry's client raises what it pleases
                return self._refused(Answer.of(error))
            return self._swapped(Place(asked, path), "swapped")

    def roll_back(self) -> Outcome:
        """Swap to the bundle that was served before, as it was, wherever its files are by now."""
        with self._lock:
            if self._before is None:
                return self._refused(Answer.of(InputError("no bundle was served before this one")))
            return self._swapped(self._before, "rolled-back")

    def state(self) -> dict[str, Any]:
        """Return what is served, by how many, and what became of the last wish."""
        before = self._before
        return {
            "bundle": self._place.sha256,
            "path": str(self._place.path),
            "processes": len(self._hands),
            "before": before and {"bundle": before.sha256, "path": str(before.path)},
            "last": self._last and asdict(self._last),
        }

    def _swapped(self, place: Place, what: str) -> Outcome:
        answers = self._each(lambda hand: hand.open(place.path, place.sha256))
        found = {answer.sha256 for answer in answers}
        wrong = next((answer for answer in answers if answer.sha256 is None), None)
        if not answers:
            wrong = Answer(None, "NoProcess", "no process answers")
        elif wrong is None and (len(found) > 1 or place.sha256 not in (None, *found)):
            wrong = Answer(None, "Changed", f"{place.path} holds another bundle by now than was asked for")
        if wrong is not None:
            return self._refused(wrong)
        (sha256,) = found
        if sha256 == self._place.sha256:
            self._place = Place(place.named, place.path, sha256)
            return self._told(Outcome("unchanged", _now(), sha256), take=False)
        self._before, self._place = self._place, Place(place.named, place.path, sha256)
        return self._told(Outcome(what, _now(), sha256), take=True)

    def _refused(self, answer: Answer) -> Outcome:
        return self._told(Outcome("refused", _now(), None, answer.why, answer.detail), take=False)

    def _told(self, outcome: Outcome, *, take: bool) -> Outcome:
        """Tell every process to take what it opened, or to leave it; returns the outcome."""
        self._each(lambda hand: (hand.take if take else hand.leave)(outcome))
        self._last = outcome
        level = logging.WARNING if outcome.what == "refused" else logging.INFO
        facts = {name: value for name, value in asdict(outcome).items() if value is not None and name != "when"}
        LOGGER.log(level, "bundle", **facts, served=self._place.sha256)
        return outcome

    def _each(self, ask: Callable[[Hand], Any]) -> list[Any]:
        """Ask all processes at once; those that are gone are forgotten."""
        if not self._hands:
            return []

        def one(hand: Hand) -> Any:
            try:
                return ask(hand)
            except (OSError, EOFError):
                return hand  # gone: what takes its place will join by itself

        with ThreadPoolExecutor(len(self._hands)) as pool:
            answers = list(pool.map(one, self._hands))
        gone = [hand for hand, answer in zip(self._hands, answers, strict=True) if answer is hand]
        self._hands = [hand for hand in self._hands if hand not in gone]
        return [answer for answer in answers if answer not in gone]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
