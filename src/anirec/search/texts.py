"""Reviews and synopses as people wrote them -> prose worth reading: no boilerplate, no rating tables.

What is taken away is the same for every text and said here; nothing is reworded.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from typing import Final

CREDIT: Final = re.compile(
    r"\s*[\[(]\s*(?:written by [^\])]{1,60}|(?:sou?r?ce|sources?)\s*:[^\])]{0,200}|from [^\])]{1,40}|anidb)"
    r"\s*[\])]\s*$",
    re.IGNORECASE,
)
"""Who wrote a synopsis, at its end: `[Written by MAL Rewrite]`, `(Source: ANN)`."""
RATED: Final = re.compile(
    r"^\W*(?:(?:the\s+)?[\w&/' -]{3,40}?)?\W*(?:[:=\-\u2013(]\s*)?"
    r"\(?\d{1,2}(?:[.,]\d+)?\s*(?:/|out of|of)?\s*(?:10|100|5)?\)?\W*$",
    re.IGNORECASE,
)
"""A line of a rating table: `Story: 8/10`, `Sound - 7`, `9/10`."""
HEADING: Final = re.compile(
    r"^\W*(?:story(?: & setting)?|plot|setting|art(?:work)?|animation|visuals?|sound(?:track)?|music|ost|voice acting|"
    r"characters?|cast|enjoyment|overall|conclusion|final (?:thoughts|verdict|score)|verdict|overview|summary|synopsis|"
    r"introduction|intro|pros|cons|tl;?dr|review)\W*$",
    re.IGNORECASE,
)
"""A line that only names the part of a review that follows."""
ABOUT_ITSELF: Final = re.compile(
    r"\b(?:(?:not )?helpful|my (?:first|1st|second) review|feedback|edit(?:ed)?:|thanks? (?:you )?for reading|"
    r"this review|my reviews?|spoiler[- ]free|minor spoilers|my english)\b",
    re.IGNORECASE,
)
"""A sentence of a review about the review."""
SCRIPTS: Final = (
    ("ja", "HIRAGANA"), ("ja", "KATAKANA"), ("ko", "HANGUL"), ("zh", "CJK"), ("ru", "CYRILLIC"), ("ar", "ARABIC"),
    ("he", "HEBREW"), ("el", "GREEK"), ("th", "THAI"), ("hi", "DEVANAGARI"),
)  # fmt: skip
"""Languages told by their script; the first whose letters are there at all goes before, so kana make Japanese."""
FUNCTION_WORDS: Final = {
    "en": "the and of is it to in that was this with for but not are you his her they have from which",
    "es": "el los las que una por con para del muy pero es como más este esta su se al lo",
    "fr": "le les des une est dans pour que qui pas sur avec très mais cette du au ce il elle",
    "de": "der die das und ist nicht ein eine mit auf für auch sich dem den von zu aber wie sie",
    "pt": "os as uma que não com para por mais muito mas do da dos das em um é ao seu",
    "it": "il gli che una per con non sono della di più ma come questo questa nel è lo si ed",
    "id": "yang dan di ini itu dengan untuk tidak dari ke pada adalah juga ada anime nya saya",
    "pl": "jest nie się na do to że jak ale tak co po za od przez tym jego są już był",
    "tr": "ve bir bu için çok ile da de gibi ama olarak daha en var ne kadar olan mi",
    "nl": "het een van en is niet dat op te zijn met voor maar ook aan er bij naar wel deze",
}
"""The words that every text of a language is full of."""
_WORDS: Final = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
_LANGUAGES: Final = {
    word: tuple(code for code, known in _WORDS.items() if word in known) for words in _WORDS.values() for word in words
}
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_FOREIGN: Final = re.compile(r"[\u0250-\U0010ffff]")
_SPACES: Final = re.compile(r"[ \t\u00a0\u200b-\u200f\u2028-\u202f\ufeff]+")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_TAG: Final = re.compile(
    r"<[a-z/!][^<>]{0,200}>|\[/?(?:b|i|u|s|url|img|spoiler|quote|yt|size|color)[^\]]{0,100}\]", re.I
)
_DRAWN: Final = re.compile(r"[-=_*~#.\u2022\u2500-\u257f]{4,}")


def plain(text: str) -> str:
    """Return a text without entities, markup, links, drawn lines and invisible signs; line breaks stay."""
    text = unicodedata.normalize("NFKC", html.unescape(text))
    text = _DRAWN.sub(" ", _LINK.sub(" ", _TAG.sub(" ", text)))
    lines = (_SPACES.sub(" ", line).strip() for line in text.replace("\r", "\n").split("\n"))
    return "\n".join(line for line in lines if line)


def synopsis(text: str) -> str:
    """Return a synopsis as one paragraph, without the credits at its end."""
    text = " ".join(plain(text).split("\n"))
    while (shorter := CREDIT.sub("", text)) != text:
        text = shorter
    return text.strip()


def review(text: str) -> str:
    """Return what a review says of the anime: no rating tables, headings, or words about the review itself.

    A break that stands within a sentence (sites put one where a long review is folded) is mended.
    """
    kept: list[str] = []
    for line in plain(text).split("\n"):
        if HEADING.match(line) or (len(line) < 60 and RATED.match(line)) or not any(c.isalpha() for c in line):
            continue
        if len(line) < 200 and ABOUT_ITSELF.search(line):
            continue
        if kept and kept[-1][-1].isalpha() and line[0].islower():
            kept[-1] += " " + line
        else:
            kept.append(line)
    return "\n".join(kept)


def language(text: str) -> str:
    """Return the language of a text as its ISO 639-1 code, "" where nothing tells.

    Told by the script of its letters, and in Latin script by function words; texts of a few words are often told
    wrong or not at all.
    """
    text = text[:4000]
    foreign = _FOREIGN.findall(text)
    if foreign:
        letters = Counter(unicodedata.name(sign, "").split(" ")[0] for sign in foreign)
        total = sum(1 for sign in text if sign.isalpha())
        for code, script in SCRIPTS:
            if letters[script] > (0.05 if script in ("HIRAGANA", "KATAKANA") else 0.2) * total:
                return code
    found = Counter(code for word in _LETTERS.findall(text.lower()) for code in _LANGUAGES.get(word, ()))
    if not found:
        return ""
    best = max(_WORDS, key=lambda code: found[code])
    return best if found[best] >= max(1.0, 0.08 * len(_LETTERS.findall(text))) else ""
