"""Vectors of texts that were encoded before: what makes the building of an index go on where it was stopped.

Encoding is all of the time. A folder holds one pair of arrays per finished block: keys of texts, and their vectors.
A text is encoded once, whatever anime or setting it is met in again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.search.encoders import TextEncoder
from anirec.tables import new_file

BLOCK: Final = 1024
"""Texts from one saving to the next: half a minute of work may be lost."""

Progress = Callable[[int, int], None]


def keys_of(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return a number of 64 bits for each text; equal only for equal texts, as far as chance goes."""
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


def encoded(texts: Sequence[str], encoder: TextEncoder, folder: Path, progress: Progress) -> NDArray[np.float16]:
    """Return float16 [n, size]: the vectors of the texts, those that are not in the folder encoded and put there.

    folder: of this encoder alone; made if it is missing. Texts are encoded in the order given, block by block, those
    of like length together within a block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = keys_of(texts)
    known, stored = _read(folder, encoder.size)
    missing = np.flatnonzero(~np.isin(keys, known))
    _, first = np.unique(keys[missing], return_index=True)
    missing = missing[np.sort(first)]
    blocks_known, blocks = [known], [stored]
    number = len(list(folder.glob("*.keys.npy")))
    for start in range(0, len(missing), BLOCK):
        progress(len(texts) - len(missing) + start, len(texts))
        block = missing[start : start + BLOCK]
        vectors = encoder.encode([texts[i] for i in block]).astype(np.float16)
        _save(folder / f"{number:06}.vectors.npy", vectors)
        _save(folder / f"{number:06}.keys.npy", keys[block])  # last: a block counts when its keys are there
        number += 1
        blocks_known.append(keys[block])
        blocks.append(vectors)
    progress(len(texts), len(texts))
    known, stored = np.concatenate(blocks_known), np.concatenate(blocks)
    order = np.argsort(known, kind="stable")
    found: NDArray[np.float16] = stored[order[np.searchsorted(known[order], keys)]]
    return found


def _read(folder: Path, size: int) -> tuple[NDArray[np.uint64], NDArray[np.float16]]:
    keys, vectors = [np.empty(0, np.uint64)], [np.empty((0, size), np.float16)]
    for file in sorted(folder.glob("*.keys.npy")):
        keys.append(np.load(file, allow_pickle=False))
        vectors.append(np.load(file.with_name(file.name.replace("keys", "vectors")), allow_pickle=False))
    return np.concatenate(keys), np.concatenate(vectors)


def _save(file: Path, array: NDArray[np.generic]) -> None:
    with new_file(file) as part, part.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)
