"""What a protocol makes of data: what may be learned from, who is asked, and what they should be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.dataset import Dataset
from anirec.prepare.pairs import Pairs
from anirec.prepare.splits import Case


@dataclass(frozen=True)
class Exam:
    """Cases to be answered by models that learned from nothing but `train`.

    protocol, version: which it is; figures of other versions are not to be compared. parameters: what it was made with,
    JSON-able. among: further figures by name, for which none but these ids (int32, ascending) are candidates and
    targets. negatives: int32 [cases, m], ids that nobody is known to like or dislike; with them each first target is
    also ranked among those alone. gains: of each case float64 [targets], above 0, how much finding each is worth; None
    = all alike. barred: of each case int32, ids that are no candidates besides what is given; None = none. pairs: those
    that may be learned from; None = all there are.
    """

    protocol: str
    version: int
    parameters: Mapping[str, Any]
    train: Dataset
    cases: tuple[Case, ...]
    among: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    negatives: NDArray[np.int32] | None = None
    gains: tuple[NDArray[np.float64], ...] | None = None
    barred: tuple[NDArray[np.int32], ...] | None = None
    pairs: Pairs | None = None
