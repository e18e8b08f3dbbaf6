"""Static word vectors: a text is the mean of its tokens' vectors. Microseconds, no net; lower quality.

The vectors are distilled from any encoder: each token of its vocabulary is encoded by itself, what all tokens have in
common is taken away, and a token counts less the more common it is. Source: Arora et al. 2017, "A simple but
tough-to-beat baseline for sentence embeddings" (weights and common component); Tulkens & van Dongen 2024, "Model2Vec"
(vectors of single tokens from a sentence encoder).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle
from anirec.search.encoders.facts import EncoderFacts, read_facts, scaled, write_facts
from anirec.search.encoders.tokens import TokenEncoder, open_tokenizer

if TYPE_CHECKING:
    from anirec.search.encoders.onnx import OnnxEncoder

COMMON: Final = 1e-3
"""Share of all tokens from which a token's weight falls under one half."""
MAX_TOKENS: Final = 4096


@dataclass(frozen=True, eq=False)
class StaticEncoder(TokenEncoder):
    """See `TextEncoder`. vectors: float16 [vocabulary, size], weights within."""

    vectors: NDArray[np.float16]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, size]; a text without tokens gives zeros."""
        found = np.zeros((len(texts), self.size), dtype=np.float32)
        for row, ids in enumerate(self.tokens(texts)):
            if ids:
                found[row] = self.vectors[ids[: self.max_tokens]].astype(np.float32).mean(axis=0)
        return scaled(found) if self.unit else found


def open_static(folder: Path) -> StaticEncoder:
    """Open an encoder's folder: `encoder.json`, `tokenizer.json`, `vectors.npy`.

    Raises:
        MissingAbility: tokenizers is not installed.
        DamagedBundle: a file is missing or cannot be read.
    """
    facts, tokenizer = read_facts(folder), open_tokenizer(folder)
    try:
        vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DamagedBundle(f"the text encoder in {folder} cannot be opened: {error}") from error
    if vectors.shape != (tokenizer.get_vocab_size(), facts.size):
        raise DamagedBundle(f"the text encoder in {folder} has vectors that do not fit its vocabulary")
    return StaticEncoder(tokenizer, facts, vectors)


def distil(teacher: OnnxEncoder, source: Path, out: Path, counts: NDArray[np.int64]) -> EncoderFacts:
    """Write a static encoder with the vocabulary of another one.

    source: the teacher's folder. out: an empty folder. counts: int64 [vocabulary], how often each token was met in
    some texts.
    """
    vocabulary = teacher.tokenizer.get_vocab()
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    vectors = teacher.encode([token.removeprefix("##") for token in tokens])
    vectors -= vectors.mean(axis=0)
    share = counts / max(int(counts.sum()), 1)
    vectors *= (COMMON / (COMMON + share)).astype(np.float32)[:, None]
    facts = EncoderFacts(
        size=teacher.size,
        max_tokens=MAX_TOKENS,
        pooling="mean",
        normalise=True,
        kind="static",
        name=f"static vectors of {teacher.facts.name}",
        origin=teacher.facts.origin,
    )
    np.save(out / "vectors.npy", vectors.astype(np.float16), allow_pickle=False)
    shutil.copy(source / "tokenizer.json", out / "tokenizer.json")
    write_facts(facts, out)
    return facts
