"""Co-rating embeddings: titles are near if whoever rates both rates them alike, seen from that person's own mean.

What it does: gives each title a vector such that the inner product of two says how well they are rated together, and
scores by the likings-weighted mean of cosines. What it does not: learn from who has a title on the list at all, which
tells more about taste than scores do: on real data it ranks far below popularity, and is here as a rival of record.

The objective. User u rates i with r_ui, o_ui = r_ui - mean_u is the offset, and a_ui = sqrt((clip(o_ui, -s, s) + s + 1)
/ (2 s + 1)) lies in 0..1 (s: `spread`). The target of a pair is the geometric mean of its two shifted offsets, a_ui
a_uj: high only if both are, lower than the arithmetic mean where they differ. With vectors v and biases b,

    L = E[(m + b_i + b_j + v_i . v_j - a_ui a_uj)^2] + l2 (|v_i|^2 + |v_j|^2 + b_i^2 + b_j^2),

where m is the mean target, and a pair is drawn as follows: a user with two ratings or more, in proportion to their
number; then i and j among that user's ratings, each title with a chance in proportion to (number of its
ratings)^-evenness, or L would be about a few hundred titles that all have rated. The biases take what is good in
everybody's eyes; what is left to the vectors is who agrees. With e the bracket, half the gradient is

    for v_i: e v_j + l2 v_i,    for v_j: e v_i + l2 v_j,    for b_i: e + l2 b_i,    for b_j: e + l2 b_j.

It is followed by AdaGrad (Duchi et al. 2011) over batches of pairs. Source of the idea: AniEmbed, an anime embedding
trained on geometric means of users' offsets; the biases are ours.

Memory: 8 k bytes a title and 24 bytes a rating to fit, 4 k a title to serve. Time: 20 k operations a pair. Workable
sizes: any number of titles and users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.prepare.dataset import Dataset
from anirec.recommenders.vectors import ItemVectors, liked_by_enough, of_unit_length, restore

__all__ = ["KIND", "CoRatingConfig", "fit", "restore"]

KIND: Final = "co_rating"
START: Final = 0.03  # spread of the first vectors; what is never learned from stays that short


@dataclass(frozen=True)
class CoRatingConfig:
    """How the vectors are trained.

    dimensions: of the vectors. spread: offsets beyond so many points count as that. evenness: 0..1, see above; 0 draws
    by popularity. pairs_per_rating: pairs drawn in all, for each rating. batch: pairs a step. lr: of AdaGrad.
    l2: penalty, in squared targets. min_likes: a title with fewer has no vector. min_ratings: a user with fewer, at
    least 2, has no mean worth comparing with.
    """

    dimensions: int = 50
    spread: float = 4.0
    evenness: float = 0.5
    pairs_per_rating: float = 10.0
    batch: int = 8192
    lr: float = 0.05
    l2: float = 2e-2
    min_likes: int = 5
    min_ratings: int = 5

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.dimensions, self.batch, self.min_likes) < 1 or self.min_ratings < 2:
            raise InputError(f"co-rating needs dimensions, batch, min_likes >= 1 and min_ratings >= 2; got {self}")
        if not (self.spread > 0 and self.lr > 0 and self.pairs_per_rating > 0 and self.l2 >= 0):
            raise InputError(f"co-rating needs spread, lr, pairs_per_rating > 0 and l2 >= 0; got {self}")
        if not 0 <= self.evenness <= 1:
            raise InputError(f"evenness is {self.evenness:g}; it must lie in 0..1")


@dataclass(frozen=True)
class Ratings:
    """What pairs are drawn from, by user: the titles and shifted offsets of user u stand at bounds[u]:bounds[u + 1].

    titles: int64 [r], place among those that get vectors. roots: float64 [r], a_ui of the header. chances: float64
    [r + 1], running sums of the chances of all ratings before. bounds: int64 [u + 1].
    """

    titles: NDArray[np.int64]
    roots: NDArray[np.float64]
    chances: NDArray[np.float64]
    bounds: NDArray[np.int64]


def fit(dataset: Dataset, config: CoRatingConfig, rng: np.random.Generator) -> ItemVectors:
    """Train on scores; entries without one say nothing here.

    Raises:
        InputError: no user has enough ratings of titles that have enough likes.
        FloatingPointError: the vectors are not finite; says after how many pairs.
    """
    places = liked_by_enough(dataset, config.min_likes)
    ratings = ratings_of(dataset, places, config)
    if len(ratings.titles) == 0:
        raise InputError(f"nobody has {config.min_ratings} ratings of titles with {config.min_likes} likes")
    first, second, targets = draw(ratings, 100_000, rng)
    middle = float(targets.mean())
    # The last column is the bias: the other of a pair is then multiplied by 1.
    table = np.hstack([rng.normal(0, START, (len(places), config.dimensions)), np.zeros((len(places), 1))])
    table = table.astype(np.float32)
    squares = np.full(len(table), 1e-6, dtype=np.float32)
    n_pairs = int(config.pairs_per_rating * len(ratings.titles))
    for start in range(0, n_pairs, config.batch):
        first, second, targets = draw(ratings, min(config.batch, n_pairs - start), rng)
        rows, slopes = gradient(table, first, second, (targets - middle).astype(np.float32), config.l2)
        squares[rows] += np.mean(slopes**2, axis=1)
        table[rows] -= config.lr * slopes / np.sqrt(squares[rows])[:, np.newaxis]
        if not np.isfinite(slopes).all():
            raise FloatingPointError(f"the vectors are not finite after {start} pairs; lower the learning rate")
    return ItemVectors(kind=KIND, items=dataset.anime_ids[places], vectors=of_unit_length(table[:, :-1]))


def ratings_of(dataset: Dataset, places: NDArray[np.int64], config: CoRatingConfig) -> Ratings:
    """Return the ratings of titles at `places`, of users with enough of them; the mean is over all a user's ratings."""
    scored = dataset.scores > 0
    sums = np.bincount(dataset.users[scored], dataset.scores[scored].astype(np.float64), dataset.n_users)
    means = sums / np.maximum(np.bincount(dataset.users[scored], minlength=dataset.n_users), 1)
    keep = scored & np.isin(dataset.items, places)
    keep &= (np.bincount(dataset.users[keep], minlength=dataset.n_users) >= config.min_ratings)[dataset.users]
    users, titles = dataset.users[keep], np.searchsorted(places, dataset.items[keep])
    offsets = np.clip(dataset.scores[keep] - means[users], -config.spread, config.spread)
    chances = np.maximum(np.bincount(titles, minlength=len(places)), 1.0)[titles] ** -config.evenness
    counts = np.bincount(users, minlength=dataset.n_users)
    return Ratings(
        titles=titles.astype(np.int64),
        roots=np.sqrt((offsets + config.spread + 1) / (2 * config.spread + 1)),
        chances=np.concatenate([[0.0], np.cumsum(chances)]),
        bounds=np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64),
    )


def draw(
    ratings: Ratings, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Draw at most n pairs: two titles of one user each, and a_ui a_uj; where one title came twice, it is left out."""
    user = np.searchsorted(ratings.bounds, rng.integers(len(ratings.titles), size=n), side="right") - 1
    low, high = ratings.bounds[user], ratings.bounds[user + 1]
    start, end = ratings.chances[low], ratings.chances[high]
    drawn = np.searchsorted(ratings.chances, start + (end - start) * rng.random((2, n)), side="right") - 1
    one, other = np.clip(drawn, low, high - 1)
    differ = one != other
    one, other = one[differ], other[differ]
    return ratings.titles[one], ratings.titles[other], ratings.roots[one] * ratings.roots[other]


def gradient(
    table: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    targets: NDArray[np.float32],
    l2: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows of `table` that a batch touches, ascending, and half the gradient of its summed L there.

    table: [n, k + 1], vectors and, last, biases. first, second: [m] rows. targets: [m], without the mean.
    """
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    one, other = table[first], table[second]
    products = np.einsum("mk,mk->m", one[:, :-1], other[:, :-1])
    errors = (products + one[:, -1] + other[:, -1] - targets)[:, np.newaxis]
    partners = np.concatenate([other, one])
    partners[:, -1] = 1.0
    slopes = np.concatenate([errors, errors]) * partners + np.float32(l2) * np.concatenate([one, other])
    rows, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    shape = (len(rows), len(place))
    gather = sparse.csr_array((np.ones(len(place), np.float32), (place, np.arange(len(place)))), shape=shape)
    return rows, np.asarray(gather @ slopes, dtype=np.float32)
