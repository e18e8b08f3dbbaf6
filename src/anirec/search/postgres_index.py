"""PostgreSQL with pgvector behind the seam `VectorStore`. Needs the extra `postgres`, and pgvector 0.5 on the server.

One table for the vectors of one bundle. Up to `EXACT_UP_TO` all of them are compared; more get an HNSW index
(Malkov & Yashunin 2016), which may miss a few of the nearest. Scores are inner products of the vectors as a bundle
keeps them, in 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import MissingAbility, Unreachable
from anirec.search.stores import BLOCK, EXACT_UP_TO, PATIENCE, Found, Progress, best_first, nearest_of_each
from anirec.search.vectors import Vectors

MOST_LOOKED_AT: Final = 1000
"""The most candidates that pgvector's HNSW looks at, and so the most that it finds."""
COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END: Final = b"\xff\xff"

Result = TypeVar("Result")


@dataclass(eq=False)
class PostgresIndex:
    """See `VectorStore`. url: as libpq takes it; what it leaves out is in libpq's variables (PGPASSWORD ...).

    name: of the table. n: how many vectors it is to hold. exact_up_to: see `EXACT_UP_TO`.
    """

    url: str
    name: str
    n: int
    exact_up_to: int = EXACT_UP_TO
    _idle: SimpleQueue[Any] = field(default_factory=SimpleQueue, init=False)

    def __post_init__(self) -> None:
        """Say at once that psycopg is missing, not when somebody searches."""
        _psycopg()

    def put(self, vectors: Vectors, progress: Progress) -> bool:
        """See `VectorStore`."""
        return self._asked(lambda con: self._put(con, vectors, progress), patience=0)

    def nearest(self, queries: NDArray[np.float32], k: int) -> Found:
        """See `VectorIndex`; above `exact_up_to` vectors some of the nearest may be missed."""
        k = min(k, self.n)
        ask = partial(self._asked, lambda con: [self._nearest(con, query, k) for query in queries])
        return nearest_of_each(queries, k, ask)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while (con := self._kept()) is not None:
            con.close()

    def __del__(self) -> None:
        """Leave no connection behind."""
        self.close()

    def _put(self, con: Any, vectors: Vectors, progress: Progress) -> bool:
        n, size = vectors.steps.shape
        with con.transaction():
            con.execute("CREATE EXTENSION IF NOT EXISTS vector")
            con.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.name])  # several may begin at once
            if con.execute("SELECT to_regclass(%s)", [self.name]).fetchone()[0] is not None:
                return False
            con.execute(f"CREATE TABLE {self.name} (place bigint NOT NULL, vector vector({size}) NOT NULL)")
            with con.cursor().copy(f"COPY {self.name} FROM STDIN (FORMAT binary)") as copy:
                copy.write(COPY_HEADER)
                for start in range(0, n, BLOCK):
                    places = np.arange(start, min(start + BLOCK, n))
                    copy.write(_rows(places, vectors.of(places)))
                    progress(int(places[-1]) + 1, n)
                copy.write(COPY_END)
            if n > self.exact_up_to:
                con.execute("SET LOCAL maintenance_work_mem = '1GB'")
                con.execute(f"CREATE INDEX ON {self.name} USING hnsw (vector vector_ip_ops)")
        con.execute(f"ANALYZE {self.name}")
        return True

    def _nearest(self, con: Any, query: NDArray[np.float32], k: int) -> Found:
        """Return the k nearest of one query."""
        asked = "[" + ",".join(map(repr, query.astype(np.float64).tolist())) + "]"
        order = "vector <#> %s::vector"
        with con.transaction():
            if self.n > self.exact_up_to:
                walked = k <= MOST_LOOKED_AT
                con.execute(f"SET LOCAL enable_indexscan = {'on' if walked else 'off'}")
                con.execute(f"SET LOCAL hnsw.ef_search = {MOST_LOOKED_AT}")
                con.execute(f"SET LOCAL enable_seqscan = {'off' if walked else 'on'}")
            else:
                order += ", place"
            rows = con.execute(
                f"SELECT place, -(vector <#> %s::vector) FROM {self.name} ORDER BY {order} LIMIT {k}", [asked, asked]
            ).fetchall()
        if len(rows) < k:
            raise Unreachable(f"the table {self.name} holds or finds {len(rows):,} vectors, where {k:,} were asked for")
        places, scores = zip(*rows, strict=True)
        return best_first(np.array(places, np.int64), np.array(scores, np.float32))

    def _asked(self, ask: Callable[[Any], Result], patience: float = PATIENCE) -> Result:
        """Ask over a connection that is open already, or a new one; an open one may be of a server that is no more.

        patience: seconds that an answer may take; 0 = any number.
        """
        psycopg = _psycopg()
        con = self._kept()
        try:
            if con is not None:
                try:
                    return self._answered(con, ask, patience)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    self.close()
            con = psycopg.connect(self.url, connect_timeout=int(PATIENCE), autocommit=True)
            return self._answered(con, ask, patience)
        except psycopg.errors.UndefinedTable as error:
            raise Unreachable(_lacking(self.name)) from error
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise Unreachable(f"PostgreSQL does not answer as it should: {reason}") from error

    def _answered(self, con: Any, ask: Callable[[Any], Result], patience: float) -> Result:
        try:
            con.execute(f"SET statement_timeout = {int(1000 * patience)}")
            answer = ask(con)
        except BaseException:
            con.close()
            raise
        self._idle.put(con)
        return answer

    def _kept(self) -> Any:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None


def _lacking(name: str) -> str:
    return f"the store has no vectors of this bundle ({name}); put them there with `anirec vectors --bundle BUNDLE URL`"


def _rows(places: NDArray[np.int64], vectors: NDArray[np.float32]) -> bytes:
    """Return rows as PostgreSQL copies them in binary: how many fields, and each with its length before it."""
    n, size = vectors.shape
    kinds = [("fields", ">i2"), ("of_place", ">i4"), ("place", ">i8"), ("of_vector", ">i4"), ("size", ">i2")]
    rows = np.zeros(n, dtype=[*kinds, ("unused", ">i2"), ("numbers", ">f4", (size,))])
    rows["fields"], rows["of_place"], rows["place"] = 2, 8, places
    rows["of_vector"], rows["size"], rows["numbers"] = 4 + 4 * size, size, vectors
    return rows.tobytes()


def _psycopg() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'this store needs psycopg: pip install "anirec[postgres]" ({error})') from error
    return psycopg
