from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.errors import InputError  # noqa: E402
from anirec.core.profile import Profile  # noqa: E402
from anirec.core.state import State  # noqa: E402
from anirec.prepare.dataset import Dataset  # noqa: E402
from anirec.recommenders.neural.loop import LoopConfig  # noqa: E402
from anirec.recommenders.neural.masked_set import MaskedSetConfig, fit  # noqa: E402
from anirec.recommenders.neural.masked_set_serving import MaskedSet, restore, windows_of  # noqa: E402
from anirec.stores.bundle import BundleContent, read_bundle, write_bundle  # noqa: E402
from anirec.wiring.serve import restore_models  # noqa: E402
from conformance import Conformance, Subject  # noqa: E402
from worlds import catalogue_of, two_tastes  # noqa: E402

LOOP = LoopConfig(epochs=3, patience=3, lr=0.01, warm_up=2)
CONFIG = MaskedSetConfig(hidden=12, heads=3, window=7, batch=8, min_likes=2, loop=LOOP)
GENRES = {i: ["Action"] if i <= 10 else ["Drama", "Romance"] for i in range(1, 21)}
CATALOGUE = catalogue_of(25, genres=GENRES)


def fitted(data: Dataset | None = None, config: MaskedSetConfig = CONFIG) -> MaskedSet:
    return fit(data or two_tastes(), config, np.random.default_rng(0), catalogue=CATALOGUE)


def norm(x: list[float], weight: Any, bias: Any) -> list[float]:
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return [
        float(w) * (v - mean) / math.sqrt(variance + 1e-5) + float(b) for v, w, b in zip(x, weight, bias, strict=True)
    ]


def linear(x: list[float], weight: Any, bias: Any) -> list[float]:
    return [
        sum(float(w) * v for w, v in zip(row, x, strict=True)) + float(b) for row, b in zip(weight, bias, strict=True)
    ]


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def mask_by_definition(tokens: list[list[float]], arrays: dict[str, Any], heads: int) -> list[float]:
    """All tokens through all blocks, one number at a time, the MASK last; returns its state."""
    h = len(tokens[0])
    size = h // heads
    for i in range(sum(name.endswith("qkv_weight") for name in arrays)):
        part = {name.removeprefix(f"blocks_{i}_"): a for name, a in arrays.items() if name.startswith(f"blocks_{i}_")}
        qkv = [
            linear(norm(x, part["norm_1_weight"], part["norm_1_bias"]), part["qkv_weight"], part["qkv_bias"])
            for x in tokens
        ]
        after = []
        for row, x in enumerate(tokens):
            mixed = []
            for head in range(heads):
                at = head * size
                alike = [
                    sum(qkv[row][at + d] * other[h + at + d] for d in range(size)) / math.sqrt(size) for other in qkv
                ]
                total = sum(math.exp(a) for a in alike)
                mixed += [
                    sum(math.exp(a) / total * other[2 * h + at + d] for a, other in zip(alike, qkv, strict=True))
                    for d in range(size)
                ]
            y = [a + b for a, b in zip(x, linear(mixed, part["out_weight"], part["out_bias"]), strict=True)]
            inner = linear(norm(y, part["norm_2_weight"], part["norm_2_bias"]), part["up_weight"], part["up_bias"])
            outer = linear([gelu(v) for v in inner], part["down_weight"], part["down_bias"])
            after.append([a + b for a, b in zip(y, outer, strict=True)])
        tokens = after
    return norm(tokens[-1], arrays["norm_weight"], arrays["norm_bias"])


def by_definition(model: MaskedSet, profile: Profile) -> NDArray[np.float64]:
    arrays = {name: np.asarray(a, dtype=np.float64) for name, a in model.arrays.items()}
    ids = [int(i) for i in model.items]
    known = [int(i) for i in profile.anime_ids if int(i) in ids]
    n_parts = max(math.ceil(len(known) / model.window), 1)
    hashed = sorted(known, key=lambda anime_id: anime_id * 2654435761 % 2**32)
    sizes = [len(known) // n_parts + (i < len(known) % n_parts) for i in range(n_parts)]
    states = []
    for i, size in enumerate(sizes):
        tokens = []
        for anime_id in hashed[sum(sizes[:i]) : sum(sizes[:i]) + size]:
            place = list(profile.anime_ids).index(anime_id)
            score = 0 if np.isnan(profile.scores[place]) else int(profile.scores[place])
            token = arrays["vectors"][ids.index(anime_id)] + arrays["score"][score]
            tokens.append([float(v) for v in token + arrays["status"][profile.statuses[place]]])
        states.append(mask_by_definition([*tokens, [float(v) for v in arrays["mask"]]], arrays, model.heads))
    mean = np.mean(states, axis=0)
    scores: NDArray[np.float64] = arrays["vectors"] @ mean + arrays["bias"]
    return scores


@pytest.fixture(scope="module")
def model() -> MaskedSet:
    return fitted()


class TestMaskedSet(Conformance):
    @pytest.fixture
    def subject(self, model: MaskedSet, tmp_path: Path) -> Subject:
        content = BundleContent(
            catalogue=CATALOGUE,
            models={"masked_set": model.state()},
            default_model="masked_set",
            tables={},
            about={"made_by": "a test"},
        )
        write_bundle(tmp_path / "bundle", content)
        restored = restore_models(read_bundle(tmp_path / "bundle"))["masked_set"]
        return Subject(model, restored, lambda profile: by_definition(model, profile), tolerance=2e-5)

    def test_the_longest_profile_of_the_suite_is_longer_than_the_window(self, model: MaskedSet) -> None:
        assert [len(part) for part in windows_of(model.items, Profile.of_likes(range(1, 21)), 7)] == [7, 7, 6]

    @pytest.mark.parametrize(
        "change",
        [
            {"vectors": np.zeros((3, 12), np.float32)},
            {"blocks_0_up_bias": np.full(48, np.nan, np.float32)},
            {"blocks_1_out_weight": np.zeros((12, 11), np.float32)},
            {"stray": np.zeros(1, np.float32)},
        ],
    )
    def test_arrays_that_do_not_fit_are_refused(self, model: MaskedSet, change: dict[str, Any]) -> None:
        state = model.state()
        with pytest.raises(ValueError, match="do not fit"):
            restore(State(state.kind, {**state.arrays, **change}, state.facts))

    def test_facts_that_do_not_fit_are_refused(self, model: MaskedSet) -> None:
        state = model.state()
        for facts in ({"heads": 5, "window": 7}, {"heads": 3, "window": 0}):
            with pytest.raises(ValueError, match="heads do not part"):
                restore(State(state.kind, state.arrays, facts))


def test_serving_needs_no_torch() -> None:
    code = "import sys, anirec.wiring.serve; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 10, "heads": 4},
        {"blocks": 0},
        {"window": 0},
        {"mask_share": 0.0},
        {"mask_share": 1.0},
        {"tail": 1.5},
        {"likes_only": -0.1},
        {"dropout": 1.0},
        {"negatives": -1},
        {"validation_users": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        MaskedSetConfig(**wrong)


def test_a_catalogue_without_labels_is_refused() -> None:
    with pytest.raises(InputError, match="no anime of the catalogue has a genre"):
        fit(two_tastes(), CONFIG, np.random.default_rng(0), catalogue=catalogue_of(25))


def test_too_few_lists_are_refused() -> None:
    with pytest.raises(InputError, match="too few lists"):
        fitted(two_tastes(users=8))
    with pytest.raises(InputError, match="nothing to learn from"):
        fitted(config=MaskedSetConfig(min_likes=1000))
