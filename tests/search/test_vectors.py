from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, InputError
from anirec.search import faiss_index
from anirec.search.faiss_index import FaissConfig
from anirec.search.vectors import Exact, Signs, Vectors, halved, least, packed, unhalved


def topics(n: int, size: int = 64, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((50, size), dtype=np.float32)
    vectors = centres[rng.integers(0, 50, n)] + rng.standard_normal((n, size), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_eight_bits_are_off_by_half_a_step_at_most() -> None:
    vectors = topics(100)
    kept = packed(vectors)
    off = np.abs(kept.of(np.arange(100)) - vectors).max(axis=1)
    assert (off <= kept.scales / 2 + 1e-7).all()


def test_a_vector_of_zeros_stays_one() -> None:
    assert packed(np.zeros((1, 8), np.float32)).of(np.arange(1)).tolist() == [[0.0] * 8]


def test_exact_is_the_definition_and_equal_scores_go_by_place() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], dtype=np.float32)
    places, scores = Exact(packed(vectors)).nearest(np.array([[1, 0]], np.float32), 3)
    assert places.tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(scores, [[1, 1, 0]], atol=1e-6)


@pytest.mark.parametrize("k", [0, 1, 7, 100])
def test_no_more_are_found_than_there_are(k: int) -> None:
    kept = packed(topics(7))
    places, scores = Signs(kept).nearest(topics(2, seed=1), k)
    assert places.shape == scores.shape == (2, min(k, 7))


def test_signs_find_nearly_what_exact_finds_with_the_same_scores() -> None:
    vectors = topics(20_000, size=384)
    moved = vectors[::1000] + np.random.default_rng(1).standard_normal((20, 384), dtype=np.float32) / 20
    kept, queries = packed(vectors), moved.astype(np.float32)
    true, best = Exact(kept).nearest(queries, 100)
    found, scores = Signs(kept, pool=4500).nearest(queries, 100)
    recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(true, found, strict=True)]) / 100
    assert recall >= 0.98
    np.testing.assert_allclose(scores[:, 0], best[:, 0], atol=1e-5)


def test_few_chunks_are_compared_exactly() -> None:
    kept, queries = packed(topics(3000)), topics(3, seed=2)
    np.testing.assert_array_equal(Signs(kept, pool=100).nearest(queries, 50)[0], Exact(kept).nearest(queries, 50)[0])


def test_an_index_of_nothing_finds_nothing() -> None:
    empty = Vectors(np.empty((0, 64), np.int8), np.empty(0, np.float32))
    assert Signs(empty).nearest(topics(1), 5)[0].shape == (1, 0)


@pytest.mark.parametrize(("kind", "least"), [("flat", 0.99), ("hnsw", 0.95), ("ivf-pq", 0.9)])
def test_faiss_finds_nearly_what_exact_finds_also_from_its_file(kind: str, least: float, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the extra faiss is not installed")
    kept, queries = packed(topics(4000)), topics(10, seed=2)
    config = FaissConfig(kind=kind, cells=20, probes=12, build=80, search=128)
    index = faiss_index.build(kept, config, np.random.default_rng(0))
    found = index.nearest(queries, 20)[0]
    true = Exact(kept).nearest(queries, 20)[0]
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(true, found, strict=True)]) / 20 >= least
    faiss_index.save(index, tmp_path / "index.faiss")
    again = faiss_index.load(tmp_path / "index.faiss", config, kept)
    np.testing.assert_array_equal(again.nearest(queries, 20)[0], found)


def test_an_index_that_looks_harder_misses_less() -> None:
    pytest.importorskip("faiss", reason="the extra faiss is not installed")
    kept, queries = packed(topics(4000)), topics(10, seed=2)
    true = Exact(kept).nearest(queries, 20)[0]
    config = FaissConfig(kind="ivf-pq", cells=40, probes=1, refine=1)
    index = faiss_index.build(kept, config, np.random.default_rng(0))
    hits = []
    for harder in (config, replace(config, probes=10, refine=5), replace(config, probes=40, refine=40)):
        found = faiss_index.looking(index, harder).nearest(queries, 20)[0]
        hits.append(sum(len(np.intersect1d(a, b)) for a, b in zip(true, found, strict=True)))
    assert hits[0] < hits[1] < hits[2] >= 0.99 * true.size


def test_the_least_are_those_of_a_stable_sort() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((1000, 10), (1000, 999), (1000, 1000), (5, 1)):
        counts = rng.integers(0, 7, n).astype(np.uint16)
        expected = np.sort(np.argsort(counts, kind="stable")[:m])
        np.testing.assert_array_equal(least(counts, m), expected)


def test_an_unknown_kind_of_faiss_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the extra faiss is not installed")
    with pytest.raises(InputError, match="there are flat, hnsw, ivf-pq"):
        faiss_index.build(packed(topics(10)), FaissConfig(kind="tree"), np.random.default_rng(0))
    (tmp_path / "broken").write_bytes(b"nothing")
    with pytest.raises(DamagedBundle, match="cannot be read"):
        faiss_index.load(tmp_path / "broken", FaissConfig())


@given(arrays(np.int8, st.tuples(st.integers(0, 5), st.integers(1, 9)), elements=st.integers(-8, 7)))
def test_two_steps_in_a_byte_come_back(steps: NDArray[np.int8]) -> None:
    np.testing.assert_array_equal(unhalved(halved(steps), steps.shape[1]), steps)
