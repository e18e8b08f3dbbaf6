"""Collectors against a server that does everything a server should not."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import pytest

from anirec.core.errors import InputError, SiteError
from anirec.sources.web.client import Limit, Patience
from anirec.sources.web.pages import open_pages
from sources.files import imported
from sources.web import fault_server as faulty
from sources.web.fault_server import ALL_FAULTS, Fault, FaultServer, Handler, Request, Response, Site, serving
from sources.web.runs import LIMIT, QUICK, fetch
from sources.web.sites import PERSON, FakeAniList, FakeJikan, FakeMal, id_map_file, people_page

HELD_UP = 0.1  # seconds that a request may be held up on its way, on a machine that has other work
SITES: dict[str, Callable[[], Site]] = {
    "mal": FakeMal,
    "anilist": FakeAniList,
    "jikan": FakeJikan,
    "file": lambda: id_map_file,
    "people": lambda: people_page,
}


def same_salt(folder: Path) -> Path:
    """A store whose salt is known, so that two stores name people alike."""
    with open_pages(folder, create=True):
        pass
    with sqlite3.connect(folder / "pages.sqlite") as con:
        con.execute("INSERT INTO about VALUES ('salt', ?)", ["00" * 16])
    con.close()
    return folder


def bodies(folder: Path) -> dict[str, bytes]:
    with open_pages(folder) as store:
        return {page.key: page.body for page in store.latest()}


def tables(folder: Path) -> dict[str, bytes]:
    out, _ = imported(folder)
    return {file.name: file.read_bytes() for file in sorted(out.glob("*.parquet"))}


def clear(server: FaultServer) -> None:
    server.log.clear()
    server.seen.clear()


def in_turn(n: int) -> dict[str, Sequence[Fault]]:
    """For each request that comes the next n faults of all."""

    class Each(dict[str, Sequence[Fault]]):
        turn = cycle(ALL_FAULTS)

        def __missing__(self, name: str) -> Sequence[Fault]:
            self[name] = [next(self.turn) for _ in range(n)]
            return self[name]

    return Each()


@pytest.mark.parametrize("fault", ALL_FAULTS, ids=lambda fault: str(fault.__name__))
@pytest.mark.parametrize("site", ["file", "people"])
def test_each_fault_alone_is_overcome_where_a_fetch_has_few_requests(site: str, fault: Fault, tmp_path: Path) -> None:
    calm, rough = same_salt(tmp_path / "calm" / "in"), same_salt(tmp_path / "rough" / "in")
    with serving(SITES[site]()) as server:
        fetch(site, server.url, calm)
        needed = server.succeeded()
        clear(server)
        other_text = (faulty.wrong_json, faulty.no_json)  # which robots.txt may be, too
        server.faults = lambda r: [] if r.path == "/robots.txt" and fault in other_text else [fault, fault]
        found = fetch(site, server.url, rough)
    assert found.problems == {}
    assert bodies(rough) == bodies(calm)
    assert server.succeeded() == needed


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_misbehaves_gives_the_same_bytes_in_the_end(site: str, tmp_path: Path) -> None:
    calm, rough = same_salt(tmp_path / "calm" / "in"), same_salt(tmp_path / "rough" / "in")
    with serving(SITES[site]()) as server:
        undisturbed = fetch(site, server.url, calm)
        needed = server.succeeded()
        clear(server)
        faults = in_turn(2)
        server.faults = lambda request: [] if request.path == "/robots.txt" else faults[request.name]
        found = fetch(site, server.url, rough)
    assert undisturbed.problems == found.problems == {}
    assert undisturbed.asked == needed.total()
    assert bodies(rough) == bodies(calm)
    if site != "people":
        assert tables(rough) == tables(calm) != {}
    if len(needed) >= len(ALL_FAULTS) / 2:
        assert {logged.ended for logged in server.log} >= {fault.__name__ for fault in ALL_FAULTS} - {"drip"}
        assert found.slowed >= 3
    assert server.succeeded() == needed
    assert server.most_in(LIMIT.seconds - HELD_UP) <= LIMIT.requests


@pytest.mark.parametrize("site", SITES)
def test_after_a_kill_the_rest_is_asked_for_and_nothing_twice(site: str, tmp_path: Path) -> None:
    calm, killed = same_salt(tmp_path / "calm" / "in"), same_salt(tmp_path / "killed" / "in")
    held, go_on = threading.Event(), threading.Event()

    def hold(handler: Handler, response: Response) -> None:
        """Send half, and then nothing until the test goes on."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(response.body)))
        handler.end_headers()
        handler.wfile.write(response.body[: len(response.body) // 2])
        handler.wfile.flush()
        held.set()
        go_on.wait(30)
        raise BrokenPipeError

    with serving(SITES[site]()) as server:
        fetch(site, server.url, calm)
        needed = server.succeeded()
        clear(server)
        for stop_at in sorted({at for at in (1, 3, needed.total() - 1) if at < needed.total()}):
            server.faults = lambda _request, at=stop_at: [hold] * 9 if server.succeeded().total() == at else []  # type: ignore[misc]
            held.clear()
            go_on.clear()
            process = subprocess.Popen(
                [sys.executable, "-m", "sources.web.runs", site, server.url, str(killed)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
            assert held.wait(60), "the process never came so far"
            process.send_signal(signal.SIGKILL)
            process.wait()
            go_on.set()
        server.faults = lambda _request: []
        last = fetch(site, server.url, killed)
    assert last.resumed
    assert last.problems == {}
    assert bodies(killed) == bodies(calm)
    if site != "people":
        assert tables(killed) == tables(calm) != {}
    assert server.succeeded() == needed
    assert server.most_in(LIMIT.seconds - HELD_UP) <= LIMIT.requests


def test_the_rate_is_held_over_restarts_and_however_quick_the_site_is(tmp_path: Path) -> None:
    limit = Limit(1, 0.25)
    with serving(FakeMal(n=3)) as server:
        for _ in range(3):
            fetch("mal", server.url, tmp_path / "in", limit=limit)
    times = [logged.at for logged in server.log]
    assert len(times) >= 10
    late = 0.2  # a busy machine hears of a request some time after it was sent, and of the next one at once
    assert all(at - times[0] >= n * limit.seconds - late for n, at in enumerate(times))


def test_retry_after_is_waited_for_to_the_second_and_as_a_date(tmp_path: Path) -> None:
    from email.utils import formatdate

    def until_a_date(handler: Handler, _response: Response) -> None:
        handler.send(faulty.as_json({}, 503, Retry_After=formatdate(time.time() + 2, usegmt=True)))

    first = {"/v2/anime/1?": [faulty.too_many_wait_a_second], "/v2/anime/2?": [until_a_date]}
    with serving(FakeMal(n=2), lambda r: next((f for p, f in first.items() if r.path.startswith(p)), [])) as server:
        fetch("mal", server.url, tmp_path / "in", patience=Patience(attempts=3, first_wait=0.01, longest_wait=5))
    waits = {}
    for name in {logged.path for logged in server.log}:
        at = [logged.at for logged in server.log if logged.path == name]
        waits[name.split("?")[0]] = at[-1] - at[0]
    assert waits["/v2/anime/1"] >= 1.0
    assert waits["/v2/anime/2"] >= 0.9  # a date has whole seconds


def test_a_site_that_wants_a_long_rest_is_left_alone_and_what_came_is_kept(tmp_path: Path) -> None:
    def come_tomorrow(handler: Handler, _response: Response) -> None:
        handler.send(faulty.as_json({}, 429, Retry_After="86400"))

    def from_five(request: Request) -> list[Fault]:
        return [come_tomorrow] * 99 if request.path.startswith("/v2/anime/5?") else []

    with serving(FakeMal(), from_five) as server:
        with pytest.raises(SiteError, match=r"left alone for 86400 s.*the same command goes on"):
            fetch("mal", server.url, tmp_path / "in")
        assert server.log[-1].path.startswith("/v2/anime/5?")
        server.faults = lambda _request: []
        found = fetch("mal", server.url, tmp_path / "in")
    assert found.resumed
    assert found.problems == {}
    assert set(server.succeeded().values()) == {1}


def test_one_page_that_never_comes_is_reported_and_asked_for_again_next_time(tmp_path: Path) -> None:
    with serving(FakeMal(), lambda r: [faulty.broken] * 99 if "anime/4?" in r.path else []) as server:
        found = fetch("mal", server.url, tmp_path / "in")
        assert list(found.problems) == ["mal/anime/00000004"]
        assert "500, 5 times" in found.problems["mal/anime/00000004"]
        server.faults = lambda _request: []
        clear(server)
        again = fetch("mal", server.url, tmp_path / "in")
    assert again.problems == {}
    assert [logged.path.split("?")[0] for logged in server.log] == ["/v2/anime/4"]


def test_a_403_is_a_reason_to_slow_down_and_is_reported(tmp_path: Path) -> None:
    said: list[str] = []
    with serving(FakeMal(n=2), lambda r: [faulty.forbidden] if "anime/2?" in r.path else []) as server:
        found = fetch("mal", server.url, tmp_path / "in", patience=Patience(slow_wait=0.6, first_wait=0.01), said=said)
    at = [logged.at for logged in server.log if "anime/2?" in logged.path]
    assert at[1] - at[0] >= 0.6
    assert found.slowed == 1
    assert any("403, slow down" in text for text in said)


def test_a_wrong_key_ends_the_fetch_with_what_to_do(tmp_path: Path) -> None:
    with serving(lambda _request: faulty.as_json({}, 401)) as server:
        with pytest.raises(InputError, match=r"does not accept the key.*environment"):
            fetch("mal", server.url, tmp_path / "in")
        assert len(server.log) == 1


def test_the_secret_goes_to_no_other_site(tmp_path: Path) -> None:
    def lures(_request: Request) -> Response:
        return faulty.as_json({"data": [], "paging": {"next": "https://example.org/v2/more"}})

    with serving(lures) as server, pytest.raises(InputError, match=r"example\.org.*not followed"):
        fetch("mal", server.url, tmp_path / "in")


def test_a_second_fetch_of_a_season_asks_only_for_what_changed(tmp_path: Path) -> None:
    for site, fake, changed in (
        ("mal", FakeMal(), "/v2/anime/7?"),
        ("anilist", FakeAniList(), "1007"),
    ):
        folder = tmp_path / site / "in"
        with serving(fake) as server:
            fetch(site, server.url, folder)
            clear(server)
            fetch(site, server.url, folder)
            listings = [logged.name for logged in server.log]
            assert not [name for name in listings if "/v2/anime/" in name and "/season/" not in name]
            assert not [name for name in listings if '"ids"' in name]
            clear(server)
            fake.versions[7] = "2027-01-01" if site == "mal" else 1_900_000_000  # type: ignore[assignment]
            found = fetch(site, server.url, folder)
        details = [logged.name for logged in server.log if changed in logged.name]
        assert len(details) == 1
        assert len(server.log) == len(listings) + 1
        assert found.new >= 1


def test_pages_with_a_tag_are_not_sent_again_while_they_are_the_same(tmp_path: Path) -> None:
    fake = FakeJikan()
    with serving(fake) as server:
        first = fetch("jikan", server.url, tmp_path / "in")
        fake.members[2] = 2000
        second = fetch("jikan", server.url, tmp_path / "in")
    assert first.same == 0
    assert second.new == 2  # anime 2 on a page of its own and in its genre
    assert second.same == first.new - 2


def test_anilists_count_of_requests_is_obeyed(tmp_path: Path) -> None:
    fake = FakeAniList(headers={"X-RateLimit-Limit": "90", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"})

    def answer(request: Request) -> Response:
        fake.headers["X-RateLimit-Reset"] = str(int(time.time()) + 1)
        return fake(request)

    said: list[str] = []
    with serving(answer) as server:
        fetch("anilist", server.url, tmp_path / "in", limit=Limit(1, 0.01), said=said)
    assert len(server.log) >= 4
    assert any("count of requests is used up" in text for text in said)
    assert server.log[-1].at - server.log[0].at >= 0.5 * (len(server.log) - 1)


def test_anilist_is_never_asked_for_more_than_the_cap_of_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anirec.sources.web.anilist.MOST_A_DAY", 3)
    with serving(FakeAniList()) as server:
        with pytest.raises(InputError, match="3 requests in 24 hours are the most"):
            fetch("anilist", server.url, tmp_path / "in")
        assert len(server.log) == 3


def test_a_persons_name_is_in_no_page_no_table_and_no_message(tmp_path: Path) -> None:
    said: list[str] = []
    for site, fake in (("mal", FakeMal()), ("anilist", FakeAniList())):
        folder = tmp_path / site / "in"
        with serving(fake, lambda r: [faulty.broken] if "animelist" in r.path else []) as server:
            found = fetch(site, server.url, folder, said=said)
        assert found.new > 3
        out, _ = imported(folder)
        name = PERSON.split("/")[0].split()[1].encode()
        with sqlite3.connect(folder / "pages.sqlite") as con:
            dumped = "\n".join(con.iterdump()).encode()
        con.close()
        kept = b"".join(bodies(folder).values())
        for where in (dumped, kept, *(f.read_bytes() for f in out.rglob("*"))):
            assert name not in where
    assert said
    assert not [text for text in said if "Pelican" in text]


def test_reviewers_become_numbers_in_the_tables(tmp_path: Path) -> None:
    with serving(FakeJikan()) as server:
        fetch("jikan", server.url, tmp_path / "in")
    out, _ = imported(tmp_path / "in")
    assert not [file for file in out.rglob("*") if b"Pelican" in file.read_bytes()]


def test_two_fetches_into_one_folder_do_not_run_at_once(tmp_path: Path) -> None:
    with open_pages(tmp_path, create=True), pytest.raises(InputError, match="in use by another"):
        fetch("mal", "http://127.0.0.1:9", tmp_path)


def test_a_store_holds_pages_of_one_site(tmp_path: Path) -> None:
    with serving(FakeJikan()) as server:
        fetch("jikan", server.url, tmp_path / "in")
        with pytest.raises(InputError, match="holds pages of jikan"):
            fetch("mal", server.url, tmp_path / "in")


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"ConnectError.*the same command goes on"):
        fetch("jikan", "http://127.0.0.1:9", tmp_path, patience=Patience(attempts=2, first_wait=0.01))


def test_an_answer_that_drips_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    quick = Patience(attempts=2, first_wait=0.01, deadline=0.5, read=2)
    with serving(FakeJikan(n=1), lambda r: [faulty.drip] if "full" in r.path else []) as server:
        started = time.monotonic()
        found = fetch("jikan", server.url, tmp_path / "in", patience=quick)
    assert found.problems == {}
    assert time.monotonic() - started < 6
    assert QUICK.deadline < 1
