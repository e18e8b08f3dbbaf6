"""Many runs of neighbouring places at once: how rows of a CSR are taken without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all whole numbers from each start up to (not with) its stop, one run after the other.

    starts, stops: int64 [r], no stop below its start.
    """
    counts = stops - starts
    ends = np.cumsum(counts)
    return np.repeat(stops - ends, counts) + np.arange(ends[-1] if len(ends) else 0)
