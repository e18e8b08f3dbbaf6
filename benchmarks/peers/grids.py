"""What each method's settings are chosen from on the validation users: as many trials for a peer as for ours.

Each grid lies around what was best in earlier, wider looks at the same validation users. Imports nothing but the
standard library, so that every runner can. Nets have no grid: they have a budget of seconds, the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

TRIALS: Final = 6

Grid = tuple[Mapping[str, Any], ...]


def _grid(**choices: tuple[Any, ...]) -> Grid:
    return tuple(dict(zip(choices, chosen, strict=True)) for chosen in product(*choices.values()))


EASE: Final = _grid(l2=(20.0, 50.0, 100.0, 200.0, 500.0, 1000.0))
"""Of every implementation: the method has one setting."""

IALS: Final = _grid(alpha=(0.05, 0.1, 0.2), l2=(0.003, 0.01))
"""Weight of what is not liked beside 1, and penalty, where both are as Rendle et al. 2021 have them."""

IMPLICIT: Final = _grid(alpha=(2.0, 5.0, 10.0), regularization=(10.0, 30.0))
"""Weight of a like beside 1, and penalty, as implicit has them."""

LENSKIT_IALS: Final = _grid(weight=(5.0, 10.0, 40.0), regularization=(0.1, 10.0))
"""Weight of a like, and penalty, as LensKit has them."""

ITEM_KNN: Final = _grid(k=(50, 100, 200), shrink=(0.0, 20.0))
"""Neighbours of a title that are kept, and likes that the cosine is shrunk by."""

LENSKIT_ITEM_KNN: Final = _grid(max_nbrs=(10, 20, 50, 100, 200, 500))
"""Neighbours on the list that count; it has no shrinkage."""

SKIP_GRAM: Final = _grid(window=(5, 10), sample=(1e-3, 1e-4, 1e-5))
"""Of every implementation: titles to each side, and the share beyond which a title is thinned out."""

GRIDS: Final[Mapping[str, Grid]] = {
    "ease": EASE,
    "ials": IALS,
    "implicit": IMPLICIT,
    "lenskit-ials": LENSKIT_IALS,
    "item-knn": ITEM_KNN,
    "lenskit-item-knn": LENSKIT_ITEM_KNN,
    "skip-gram": SKIP_GRAM,
}
