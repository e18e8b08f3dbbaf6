"""Where titles stand in the plane.

What it does: gives those that many lenses know a place by t-SNE over the graph of likeness (openTSNE, seeded), sets the
others beside the known ones that they are most like, and those of which nothing is known on a small disc of their own
in a corner; then turns the whole so that it lies as an earlier map lay, or else with later years on the right and what
is better known on top. What it does not: mean anything by the distance between far areas, or by their sizes.

What t-SNE is given is not vectors but likeness itself: p(j|i) in proportion to (what i says of j)^sharpness over its
first `near` answers, p_ij the mean of both directions, as in van der Maaten & Hinton 2008, "Visualizing Data using
t-SNE". It is computed by interpolation (Linderman et al. 2019), and begins from the graph's spectrum (Kobak & Berens
2019: what begins alike ends alike). Aligning is the orthogonal Procrustes problem (Schönemann 1966).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anirec.atlas.alike import Alike
from anirec.core.errors import InputError, MissingAbility

if TYPE_CHECKING:
    from scipy import sparse

RIM: Final = 0.98
"""Radius of what is laid out; the whole is in -1..1."""
DISC: Final = (0.86, -0.86, 0.13)
"""Middle and radius of the disc of titles of which nothing is known; it touches neither the rest nor the border."""
GOLDEN: Final = np.pi * (3 - np.sqrt(5))
BESIDE: Final = 10
"""Known titles that say where an unknown one belongs."""
NEARLY: Final = 0.998
"""Share of the titles that fill `INNER` of the radius."""
INNER: Final = 0.97
ISLAND: Final = 20
"""Titles from which a part that nothing ties to the rest is laid out."""
SHARED: Final = 3
"""Titles that two maps must share to be laid upon one another."""


@dataclass(frozen=True)
class LayoutConfig:
    """How titles are laid out.

    near: answers of each title that pull. sharpness: the power that they are raised to. early, late: steps with and
    without exaggeration.
    """

    near: int = 100
    sharpness: float = 2.0
    early: int = 250
    late: int = 500

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.near, self.early, self.late) < 1 or not self.sharpness > 0:
            raise InputError(f"a layout needs near, early, late of at least 1 and sharpness above 0; got {self}")


def pulls(alike: Alike, rows: NDArray[np.int64], config: LayoutConfig) -> sparse.csr_array[np.float64]:
    """Return float64 CSR [m, m], symmetric, in all 1: how strongly the titles at `rows` (ascending) pull together.

    A title that says nothing of the others, and of which they say nothing, has an empty row.
    """
    from scipy import sparse  # noqa: PLC0415 - an extra's work; serving must not pay for it

    place = np.full(len(alike.anime_ids), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    others, told = alike.others[rows], alike.scores[rows].astype(np.float64)
    inside = (others >= 0) & (place[others] >= 0)
    inside &= np.cumsum(inside, axis=1) <= config.near
    weights = np.where(inside, told, 0.0) ** config.sharpness
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    owner = np.repeat(np.arange(len(rows)), inside.sum(axis=1))
    matrix = sparse.csr_array((weights[inside], (owner, place[others[inside]])), shape=(len(rows), len(rows)))
    both = sparse.csr_array(matrix + matrix.T)
    total = both.sum()
    if not total > 0:
        raise InputError("no title is like another one; there is nothing to make a map of")
    both.data /= total
    both.sort_indices()
    return both


def hang_together(pull: sparse.csr_array[np.float64], least: int = ISLAND) -> NDArray[np.bool_]:
    """Return bool [m]: the titles of parts of the graph with `least` titles or more, or else of the largest part.

    Small parts that nothing ties to the rest would be driven to the edge of the map.
    """
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - serving must not pay for it

    _, part = connected_components(pull, directed=False)
    sizes = np.bincount(part)
    return np.asarray(sizes[part] >= min(least, int(sizes.max(initial=0))))


def lay_out(
    pull: sparse.csr_array[np.float64],
    config: LayoutConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> NDArray[np.float64]:
    """Return float64 [m, 2]: the layout that t-SNE finds; same input and seed, same numbers on one machine.

    Raises:
        MissingAbility: openTSNE is not installed.
    """
    try:
        from openTSNE import TSNE, affinity  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility('a layout needs openTSNE: pip install "anirec[map]"') from error
    from scipy import sparse  # noqa: PLC0415 - an extra's work; serving must not pay for it

    total = config.early + config.late
    done = [0]

    def step(_iteration: int, _error: float, _embedding: object) -> None:
        done[0] += 10
        progress(min(done[0], total), total)

    affinities = affinity.PrecomputedAffinities(sparse.csr_matrix(pull, copy=True))  # it is written to
    start = spectrum(pull, seed)
    tsne = TSNE(
        n_jobs=1,
        random_state=seed,
        negative_gradient_method="fft" if pull.shape[0] > 1000 else "bh",
        ints_in_interval=2,  # cells of twice the usual width: a third of the time
        early_exaggeration_iter=config.early,
        n_iter=config.late,
        callbacks=step,
        callbacks_every_iters=10,
    )
    found = np.asarray(tsne.fit(affinities=affinities, initialization=start), dtype=np.float64)
    progress(total, total)
    if not np.isfinite(found).all():
        raise InputError("the layout came out without finite places; take a lower sharpness")
    return found


def spectrum(pull: sparse.csr_array[np.float64], seed: int) -> NDArray[np.float64]:
    """Return float64 [m, 2], spread .0001: the graph's second and third eigenvector, of D^-1/2 P D^-1/2 over D^1/2.

    A hair of chance keeps apart what is alike in both, as all of a part that nothing ties to the rest is.
    """
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh  # noqa: PLC0415 - likewise

    rng = np.random.default_rng([seed, 11])
    root = sparse.diags_array(1.0 / np.sqrt(pull.sum(axis=1)))
    try:
        values, vectors = eigsh(
            root @ pull @ root, k=3, which="LA", v0=rng.random(pull.shape[0]), tol=1e-4, maxiter=500
        )
    except ArpackNoConvergence:  # several parts that nothing ties together: any start will do
        values, vectors = np.arange(3.0), rng.standard_normal((pull.shape[0], 3))
    start = np.asarray(root @ vectors[:, np.argsort(-values)[1:]])
    start = start / np.maximum(np.abs(start).max(axis=0), np.finfo(np.float64).tiny)
    start += 0.01 * rng.standard_normal(start.shape)
    return np.asarray(start / start.std(axis=0) * 1e-4)


def set_beside(
    alike: Alike, rows: NDArray[np.int64], laid: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which further titles have a place beside others, int64 [p] rows, ascending, and their places, [p, 2].

    rows: int64 [m], ascending, the titles that are laid out at `laid` [m, 2]. Each looks at the first `BESIDE` titles
    with a place of those it is most like, takes the one that the others stand nearest to, and stands among it and those
    around it: a mean over all would be a place where none of them is. Those beside the same title stand around it as a
    sunflower's seeds do. Who has nobody to look at waits for the next round, in which those of this round have places.
    """
    n = len(alike.anime_ids)
    places = np.full((n, 2), np.nan)
    places[rows] = laid
    spacing, hosted = _spacing(laid), np.zeros(n, dtype=np.int64)
    while True:
        has = np.isfinite(places[:, 0])
        found = {}
        for row in np.flatnonzero(~has).tolist():
            others = alike.others[row]
            inside = np.flatnonzero((others >= 0) & has[others])[:BESIDE]
            if len(inside):
                at, weight = places[others[inside]], alike.scores[row, inside].astype(np.float64) ** 2
                middle, close = _among(at, weight, 4 * spacing)
                host = int(others[inside[close]])
                found[row] = middle + 0.5 * spacing * sunflower(hosted[host])
                hosted[host] += 1
        if not found:
            break
        places[list(found)] = list(found.values())
    further = np.setdiff1d(np.flatnonzero(np.isfinite(places[:, 0])), rows)
    return further, places[further]


def _among(at: NDArray[np.float64], weight: NDArray[np.float64], near: float) -> tuple[NDArray[np.float64], int]:
    """Return the weighted mean of places near the one that all others are nearest to, [2], and which one that is."""
    away = np.linalg.norm(at[:, np.newaxis] - at, axis=2)
    middle = int(np.argmin(away @ weight))
    close = away[middle] <= near
    return np.asarray(weight[close] @ at[close] / weight[close].sum()), middle


def sunflower(number: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    """Return float64 [..., 2]: where seed `number`, from 0, stands; evenly, about 1 apart (Vogel 1979)."""
    reach, angle = np.sqrt(number + 0.5), number * GOLDEN
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=-1)


def _spacing(laid: NDArray[np.float64]) -> float:
    """Return how far the fifth nearest title is away from a title, in the median."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - serving must not pay for it

    k = min(6, len(laid))
    away = np.asarray(cKDTree(laid).query(laid, k=k)[0])
    return float(np.median(away.reshape(len(laid), -1)[:, -1]))


def disc(n: int) -> NDArray[np.float64]:
    """Return float64 [n, 2]: places on `DISC`, evenly, from its middle outwards."""
    x, y, radius = DISC
    return np.asarray((x, y) + radius / np.sqrt(max(n, 1)) * sunflower(np.arange(n)))


def turned(places: NDArray[np.float64], right: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64 [n, 2], turned and perhaps mirrored so that `right` grows to the right, and `up` upwards.

    right, up: float64 [n], nan = not known. Where the places say nothing of either, they stay as they are.
    """
    middle = places - places.mean(axis=0)
    slope = _slope(middle, right)
    if (length := float(np.linalg.norm(slope))) > 0:
        cosine, sine = slope / length
        middle = np.asarray(middle @ np.array([[cosine, -sine], [sine, cosine]]))
    if _slope(middle, up)[1] < 0:
        middle[:, 1] *= -1
    return np.asarray(middle)


def _slope(middle: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(2)
    slope: NDArray[np.float64] = (values[known] - values[known].mean()) @ middle[known]
    return slope


def laid_upon(places: NDArray[np.float64], mine: NDArray[np.int64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places turned and perhaps mirrored so that those at `mine` lie as near as can be to `theirs`.

    places: float64 [n, 2]. mine: int64 [s], at least `SHARED`. theirs: float64 [s, 2]. Sizes are left alone.
    """
    from scipy.linalg import orthogonal_procrustes  # noqa: PLC0415 - serving must not pay for it

    middle = places - places[mine].mean(axis=0)
    turn, _ = orthogonal_procrustes(middle[mine], theirs - theirs.mean(axis=0))
    return np.asarray(middle @ turn)


def fitted(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places moved and scaled, alike in both directions, into the disc of radius `RIM` around 0.

    What lies further out than nearly all (`NEARLY`) is drawn in, the order of distances from the middle being kept: a
    few titles that hardly anything ties to the rest would otherwise make all else small.
    """
    middle = places - np.median(places, axis=0)
    reach = np.linalg.norm(middle, axis=1)
    usual = float(np.quantile(reach, NEARLY))
    if not usual > 0:
        return np.asarray(np.clip(middle, -RIM, RIM))
    inner = RIM * INNER
    with np.errstate(divide="ignore"):
        drawn = np.where(reach <= usual, inner / usual, (inner + (RIM - inner) * (1 - usual / reach)) / reach)
    return np.asarray(middle * drawn[:, np.newaxis])
