"""Words in the texts of each anime: BM25 over several fields, all scores worked out beforehand.

score(anime, word) = idf(word) * tf / (k1 + tf), tf = sum over fields of weight * count / (1 - b + b * length / mean)

A query adds up one short list for each of its words. Source: Robertson & Zaragoza 2009, "The probabilistic relevance
framework" (BM25F); scores worked out beforehand: Lù 2024, "BM25S". Scores are kept in 8 bits, words as hashes: an index
holds no text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.search.words import keys_of

STEPS: Final = 255
ARRAYS: Final = ("keys", "indptr", "rows", "impacts", "scales", "idf")
SAID_OF: Final = 20
"""A word that the reviews of fewer anime hold tells nothing in `build_said`."""


@dataclass(frozen=True)
class LexicalConfig:
    """k1: how soon more of the same word counts no more. b: how much long texts are held against, 0..1.

    synopsis, review: weights of the fields. most: words kept of each anime, the most telling ones; 0 = all. said: the
    same for what is said more often than usual, see `build_said`.
    """

    k1: float = 1.2
    b: float = 0.75
    synopsis: float = 1.0
    review: float = 1.0
    most: int = 0
    said: int = 0


@dataclass(frozen=True, eq=False)
class Lexical:
    """Scores by word.

    keys: uint64 [words], ascending. indptr: int64 [words + 1]. rows: int32 or uint16 [scores], the anime's row.
    impacts: uint8 [scores], in steps of `scales` [words]. idf: float32 [words]. n: rows of the catalogue.
    """

    keys: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    rows: NDArray[Any]
    impacts: NDArray[np.uint8]
    scales: NDArray[np.float32]
    idf: NDArray[np.float32]
    n: int

    def score(self, stems: Iterable[str]) -> tuple[NDArray[np.float32], float]:
        """Return float32 [n], each anime's score, >= 0, and what an anime that is full of all the words would have.

        Each stem counts once; one that no text holds counts for neither.
        """
        scores = np.zeros(self.n, dtype=np.float32)
        most = 0.0
        for place in self._places(stems):
            start, stop = int(self.indptr[place]), int(self.indptr[place + 1])
            scores[self.rows[start:stop]] += self.impacts[start:stop] * self.scales[place]
            most += float(self.idf[place])
        return scores, most

    def knows(self, stem: str) -> bool:
        """Return whether any text holds it."""
        return len(self._places([stem])) > 0

    def _places(self, stems: Iterable[str]) -> NDArray[np.int64]:
        if len(self.keys) == 0:
            return np.empty(0, dtype=np.int64)
        wanted = np.unique(keys_of(stems))
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found: NDArray[np.int64] = places[self.keys[places] == wanted]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps."""
        return {name: getattr(self, name) for name in ARRAYS}


def restore(arrays: Mapping[str, NDArray[Any]], n: int) -> Lexical:
    """Put an index together again from its arrays, checked.

    Raises:
        ValueError: they do not fit together.
    """
    keys, indptr, rows, impacts, scales, idf = (arrays[name] for name in ARRAYS)
    sound = (
        len(indptr) == len(keys) + 1 == len(scales) + 1 == len(idf) + 1
        and len(rows) == len(impacts) == (int(indptr[-1]) if len(indptr) else 0)
        and (len(rows) == 0 or int(rows.max()) < n)
    )
    if not sound:
        raise ValueError("the arrays of the word index do not fit together")
    return Lexical(keys, indptr, rows, impacts, scales, idf, n)


def build(fields: Mapping[str, Sequence[Counter[str]]], weights: Mapping[str, float], config: LexicalConfig) -> Lexical:
    """Build the index.

    fields: by name, for each of the n rows how often it says each stem; an empty counter where it has no such text.
    weights: by field.
    """
    n = len(next(iter(fields.values())))
    tf: list[dict[str, float]] = [{} for _ in range(n)]
    for name, rows in fields.items():
        lengths = np.array([row.total() for row in rows], dtype=np.float64)
        mean = lengths[lengths > 0].mean() if (lengths > 0).any() else 1.0
        for row, counter in enumerate(rows):
            norm = weights[name] / (1 - config.b + config.b * lengths[row] / mean)
            of_row = tf[row]
            for stem, count in counter.items():
                of_row[stem] = of_row.get(stem, 0.0) + norm * count
    holders = Counter(stem for of_row in tf for stem in of_row)
    texts = sum(1 for of_row in tf if of_row)
    idf = {stem: float(np.log1p((texts - df + 0.5) / (df + 0.5))) for stem, df in holders.items()}
    by_stem: dict[str, list[tuple[int, float]]] = {}
    for row, of_row in enumerate(tf):
        scored = [(stem, idf[stem] * f / (config.k1 + f)) for stem, f in of_row.items()]
        if 0 < config.most < len(scored):
            scored = sorted(scored, key=lambda s: (-s[1], s[0]))[: config.most]
        for stem, value in scored:
            by_stem.setdefault(stem, []).append((row, value))
    return _packed(by_stem, idf, n)


def build_said(rows: Sequence[Counter[str]], *, most: int = 0) -> Lexical:
    """Build an index of what reviewers say of one anime more often than of others.

    score(anime, word) = idf(word) * max(0, log((uses + 2) / (expected + 2))), expected: as often as in all reviews

    BM25 asks how often a word is used, this one how much more often than usual: everybody's reviews say "protagonist".
    The 2 keeps few uses from telling much. rows: for each of the n rows how often its reviews say each stem. Words that
    the reviews of fewer than `SAID_OF` anime hold are left out: names, mostly. most: see `LexicalConfig`.
    """
    holders = Counter(stem for row in rows for stem in row)
    used: Counter[str] = Counter()
    for row in rows:
        used.update(row)
    total, reviewed = max(used.total(), 1), sum(1 for row in rows if row)
    idf = {stem: float(np.log(max(reviewed, 1) / df)) for stem, df in holders.items() if df >= SAID_OF}
    by_stem: dict[str, list[tuple[int, float]]] = {}
    for place, row in enumerate(rows):
        length = row.total()
        scored = [
            (stem, idf[stem] * float(np.log((uses + 2) / (length * used[stem] / total + 2))))
            for stem, uses in row.items()
            if stem in idf
        ]
        scored = sorted(((s, v) for s, v in scored if v > 0), key=lambda s: (-s[1], s[0]))
        for stem, value in scored[: most or None]:
            by_stem.setdefault(stem, []).append((place, value))
    return _packed(by_stem, idf, len(rows))


def _packed(by_stem: Mapping[str, list[tuple[int, float]]], idf: Mapping[str, float], n: int) -> Lexical:
    stems = list(by_stem)
    keys = keys_of(stems)
    order = np.argsort(keys)
    lists = [by_stem[stems[i]] for i in order]
    sizes = np.array([len(one) for one in lists], dtype=np.int64)
    rows = np.array([row for one in lists for row, _ in one], dtype=np.uint16 if n <= 1 << 16 else np.int32)
    values = np.array([value for one in lists for _, value in one], dtype=np.float32)
    scales = np.array([max(value for _, value in one) / STEPS for one in lists], dtype=np.float32)
    impacts = np.rint(values / np.repeat(scales, sizes)).astype(np.uint8)
    return Lexical(
        keys=keys[order],
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        rows=rows,
        impacts=np.maximum(impacts, 1),
        scales=scales,
        idf=np.array([idf[stems[i]] for i in order], dtype=np.float32),
        n=n,
    )
