"""A fetch: what is wanted, page by page; asked for only where it is not there yet, and counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from anirec.core.errors import InputError, SiteError
from anirec.sources.web.client import NOTHING, Ask, Client, LeaveAlone, Limit, Patience
from anirec.sources.web.pages import Page, PageStore, Run, open_pages

FAILURES_IN_A_ROW: Final = 3
"""After so many pages without an answer the site is left alone."""

DAY: Final = 86_400.0
SECONDS_BETWEEN_REPORTS: Final = 30.0


@dataclass(frozen=True)
class FetchReport:
    """What a fetch did, in pages.

    asked: requests sent, further attempts included. new: pages that differ from what was kept. same: asked for, and
    unchanged. held: not asked for, since what is kept is good. gone: the site has none. slowed: answers that said "slow
    down". problems: without an answer, by key. resumed: whether an earlier run was gone on with.
    """

    resumed: bool
    asked: int
    new: int
    same: int
    held: int
    gone: int
    slowed: int
    problems: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return `12 pages new, 3 as before, 40 not asked for again`."""
        parts = [(self.new, "new"), (self.same, "as before"), (self.held, "not asked for again"), (self.gone, "gone")]
        text = ", ".join(f"{n:,} {what}" for n, what in parts if n) or "nothing"
        slowed = f'; the site said "slow down" {self.slowed:,} times' if self.slowed else ""
        return f"pages: {text}; {self.asked:,} requests{slowed}"


class Collection:
    """One run of a collector over a store and a client; made with `collecting`."""

    def __init__(self, store: PageStore, client: Client, run: Run, report: Callable[[str], None]) -> None:
        self._store = store
        self._client = client
        self._run = run
        self._report = report
        self._in_a_row = 0
        self._said = time.monotonic()
        self._counts = dict.fromkeys(("new", "same", "held", "gone"), 0)

    @property
    def folder(self) -> Path:
        """The folder of the store."""
        return self._store.folder

    def masked(self, name: str) -> str:
        """Return what stands for a person's name in this store."""
        return self._store.masked(name)

    def answered_in(self, seconds: float) -> int:
        """Return how many requests this store had answered in the last so many seconds."""
        return self._store.asked_since(time.time() - seconds)

    @property
    def n_asked(self) -> int:
        """Requests sent so far."""
        return self._client.attempts

    def problem_with(self, key: str) -> str | None:
        """Return why this run has no answer for a key, None if it has one or did not ask."""
        return dict(self._store.problems(self._run)).get(key)

    def is_current(self, item: str, version: str | None) -> bool:
        """Return whether the version of an item that a listing names is the one that is kept."""
        return version is not None and self._store.version(item) == version

    def hold(self, n: int = 1) -> None:
        """Count pages that need not be asked for."""
        self._counts["held"] += n

    def page(
        self, ask: Ask, *, max_age: float = 0.0, versions: Callable[[bytes], Sequence[tuple[str, str]]] = lambda _b: ()
    ) -> Page | None:
        """Return a page: from this run, or kept and not older than `max_age` seconds, or asked for now.

        versions: given the body, the items on it and their versions. None: the site has no such page, or did not answer
        (then it is among the problems, and the next run of the same plan asks again).

        Raises:
            SiteError: one page after the other stays without an answer, or the site wants to be left alone.
        """
        self._say()
        if done := self._store.answered(self._run, ask.key):
            self._counts["held"] += 1
            return None if done.status in NOTHING else done
        kept = self._store.newest(ask.key)
        if kept is not None and time.time() - kept.fetched_at < max_age:
            self._counts["held"] += 1
            return None if kept.status in NOTHING else kept
        try:
            answer = self._client.fetch(ask, kept.etag if kept else None)
        except SiteError as error:
            self._fail(ask, error)
            return None
        self._in_a_row = 0
        if answer.unchanged and kept is not None:
            self._store.add_unchanged(self._run, kept, now=time.time())
            self._counts["same"] += 1
            return kept
        gone = answer.status in NOTHING
        page = self._store.add(
            self._run,
            ask.key,
            url=ask.url,
            status=answer.status,
            body=b"" if gone else ask.scrub(answer.body),
            etag=answer.etag,
            now=time.time(),
            versions=() if gone else versions(answer.body),
        )
        self._counts["gone" if gone else "same" if kept and kept.page == page.page else "new"] += 1
        return None if gone else page

    def _say(self) -> None:
        """Tell from time to time how far this is."""
        if time.monotonic() - self._said > SECONDS_BETWEEN_REPORTS:
            self._said = time.monotonic()
            self._report(str(self.result()))

    def _fail(self, ask: Ask, error: SiteError) -> None:
        self._store.add_problem(self._run, ask.key, str(error), now=time.time())
        self._report(f"{ask.key}: {error}")
        self._in_a_row += 1
        if isinstance(error, LeaveAlone) or self._in_a_row >= FAILURES_IN_A_ROW:
            raise SiteError(f"{error}. What came is kept; the same command goes on from there") from error

    def result(self) -> FetchReport:
        """Return what was done so far."""
        return FetchReport(
            resumed=self._run.resumed,
            asked=self._client.attempts,
            slowed=self._client.slowed,
            problems=dict(self._store.problems(self._run)),
            **self._counts,
        )


@dataclass(frozen=True)
class Manners:
    """How a site is treated. limit: its rate. patience: with its troubles."""

    limit: Limit
    patience: Patience = field(default_factory=Patience)

    def slower(self, seconds: float | None) -> Manners:
        """Return the same with at least so many seconds a request; never faster than before.

        Raises:
            InputError: that would be faster.
        """
        if seconds is None:
            return self
        least = self.limit.seconds / self.limit.requests
        if seconds < least:
            raise InputError(f"the site allows one request in {least:g} s; a pause of {seconds:g} s is too short")
        return replace(self, limit=Limit(1, seconds))


Collect = Callable[[Collection], None]


def run(
    folder: Path,
    site: str,
    plan: Mapping[str, Any],
    collect: Collect,
    *,
    manners: Manners,
    names: Sequence[str] = (),
    report: Callable[[str], None] = lambda _text: None,
) -> FetchReport:
    """Carry out a fetch into the page store of a folder, or go on with the one of the same plan that was cut short.

    site: a store has pages of one only. plan: what is wanted, without secrets; two fetches of the same plan and names
    are the same fetch. names: of people whose lists are wanted; not kept.

    Raises:
        InputError: the store has another site's pages.
        SiteError: the site does not answer; what came is kept.
    """
    with open_pages(folder, create=True) as store:
        store.claim(site)
        whole = {"site": site, **plan, "people": sorted(store.masked(name) for name in names)}
        number = store.begin(json.dumps(whole, sort_keys=True), now=time.time())
        if number.resumed:
            report("going on where the last run of this plan stopped")
        with Client(manners.limit, folder, patience=manners.patience, report=report) as client:
            collection = Collection(store, client, number, report)
            collect(collection)
            found = collection.result()
        if not found.problems:
            store.finish(number, now=time.time())
    return found


def json_object(body: bytes, *needed: str) -> dict[str, Any]:
    """Return a JSON object that has the names needed.

    Raises:
        ValueError: the body is no such object.
    """
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    if lacking := [name for name in needed if name not in found]:
        raise ValueError(f"no {', '.join(lacking)}")
    return found
