"""Many runs of neighbouring places at once: how rows of a CSR are taken without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.integer]:
    """Return all whole numbers from each start up to (not with) its stop, one run after the other.

    starts, stops: int64 [r], no stop below its start. The numbers are int32 where they fit, as that is faster to go by.
    """
    ends = np.cumsum(stops - starts)
    total = int(ends[-1]) if len(ends) else 0
    whole = np.int32 if max(total, int(stops.max(initial=0))) <= np.iinfo(np.int32).max else np.int64
    return np.repeat((stops - ends).astype(whole), stops - starts) + np.arange(total, dtype=whole)
