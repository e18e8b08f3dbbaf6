"""How a use case tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total), often; cheap to call."""


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""
