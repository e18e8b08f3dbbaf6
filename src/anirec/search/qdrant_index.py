"""Qdrant behind the seam `VectorStore`: a server, or a folder of one process. Needs the extra `qdrant`.

One collection for the vectors of one bundle. Up to `EXACT_UP_TO` all of them are compared; above, Qdrant walks its HNSW
graph, which may miss a few of the nearest. The key of a server is in `$QDRANT_API_KEY`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import MissingAbility, Unreachable
from anirec.search.stores import EXACT_UP_TO, PATIENCE, Found, Progress, best_first, nearest_of_each
from anirec.search.vectors import Vectors

BATCH: Final = 512
"""Vectors of one request: 384 numbers each make some 2 MB of it."""
KEY_VARIABLE: Final = "QDRANT_API_KEY"

Result = TypeVar("Result")


@dataclass(eq=False)
class QdrantIndex:
    """See `VectorStore`. where: how Qdrant's client is opened: `url` of a server, or `path` of a folder.

    name: of the collection. n: how many vectors it is to hold. exact_up_to: see `EXACT_UP_TO`.
    """

    where: dict[str, str]
    name: str
    n: int
    exact_up_to: int = EXACT_UP_TO

    def __post_init__(self) -> None:
        """Say at once that the client is missing, not when somebody searches."""
        _qdrant_client()

    def put(self, vectors: Vectors, progress: Progress) -> bool:
        """See `VectorStore`; what was cut short is begun anew."""
        return self._asked(lambda: self._put(vectors, progress))

    def nearest(self, queries: NDArray[np.float32], k: int) -> Found:
        """See `VectorIndex`; above `exact_up_to` vectors some of the nearest may be missed."""
        k = min(k, self.n)
        return nearest_of_each(queries, k, lambda: [self._asked(partial(self._nearest, query, k)) for query in queries])

    def close(self) -> None:
        """Let go of the server or folder."""
        if "_client" in self.__dict__:
            self._client.close()
            del self.__dict__["_client"]
            self.__dict__.pop("_whole", None)

    @cached_property
    def _client(self) -> Any:
        module = _qdrant_client()
        if "path" in self.where:
            return module.QdrantClient(path=self.where["path"])
        key = os.environ.get(KEY_VARIABLE)
        return module.QdrantClient(url=self.where["url"], api_key=key, timeout=int(PATIENCE), check_compatibility=False)

    @cached_property
    def _whole(self) -> bool:
        """Whether all vectors are there."""
        client = self._client
        return bool(client.collection_exists(self.name)) and client.count(self.name, exact=True).count == self.n

    def _put(self, vectors: Vectors, progress: Progress) -> bool:
        from qdrant_client import models  # noqa: PLC0415 - an extra

        self.__dict__.pop("_whole", None)
        if self._whole:
            return False
        client, (n, size) = self._client, vectors.steps.shape
        client.delete_collection(self.name)
        client.create_collection(self.name, models.VectorParams(size=size, distance=models.Distance.DOT, on_disk=True))
        for start in range(0, n, BATCH):
            places = np.arange(start, min(start + BATCH, n))
            rows = models.Batch(ids=places.tolist(), vectors=vectors.of(places).tolist())
            client.upsert(self.name, rows, wait=True)
            progress(int(places[-1]) + 1, n)
        self.__dict__.pop("_whole", None)
        return True

    def _nearest(self, query: NDArray[np.float32], k: int) -> Found:
        from qdrant_client import models  # noqa: PLC0415 - an extra

        if not self._whole:
            del self.__dict__["_whole"]
            raise Unreachable(
                f"the store has not all vectors of this bundle ({self.name}); put them there with "
                "`anirec vectors --bundle BUNDLE URL`"
            )
        how = None  # a folder is compared in full, always
        if "url" in self.where:
            how = models.SearchParams(exact=self.n <= self.exact_up_to, hnsw_ef=max(2 * k, 128))
        found = self._client.query_points(
            self.name, query=query.tolist(), limit=k, search_params=how, with_payload=False
        ).points
        if len(found) < k:
            raise Unreachable(f"the collection {self.name} gave {len(found):,} vectors, where {k:,} were asked for")
        places = np.array([point.id for point in found], np.int64)
        return best_first(places, np.array([point.score for point in found], np.float32))

    def _asked(self, ask: Callable[[], Result]) -> Result:
        import httpx  # noqa: PLC0415 - loaded by the client anyway, and by nothing that does not ask it
        from qdrant_client.http.exceptions import ApiException  # noqa: PLC0415 - an extra

        try:
            return ask()
        except (OSError, RuntimeError, ValueError, httpx.HTTPError, ApiException) as error:
            raise Unreachable(f"Qdrant does not answer as it should: {error}") from error


def _qdrant_client() -> Any:
    try:
        import qdrant_client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'this store needs its client: pip install "anirec[qdrant]" ({error})') from error
    return qdrant_client
