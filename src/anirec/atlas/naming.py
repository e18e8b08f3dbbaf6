"""What an area of the map is called: the labels that its titles carry more often than all others do.

What it does: compares how often each word (a label, tag, decade or kind) is carried inside and outside by the log-odds
ratio with an informative prior (the word's share over all, worth `prior` titles), over its standard deviation, so that
neither "Action", which is everywhere, nor a tag of three titles wins. A word that mostly marks the titles that a word
before it marks is passed over. What it does not: read texts.

With y of the N words inside being w, and y', N' outside, prior counts a_w of a_0 in all:

    delta = log((y + a_w) / (N + a_0 - y - a_w)) - log((y' + a_w) / (N' + a_0 - y' - a_w)),
    z = delta / sqrt(1 / (y + a_w) + 1 / (y' + a_w)).

Source: Monroe, Colaresi & Quinn 2008, "Fightin' Words", eq. 16-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.runs import runs

CLEAR: Final = 3.0
"""A word is named if its z is above this."""
COMMON: Final = 0.2
"""And if at least this share of the area's titles carry it."""
ALIKE: Final = 0.6
"""Two words are alike if those inside that carry both are at least this share of those that carry either."""
USUAL: Final = 0.25
"""What a word is worth that is not named: decades and kinds, which every title has."""
SHORT: Final = 32
"""Signs of a title behind a name."""
PRIOR: Final = 500.0
"""Words that the prior is worth."""


@dataclass(frozen=True)
class Words:
    """Which title carries which words.

    names: [w]. worth: float64 [w], what each counts beside others, 0..1. The words of title i stand at
    indptr[i]:indptr[i + 1] (int64 [n + 1]) of carried (int32, place in `names`), each once.
    """

    names: tuple[str, ...]
    worth: NDArray[np.float64]
    indptr: NDArray[np.int64]
    carried: NDArray[np.int32]

    @classmethod
    def of(cls, by_title: Sequence[Sequence[str]], worth: Mapping[str, float] | None = None) -> Words:
        """Build it from each title's words; a word that stands twice counts once.

        worth: by word, `USUAL` where it is not named; None = all words are worth the same.
        """
        names = tuple(sorted({word for words in by_title for word in words}))
        place = {name: i for i, name in enumerate(names)}
        rows = [sorted({place[word] for word in words}) for words in by_title]
        return cls(
            names=names,
            worth=np.array([1.0 if worth is None else worth.get(name, USUAL) for name in names], dtype=np.float64),
            indptr=np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
            carried=np.array([word for row in rows for word in row], dtype=np.int32),
        )

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return int64 [w]: how many of these titles carry each word."""
        return np.bincount(self._of(rows), minlength=len(self.names))

    def carriers(self, rows: NDArray[np.int64], word: int) -> NDArray[np.bool_]:
        """Return bool [len(rows)]: which of these titles carry the word."""
        owner = np.repeat(np.arange(len(rows)), np.diff(self.indptr)[rows])
        flags = np.zeros(len(rows), dtype=np.bool_)
        flags[owner[self._of(rows) == word]] = True
        return flags

    def _of(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        found: NDArray[np.int32] = self.carried[runs(self.indptr[rows], self.indptr[rows + 1])]
        return found


def log_odds(inside: NDArray[np.int64], everywhere: NDArray[np.int64], prior: float = PRIOR) -> NDArray[np.float64]:
    """Return z for each word, float64 [w], see above; 0 where there is no word outside.

    inside, everywhere: int64 [w], counts; those inside are among those everywhere.
    """
    total = everywhere.sum()
    if total == 0 or inside.sum() == total:
        return np.zeros(len(inside))
    share = prior * everywhere / total
    outside = everywhere - inside
    here, there = inside + share, outside + share
    all_here, all_there = here.sum(), there.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.log(here / (all_here - here)) - np.log(there / (all_there - there))
        z = delta / np.sqrt(1 / here + 1 / there)
    found: NDArray[np.float64] = np.where(np.isfinite(z), z, 0.0)
    return found


def telling(words: Words, rows: NDArray[np.int64], everywhere: NDArray[np.int64], most: int = 3) -> tuple[str, ...]:
    """Return up to `most` words that tell these titles from all others, by z times worth; () if none does."""
    inside = words.counts(rows)
    z = log_odds(inside, everywhere)
    named: list[str] = []
    carried: list[NDArray[np.bool_]] = []
    clear = np.flatnonzero((z > CLEAR) & (inside >= COMMON * len(rows)))
    for word in clear[np.argsort(-(z * words.worth)[clear], kind="stable")].tolist():
        if len(named) == most:
            break
        of_word = words.carriers(rows, word)
        if all(_overlap(of_word, other) < ALIKE for other in carried):
            named.append(words.names[word])
            carried.append(of_word)
    return tuple(named)


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


def told_apart(texts: Sequence[str], best_known: Sequence[str]) -> list[str]:
    """Return the texts, each that stands more than once with its area's best-known title behind it, "A (B)"."""
    times: Mapping[str, int] = {text: list(texts).count(text) for text in set(texts)}
    return [
        f"{text} ({shorten(title, SHORT, placeholder='…')})" if times[text] > 1 and title and text != title else text
        for text, title in zip(texts, best_known, strict=True)
    ]
