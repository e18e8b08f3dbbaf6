"""A text encoder for tests: a text is the sum of fixed directions, one for each of its stems."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anirec.search.words import stems


@dataclass
class FakeEncoder:
    """See `TextEncoder`. asked: every text that was encoded, in order. Words of `same` have one direction."""

    size: int = 64
    max_tokens: int = 32
    unit: bool = True
    same: Sequence[frozenset[str]] = ()
    asked: list[str] = field(default_factory=list)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        for row, text in enumerate(texts):
            for stem in stems(text):
                group = next((sorted(words)[0] for words in self.same if stem in words), stem)
                vectors[row] += np.random.default_rng(zlib.crc32(group.encode())).standard_normal(self.size)
            vectors[row] /= max(float(np.linalg.norm(vectors[row])), 1e-9)
        return vectors
