"""What Prometheus is told: how long answers take, how many were refused, what is served. Nothing of who asked what."""

from __future__ import annotations

import os
import time
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.exposition import generate_latest

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the folder in which several processes keep their counts; prometheus-client reads it
when it is imported."""

SECONDS: Final = Histogram(
    "anirec_http_request_seconds",
    "Time from a request to the end of its answer, by the route's template.",
    ("method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
INSIDE: Final = Gauge("anirec_http_inside", "Requests being answered or waiting for it.", multiprocess_mode="livesum")
REFUSED: Final = Counter("anirec_http_refused", "Requests refused: rate, busy, size, slow, host.", ("why",))
KEPT: Final = Counter("anirec_kept_answers", "Answers asked of those kept: hit, miss, not-modified.", ("what",))
KEPT_BYTES: Final = Gauge(
    "anirec_kept_answers_bytes", "Bytes of the answers that are kept.", multiprocess_mode="livesum"
)
POSTERS: Final = Counter("anirec_posters", "Posters asked of those kept: hit, miss; with --images proxy.", ("what",))
OPENING: Final = Histogram(
    "anirec_bundle_open_seconds",
    "Time in which a further bundle was opened, checked, warmed and tried out beside the one that is served.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BUNDLE: Final = Gauge(
    "anirec_bundle_info",
    "1 for the bundle that is served, 0 for those that were.",
    ("sha256", "version", "model"),
    multiprocess_mode="livemax",
)
SINCE: Final = Gauge(
    "anirec_bundle_since_seconds", "When this bundle began to be served, Unix time.", multiprocess_mode="livemax"
)
SWAPS: Final = Counter(
    "anirec_bundle_swaps", "Wishes for another bundle: swapped, unchanged, rolled-back, refused; by process.", ("what",)
)

_shown: list[tuple[str, str, str]] = []


def show_bundle(sha256: str, version: str, model: str) -> None:
    """Show a bundle as the one that is served, and those before it as not."""
    for before in _shown:
        BUNDLE.labels(*before).set(0)
    BUNDLE.labels(sha256, version, model).set(1)
    SINCE.set(time.time())
    _shown[:] = [(sha256, version, model)]


def forget_process(pid: int) -> None:
    """Leave a process that has ended out of figures that are of living ones."""
    if MULTIPROCESS in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library says no types here


def exposition() -> tuple[bytes, str]:
    """Return all figures as text, of all processes where there are several, and the media type."""
    if MULTIPROCESS not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library says no types here
    return generate_latest(registry), CONTENT_TYPE_LATEST
