"""Bundles swapped in a running server that is asked 100 times a second; and what the layers around an answer cost.

    python benchmarks/swap.py                 30 s with a swap every 3 s, one process and two
    python benchmarks/swap.py --seconds 300

People are threads of `tests/web/processes.py`, each on a connection that stays open; they, the server and the opening
of bundles share the machine. The bundle is the starter bundle, and the same with another name in its manifest: all that
is read, checked, warmed and tried out is of full size. Every third bundle is cut short, and refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from anirec.core.errors import MissingAbility
from anirec.stores.bundle import MANIFEST
from anirec.wiring.serve import starter_bundle
from filing import REPOSITORY, file_section, source, surroundings
from load import resident

EACH_SECOND: Final = 100
EVERY: Final = 3.0
"""Seconds from one swap to the next."""
ROUTE: Final = "/api/v1/version"
ASKED: Final = 4000
"""Requests by which a layer's cost is measured."""


def main() -> None:
    """Measure and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--dry", action="store_true", help="file nothing")
    asked = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY / "tests"))
    found = {f"{workers}_process{'es' * (workers > 1)}": swapped(workers, asked.seconds) for workers in (1, 2)}
    found |= {"layers_us": layers()}
    print(json.dumps(found, indent=1))
    if not asked.dry:
        at = source()
        load = {"load_average": [round(one, 1) for one in os.getloadavg()]}
        told = {"changed_since_commit": at["changed_since_commit"], **surroundings()}
        print(file_section(at["commit"], "swap", found | load | told))


def swapped(workers: int, seconds: float) -> dict[str, Any]:
    """Return what people got who asked while bundles came and went."""
    from web.processes import crowd, eventually, running

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        bundles = [folder / "one", folder / "two", folder / "broken"]
        for number, bundle in enumerate(bundles):
            shutil.copytree(starter_bundle(), bundle)
            manifest = json.loads((bundle / MANIFEST).read_text())
            (bundle / MANIFEST).write_text(json.dumps(manifest | {"benchmark": number}))
        os.truncate(next(bundles[2].rglob("models/**/*.npy")), 100)
        words = ["--workers", str(workers), "--log-level", "warning", "--rate", "0"]
        with running(folder, bundles[0], *words) as server:
            eventually(lambda: server.state()["processes"] == workers)
            calm, _ = asked_for(server, crowd, seconds / 3, [])
            memory = [resident([server.process.pid, *server.workers()])["all"]]
            swaps, outcomes = asked_for(server, crowd, seconds, bundles)
            memory.append(resident([server.process.pid, *server.workers()])["all"])
    told = [outcome for outcome, _ in outcomes]
    took = [seconds for outcome, seconds in outcomes if outcome == "swapped"]
    return {
        "without_swaps": calm,
        "with_swaps": swaps,
        "swapped": told.count("swapped"),
        "refused": told.count("DamagedBundle"),
        "swap_seconds": {"median": round(statistics.median(took), 2), "most": round(max(took), 2)},
        "memory_mb": {"before": memory[0], "after": memory[1]},
    }


def asked_for(server: Any, crowd: Any, seconds: float, bundles: list[Path]) -> tuple[dict[str, Any], list[Any]]:
    """Let people ask for so many seconds, with swaps through the bundles; returns what they got, and what became."""
    outcomes: list[tuple[str, float]] = []
    with crowd(server, each_second=EACH_SECOND, threads=8) as found:
        begun = time.monotonic()
        stop = threading.Event()
        while (left := seconds - (time.monotonic() - begun)) > 0:
            stop.wait(min(EVERY, left))
            if bundles and left > EVERY:
                at = time.monotonic()
                answer = server.reload(bundles[(len(outcomes) + 1) % len(bundles)]).json()
                outcomes.append((answer.get("what") or answer["why"], time.monotonic() - at))
    spent = time.monotonic() - begun
    waits = sorted(found.waits)
    figures = {
        "asked": found.asked,
        "per_second": round(found.asked / spent, 1),
        "failed": len(found.failed),
        "p50_ms": round(1e3 * waits[len(waits) // 2], 2),
        "p99_ms": round(1e3 * waits[int(len(waits) * 0.99)], 2),
        "max_ms": round(1e3 * waits[-1], 1),
    }
    return figures, outcomes


def layers() -> dict[str, float]:
    """Return microseconds of one request for `/version` through the application, with less and less around it."""
    from anirec.cli.serving import application_of
    from anirec.web import logs, traces
    from anirec.web.settings import WebSettings

    app = application_of(None, WebSettings())
    with Path(os.devnull).open("w") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logs.formatter())
        log = logging.getLogger("anirec")
        log.addHandler(handler)
        log.propagate = False
        log.setLevel(logging.INFO)
        found = {"all_with_a_log_line": timed(app)}
        log.setLevel(logging.WARNING)
        found["all_without_a_log_line"] = timed(app)
        bare = application_of(None, WebSettings())
        bare.user_middleware.clear()
        found["the_route_alone"] = timed(bare)
        log.setLevel(logging.INFO)
        os.environ[traces.VARIABLE] = "otlp"
        os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        try:
            traces.tracer.cache_clear()
            found["all_with_a_log_line_and_a_span"] = timed(application_of(None, WebSettings()))
        except MissingAbility as error:
            print(f"without spans: {error}", file=sys.stderr)
        log.removeHandler(handler)
    return found


def timed(app: Any) -> float:
    """Return the median microseconds of a request, asked in the process."""

    async def ask() -> float:
        scope = {
            **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"},
            **{"path": ROUTE, "raw_path": ROUTE.encode(), "root_path": "", "query_string": b""},
            **{"headers": [(b"host", b"localhost")], "server": ("localhost", 80), "client": ("127.0.0.1", 1)},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message.get("status", 200) != 200:
                raise SystemExit(f"{ROUTE} answers {message}")

        waits = []
        for _ in range(ASKED):
            begun = time.perf_counter()
            await app(dict(scope), receive, send)
            waits.append(time.perf_counter() - begun)
        return statistics.median(waits)

    return round(1e6 * asyncio.run(ask()), 1)


if __name__ == "__main__":
    main()
