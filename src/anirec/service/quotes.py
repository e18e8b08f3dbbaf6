"""What somebody wrote, beside a recommendation. Only bundles that were given texts have any.

A quote is a sentence that names it and a title of yours together, or says of it what the two have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.errors import MissingAbility
from anirec.search.chunks import sentences
from anirec.search.index import SearchIndex
from anirec.search.words import counted, stems
from anirec.service.answers import Recommendation
from anirec.service.search import shortened

MOST_CHUNKS: Final = 40
"""Chunks of one anime that are looked through, the first ones: synopses and the best reviews come first."""
NEAREST: Final = 3
"""Of them, those that come nearest to the labels are read for a sentence."""
LEAST_SIGNS: Final = 30
"""A shorter sentence says too little to be quoted."""
LEAST_NAME: Final = 4
"""Shorter titles stand in texts without being meant."""
LABELS: Final = 4
"""Shared labels that a sentence may speak of."""


@dataclass(frozen=True)
class Quote:
    """A sentence. about: whose text it is of. names: the other title that it names, None = it speaks of a label."""

    text: str
    about: int
    names: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON-able values."""
        return {"text": self.text, "about_anime_id": self.about, "names_anime_id": self.names}


@dataclass(frozen=True, eq=False)
class Quotes:
    """Finds quotes in an index that holds passages."""

    index: SearchIndex

    def of(self, item: Recommendation, named: Mapping[int, Anime]) -> Quote | None:
        """Return a quote for a recommendation, None where nobody wrote one.

        A sentence that names the recommended title and one of those that pulled it up goes before one that says of it
        what they share. named: facts of the titles that its reasons name.
        """
        pulling = [named[why.anime_id] for why in item.because if why.share > 0 and why.anime_id in named]
        for other in pulling:
            for about, mentioned in ((item.anime, other), (other, item.anime)):
                if (text := self._naming(about, mentioned)) is not None:
                    return Quote(text, about.anime_id, mentioned.anime_id)
        text = self._speaking(item.anime, item.shared[:LABELS])
        return None if text is None else Quote(text, item.anime.anime_id)

    def _naming(self, about: Anime, mentioned: Anime) -> str | None:
        """Return a sentence about one title that names another one."""
        own = " ".join(_names(about)).casefold()
        names = [name for name in _names(mentioned) if len(name) >= LEAST_NAME and name.casefold() not in own]
        if not names:
            return None
        for chunk in self._chunks(about):
            text = self._text(chunk)
            if not any(name in text for name in names):
                continue
            for sentence in sentences(text):
                if len(sentence) >= LEAST_SIGNS and any(_is_named(name, sentence) for name in names):
                    return shortened(sentence)
        return None

    def _speaking(self, about: Anime, labels: Sequence[str]) -> str | None:
        """Return the sentence about a title that says most of some labels in their own words, and denies none."""
        places = [place for place, name in enumerate(self.index.labels.names) if name in labels]
        wanted = set(stems(" ".join(labels)))
        chunks = self._chunks(about)
        if not places or len(chunks) == 0:
            return None
        near = self.index.chunks.vectors.of(chunks) @ self.index.labels.vectors[places].sum(axis=0)
        best, most = None, 0
        for place in np.argsort(-near, kind="stable")[:NEAREST]:
            for sentence in sentences(self._text(chunks[place])):
                said, denied = counted(sentence)
                found = len(wanted.intersection(said))
                if found > most and len(sentence) >= LEAST_SIGNS and not wanted & denied:
                    best, most = sentence, found
        return None if best is None else shortened(best)

    def _chunks(self, about: Anime) -> NDArray[np.int64]:
        rows = self.index.catalogue.rows_of(np.array([about.anime_id], dtype=np.int32))
        order, of_row = self._by_row
        first, last = (int(np.searchsorted(of_row, rows[0], side)) for side in ("left", "right"))
        return order[first : min(last, first + MOST_CHUNKS)]

    @cached_property
    def _by_row(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The chunks in the order of their anime, and the row of each."""
        rows = self.index.chunks.rows.astype(np.int64)
        order = np.argsort(rows, kind="stable")
        return order, rows[order]

    def _text(self, chunk: int) -> str:
        return self.index.chunks.passage(int(chunk)) or ""


def quotes_of(index: SearchIndex | None) -> Quotes | None:
    """Return what finds quotes; None where the bundle has no texts, or nothing is installed to read them with."""
    if index is None or index.chunks.passages is None:
        return None
    try:
        stems("words")
    except MissingAbility:
        return None
    return Quotes(index)


def _names(anime: Anime) -> Iterator[str]:
    """Yield what people call an anime in running text."""
    yield from dict.fromkeys(
        re.sub(r"\s*\((?:TV|OVA|ONA|\d{4})\)$", "", t) for t in (anime.title, anime.title_english) if t
    )


def _is_named(name: str, sentence: str) -> bool:
    """Return whether a sentence names a title as it is written; one word that begins it may be any word."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence)
    return found is not None and (" " in name or found.start() > 0)
