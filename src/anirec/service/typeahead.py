"""Titles while somebody types: prefixes, words inside, typos, in any language; better known ones first among equals.

All titles stand in one array of signs, without blanks, so that `onepiece` and `one piece` are the same. Every place
where a word begins, and every sign of a script that knows no blanks, is a start; starts are sorted by their first four
signs. What was typed is looked for among them by bisection, and, where few fit, with some edits.

Source: a suffix array cut to the starts of words (Manber & Myers 1993); edits are those of optimal string alignment
(insert, delete, replace, swap neighbours; Boytsov 2011, "Indexing methods for approximate dictionary searching",
section 2.2.1) from a start to wherever fits best, after a filter by which letters occur (ibid., section 5.2.4).

Memory: some 40 bytes a start, 100,000 titles 25 MB. Time: below 5 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import InputError
from anirec.titles import Level, TitleIndex, title_key

HEAD: Final = 4  # signs of 16 bits that sort a start: one number of 64 bits
END: Final = 10  # the sign after each title; no title has it
BLANK: Final = 32
UNSPACED: Final = 0x3040  # from here on (kana, kanji, hangul) words may begin at any sign
LONGEST: Final = 32  # signs of what was typed that are looked at
LETTERS: Final = 16  # signs from a start whose letters are known to the filter
EDITS: Final = ((12, 3), (6, 2), (3, 1))
"""From so many signs, so many edits are forgiven."""
ENOUGH: Final = 3
"""Where so many anime fit as typed, or one whose title is all that was typed, no typo is looked for."""
NEAR: Final = 1000
"""Starts that are compared sign by sign, those of the best known titles first."""
SETTLED: Final = (5, 2)
"""Among the first 5 signs no more than 2 edits are forgiven."""
LEADING: Final = 400
"""Starts that are told apart by title; at most so many are of a few anime."""

WHOLE: Final = 1.5
FIRST: Final = 0.5
MAIN: Final = 0.2
EDIT: Final = 1.0
"""What it is worth that a title is all that was typed, that it begins so, that it is a main title; and what an edit
costs: each in powers of ten of members."""


@dataclass(frozen=True)
class TitleHit:
    """An anime that may be meant.

    title: its main one. matched: that of its titles which fits. kind: a type, None = not known. members: 0 = not known.
    similarity: 0..100, the share of what was typed that is in the title as typed.
    """

    anime_id: int
    title: str
    matched: str
    year: int | None
    kind: str | None
    members: int
    similarity: float


@dataclass(frozen=True)
class _Starts:
    """What fits, one for each start: title, int64 [m]; worth, edits, float32 [m]; whether all of it was typed, bool."""

    title: NDArray[np.int64]
    worth: NDArray[np.float32]
    edits: NDArray[np.float32]
    whole: NDArray[np.bool_]


@dataclass(frozen=True)
class Typeahead:
    """All titles, ready to be looked up. Make one with `Typeahead.of`; it holds no state between calls.

    signs: uint16, all keys without blanks, `END` after each. heads: uint64 [s], the first `HEAD` signs from each start,
    ascending. places: int32 [s], where the start is among the signs. titles: int32 [s], of which title. letters: uint64
    [s], a bit for each sign (modulo 64) among the first `LETTERS`. begins: int32 [t], where each title begins. rows:
    int32 [t], of which anime. fame: float32 [t], the logarithm of its members, and whether the title is a main one.
    written: all titles in UTF-8; ends: int64 [t]. shown: int32 [n], the main title of each anime.
    """

    catalogue: Catalogue
    signs: NDArray[np.uint16]
    heads: NDArray[np.uint64]
    places: NDArray[np.int32]
    titles: NDArray[np.int32]
    letters: NDArray[np.uint64]
    begins: NDArray[np.int32]
    rows: NDArray[np.int32]
    fame: NDArray[np.float32]
    written: bytes
    ends: NDArray[np.int64]
    shown: NDArray[np.int32]

    @classmethod
    def of(cls, index: TitleIndex) -> Typeahead:
        """Build it from all titles that a bundle has; some tenths of a second."""
        texts, keys = index.texts()
        signs, word = _squeezed(keys)
        places = np.flatnonzero(word).astype(np.int32)
        title_of = np.cumsum(signs == END, dtype=np.int32)
        padded = np.concatenate([signs, np.full(LONGEST + 8, END, dtype=np.uint16)])
        heads = _heads(padded, places)
        order = np.argsort(heads, kind="stable")
        places = places[order]
        rows = np.searchsorted(index.catalogue.anime_ids, index.anime_ids).astype(np.int32)
        fame = np.log10(index.catalogue.members[rows] + 100.0) + MAIN * (index.levels == Level.MAIN)
        written = [text.encode("utf-8", "replace") for text in texts]
        shown = np.zeros(len(index.catalogue), dtype=np.int32)
        main = np.flatnonzero(index.levels == Level.MAIN)[::-1]
        shown[rows[main]] = main  # the first main title of each stands last here, and stays
        return cls(
            catalogue=index.catalogue,
            signs=padded,
            heads=heads[order],
            places=places,
            titles=title_of[places],
            letters=_letters(padded, places),
            begins=np.concatenate([[0], np.flatnonzero(signs == END)[:-1] + 1]).astype(np.int32),
            rows=rows,
            fame=fame.astype(np.float32),
            written=b"".join(written),
            ends=np.cumsum([len(text) for text in written], dtype=np.int64),
            shown=shown,
        )

    def complete(self, text: str, k: int = 8, *, adult: bool = False) -> list[TitleHit]:
        """Return up to k anime that may be meant by what was typed so far, best first; ties by id.

        Nothing typed, or blanks alone, fits nothing. adult: whether such titles may appear.

        Raises:
            InputError: k is less than 1.
        """
        if k < 1:
            raise InputError(f"k is {k}; ask for at least 1 title")
        key = title_key(text)[: 2 * LONGEST]
        typed = _signs(key.replace(" ", ""))[:LONGEST]
        if len(typed) == 0 or len(self.heads) == 0:
            return []
        found = [self._beginning(typed)]
        best = self._best(found, k, adult=adult)
        plain = len(best) >= min(k, ENOUGH) or bool(found[0].whole.any())
        if len(best) < k and " " in key:
            found.append(self._of_all_words(key.split()))
            best = self._best(found, k, adult=adult)
        forgiven = next((edits for least, edits in EDITS if len(typed) >= least), 0)
        if forgiven and not plain:
            found.append(self._nearly(typed, forgiven))
            best = self._best(found, k, adult=adult)
        return [self._hit(title, edits / len(typed)) for title, edits in best]

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """Which starts begin a title."""
        return np.flatnonzero(self.places == self.begins[self.titles])

    @cached_property
    def _first_letters(self) -> NDArray[np.uint64]:
        return self.letters[self._first]

    def _range(self, typed: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Return which starts go on as typed."""
        span = self._span(typed[:HEAD])
        found = np.arange(span.start, span.stop)
        for i in range(HEAD, len(typed)):
            if not len(found):
                break
            found = found[self.signs[self.places[found] + i] == typed[i]]
        return found

    def _span(self, typed: NDArray[np.uint16]) -> slice:
        """Return where the starts are that begin with these signs, `HEAD` at most."""
        first = sum(int(sign) << (16 * (HEAD - 1 - i)) for i, sign in enumerate(typed))
        last = first + (1 << (16 * (HEAD - len(typed)))) - 1
        bounds = np.array([first, last], dtype=np.uint64)
        return slice(
            int(np.searchsorted(self.heads, bounds[0], "left")), int(np.searchsorted(self.heads, bounds[1], "right"))
        )

    def _beginning(self, typed: NDArray[np.uint16]) -> _Starts:
        found = self._range(typed)
        title, place = self.titles[found].astype(np.int64), self.places[found]
        first = place == self.begins[title]
        whole = first & (self.signs[place + len(typed)] == END)
        worth = self.fame[title] + np.where(first, np.float32(FIRST), 0) + np.where(whole, np.float32(WHOLE), 0)
        return _Starts(title, worth.astype(np.float32), np.zeros(len(title), dtype=np.float32), whole)

    def _of_all_words(self, words: list[str]) -> _Starts:
        """Return titles of anime that have all of these words, in any order and in whichever of their titles."""
        every = np.ones(len(self.catalogue), dtype=np.bool_)
        for word in words:
            titles = self.titles[self._range(_signs(word)[:LONGEST])].astype(np.int64)
            having = np.zeros(len(self.catalogue), dtype=np.bool_)
            having[self.rows[titles]] = True
            every &= having
        titles = titles[every[self.rows[titles]]]
        none = np.zeros(len(titles), dtype=np.float32)
        return _Starts(titles, self.fame[titles], none, none > 0)

    def _nearly(self, typed: NDArray[np.uint16], forgiven: int) -> _Starts:
        """Return what fits with some edits: of what begins with the first sign typed, or else of all titles' starts."""
        wanted = np.bitwise_or.reduce(np.uint64(1) << (typed[: LETTERS - forgiven] % 64).astype(np.uint64))

        def having(letters: NDArray[np.uint64]) -> NDArray[np.int64]:
            return np.flatnonzero(np.bitwise_count(wanted & ~letters) <= forgiven)

        same = self._span(typed[:1])
        near = self._edited(same.start + having(self.letters[same]), typed, forgiven)
        if not len(near.title):
            near = self._edited(self._first[having(self._first_letters)], typed, forgiven)
        return near

    def _edited(self, near: NDArray[np.int64], typed: NDArray[np.uint16], forgiven: int) -> _Starts:
        if len(near) > NEAR:
            known = self.fame[self.titles[near]]
            near = near[np.argpartition(-known, NEAR - 1)[:NEAR]]
        signs, most = SETTLED
        if len(typed) > signs:
            most = min(most, forgiven)
            near = near[edits_to_prefix(typed[:signs], self.signs, self.places[near], most) <= most]
        needed = edits_to_prefix(typed, self.signs, self.places[near], forgiven)
        fits = needed <= forgiven
        near, edits = near[fits], needed[fits].astype(np.float32)
        title = self.titles[near].astype(np.int64)
        first = self.places[near] == self.begins[title]
        worth = self.fame[title] + np.where(first, np.float32(FIRST), 0) - np.float32(EDIT) * edits
        return _Starts(title, worth.astype(np.float32), edits, np.zeros(len(title), dtype=np.bool_))

    def _best(self, found: list[_Starts], k: int, *, adult: bool) -> list[tuple[int, float]]:
        """Return title and edits of the best start of each anime, the best k anime."""
        title, worth, edits = (
            np.concatenate([getattr(some, name) for some in found]) for name in ("title", "worth", "edits")
        )
        if not adult:
            may = ~self.catalogue.adult[self.rows[title]]
            title, worth, edits = title[may], worth[may], edits[may]
        chosen: dict[int, tuple[int, float]] = {}
        looked = LEADING
        while True:
            some = np.argpartition(-worth, looked - 1)[:looked] if looked < len(worth) else np.arange(len(worth))
            rows = self.rows[title[some]]
            for i in some[np.lexsort((title[some], edits[some], rows, -worth[some]))].tolist():
                chosen.setdefault(int(self.rows[title[i]]), (int(title[i]), float(edits[i])))
                if len(chosen) == k:
                    break
            if len(chosen) >= k or looked >= len(worth):
                return list(chosen.values())
            chosen.clear()
            looked *= 8

    def _hit(self, title: int, wrong: float) -> TitleHit:
        row = int(self.rows[title])
        kind = KINDS[self.catalogue.kinds[row]]
        return TitleHit(
            anime_id=int(self.catalogue.anime_ids[row]),
            title=self._text(int(self.shown[row])),
            matched=self._text(title),
            year=int(self.catalogue.years[row]) or None,
            kind=None if kind == KINDS[0] else kind,
            members=int(self.catalogue.members[row]),
            similarity=round(100.0 * (1.0 - min(wrong, 1.0)), 1),
        )

    def _text(self, title: int) -> str:
        return self.written[int(self.ends[title - 1]) if title else 0 : int(self.ends[title])].decode()


def edits_to_prefix(
    typed: NDArray[np.uint16], signs: NDArray[np.uint16], places: NDArray[np.int32], most: int
) -> NDArray[np.int8]:
    """Return int8 [places]: edits from what was typed to what begins at each place, wherever that is cut best.

    More than `most` (at least 1) comes out as `most` + 1. An edit inserts, deletes or replaces a sign, or swaps two
    neighbours that are not edited again. signs: with at least len(typed) + most after each place.

    What is worked out is a band of the table D of typed by signs, D[i, j] for |i - j| <= most, row by row; what lies
    outside of it needs more edits anyway. Time: some 20 passes over the band for each sign that was typed.
    """
    width, over, n = 2 * most + 1, np.int8(most + 1), len(places)
    text = np.zeros((most + 1 + len(typed) + most, n), dtype=np.uint16)  # the j-th sign, from 1, at j + most
    for j in range(1, len(typed) + most + 1):
        text[j + most] = signs[places + (j - 1)]
    before = np.full((width, n), over, dtype=np.int8)  # row i - 2; band b is j = i - most + b
    last = np.full((width, n), over, dtype=np.int8)  # row i - 1, at first row 0: j signs inserted
    last[most:] = np.arange(most + 1, dtype=np.int8)[:, np.newaxis]
    for i in range(1, len(typed) + 1):
        here = text[i : i + width]
        row = last + (here != typed[i - 1])  # replaced, or as it is
        np.minimum(row[:-1], last[1:] + np.int8(1), out=row[:-1])  # a sign of what was typed is too many
        if i > 1:
            swapped = (text[i - 1 : i - 1 + width] == typed[i - 1]) & (here == typed[i - 2])
            np.minimum(row, before + np.int8(1), out=row, where=swapped)
        for band in range(1, width):  # a sign of the text was left out
            np.minimum(row[band], row[band - 1] + np.int8(1), out=row[band])
        before, last = last, np.minimum(row, over)
    edits: NDArray[np.int8] = last.min(axis=0)
    return edits


def _signs(text: str) -> NDArray[np.uint16]:
    return np.frombuffer(text.encode("utf-16-le", "replace"), dtype=np.uint16)


def _squeezed(keys: Sequence[str]) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Return the signs of all keys without blanks, `END` after each, and whether a word may begin at each."""
    signs = _signs("\n".join(keys) + "\n" if len(keys) else "")
    after = np.concatenate([[np.uint16(END)], signs[:-1]])
    word = (signs != END) & ((after == END) | (after == BLANK) | (signs >= UNSPACED))
    keep = signs != BLANK
    return signs[keep], word[keep]


def _heads(signs: NDArray[np.uint16], places: NDArray[np.int32]) -> NDArray[np.uint64]:
    heads = np.zeros(len(places), dtype=np.uint64)
    for i in range(HEAD):
        heads = (heads << np.uint64(16)) | signs[places + i]
    return heads


def _letters(signs: NDArray[np.uint16], places: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return uint64 [places]: a bit for each sign (modulo 64) among the first `LETTERS`, 2, 4, 8, then 16 at a time."""
    letters = np.uint64(1) << (signs % 64).astype(np.uint64)
    letters[signs == END] = 0
    width = 1
    while width < LETTERS:
        letters[:-width] |= letters[width:]
        width *= 2
    found: NDArray[np.uint64] = letters[places]
    return found
