"""Texts -> vectors, behind one seam. Which class encodes is said in the encoder's own folder, see `facts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class TextEncoder(Protocol):
    """What turns texts into vectors that can be compared by their inner product, higher = more alike."""

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, without those that are added at its ends; what follows is not."""
        ...

    @property
    def unit(self) -> bool:
        """Whether every vector has the length 1, so that the inner product is the cosine."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, size], finite; the same text gives the same vector whatever stands beside it, to 1e-3.

        A text without any sign that the encoder knows gives some vector, never nan.
        """
        ...

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, without those that are added at its ends."""
        ...
