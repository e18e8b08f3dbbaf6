"""What is known of each anime, whoever watched it: labels, tags, studios, source, kind and era as one sparse matrix.

From the canonical `anime` table, or from a catalogue alone (which has no tags, studios, sources or exact dates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import KINDS, Catalogue
from anirec.core.errors import BadTable
from anirec.tables import connect, filled, quoted, read_arrays

if TYPE_CHECKING:
    from scipy import sparse

GROUPS: Final = ("label", "tag", "studio", "source", "kind", "era")
"""What features are about; a feature's group is its place in this tuple."""
ERA_YEARS: Final = 5
"""Years from one era to the next; a title between two belongs to both, to the nearer one more."""
MIN_TITLES: Final = 3
"""A feature that fewer titles carry says too little about any other."""


@dataclass(frozen=True, eq=False)
class Features:
    """Which anime has which feature.

    anime_ids: int32 [n], ascending. names: [f], sorted within a group. groups: int8 [f], place in `GROUPS`, ascending.
    matrix: float32 CSR [n, f]: 1 where the title has it, 0..1 for eras. A title of which nothing is known has no row
    entries. ratings: float32 [n], the site's mean, 1..10, nan = none. raters: int32 [n].
    started: int32 [n], first day as the number yyyymmdd, with 00 for an unknown month or day; 0 = not known.
    """

    anime_ids: NDArray[np.int32]
    names: tuple[str, ...]
    groups: NDArray[np.int8]
    matrix: sparse.csr_array[np.float32]
    ratings: NDArray[np.float32]
    raters: NDArray[np.int32]
    started: NDArray[np.int32]

    def of_group(self, group: str) -> sparse.csr_array[np.float32]:
        """Return the columns of one of `GROUPS`: float32 CSR [n, features of it]."""
        return self.matrix[:, np.flatnonzero(self.groups == GROUPS.index(group))]

    def of(self, titles: NDArray[np.bool_]) -> Features:
        """Return the features of the titles that are marked, bool [n]; columns stay."""
        rows = np.flatnonzero(titles)
        return Features(
            anime_ids=self.anime_ids[rows],
            names=self.names,
            groups=self.groups,
            matrix=self.matrix[rows],
            ratings=self.ratings[rows],
            raters=self.raters[rows],
            started=self.started[rows],
        )


def build_features(
    anime_ids: NDArray[np.int32],
    values: Mapping[str, Sequence[Sequence[str]]],
    years: NDArray[np.int16],
    *,
    min_titles: int = MIN_TITLES,
    ratings: NDArray[np.float32] | None = None,
    raters: NDArray[np.int32] | None = None,
    started: NDArray[np.int32] | None = None,
) -> Features:
    """Build the matrix.

    anime_ids: [n], ascending. values: by group of `GROUPS` (but era), each title's. years: [n], 0 = not known.
    min_titles: a feature that fewer titles carry is left out. A tag that is spelled like a label is that label.
    Without `started`, a title starts in its year.
    """
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    n = len(anime_ids)
    cells = _cells({**values, **_merged(values)}) | _era_cells(years)
    counts: dict[tuple[int, str], int] = {}
    for _, feature in cells:
        counts[feature] = counts.get(feature, 0) + 1
    kept = sorted(feature for feature, count in counts.items() if count >= min_titles)
    column = {feature: i for i, feature in enumerate(kept)}
    known = sorted((row, column[feature], value) for (row, feature), value in cells.items() if feature in column)
    rows, columns, numbers = (np.array([cell[i] for cell in known]) for i in range(3))
    matrix = sparse.csr_array(
        (numbers.astype(np.float32), (rows.astype(np.int32), columns.astype(np.int32))), shape=(n, len(kept))
    )
    return Features(
        anime_ids=anime_ids,
        names=tuple(name for _, name in kept),
        groups=np.array([group for group, _ in kept], dtype=np.int8),
        matrix=matrix,
        ratings=np.full(n, np.nan, np.float32) if ratings is None else ratings,
        raters=np.zeros(n, np.int32) if raters is None else raters,
        started=years.astype(np.int32) * 10_000 if started is None else started,
    )


def features_of_catalogue(catalogue: Catalogue, *, min_titles: int = MIN_TITLES) -> Features:
    """Build the features that a catalogue alone can give: labels, kind and era."""
    labels: list[list[str]] = [[] for _ in range(len(catalogue))]
    for name in catalogue.labels.names:
        for row in np.flatnonzero(catalogue.labels.rows_with(name, len(catalogue))):
            labels[row].append(name)
    kinds = [[KINDS[kind]] if kind else [] for kind in catalogue.kinds]
    return build_features(catalogue.anime_ids, {"label": labels, "kind": kinds}, catalogue.years, min_titles=min_titles)


def read_features(folder: Path, *, min_titles: int = MIN_TITLES) -> Features:
    """Read `anime.parquet` of a canonical folder; its titles are those of `read_catalogue`.

    Raises:
        BadTable: the file is missing, damaged, or lacks a column.
    """
    path = folder / "anime.parquet"
    if not path.is_file():
        raise BadTable(f"{path} is missing; make a canonical folder with `anirec data import`")
    query = (
        "SELECT anime_id, coalesce(genres, []) || coalesce(themes, []) || coalesce(demographics, []) AS label, "
        "tags AS tag, studios AS studio, "
        "[source] AS source, [type] AS kind, coalesce(year, 0)::SMALLINT AS year, score, "
        "coalesce(scored_by, 0)::INTEGER AS raters, "
        "rpad(replace(coalesce(start_date, year::VARCHAR, ''), '-', ''), 8, '0')::INTEGER AS started "
        f"FROM read_parquet({quoted(path)}) ORDER BY anime_id"
    )
    try:
        with connect() as con:
            table = read_arrays(con, query)
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as a table of anime: {error}") from error
    return build_features(
        filled(table["anime_id"], -1).astype(np.int32),
        {group: [_list(value) for value in table[group]] for group in ("label", "tag", "studio", "source", "kind")},
        filled(table["year"], 0).astype(np.int16),
        min_titles=min_titles,
        ratings=filled(table["score"], np.nan).astype(np.float32),
        raters=filled(table["raters"], 0).astype(np.int32),
        started=filled(table["started"], 0).astype(np.int32),
    )


def _merged(values: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[list[str]]]:
    """Return labels and tags anew: tags that are spelled like a label, in whatever case, have become labels."""
    if "label" not in values or "tag" not in values:
        return {}
    spelling = {label.casefold(): label for labels in values["label"] for label in labels}
    merged: dict[str, list[list[str]]] = {"label": [], "tag": []}
    for labels, tags in zip(values["label"], values["tag"], strict=True):
        same = {spelling[tag.casefold()] for tag in tags if tag.casefold() in spelling}
        merged["label"].append(sorted(same | set(labels)))
        merged["tag"].append([tag for tag in tags if tag.casefold() not in spelling])
    return merged


def _cells(values: Mapping[str, Sequence[Sequence[str]]]) -> dict[tuple[int, tuple[int, str]], float]:
    return {
        (row, (GROUPS.index(group), name)): 1.0
        for group, by_row in values.items()
        for row, names in enumerate(by_row)
        for name in names
    }


def _era_cells(years: NDArray[np.int16]) -> dict[tuple[int, tuple[int, str]], float]:
    """Return the eras of each title: 2012 is 0.6 of 2010 and 0.4 of 2015, so that near years are alike."""
    cells: dict[tuple[int, tuple[int, str]], float] = {}
    for row in np.flatnonzero(years > 0):
        era, beyond = divmod(int(years[row]), ERA_YEARS)
        for start, share in ((era, 1 - beyond / ERA_YEARS), (era + 1, beyond / ERA_YEARS)):
            if share > 0:
                cells[int(row), (GROUPS.index("era"), str(start * ERA_YEARS))] = share
    return cells


def _list(value: Any) -> list[str]:
    """Return the texts of a list column's cell; NULL, for the list or within it, is nothing."""
    if value is None or value is np.ma.masked:
        return []
    return [str(text) for text in value if text is not None and text is not np.ma.masked and text]
