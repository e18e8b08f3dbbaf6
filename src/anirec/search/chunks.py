"""Texts -> chunks: windows of whole sentences that fit the encoder and overlap by what ends the one before.

A chunk is what is encoded, voted with and shown as evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Measure = Callable[[Sequence[str]], Sequence[int]]
"""How long each text is, in the encoder's tokens, without those that it adds at both ends."""

_END: Final = re.compile(
    r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[^\sa-z])|(?<=[\u3002\uff01\uff1f])\s*|\n+"
)
_ABBREVIATED: Final = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|No|Vol|Ep)|\b[A-Z])\.$")


@dataclass(frozen=True)
class ChunkConfig:
    """tokens: at most in a chunk; MiniLM has learned from 128. overlap: at most repeated from the chunk before.

    least: a chunk of fewer tokens says too little to be found by, unless it is all there is. most: chunks of one
    text, spread evenly over it; 0 = all.
    """

    tokens: int = 126
    overlap: int = 32
    least: int = 12
    most: int = 0


def sentences(text: str) -> list[str]:
    """Cut a text at the ends of sentences and lines; every visible sign is in exactly one of them, in order."""
    found: list[str] = []
    for piece in map(str.strip, _END.split(text)):
        if not piece:
            continue
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def windows(text: str, measure: Measure, config: ChunkConfig) -> list[str]:
    """Return the chunks of one text, in order.

    Every sentence is in one at least. A sentence longer than a window is cut at words.

    Raises:
        ValueError: the overlap is not shorter than the window.
    """
    if not 0 <= config.overlap < config.tokens:
        raise ValueError(f"an overlap of {config.overlap} tokens does not fit windows of {config.tokens}")
    parts, sizes = _measured(sentences(text), measure, config.tokens)
    found = [" ".join(parts[start:stop]) for start, stop in _spans(sizes, config)]
    if len(found) > 1 and config.least:
        found = [c for c, size in zip(found, measure(found), strict=True) if size >= config.least] or found[:1]
    if 0 < config.most < len(found):
        step = len(found) / config.most
        found = [found[int(i * step)] for i in range(config.most)]
    return found


def _spans(sizes: Sequence[int], config: ChunkConfig) -> Iterator[tuple[int, int]]:
    """Yield from which part to which each window goes: as many as fit, begun with what overlaps."""
    start = 0
    while start < len(sizes):
        stop, total = start, 0
        while stop < len(sizes) and (stop == start or total + sizes[stop] <= config.tokens):
            total += sizes[stop]
            stop += 1
        yield start, stop
        if stop == len(sizes):
            return
        again, total = stop, 0
        while again - 1 > start and total + sizes[again - 1] <= config.overlap:
            again -= 1
            total += sizes[again]
        start = again


def _measured(parts: list[str], measure: Measure, tokens: int) -> tuple[list[str], list[int]]:
    """Return sentences and how long each is; longer ones than so many tokens are halved, at a word, until they fit."""
    sizes = list(measure(parts)) if parts else []
    while any(size > tokens and len(part) > 1 for part, size in zip(parts, sizes, strict=True)):
        parts = [
            piece
            for part, size in zip(parts, sizes, strict=True)
            for piece in (_halves(part) if size > tokens and len(part) > 1 else [part])
        ]
        sizes = list(measure(parts))
    return parts, sizes


def _halves(text: str) -> list[str]:
    words = text.split()
    if len(words) > 1:
        return [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def first_of_each(texts: Iterable[str]) -> list[bool]:
    """Return of each text whether it is the first one of its words; case, punctuation and blanks do not count."""
    seen: set[int] = set()
    first = []
    for text in texts:
        key = hash(" ".join(re.findall(r"\w+", text.lower())))
        first.append(key not in seen)
        seen.add(key)
    return first
