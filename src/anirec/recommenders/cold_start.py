"""Cold start: where a title would stand among the rated ones, told from what it is about.

What it does: finds a vector for every rated title from who likes what; learns by ridge regression what these vectors
are from the titles' features; and gives every title of the catalogue a vector: its own as far as enough people like
it, for the rest what its features say. So a title without ratings is ranked among all others, and a profile of such
titles is understood. What it does not: tell how good or popular such a title will be; two unrated titles with the same
features score the same.

Source: in effect DropoutNet (Volkovs et al. 2017), one model that can do without the ratings; here linear, as in
Gantner et al. 2010, "Learning Attribute-to-Feature Mappings for Cold-Start Recommendations". With X the likings of
users by titles, each column over its length^evenness, and U S V' its truncated singular value decomposition, e_j is
row j of V S; W = argmin sum_j c_j |e_j - f_j W|^2 + l2 |W|^2, with f_j the weighted features of `content` and a
constant (which is not penalised), and c_j = likes_j / (likes_j + trust). The title's vector is
c_j e_j + (1 - c_j) f_j W.

Memory: 4 k bytes a title to serve; to fit, 16 f^2 for f features. Time: some hundred products with X, and f^3 / 3
operations. Workable sizes: some 10,000 features, any number of titles and users.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.prepare.features import Features
from anirec.recommenders.content import ContentConfig, weighted
from anirec.recommenders.vectors import ItemVectors, liked_by_enough, restore

__all__ = ["KIND", "ColdStartConfig", "fit", "restore"]

KIND: Final = "cold_start"
FREE: Final = 1e-6  # penalty of the constant: none, but for the matrix to be invertible


@dataclass(frozen=True)
class ColdStartConfig:
    """How the map is learned.

    dimensions: of the vectors. evenness: 0..1; at 1 all rated titles are alike in length, however many like them, and
    the less it is the more the much liked come first; on real data 0.7 ranks both rated and hidden titles better than
    1. min_likes: a title with fewer likes has no vector of its own. l2: ridge penalty, in titles. trust: likes at which
    a title's own vector counts as much as its features; 0 = its own alone. content: weights of the features.
    """

    dimensions: int = 64
    evenness: float = 0.7
    min_likes: int = 5
    l2: float = 3.0
    trust: float = 20.0
    content: ContentConfig = field(default_factory=ContentConfig)

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least_ones = min(self.dimensions, self.min_likes)
        if least_ones < 1 or not self.l2 > 0 or not 0 <= self.trust < np.inf or not 0 <= self.evenness <= 1:
            raise InputError(
                f"cold start needs dimensions, min_likes >= 1, 0 <= evenness <= 1, l2 > 0 and trust >= 0; got {self}"
            )


def fit(dataset: Dataset, config: ColdStartConfig, rng: np.random.Generator, *, features: Features) -> ItemVectors:
    """Find the vectors of rated titles, learn the map, and place every title that the features are about.

    Raises:
        InputError: fewer than three titles that the features are about have enough likes.
    """
    places = liked_by_enough(dataset, config.min_likes)
    places = places[np.isin(dataset.anime_ids[places], features.anime_ids)]
    if min(len(places), dataset.n_users) < 3:
        raise InputError(f"{len(places)} titles have {config.min_likes} likes; cold start needs 3, and as many users")
    own = collaborative(dataset, places, config, rng)
    likes = dataset.like_counts()[places].astype(np.float64)
    sure = (likes / (likes + config.trust))[:, np.newaxis]
    described = weighted(features, config.content)
    rows = np.searchsorted(features.anime_ids, dataset.anime_ids[places])
    vectors = ridge(described, rows, own, sure.ravel(), config.l2)
    vectors[rows] = sure * own + (1 - sure) * vectors[rows]
    return ItemVectors(kind=KIND, items=features.anime_ids, vectors=vectors.astype(np.float32))


def collaborative(
    dataset: Dataset, places: NDArray[np.int64], config: ColdStartConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return V S, float64 [len(places), <= config.dimensions]: titles as likings place them, see above.

    places: int64, ascending, in `dataset.anime_ids`; each is liked by somebody. Dislikes count as nothing.
    """
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it
    from scipy.sparse.linalg import svds  # noqa: PLC0415 - as above

    keep = np.isin(dataset.items, places) & (dataset.liking > 0)
    columns = np.searchsorted(places, dataset.items[keep])
    likings = dataset.liking[keep].astype(np.float64)
    scales = np.bincount(columns, likings**2, minlength=len(places)) ** (-config.evenness / 2)
    shape = (dataset.n_users, len(places))
    matrix = sparse.csr_array((likings * scales[columns], (dataset.users[keep], columns)), shape=shape)
    found: Any = svds(matrix, k=min(config.dimensions, min(shape) - 1), v0=rng.standard_normal(min(shape)))
    vectors: NDArray[np.float64] = found[2].T * found[1]
    return vectors


def ridge(
    described: Any, rows: NDArray[np.int64], own: NDArray[np.float64], weights: NDArray[np.float64], l2: float
) -> NDArray[np.float64]:
    """Return float64 [n, k]: what a ridge regression says of every row of `described`.

    described: CSR [n, f]. rows: [m], of those that it learns from; own: [m, k], their vectors; weights: [m].
    """
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it
    from scipy.linalg import cho_factor, cho_solve  # noqa: PLC0415 - as above

    constant = sparse.csr_array(np.ones((described.shape[0], 1)))
    full = sparse.csr_array(sparse.hstack([described, constant], format="csr"), dtype=np.float64)
    known = full[rows]
    balanced = sparse.csr_array(known.T @ sparse.diags_array(weights))
    normal = (balanced @ known).toarray()
    normal[np.diag_indices_from(normal)] += np.append(np.full(described.shape[1], l2), FREE)
    solved: Any = cho_solve(cho_factor(normal), balanced @ own)
    predicted: NDArray[np.float64] = full @ solved
    return predicted
