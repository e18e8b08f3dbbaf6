"""The canonical `recommendations` table -> pairs of anime that people recommend to those who like the other one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import BadTable, InputError
from anirec.tables import connect, filled, quoted, read_arrays


@dataclass(frozen=True)
class Pairs:
    """Pairs without a direction, each once. first < second: int32 [m] ids. votes: float32 [m], nan = only listed."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    votes: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.first)

    def where(self, keep: NDArray[np.bool_]) -> Pairs:
        """Return the pairs that `keep` [m] marks."""
        return Pairs(first=self.first[keep], second=self.second[keep], votes=self.votes[keep])

    def known_to(self, anime_ids: NDArray[np.int32]) -> Pairs:
        """Return the pairs of which both titles are among these ids."""
        return self.where(np.isin(self.first, anime_ids) & np.isin(self.second, anime_ids))

    def parted(self, share: float, rng: np.random.Generator) -> tuple[Pairs, Pairs]:
        """Return two random parts; the second has about a `share` (0..1) of the pairs.

        Raises:
            InputError: the share lies outside 0..1.
        """
        if not 0 <= share <= 1:
            raise InputError(f"share is {share:g}; it must lie in 0..1")
        held = rng.random(len(self)) < share
        return self.where(~held), self.where(held)


NO_PAIRS: Final = Pairs(first=np.empty(0, np.int32), second=np.empty(0, np.int32), votes=np.empty(0, np.float32))


def pairs_of(first: NDArray[np.int32], second: NDArray[np.int32], votes: NDArray[np.float32]) -> Pairs:
    """Put pairs in order: smaller id first, ascending by both.

    Raises:
        BadTable: a title is paired with itself, a pair comes twice, or votes are below 1.
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((high, low))
    low, high, votes = low[order], high[order], votes[order].astype(np.float32)
    selves = int((low == high).sum())
    twice = int(((low[1:] == low[:-1]) & (high[1:] == high[:-1])).sum())
    few = int((votes < 1).sum())
    if selves or twice or few:
        raise BadTable(f"of {len(low)} pairs, {selves} are of one title, {twice} come twice, {few} have votes below 1")
    return Pairs(first=low.astype(np.int32), second=high.astype(np.int32), votes=votes)


def read_pairs(folder: Path) -> Pairs:
    """Read `recommendations.parquet` of a canonical folder; a folder without that table has no pairs.

    Raises:
        BadTable: the file is damaged, lacks a column, or holds what `pairs_of` refuses.
    """
    path = folder / "recommendations.parquet"
    if not path.is_file():
        return NO_PAIRS
    query = f"SELECT anime_a, anime_b, votes::FLOAT AS votes FROM read_parquet({quoted(path)}) ORDER BY ALL"
    try:
        with connect() as con:
            table = read_arrays(con, query)
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as a table of recommendations: {error}") from error
    return pairs_of(
        filled(table["anime_a"], -1).astype(np.int32),
        filled(table["anime_b"], -1).astype(np.int32),
        filled(table["votes"], np.nan).astype(np.float32),
    )
