"""Ray with two processes that work, and find what tests have done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from anirec.core.engine import Engine
from anirec.engines import on_ray

STORE = 80 << 20  # bytes of Ray's memory for objects; it takes no less


@contextmanager
def two_workers() -> Iterator[Engine]:
    """Start it, and shut it down."""
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    for name, value in on_ray.QUIETLY.items():
        os.environ.setdefault(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        ray.init(num_cpus=2, object_store_memory=STORE, include_dashboard=False, log_to_driver=False)
    with on_ray.opened() as engine:
        assert engine.workers == 2
        yield engine
    ray.shutdown()
