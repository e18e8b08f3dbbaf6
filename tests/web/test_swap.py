"""When a bundle may take another's place, among processes that fail as they please."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from anirec.cli.serving import opened_beside, served_of, swapping_of
from anirec.core.errors import DamagedBundle, NotABundle
from anirec.web.app import create_app
from anirec.web.lasting import Lasting, Outcome
from anirec.web.served import Served
from anirec.web.settings import WebSettings
from anirec.web.swap import Answer, Control, Opened, Swapping
from anirec.wiring.serve import starter_bundle
from small import write_small_bundle
from web.serving import API


class Process:
    """A hand that finds what it is told to. broken: paths that it cannot open."""

    def __init__(self, *broken: str, gone: bool = False) -> None:
        self.broken, self.gone = broken, gone
        self.serves: str | None = None
        self.opened: str | None = None
        self.told: list[str] = []

    def open(self, path: Path, sha256: str | None = None) -> Answer:
        if self.gone:
            raise EOFError
        if path.name in self.broken:
            return Answer.of(DamagedBundle("cut short"))
        self.opened = sha256 or path.name
        return Answer(self.opened)

    def take(self, outcome: Outcome | None) -> None:
        self.serves = self.opened
        self.told += [outcome.what] if outcome else []

    def leave(self, outcome: Outcome | None) -> None:
        self.opened = None
        self.told += [outcome.what] if outcome else []


def control_of(*processes: Process, named: str = "a") -> Control:
    def resolve(asked: str | None) -> Path:
        if asked == "nowhere":
            raise NotABundle("there is no such bundle")
        return Path(asked or "default")

    control = Control(named, resolve, Path(named))
    for process in processes:
        control.join(process)
    return control


def test_all_processes_take_a_bundle_or_none_does() -> None:
    first, second = Process(), Process("bad")
    control = control_of(first, second)
    assert control.reload("bad").why == "DamagedBundle"
    assert (first.serves, second.serves) == ("a", "a")
    assert control.reload("b").what == "swapped"
    assert (first.serves, second.serves) == ("b", "b")
    assert first.told == second.told == ["refused", "swapped"]


def test_a_name_that_means_nothing_is_refused_and_told() -> None:
    process = Process()
    control = control_of(process)
    assert control.reload("nowhere").why == "NotABundle"
    assert (process.serves, process.told) == ("a", ["refused"])


def test_the_way_back_leads_to_the_one_before_and_forth_again() -> None:
    process = Process()
    control = control_of(process)
    assert control.roll_back().what == "refused"
    control.reload("b")
    assert control.roll_back().what == "rolled-back"
    assert process.serves == "a"
    control.roll_back()
    assert process.serves == "b"


def test_a_process_that_is_gone_holds_nobody_up() -> None:
    first, second = Process(), Process()
    control = control_of(first, second)
    second.gone = True
    assert control.reload("b").what == "swapped"
    assert first.serves == "b"
    assert control.state()["processes"] == 1
    first.gone = True
    assert control.reload("c").why == "NoProcess"


def test_a_process_that_joins_late_serves_what_the_others_do() -> None:
    control = control_of(Process())
    control.reload("b")
    late = Process()
    control.join(late)
    assert late.serves == "b"


def test_a_process_that_opens_one_bundle_while_another_is_taken_opens_that() -> None:
    control = control_of(Process())

    class Slow(Process):
        def open(self, path: Path, sha256: str | None = None) -> Answer:
            if path.name == "a":
                control.reload("b")
            return super().open(path, sha256)

    slow = Slow()
    control.join(slow)
    assert slow.serves == "b"


def test_processes_that_find_two_bundles_in_one_place_take_neither() -> None:
    class Other(Process):
        def open(self, path: Path, sha256: str | None = None) -> Answer:
            found = super().open(path, sha256)
            return Answer("other") if path.name == "b" else found

    control = control_of(Process(), Other())
    assert control.reload("b").why == "Changed"


def test_wishes_that_come_while_one_is_fulfilled_are_fulfilled_once_more() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Semaphore(0)

    class Slow(Process):
        def leave(self, outcome: Outcome | None) -> None:
            begun.set()
            assert go_on.wait(30)
            super().leave(outcome)
            done.release()

    process = Slow()
    control = control_of(process)
    control.ask()
    assert begun.wait(30)
    for _ in range(5):
        control.ask()
    go_on.set()
    assert done.acquire(timeout=30)
    assert done.acquire(timeout=30)
    assert not done.acquire(timeout=0.2)
    assert process.told == ["unchanged", "unchanged"]


def swapping_by(opener: Callable[[Path], Opened]) -> Swapping:
    return Swapping(Lasting(), first=opener, beside=opener)


def test_a_request_is_answered_by_the_bundle_that_it_met() -> None:
    met, go_on = asyncio.Event(), asyncio.Event()

    def app(name: str) -> Any:
        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            met.set()
            await go_on.wait()
            await send({"name": name})

        return answer

    swapping = swapping_by(lambda path: Opened(app(path.name), path.name))

    async def two() -> list[str]:
        said: list[str] = []

        async def send(message: Any) -> None:
            said.append(message["name"])

        async def receive() -> Any:
            raise AssertionError

        swapping.open(Path("old"))
        swapping.take(None)
        first = asyncio.create_task(swapping({"type": "http"}, receive, send))
        await met.wait()
        swapping.open(Path("new"))
        swapping.take(Outcome("swapped", "now"))
        go_on.set()
        await first
        await swapping({"type": "http"}, receive, send)
        return said

    assert asyncio.run(two()) == ["old", "new"]


def test_whatever_a_bundle_does_to_us_is_a_refusal() -> None:
    def opener(path: Path) -> Opened:
        raise {"memory": MemoryError(), "mistake": KeyError("a title")}[path.name]

    swapping = swapping_by(opener)
    assert swapping.open(Path("memory")).why == "MemoryError"
    answer = swapping.open(Path("mistake"))
    assert (answer.why, answer.detail) == ("KeyError", "KeyError")


def test_a_server_that_is_warm_needs_its_folder_no_more(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    paths = ("anime/4", "anime/4/similar", "anime/2/watch-order", "titles?q=sho", "genres", "model", "random?seed=3")
    assert_needless(bundle, paths, {"likes": ["Show 4", "shwo 13"]})


@pytest.mark.slow
def test_a_server_that_is_warm_and_has_a_search_and_a_map_needs_its_folder_no_more(tmp_path: Path) -> None:
    for needed in ("onnxruntime", "tokenizers", "Stemmer"):
        pytest.importorskip(needed, reason="the extra text is not installed")
    bundle = tmp_path / "bundle"
    shutil.copytree(starter_bundle(), bundle)
    paths = (
        *(
            "search?q=sad+robots",
            "search?q=like+Monster+by+madhouse",
            "anime/1/similar?by=synopsis",
            "map",
            "map/points",
        ),
        *("map/neighbours/1", "seasons/2015/spring", "trending", "titles?q=shinseki", "examples"),
    )
    assert_needless(bundle, paths, {"likes": ["Cowboy Bebop", "montser"]})


def assert_needless(bundle: Path, paths: Sequence[str], taste: dict[str, Any]) -> None:
    """Ask a server that has its folder, and one that was warm when it went."""
    calm, warm = (served_of(bundle, WebSettings()) for _ in range(2))
    warm.warm()
    before = everything(TestClient(create_app(calm)), paths, taste)
    shutil.rmtree(bundle)
    assert everything(TestClient(create_app(warm)), paths, taste) == before


def everything(client: TestClient, paths: Sequence[str], taste: dict[str, Any]) -> list[Any]:
    got = [client.get(f"{API}/{path}") for path in paths]
    got += [
        client.post(f"{API}/recommendations", json=taste),
        client.post(f"{API}/titles/cards", json={"anime_ids": [1, 5, 6]}),
        client.post(f"{API}/lists/import", files={"file": ("a.csv", b"title,score\nShow 7,9\nshwo 8,3\n")}),
        client.post(f"{API}/groups/recommendations", json={"members": [{"likes": [1]}, {"likes": [5]}]}),
    ]
    assert [(answer.url.path, answer.text) for answer in got if answer.status_code != 200] == []
    return [answer.content for answer in got]


def test_a_bundle_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, other = write_small_bundle(tmp_path), write_small_bundle(tmp_path_of(tmp_path, "other"), note="other")
    warm = Served.warm
    times: list[str] = []

    def replace_first(served: Served) -> None:
        times.append(served.bundle_hash)
        if len(times) == 1:
            shutil.rmtree(bundle)
            shutil.copytree(other, bundle)
        warm(served)

    monkeypatch.setattr(Served, "warm", replace_first)
    opened = opened_beside(bundle, WebSettings(), None, Lasting())
    assert len(times) == 2
    assert opened.sha256 == times[1] != times[0]


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_a_bundle_that_is_served_no_more_takes_no_memory(tmp_path: Path) -> None:
    bundle, gone = write_small_bundle(tmp_path), []
    swapping = swapping_of(WebSettings(), None, lambda: None)
    for turn in range(6):
        swapping.open(bundle)
        swapping.take(Outcome("swapped", str(turn)))
        gc.unfreeze()  # what was settled counts, too
        gc.collect()
        gone.append(sum(type(one) is Served and one.service.path == bundle for one in gc.get_objects()))
    assert max(gone) <= 3, gone  # the one that is served, the one before, and what opening the first took


def test_how_often_somebody_asked_is_not_forgotten_with_the_bundle(tmp_path: Path) -> None:
    bundle, settings = write_small_bundle(tmp_path), WebSettings(rate=60, burst=2)
    lasting = Lasting(settings)
    first, second = (create_app(served_of(bundle, settings, lasting)) for _ in range(2))
    with TestClient(first) as one, TestClient(second) as two:
        assert [one.get(f"{API}/genres").status_code for _ in range(2)] == [200, 200]
        assert two.get(f"{API}/genres").status_code == 429
