"""How systems that are not ours take part: what they may learn from and are asked is written, what they say is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.evaluate.exam import Exam
from anirec.prepare.splits import Case
from anirec.tables import connect, filled, new_folder, quoted, read_arrays, write_parquet

LEARN, GIVEN, TARGETS = "learn.parquet", "given.parquet", "targets.parquet"


def write_exam(exam: Exam, folder: Path) -> dict[str, int]:
    """Write an exam as three Parquet files into a new folder; returns the number of rows of each by name.

    learn.parquet: user_id, anime_id, score (NULL = none), status (a `Status` number), updated_at (epoch seconds UTC,
    NULL = not known): all that may be learned from. given.parquet: profile_id, anime_id, score, status: what each case
    is given, as `anirec batch` takes it. targets.parquet: profile_id, anime_id: what is to be found.

    Raises:
        InputError: the folder holds something else.
    """
    train, cases = exam.train, exam.cases
    learn = {
        "user_id": train.user_ids[train.users],
        "anime_id": train.anime_ids[train.items],
        "score": train.scores.astype(np.float32),
        "status": train.statuses,
        "updated_at": train.updated_at,
    }
    given = {
        "profile_id": _owners(cases, [len(case.given) for case in cases]),
        "anime_id": _joined([case.given.anime_ids for case in cases], np.int32),
        "score": np.nan_to_num(_joined([case.given.scores for case in cases], np.float32)),
        "status": _joined([case.given.statuses for case in cases], np.int8),
    }
    targets = {
        "profile_id": _owners(cases, [len(case.targets) for case in cases]),
        "anime_id": _joined([case.targets for case in cases], np.int32),
    }
    unsaid = "nullif(score, 0) AS score, status"
    queries = {
        LEARN: (learn, f"user_id, anime_id, {unsaid}, nullif(updated_at, -1) AS updated_at"),
        GIVEN: (given, f"profile_id, anime_id, {unsaid}"),
        TARGETS: (targets, "profile_id, anime_id"),
    }
    written = {}
    with connect() as con, new_folder(folder) as work:
        for name, (columns, wanted) in queries.items():
            con.register("columns", columns)
            written[name] = write_parquet(con, f"SELECT {wanted} FROM columns ORDER BY 1, 2", work / name)
            con.unregister("columns")
    return written


def read_rankings(path: Path, cases: Sequence[Case]) -> list[NDArray[np.int32]]:
    """Read what another system recommends: a Parquet file of profile_id (the user id), rank and anime_id.

    Returns for each case its ids by rank; none where the file has none.

    Raises:
        InputError: there is no such file, it lacks a column, or it answers none of the cases.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with connect() as con:
            columns = read_arrays(
                con,
                "SELECT profile_id::BIGINT AS profile_id, anime_id::INTEGER AS anime_id "
                f"FROM read_parquet({quoted(path)}) ORDER BY profile_id, rank",
            )
    except duckdb.Error as error:
        raise InputError(f"{path} is not a Parquet file of profile_id, rank and anime_id: {error}") from error
    profiles, anime = filled(columns["profile_id"], -1), filled(columns["anime_id"], -1).astype(np.int32)
    ids, first = np.unique(profiles, return_index=True)
    by_user = dict(zip(ids.tolist(), np.split(anime, first[1:]), strict=True)) if len(ids) else {}
    if not any(case.user_id in by_user for case in cases):
        raise InputError(f"{path} has a list for none of the {len(cases):,} profiles asked; is it of the same export?")
    nothing = np.empty(0, dtype=np.int32)
    return [by_user.get(case.user_id, nothing) for case in cases]


def _owners(cases: Sequence[Case], lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.repeat(np.array([case.user_id for case in cases], dtype=np.int64), lengths)


def _joined(parts: Sequence[NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([np.empty(0, dtype=kind), *parts])
