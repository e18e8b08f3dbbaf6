"""The canonical `reviews` and `synopses` tables -> what is written of each anime."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import BadTable
from anirec.tables import connect, filled, quoted, read_arrays

TEXTS: Final = {"reviews": "review_id", "synopses": "source"}
"""The tables that hold texts, and what those of one anime are ordered by."""


@dataclass(frozen=True)
class Documents:
    """What is written of anime. anime_ids: int32 [n], ascending, each once. texts: [n], of each at least one."""

    anime_ids: NDArray[np.int32]
    texts: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        """Return the number of anime."""
        return len(self.anime_ids)

    def known_to(self, anime_ids: NDArray[np.int32]) -> Documents:
        """Return those of anime that are among these ids."""
        rows = np.flatnonzero(np.isin(self.anime_ids, anime_ids))
        return Documents(self.anime_ids[rows], tuple(self.texts[row] for row in rows))


def read_documents(folder: Path, table: str) -> Documents:
    """Read one of `TEXTS` of a canonical folder; a folder without that table has no documents.

    Raises:
        BadTable: the file is damaged or lacks a column.
    """
    path = folder / f"{table}.parquet"
    if not path.is_file():
        return Documents(np.empty(0, np.int32), ())
    query = (
        f"SELECT anime_id, text FROM read_parquet({quoted(path)}) WHERE text IS NOT NULL "
        f"ORDER BY anime_id, {TEXTS[table]}, text"
    )
    try:
        with connect() as con:
            found = read_arrays(con, query)
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as a table of {table}: {error}") from error
    ids, first = np.unique(filled(found["anime_id"], -1).astype(np.int32), return_index=True)
    bounds = [*first.tolist(), len(found["text"])]
    texts = [str(text) for text in found["text"]]
    return Documents(ids, tuple(tuple(texts[a:b]) for a, b in pairwise(bounds)))
