"""Many profiles at once, Parquet in and Parquet out: how others measure anirec. The columns are a promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from anirec.core.columns import MAX_SCORE, MIN_SCORE, STATUS_SPELLINGS, STATUS_WORDS
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.ranking import Query, Ranking
from anirec.service.looking import ALL_LENSES
from anirec.service.progress import Progress, silent
from anirec.service.recommend import Service
from anirec.service.search import Scoring, Search
from anirec.tables import connect, filled, new_file, quoted, read_arrays, write_parquet


@dataclass(frozen=True)
class BatchReport:
    """What a batch did. profiles (or query titles) answered, rows read and written, and what was passed over."""

    answered: int
    rows_read: int
    rows_written: int
    unknown_anime: int
    duplicates: int


def recommend_batch(
    service: Service,
    profiles: Path,
    out: Path,
    query: Query,
    *,
    model: str | None = None,
    progress: Progress = silent,
) -> BatchReport:
    """Recommend for every profile of a Parquet file.

    profiles: columns profile_id (whole number or text), anime_id, score (1..10 or NULL), status (a `Status` number, its
    name, or NULL); score and status may be left out. out: columns profile_id, rank (from 1), anime_id, score; ordered
    by the first two; replaced only when complete. Unknown anime are passed over and counted; a profile of which nothing
    is known gets what everybody likes.

    Raises:
        InputError: no such file, a missing column, a score outside 1..10, an unknown status; nothing is written.
    """
    with connect() as con:
        _load(con, profiles, needed=("profile_id", "anime_id"), optional={"score": "DOUBLE", "status": "VARCHAR"})
        _refuse_bad_rows(con, profiles)
        rows_read = _count(con, "raw")
        con.execute(
            "CREATE TEMP TABLE entries AS SELECT * FROM "
            "(SELECT (dense_rank() OVER (ORDER BY profile_id) - 1)::INTEGER AS profile, * FROM raw) "
            "QUALIFY row_number() OVER (PARTITION BY profile, anime_id ORDER BY score DESC NULLS LAST, status DESC) = 1"
        )
        ids = con.execute("SELECT DISTINCT profile, profile_id FROM entries ORDER BY profile").fetchall()
        columns = read_arrays(con, "SELECT profile, anime_id, score, status FROM entries ORDER BY profile, anime_id")
        anime_ids = filled(columns["anime_id"], 0).astype(np.int32)
        known = np.isin(anime_ids, service.catalogue.anime_ids)
        rankings = (
            service.rank(profile, query, model=model)
            for profile in _profiles(
                filled(columns["profile"], 0)[known],
                anime_ids[known],
                filled(columns["score"], np.nan)[known].astype(np.float32),
                filled(columns["status"], 0)[known].astype(np.int8),
                len(ids),
            )
        )
        written = _write(
            con, out, rankings, len(ids), "SELECT DISTINCT profile AS q, profile_id FROM entries", progress
        )
        return BatchReport(
            answered=len(ids),
            rows_read=rows_read,
            rows_written=written,
            unknown_anime=int((~known).sum()),
            duplicates=rows_read - len(anime_ids),
        )


def similar_batch(
    service: Service, titles: Path, out: Path, query: Query, *, by: str = ALL_LENSES, progress: Progress = silent
) -> BatchReport:
    """Find the nearest anime to every title of a Parquet file. by: the lens, see `Service.similar`.

    titles: a column anime_id. out: columns query_anime_id, rank (from 1), anime_id, score; ordered by the first two.
    Unknown anime, and those that the lens knows nothing about, are passed over and counted.

    Raises:
        InputError: no such file, no column anime_id, or no such lens; nothing is written.
        MissingAbility: the bundle lacks the lens.
    """
    service.lens(by)
    with connect() as con:
        _load(con, titles, needed=("anime_id",), optional={})
        rows_read = _count(con, "raw")
        con.execute("CREATE TEMP TABLE queries AS SELECT DISTINCT anime_id AS query_anime_id FROM raw ORDER BY 1")
        wanted = filled(read_arrays(con, "SELECT * FROM queries")["query_anime_id"], 0)
        answerable = [int(i) for i in wanted if service.can_compare(int(i), by=by)]
        con.execute(
            "CREATE TEMP TABLE answerable AS "
            "SELECT unnest(range(?))::INTEGER AS q, unnest(?::INTEGER[]) AS query_anime_id",
            [len(answerable), answerable],
        )
        rankings = (service.rank_similar(anime_id, query, by=by) for anime_id in answerable)
        written = _write(con, out, rankings, len(answerable), "SELECT q, query_anime_id FROM answerable", progress)
        return BatchReport(
            answered=len(answerable),
            rows_read=rows_read,
            rows_written=written,
            unknown_anime=len(wanted) - len(answerable),
            duplicates=rows_read - len(wanted),
        )


def search_batch(
    search: Search,
    queries: Path,
    out: Path,
    query: Query,
    *,
    scoring: str = Scoring.FUSED,
    progress: Progress = silent,
) -> BatchReport:
    """Answer every line of a text file in UTF-8.

    queries: one a line; empty lines are passed over and counted as lines. out: columns query_id (the line's number,
    from 1), rank (from 1), anime_id, score (0..1, how likely it is what was asked for); ordered by the first two. A
    line without a letter or digit gets no rows.

    Raises:
        InputError: no such file, or it is not UTF-8; nothing is written.
    """
    try:
        lines = queries.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{queries} cannot be read as text in UTF-8: {error}") from error
    asked = [number for number, line in enumerate(lines, start=1) if any(sign.isalnum() for sign in line)]
    rankings = (search.rank(search.score(lines[number - 1], scoring=scoring), query) for number in asked)
    with connect() as con:
        con.execute(
            "CREATE TEMP TABLE asked AS SELECT unnest(range(?))::INTEGER AS q, unnest(?::BIGINT[]) AS query_id",
            [len(asked), asked],
        )
        written = _write(con, out, rankings, len(asked), "SELECT q, query_id FROM asked", progress)
    blank = sum(1 for line in lines if not line.strip())
    return BatchReport(
        answered=len(asked),
        rows_read=len(lines) - blank,
        rows_written=written,
        unknown_anime=0,
        duplicates=0,
    )


def _load(con: duckdb.DuckDBPyConnection, path: Path, *, needed: tuple[str, ...], optional: dict[str, str]) -> None:
    """Read a Parquet file into the temporary table `raw`, with NULL for optional columns that it lacks."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    source = f"read_parquet({quoted(path)})"
    try:
        found = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if missing := [name for name in needed if name not in found]:
            raise InputError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(sorted(found))}")
        columns = [name if name != "anime_id" else "anime_id::INTEGER AS anime_id" for name in needed]
        columns += [f"{n if n in found else 'NULL'}::{kind} AS {n}" for n, kind in optional.items()]
        con.execute(f"CREATE TEMP TABLE raw AS SELECT {', '.join(columns)} FROM {source}")
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read as a Parquet table: {error}") from error
    empty = " OR ".join(f"{name} IS NULL" for name in needed)
    if nulls := _count(con, "raw", empty):
        raise InputError(f"{nulls:,} of {_count(con, 'raw'):,} rows of {path} have no {' or no '.join(needed)}")


def _refuse_bad_rows(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse scores outside 1..10 and unknown statuses; turn statuses into numbers."""
    con.execute(
        "CREATE TEMP TABLE spellings AS SELECT unnest(?::VARCHAR[]) AS spelling, unnest(?::TINYINT[]) AS number",
        [list(STATUS_SPELLINGS), [int(status) for status in STATUS_SPELLINGS.values()]],
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE raw AS SELECT profile_id, anime_id, score, status AS written, "
        "CASE WHEN status IS NULL THEN 0 ELSE number END AS status FROM raw LEFT JOIN spellings "
        "ON spelling = regexp_replace(lower(trim(status)), '[ -]+', '_', 'g')"
    )
    total = _count(con, "raw")
    outside = f"score IS NOT NULL AND NOT score BETWEEN {MIN_SCORE} AND {MAX_SCORE}"
    for problem, column, condition in (
        (f"lie outside {MIN_SCORE}..{MAX_SCORE}", "score", outside),
        (f"are none of {', '.join(STATUS_WORDS)} or their numbers", "written", "status IS NULL"),
    ):
        if bad := _count(con, "raw", condition):
            first = con.execute(
                f"SELECT profile_id, anime_id, {column} FROM raw WHERE {condition} ORDER BY ALL LIMIT 1"
            ).fetchone()
            name = "scores" if column == "score" else "statuses"
            profile, anime, value = first or (None, None, None)
            raise InputError(
                f"{bad:,} of {total:,} {name} of {path} {problem} (first: profile {profile}, anime {anime}: {value})"
            )


def _profiles(
    owner: NDArray[np.int32],
    anime_ids: NDArray[np.int32],
    scores: NDArray[np.float32],
    statuses: NDArray[np.int8],
    n: int,
) -> Iterator[Profile]:
    """Cut columns that are ordered by owner and id into one profile for each of the n owners; some may be empty."""
    bounds = np.searchsorted(owner, np.arange(n + 1))
    for start, stop in pairwise(bounds.tolist()):
        yield Profile(anime_ids[start:stop], scores[start:stop], statuses[start:stop])


def _write(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    rankings: Iterator[Ranking],
    total: int,
    names: str,
    progress: Progress,
) -> int:
    """Write rankings, the q-th for the row `q` of the query `names`, whose other column is the name of the query."""
    lengths, ids, scores = [], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    for done, ranking in enumerate(rankings, start=1):
        lengths.append(len(ranking))
        ids.append(ranking.anime_ids)
        scores.append(ranking.scores)
        progress("recommending", done, total)
    sizes = np.array(lengths, dtype=np.int64)
    ranked = {
        "q": np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
        "rank": np.concatenate([np.arange(1, n + 1, dtype=np.int32) for n in [0, *lengths]]),
        "anime_id": np.concatenate(ids),
        "score": np.concatenate(scores),
    }
    con.register("ranked", ranked)
    try:
        with new_file(out) as file:
            columns = f"SELECT names.* EXCLUDE (q), rank, anime_id, score FROM ranked JOIN ({names}) names USING (q)"
            return write_parquet(con, f"{columns} ORDER BY q, rank", file)
    except (OSError, duckdb.Error) as error:
        raise InputError(f"cannot write {out}: {error}") from error


def _count(con: duckdb.DuckDBPyConnection, table: str, condition: str = "TRUE") -> int:
    row = con.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()
    return int(row[0]) if row else 0
