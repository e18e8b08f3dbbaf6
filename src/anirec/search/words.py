"""Texts -> words to count: stems, without stop words, names, and what is said not to be so.

Three things that plain counting of words gets wrong in texts about anime:

- **Names.** A figure skater called Yuri says nothing of yuri. A word with a capital letter inside a sentence is a name
  and is no word of the text; in a query, where people write as they like, it is.
- **Negation.** "He is not overpowered" says nothing of an overpowered hero: the words after a negation are *denied*.
- **Phrases.** "Time travel" says nothing of travel: labels of several words are taken whole, see `labels`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import MissingAbility

STOP_WORDS: Final = frozenset(
    (
        "a about above after again all also am an and any anime are aren as at be because been before being below "
        "between both but by can could d did didn do does doesn doing don down during each even few for from further "
        "get got had hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn "
        "it its itself just let like ll lot lots m me more most much must my myself no nor not of off on once one "
        "only or other our ours out over own re really s same she should show shows series so some something such t "
        "than that the their theirs them themselves then there these they thing things this those through to too "
        "under until up us ve very want was wasn we were what when where which while who whom why will with would you "
        "your yours yourself good great best story watch recommend recommendation please give find looking"
    ).split()
)
"""Words that tell no two anime apart, however often somebody asks with them."""
NEGATORS: Final = frozenset(
    (
        "not no never without nor neither none hardly barely lacks lack lacking isn aren wasn weren doesn don didn "
        "won wouldn couldn can't cannot cant isnt dont doesnt didnt wont non nothing minus except"
    ).split()
)
"""Words that deny what follows."""
REACH: Final = 3
"""So many words after a negation are denied, to the end of the clause."""
_TOKEN: Final = re.compile(r"[^\W_]+|[.!?:;,\n\u3002\u3001()\"\u201c\u201d]+")
_CLAUSE: Final = frozenset('.!?:;,\n()"\u201c\u201d\u3002\u3001')
_SENTENCE: Final = frozenset('.!?:\n"\u201c\u201d\u3002(')
_BUT: Final = frozenset(("but", "yet", "however", "though", "although"))
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Word(NamedTuple):
    """stem: as it is counted. denied: a negation stands before it. name: written as a name. known: no stop word."""

    stem: str
    denied: bool
    name: bool
    known: bool


def words(text: str) -> Iterator[Word]:
    """Yield the words of a text in order; signs of Chinese, Japanese and Korean as pairs of neighbours."""
    stem, reach, begins = _stemmer(), 0, True
    for token in _TOKEN.findall(text.replace("\u2019", "'").replace("n't", " not")):
        first = token[0]
        if first in _CLAUSE:
            reach = 0
            begins = any(sign in _SENTENCE for sign in token)
            continue
        if _CJK.match(token):
            for pair in (token[i : i + 2] for i in range(max(len(token) - 1, 1))):
                yield Word(pair, reach > 0, name=False, known=True)
            begins = False
            continue
        low = token.lower()
        name = not begins and first.isupper() and (len(token) == 1 or not token.isupper())
        begins = False
        if low in NEGATORS:
            reach = REACH
            continue
        if low in _BUT:
            reach = 0
        known = low not in STOP_WORDS and (len(low) > 1 or low.isdigit())
        yield Word(stem(low) if known else low, reach > 0 and known, name, known)
        if known and reach:
            reach -= 1


def counted(text: str) -> tuple[list[str], set[str]]:
    """Return what a text of the index says: stems that count, and those that it denies and never affirms."""
    said, denied = [], set()
    for word in words(text):
        if word.known and word.denied:
            denied.add(word.stem)
        elif word.known and not word.name:
            said.append(word.stem)
    return said, denied.difference(said)


def stems(text: str) -> list[str]:
    """Return the stems of a phrase, names and denied words too, stop words left out."""
    return [word.stem for word in words(text) if word.known]


def keys_of(found: Iterable[str]) -> NDArray[np.uint64]:
    """Return the number of each stem that indexes know it by: 64 bits of its hash. Indexes hold no words."""
    return np.array([_key(stem) for stem in found], dtype=np.uint64)


@cache
def _key(stem: str) -> int:
    return int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=8).digest(), "little")


@cache
def _stemmer() -> Callable[[str], str]:
    try:
        import Stemmer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'search needs PyStemmer: pip install "anirec[text]" ({error})') from error
    snowball: Any = Stemmer.Stemmer("english", 0)
    return cache(snowball.stemWord)
