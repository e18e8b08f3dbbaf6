from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.state import State
from anirec.recommenders import text_vectors
from anirec.recommenders.text_vectors import TextVectorsConfig, principal, without_common

IDS = np.arange(10, 60, 10, dtype=np.int32)
VECTORS = np.array([[3, 0, 0], [2, 0.1, 0], [0, 0, 0], [0, 1, 1], [-1, 0, 0]], dtype=np.float32)


def of(config: TextVectorsConfig | None = None) -> text_vectors.TextVectors:
    model = text_vectors.fit(IDS, VECTORS, config or TextVectorsConfig())
    assert model is not None
    return model


def test_a_title_of_which_nothing_is_written_has_no_place_and_the_others_keep_their_ids() -> None:
    model = of(TextVectorsConfig(sharpness=1))
    assert model.items.tolist() == [10, 20, 40, 50]
    scores = dict(zip(model.items.tolist(), model.score([Profile.of_likes([10])])[0].tolist(), strict=True))
    cosines = {10: 1, 20: 2 / np.hypot(2, 0.1), 40: 0, 50: 0}  # opposite is no more unlike than unrelated
    assert scores == pytest.approx(cosines, abs=0.01)


def test_nothing_written_of_any_title_is_no_model() -> None:
    assert text_vectors.fit(IDS, np.zeros_like(VECTORS), TextVectorsConfig()) is None
    assert text_vectors.fit(IDS[:0], VECTORS[:0], TextVectorsConfig()) is None


def test_sharpness_changes_no_order_and_sets_the_near_apart() -> None:
    rng = np.random.default_rng(0)
    ids, vectors = np.arange(1, 81, dtype=np.int32), rng.normal(size=(80, 16)).astype(np.float32)
    found = []
    for sharpness in (1, 3):
        model = text_vectors.fit(ids, vectors, TextVectorsConfig(sharpness=sharpness))
        assert model is not None
        found.append(model.score([Profile.of_likes([5])])[0])
    plain, sharp = found
    np.testing.assert_allclose(sharp, plain**3, atol=1e-6)
    assert np.argsort(-plain, kind="stable").tolist() == np.argsort(-sharp, kind="stable").tolist()


def test_one_byte_a_number_costs_less_than_a_hundredth_of_a_cosine() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 64)) * np.linspace(3, 0.1, 64)).astype(np.float32)
    model = text_vectors.fit(np.arange(1, 201, dtype=np.int32), vectors, TextVectorsConfig(64, sharpness=1))
    assert model is not None
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = np.clip(unit @ unit[7], 0, 1)
    assert np.abs(model.score([Profile.of_likes([8])])[0] - exact).max() < 0.01


def test_fewer_dimensions_keep_what_the_vectors_differ_in_most() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(100, 4)) @ rng.normal(size=(4, 30))  # in four dimensions, seen in thirty
    few = principal(flat.astype(np.float32), 4)
    assert few.shape == (100, 4)
    np.testing.assert_allclose(few @ few.T, flat @ flat.T, atol=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_turning_never_makes_vectors_longer_and_leaves_rows_of_zeros(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(7, 5)) * (rng.random((7, 1)) < 0.7)).astype(np.float32)
    few = principal(vectors, k)
    assert few.shape == (7, k)
    assert np.all(np.linalg.norm(few, axis=1) <= np.linalg.norm(vectors, axis=1) + 1e-3)
    assert not few[~vectors.any(axis=1)].any()


def test_what_all_texts_have_in_common_is_taken_away() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=20)
    vectors = (common * rng.uniform(3, 5, size=(50, 1)) + rng.normal(size=(50, 20)) * 0.5).astype(np.float32)
    vectors[3] = 0
    left = without_common(vectors, 1)
    assert np.abs(left @ (common / np.linalg.norm(common))).max() < 0.1
    assert not left[3].any()
    assert without_common(vectors, 0) is vectors


@pytest.mark.parametrize("bad", [{"dimensions": 0}, {"sharpness": 0}, {"sharpness": float("nan")}])
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="vectors of texts need"):
        TextVectorsConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["short", "float", "empty", "sharpness"])
def test_a_damaged_state_is_refused(damage: str) -> None:
    state = of().state()
    codes, facts = state.arrays["codes"], dict(state.facts)
    if damage == "short":
        codes = codes[1:]
    elif damage == "float":
        codes = codes.astype(np.float32)
    elif damage == "empty":
        codes = np.zeros_like(codes)
    else:
        facts = {"sharpness": 0}
    with pytest.raises(ValueError, match="of texts"):
        text_vectors.restore(State(state.kind, {"items": state.arrays["items"], "codes": codes}, facts))
