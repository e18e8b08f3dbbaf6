"""Tables of weights as a bundle keeps them: a byte, two or four a number. What every served net is made of.

An int8 table has one scale a row, a row belonging to one item: a row's numbers are whole steps of 1/127 of its largest.
The error is at most half a step, 0.4 % of the row's largest number. float16 keeps three decimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in
from anirec.core.profile import Profile

LEVELS = 127
PRECISIONS = ("int8", "float16", "float32")


@dataclass(frozen=True, eq=False)
class Table:
    """A matrix [r, c]: steps times its row's scale. steps: int8, float16 or float32 [r, c]. scales: float32 [r]."""

    steps: NDArray[Any]
    scales: NDArray[np.float32]

    @classmethod
    def of(cls, values: NDArray[np.float32], precision: str) -> Table:
        """Keep a float32 matrix in one of the `PRECISIONS`."""
        if precision != "int8":
            return cls(values.astype(precision), np.ones(len(values), dtype=np.float32))
        most = np.abs(values).max(axis=1, initial=0.0)
        scales = (np.maximum(most, np.finfo(np.float16).tiny) / LEVELS).astype(np.float32)
        return cls(np.rint(values / scales[:, np.newaxis]).astype(np.int8), scales)

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """The whole matrix as float32; made when first asked for, and kept."""
        values: NDArray[np.float32] = self.steps.astype(np.float32) * self.scales[:, np.newaxis]
        return values

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """float32 [columns], of all rows."""
        found: NDArray[np.float32] = self.values.mean(axis=0)
        return found

    def sum_of(self, rows: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [columns]: the weighted sum of these rows, without unpacking the others."""
        total: NDArray[np.float32] = (weights * self.scales[rows]) @ self.steps[rows].astype(np.float32)
        return total

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps, under names that begin with `name`."""
        return {f"{name}_steps": self.steps, f"{name}_scales": self.scales}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, int]) -> Table:
        """Rebuild a table from what `arrays` returned.

        Raises:
            ValueError: it does not have this shape, or holds what is no number.
        """
        table = cls(arrays[f"{name}_steps"], arrays[f"{name}_scales"])
        if table.steps.shape != shape or table.scales.shape != shape[:1] or table.steps.dtype.name not in PRECISIONS:
            raise ValueError(f"the table {name} is not {shape[0]} rows of {shape[1]} numbers")
        if not (np.isfinite(table.scales).all() and np.isfinite(table.steps).all()):
            raise ValueError(f"the table {name} holds what is no number")
        return table


def fitting(arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the array of this name.

    Raises:
        ValueError: it does not have this shape, or holds what is no number.
    """
    array = arrays[name]
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} is not {shape} finite numbers")
    return array.astype(np.float32, copy=False)


def known(items: NDArray[np.int32], profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the places in `items` of a profile's titles, and bool [m] which of its titles those are."""
    return found_in(items, profile.anime_ids)


def from_zero(scores: Sequence[NDArray[np.float32]], n: int) -> NDArray[np.float32]:
    """Return float32 [p, n]: each row less its least, so that a blend's 0 for what is unknown is no recommendation."""
    stacked = np.array(scores, dtype=np.float32).reshape(len(scores), n)
    lifted: NDArray[np.float32] = stacked - stacked.min(axis=1, keepdims=True, initial=np.inf)
    return lifted
