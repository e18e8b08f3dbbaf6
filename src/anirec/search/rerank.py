"""A cross-encoder: query and passage are read together: slower than vectors, and better. Needs `text-train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class Reranker(Protocol):
    """Scores texts against a query."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [len(texts)], higher is better; comparable within one call."""
        ...


@dataclass(frozen=True, eq=False)
class CrossReranker:
    """See `Reranker`. Make one with `open_cross_encoder`."""

    model: CrossEncoder

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [len(texts)], higher is better."""
        pairs = [(query, text) for text in texts]
        return np.asarray(self.model.predict(pairs, show_progress_bar=False), dtype=np.float32).reshape(len(texts))


def open_cross_encoder(name: str, *, download: bool = False) -> CrossReranker:
    """Open a cross-encoder by its name or folder. download: whether the model hub may be asked for it.

    Raises:
        MissingAbility: sentence-transformers is not installed.
        InputError: there is no such model.
    """
    try:
        from sentence_transformers import CrossEncoder  # noqa: PLC0415 - an extra, and seconds to load
    except ImportError as error:
        raise MissingAbility(f'reranking needs torch: pip install "anirec[text-train]" ({error})') from error
    try:
        return CrossReranker(CrossEncoder(name, device="cpu", local_files_only=not download))
    except (OSError, ValueError) as error:
        raise InputError(f'there is no cross-encoder "{name}": {error}') from error


def reranked(
    scores: NDArray[np.float32], rows: Sequence[int], passages: Sequence[str], query: str, reranker: Reranker
) -> NDArray[np.float32]:
    """Return the scores with those of some rows dealt out anew: the best passage gets the best of them.

    scores: float32 [n]. rows: of which a passage is there, best first. The scale of scores stays what it was, so that
    what they mean (a chance) and where other rows stand stays, too.
    """
    if len(rows) < 2:
        return scores
    new = reranker.score(query, passages)
    order = np.argsort(-new, kind="stable")
    held = np.array(rows)
    dealt = scores.copy()
    dealt[held[order]] = np.sort(scores[held])[::-1]
    return dealt
