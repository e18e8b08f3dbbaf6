"""Item2vec: titles that stand in the same lists of likes get near vectors, as words of one text do.

What it does: the simple rival of `co_rating`. Takes what each user likes as a sentence without an order, trains
skip-gram with negative sampling, and scores by the likings-weighted mean of cosines. What it does not: tell a 7 from a
10, or use what people disliked.

Source: Barkan and Koenigstein 2016, "Item2Vec: Neural Item Embedding for Collaborative Filtering": word2vec (Mikolov
et al. 2013) whose window is the whole set. Here a set is shuffled anew in every pass, and the window is bounded, which
comes to the same over many passes and keeps long lists from taking nearly all the time.

Training needs gensim; serving does not. One thread, so that the same seed gives the same bytes.
Memory: 12 k bytes a title to fit, 4 k to serve. Time: passes * likes * window * negatives * k operations. Workable
sizes: any number of titles and users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from anirec.core.errors import InputError, MissingAbility
from anirec.prepare.dataset import Dataset
from anirec.recommenders.vectors import ItemVectors, liked_by_enough, of_unit_length, restore

__all__ = ["KIND", "Item2VecConfig", "fit", "restore"]

KIND: Final = "item2vec"


@dataclass(frozen=True)
class Item2VecConfig:
    """How skip-gram is trained.

    dimensions: of the vectors. window: titles on each side, of a shuffled list, that one is to foretell. negatives:
    random titles for each true one. passes: over all likes. sample: 0..1, likes of a title beyond this share of all
    are thinned out, as the square root; 0 = none. min_likes: a title with fewer has no vector. lr: learning rate.
    """

    dimensions: int = 64
    window: int = 10
    negatives: int = 5
    passes: int = 10
    sample: float = 1e-4
    min_likes: int = 5
    lr: float = 0.025

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        least = min(self.dimensions, self.window, self.negatives, self.passes, self.min_likes)
        if least < 1 or not 0 <= self.sample <= 1 or not 0 < self.lr < 1:
            raise InputError(f"item2vec needs 0 <= sample <= 1, 0 < lr < 1 and the rest at least 1; got {self}")


@dataclass(frozen=True)
class _ShuffledLikes:
    """Each user's likes as words, in another order each time it is gone through."""

    likes: Dataset
    rng: np.random.Generator

    def __iter__(self) -> Iterator[list[str]]:
        words = self.likes.anime_ids.astype(str)
        bounds = self.likes.indptr
        for user in np.flatnonzero(np.diff(bounds) > 1):
            yield words[self.rng.permutation(self.likes.items[bounds[user] : bounds[user + 1]])].tolist()


def fit(dataset: Dataset, config: Item2VecConfig, rng: np.random.Generator) -> ItemVectors:
    """Train on who likes what.

    Raises:
        InputError: no two titles with enough likes are liked by one user.
        MissingAbility: gensim is not installed.
    """
    train = _word2vec()
    enough = np.isin(dataset.items, liked_by_enough(dataset, config.min_likes))
    likes = dataset.where(dataset.liked & enough)
    if not np.any(np.diff(likes.indptr) > 1):
        raise InputError(f"nobody likes two titles that have {config.min_likes} likes; item2vec learns from such pairs")
    trained = train(
        _ShuffledLikes(likes, rng),
        **{"vector_size": config.dimensions, "window": config.window, "sg": 1, "hs": 0, "min_count": 1, "workers": 1},
        **{"negative": config.negatives, "epochs": config.passes, "sample": config.sample, "alpha": config.lr},
        seed=int(rng.integers(2**31)),
    ).wv
    items = np.array(sorted(int(word) for word in trained.index_to_key), dtype=np.int32)
    vectors = np.stack([trained[str(anime_id)] for anime_id in items])
    return ItemVectors(kind=KIND, items=items, vectors=of_unit_length(vectors))


def _word2vec() -> Any:
    try:
        return import_module("gensim.models").Word2Vec
    except ImportError as error:
        raise MissingAbility("training item2vec needs gensim; install it, or leave item2vec out") from error
