"""What a title says about its place in a series: its base ("Vinland Saga"), season, part, film, special, recap.

A title can be read in more than one way: "Youjo Senki II" may be a name or the second season of "Youjo Senki".
All readings are offered, the surest first; whether a title of that name exists is for the caller to see.
Digits that are part of a name ("Mob Psycho 100", "22/7") therefore do no harm: there is no "Mob Psycho" to join.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

FINAL: Final = 90
"""The season of a "Final Season", the part of a "Kanketsu-hen": after every numbered one."""


class Trust(IntEnum):
    """How a reading came about, the surest first."""

    NAME = 0  # the whole title
    VERSION = 1  # without a closing "(TV)" or "(2011)": a namesake
    MARK = 2  # without the words for a season, part, film or special
    NUMBER = 3  # without a bare number or numeral behind the name
    SUBTITLE = 4  # what stands before a colon or a dash


class Form(IntEnum):
    """What sort of entry the marks of a title call it."""

    PLAIN = 0
    MOVIE = 1
    EXTRA = 2  # OVA, special, picture drama, preview ...
    RECAP = 3


class Place(NamedTuple):
    """Where the marks of a title put it. All count from 1, which is also "not said". number: which film it is."""

    season: int = 1
    part: int = 1
    number: int = 1
    form: Form = Form.PLAIN

    @property
    def continues(self) -> bool:
        """Whether the title says that something came before it: a later season or part."""
        return self.season > 1 or self.part > 1


class Reading(NamedTuple):
    """One way to read a title. base: the name that is left, as `squeezed` writes it. words: how many words it has."""

    base: str
    words: int
    trust: Trust
    place: Place


@dataclass(frozen=True)
class Name:
    """What all titles of one anime say.

    readings: of the romaji, the English and the Japanese title, each the surest first.
    whole: those titles, squeezed. place: of the first of them that has marks.
    crossover: two names seem to meet in it ("Lupin III vs. Detective Conan").
    """

    readings: tuple[tuple[Reading, ...], ...]
    whole: tuple[str, ...]
    place: Place
    crossover: bool

    def bases(self, *trusts: Trust) -> set[str]:
        """Return the bases of the readings of these kinds, of all titles."""
        return {reading.base for title in self.readings for reading in title if reading.trust in trusts}

    def best(self) -> list[Reading]:
        """Return the readings of all titles, the surest first, each base once."""
        found: dict[str, Reading] = {}
        for reading in sorted((r for title in self.readings for r in title), key=lambda r: r.trust):
            found.setdefault(reading.base, reading)
        return list(found.values())


PLAIN: Final = Place()

_NUMERALS: Final = {
    **{word: n for n, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)},
    **{word: n for n, word in enumerate("one two three four five six seven eight nine ten".split(), 1)},
    **{word: n for n, word in enumerate("i ii iii iv v vi vii viii ix".split(), 1)},
    **{word: n for n, word in enumerate("一二三四五六七八九十", 1)},
    **{"ni": 2, "san": 3, "yon": 4, "zenpen": 1, "chuuhen": 2, "kouhen": 3},
    **{"前編": 1, "中編": 2, "後編": 3, "前篇": 1, "中篇": 2, "後篇": 3},
    **{"final": FINAL, "kanketsu-hen": FINAL, "完結編": FINAL, "完結篇": FINAL, "the final": FINAL},
}
_N: Final = r"(?:\d{1,2}|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)"
_NTH: Final = r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|final)"
_FOREIGN: Final = r"(?<=[^\x00-\x7f])"

_SEASON: Final = re.compile(
    rf"\b(?:the )?({_NTH})[ -](?:season|stage|series|beat|attack)\b|\bseason[ .:-]?({_N})\b|"
    rf"\bs(\d)\b(?=$| part| cour|:)|\b(\d{{1,2}})[ -]ki\b|\bdai[ -](\d|ni|san|yon)[ -](?:ki|season)\b|"
    rf"\b(the final)$|第?\s*([0-9一二三四五六七八九十]{{1,2}})\s*(?:期|季|シーズン|シリーズ)|シーズン\s*(\d{{1,2}})|"
    rf"{_FOREIGN}season\s*(\d{{1,2}})|{_FOREIGN}(\d)(?:nd|rd|th)\s*(?:season|シーズン)"
)
_PART: Final = re.compile(
    rf"\b(?:part|cour)[ .-]?({_N})\b|\b({_NTH})[ -](?:cour|part|half)\b|\b(zenpen|chuuhen|kouhen|kanketsu-hen)\b|"
    r"第?\s*([0-9一二三四五])\s*クール|([前中後完]結?[編篇])"
)
_MOVIE: Final = re.compile(
    r"\b(?:the |gekijou-?ban |eiga )?(?:movie|film)(?: ?(\d{1,2})\b| (ii|iii|iv)\b)?|\bgekijou-?ban\b|劇場版|^映画"
)
_RECAP: Final = re.compile(
    r"\b(?:recaps?|soushuuhen|digest|compilation|furikaeri|matome)\b|総集[編篇]|ダイジェスト|振り返り"
)
_EXTRA: Final = re.compile(
    r"\b(?:ovas?|oad|specials?|tokubetsu-hen|bangai-hen|picture drama|omake|mini ?anime|pilot|pvs?|preview|"
    r"promotion(?:al)? video|commercials?|cms?|episode 0|bonus|shorts?|music video|mv)\b(?: ?\d\b)?|"
    r"特別[編篇]|番外[編篇]|ミニアニメ|特典|\bova"
)
_ZOKU: Final = re.compile(r"^(?:zoku[ ,:・]+|続[・ ]?)(?=\S)|[ :]zoku(?=$|:)")
_NUMBER: Final = re.compile(
    rf"(?:{_FOREIGN}|[ .!?]+|(?<=[!?.]))(?<![\d,/#-])([2-9]|1\d|ii|iii|iv|v|vi|vii|viii|ix)(?=\s*$|\s*:|\s+[-~～(])"
)
_SUBTITLE: Final = re.compile(r":\s|\s[-–—~]|\s?[~～〜]|\s-(?=\S)")
_VERSION: Final = re.compile(
    r"\s*\((?:tv|ova|oav|ona|movie|specials?|tv special|music|pv|cm|shin series|\d{4}(?: \w+)?)\)\s*$"
)
_CROSSOVER: Final = re.compile(r"\s(?:x|×|vs\.?|meets|plus)\s|\bcollab|コラボ")
_NO_LETTER: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[^\W_]{2,}")
_LETTERS: Final = re.compile(r"\bs\d|[^\W\d_]{2,}")
_HAS_NUMBER: Final = re.compile(r"\d|\b[ivx]+\b")
_MARK_WORDS: Final = frozenset(
    "season stage series beat attack part cour half st nd rd th s2 s3 s4 s5 s6 ki dai first second third fourth fifth sixth "
    "final zenpen chuuhen kouhen kanketsu movie film gekijou gekijouban recap recaps soushuuhen digest compilation "
    "furikaeri matome ova ovas oad special specials tokubetsu bangai picture omake mini minianime pilot pv pvs "
    "preview promotion promotional commercial commercials cm cms episode bonus short shorts music mv zoku".split()
)
_MARK_LETTERS: Final = frozenset("期季シク編篇劇映続ミ特番振ダ")


def tidy(title: str) -> str:
    """Return the title in lower case, with HTML entities and full-width forms resolved and blanks single."""
    text = title if title.isascii() and "&" not in title else unicodedata.normalize("NFKC", html.unescape(title))
    return " ".join(text.casefold().replace("’", "'").split())


def squeezed(tidied: str) -> str:
    """Return only the letters and digits of a tidied title, so that spellings meet."""
    return _NO_LETTER.sub("", tidied)


def words_of(titles: Iterable[str | None]) -> set[str]:
    """Return the words of the titles, tidied, of two letters or more."""
    return {word for title in titles if title for word in _WORD.findall(tidy(title))}


def name_of(*titles: str | None) -> Name:
    """Return what the titles of one anime say: romaji, English and Japanese; a missing one is None or empty."""
    read: dict[str, tuple[Reading, ...]] = {}
    for title in titles:
        if title and title not in read:
            read[title] = tuple(readings(title))
    per_title = tuple(read[title] if title else () for title in titles)
    places = [r.place for found in per_title for r in found]
    return Name(
        readings=per_title,
        whole=tuple(found[0].base for found in per_title if found),
        place=next((place for place in places if place != PLAIN), PLAIN),
        crossover=any(_CROSSOVER.search(tidy(title)) for title in titles if title),
    )


def readings(title: str) -> list[Reading]:
    """Return the ways to read a title, the surest first, each base once; none if it has no letter or digit."""
    text = tidy(title)
    found: dict[str, Reading] = {}
    for name, trust, place in _ways(text):
        base = squeezed(name)
        if base and base not in found:
            found[base] = Reading(base, name.count(" ") + 1, trust, place)
    return list(found.values())


def _ways(text: str) -> Iterator[tuple[str, Trust, Place]]:
    bare = _VERSION.sub("", text) if text.endswith(")") else text
    place, spans = _marks(bare)
    yield text, Trust.NAME, place
    if bare != text:
        yield bare, Trust.VERSION, place
    head, cut = bare, bare
    if spans:
        head, cut = bare[: spans[0][0]], _without(bare, spans)
        yield cut, Trust.MARK, place
        yield head, Trust.MARK, place
    for name in {cut: 0, head: 0} if _HAS_NUMBER.search(cut) else ():
        for number in _NUMBER.finditer(name):
            numbered = _numbered(place, _value(number[1]))
            yield name[: number.start(1)] + " " + name[number.end(1) :], Trust.NUMBER, numbered
            yield name[: number.start(1)], Trust.NUMBER, numbered
    for end in reversed([m.start() for m in _SUBTITLE.finditer(head)]):
        yield head[:end], Trust.SUBTITLE, place


def _numbered(place: Place, n: int) -> Place:
    if place.form == Form.MOVIE:
        return place._replace(number=n)
    return place._replace(season=n) if place.season == 1 else place


def _marks(text: str) -> tuple[Place, list[tuple[int, int]]]:
    """Return where the marks put the title, and their spans in order."""
    if _MARK_WORDS.isdisjoint(_LETTERS.findall(text)) and (text.isascii() or _MARK_LETTERS.isdisjoint(text)):
        return PLAIN, []
    season, part, number, form = PLAIN
    spans: list[tuple[int, int]] = []
    for mark in _SEASON.finditer(text):
        season = max(season, _value(next(filter(None, mark.groups()))))
        spans.append(mark.span())
    for mark in _ZOKU.finditer(text):
        season = max(season, 2)
        spans.append(mark.span())
    for mark in _PART.finditer(text):
        part = max(part, _value(next(filter(None, mark.groups()))))
        spans.append(mark.span())
    for pattern, means in ((_MOVIE, Form.MOVIE), (_EXTRA, Form.EXTRA), (_RECAP, Form.RECAP)):
        for mark in pattern.finditer(text):
            form = means
            spans.append(mark.span())
            if means == Form.MOVIE:
                number = max(number, _value(mark[1] or mark[2] or ""))
    return Place(season, part, number, form), sorted(spans)


def _value(numeral: str) -> int:
    digits = numeral.rstrip("stndrh")
    return int(digits) if digits.isdecimal() else _NUMERALS.get(numeral, 1)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return " ".join([*kept, text[at:]])
