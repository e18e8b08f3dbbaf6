"""Any Sentence Transformer, by its name or folder, run by torch. Needs the extra `text-train`.

Pooling, normalising and score function are the model's own: the library reads them from its files. A name that is no
folder is looked for where the library keeps models, and at the model hub only if that is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """See `TextEncoder`. cosine: whether the model compares by the cosine; vectors then get the length 1."""

    model: SentenceTransformer
    cosine: bool
    batch: int = 32

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        model: Any = self.model
        asked = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(asked())

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read."""
        return int(self.model.max_seq_length or 512) - 2

    @property
    def unit(self) -> bool:
        """Whether every vector has the length 1."""
        return self.cosine

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has."""
        tokenizer: Any = self.model.tokenizer
        return [len(tokenizer.tokenize(text)) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, size]."""
        found = self.model.encode(
            list(texts), batch_size=self.batch, normalize_embeddings=self.cosine, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32).reshape(len(texts), self.size)


def open_sentence(name: str, *, download: bool = False) -> SentenceEncoder:
    """Open a Sentence Transformer. download: whether the model hub may be asked for it.

    Raises:
        MissingAbility: sentence-transformers is not installed.
        InputError: there is no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra, and seconds to load
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - the same
    except ImportError as error:
        raise MissingAbility(f'this encoder needs torch: pip install "anirec[text-train]" ({error})') from error
    disable_progress_bar()  # of reading weights, amid ours
    try:
        model = SentenceTransformer(name, device="cpu", local_files_only=not download)
    except (OSError, ValueError) as error:
        raise InputError(f'there is no Sentence Transformer "{name}": {error}') from error
    named: Any = model.similarity_fn_name
    scored = str(getattr(named, "value", named) or "cosine")
    ends_unit = type(list(model)[-1]).__name__ == "Normalize"
    return SentenceEncoder(model, cosine=ends_unit or (scored == "cosine" and _says_cosine(model)))


def _says_cosine(model: Any) -> bool:
    """Return whether the model's own config names the cosine, where the library would assume it of every model."""
    config = getattr(model, "_model_config", {}) or {}
    return config.get("similarity_fn_name") == "cosine"
