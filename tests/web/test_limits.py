"""What a request may cost: how often, how many at once, how large, how slow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from anirec.web.counting import MOST_ADDRESSES, Bucket
from anirec.web.limits import Gate, network_of
from anirec.web.settings import WebSettings
from web.serving import API, client


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 600),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=120),
)
def test_no_address_is_let_in_more_often_than_its_rate_and_burst(rate: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    bucket, let_in = Bucket(rate, burst, clock), []
    for pause in pauses:
        clock.now += pause
        wait = bucket.wait("a")
        if wait == 0:
            let_in.append(clock.now)
        else:
            clock.now += wait + 1e-6
            assert bucket.wait("a") == 0  # what it was told was true
            let_in.append(clock.now)
    for first, begin in enumerate(let_in):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= burst + (let_in[last] - begin) * rate / 60 + 1e-3


def test_addresses_do_not_wait_for_one_another_and_memory_does_not_grow() -> None:
    clock = Clock()
    bucket = Bucket(1, 1, clock)
    assert [bucket.wait("a") for _ in range(2)] == [0.0, 60.0]
    assert all(bucket.wait(str(i)) == 0 for i in range(MOST_ADDRESSES + 10))
    assert bucket.wait("a") == 0  # forgotten, as the one that asked longest ago


def test_of_ipv6_a_whole_customer_counts_as_one() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1") != network_of("2001:db8:1:3::4")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")


def test_an_address_that_asks_too_often_is_told_when_to_come_again(small_bundle: Path) -> None:
    with client(small_bundle, rate=60, burst=2) as asking:
        answers = [asking.get(f"{API}/genres") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json()["type"] == "/problems/too-many-requests"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert asking.get("/health").status_code == asking.get("/metrics").status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(small_bundle: Path) -> None:
    with client(small_bundle, most_body=1000) as asking:
        answer = asking.post(f"{API}/recommendations", json={"likes": [1] * 1000})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def scope_of(path: str = f"{API}/recommendations") -> Scope:
    return {"type": "http", "path": path, "method": "POST", "headers": []}


async def ask(gate: Gate, parts: list[bytes], *, pause: float = 0.0, path: str = f"{API}/recommendations") -> int:
    """Ask with a body in parts, each after a pause; returns the status."""
    waiting, told = list(parts), 0

    async def receive() -> Message:
        await asyncio.sleep(pause)
        part = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        nonlocal told
        told = message.get("status", told)

    await gate(scope_of(path), receive, send)
    return told


async def fine(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.sleep(0.02)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_body_that_says_nothing_of_its_size_is_counted_while_it_comes() -> None:
    gate = Gate(fine, WebSettings(most_body=100))
    assert asyncio.run(ask(gate, [b"x" * 60, b"x" * 60])) == 413
    assert asyncio.run(ask(gate, [b"x" * 60, b"x" * 30])) == 200


def test_a_body_that_drips_is_given_up() -> None:
    gate = Gate(fine, WebSettings(body_seconds=0.05))
    assert asyncio.run(ask(gate, [b"x"] * 10, pause=0.02)) == 408


@pytest.mark.parametrize("path", [f"{API}/recommendations", f"{API}/lists/import"])
def test_who_comes_when_it_is_full_is_told_so_and_the_others_are_answered(path: str) -> None:
    async def crowd() -> list[int]:
        gate = Gate(fine, WebSettings(waiting=3, uploads=3, busy_seconds=0.01))
        first = await asyncio.gather(*(ask(gate, [b"x"], path=path) for _ in range(8)))
        return [*first, await ask(gate, [b"x"], path=path)]

    found = asyncio.run(crowd())
    assert sorted(found[:8]) == [200] * 3 + [429] * 5
    assert found[-1] == 200


def test_bodies_that_drip_take_no_place_from_those_that_are_whole() -> None:
    async def crowd() -> tuple[list[int], list[int]]:
        gate = Gate(fine, WebSettings(waiting=2, body_seconds=0.5, busy_seconds=0.01))
        slow = [asyncio.create_task(ask(gate, [b"x", b"y"] * 20, pause=0.1)) for _ in range(50)]
        await asyncio.sleep(0.05)
        quick = [await ask(gate, [b"x"]) for _ in range(5)]
        return quick, await asyncio.gather(*slow)

    assert asyncio.run(crowd()) == ([200] * 5, [408] * 50)


def test_all_that_is_on_its_way_has_a_limit_together_and_its_room_is_free_again() -> None:
    async def crowd() -> list[int]:
        gate = Gate(fine, WebSettings(most_reading=100, busy_seconds=0.01))
        first = asyncio.create_task(ask(gate, [b"x" * 80, b"x"], pause=0.02))
        await asyncio.sleep(0.03)
        second = await ask(gate, [b"x" * 60])
        return [await first, second, await ask(gate, [b"x" * 90])]

    assert asyncio.run(crowd()) == [200, 429, 200]


def test_health_is_told_however_full_it_is() -> None:
    async def crowd() -> list[int]:
        gate = Gate(fine, WebSettings(waiting=1, busy_seconds=0.01))
        asked = [ask(gate, [b"x"], path=path) for path in (f"{API}/search", f"{API}/health", "/metrics", f"{API}/map")]
        return await asyncio.gather(*asked)

    assert asyncio.run(crowd()) == [200, 200, 200, 429]


def test_a_place_is_free_again_after_a_mistake() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise httpx.HTTPError("mistake")

    async def thrice() -> None:
        gate = Gate(broken, WebSettings(waiting=1))
        for _ in range(3):
            with pytest.raises(httpx.HTTPError):
                await ask(gate, [b"x"])

    asyncio.run(thrice())
