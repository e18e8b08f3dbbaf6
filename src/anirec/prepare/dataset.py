"""Canonical ratings -> what models are fitted on: a vocabulary and one sparse matrix of users and anime.

Same tables, same arrays: rows are ordered by (user id, anime id), whatever their order on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.errors import BadTable
from anirec.core.profile import LIKED_FROM, Profile, liking_of
from anirec.tables import connect, filled, quoted, read_arrays

ID_BLOCK = 1 << 20
FAVOURITES_PREFIX = "favourites"
"""Sources whose name begins so hold favourites: rows without a score that mean "I like this"."""


@dataclass(frozen=True)
class Dataset:
    """Who has which anime on the list, and how they liked it: a CSR matrix of users by anime, with four values a cell.

    user_ids: int64 [u], ascending. anime_ids: int32 [n], ascending: every anime of the catalogue or of any row.
    members: int32 [n], people with the anime on a list at the catalogue's source, 0 = not known.
    indptr: int64 [u + 1]; the rows of user i stand at indptr[i]:indptr[i + 1] of the arrays below, all [rows] long.
    items: int32, place in `anime_ids`, ascending within a user. scores: int8, 1..10, 0 = none given.
    statuses: int8, a `Status`. updated_at: int64, epoch seconds UTC, -1 = not known.
    sources: int16, place in `source_names`.
    """

    user_ids: NDArray[np.int64]
    anime_ids: NDArray[np.int32]
    members: NDArray[np.int32]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    scores: NDArray[np.int8]
    statuses: NDArray[np.int8]
    updated_at: NDArray[np.int64]
    sources: NDArray[np.int16]
    source_names: tuple[str, ...]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def n_rows(self) -> int:
        """Number of list entries."""
        return len(self.items)

    @cached_property
    def users(self) -> NDArray[np.int32]:
        """[rows] the user (place in `user_ids`) of each row."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def favourite(self) -> NDArray[np.bool_]:
        """[rows] from a source of favourites."""
        favourites = np.array([name.startswith(FAVOURITES_PREFIX) for name in self.source_names], dtype=np.bool_)
        return favourites[self.sources]

    @cached_property
    def liked(self) -> NDArray[np.bool_]:
        """[rows] scored 7 or more, or a favourite without a score."""
        liked: NDArray[np.bool_] = (self.scores >= LIKED_FROM) | ((self.scores == 0) & self.favourite)
        return liked

    @cached_property
    def liking(self) -> NDArray[np.float32]:
        """[rows] how much each entry speaks for titles like it, see `core.profile.liking_of`.

        Zero for entries with neither score nor status from anything but favourites: they may be only planned.
        """
        liking = liking_of(self.scores, self.statuses)
        unsaid = (self.scores == 0) & (self.statuses == Status.UNKNOWN)
        liking[unsaid & ~self.liked] = 0.0
        return liking

    def like_counts(self) -> NDArray[np.int64]:
        """[n] how many users like each anime."""
        return np.bincount(self.items[self.liked], minlength=len(self.anime_ids)).astype(np.int64)

    def where(self, keep: NDArray[np.bool_]) -> Dataset:
        """Return the dataset of the rows that `keep` [rows] marks; users and anime keep their places."""
        counts = np.bincount(self.users[keep], minlength=self.n_users)
        return Dataset(
            user_ids=self.user_ids,
            anime_ids=self.anime_ids,
            members=self.members,
            indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            items=self.items[keep],
            scores=self.scores[keep],
            statuses=self.statuses[keep],
            updated_at=self.updated_at[keep],
            sources=self.sources[keep],
            source_names=self.source_names,
        )

    def without_users(self, users: NDArray[np.int64]) -> Dataset:
        """Return the dataset without the rows of these users (places in `user_ids`), who stay as empty rows."""
        keep = np.ones(self.n_users, dtype=np.bool_)
        keep[users] = False
        return self.where(keep[self.users])

    def profile(self, user: int) -> Profile:
        """Return the profile of a user (a place in `user_ids`)."""
        rows = slice(int(self.indptr[user]), int(self.indptr[user + 1]))
        scores = self.scores[rows].astype(np.float32)
        scores[scores == 0] = np.nan
        return Profile(anime_ids=self.anime_ids[self.items[rows]], scores=scores, statuses=self.statuses[rows])


def from_rows(
    *,
    users: NDArray[np.int64],
    anime: NDArray[np.int32],
    scores: NDArray[np.int8],
    statuses: NDArray[np.int8] | None = None,
    updated_at: NDArray[np.int64] | None = None,
    sources: NDArray[np.int16] | None = None,
    source_names: tuple[str, ...] = ("ratings",),
    members: Mapping[int, int] | None = None,
) -> Dataset:
    """Build a dataset from list entries in any order; every array is [rows] long.

    users and anime: ids. scores: 1..10, 0 = none. The rest as in `Dataset`; left out, it is unknown.
    members: by anime id, for every anime of the catalogue; its ids join the vocabulary even where nobody has them.

    Raises:
        BadTable: a user has the same anime twice.
    """
    rows = len(users)
    order: NDArray[np.int64] | slice = slice(None)
    if not _ascend(users, anime):  # canonical tables do; sorting 148 million rows takes a minute and gigabytes
        order = np.lexsort((anime, users))
        users, anime = users[order], anime[order]
        if not _ascend(users, anime):
            raise BadTable("a user has the same anime twice; import the data again to have duplicates removed")
    firsts = np.flatnonzero(np.concatenate([[rows > 0], users[1:] != users[:-1]]))
    members = members or {}
    known = np.fromiter(members, dtype=np.int32, count=len(members))
    anime_ids = np.union1d(_distinct(anime), known).astype(np.int32)
    return Dataset(
        user_ids=users[firsts].astype(np.int64),
        anime_ids=anime_ids,
        members=np.array([members.get(int(i), 0) for i in anime_ids], dtype=np.int32),
        indptr=np.concatenate([firsts, [rows]]).astype(np.int64),
        items=np.searchsorted(anime_ids, anime.astype(np.int32, copy=False)).astype(np.int32),
        scores=scores[order].astype(np.int8),
        statuses=np.zeros(rows, np.int8) if statuses is None else statuses[order].astype(np.int8),
        updated_at=np.full(rows, -1, np.int64) if updated_at is None else updated_at[order].astype(np.int64),
        sources=np.zeros(rows, np.int16) if sources is None else sources[order].astype(np.int16),
        source_names=source_names,
    )


def _ascend(users: NDArray[np.int64], anime: NDArray[np.int32]) -> bool:
    """Return whether rows ascend by user and anime, none as the one before."""
    later = users[1:] > users[:-1]
    later |= (users[1:] == users[:-1]) & (anime[1:] > anime[:-1])
    return bool(later.all())


def _distinct(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the ids that there are, ascending; found block by block, as a few come again and again."""
    blocks = [np.unique(ids[start : start + ID_BLOCK]) for start in range(0, len(ids), ID_BLOCK)]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int32), *blocks]))


def read_dataset(folder: Path) -> Dataset:
    """Read `ratings.parquet` of a canonical folder; the vocabulary is that of its `anime.parquet`.

    Rows of anime that the catalogue does not have are left out: nobody could be shown what they are.

    Raises:
        BadTable: the file is missing, damaged, or lacks a column.
    """
    path = folder / "ratings.parquet"
    if not path.is_file():
        raise BadTable(f"{path} is missing; make a canonical folder with `anirec data import`")
    try:
        with connect() as con:
            members = _read_members(con, folder / "anime.parquet")
            con.execute(
                f"CREATE TEMP VIEW ratings AS SELECT r.* FROM read_parquet({quoted(path)}) r "
                f"SEMI JOIN read_parquet({quoted(folder / 'anime.parquet')}) USING (anime_id)"
            )
            names = [row[0] for row in con.execute("SELECT DISTINCT source FROM ratings ORDER BY source").fetchall()]
            con.execute(
                "CREATE TEMP TABLE names AS SELECT unnest(?) AS source, unnest(range(?))::SMALLINT AS number",
                [names, len(names)],
            )
            columns = read_arrays(
                con,
                f"SELECT user_id, anime_id, coalesce(score, 0)::TINYINT AS score, "
                f"coalesce(status, {Status.UNKNOWN:d})::TINYINT AS status, "
                f"coalesce(updated_at, -1)::BIGINT AS updated_at, names.number AS source "
                f"FROM ratings JOIN names USING (source)",
            )
    except duckdb.Error as error:
        raise BadTable(f"{path} cannot be read as a table of ratings: {error}") from error
    return from_rows(
        users=filled(columns["user_id"], -1).astype(np.int64),
        anime=filled(columns["anime_id"], -1).astype(np.int32),
        scores=filled(columns["score"], 0),
        statuses=filled(columns["status"], 0),
        updated_at=filled(columns["updated_at"], -1),
        sources=filled(columns["source"], 0),
        source_names=tuple(str(name) for name in names),
        members=members,
    )


def _read_members(con: duckdb.DuckDBPyConnection, path: Path) -> dict[int, int]:
    if not path.is_file():
        raise BadTable(f"{path} is missing; make a canonical folder with `anirec data import`")
    rows = con.execute(f"SELECT anime_id, coalesce(members, 0) FROM read_parquet({quoted(path)})").fetchall()
    return dict(rows)
