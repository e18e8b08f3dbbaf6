"""All that search looks into, and how one query becomes a chance for every anime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import Unreachable
from anirec.core.state import State
from anirec.search import labels as label_index
from anirec.search import lexical
from anirec.search.asked import Asked
from anirec.search.encoders import TextEncoder
from anirec.search.fusion import Views
from anirec.search.labels import LabelIndex
from anirec.search.lexical import Lexical
from anirec.search.vectors import FEW_STEPS, Signs, VectorIndex, Vectors, halved, unhalved
from anirec.search.voting import VotingConfig, counted, votes
from anirec.search.words import keys_of

NEAR: Final = 0.35
"""Cosine from which a label comes near a query in meaning."""
TELLING: Final = 0.45
"""Cosine from which such a label is named as a reason: nearer than most that count for a little."""
NEAREST: Final = 8
"""Labels at most that do."""
COUNTED: Final = 500
"""Chunks whose texts are counted by the scoring `votes`."""
MOST_SAID: Final = np.float32(2.0)
"""What reviewers say most of all of one title counts so much at most, in parts of what they say of the tenth."""
SURE: Final = 0.3
"""How much of a concept an anime must have for it to be met."""


@dataclass(frozen=True, eq=False)
class Chunked:
    """The chunks, in the order of their vectors. rows: [n] of the catalogue. texts: int32 [n], which text each is from.

    denied_keys, denied_indptr: hashes of the words that each denies, see `words.keys_of`. passages: the chunks
    themselves in UTF-8, one after the other, and where each begins; None where a bundle has no texts.
    """

    vectors: Vectors
    rows: NDArray[Any]
    texts: NDArray[np.int32]
    denied_keys: NDArray[np.uint64]
    denied_indptr: NDArray[np.int64]
    passages: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None

    def passage(self, chunk: int) -> str | None:
        """Return a chunk's text, None where the bundle has none."""
        if self.passages is None:
            return None
        signs, starts = self.passages
        return bytes(signs[int(starts[chunk]) : int(starts[chunk + 1])]).decode()

    def denying(self, chunks: NDArray[np.int64], stems: Iterable[str]) -> NDArray[np.bool_]:
        """Return bool [len(chunks)]: which deny one of these stems."""
        wanted = keys_of(stems)
        if len(wanted) == 0 or len(self.denied_keys) == 0:
            return np.zeros(len(chunks), dtype=np.bool_)
        hits = np.r_[0, np.cumsum(np.isin(self.denied_keys, wanted))]
        found: NDArray[np.bool_] = hits[self.denied_indptr[chunks + 1]] > hits[self.denied_indptr[chunks]]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps."""
        steps = self.vectors.steps
        few = len(steps) > 0 and int(np.abs(steps).max()) <= FEW_STEPS
        found: dict[str, NDArray[Any]] = {
            "chunk_vectors": halved(steps) if few else steps,
            "chunk_scales": self.vectors.scales,
            "chunk_rows": self.rows,
            "chunk_texts": self.texts,
            "chunk_denied": self.denied_keys,
            "chunk_denied_indptr": self.denied_indptr,
        }
        if self.passages is not None:
            found |= {"passages": self.passages[0], "passage_starts": self.passages[1]}
        return found


@dataclass(frozen=True, eq=False)
class Found:
    """What one query found.

    views: see `fusion.VIEWS`. counts: float32 [n], the count-only scoring. chunks, similarity: of the nearest chunks,
    best first. labels: that it speaks of or comes clearly near, the surest first. without_vectors: why no chunks were
    looked for, words and labels alone count then; None = they were.
    """

    views: Views
    counts: NDArray[np.float32]
    chunks: NDArray[np.int64]
    similarity: NDArray[np.float32]
    labels: tuple[int, ...]
    without_vectors: str | None = None


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """See the module. nearest: what finds chunks; None = signs first, see `vectors`."""

    catalogue: Catalogue
    chunks: Chunked
    words: Lexical
    said: Lexical
    labels: LabelIndex
    voting: VotingConfig = field(default_factory=VotingConfig)
    nearest: VectorIndex | None = None

    @cached_property
    def _nearest(self) -> VectorIndex:
        return self.nearest or Signs(self.chunks.vectors)

    @cached_property
    def _chunks_of(self) -> NDArray[np.int64]:
        """int64 [catalogue]: how many chunks each anime has."""
        return np.bincount(self.chunks.rows, minlength=len(self.catalogue))

    @cached_property
    def _fame(self) -> NDArray[np.float32]:
        """float32 [catalogue], 0..1: 1 = the most members, falling with their logarithm."""
        logs = np.log1p(self.catalogue.members.astype(np.float32))
        return (logs / max(float(logs.max(initial=0)), 1.0)).astype(np.float32)

    def look(self, asked: Asked, encoder: TextEncoder, like: NDArray[np.float32] | None = None) -> Found:
        """Look at every anime from all sides.

        like: float32 [catalogue], 0..1, how alike each is to the titles that the query names; None = it names none.
        """
        vector = encoder.encode([asked.text])
        most = self.voting.found if asked.stems or like is None else 0  # a query of a title alone says nothing else
        chunks, similarity, without = self._near_chunks(vector, most)
        affirming = ~self.chunks.denying(chunks, asked.stems)
        rows = self.chunks.rows[chunks].astype(np.int64)
        texts = self.chunks.texts[chunks]
        voted = votes(rows[affirming], texts[affirming], similarity[affirming], self._chunks_of, self.voting)
        words, full = self.words.score(asked.stems)
        named, all_named = self._named(asked)
        near, nearest = self._near(vector[0], asked)
        views = {
            "dense": _between(voted, similarity),
            "words": words / np.float32(max(full, 1e-6)),
            "said": _of_the_tenth(self.said.score(asked.stems)[0]),
            "named": named,
            "all_named": all_named,
            "near": near,
            "fame": self._fame,
        } | self._against(asked)
        if like is not None:
            views["like"] = like
        spoken = [label for concept in asked.wanted for label, _ in concept.labels]
        labels = tuple(dict.fromkeys([*spoken, *nearest]))
        counts = counted(rows[:COUNTED], texts[:COUNTED], len(self.catalogue))
        return Found(views, counts, chunks, similarity, labels, without)

    def _near_chunks(
        self, vector: NDArray[np.float32], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], str | None]:
        """Return the nearest chunks and how near they are; none, and why, where a store of them does not answer."""
        try:
            chunks, similarity = self._nearest.nearest(vector, most)
        except Unreachable as error:
            return np.empty(0, np.int64), np.empty(0, np.float32), str(error)
        return chunks[0], similarity[0], None

    def _named(self, asked: Asked) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how much of the concepts each anime has, and 1 where it has something of each."""
        n = len(self.catalogue)
        total, met, weight = np.zeros(n, np.float32), np.ones(n, np.float32), 0.0
        for concept in asked.wanted:
            has = np.zeros(n, dtype=np.float32)
            for label, sure in concept.labels:
                has = np.maximum(has, sure * self.labels.carried(label))
            share = min(1.0, sum(float(self.labels.share[label]) for label, _ in concept.labels))
            rarity = float(-np.log(max(share, 1e-4)))
            total += rarity * has
            met *= has >= SURE
            weight += rarity
        return (total / np.float32(weight), met) if weight > 0 else (total, np.zeros(n, np.float32))

    def _near(self, vector: NDArray[np.float32], asked: Asked) -> tuple[NDArray[np.float32], list[int]]:
        """Return how much each anime has of the labels that come near in meaning, and which of those are telling."""
        n = len(self.catalogue)
        length = float(np.linalg.norm(vector))
        cosines = self.labels.vectors @ vector / max(length, 1e-12)
        barred = [label for concept in asked.unwanted for label, _ in concept.labels]
        cosines[barred] = 0
        order = [int(i) for i in np.argsort(-cosines, kind="stable")[:NEAREST] if cosines[i] > NEAR]
        total, weight = np.zeros(n, dtype=np.float32), 0.0
        for label in order:
            of_label = float(cosines[label] - NEAR) * float(-np.log(max(float(self.labels.share[label]), 1e-4)))
            total += np.float32(of_label) * self.labels.carried(label)
            weight += of_label
        telling = [label for label in order if cosines[label] > TELLING]
        return (total / np.float32(weight) if weight else total), telling

    def _against(self, asked: Asked) -> dict[str, NDArray[np.float32]]:
        """Return the views that speak against an anime."""
        found: dict[str, NDArray[np.float32]] = {}
        if asked.unwanted:
            carried = [sure * self.labels.carried(label) for c in asked.unwanted for label, sure in c.labels]
            found["unwanted"] = np.maximum.reduce(carried).astype(np.float32)
        if asked.denied:
            words, most = self.words.score(asked.denied)
            found["denied"] = words / np.float32(max(most, 1e-6))
        if asked.years is not None:
            first, last = asked.years
            years = self.catalogue.years
            found["years"] = ((years < first) | (years > last)).astype(np.float32)
        if asked.kinds:
            codes = [KINDS.index(kind) for kind in asked.kinds]
            found["kinds"] = (~np.isin(self.catalogue.kinds, codes)).astype(np.float32)
        return found

    def state(self) -> State:
        """Return what a bundle keeps."""
        facts = {"labels": list(self.labels.names), "size": int(self.chunks.vectors.steps.shape[1])}
        words = {f"words_{name}": array for name, array in self.words.arrays().items()}
        said = {f"said_{name}": array for name, array in self.said.arrays().items()}
        return State("search", {**self.chunks.arrays(), **words, **said, **self.labels.arrays()}, facts)


def restore(state: State, catalogue: Catalogue, *, voting: VotingConfig | None = None) -> SearchIndex:
    """Put an index together again from what a bundle keeps.

    Raises:
        ValueError, KeyError: arrays are missing or do not fit together.
    """
    arrays: Mapping[str, NDArray[Any]] = state.arrays
    steps = arrays["chunk_vectors"]
    if steps.dtype == np.uint8:
        steps = unhalved(steps, int(state.facts["size"]))
    vectors = Vectors(steps, arrays["chunk_scales"])
    passages = (arrays["passages"], arrays["passage_starts"]) if "passages" in arrays else None
    chunks = Chunked(
        vectors,
        arrays["chunk_rows"],
        arrays["chunk_texts"],
        arrays["chunk_denied"],
        arrays["chunk_denied_indptr"],
        passages,
    )
    n, m = len(catalogue), len(vectors)
    lengths = {len(vectors.steps), len(chunks.rows), len(chunks.texts), len(chunks.denied_indptr) - 1}
    if lengths != {m} or (m and int(chunks.rows.max()) >= n):
        raise ValueError("the arrays of the chunks do not fit together")
    if passages is not None and (len(passages[1]) != m + 1 or int(passages[1][-1]) != len(passages[0])):
        raise ValueError("the passages do not fit the chunks")
    names: Sequence[str] = state.facts["labels"]
    return SearchIndex(
        catalogue,
        chunks,
        lexical.restore({name: arrays[f"words_{name}"] for name in lexical.ARRAYS}, n),
        lexical.restore({name: arrays[f"said_{name}"] for name in lexical.ARRAYS}, n),
        label_index.restore(arrays, names, n),
        voting or VotingConfig(),
    )


def _between(voted: NDArray[np.float32], similarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return votes as 0..1: 0 = as far as the last chunk that was found, 1 = as near as the best anime."""
    if len(similarity) == 0 or not np.isfinite(voted).any():
        return np.zeros(len(voted), dtype=np.float32)
    floor, top = float(similarity[-1]), float(voted.max())
    lowest = min(floor, float(voted[np.isfinite(voted)].min()))
    found = np.where(np.isfinite(voted), (voted - lowest) / max(top - lowest, 1e-6), 0)
    return np.clip(found, 0, 1).astype(np.float32)


def _of_the_tenth(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores as parts of the tenth best, at most `MOST_SAID`."""
    tenth = float(np.partition(scores, -10)[-10]) if len(scores) >= 10 else float(scores.max(initial=0))
    tenth = tenth if tenth > 0 else float(scores.max(initial=0))
    found: NDArray[np.float32] = np.minimum(scores / np.float32(max(tenth, 1e-6)), MOST_SAID)
    return found
