"""Where names stand on the map: communities, and areas of two sizes, each called by what tells it from the rest.

What it does: names every community at the spot where it is densest; cuts the laid out titles into areas by k-means
(Lloyd 1982, started as in Arthur & Vassilvitskii 2007, seeded) and names those in their middles. What stands for more
people weighs more. What it does not: draw borders, which a layout has not.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.atlas.atlas import UNKNOWN_GENRE, Label
from anirec.atlas.layout import DISC
from anirec.atlas.naming import Words, telling, told_apart

PER_AREA: Final = (250, 60)
"""Titles that an area has in the mean, by level."""
UNKNOWN: Final = "too little is known of these"
SHOWN: Final = 3
"""Best-known titles that a label names."""
WORDS: Final = 2
"""Words that a label has at most."""


@dataclass(frozen=True)
class Known:
    """What is known of the n titles of a map. All [n].

    words: see `Words`. members: int32. adult: bool. names: title, best-known titles are named by them.
    """

    words: Words
    members: NDArray[np.int32]
    adult: NDArray[np.bool_]
    ids: NDArray[np.int32]
    names: Sequence[str]


@dataclass(frozen=True)
class _Area:
    x: float
    y: float
    rows: NDArray[np.int64]
    community: int


def labels_of(
    xy: NDArray[np.float64], placed: NDArray[np.int64], community: NDArray[np.int16], known: Known, seed: int
) -> tuple[Label, ...]:
    """Return the labels: of communities, then of areas, large ones first; in each of these the best known first.

    xy: float64 [n, 2]. placed: int64, ascending rows of the titles whose place means something. community: int16 [n].
    """
    everywhere = known.words.counts(placed)
    levels = [_communities(xy, placed, community)]
    for level, per_area in enumerate(PER_AREA):
        levels.append(_areas(xy, placed, round(len(placed) / per_area), seed + level))
    return tuple(
        label for level, areas in enumerate(levels) for label in _labelled(areas, level, len(levels), known, everywhere)
    )


def _communities(xy: NDArray[np.float64], placed: NDArray[np.int64], community: NDArray[np.int16]) -> list[_Area]:
    from scipy.spatial import cKDTree  # noqa: PLC0415 - serving must not pay for it

    areas = []
    for number in range(int(community.max(initial=-1)) + 1):
        rows = placed[community[placed] == number]
        if len(rows):
            k = min(len(rows), max(len(rows) // 10, 2))
            away = np.asarray(cKDTree(xy[rows]).query(xy[rows], k=[k])[0])
            x, y = xy[rows[int(np.argmin(away[:, 0]))]]
            areas.append(_Area(float(x), float(y), rows, number))
    return areas


def _areas(xy: NDArray[np.float64], placed: NDArray[np.int64], count: int, seed: int) -> list[_Area]:
    from scipy.cluster.vq import kmeans2  # noqa: PLC0415 - serving must not pay for it

    if count < 2:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an area without titles is left out below
        middles, area = kmeans2(xy[placed], count, iter=30, minit="++", seed=np.random.default_rng([seed, 13]))
    found = [(number, placed[area == number]) for number in range(count)]
    return [_Area(float(middles[i, 0]), float(middles[i, 1]), rows, -1) for i, rows in found if len(rows)]


def _labelled(
    areas: Sequence[_Area], level: int, levels: int, known: Known, everywhere: NDArray[np.int64]
) -> list[Label]:
    if not areas:
        return []
    best = [_best_known(area.rows, known) for area in areas]
    names = [known.names[rows[0]] if len(rows) else "" for rows in best]
    words = [telling(known.words, area.rows, everywhere, WORDS) for area in areas]
    texts = told_apart([", ".join(w) or name for w, name in zip(words, names, strict=True)], names)
    people = np.array([known.members[area.rows].sum(dtype=np.int64) for area in areas], dtype=np.float64)
    share = (levels - 1 - level + people / max(people.max(), 1.0)) / levels
    found = [
        Label(
            x=round(area.x, 4),
            y=round(area.y, 4),
            text=text,
            weight=round(float(weight), 4),
            level=level,
            titles=tuple(known.ids[rows].tolist()),
            community=area.community,
            size=len(area.rows),
            adult=bool(known.adult[area.rows].mean() > 0.5),
        )
        for area, text, weight, rows in zip(areas, texts, share, best, strict=True)
    ]
    return sorted(found, key=lambda label: (-label.weight, label.x, label.y))


def _best_known(rows: NDArray[np.int64], known: Known) -> NDArray[np.int64]:
    """Return the rows of the titles with most members, adult ones only where most are."""
    adult = known.adult[rows]
    shown = rows if adult.mean() > 0.5 else rows[~adult]
    return shown[np.argsort(-known.members[shown].astype(np.int64), kind="stable")][:SHOWN]


def label_of_disc(alone: int) -> tuple[Label, ...]:
    """Return the label of the disc of titles of which nothing is known; () if it is empty."""
    x, y, radius = DISC
    if not alone:
        return ()
    return (Label(x, round(y + radius, 4), UNKNOWN, 0.0, 0, (), -1, alone, adult=False),)


def genres_of(
    carried: Sequence[Sequence[str]], neighbours: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return for each title the one of its genres that stands for it, uint8 [n], and the genres' names.

    carried: of each title, its genres. neighbours: int32 [n, k] rows, -1 = none. It is the genre that is most frequent
    around the title for how frequent it is at all (over the root of that, so that rare ones do not win by chance).
    """
    names = tuple(sorted({name for own in carried for name in own}))[:UNKNOWN_GENRE]
    place = {name: i for i, name in enumerate(names)}
    has = np.zeros((len(carried) + 1, len(names)), dtype=np.float32)  # the last row is nobody's
    for row, own in enumerate(carried):
        has[row, [place[name] for name in own if name in place]] = 1
    genre = np.full(len(carried), UNKNOWN_GENRE, dtype=np.uint8)
    if not names:
        return genre, names
    share = np.maximum(has.mean(axis=0), np.finfo(np.float32).tiny)
    around = share + sum(has[neighbours[:, column]] for column in range(neighbours.shape[1]))
    told = np.where(has[:-1] > 0, around / np.sqrt(share), -1.0)
    some = has[:-1].any(axis=1)
    genre[some] = told[some].argmax(axis=1)
    return genre, names
