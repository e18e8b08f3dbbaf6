"""What a query asks for: words, labels that it speaks of, what it does not want, years, types, and titles it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from anirec.core.errors import InputError
from anirec.search.labels import LabelIndex
from anirec.search.words import Word, words

LONGEST: Final = 2000
"""Signs of a query that are read: more than anybody's mood takes, and what encoding may cost is bounded."""
KINDS_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "movie": ("Movie",), "movies": ("Movie",), "film": ("Movie",), "films": ("Movie",),
    "ova": ("OVA",), "ovas": ("OVA",),
    "映画": ("Movie",), "劇場版": ("Movie",),
}  # fmt: skip
_DECADE: Final = re.compile(r"\b(?:(19|20)(\d)0|(\d)0)'?s\b", re.IGNORECASE)
_YEAR: Final = re.compile(r"\b(19[3-9]\d|20[0-4]\d)\b")
_OLD: Final = re.compile(r"\b(?:old|older|classic|classics|retro|vintage|oldschool|old-school)\b", re.IGNORECASE)
_NEW: Final = re.compile(r"\b(?:recent|newer|modern|this year|latest)\b", re.IGNORECASE)
_LIKE: Final = re.compile(
    r"\b(?:like|similar to|same as|reminds? me of|as in|in the style of|comparable to)\s+(.{2,80}?)"
    r"(?=$|[,.;!?(]|\s+(?:but|without|with|except|and|or|only|minus|just|though|in|where|set|made)\b)",
    re.IGNORECASE,
)
OLD: Final = 2003
"""What is older is called old: half of all that people rate is newer than 2012."""
NEW: Final = 2019


@dataclass(frozen=True)
class Concept:
    """One thing that is wanted, or not.

    labels: those that mean it, each with how surely, 0..1. words: as the query says it.
    """

    labels: tuple[tuple[int, float], ...]
    words: str


@dataclass(frozen=True)
class Asked:
    """A query as it was read.

    text: what is encoded, without what is denied. stems: words that count, without those that are denied. denied:
    stems that are. wanted, unwanted: concepts. years: from and to, None = no matter. kinds: types of anime spoken of,
    empty = no matter. like: ids of titles that are named to be resembled. themselves: whether those may be found, too
    (they stand for a studio that was named), or not.
    """

    text: str
    stems: tuple[str, ...]
    denied: frozenset[str]
    wanted: tuple[Concept, ...]
    unwanted: tuple[Concept, ...]
    years: tuple[int, int] | None
    kinds: frozenset[str]
    like: tuple[int, ...]
    themselves: bool = False


def read_query(
    text: str, labels: LabelIndex, title: Callable[[str], int | None], known: Callable[[int], tuple[int, ...]]
) -> Asked:
    """Read a query.

    title: returns the anime id of an exact title, None where it is none. known: returns the best known anime of a
    studio, given the place of its name among the labels.

    Raises:
        InputError: there is not one letter or digit in it.
    """
    text = " ".join(text.split())[:LONGEST]
    if not any(sign.isalnum() for sign in text):
        raise InputError("say what you are looking for: a mood, a theme, a setting, in your own words")
    like, rest = _likenesses(text, title)
    resembled, of_studio = _studios(rest, labels)
    said = list(words(of_studio))
    wanted: list[Concept] = []
    unwanted: list[Concept] = []
    for phrase, denied, (start, stop) in labels.spoken_of(said):
        spoken = " ".join(word.stem for word in said[start:stop])
        (unwanted if denied else wanted).append(Concept(phrase.labels, spoken))
    barred = {label for concept in unwanted for label, _ in concept.labels}
    wanted = [concept for concept in wanted if not barred.issuperset(label for label, _ in concept.labels)]
    return Asked(
        text=_affirmed(rest, said) or rest or text,
        stems=tuple(dict.fromkeys(w.stem for w in said if w.known and not w.denied)),
        denied=frozenset(w.stem for w in said if w.denied),
        wanted=tuple(wanted),
        unwanted=tuple(unwanted),
        years=_years(rest),
        kinds=frozenset(k for token in re.findall(r"\w+", rest.lower()) for k in KINDS_SAID.get(token, ())),
        like=tuple(dict.fromkeys([*like, *(i for studio in resembled for i in known(studio))])),
        themselves=not like and bool(resembled),
    )


def _studios(text: str, labels: LabelIndex) -> tuple[list[int], str]:
    """Return the studios whose work is to be resembled (places among the labels), and the query without them."""
    found: list[int] = []
    rest = text
    for match in _LIKE.finditer(text):
        spoken = labels.spoken_of(list(words(match.group(1))))
        studios = [label for phrase, _, _ in spoken for label, _ in phrase.labels if labels.studios[label]]
        if studios:
            found += studios
            rest = rest.replace(match.group(0), " ")
    return found, " ".join(rest.split())


def _affirmed(text: str, said: list[Word]) -> str:
    """Return a query without its denied parts: from a negation to the end of what it denies."""
    if not any(word.denied for word in said):
        return text
    kept = re.sub(
        r"\b(?:(?:but\s+)?(?:not|no|without|never|nothing|except|minus|non)|(?:\w+n[’']t|dont|doesnt))\b[^.,;!?()]*?"
        r"(?=$|[.,;!?()]|\s+(?:but|yet|however)\b)",
        " ",
        text,
        flags=re.IGNORECASE,
    )
    return " ".join(kept.split())


def _likenesses(text: str, title: Callable[[str], int | None]) -> tuple[tuple[int, ...], str]:
    """Return the titles that are named to be resembled, and the query without them."""
    found: list[int] = []
    rest = text
    for match in _LIKE.finditer(text):
        named = match.group(1).strip(" \"'“”")
        anime_id = title(named)
        if anime_id is not None:
            found.append(anime_id)
            rest = rest.replace(match.group(0), " ")
    return tuple(dict.fromkeys(found)), " ".join(rest.split())


def _years(text: str) -> tuple[int, int] | None:
    if decade := _DECADE.search(text):
        century, of_century, alone = decade.groups()
        start = int(f"{century}{of_century}0") if century else (1900 if int(alone) >= 3 else 2000) + 10 * int(alone)
        return start, start + 9
    if year := _YEAR.search(text):
        return int(year.group()), int(year.group())
    if _OLD.search(text):
        return 1900, OLD
    return (NEW, 9999) if _NEW.search(text) else None
