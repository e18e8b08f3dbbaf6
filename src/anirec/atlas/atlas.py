"""The map as it is kept and served: plain arrays, beside what is said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.state import State

if TYPE_CHECKING:
    from scipy import sparse

KIND: Final = "atlas"
UNKNOWN_GENRE: Final = 255
ARRAYS: Final = ("ids", "xy", "community", "genre", "neighbours", "weights")


@dataclass(frozen=True)
class Label:
    """A name on the map.

    x, y: where it belongs, -1..1. text: what is written. weight: 0..1, of more weight first where there is room for
    some only. level: 0 a community, then areas, the higher the smaller. titles: ids of the best-known titles there.
    community: its number, -1 = an area. size: how many titles it stands for. adult: most of them are adult.
    """

    x: float
    y: float
    text: str
    weight: float
    level: int
    titles: tuple[int, ...]
    community: int
    size: int
    adult: bool


@dataclass(frozen=True, eq=False)
class Atlas:
    """A map of n titles, ascending by id; a row is a place in these arrays.

    ids: int32 [n]. xy: float32 [n, 2], -1..1. community: int16 [n], -1 = none. genre: uint8 [n], place in `genres`,
    255 = none. neighbours: int32 [n, k] rows, best first, -1 = no more. weights: float [n, k], above 0, 0 where there
    is nobody. labels: communities first. facts: how it was made and how far it can be believed, see docs/map.md.
    """

    ids: NDArray[np.int32]
    xy: NDArray[np.float32]
    community: NDArray[np.int16]
    genre: NDArray[np.uint8]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.floating]
    genres: tuple[str, ...]
    labels: tuple[Label, ...]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self.ids)

    @property
    def communities(self) -> int:
        """How many communities there are."""
        return int(self.community.max(initial=-1)) + 1

    def rows_of(self, anime_ids: Sequence[int] | NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the rows of the ids that are on the map, in the order given; others are left out."""
        return rows_of(self.ids, np.asarray(anime_ids, dtype=np.int32))

    def beside(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows of a title's neighbours, best first, and their weights."""
        own = self.neighbours[row]
        some = own >= 0
        return own[some].astype(np.int64), self.weights[row][some].astype(np.float64)

    @cached_property
    def graph(self) -> sparse.csr_array[np.float64]:
        """float64 CSR [n, n], symmetric: two titles are tied if either is among the other's neighbours."""
        return tied(self.neighbours, self.weights)

    def state(self) -> State:
        """Return what a bundle keeps; weights in 16 bits, and neighbours too where they fit: there 0 = none."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in ARRAYS}
        arrays["weights"] = self.weights.astype(np.float16)
        if len(self.ids) < np.iinfo(np.uint16).max:
            arrays["neighbours"] = (self.neighbours + 1).astype(np.uint16)
        labels = [asdict(label) | {"titles": list(label.titles)} for label in self.labels]
        facts = dict(self.facts) | {"genres": list(self.genres), "labels": labels}
        return State(kind=KIND, arrays=arrays, facts=facts)


def tied(neighbours: NDArray[np.int32], weights: NDArray[np.floating]) -> sparse.csr_array[np.float64]:
    """Return float64 CSR [n, n], symmetric: the larger weight of the two directions.

    neighbours: int32 [n, k] rows, -1 = none. weights: [n, k].
    """
    from scipy import sparse  # noqa: PLC0415 - who asks for points only should not pay for it

    n, k = neighbours.shape
    some = neighbours >= 0
    owner = np.repeat(np.arange(n), k).reshape(n, k)
    matrix = sparse.csr_array((weights[some].astype(np.float64), (owner[some], neighbours[some])), shape=(n, n))
    both: sparse.csr_array[np.float64] = sparse.csr_array(matrix.maximum(matrix.T))
    both.sort_indices()
    return both


def restore(state: State, known: NDArray[np.int32]) -> Atlas:
    """Rebuild the map from a bundle's state.

    known: int32, ascending, the ids of the bundle's catalogue.

    Raises:
        ValueError: it is of another kind, a fact is missing or unsound, or the arrays do not fit together or to the
            catalogue.
    """
    if state.kind != KIND:
        raise ValueError(f'it is of the kind "{state.kind}"')
    try:
        arrays = {name: state.arrays[name] for name in ARRAYS}
        if arrays["neighbours"].dtype == np.uint16:
            arrays["neighbours"] = arrays["neighbours"].astype(np.int32) - 1
        facts = dict(state.facts)
        genres = tuple(str(name) for name in facts.pop("genres"))
        labels = tuple(_label(**label) for label in facts.pop("labels"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"it lacks or garbles {error}") from error
    ids, neighbours, weights = arrays["ids"], arrays["neighbours"], arrays["weights"]
    n = len(ids)
    shapes = {"xy": (n, 2), "community": (n,), "genre": (n,), "weights": neighbours.shape}
    if neighbours.ndim != 2 or len(neighbours) != n or any(arrays[a].shape != s for a, s in shapes.items()):
        raise ValueError("its arrays differ in length")
    if np.any(np.diff(ids) <= 0) or len(rows_of(known, ids)) != n:
        raise ValueError("its titles are not those of the catalogue")
    sound = (
        bool(np.isfinite(arrays["xy"]).all())
        and float(np.abs(arrays["xy"]).max(initial=0)) <= 1
        and int(arrays["community"].min(initial=0)) >= -1
        and -1 <= int(neighbours.min(initial=0)) <= int(neighbours.max(initial=-1)) < n
        and bool(np.isfinite(weights).all())
        and bool(np.all((weights > 0) == (neighbours >= 0)))
        and bool(np.all((arrays["genre"] < len(genres)) | (arrays["genre"] == UNKNOWN_GENRE)))
    )
    if not sound:
        raise ValueError("a place, neighbour or number of it is out of range")
    return Atlas(**arrays, genres=genres, labels=labels, facts=facts)


def _label(*, titles: Sequence[int], **others: Any) -> Label:
    return Label(titles=tuple(int(anime_id) for anime_id in titles), **others)
