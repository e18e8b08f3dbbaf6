"""What sites answered, kept as it came: bytes, address, time, hash. Pages are never changed, only added.

One SQLite file, `pages.sqlite`, in a folder of its own; every answer is one transaction, so a kill at any moment leaves
a store that is whole, and the next run of the same plan goes on where this one stopped. One process at a time.

Answers to what a person alone may see are kept without the person's name (`Ask.scrub` in `client`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anirec.core.errors import BadTable, InputError

FILE: Final = "pages.sqlite"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs(run INTEGER PRIMARY KEY, plan TEXT NOT NULL, started REAL NOT NULL, finished REAL);
CREATE TABLE IF NOT EXISTS pages(
    page INTEGER PRIMARY KEY, key TEXT NOT NULL, url TEXT NOT NULL, fetched_at REAL NOT NULL, status INTEGER NOT NULL,
    etag TEXT, sha256 TEXT NOT NULL, packed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS pages_by_key ON pages(key, page);
CREATE TABLE IF NOT EXISTS asked(
    run INTEGER NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, page INTEGER, problem TEXT, PRIMARY KEY (run, key));
CREATE TABLE IF NOT EXISTS versions(item TEXT PRIMARY KEY, version TEXT NOT NULL, page INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS pages_stay BEFORE UPDATE ON pages BEGIN SELECT raise(ABORT, 'pages are immutable'); END;
CREATE TRIGGER IF NOT EXISTS pages_last BEFORE DELETE ON pages BEGIN SELECT raise(ABORT, 'pages are immutable'); END;
"""


@dataclass(frozen=True)
class Page:
    """One answer. key: what was asked for, the same in every run. fetched_at: epoch seconds UTC. status: of HTTP."""

    page: int
    key: str
    url: str
    fetched_at: float
    status: int
    etag: str | None
    sha256: str
    body: bytes


@dataclass(frozen=True)
class Run:
    """One fetch from its first request to its last, however often it was cut short. resumed: whether it was."""

    number: int
    resumed: bool


class PageStore:
    """The pages in one folder; made with `open_pages`."""

    def __init__(self, con: sqlite3.Connection, folder: Path) -> None:
        self._con = con
        self.folder = folder

    def claim(self, site: str) -> None:
        """Say that this store is for the pages of one site.

        Raises:
            InputError: it is for another's.
        """
        found = self._con.execute("SELECT value FROM about WHERE name = 'site'").fetchone()
        if found and found[0] != site:
            raise InputError(f"{self.folder} holds pages of {found[0]}; give those of {site} a folder of their own")
        if not found:
            with self._con:
                self._con.execute("INSERT INTO about VALUES ('site', ?)", [site])

    def begin(self, plan: str, *, now: float) -> Run:
        """Go on with the run of this plan that was not finished; begin one if there is none."""
        found = self._con.execute("SELECT max(run) FROM runs WHERE plan = ? AND finished IS NULL", [plan]).fetchone()[0]
        if found is not None:
            return Run(found, resumed=True)
        with self._con:
            number = self._con.execute("INSERT INTO runs(plan, started) VALUES (?, ?)", [plan, now]).lastrowid
        return Run(int(number or 0), resumed=False)

    def finish(self, run: Run, *, now: float) -> None:
        """Say that the run has all it wanted; the same plan then begins anew."""
        with self._con:
            self._con.execute("UPDATE runs SET finished = ? WHERE run = ?", [now, run.number])

    def add(
        self,
        run: Run,
        key: str,
        *,
        url: str,
        status: int,
        body: bytes,
        etag: str | None,
        now: float,
        versions: Sequence[tuple[str, str]] = (),
    ) -> Page:
        """Keep an answer; one with the bytes of the newest page of this key is not kept twice.

        versions: of the items that the answer is about, the version that it has of each.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        newest = self.newest(key)
        with self._con:
            if newest is None or (newest.sha256, newest.status) != (sha256, status):
                self._con.execute(
                    "INSERT INTO pages(key, url, fetched_at, status, etag, sha256, packed) VALUES (?,?,?,?,?,?,?)",
                    [key, url, now, status, etag, sha256, zlib.compress(body)],
                )
                newest = self.newest(key)
            assert newest is not None  # noqa: S101 - it was just put there
            self._mark(run, key, newest.page, None, now)
            self._con.executemany(
                "INSERT OR REPLACE INTO versions VALUES (?, ?, ?)",
                [(item, version, newest.page) for item, version in versions],
            )
        return newest

    def add_unchanged(self, run: Run, page: Page, *, now: float) -> None:
        """Note that the site was asked, and that it still says what is on the page."""
        with self._con:
            self._mark(run, page.key, page.page, None, now)

    def add_problem(self, run: Run, key: str, problem: str, *, now: float) -> None:
        """Note that a page was asked for in vain."""
        with self._con:
            self._mark(run, key, None, problem, now)

    def _mark(self, run: Run, key: str, page: int | None, problem: str | None, now: float) -> None:
        self._con.execute("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?)", [run.number, key, now, page, problem])

    def newest(self, key: str) -> Page | None:
        """Return the newest page of a key."""
        found = self._con.execute("SELECT * FROM pages WHERE key = ? ORDER BY page DESC LIMIT 1", [key]).fetchone()
        return _page(found) if found else None

    def answered(self, run: Run, key: str) -> Page | None:
        """Return the page that this run got for a key, None if it has not asked, or asked in vain."""
        found = self._con.execute(
            "SELECT pages.* FROM asked JOIN pages USING (page) WHERE asked.run = ? AND asked.key = ?", [run.number, key]
        ).fetchone()
        return _page(found) if found else None

    def problems(self, run: Run) -> list[tuple[str, str]]:
        """Return what was asked for in vain: key and problem."""
        rows = self._con.execute(
            "SELECT key, problem FROM asked WHERE run = ? AND problem IS NOT NULL ORDER BY key", [run.number]
        )
        return [(str(key), str(problem)) for key, problem in rows]

    def version(self, item: str) -> str | None:
        """Return the version of an item that is kept."""
        found = self._con.execute("SELECT version FROM versions WHERE item = ?", [item]).fetchone()
        return str(found[0]) if found else None

    def page_of(self, item: str) -> int | None:
        """Return the number of the page that has the newest version of an item."""
        found = self._con.execute("SELECT page FROM versions WHERE item = ?", [item]).fetchone()
        return int(found[0]) if found else None

    def asked_since(self, when: float) -> int:
        """Return how many requests were answered since a time."""
        return int(self._con.execute("SELECT count(*) FROM asked WHERE at >= ?", [when]).fetchone()[0])

    def latest(self, prefix: str = "") -> Iterator[Page]:
        """Yield the newest page of every key that begins so, by key."""
        rows = self._con.execute(
            "SELECT * FROM pages WHERE page IN (SELECT max(page) FROM pages WHERE substr(key, 1, ?) = ? GROUP BY key) "
            "ORDER BY key",
            [len(prefix), prefix],
        )
        for row in rows:
            yield _page(row)

    def masked(self, name: str) -> str:
        """Return what stands for a person's name in this store: a hash salted with a secret of the store's own."""
        found = self._con.execute("SELECT value FROM about WHERE name = 'salt'").fetchone()
        salt = str(found[0]) if found else secrets.token_hex(16)
        if not found:
            with self._con:
                self._con.execute("INSERT INTO about VALUES ('salt', ?)", [salt])
        return "~" + hmac.new(bytes.fromhex(salt), name.casefold().encode(), hashlib.sha256).hexdigest()[:20]


def _page(row: Sequence[object]) -> Page:
    page, key, url, fetched_at, status, etag, sha256, packed = row
    try:
        body = zlib.decompress(packed)  # type: ignore[arg-type]
    except zlib.error:
        body = b""
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BadTable(f"the page {key} in {FILE} is damaged: its bytes do not have their hash")
    return Page(page, key, url, fetched_at, status, etag, sha256, body)  # type: ignore[arg-type]


@contextmanager
def open_pages(folder: Path, *, create: bool = False) -> Iterator[PageStore]:
    """Open the page store of a folder, for this process alone. create: make it where there is none.

    Raises:
        BadTable: there is none, or it is damaged.
        InputError: another process has it open.
    """
    file = folder / FILE
    if create:
        folder.mkdir(parents=True, exist_ok=True)
    elif not file.is_file():
        raise BadTable(f"{file} is missing; `anirec data fetch` makes it")
    with closing(sqlite3.connect(file, timeout=0.2)) as con:
        try:
            con.execute("PRAGMA locking_mode = EXCLUSIVE")
            con.execute("PRAGMA synchronous = FULL")
            con.execute("BEGIN IMMEDIATE")
            con.execute("COMMIT")
            con.executescript(_SCHEMA)
            yield PageStore(con, folder)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(f"{file} is in use by another anirec; wait until it is done") from error
            raise BadTable(f"{file} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise BadTable(f"{file} is damaged: {error}") from error
