"""Who is most like whom: every title asks a model, and the best answers become a graph.

What it does: asks for each title's `most` best, makes one number of what two titles say of each other (the mean; who is
not among the other's best says 0), and keeps of each title its first ten as neighbours, few of them of its own
franchise, so that a walk along the graph leads out of a series. What it does not: look into the model, which may be any
`Recommender`; anirec gives it the blend of `similar`.

Memory: 8 bytes a kept answer. Time: that of the model, some 2 ms a title and core.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender

if TYPE_CHECKING:
    from scipy import sparse

NOBODY: Final = -1
"""Stands where a title has no further neighbour."""
BLOCK: Final = 64
"""Titles asked about at a time."""


@dataclass(frozen=True)
class GraphConfig:
    """How the graph is made.

    most: answers kept of each title. neighbours: of each title, of these. relatives: of its neighbours, at most so many
    of its own franchise. least: an answer counts if its score is above this.
    """

    most: int = 100
    neighbours: int = 10
    relatives: int = 3
    least: float = 0.0


@dataclass(frozen=True)
class Alike:
    """What titles a model takes to be like each. Rows are places in `anime_ids`.

    anime_ids: int32 [n], ascending. others: int32 [n, most] rows, best first, `NOBODY` where there are fewer.
    scores: float32 [n, most], above 0, at most 1 where the model's are; 0 where there is nobody.
    """

    anime_ids: NDArray[np.int32]
    others: NDArray[np.int32]
    scores: NDArray[np.float32]

    def mutual(self) -> sparse.csr_array[np.float32]:
        """Return float32 CSR [n, n], symmetric, nothing on the diagonal: the mean of what two say of each other."""
        from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

        n, most = self.others.shape
        told = self.others >= 0
        rows = np.repeat(np.arange(n, dtype=np.int32), most).reshape(n, most)
        matrix = sparse.csr_array((self.scores[told], (rows[told], self.others[told])), shape=(n, n))
        mean = sparse.csr_array((matrix + matrix.T) * np.float32(0.5))
        mean.sort_indices()
        return mean

    def known(self) -> NDArray[np.bool_]:
        """Return bool [n]: which titles anything is said of, by themselves or by others."""
        said = self.others[:, 0] >= 0
        said[np.unique(self.others[self.others >= 0])] = True
        return said


def ask(
    model: Recommender,
    anime_ids: NDArray[np.int32],
    config: GraphConfig,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Alike:
    """Ask the model about every title. Ties go by id.

    anime_ids: int32 [n], ascending, items of the model. progress: called with how many titles are done, and of how
    many.
    """
    n, most = len(anime_ids), min(config.most, max(len(anime_ids) - 1, 1))
    others = np.full((n, most), NOBODY, dtype=np.int32)
    scores = np.zeros((n, most), dtype=np.float32)
    for start in range(0, n, BLOCK):
        progress(start, n)
        rows = np.arange(start, min(start + BLOCK, n))
        for row, told in zip(rows.tolist(), answers(model, anime_ids, rows), strict=True):
            best = _best(told, most, config.least)
            others[row, : len(best)] = best
            scores[row, : len(best)] = told[best]
    progress(n, n)
    return Alike(anime_ids=anime_ids, others=others, scores=scores)


def answers(model: Recommender, anime_ids: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return float32 [len(rows), n]: what the model says of every title beside those at `rows`; -inf for itself."""
    profiles = [Profile.of_likes([int(anime_ids[row])]) for row in rows]
    told = np.ascontiguousarray(model.score(profiles)[:, rows_of(model.items, anime_ids)])
    told[np.arange(len(rows)), rows] = -np.inf
    return told


def _best(told: NDArray[np.float32], most: int, least: float) -> NDArray[np.int64]:
    """Return the rows of the `most` highest scores above `least`, best first, ties by row."""
    floor = np.partition(told, len(told) - most)[len(told) - most]
    rows = np.flatnonzero((told >= floor) & (told > least))
    best: NDArray[np.int64] = rows[np.argsort(-told[rows], kind="stable")][:most]
    return best


def neighbours_of(
    mutual: sparse.csr_array[np.float32], franchise: NDArray[np.int32], config: GraphConfig
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the graph: of each title the rows of its neighbours, best first, and their weights.

    franchise: int32 [n]. Returns int32 [n, neighbours] with `NOBODY` where there are fewer, and float32 of that shape,
    0 there. More relatives than `relatives` come in only where nobody else is left.
    """
    n = mutual.shape[0]
    neighbours = np.full((n, config.neighbours), NOBODY, dtype=np.int32)
    weights = np.zeros((n, config.neighbours), dtype=np.float32)
    for row in range(n):
        block = slice(int(mutual.indptr[row]), int(mutual.indptr[row + 1]))
        others, told = mutual.indices[block], mutual.data[block]
        order = np.lexsort((others, -told))
        related = franchise[others[order]] == franchise[row]
        late = related & (np.cumsum(related) > config.relatives)
        kept = np.sort(np.argsort(late, kind="stable")[: config.neighbours])
        best = order[kept]
        neighbours[row, : len(best)] = others[best]
        weights[row, : len(best)] = told[best]
    return neighbours, weights
