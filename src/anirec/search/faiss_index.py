"""FAISS behind the seam `VectorIndex`: for millions of chunks. Needs the extra `faiss`.

`flat` compares all; `hnsw` walks a graph of neighbours (most memory, fast, nearly exact); `ivf-pq` looks into the
nearest of many cells and at 8-bit codes of parts of each vector (least memory), and then compares the best in full.
Built in one pass over the vectors, written to one file, memory-mapped where the kind allows it.
Sources: Malkov & Yashunin 2016 (HNSW); Jégou et al. 2011 (product quantisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, InputError, MissingAbility
from anirec.search.vectors import Vectors
from anirec.tables import new_file

BLOCK: Final = 65_536
PARTS: Final = (96, 64, 48, 32, 16, 8, 4, 2, 1)
"""Codes of a vector, the first of these that its size can be cut into."""
TRAINED_ON: Final = 256_000
"""Vectors at most that cells and codes are learned from."""


@dataclass(frozen=True)
class FaissConfig:
    """What is built, and how hard it looks.

    kind: flat, hnsw or ivf-pq. neighbours, build, search: of HNSW: links a vector, candidates while building and
    while searching. cells: of IVF, 0 = eight times the root of how many vectors. probes: cells looked into. refine:
    times k that are compared in full.
    """

    kind: str = "hnsw"
    neighbours: int = 32
    build: int = 200
    search: int = 256
    cells: int = 0
    probes: int = 64
    refine: int = 10


@dataclass(frozen=True, eq=False)
class FaissIndex:
    """See `VectorIndex`. vectors: to compare in full; None = the index's own scores are taken."""

    index: Any
    config: FaissConfig
    vectors: Vectors | None = None

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `VectorIndex`; some of the nearest may be missed, a place of -1 stands where none was found."""
        k = min(k, int(self.index.ntotal))
        if self.vectors is None:
            scores, places = self.index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
            return places.astype(np.int64), scores
        wanted = min(k * self.config.refine, int(self.index.ntotal))
        _, pools = self.index.search(np.ascontiguousarray(queries, dtype=np.float32), wanted)
        found = np.empty((len(queries), k), dtype=np.int64)
        scores = np.empty((len(queries), k), dtype=np.float32)
        for row, (query, pool) in enumerate(zip(queries, pools, strict=True)):
            places = np.sort(pool[pool >= 0]).astype(np.int64)
            full = self.vectors.products(places, query)
            order = np.argsort(-full, kind="stable")[:k]
            found[row], scores[row] = -1, -np.inf
            found[row, : len(order)], scores[row, : len(order)] = places[order], full[order]
        return found, scores


def build(vectors: Vectors, config: FaissConfig, rng: np.random.Generator) -> FaissIndex:
    """Build an index over vectors, in one pass.

    Raises:
        InputError: there is no such kind.
        MissingAbility: FAISS is not installed.
    """
    n, size = vectors.steps.shape
    recipe = _recipe(n, size, config)
    faiss = _faiss()
    index = _set(faiss.index_factory(size, recipe, faiss.METRIC_INNER_PRODUCT), config)
    if not index.is_trained:
        sample = np.sort(rng.choice(n, min(n, TRAINED_ON), replace=False))
        index.train(vectors.of(sample))
    for start in range(0, n, BLOCK):
        index.add(vectors.of(np.arange(start, min(start + BLOCK, n))))
    return FaissIndex(index, config, vectors if config.kind == "ivf-pq" else None)


def looking(index: FaissIndex, config: FaissConfig) -> FaissIndex:
    """Return the same index, looking as hard as a config says; how it was built stays."""
    return FaissIndex(_set(index.index, config), config, index.vectors)


def save(index: FaissIndex, file: Path) -> None:
    """Write an index to one file."""
    with new_file(file) as part:
        _faiss().write_index(index.index, str(part))


def load(file: Path, config: FaissConfig, vectors: Vectors | None = None) -> FaissIndex:
    """Open an index, memory-mapped where its kind allows it. vectors: for kinds that compare in full.

    Raises:
        DamagedBundle: the file cannot be read.
        MissingAbility: FAISS is not installed.
    """
    faiss = _faiss()
    try:
        index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise DamagedBundle(f"{file} cannot be read: {error}") from error
    return FaissIndex(_set(index, config), config, vectors if config.kind == "ivf-pq" else None)


def _recipe(n: int, size: int, config: FaissConfig) -> str:
    """Return what FAISS's factory is told to make."""
    cells = config.cells or max(1, int(8 * np.sqrt(n)))
    parts = next((parts for parts in PARTS if size % (4 * parts) == 0), 1)
    recipes = {"flat": "Flat", "hnsw": f"HNSW{config.neighbours},Flat", "ivf-pq": f"IVF{cells},PQ{parts}x8"}
    if config.kind not in recipes:
        raise InputError(f'there is no FAISS index "{config.kind}"; there are {", ".join(recipes)}')
    return recipes[config.kind]


def _set(index: Any, config: FaissConfig) -> Any:
    if config.kind == "hnsw":
        index.hnsw.efConstruction = config.build
        index.hnsw.efSearch = config.search
    elif config.kind == "ivf-pq":
        index.nprobe = config.probes
        index.do_polysemous_training = False  # minutes of annealing for a filter that is not used
    return index


def _faiss() -> Any:
    try:
        import faiss  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'this index needs FAISS: pip install "anirec[faiss]" ({error})') from error
    return faiss
