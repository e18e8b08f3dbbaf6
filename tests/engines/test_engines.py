"""What every engine owes, and that figures are the same wherever they come from: also when a worker is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import InputError, MissingAbility, Unreachable
from anirec.core.profile import _LIKING_BY_SCORE, _LIKING_BY_STATUS, LIKING_STEP
from anirec.core.protocols import Recommender
from anirec.engines import on_ray
from anirec.evaluate.exam import Exam
from anirec.evaluate.report import Report
from anirec.evaluate.run import run
from anirec.prepare.splits import held_out_users
from anirec.recommenders import ease, ials
from anirec.service.progress import silent
from anirec.service.training import Material
from anirec.service.tuning import Range, tune
from in_parts import Fatal, die, plus, refuse, where
from recommenders.test_conformance import EASE, dense_likings
from recommenders.test_conformance_linear import IALS
from worlds import catalogue_of, two_tastes

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

DATA = two_tastes(users=400)
CATALOGUE = catalogue_of(25)


@pytest.fixture(params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = LOCAL if request.param == "local" else request.getfixturevalue("on_two_workers")
    return found


def test_results_come_in_the_order_of_the_parts(engine: Engine) -> None:
    shared = engine.share(np.arange(5))
    assert list(engine.map(plus, ((shared, i) for i in range(20)))) == list(range(10, 30))
    assert list(engine.map(plus, [])) == []


def test_an_error_in_a_part_is_the_callers(engine: Engine) -> None:
    found = engine.map(refuse, ((i,) for i in range(4)))
    assert next(found) == 0
    with pytest.raises(InputError, match=r"^not this one$"):
        list(found)


def test_the_work_is_done_apart_where_that_is_said(engine: Engine) -> None:
    processes = set(engine.map(where, ((i,) for i in range(8))))
    assert (os.getpid() not in processes) is engine.apart


def test_a_part_that_kills_every_worker_is_given_up(on_two_workers: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "ATTEMPTS", 1)
    with pytest.raises(Unreachable, match="--engine local"):
        list(on_two_workers.map(die, [(1,)]))


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingAbility, match=r"anirec\[ray\]"), on_ray.opened():
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_where_nobody_listens_is_unreachable_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"), on_ray.opened():
        pass


def test_every_liking_is_a_whole_number_of_steps() -> None:
    likings = np.concatenate([_LIKING_BY_SCORE[1:], _LIKING_BY_STATUS])
    np.testing.assert_array_equal(likings, (np.rint(likings / LIKING_STEP) * LIKING_STEP).astype(np.float32))


@pytest.mark.parametrize("user_power", [0.0, 0.5, 1.0])
def test_the_gram_matrix_is_the_definition_and_the_same_to_the_bit_in_any_number_of_parts(user_power: float) -> None:
    places = ease.vocabulary(DATA, EASE)
    whole = ease.gram_matrix(DATA, places, user_power=user_power)
    likings = dense_likings(DATA)[:, places]
    sizes = np.maximum(likings.sum(axis=1, keepdims=True), 0.1)
    np.testing.assert_allclose(whole, likings.T @ (likings * sizes**-user_power), rtol=1e-5, atol=1e-6)
    for shards in (2, 3, 7, 399, 5000):
        parted = ease.gram_matrix(DATA, places, user_power=user_power, shards=shards)
        assert parted.tobytes() == whole.tobytes()


@pytest.mark.parametrize("user_power", [0.0, 0.5])
def test_ray_gives_the_same_gram_matrix_to_the_bit_also_when_a_worker_is_killed(
    on_two_workers: Engine, tmp_path: Path, user_power: float
) -> None:
    places = ease.vocabulary(DATA, EASE)
    here = ease.gram_matrix(DATA, places, user_power=user_power)
    for shards in (1, 2, 5):
        there = ease.gram_matrix(DATA, places, user_power=user_power, engine=on_two_workers, shards=shards)
        assert there.tobytes() == here.tobytes()
    flag = tmp_path / "killed"
    again = ease.gram_matrix(DATA, places, user_power=user_power, engine=Fatal(on_two_workers, flag), shards=5)
    assert flag.exists()
    assert again.tobytes() == here.tobytes()


def test_ease_is_the_same_to_the_bit(on_two_workers: Engine) -> None:
    here = ease.fit(DATA, EASE, np.random.default_rng(0)).state().arrays
    there = ease.fit(DATA, EASE, np.random.default_rng(0), engine=on_two_workers).state().arrays
    assert {name: array.tobytes() for name, array in here.items()} == {n: a.tobytes() for n, a in there.items()}


def test_ials_is_the_same_but_for_rounding_also_when_a_worker_is_killed(
    on_two_workers: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ials, "CELLS", 2**10)
    monkeypatch.setattr(ials, "TOGETHER", 2)
    here = ials.fit(DATA, IALS, np.random.default_rng(0))
    for engine in (on_two_workers, Fatal(on_two_workers, tmp_path / "killed")):
        there = ials.fit(DATA, IALS, np.random.default_rng(0), engine=engine)
        np.testing.assert_allclose(there.titles.vectors, here.titles.vectors, rtol=1e-4, atol=1e-6)
    assert (tmp_path / "killed").exists()


def report_of(engine: Engine, told: Callable[[str, int, int], None] = silent) -> Report:
    split = held_out_users(DATA, n_users=300, rng=np.random.default_rng(1))
    exam = Exam("heldout-users", 1, {}, split.train, split.cases)
    models: dict[str, Recommender] = {
        "ease": ease.fit(split.train, EASE, np.random.default_rng(0)),
        "ials": ials.fit(split.train, IALS, np.random.default_rng(0)),
    }
    return run(models, exam, CATALOGUE, rng=np.random.default_rng(2), progress=told, engine=engine)


def test_an_evaluation_has_the_same_figures_also_when_a_worker_is_killed(
    on_two_workers: Engine, tmp_path: Path
) -> None:
    here, told = report_of(LOCAL).to_json(), []
    assert report_of(on_two_workers, lambda *progress: told.append(progress)).to_json() == here
    assert [(done, total) for name, done, total in told if name == "ease"][-1] == (300, 300)
    assert report_of(Fatal(on_two_workers, tmp_path / "killed")).to_json() == here
    assert (tmp_path / "killed").exists()


def tuned(engine: Engine, at_once: int) -> Sequence[tuple[dict[str, float], float]]:
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    material = Material(Path("nowhere"), DATA, CATALOGUE, None, {})

    def fit(drawn: Any, dataset: Any, rng: np.random.Generator) -> ease.Ease:
        return ease.fit(dataset, replace(EASE, **drawn), rng)

    ranges = {"l2": (Range(1, 100, log=True), EASE.l2), "dropout": (Range(0, 0.5), EASE.dropout)}
    found = tune(
        material, "ease", fit, ranges, n_trials=5, n_likes=None, seed=0, progress=silent, at_once=at_once, engine=engine
    )
    return [(dict(trial.settings), trial.value) for trial in found.trials]


def test_trials_are_the_same_and_as_many_as_were_asked_for(on_two_workers: Engine) -> None:
    one_by_one = tuned(LOCAL, 1)
    assert one_by_one[0][0] == {"l2": EASE.l2, "dropout": EASE.dropout}
    assert tuned(on_two_workers, 1) == one_by_one
    assert tuned(on_two_workers, 2) == tuned(LOCAL, 2)
    assert len(tuned(LOCAL, 2)) == 5
