from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from web import serving


@pytest.fixture(scope="module")
def client(small_bundle: Path) -> Iterator[TestClient]:
    """Asks the application over the small bundle."""
    with serving.client(small_bundle) as asking:
        yield asking
