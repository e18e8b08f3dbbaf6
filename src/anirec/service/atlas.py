"""What a map answers: neighbours of a title, a walk, a way, the page's points, what a lasso holds, parts to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.atlas.atlas import Atlas
from anirec.atlas.drawing import Drawn, Node
from anirec.atlas.naming import Words, telling
from anirec.core.anime import Anime
from anirec.core.errors import InputError, MissingAbility
from anirec.service.recommend import Service

SIZES: Final = (1.0, 8.0)
"""Sizes of the points of the page: of a title that nobody has on a list, and of the one with most members."""
MOST_CORNERS: Final = 10_000
"""Corners of a lasso: bounds the time."""
PAD: Final = 4
"""Every array of the points begins at a multiple of this, as typed arrays in a browser want it."""


@dataclass(frozen=True)
class Neighbour:
    """A title beside another one. weight: 0..1, how much each takes the other to be like it."""

    anime: Anime
    weight: float


@dataclass(frozen=True)
class Held:
    """What a lasso holds. anime_ids: int32, best known first. labels: what tells them from all others, () = nothing."""

    anime_ids: NDArray[np.int32]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """All titles as the page draws them.

    layout: of each array, in their order: name, type as NumPy calls it, offset in bytes, count. data: the bytes,
    little-endian.
    """

    layout: tuple[Mapping[str, Any], ...]
    data: bytes


@dataclass(frozen=True)
class Map:
    """A bundle's map, ready to answer. Titles are named as everywhere: a title, a part of one, or an id."""

    service: Service
    atlas: Atlas

    def neighbours(self, title: str | int, *, adult: bool = False) -> tuple[Neighbour, ...]:
        """Return the neighbours of a title in the graph, best first; adult ones only if asked for.

        Raises:
            TitleError: the text names no title, or several.
            MissingAbility: the title is not on the map.
        """
        rows, weights = self.atlas.beside(self.row_of(title))
        shown = np.ones(len(rows), np.bool_) if adult else ~self._adult[rows]
        ids = self.atlas.ids[rows[shown]].tolist()
        facts = self.service.facts.of(ids)
        return tuple(Neighbour(facts[i], float(w)) for i, w in zip(ids, weights[shown].tolist(), strict=True))

    def walk(self, title: str | int, steps: int, *, seed: int, adult: bool = False) -> tuple[Anime, ...]:
        """Return a walk along the graph, the title first: each step in proportion to weight, nowhere twice.

        steps: at least 0. It ends early where all neighbours have been passed. Errors as in `neighbours`.
        """
        rng = np.random.default_rng(seed)
        passed = [self.row_of(title)]
        for _ in range(steps):
            rows, weights = self.atlas.beside(passed[-1])
            new = ~np.isin(rows, passed) & (adult | ~self._adult[rows])
            if not new.any():
                break
            chances = weights[new] / weights[new].sum()
            passed.append(int(rng.choice(rows[new], p=chances)))
        return self._facts(passed)

    def way(self, one: str | int, other: str | int, *, adult: bool = False) -> tuple[Anime, ...]:
        """Return the shortest way along the graph from one title to another, both with it; () if there is none.

        A tie of weight w is 1 / w long. Errors as in `neighbours`.
        """
        from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415 - who asks for points only should not pay for it

        start, end = self.row_of(one), self.row_of(other)
        lengths = self.atlas.graph.copy()
        lengths.data = 1.0 / lengths.data
        if not adult:
            lengths.data[self._adult[lengths.indices]] = np.inf
        away, before = dijkstra(lengths, directed=True, indices=[start], return_predecessors=True)
        if not np.isfinite(away[0, end]):
            return ()
        rows = [end]
        while rows[-1] != start:
            rows.append(int(before[0, rows[-1]]))
        return self._facts(rows[::-1])

    def about(self, *, adult: bool = False) -> dict[str, Any]:
        """Return what a page needs besides the points, as JSON can hold it.

        points, layout: how many there are, and where each array of `points` stands. genres, communities: what the
        numbers of these arrays are called. labels: x, y, text, weight, level, community (-1 = an area), titles (ids);
        those of mostly adult areas only if asked for, and texts of adult communities are empty otherwise.
        trustworthiness, continuity, random, method, seed: see docs/map.md.
        """
        points, labels = self.points(), [label for label in self.atlas.labels if adult or not label.adult]
        names = {label.community: label.text for label in labels}
        kept = ("trustworthiness", "continuity", "random", "method", "seed", "laid_out", "set_beside", "alone")
        return {
            "points": len(self.atlas),
            "bytes": len(points.data),
            "layout": [dict(array) for array in points.layout],
            "genres": list(self.atlas.genres),
            "communities": [names.get(number, "") for number in range(self.atlas.communities)],
            "labels": [
                {
                    "x": label.x,
                    "y": label.y,
                    "text": label.text,
                    "weight": label.weight,
                    "level": label.level,
                    "community": label.community,
                    "titles": list(label.titles),
                }
                for label in labels
            ],
            **{name: self.atlas.facts[name] for name in kept if name in self.atlas.facts},
        }

    def points(self) -> Points:
        """Return all titles with place, id, community, genre, year, size and whether they are adult.

        community: 65535 = none. genre: place in `atlas.genres`, 255 = none. year: 0 = not known. size: see `SIZES`, by
        the logarithm of members. adult: 1 or 0; the page hides them unless asked for.
        """
        atlas, rows = self.atlas, self._rows
        fame = np.log1p(self.service.catalogue.members[rows].astype(np.float64))
        size = SIZES[0] + (SIZES[1] - SIZES[0]) * fame / max(float(fame.max(initial=0)), 1.0)
        years = np.maximum(self.service.catalogue.years[rows], 0)
        columns: dict[str, NDArray[Any]] = {
            "x": atlas.xy[:, 0].astype("<f4"),
            "y": atlas.xy[:, 1].astype("<f4"),
            "anime_id": atlas.ids.astype("<i4"),
            "community": atlas.community.astype("<i2").view("<u2"),
            "genre": atlas.genre.astype("u1"),
            "year": years.astype("<u2"),
            "size": size.astype("<f4"),
            "adult": self._adult.astype("u1"),
        }
        layout, parts, offset = [], [], 0
        for name, column in columns.items():
            layout.append({"name": name, "type": column.dtype.name, "offset": offset, "count": len(column)})
            data = column.tobytes()
            data += b"\0" * (-len(data) % PAD)
            parts.append(data)
            offset += len(data)
        return Points(layout=tuple(layout), data=b"".join(parts))

    def inside(self, corners: Sequence[tuple[float, float]], *, adult: bool = False) -> Held:
        """Return the titles inside a lasso: a polygon in the map's own numbers, closed by itself; crossings are odd.

        Raises:
            InputError: it has fewer than three corners or too many, or one is no finite number.
        """
        lasso = np.asarray(corners, dtype=np.float64)
        if lasso.ndim != 2 or lasso.shape[1] != 2 or not 3 <= len(lasso) <= MOST_CORNERS:
            raise InputError(f"a lasso has 3 to {MOST_CORNERS:,} corners of two numbers each")
        if not np.isfinite(lasso).all():
            raise InputError("a corner of the lasso is no finite number")
        rows = np.flatnonzero(within(self.atlas.xy.astype(np.float64), lasso) & (adult | ~self._adult))
        members = self.service.catalogue.members[self._rows[rows]].astype(np.int64)
        rows = rows[np.argsort(-members, kind="stable")]
        return Held(anime_ids=self.atlas.ids[rows], labels=telling(self._words, rows, self._everywhere))

    def around(self, title: str | int, depth: int, most: int, *, adult: bool = False) -> Drawn:
        """Return what stands at most `depth` steps from a title, the nearest `most`, as a graph to draw or to export.

        Errors as in `neighbours`.
        """
        start = self.row_of(title)
        nearest: dict[int, float] = {start: 1.0}
        edge = [start]
        for _ in range(depth):
            reached: dict[int, float] = {}
            for row in edge:
                for other, weight in zip(*(a.tolist() for a in self.atlas.beside(row)), strict=True):
                    strength = nearest[row] * weight
                    if other not in nearest and (adult or not self._adult[other]):
                        reached[other] = max(reached.get(other, 0.0), strength)
            nearest |= reached
            edge = list(reached)
        best = sorted(nearest, key=lambda row: (-nearest[row], row))[:most]
        return self._drawn(best, {start})

    def of_ids(self, anime_ids: Sequence[int], most: int, *, adult: bool = False) -> Drawn:
        """Return these titles, the best known `most` of those on the map, as a graph.

        Raises:
            InputError: none of them is on the map.
        """
        rows = np.unique(self.atlas.rows_of(list(anime_ids)))
        rows = rows[adult | ~self._adult[rows]]
        if len(rows) == 0:
            raise InputError("none of these titles is on the map")
        return self._drawn(self._best_known(rows, most), set())

    def of_community(self, number: int, most: int, *, adult: bool = False) -> Drawn:
        """Return the best known `most` titles of a community as a graph.

        Raises:
            InputError: there is no such community.
        """
        if not 0 <= number < self.atlas.communities:
            raise InputError(f"there is no community {number}; this map has 0 to {self.atlas.communities - 1}")
        rows = np.flatnonzero((self.atlas.community == number) & (adult | ~self._adult))
        return self._drawn(self._best_known(rows, most), set())

    def whole(self, most: int | None = None, *, adult: bool = False) -> Drawn:
        """Return all titles, or the best known `most`, as a graph."""
        rows = np.flatnonzero(adult | ~self._adult)
        return self._drawn(self._best_known(rows, len(rows) if most is None else most), set())

    def row_of(self, title: str | int) -> int:
        """Return the row of a title on the map; errors as in `neighbours`."""
        anime_id = self.service.titles.resolve(f"#{title}" if isinstance(title, int) else title).anime_id
        rows = self.atlas.rows_of([anime_id])
        if len(rows) == 0:
            raise MissingAbility(f"the anime {anime_id} is not on this map; make a new one with `anirec map`")
        return int(rows[0])

    def _drawn(self, rows: Sequence[int], marked: set[int]) -> Drawn:
        kept = np.sort(np.asarray(rows, dtype=np.int64))
        facts = self.service.facts.of(self.atlas.ids[kept].tolist())
        names = {label.community: label.text for label in self.atlas.labels if label.community >= 0}
        nodes = []
        for row in kept.tolist():
            anime, community = facts[int(self.atlas.ids[row])], int(self.atlas.community[row])
            x, y = self.atlas.xy[row].tolist()
            nodes.append(Node(anime, x, y, community, names.get(community, ""), marked=row in marked))
        part = self.atlas.graph[kept][:, kept].tocoo()
        one, other = part.coords
        forward = one < other
        edges = zip(one[forward].tolist(), other[forward].tolist(), part.data[forward].tolist(), strict=True)
        return Drawn(nodes=tuple(nodes), edges=tuple(edges))

    def _best_known(self, rows: NDArray[np.int64], most: int) -> list[int]:
        members = self.service.catalogue.members[self._rows[rows]].astype(np.int64)
        best: list[int] = rows[np.argsort(-members, kind="stable")][:most].tolist()
        return best

    def _facts(self, rows: Sequence[int]) -> tuple[Anime, ...]:
        ids = [int(self.atlas.ids[row]) for row in rows]
        facts = self.service.facts.of(ids)
        return tuple(facts[anime_id] for anime_id in ids)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """[n] rows of the catalogue."""
        return self.service.catalogue.rows_of(self.atlas.ids)

    @cached_property
    def _adult(self) -> NDArray[np.bool_]:
        adult: NDArray[np.bool_] = self.service.catalogue.adult[self._rows]
        return adult

    @cached_property
    def _words(self) -> Words:
        """The labels of all titles."""
        return Words.of(list(self._labels()))

    @cached_property
    def _everywhere(self) -> NDArray[np.int64]:
        return self._words.counts(np.arange(len(self.atlas)))

    def _labels(self) -> Iterator[list[str]]:
        names, n = self.service.catalogue.labels.names, len(self.service.catalogue)
        flags = (
            np.stack([self.service.catalogue.labels.rows_with(name, n) for name in names], axis=1) if names else None
        )
        for row in self._rows.tolist():
            yield [] if flags is None else [names[i] for i in np.flatnonzero(flags[row]).tolist()]


def within(xy: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return bool [n]: the points inside a polygon, by how often a ray to the right crosses it (Shimrat 1962).

    xy: float64 [n, 2]. corners: float64 [c, 2]; the last is tied to the first.
    """
    inside = np.zeros(len(xy), dtype=np.bool_)
    x, y = xy[:, 0], xy[:, 1]
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            spans = (y1 > y) != (y2 > y)
            inside ^= spans & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
