"""Which store each address of vectors means."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from anirec.core.errors import DamagedBundle, InputError, MissingAbility, Unreachable
from anirec.core.state import State
from anirec.search.index import SearchIndex, restore
from anirec.search.postgres_index import PostgresIndex
from anirec.search.qdrant_index import QdrantIndex
from anirec.search.stores import Progress, VectorStore, name_of
from anirec.search.vectors import Vectors
from anirec.stores.bundle import Bundle, read_bundle
from anirec.wiring.serve import bundle_at

VECTORS_VARIABLE: Final = "ANIREC_VECTORS"
"""Where the vectors are, for `search` and `serve`; unset = in the bundle."""


def _qdrant(url: str, name: str, n: int) -> QdrantIndex:
    scheme, _, rest = url.partition(":")
    if not rest.startswith("//"):
        return QdrantIndex({"path": rest}, name, n)
    return QdrantIndex({"url": f"{scheme.partition('+')[2] or 'http'}:{rest}"}, name, n)


STORES: Final[Mapping[str, Callable[[str, str, int], VectorStore]]] = {
    "postgresql": PostgresIndex,
    "postgres": PostgresIndex,
    "qdrant": _qdrant,
    "qdrant+https": _qdrant,
}
"""How a store is opened for vectors of a name, by the scheme of its address."""


def open_store(url: str, vectors: Vectors) -> VectorStore:
    """Return the store at an address, for these vectors; it is not asked yet.

    Raises:
        InputError: the address is of no known store.
    """
    scheme = urlsplit(url).scheme
    if scheme not in STORES:
        raise InputError(
            f'"{without_secrets(url)}" is no address of a vector store; write it as postgresql://USER@HOST/DATABASE, '
            "qdrant://HOST:6333, qdrant+https://HOST:6333, or qdrant:FOLDER"
        )
    return STORES[scheme](url, name_of(vectors), len(vectors))


def index_of(opened: Bundle, state: State) -> SearchIndex:
    """Return what a bundle's search looks into. state: of it.

    Raises:
        DamagedBundle: it cannot be read.
    """
    try:
        return restore(state, opened.catalogue)
    except (KeyError, ValueError) as error:
        raise DamagedBundle(f"what search looks into is damaged in {opened.path}: {error}") from error


def put_vectors(bundle: Path | str | None, url: str, progress: Progress) -> tuple[str, int, bool]:
    """Put the vectors of a bundle's chunks into a store; returns their name, how many, and whether they were new there.

    Raises:
        MissingAbility: the bundle has nothing to search in, or what the store needs is not installed.
        InputError: the address is of no known store.
        Unreachable: the store does not answer.
        BundleError: there is no sound bundle.
    """
    opened = read_bundle(bundle_at(bundle))
    if opened.search is None:
        raise MissingAbility(f"the bundle at {opened.path} has nothing to search in; add it with `anirec index`")
    vectors = index_of(opened, opened.search).chunks.vectors
    store = open_store(url, vectors)
    return name_of(vectors), len(vectors), store.put(vectors, progress)


def ask_vectors(opened: Bundle, url: str) -> str:
    """Return what came of looking for the vectors of a bundle in a store; every mistake but a broken bundle's is told.

    Raises:
        DamagedBundle: they cannot be read.
    """
    if opened.search is None:
        return "not asked: the bundle has nothing to search in"
    vectors = index_of(opened, opened.search).chunks.vectors
    first = np.zeros(1, dtype=np.int64)
    started = time.perf_counter()
    try:
        open_store(url, vectors).nearest(vectors.of(first), 1)
    except (InputError, MissingAbility, Unreachable) as error:
        return f"does not answer: {error}"
    took = 1000 * (time.perf_counter() - started)
    return f"answers in {took:.0f} ms, and has the {len(vectors):,} vectors of the bundle"


def without_secrets(url: str) -> str:
    """Return an address without the user and password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
