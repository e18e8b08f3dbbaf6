"""Lists are worked on in the event loop, one at a time, and nobody notices: others are looked at in between."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from anirec.service.recommend import Service
from anirec.web.app import create_app
from web.serving import API, served

MANY = 12


def asked(bundle: Path, bodies: list[dict[str, Any]], **settings: Any) -> list[tuple[str, int]]:
    """Ask for lists all at once, and then at once for health; returns who was answered and how, in that order."""
    app = create_app(served(bundle, **settings), None)

    async def crowd() -> list[tuple[str, int]]:
        answers: list[tuple[str, int]] = []
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def ask(body: dict[str, Any] | None) -> None:
                if body is None:
                    await asyncio.sleep(0.001)
                answer = await (
                    client.get("/health") if body is None else client.post(f"{API}/recommendations", json=body)
                )
                answers.append(("health" if body is None else "list", answer.status_code))

            await asyncio.gather(*(ask(body) for body in [*bodies, None]))
        return answers

    return asyncio.run(crowd())


def test_health_is_answered_between_two_lists(small_bundle: Path) -> None:
    found = asked(small_bundle, [{"likes": [4]}] * MANY)
    assert sorted(found) == [("health", 200), *[("list", 200)] * MANY]
    assert found[-1][0] == "list"


def test_who_comes_when_lists_are_worked_on_and_it_is_full_is_told_so(small_bundle: Path) -> None:
    found = asked(small_bundle, [{"likes": [4]}] * MANY, waiting=3, busy_seconds=0.001)
    statuses = [status for what, status in found if what == "list"]
    assert (statuses.count(200), statuses.count(429)) == (3, MANY - 3)


@pytest.mark.parametrize(
    ("body", "apart"),
    [
        ({"likes": [4, {"anime_id": 5, "score": 9}], "entries": [{"anime_id": 6}]}, False),
        ({"likes": ["Cowboy"]}, True),
        ({"likes": [4], "seen": list(range(1000, 1500))}, True),
    ],
)
def test_what_takes_longer_is_worked_on_in_a_thread(
    body: dict[str, Any], apart: bool, small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, recommend = [], Service.recommend

    def noted(service: Service, *given: Any, **named: Any) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        return recommend(service, *given, **named)

    monkeypatch.setattr(Service, "recommend", noted)
    asked(small_bundle, [body])
    assert threads == [apart]
