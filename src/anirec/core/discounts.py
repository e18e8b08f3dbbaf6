"""What a hit counts for at each place of a list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def discounts(k: int) -> NDArray[np.float64]:
    """Return float64 [k]: 1 / log2(place + 1) for places from 1; Järvelin and Kekäläinen 2002, "Cumulated Gain"."""
    return 1.0 / np.log2(np.arange(2, k + 2))
