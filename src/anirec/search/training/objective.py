"""What a Sentence Transformer learns from triples: to tell an answer from the rest, or a teacher's margins.

- *contrastive*: the answer is to be nearer than all other passages of the batch, hard negatives among them
  (multiple negatives ranking; van den Oord et al. 2018, Henderson et al. 2017).
- *margin*: by how much the answer is to be nearer than a negative, as a teacher says (MarginMSE; Hofstätter et al.
  2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation").

Both losses are the library's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anirec.search.encoders import TextEncoder
from anirec.search.rerank import Reranker
from anirec.search.training.negatives import Triples
from anirec.search.training.questions import Passages

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True, eq=False)
class NearnessTeacher:
    """A bi-encoder as a teacher: the inner product of query and passage."""

    encoder: TextEncoder

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [len(texts)]."""
        vectors = self.encoder.encode([query, *texts])
        found: NDArray[np.float32] = vectors[1:] @ vectors[0]
        return found


def margins(triples: Triples, passages: Passages, teacher: Reranker) -> NDArray[np.float32]:
    """Return float32 [n]: by how much the answer beats the negative, as the teacher sees it."""
    found = np.empty(len(triples), dtype=np.float32)
    for i, (query, right, wrong) in enumerate(zip(triples.queries, triples.positives, triples.negatives, strict=True)):
        scores = teacher.score(query, [passages.texts[int(right)], passages.texts[int(wrong)]])
        found[i] = scores[0] - scores[1]
    return found


def batches(triples: Triples, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield places of triples, an epoch's, in random order; a rest of fewer than two is left out."""
    order = rng.permutation(len(triples))
    for start in range(0, len(order), size):
        if len(order) - start > 1:
            yield order[start : start + size]


def loss_of(
    model: SentenceTransformer,
    triples: Triples,
    passages: Passages,
    taught: NDArray[np.float32] | None = None,
) -> Callable[[NDArray[np.int64]], torch.Tensor]:
    """Return the loss of a batch, as a function of the places of its triples.

    taught: a teacher's `margins`, to be learned; None = contrastive. Margins are brought to a scale that cosines can
    reach: their root mean square becomes one half.
    """
    import torch  # noqa: PLC0415 - an extra
    from sentence_transformers.sentence_transformer import losses  # noqa: PLC0415 - an extra

    if taught is not None:
        scaled = torch.from_numpy(taught * (0.5 / max(float(np.sqrt(np.mean(taught**2))), 1e-9)))
        learned: Any = losses.MarginMSELoss(model)
    else:
        scaled = torch.zeros(len(triples))
        learned = losses.MultipleNegativesRankingLoss(model)

    def loss(places: NDArray[np.int64]) -> torch.Tensor:
        columns = [
            [triples.queries[int(i)] for i in places],
            [passages.texts[int(triples.positives[i])] for i in places],
            [passages.texts[int(triples.negatives[i])] for i in places],
        ]
        read = [model.preprocess(texts) for texts in columns]
        found: torch.Tensor = learned(read, scaled[torch.from_numpy(places)])
        return found

    return loss


def beaten(model: SentenceTransformer, triples: Triples, passages: Passages) -> float:
    """Return the share of triples, 0..1, whose answer is nearer to the query than the negative."""
    asked, right, wrong = (
        np.asarray(model.encode(list(texts), show_progress_bar=False))
        for texts in (
            triples.queries,
            [passages.texts[int(place)] for place in triples.positives],
            [passages.texts[int(place)] for place in triples.negatives],
        )
    )
    return float(np.mean((asked * right).sum(axis=1) > (asked * wrong).sum(axis=1)))
