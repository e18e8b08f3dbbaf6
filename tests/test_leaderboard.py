"""The leaderboard: planted measurements with known answers, and the whole way on small data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tables
from anirec.evaluate.figures import FIGURES
from anirec.evaluate.run import METRICS
from anirec.prepare.dataset import Dataset
from anirec.service.training import Material
from anirec.wiring.models import MODELS, chosen
from board import document
from board.assemble import Measured, assemble, buckets, section, with_earlier
from board.measure import keep, measure, tail_recall
from board.plan import BLEND, CLOSED_FORM, NATURAL, PLAN, PROTOCOLS, STOPS, fingerprint, row_of
from cli.test_journey import csv_folder
from evaluate.planted import case
from filing import newest
from recommenders.described import two_tastes_features, two_tastes_pairs
from worlds import catalogue_of, two_tastes

__all__ = ["csv_folder"]

REPOSITORY = Path(__file__).parents[1]
SCRIPT = REPOSITORY / "benchmarks" / "leaderboard.py"
GIVEN = np.array([2, 4, 5, 6, 20, 30, 151, 400] * 10)
"""Numbers of titles that 80 planted users are given."""
N = len(GIVEN)


def planted(name: str, *trainings: NDArray[np.float64]) -> Measured:
    """A row whose NDCG@10 is the same under every protocol and figure; half of the users have a target in the tail."""
    keys = [f"{protocol}/{figure}" for protocol in PROTOCOLS for figure in FIGURES]
    facts, per_case = [], []
    for seed, values in enumerate(trainings):
        tail = np.where(np.arange(N) % 2 == 0, values / 2, np.nan)
        per_case.append(
            dict.fromkeys(keys, values) | {"users": np.arange(N), "given": GIVEN, "tail": tail, "recall": values}
        )
        one = {
            "cases": N,
            "metrics": dict.fromkeys(METRICS, float(np.nanmean(values))),
            "coverage": 0.1 * (seed + 1),
            "popularity_percentile": 0.9,
        }
        facts.append(
            {
                "row": name,
                "model": name,
                "settings": [],
                "config": {"k": 3, "loop": {"lr": 0.1}},
                "seed": seed,
                "data": {},
                "sources": ["ratings"],
                "users": N,
                "candidates": 30,
                "fit_seconds": 2.0 + seed,
                "fit_cpu_seconds": 1.0,
                "before_mb": 90,
                "peak_mb": 100 + seed,
                "bytes": 5_000_000,
                "latency": {"profile": 120, "p50_ms": 1.0, "p95_ms": 2.0},
                "figures": {protocol: dict.fromkeys(FIGURES, one) for protocol in PROTOCOLS},
                "slider": {str(stop): dict.fromkeys(FIGURES, one) for stop in STOPS} if name == BLEND else {},
                "commit": "0123456789",
                "changed_since_commit": False,
                "when": f"2026-01-0{seed + 1}T00:00:00+00:00",
                "machine": "2 cores",
                "packages": {},
            }
        )
    return Measured(name, tuple(facts), tuple(per_case))


@pytest.fixture(scope="module")
def world() -> list[Measured]:
    """EASE; item-kNN, 0.1 worse for long profiles and 0.05 better for short ones; iALS by chance as good; a blend."""
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.6, N)
    noise = rng.normal(0, 0.1, N)
    noise -= noise.mean()
    return [
        planted("random", np.full(N, 0.01)),
        planted("ease", base),
        planted("item-knn", base + np.where(GIVEN <= 5, 0.05, -0.1)),
        planted("ials", base + noise - 0.02, base + noise, base + noise + 0.02),
        planted("blend", base + 0.08, base + 0.1, base + 0.12),
    ]


@pytest.fixture(scope="module")
def board(world: list[Measured]) -> dict[str, Any]:
    return section(world)


def line(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [row for row in found["rows"] if row["name"] == name]
    return dict(one)


def test_the_value_is_the_mean_over_trainings_and_the_spread_is_theirs(
    world: list[Measured], board: dict[str, Any]
) -> None:
    found = line(board, "ials")["figures"]["few-shot-3"]["raw"]
    base = world[1].values(f"{NATURAL}/raw").mean()
    assert found["ndcg@10"]["mean"] == pytest.approx(base)
    assert found["spread"] == pytest.approx({"low": base - 0.02, "high": base + 0.02, "sd": 0.02})
    assert line(board, "ease")["figures"]["few-shot-3"]["raw"]["spread"]["sd"] is None


def test_what_is_better_for_everybody_is_surely_better_and_what_is_as_good_is_not_called_better(
    board: dict[str, Any],
) -> None:
    better = line(board, "blend")["figures"][NATURAL]["franchises"]["difference"]
    assert (better["mean"], better["low"], better["high"]) == pytest.approx((0.1, 0.1, 0.1))
    assert better["p"] == pytest.approx(4 / 10_001), "the least that is possible, times four tests"
    equal = line(board, "ials")["figures"][NATURAL]["franchises"]["difference"]
    assert equal["low"] < 0 < equal["high"]
    assert equal["p"] > 0.5
    assert "difference" not in line(board, "ease")["figures"][NATURAL]["franchises"]


def test_each_length_of_profile_has_its_own_best_single_model(world: list[Measured]) -> None:
    found = buckets([row for row in world if row.name != "ials"], "raw", np.random.default_rng(0))
    assert [bucket["users"] for bucket in found] == [30, 20, 10, 0, 20]
    assert [bucket.get("best") for bucket in found[:2]] == ["item-knn", "ease"]
    assert found[0]["rows"]["blend"]["difference"]["mean"] == pytest.approx(0.05)
    assert found[1]["rows"]["blend"]["difference"]["mean"] == pytest.approx(0.1)
    assert "difference" not in found[0]["rows"]["item-knn"]
    assert found[3]["rows"] == {}


def test_who_has_no_target_is_left_out_of_every_row(world: list[Measured]) -> None:
    rows = [planted(row.name, np.where(GIVEN == 400, np.nan, row.values(f"{NATURAL}/raw"))) for row in world]
    found = section(rows)
    assert found["buckets"]["raw"][4]["users"] == 10
    kept = world[1].values(f"{NATURAL}/raw")[GIVEN != 400].mean()
    assert line(found, "ease")["figures"][NATURAL]["raw"]["ndcg@10"]["mean"] == pytest.approx(kept)


def test_costs_are_means_and_memory_the_most(board: dict[str, Any]) -> None:
    blend = line(board, "blend")
    assert (blend["trainings"], blend["fit_seconds"], blend["peak_mb"]) == (3, 3.0, 102)
    assert board["slider"]["0.75"]["raw"]["coverage"] == pytest.approx(0.2)


def test_a_row_without_the_baseline_beside_it_has_no_difference(world: list[Measured]) -> None:
    found = section([row for row in world if row.name != "ease"])
    assert "difference" not in line(found, "blend")["figures"][NATURAL]["raw"]


def write(rows: list[Measured], into: Path) -> Path:
    for row in rows:
        for facts, per_case in zip(row.facts, row.per_case, strict=True):
            keep(into, f"{row.name}-{facts['seed']}", dict(facts), dict(per_case))
    return into


def test_the_page_and_the_short_table_hold_what_was_found(world: list[Measured], tmp_path: Path) -> None:
    board = assemble(write(world, tmp_path)) | {"commit": "0123456789"}
    page, short = document.whole(board), document.short(board)
    value = board["rows"][-1]["figures"][NATURAL]["franchises"]["ndcg@10"]["mean"]
    assert f"{value:.3f} ±0.020 [" in page
    assert f"| blend | {value:.3f} ±0.020 [" in short
    assert "+0.100 [+0.100, +0.100], p < .001" in page
    assert "popularity (1 training), " in page, "what is not measured is named"
    assert "`k=3` `loop.lr=0.1`" in page
    tables = [block for block in page.split("\n\n") if block.startswith("|")]
    assert all(len({text.count("|") for text in table.split("\n")}) == 1 for table in tables)
    assert short.split("\n\n")[2].split("\n")[2].startswith("| blend |"), "the best first"


def test_a_page_that_is_not_made_from_the_results_fails_the_check(
    world: list[Measured], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = assemble(write(world, tmp_path)) | {"commit": "0123456789"}
    readme, page = tmp_path / "README.md", tmp_path / "leaderboard.md"
    readme.write_text("<!-- leaderboard -->\n<!-- /leaderboard -->\n", encoding="utf-8")
    monkeypatch.setattr(tables, "README", readme)
    monkeypatch.setattr(tables, "BOARD", page)
    monkeypatch.setattr(tables, "newest", {"leaderboard": board}.get)
    monkeypatch.setattr(tables, "made", lambda: {"leaderboard": document.short(board)})
    monkeypatch.setattr(sys, "argv", ["tables.py"])
    tables.main()
    assert document.short(board) in readme.read_text(encoding="utf-8")
    page.write_text(page.read_text(encoding="utf-8").replace("0.", "1.", 1), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["tables.py", "--check"])
    with pytest.raises(SystemExit, match=r"not made from the newest results: leaderboard\.md; run `make tables`"):
        tables.main()


def test_measurements_of_other_users_are_not_compared(world: list[Measured], tmp_path: Path) -> None:
    write(world, tmp_path)
    other = planted("ease", np.full(N, 0.5))
    other.per_case[0]["users"][0] = -1
    write([other], tmp_path)
    with pytest.raises(SystemExit, match="not of the same users"):
        assemble(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="nothing is measured"):
        assemble(tmp_path / "empty")


ABOUT = dict.fromkeys(("data", "users", "sources", "cases", "split_seed", "tail_from", "baseline"), 0) | {
    "missing": {},
    "changed_since_commit": False,
    "machines": ["a"],
}
"""What stands beside the rows of a section, the same in two that may be joined."""


def test_rows_that_are_not_measured_anew_are_kept_as_they_were(world: list[Measured]) -> None:
    own = [row for row in world if row.name != "ials"]
    old = section(own) | ABOUT | {"commits": ["1"]}
    better = planted("blend", world[1].values(f"{NATURAL}/raw") + 0.2)
    found = with_earlier(section([world[1], better]) | ABOUT | {"commits": ["2"]}, old)
    assert [row["name"] for row in found["rows"]] == ["random", "ease", "item-knn", "blend"]
    assert found["kept"] == ["random", "item-knn"]
    assert line(found, "item-knn") == line(old, "item-knn")
    assert line(found, "blend")["figures"][NATURAL]["raw"]["difference"]["mean"] == pytest.approx(0.2)
    assert found["commits"] == ["1", "2"]
    assert found["missing"]["blend"] == 2
    short, long = found["buckets"]["raw"][0], found["buckets"]["raw"][4]
    assert (short["best"], long["best"]) == ("item-knn", "ease")
    assert long["rows"]["blend"]["difference"]["mean"] == pytest.approx(0.2)
    assert "difference" in long["rows"]["item-knn"]
    assert "difference" not in short["rows"]["blend"], "item-kNN was not measured beside it"
    told = {name: document.in_bucket(short, name) for name in ("blend", "item-knn")}
    assert told["item-knn"] == f"**{told['item-knn'].strip('*')}**"
    assert float(told["blend"]) == pytest.approx(short["rows"]["blend"]["ndcg@10"]["mean"], abs=5e-4)


def test_rows_of_other_data_are_not_kept(world: list[Measured]) -> None:
    with pytest.raises(SystemExit, match="differ in `data`"):
        with_earlier(section(world) | ABOUT, section(world) | ABOUT | {"data": 1})


def test_the_share_of_tail_targets_that_are_found_is_counted_over_tail_targets_alone() -> None:
    rows = np.array([[0, 4, 5, -1], [1, 2, -1, -1], [9, 8, 7, 6]])
    cases = [case([9], [1, 5, 6, 7]), case([9], [2, 3], user=2), case([1], [7], user=3)]
    found = tail_recall(rows, cases, catalogue_of(10), np.array([5, 6, 7], np.int32))
    np.testing.assert_array_equal(found, [2 / 3, np.nan, 1])


def test_every_model_has_a_row_and_every_setting_counts() -> None:
    assert {row.model for row in PLAN} == {*MODELS, "random", "blend"}
    ease = row_of("ease")
    prints = {
        fingerprint(ease, 0, 100, {}),
        fingerprint(ease, 1, 100, {}),
        fingerprint(ease, 0, 101, {}),
        fingerprint(ease, 0, 100, {"ratings": "1"}),
        fingerprint(row_of("slim"), 0, 100, {}),
    }
    assert len(prints) == 5
    assert fingerprint(ease, 0, 100, {}) in prints


@pytest.mark.parametrize("name", sorted(CLOSED_FORM))
def test_a_model_that_is_trained_once_leaves_nothing_to_chance(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = two_tastes(users=200)
    dated = Dataset(**(vars_of(data) | {"updated_at": np.arange(data.n_rows, dtype=np.int64) * 10_000}))
    monkeypatch.setattr("anirec.wiring.models._features", lambda _folder, _sha256: two_tastes_features())
    material = Material(Path(), dated, catalogue_of(25), None, {"tables": {}}, two_tastes_pairs())
    one, two = (chosen(material, name).fit(dated, np.random.default_rng(seed)).state() for seed in (0, 1))
    assert one.arrays.keys() == two.arrays.keys()
    for key, array in one.arrays.items():
        np.testing.assert_array_equal(array, two.arrays[key])


def vars_of(data: Dataset) -> dict[str, Any]:
    return {name: getattr(data, name) for name in Dataset.__dataclass_fields__}


@pytest.fixture(scope="module")
def canonical(csv_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from anirec.sources.importer import import_folder

    out = tmp_path_factory.mktemp("board") / "canonical"
    import_folder(csv_folder, out, progress=lambda _stage, _done, _total: None)
    return out


def leaderboard(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *words], check=False, capture_output=True, text=True)


def test_from_tables_to_a_page_stopped_and_gone_on_with(canonical: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    words = ("measure", "--into", into, "--data", canonical, "--users", "60", "--only", "popularity")
    stopped = leaderboard(*words, "--budget-minutes", "0")
    assert (stopped.returncode, stopped.stdout) == (1, "popularity-0: no time left\n")
    first = leaderboard(*words)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith("popularity-0 ...\n  fit ")
    assert leaderboard(*words).stdout == "popularity-0: measured before\n"

    for name, seed in [("random", 0), ("ease", 0), ("blend", 0)]:
        keep(into, f"{name}-{seed}", *measure(row_of(name), seed, canonical, 60))
    filed = leaderboard("assemble", "--into", into, "--results", tmp_path / "results")
    assert filed.returncode == 0, filed.stdout + filed.stderr
    board = newest("leaderboard", tmp_path / "results")
    assert board is not None
    assert [row["name"] for row in board["rows"]] == ["random", "popularity", "ease", "blend"]
    ndcg = {row["name"]: row["figures"][NATURAL]["raw"]["ndcg@10"]["mean"] for row in board["rows"]}
    assert ndcg["ease"] > 1.2 * ndcg["random"], "half of the anime are to nobody's taste who likes the other half"
    assert board["missing"]["blend"] == 2
    assert line(board, "blend")["trainings"] == 1
    assert line(board, "ease")["bytes"] < line(board, "blend")["bytes"]
    assert set(board["slider"]) == {"-0.75", "0.0", "0.75"}
    assert "## The slider" in document.whole(board)
    assert "users" not in line(board, "ease"), "nothing of single users is filed"


def test_what_fails_is_named_and_the_rest_goes_on(canonical: Path, tmp_path: Path) -> None:
    words = ("--only", "crowd", "--only", "popularity", "--users", "60")
    done = leaderboard("measure", "--into", tmp_path, "--data", canonical, *words)
    assert done.returncode == 1
    assert "crowd-0: failed: " in done.stdout
    assert "hold nothing that crowd learns from" in done.stdout
    assert json.loads((tmp_path / "popularity-0.json").read_text())["users"] == 60


def test_the_page_is_made_from_the_newest_results() -> None:
    board = newest("leaderboard")
    if board is None:
        pytest.skip("no leaderboard is filed under benchmarks/results; `make leaderboard` makes one")
    page = REPOSITORY / "docs" / "leaderboard.md"
    assert page.read_text(encoding="utf-8") == document.whole(board), "run `make tables`"
