"""One polite HTTP client for every collector: never above its rate, patient with trouble, bounded in time and size.

What a site may do, and what is done about it:

- 429, 500, 502, 503, 504, a broken or silent connection, a body cut short or not of the shape asked for: asked again,
  later and later with some chance in it; `Retry-After` (seconds or a date) and `X-RateLimit-*` are obeyed.
- 403: taken for "slow down": asked again after a longer wait.
- 404 and 410: the answer is that there is nothing.
- 401 and other refusals: not asked again.
- an answer that drips: given up after `Patience.deadline` seconds.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx
from pyrate_limiter import Duration, Limiter, Rate, SingleBucketFactory, SQLiteBucket
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from anirec.core.errors import InputError, SiteError

LIMITS_FILE: Final = "limits.sqlite"
MARGIN: Final = 1.1
"""How much longer than agreed an interval is held: a request is on its way for a while, and not always as long."""

AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524})
NOTHING: Final = frozenset({404, 410})


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Patience:
    """How trouble is met; all times in seconds.

    attempts: at one request. first_wait: before the second, doubled each time up to `longest_wait`. slow_wait: the
    least after a 403. connect, read: without a sign of life. deadline: for a whole answer, however steadily it drips.
    """

    attempts: int = 6
    first_wait: float = 2.0
    longest_wait: float = 900.0
    slow_wait: float = 60.0
    connect: float = 15.0
    read: float = 30.0
    deadline: float = 120.0


@dataclass(frozen=True)
class Ask:
    """One thing to ask for.

    key: names the page in the store; the same in every run. url: as kept, without secrets or a person's name; real_url:
    as asked, where that differs. body: of a POST, JSON. secrets: headers that are not kept. check: raises ValueError
    where a body is not what was asked for. scrub: what of a body is kept. follow: whether redirects are followed.
    """

    key: str
    url: str
    real_url: str | None = None
    body: bytes | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    check: Callable[[bytes], object] = bytes
    scrub: Callable[[bytes], bytes] = bytes
    most_bytes: int = 16 * 2**20
    follow: bool = False


@dataclass(frozen=True)
class Answer:
    """What a site said. unchanged: it still has what we have (304); the body is empty then."""

    status: int
    body: bytes
    etag: str | None
    unchanged: bool = False


class LeaveAlone(SiteError):
    """The site wants no further request for longer than anyone waits."""


class _TryAgain(Exception):
    """Worth another attempt. after: seconds to wait at least."""

    def __init__(self, problem: str, after: float = 0.0, *, told: bool = False) -> None:
        super().__init__(problem)
        self.after = after
        self.told = told


class Client:
    """Asks one site. To be used in a `with` block.

    folder: where the times of the last requests are kept, so that a killed process leaves its rate to the next.
    report: told of every wait longer than the rate's.
    """

    def __init__(
        self,
        limit: Limit,
        folder: Path,
        *,
        patience: Patience | None = None,
        report: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._patience = patience or Patience()
        self._report = report
        self._not_before = 0.0
        self._db = folder / LIMITS_FILE
        self._limit = limit
        self._open_bucket()
        self._http = httpx.Client(
            headers={"User-Agent": f"anirec/{version('anirec')} (a personal recommender)"},
            timeout=httpx.Timeout(self._patience.read, connect=self._patience.connect),
        )
        self.attempts = 0
        self.slowed = 0

    def _open_bucket(self) -> None:
        interval = int(self._limit.seconds * MARGIN * Duration.SECOND)
        self._con = sqlite3.connect(self._db)
        self._con.execute("CREATE TABLE IF NOT EXISTS asked(name VARCHAR, item_timestamp INTEGER)")
        bucket = SQLiteBucket([Rate(self._limit.requests, interval)], self._con, "asked")
        bucket.leak(time.time_ns() // 1_000_000)
        self._limiter = Limiter(SingleBucketFactory(bucket, schedule_leak=False), buffer_ms=2)

    def __enter__(self) -> Client:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()
        self._con.close()

    def fetch(self, ask: Ask, etag: str | None = None) -> Answer:
        """Ask until there is an answer. etag: of the page that is kept; the site may say that it is still the same.

        Raises:
            SiteError: there was none after all attempts; LeaveAlone: and none is to be expected soon.
            InputError: the site refuses who asks.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(self._patience.attempts),
            wait=self._wait,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            return retrying(self._once, ask, etag)
        except _TryAgain as error:
            raise SiteError(f"{error}, {self._patience.attempts} times") from error

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        patience = self._patience
        doubled = wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait)
        own = (doubled + wait_random(0, patience.first_wait / 2))(state)
        if isinstance(error, _TryAgain) and error.told:
            return error.after
        return max(own, error.after if isinstance(error, _TryAgain) else 0.0)

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0.0
        self._report(f"{error}; asking again in {wait:.0f} s")

    def _once(self, ask: Ask, etag: str | None) -> Answer:
        if (pause := self._not_before - time.time()) > 0:
            self._report(f"the site's count of requests is used up; going on in {pause:.0f} s")
            time.sleep(pause)
        self._limiter.try_acquire("page")
        self.attempts += 1
        headers = {"Accept": "*/*", **ask.secrets}
        if ask.body is not None:
            headers |= {"Content-Type": "application/json", "Accept": "application/json"}
        if etag:
            headers["If-None-Match"] = etag
        try:
            with self._http.stream(
                "GET" if ask.body is None else "POST",
                ask.real_url or ask.url,
                content=ask.body,
                headers=headers,
                follow_redirects=ask.follow,
            ) as response:
                body = self._body_of(response, ask)
        except httpx.TransportError as error:
            raise _TryAgain(f"no whole answer ({type(error).__name__})") from error
        except httpx.InvalidURL as error:
            raise InputError(f"{ask.url} is not an address: {error}") from error
        return self._judged(response, body, ask)

    def _body_of(self, response: httpx.Response, ask: Ask) -> bytes:
        end = time.monotonic() + self._patience.deadline
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > ask.most_bytes:
                raise SiteError(f"the answer is larger than {ask.most_bytes / 2**20:.0f} MB")
            if time.monotonic() > end:
                raise _TryAgain(f"the answer was not whole after {self._patience.deadline:g} s")
        return b"".join(parts)

    def _judged(self, response: httpx.Response, body: bytes, ask: Ask) -> Answer:
        """Turn a response into an answer, or into another attempt."""
        self._obey(response)
        status = response.status_code
        if status == httpx.codes.NOT_MODIFIED:
            return Answer(status, b"", None, unchanged=True)
        if status in NOTHING:
            return Answer(status, body, None)
        if status in AGAIN or status == httpx.codes.FORBIDDEN:
            raise self._trouble(response)
        if status == httpx.codes.UNAUTHORIZED:
            raise InputError("the site does not accept the key (401); check the environment variable that holds it")
        if status != httpx.codes.OK:
            raise SiteError(f"the site answers {status}, which is not what was asked for")
        try:
            ask.check(body)
        except (ValueError, RecursionError) as error:
            raise _TryAgain(f"the answer is not of the shape asked for ({error})") from error
        return Answer(status, body, response.headers.get("ETag"))

    def _trouble(self, response: httpx.Response) -> _TryAgain:
        status = response.status_code
        told = retry_after(response.headers.get("Retry-After"), now=time.time())
        if told is not None and told > self._patience.longest_wait:
            raise LeaveAlone(f"the site answers {status} and asks to be left alone for {told:.0f} s")
        if status in (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS):
            self.slowed += 1
        if told is not None:
            return _TryAgain(f"the site answers {status}, slow down", told, told=True)
        least = self._patience.slow_wait if status == httpx.codes.FORBIDDEN else 0.0
        return _TryAgain(f"the site answers {status}{', slow down' if least else ''}", least)

    def _obey(self, response: httpx.Response) -> None:
        """Take what the site says of its own limit: a lower rate, a count used up."""
        allowed = _whole(response.headers.get("X-RateLimit-Limit"))
        per_minute = self._limit.requests * 60 / self._limit.seconds
        if allowed is not None and 0 < allowed < per_minute:
            self._con.close()
            self._limit = replace(self._limit, requests=allowed, seconds=60.0)
            self._open_bucket()
            self._report(f"the site allows {allowed} requests a minute; slower from now on")
        left = _whole(response.headers.get("X-RateLimit-Remaining"))
        if left == 0:
            reset = _whole(response.headers.get("X-RateLimit-Reset"))
            now = time.time()
            end = reset if reset is not None else now + self._limit.seconds
            self._not_before = min(end, now + self._patience.longest_wait)


def retry_after(text: str | None, *, now: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3), None if it does not say."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None
