"""The content model: titles that are about the same things as what you like.

What it does: describes every title of the catalogue by its features (`prepare.features`), weighs them by how rare they
are, and scores by the cosine between a title and the likings-weighted mean of the profile's titles. A title that nobody
has rated yet has its place like any other. What it does not: learn from ratings what people care about, or how good a
title is; two titles with the same features score the same.

Source: the vector space model with TF-IDF weights, Salton and Buckley 1988, "Term-weighting approaches in automatic
text retrieval"; the idf is ln((1 + n) / (1 + df)) + 1. Within each group (labels, tags, studios ...) a title's weights
have length 1 before the group's own weight is applied, so that thirty tags do not drown two genres; a title's whole
vector has length 1.

Memory: 8 bytes a feature that a title has, some 8 of them for each title (30,000 titles: 2 MB). Workable sizes: any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.runs import runs
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.prepare.features import GROUPS, Features
from anirec.recommenders.vectors import is_sparse, weights_of

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class ContentConfig:
    """How much each group of features counts, relative to the others; 0 leaves it out.

    What a title is about weighs most. Kind and era are known of nearly every title and tell few apart.
    """

    label: float = 1.0
    tag: float = 1.0
    studio: float = 0.4
    source: float = 0.3
    kind: float = 0.3
    era: float = 0.4

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        weights = [getattr(self, field.name) for field in fields(self)]
        if not np.isfinite(weights).all() or min(weights) < 0 or max(weights) == 0:
            raise InputError(f"weights of features must be finite, not below 0, and one above 0; got {self}")


@dataclass(frozen=True, eq=False)
class Content:
    """A fitted content model.

    items: int32 [n], the whole catalogue. The features of item i stand at indptr[i]:indptr[i + 1] (int64 [n + 1]) of
    features (int32, a column) and values (float32); each title's values have length 1, or there are none.
    n_features: columns.
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    features: NDArray[np.int32]
    values: NDArray[np.float32]
    n_features: int

    @cached_property
    def _carriers(self) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.float64]]:
        """By feature, the items that have it: where each begins and the last ends [f + 1], items, their values."""
        order = np.argsort(self.features, kind="stable")
        counts = np.bincount(self.features, minlength=self.n_features)
        return (
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self._owners[order],
            self.values[order].astype(np.float64),
        )

    @cached_property
    def _owners(self) -> NDArray[np.intp]:
        """[features of all items]: the item that each entry of `features` is of."""
        return np.repeat(np.arange(len(self.items)), np.diff(self.indptr))

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: cosines, -1..1, with the mean of each profile; 0 where nothing is known of either."""
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            scores[row] = self._score(self._mean(profile))
        return scores

    def _mean(self, profile: Profile) -> NDArray[np.float64]:
        """Return float64 [f]: what a profile is about, of length 1, or 0 where nothing is known."""
        rows, weights = weights_of(self.items, profile)
        starts, stops = self.indptr[rows], self.indptr[rows + 1]
        entries = runs(starts, stops)
        told = self.values[entries] * np.repeat(weights, stops - starts)
        mean = np.bincount(self.features[entries], told, minlength=self.n_features).astype(np.float64, copy=False)
        length = float(np.linalg.norm(mean))
        mean /= length if length > 0 else 1.0
        return mean

    def _score(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        starts, items, values = self._carriers
        about = np.flatnonzero(mean)
        counts = starts[about + 1] - starts[about]
        if 2 * counts.sum() > len(values):  # a mean that is about nearly everything: quicker to read it all in order
            told = self.values * mean[self.features]
            return np.bincount(self._owners, told, minlength=len(self.items)).astype(np.float64, copy=False)
        places = runs(starts[about], starts[about + 1])
        carried = values[places] * np.repeat(mean[about], counts)
        return np.bincount(items[places], carried, minlength=len(self.items)).astype(np.float64, copy=False)

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays: dict[str, NDArray[Any]] = {
            "items": self.items,
            "indptr": self.indptr,
            "features": self.features,
            "values": self.values,
        }
        return State(kind="content", arrays=arrays, facts={"n_features": self.n_features})


def weighted(features: Features, config: ContentConfig) -> sparse.csr_array[np.float32]:
    """Return float32 CSR [n, f]: the features weighted by rarity and group, each row of length 1 (or without any)."""
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    matrix = features.matrix.astype(np.float64)
    n = matrix.shape[0]
    carried = np.bincount(matrix.indices, minlength=matrix.shape[1])
    matrix = matrix @ sparse.diags_array(np.log((1 + n) / (1 + carried)) + 1)
    parts = []
    for number, group in enumerate(GROUPS):
        part = _unit_rows(matrix[:, np.flatnonzero(features.groups == number)])
        parts.append(part * float(getattr(config, group)))
    whole = _unit_rows(sparse.csr_array(sparse.hstack(parts, format="csr"))).astype(np.float32)
    whole.eliminate_zeros()
    whole.sort_indices()
    result: sparse.csr_array[np.float32] = whole
    return result


def _unit_rows(matrix: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    lengths = np.sqrt((matrix * matrix).sum(axis=1))
    return sparse.csr_array(sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix)


def fit(
    dataset: Dataset,  # noqa: ARG001 - nobody's ratings are looked at
    config: ContentConfig,
    rng: np.random.Generator,  # noqa: ARG001 - nothing here is left to chance
    *,
    features: Features,
) -> Content:
    """Weigh the features; every title that they are about becomes an item."""
    matrix = weighted(features, config)
    return Content(
        items=features.anime_ids,
        indptr=matrix.indptr.astype(np.int64),
        features=matrix.indices.astype(np.int32),
        values=matrix.data.astype(np.float32),
        n_features=int(matrix.shape[1]),
    )


def restore(state: State) -> Content:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    items, indptr, features, values = (state.arrays[name] for name in ("items", "indptr", "features", "values"))
    n_features = int(state.facts["n_features"])
    if not is_sparse((indptr, features, values), (len(items), n_features)):
        raise ValueError("the features of the content model do not fit its items")
    return Content(items=items, indptr=indptr, features=features, values=values, n_features=n_features)
