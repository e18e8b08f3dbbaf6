"""What a fitted model leaves behind: named arrays and plain facts. Nothing in it can be executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class State:
    """kind: which model it is (a key of the table of restorers). arrays: by name. facts: JSON-able values by name."""

    kind: str
    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


def is_finite_vector(array: NDArray[Any], length: int) -> bool:
    """Return whether `array` is one-dimensional, of this length, and free of nan and infinity."""
    return array.shape == (length,) and bool(np.isfinite(array).all())
