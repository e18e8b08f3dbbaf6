"""What a title says about its place in a series: its base ("Vinland Saga"), season, part, film, special, recap.

A title can be read in more than one way: "Youjo Senki II" may be a name or the second season of "Youjo Senki".
All readings are offered, the surest first; whether a title of that name exists is for the caller to see.
Digits that are part of a name ("Mob Psycho 100", "22/7") therefore do no harm: there is no "Mob Psycho" to join.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

FINAL: Final = 90
"""The season of a "Final Season", the part of a "Kanketsu-hen": after every numbered one."""

LONG_NAME: Final = 12
"""Letters from which a name that another title begins with is no coincidence."""


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
    EXTRA = 2  # special, picture drama, mini anime ... ("OVA" is plain: it may be all there is)
    PROMO = 3  # CM, PV, preview, manner film
    MUSIC = 4
    RECAP = 5


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


class Name(NamedTuple):
    """What all titles of one anime say.

    titles: the readings of the romaji, the English and the Japanese title. readings: all of them, each base once.
    Both are in order of trust. whole: the titles as `squeezed` writes them. place: of the first with marks.
    crossover: two names seem to meet in it ("Lupin III vs. Detective Conan").
    """

    titles: tuple[tuple[Reading, ...], tuple[Reading, ...], tuple[Reading, ...]]
    readings: tuple[Reading, ...]
    whole: tuple[str, ...]
    place: Place
    crossover: bool

    @property
    def versioned(self) -> bool:
        """Whether a title closes with what tells it from its namesakes: "(TV)", "(2018)"."""
        return any(reading.trust == Trust.VERSION for title in self.titles for reading in title)

    def bases(self, *trusts: Trust) -> set[str]:
        """Return the bases of the readings of these kinds."""
        return {reading.base for reading in self.readings if reading.trust in trusts}

    def place_in(self, base: str, vaguest: Trust) -> Place | None:
        """Return where this stands in the series of that name; None if no reading of such trust or better says so."""
        for reading in self.readings:
            if reading.base == base and reading.trust <= vaguest:
                return reading.place
        return None

    def stem(self, other: Name) -> str:
        """Return the longest whole title of `other` that a title of this begins with; empty if there is none.

        Short ones count only where a colon or a dash ends them, and English ones only with a season or a part:
        licensors put the name of a series before its spin-offs, too.
        """
        parts = self.bases(Trust.SUBTITLE)
        stems = [stem for stem in other.whole if len(stem) >= LONG_NAME or stem in parts]
        return max((stem for stem in stems if self.begins_with(stem)), key=len, default="")

    def begins_with(self, stem: str) -> bool:
        """Whether one of the titles begins with these letters; the English one counts if it names a season or part."""
        romaji, english, japanese = self.titles
        counted = (romaji, japanese, english if english and english[0].place.continues else ())
        return any(title[0].base.startswith(stem) for title in counted if title)

    def agreement(self, other: Name) -> int:
        """Return how many different names the readings share with those of `other`: romaji, English, Japanese."""
        shared = set()
        for mine, theirs in zip(self.titles, other.titles, strict=True):
            common = {r.base for r in mine} & {r.base for r in theirs if r.trust <= Trust.MARK}
            shared |= {max(common, key=lambda base: (len(base), base))} if common else set()
        return len(shared)

    def contradicts(self, other: Name) -> bool:
        """Whether the Japanese titles of both are known, begin differently, and neither is part of the other."""
        mine, theirs = self.titles[-1], other.titles[-1]
        if not mine or not theirs or {r.base[:2] for r in mine} & {r.base[:2] for r in theirs}:
            return False
        return mine[0].base not in theirs[0].base and theirs[0].base not in mine[0].base


class NameIndex:
    """Who is called what: for the readings of one title, the others that have the name."""

    def __init__(self, names: Iterable[tuple[int, Name]]) -> None:
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._marked: defaultdict[str, list[int]] = defaultdict(list)
        self._seasons: defaultdict[str, set[int]] = defaultdict(set)
        for row, name in names:
            for base, _, trust, place in name.readings:
                if trust <= Trust.VERSION:
                    self._named[base].append(row)
                elif trust == Trust.MARK:
                    self._marked[base].append(row)
                if place.continues or place.number > 1:
                    self._seasons[base] |= {place.season, place.number}

    def others(self, row: int, reading: Reading) -> list[int]:
        """Return the rows whose name the reading is, or if a mark was read, other seasons where there is no first."""
        named = self._named.get(reading.base, [])
        if named and (len(named) > 1 or named[0] != row):
            return [other for other in named if other != row]
        if reading.trust == Trust.MARK and reading.words > 1 and reading.place.form < Form.EXTRA:
            return [other for other in self._marked[reading.base] if other != row]
        return []

    def numbered(self, reading: Reading) -> bool:
        """Whether the number read can be a season's or a film's: the second, or one after another that is known."""
        n = max(reading.place.season, reading.place.number)
        return n == 2 or any(1 < season < n for season in self._seasons[reading.base])


PLAIN: Final = Place()

_NUMERALS: Final = {
    word: n
    for words in (
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"],
        ["ichi", "ni", "san", "yon", "go"],
        ["zenpen", "chuuhen", "kouhen"],
        ["前編", "中編", "後編"],
        ["前篇", "中篇", "後篇"],
        "一二三四五六七八九十",
    )
    for n, word in enumerate(words, 1)
} | dict.fromkeys(["final", "the final", "kanketsu-hen", "完結編", "完結篇"], FINAL)
_N: Final = r"(?:\d{1,2}|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)"
_NTH: Final = r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|final)"
_FOREIGN: Final = r"(?<=[^\x00-\x7f])"

_SEASON: Final = re.compile(
    rf"\b(?:the )?({_NTH})[ -](?:season|stage|series|beat|attack)\b|\bseason[ .:-]?({_N})\b|"
    rf"\bs(\d)\b(?=$| part| cour|:)|\b(\d{{1,2}})[ -]ki\b|\bdai[ -](\d|ni|san|yon)[ -](?:ki|season)\b|"
    r"\b(the final)$|第?\s*([0-9一二三四五六七八九十]{1,2})\s*(?:期|シーズン|シリーズ)|"
    r"第\s*([0-9一二三四五六七八九十]{1,2})\s*季|シーズン\s*(\d{1,2})|"
    rf"{_FOREIGN}season\s*(\d{{1,2}})|{_FOREIGN}(\d)(?:nd|rd|th)\s*(?:season|シーズン)"
)
_ZOKU: Final = re.compile(r"^(?:zoku[ ,:・]+|続[・ ]?)(?=\S)|[ :]zoku(?=$|:)|\((?:zoku-hen|shin shou|shinsaku[^)]*)\)$")
_PART: Final = re.compile(
    rf"\b(?:part|cour)[ .-]?({_N})\b|\b({_NTH})[ -](?:cour|part|half)\b|\b(zenpen|chuuhen|kouhen|kanketsu-hen)\b|"
    r"第?\s*([0-9一二三四五])\s*クール|([前中後完]結?[編篇])"
)
_OVA: Final = re.compile(r"\b(?:ovas?|oad)\b(?: ?\d\b)?|\bova")
_MOVIE: Final = re.compile(
    r"\b(?:the |gekijou-?ban |eiga )?(?:movie|film)(?: ?(\d{1,2})\b| (ii|iii|iv)\b)?|\bgekijou-?ban\b|劇場版|^映画"
)
_EXTRA: Final = re.compile(
    r"\b(?:tokubetsu-hen|bangai-hen|picture drama|omake|mini ?anime|episode 0|prologue)\b(?: ?\d\b)?|"
    r"(?<!the )\bpilots?(?: film)?$|\bmini$|特別[編篇]|番外[編篇]|ミニアニメ|特典|"
    r"\b(?:specials?|shorts?|bonus|recaps?)(?=$|:| -| \d| part\b| episode| \()"
)
_PROMO: Final = re.compile(
    r"\b(?:pv|promotion(?:al)? video|cms?)\b(?: ?\d\b)?|"
    r"\b(?:preview|commercials?|pvs)(?=$|:| -| \d| part\b| episode| \()"
)
_MUSIC: Final = re.compile(r"\b(?:music video|mv)\b(?: ?\d\b)?")
_RECAP: Final = re.compile(
    r"\b(?:recaps?|soushuuhen|digest|compilation|furikaeri|matome)\b|総集[編篇]|ダイジェスト|振り返り"
)
_NUMBER: Final = re.compile(
    rf"(?:{_FOREIGN}|[ .!?]+|(?<=[!?.]))(?<![\d,/#-])([2-9]|1\d|ii|iii|iv|v|vi|vii|viii|ix)(?=\s*$|\s*:|\s+[-~～(])"
)
_SUBTITLE: Final = re.compile(r":\s|\s[-–—~]|\s?[~～〜]|\s-(?=\S)")
_VERSION: Final = re.compile(
    r"\s*\((?:tv|ova|oav|ona|movie|specials?|tv special|music|pv|cm|shin series|\d{4}(?: \w+)?)\)\s*$"
)
_CROSSOVER: Final = re.compile(r" (?:x|×|vs\.?|meets|plus) |collab|コラボ")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TRIGGERS: Final = {
    # On a title of Latin letters an expression is tried only where one of its words stands.
    _SEASON: _words("season stage series beat attack st nd rd th s ki dai final"),
    _ZOKU: _words("zoku shinsaku shou"),
    _PART: _words("part cour half zenpen chuuhen kouhen kanketsu"),
    _OVA: _words("ova ovas oad"),
    _MOVIE: _words("movie film gekijou gekijouban"),
    _EXTRA: _words(
        "special specials tokubetsu bangai picture omake mini minianime pilot episode prologue bonus pilots short "
        "shorts recap recaps"
    ),
    _PROMO: _words("pv pvs preview promotion promotional commercial commercials cm cms"),
    _MUSIC: _words("music mv"),
    _RECAP: _words("recap recaps soushuuhen digest compilation furikaeri matome"),
}
_FORMS: Final = {
    _OVA: Form.PLAIN,
    _MOVIE: Form.MOVIE,
    _EXTRA: Form.EXTRA,
    _PROMO: Form.PROMO,
    _MUSIC: Form.MUSIC,
    _RECAP: Form.RECAP,
}
_MARK_WORDS: Final = frozenset[str]().union(*_TRIGGERS.values())
_MARK_LETTERS: Final = frozenset("期季クシズ編篇版続典返映ミ")
_STRUCTURE: Final = frozenset("0123456789:~～〜()") | _MARK_LETTERS
_NUMERAL_WORDS: Final = _words("ii iii iv v vi vii viii ix")
_TO_WORDS: Final = str.maketrans({**dict.fromkeys('0123456789!?.,:;-–—~()[]/"', " "), "'": None})
_NO_LETTER: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[^\W_]{2,}")
_DIGIT: Final = re.compile(r"\d|[iv]\b")


def tidy(title: str) -> str:
    """Return the title in lower case, with HTML entities and full-width forms resolved and blanks single."""
    text = title if title.isascii() and "&" not in title else unicodedata.normalize("NFKC", html.unescape(title))
    return " ".join(text.casefold().replace("’", "'").split())


def squeezed(tidied: str) -> str:
    """Return only the letters and digits of a tidied title, so that spellings meet."""
    return tidied if tidied.isalnum() else _NO_LETTER.sub("", tidied)


def words_of(titles: Iterable[str | None]) -> set[str]:
    """Return the words of the titles that have two letters or more, in lower case."""
    return set(_WORD.findall(" ".join(title for title in titles if title).casefold()))


def says_recap(title: str | None) -> bool:
    """Whether a title or synonym calls its anime a recap, a digest or a compilation."""
    return title is not None and _RECAP.search(title.casefold()) is not None


def distinctive(base: str) -> bool:
    """Whether a name is long enough to be met again only on purpose."""
    return len(base) >= (6 if base.isascii() else 4)


def name_of(romaji: str | None, english: str | None = None, japanese: str | None = None) -> Name:
    """Return what the titles of one anime say; a missing one is None or empty."""
    texts = [tidy(title) if title else "" for title in (romaji, english, japanese)]
    read = {text: readings(text) for text in dict.fromkeys(texts)}
    of_titles = (read[texts[0]], read[texts[1]], read[texts[2]])
    best: dict[str, Reading] = {}
    for reading in sorted(chain.from_iterable(read.values()), key=attrgetter("trust")):
        best.setdefault(reading.base, reading)
    places = [found[0].place for found in of_titles if found]
    return Name(
        titles=of_titles,
        readings=tuple(best.values()),
        whole=tuple(found[0].base for found in of_titles if found),
        place=next((place for place in places if place != PLAIN), PLAIN),
        crossover=_CROSSOVER.search("\n".join(texts)) is not None,
    )


def readings(text: str) -> tuple[Reading, ...]:
    """Return the ways to read a tidied title, the surest first, each base once; none if it has no letter or digit."""
    words = (text if _STRUCTURE.isdisjoint(text) else text.translate(_TO_WORDS)).split()
    foreign = not text.isascii()
    marked = not _MARK_WORDS.isdisjoint(words) or (
        foreign and (not _MARK_LETTERS.isdisjoint(text) or "season" in text or "ova" in text)
    )
    numbered = not _NUMERAL_WORDS.isdisjoint(words) or (foreign and _DIGIT.search(text) is not None)
    if not marked and not numbered and _STRUCTURE.isdisjoint(text) and " -" not in text:
        base = squeezed(text)
        return (Reading(base, len(words), Trust.NAME, PLAIN),) if base else ()
    found: dict[str, Reading] = {}
    for name, trust, place in _ways(text, set(words) if marked else None):
        base = squeezed(name)
        if base and base not in found:
            found[base] = Reading(base, name.count(" ") + 1, trust, place)
    return tuple(found.values())


def _ways(text: str, words: set[str] | None) -> Iterator[tuple[str, Trust, Place]]:
    bare = _VERSION.sub("", text) if text.endswith(")") else text
    place, spans = _marks(bare, words) if words is not None else (PLAIN, [])
    if "(music" in text[len(bare) :]:
        place = place._replace(form=Form.MUSIC)
    yield text, Trust.NAME, place
    if bare != text:
        yield bare, Trust.VERSION, place
    head, cut = bare, bare
    if spans:
        head, cut = bare[: spans[0][0]], _without(bare, spans)
        yield cut, Trust.MARK, place
        yield head, Trust.MARK, place
    unnumbered = place.season == 1 or place.form == Form.MOVIE
    for name in dict.fromkeys((cut, head)) if unnumbered and _DIGIT.search(cut) else ():
        for number in _NUMBER.finditer(name):
            numbered = _numbered(place, _value(number[1]))
            yield name[: number.start(1)] + " " + name[number.end(1) :], Trust.NUMBER, numbered
            yield name[: number.start(1)], Trust.NUMBER, numbered
    for end in reversed([m.start() for m in _SUBTITLE.finditer(bare)]):
        yield bare[:end], Trust.SUBTITLE, place


def _numbered(place: Place, n: int) -> Place:
    if place.form == Form.MOVIE:
        return place._replace(number=n)
    return place._replace(season=n)


def _marks(text: str, words: set[str]) -> tuple[Place, list[tuple[int, int]]]:
    """Return where the marks put the title, and their spans in order."""
    season, part, number, form = PLAIN
    spans: list[tuple[int, int]] = []
    for pattern, triggers in _TRIGGERS.items():
        if text.isascii() and triggers.isdisjoint(words):
            continue
        for mark in pattern.finditer(text):
            spans.append(mark.span())
            value = _value(next(filter(None, mark.groups()), ""))
            if pattern is _SEASON:
                season = max(season, value)
            elif pattern is _ZOKU:
                season = max(season, 2)
            elif pattern is _PART:  # "Part 6: Stone Ocean Part 3" has a season and a part
                season, part = (part if season == 1 else season), value
            else:
                form, number = max(form, _FORMS[pattern]), max(number, value)
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
