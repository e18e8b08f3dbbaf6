"""An encoder that is opened when it is first asked: a server is ready before its net is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from anirec.search.encoders import TextEncoder
from anirec.search.encoders.facts import EncoderFacts, KnownByFacts


@dataclass(eq=False)
class DeferredEncoder(KnownByFacts):
    """See `TextEncoder`. facts: of the encoder's folder, read at once. open: may raise what opening it raises."""

    facts: EncoderFacts
    open: Callable[[], TextEncoder]
    _opened: TextEncoder | None = None
    _lock: Lock = field(default_factory=Lock)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, size]."""
        return self._encoder().encode(texts)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has."""
        return self._encoder().lengths(texts)

    def _encoder(self) -> TextEncoder:
        with self._lock:
            if self._opened is None:
                self._opened = self.open()
            return self._opened
