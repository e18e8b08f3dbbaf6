"""The texts of a canonical folder -> chunks, each with the anime and the text that it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import BadTable
from anirec.search import texts
from anirec.search.chunks import ChunkConfig, Measure, first_of_each, windows
from anirec.tables import connect, quoted

SYNOPSIS: Final = "synopsis"
REVIEW: Final = "review"
KINDS: Final = (SYNOPSIS, REVIEW)
"""What a text is; a kind's code is its place here."""


@dataclass(frozen=True)
class DocumentConfig:
    """reviews: of one anime, the most helpful ones; 0 = all. language: other texts are left out; "" = all are in.

    synopsis, review: how each is cut.
    """

    reviews: int = 0
    language: str = "en"
    synopsis: ChunkConfig = field(default_factory=ChunkConfig)
    review: ChunkConfig = field(default_factory=ChunkConfig)


@dataclass(frozen=True, eq=False)
class Texts:
    """Cleaned texts, aligned. anime_ids: int32 [n]. kinds: int8 [n], place in `KINDS`. texts: [n], none empty.

    Those that the most people may ask about come first: synopses by members of the anime; then the most helpful review
    of each anime by members, then the second of each, and so on.
    dropped: how many texts were left out, by reason.
    """

    anime_ids: NDArray[np.int32]
    kinds: NDArray[np.int8]
    texts: Sequence[str]
    dropped: dict[str, int]

    def known_to(self, anime_ids: NDArray[np.int32]) -> Texts:
        """Return those about anime that are among these ids; the others are dropped as unknown."""
        kept = np.flatnonzero(np.isin(self.anime_ids, anime_ids))
        dropped = self.dropped | {"unknown anime": len(self.texts) - len(kept)}
        return Texts(self.anime_ids[kept], self.kinds[kept], [self.texts[int(i)] for i in kept], dropped)


@dataclass(frozen=True, eq=False)
class Chunks:
    """Chunks in the order of their texts.

    anime_ids: int32 [n]. kinds: int8 [n]. documents: int32 [n], which text of `Texts` each is from. texts: [n].
    """

    anime_ids: NDArray[np.int32]
    kinds: NDArray[np.int8]
    documents: NDArray[np.int32]
    texts: Sequence[str]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.texts)


def read_texts(folder: Path, config: DocumentConfig) -> Texts:
    """Read synopses and reviews of a canonical folder, cleaned; a missing table gives none.

    Raises:
        BadTable: a file cannot be read.
    """
    ids, kinds, kept, dropped = [], [], [], {"empty": 0, "other language": 0, "said before": 0}
    for kind, clean in ((SYNOPSIS, texts.synopsis), (REVIEW, texts.review)):
        rows = _rows(folder, kind, config.reviews)
        cleaned = [clean(row[1]) for row in rows]
        for (anime_id, _), text, first in zip(rows, cleaned, first_of_each(cleaned), strict=True):
            if not text:
                dropped["empty"] += 1
            elif not first:
                dropped["said before"] += 1
            elif config.language and texts.language(text) not in (config.language, ""):
                dropped["other language"] += 1
            else:
                ids.append(anime_id)
                kinds.append(KINDS.index(kind))
                kept.append(text)
    return Texts(np.array(ids, dtype=np.int32), np.array(kinds, dtype=np.int8), kept, dropped)


def cut(found: Texts, measure: Measure, config: DocumentConfig, *, most: int = 0) -> Chunks:
    """Cut all texts into chunks; what an anime's texts say twice in the same words is kept once.

    most: chunks at most, 0 = all: of synopses no more than half of them, unless reviews leave room, then of reviews;
    of each kind the first ones, see `Texts`.
    """
    configs = {KINDS.index(SYNOPSIS): config.synopsis, KINDS.index(REVIEW): config.review}
    said: set[tuple[int, str]] = set()
    documents: list[int] = []
    kept: list[str] = []
    of_kind = dict.fromkeys(configs, 0)
    for number, text in enumerate(found.texts):
        kind = int(found.kinds[number])
        if 0 < most <= of_kind[kind]:
            continue  # no more of this kind than there may be of all
        anime_id = int(found.anime_ids[number])
        for chunk in windows(text, measure, configs[kind]):
            if (anime_id, chunk) not in said:
                said.add((anime_id, chunk))
                documents.append(number)
                kept.append(chunk)
                of_kind[kind] += 1
    rows = np.array(documents, dtype=np.int32)
    places = _shared(found.kinds[rows], most) if most else np.arange(len(rows))
    rows = rows[places]
    return Chunks(found.anime_ids[rows], found.kinds[rows], rows, [kept[int(place)] for place in places])


def _shared(kinds: NDArray[np.int8], most: int) -> NDArray[np.int64]:
    """Return the places, ascending, of the chunks that are kept: of each kind the first, and half of each."""
    synopses, reviews = (np.flatnonzero(kinds == KINDS.index(kind)) for kind in KINDS)
    of_synopses = max(-(-most // 2), most - len(reviews))
    kept = synopses[:of_synopses]
    return np.sort(np.concatenate([kept, reviews[: most - len(kept)]]))


def _rows(folder: Path, kind: str, most: int) -> list[Any]:
    """Return anime id and text: the most helpful of each anime, those of most members first, then the second."""
    file = folder / ("synopses.parquet" if kind == SYNOPSIS else "reviews.parquet")
    if not file.is_file():
        return []
    best = "coalesce(helpful, 0) DESC, review_id" if kind == REVIEW else "text"
    limit = f"WHERE place <= {int(most)}" if kind == REVIEW and most else ""
    query = (
        f"WITH t AS (SELECT anime_id, text, row_number() OVER (PARTITION BY anime_id ORDER BY {best}) AS place "
        f"FROM read_parquet({quoted(file)}) WHERE text IS NOT NULL) "
        f"SELECT t.anime_id, text FROM t JOIN read_parquet({quoted(folder / 'anime.parquet')}) a USING (anime_id) "
        f"{limit} ORDER BY place, coalesce(a.members, 0) DESC, t.anime_id"
    )
    try:
        with connect() as con:
            return con.execute(query).fetchall()
    except duckdb.Error as error:
        raise BadTable(f"the texts in {folder} cannot be read: {error}") from error
