"""Labels, tags and studios that a query speaks of, in their own words or in others, and the anime that carry them.

A label of several words is met as a whole or not at all: "travelling" does not speak of time travel. What is left of
the query's words may still come near a label in meaning, which counts for less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.search.glosses import GLOSSES
from anirec.search.words import Word, stems

OWN_NAME: Final = 1.0
OTHER_WORDS: Final = 0.85
"""How sure a label is meant that is called by its own name, or in other words."""
GENERIC: Final = "studio studios animation animations production productions pictures film films works inc"
"""What studios are called besides their name."""


@dataclass(frozen=True)
class Phrase:
    """Which labels some words in a row mean, and how surely, 0..1."""

    labels: tuple[tuple[int, float], ...]


@dataclass(frozen=True, eq=False)
class LabelIndex:
    """Which anime carries what.

    names: [labels], spelled as they are shown. studios: bool [labels]: whether it is a studio. indptr: int64
    [labels + 1]. rows: rows of the catalogue, ascending within a label. weights: uint8, how much of the label an anime
    has, in 255ths: a tag that comes first in its list says more than one that comes last. vectors: float32 [labels,
    size], of unit length, what each means; zero for studios. n: rows of the catalogue.
    """

    names: tuple[str, ...]
    studios: NDArray[np.bool_]
    indptr: NDArray[np.int64]
    rows: NDArray[Any]
    weights: NDArray[np.uint8]
    vectors: NDArray[np.float32]
    n: int

    @cached_property
    def phrases(self) -> dict[tuple[str, ...], Phrase]:
        """What can be said of labels: stems in a row -> labels."""
        found: dict[tuple[str, ...], dict[int, float]] = {}
        generic = frozenset(stems(GENERIC))
        for label, name in enumerate(self.names):
            own = tuple(stems(name))
            short = tuple(stem for stem in own if stem not in generic)
            spoken = [(own, OWN_NAME)]
            if self.studios[label]:
                spoken += [(short, OTHER_WORDS)] if short != own and sum(map(len, short)) > 3 else []
            else:
                spoken += [(tuple(stems(other)), OTHER_WORDS) for other in GLOSSES.get(name, "").split(", ")]
            for phrase, sure in spoken:
                if phrase:
                    meant = found.setdefault(phrase, {})
                    meant[label] = max(meant.get(label, 0.0), sure)
        return {phrase: Phrase(tuple(meant.items())) for phrase, meant in found.items()}

    @cached_property
    def _longest(self) -> int:
        return max((len(phrase) for phrase in self.phrases), default=0)

    @cached_property
    def share(self) -> NDArray[np.float32]:
        """float32 [labels]: how many of all anime carry each."""
        return (np.diff(self.indptr) / max(self.n, 1)).astype(np.float32)

    def carried(self, label: int) -> NDArray[np.float32]:
        """Return float32 [n], 0..1: how much of a label each anime has."""
        found = np.zeros(self.n, dtype=np.float32)
        start, stop = int(self.indptr[label]), int(self.indptr[label + 1])
        found[self.rows[start:stop]] = self.weights[start:stop] / np.float32(255)
        return found

    def of_row(self, row: int, labels: Iterable[int]) -> list[int]:
        """Return which of some labels an anime carries, in the order given."""
        found = []
        for label in labels:
            of_label = self.rows[int(self.indptr[label]) : int(self.indptr[label + 1])]
            place = int(np.searchsorted(of_label, row))
            if place < len(of_label) and int(of_label[place]) == row:
                found.append(label)
        return found

    def spoken_of(self, said: Sequence[Word]) -> list[tuple[Phrase, bool, tuple[int, int]]]:
        """Return the phrases in a query, the longest first where they overlap, in the order of the query.

        Each with whether it is denied, and from which of the words to which it goes.
        """
        longest = self._longest
        known = [(place, word) for place, word in enumerate(said) if word.known]
        found, start = [], 0
        while start < len(known):
            for size in range(min(longest, len(known) - start), 0, -1):
                run = known[start : start + size]
                phrase = self.phrases.get(tuple(word.stem for _, word in run))
                if phrase is not None:
                    found.append((phrase, any(word.denied for _, word in run), (run[0][0], run[-1][0] + 1)))
                    start += size
                    break
            else:
                start += 1
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps, but for the names."""
        return {
            "labels_studios": self.studios,
            "labels_indptr": self.indptr,
            "labels_rows": self.rows,
            "labels_weights": self.weights,
            "labels_vectors": self.vectors.astype(np.float16),
        }


def restore(arrays: Mapping[str, NDArray[Any]], names: Sequence[str], n: int) -> LabelIndex:
    """Put an index together again, checked.

    Raises:
        ValueError: the arrays do not fit together.
    """
    studios, indptr, rows, weights, vectors = (
        arrays[f"labels_{name}"] for name in ("studios", "indptr", "rows", "weights", "vectors")
    )
    sound = (
        len(studios) == len(names) == len(indptr) - 1 == len(vectors)
        and len(rows) == len(weights) == int(indptr[-1])
        and (len(rows) == 0 or int(rows.max()) < n)
    )
    if not sound:
        raise ValueError("the arrays of the labels do not fit together")
    return LabelIndex(tuple(names), studios, indptr, rows, weights, vectors.astype(np.float32), n)


def meaning(name: str) -> str:
    """Return the text that a label's vector is made of: its name and what it is called besides."""
    others = [other for other in GLOSSES.get(name, "").split(", ") if other.isascii()]
    return ", ".join([name, *others]) if others != [""] else name
