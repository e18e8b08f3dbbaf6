"""From chunks to anime: what is found votes for the anime that it is from.

A vote counts by how near the chunk is to the query; one text has so many votes at most; and a title with many chunks
is held to more, for among many some come near by chance. A chunk that denies what is asked for does not vote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VotingConfig:
    """found: chunks that vote. width: similarity by which a chunk must be nearer for its vote to count e times as much.

    per_text: votes of one text, its nearest chunks. correction: 0 = votes are added up, 1 = their mean over the
    chunks that a title has.
    """

    found: int = 1000
    width: float = 0.06
    per_text: int = 2
    correction: float = 0.35


def at_most(texts: NDArray[np.int32], most: int) -> NDArray[np.bool_]:
    """Return bool [found]: the first `most` of each text; texts [found], nearest first."""
    order = np.argsort(texts, kind="stable")
    ordered = texts[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(texts) else np.empty(0, np.int64)
    place = np.arange(len(texts)) - np.repeat(starts, np.diff(np.r_[starts, len(texts)]))
    kept = np.zeros(len(texts), dtype=np.bool_)
    kept[order] = place < most
    return kept


def votes(
    rows: NDArray[np.int64],
    texts: NDArray[np.int32],
    similarity: NDArray[np.float32],
    chunks_of: NDArray[np.int64],
    config: VotingConfig,
) -> NDArray[np.float32]:
    """Return float32 [n]: by row of the catalogue, the similarity that the votes for it amount to; -inf without votes.

    rows: [found], of the anime that each chunk is from. texts: [found], which text it is from. similarity: [found],
    nearest first. chunks_of: int64 [n], how many chunks each anime has in all.

    One chunk alone gives its own similarity, less the correction: s + width * log(sum of e^((s_i - s) / width) /
    chunks^correction), s the nearest.
    """
    scores = np.full(len(chunks_of), -np.inf, dtype=np.float32)
    if len(rows) == 0:
        return scores
    kept = at_most(texts, config.per_text)
    rows, similarity = rows[kept], similarity[kept]
    top = float(similarity[0])
    weights = np.exp((similarity - top) / config.width, dtype=np.float64)
    total = np.bincount(rows, weights=weights, minlength=len(chunks_of))
    voted = total > 0
    corrected = np.log(total[voted]) - config.correction * np.log(np.maximum(chunks_of[voted], 1))
    scores[voted] = top + config.width * corrected
    return scores


def counted(rows: NDArray[np.int64], texts: NDArray[np.int32], n: int) -> NDArray[np.float32]:
    """Return float32 [n]: how many texts of each anime were found, and nothing else: how the old system scored."""
    kept = at_most(texts, 1)
    found: NDArray[np.float32] = np.bincount(rows[kept], minlength=n).astype(np.float32)
    return found
