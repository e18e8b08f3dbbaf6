from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from anirec.core.engine import Engine
from anirec.engines import on_ray

STORE = 80 << 20  # bytes of Ray's memory for objects; it takes no less


@pytest.fixture(scope="module")
def on_two_workers() -> Iterator[Engine]:
    """Ray with two processes that work."""
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    for name, value in on_ray.QUIETLY.items():
        os.environ.setdefault(name, value)
    ray.init(num_cpus=2, object_store_memory=STORE, include_dashboard=False, log_to_driver=False)
    with on_ray.opened() as engine:
        assert engine.workers == 2
        yield engine
    ray.shutdown()
