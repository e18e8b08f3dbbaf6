from __future__ import annotations

from collections.abc import Iterator

import pytest

from anirec.core.engine import Engine
from two_workers import two_workers


@pytest.fixture(scope="module")
def on_two_workers() -> Iterator[Engine]:
    """Ray with two processes that work."""
    with two_workers() as engine:
        yield engine
