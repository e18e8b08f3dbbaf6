"""Communities of a graph of neighbours: titles that are tied to one another more than to the rest.

What it does: hands the graph to networkx's Louvain method (seeded), joins communities that are too small to be told
apart by colour with the one that they are tied to most, and numbers them by how many people their titles have.

Source: Blondel et al. 2008, "Fast unfolding of communities in large networks"; the modularity that it climbs is
Newman & Girvan's with the resolution of Reichardt & Bornholdt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import MissingAbility

if TYPE_CHECKING:
    from scipy import sparse

NONE: Final = -1
"""The community of a title that stands for itself."""


@dataclass(frozen=True)
class CommunityConfig:
    """How communities are found. resolution: higher gives more. least: titles that one has at least."""

    resolution: float = 1.0
    least: int = 50


def find(
    graph: sparse.csr_array[np.float64], members: NDArray[np.int32], config: CommunityConfig, seed: int
) -> NDArray[np.int16]:
    """Return the community of each title: int16 [n], `NONE` where nothing ties it to a community.

    graph: float64 CSR [n, n], symmetric, weights above 0. members: [n], by which communities are numbered from 0.

    Raises:
        MissingAbility: networkx is not installed.
    """
    try:
        import networkx  # noqa: PLC0415 - an extra; who only serves a map should not need it
    except ImportError as error:
        raise MissingAbility('communities need networkx: pip install "anirec[map]"') from error
    upper = graph.tocoo()
    one, other = upper.coords
    forward = one < other
    net = networkx.Graph()
    net.add_nodes_from(range(graph.shape[0]))
    edges = zip(one[forward].tolist(), other[forward].tolist(), upper.data[forward].tolist(), strict=True)
    net.add_weighted_edges_from(edges)
    found = networkx.community.louvain_communities(net, weight="weight", resolution=config.resolution, seed=seed)
    community = np.full(graph.shape[0], NONE, dtype=np.int64)
    for number, titles in enumerate(sorted(found, key=min)):
        community[np.fromiter(titles, dtype=np.int64, count=len(titles))] = number
    return _numbered(_joined(graph, community, config.least), members)


def _joined(graph: sparse.csr_array[np.float64], community: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Give the titles of small communities to the large one that they are tied to most, as far as they are."""
    sizes = np.bincount(community)
    large = np.flatnonzero(sizes >= min(least, sizes.max(initial=0)))
    joined = np.where(np.isin(community, large), community, NONE)
    for _ in range(len(community)):
        left = np.flatnonzero(joined == NONE)
        ties = tied(graph, joined, left)
        strong = ties.max(axis=1, initial=0) > 0
        if not strong.any():
            break
        joined[left[strong]] = ties[strong].argmax(axis=1)
    return joined


def tied(
    graph: sparse.csr_array[np.float64], community: NDArray[np.integer], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return float64 [len(rows), communities]: the weights that tie each of these titles to each community, summed."""
    block = graph[rows]
    owner = np.repeat(np.arange(len(rows)), np.diff(block.indptr))
    of_other = community[block.indices]
    ties = np.zeros((len(rows), int(community.max(initial=NONE)) + 1))
    counted = of_other >= 0
    np.add.at(ties, (owner[counted], of_other[counted]), block.data[counted])
    return ties


def _numbered(community: NDArray[np.int64], members: NDArray[np.int32]) -> NDArray[np.int16]:
    kept = np.unique(community[community >= 0])
    people = np.array([members[community == number].sum(dtype=np.int64) for number in kept.tolist()])
    place = np.full(int(community.max(initial=0)) + 1, NONE, dtype=np.int16)
    place[kept[np.argsort(-people, kind="stable")]] = np.arange(len(kept), dtype=np.int16)
    numbered: NDArray[np.int16] = np.where(community >= 0, place[community], NONE).astype(np.int16)
    return numbered
