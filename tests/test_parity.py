"""What the comparison with peers is made with: `benchmarks/peers`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import compare
import ease_libraries
import exchange
import grids
import metrics_speed
import parity_page
import run
import split
import trials
from anirec.evaluate import metrics
from anirec.evaluate.intervals import Interval
from anirec.prepare.dataset import Dataset
from exchange import Likes, Split, likes_of
from worlds import two_tastes


@pytest.fixture
def data() -> Dataset:
    return two_tastes(users=60)


@pytest.fixture
def made(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> Split:
    for name, value in {"TRAIN": 40, "VALID": 10, "TEST": 10, "MIN_LIKES": 3, "MIN_ITEM_LIKES": 5}.items():
        monkeypatch.setattr(split, name, value)
    return split.split(data, np.random.default_rng(0))


def everybody(likes: Likes) -> list[set[int]]:
    return [set(likes.of(user).tolist()) for user in range(likes.n_users)]


def test_every_list_is_learned_from_or_held_out_and_never_both(data: Dataset, made: Split) -> None:
    place = {int(anime_id): place for place, anime_id in enumerate(made.anime_ids)}
    all_likes = sorted(
        sorted(place[i] for i in data.anime_ids[data.items[(data.users == user) & data.liked]].tolist() if i in place)
        for user in range(data.n_users)
    )
    whole = [made.train, made.valid_given.with_all(made.valid_targets), made.test_given.with_all(made.test_targets)]
    assert sorted(sorted(one) for likes in whole for one in everybody(likes)) == all_likes


def test_what_is_given_and_what_is_to_be_found_share_nothing(made: Split) -> None:
    pairs = list(zip(everybody(made.test_given), everybody(made.test_targets), strict=True))
    assert all(given and targets and not given & targets for given, targets in pairs)


def test_titles_of_the_split_are_liked_often_enough_in_train(made: Split) -> None:
    assert np.bincount(made.train.items, minlength=made.n).min() >= 5


def test_a_split_comes_back_from_its_file(made: Split, tmp_path: Path) -> None:
    made.save(tmp_path / "split.npz")
    again = Split.read(tmp_path / "split.npz")
    assert np.array_equal(again.anime_ids, made.anime_ids)
    assert all(everybody(getattr(again, part)) == everybody(getattr(made, part)) for part in exchange.PARTS)


def test_given_titles_are_never_listed_and_equal_scores_go_by_place() -> None:
    given = sparse.csr_matrix(np.array([[0, 1, 0, 0, 0]], dtype=np.float32))
    tops = exchange.top(np.array([[1.0, 9.0, 2.0, 2.0, 3.0]]), given)
    assert tops[0, :4].tolist() == [4, 2, 3, 0]


def test_runners_choose_by_the_metric_that_all_figures_are_made_with() -> None:
    rng = np.random.default_rng(0)
    tops = np.stack([rng.permutation(40)[:20] for _ in range(30)]).astype(np.int32)
    targets = likes_of([np.sort(rng.permutation(40)[: rng.integers(1, 15)]).astype(np.int32) for _ in range(30)])
    hits = np.stack([np.isin(row, targets.of(user)) for user, row in enumerate(tops)])
    expected = metrics.ndcg(hits, np.diff(targets.indptr), 10)
    np.testing.assert_allclose(exchange.ndcg(tops, targets), expected)
    np.testing.assert_allclose(compare.ndcg(tops, targets), expected)


def judged(name: str, values: list[float], curve: tuple[tuple[float, float], ...]) -> compare.Judged:
    return compare.Judged(name, np.array(values), seconds=9.0, peak_mb=1.0, facts="", curve=curve)


def test_worse_for_every_user_is_below_and_the_time_is_that_of_its_first_arrival() -> None:
    ours = judged("ours", [0.1, 0.2, 0.3], ((1.0, 0.1), (3.0, 0.2)))
    theirs = judged("theirs", [0.2, 0.3, 0.4], ((1.0, 0.2), (2.0, 0.3), (5.0, 0.29), (6.0, 0.3)))
    row = compare.compared(ours, theirs, np.random.default_rng(0))
    assert row["below"]
    assert Interval(**row["ndcg@10"]["difference"]).mean == pytest.approx(-0.1)
    assert row["seconds_to_quality"] == {"ours": 3.0, "theirs": 1.0}  # to what both come to
    assert not compare.compared(theirs, ours, np.random.default_rng(0))["below"]


def mean(value: float) -> dict[str, float]:
    return {"mean": value, "low": value - 0.01, "high": value + 0.01, "n": 482}


def section(**changes: Any) -> dict[str, Any]:
    pair = {
        "ours": "ours", "theirs": "theirs", "below": True, "fit_s": {"ours": 1.0, "theirs": 2.0},
        "ndcg@10": {"ours": mean(0.2), "theirs": mean(0.3), "difference": mean(-0.1)},
        "facts": {"ours": "k=1", "theirs": "version 2"}, "seconds_to_quality": {"ours": None, "theirs": 1.5},
        "peak_mb": {"ours": 300.4, "theirs": 1200.0}, "wait_ms": {"ours": 1.234, "theirs": None},
        "alone": {"ours": True, "theirs": True},
    }  # fmt: skip
    split = {"users": 8000, "titles": 3568, "likes": 529775, "test_users": 482}
    found = {"pairs": [pair | changes], "split": split, "seconds_are": "of one processor", "commit": "0123456789"}
    return {**found, "trials": 6, "did_not_run": {"recbole": "no wheel | for this"}}


def test_the_page_has_quality_and_costs_of_each_pair_and_marks_what_is_below() -> None:
    page = parity_page.whole(section())
    row = "| ours | theirs | 0.2000 | 0.3000 | -0.1000 [-0.1100, -0.0900] **below** "
    assert row + "| 1.0 / 2.0 | – / 1.5 | 300 / 1,200 | 1.23 / – |" in page
    assert "- ours: k=1\n- theirs: version 2\n" in page


def test_pairs_that_were_not_run_anew_are_kept_and_marked_if_the_split_is_the_same() -> None:
    made, other = section(), section(ours="other") | {"commit": "earlier000"}
    both = compare.with_earlier(made, {**other, "pairs": [*other["pairs"], *section(below=False)["pairs"]]})
    assert [pair["ours"] for pair in both["pairs"]] == ["ours", "other"]
    assert both["pairs"][0]["below"]
    page = parity_page.whole(both)
    assert "| other † | theirs " in page
    assert "| ours | theirs " in page
    assert "earlier, at `earlier000`" in page
    assert compare.with_earlier(made, {**other, "split": {"users": 1}}) == made
    assert compare.with_earlier(made, None) == made


def test_a_wait_of_a_batch_is_marked_as_one() -> None:
    changed = section(wait_ms={"ours": 1.0, "theirs": 2.0}, alone={"ours": True, "theirs": False})
    assert "| 1.00 / 2.00* |" in parity_page.whole(changed)


def test_what_did_not_run_is_a_row_with_the_reason() -> None:
    assert "| | recbole | | | did not run: no wheel / for this | | | | |" in parity_page.whole(section())


def test_the_page_says_what_marking_the_same_lists_costs() -> None:
    side = {"containers_s": 0.5, "marking_s": 1.0, "before_mb": 100.0, "peak_mb": 200.0}
    found = {
        "users": 5000, "repeats": 5, "version": "2025.8.1", "commit": "abc", "marking_ratio": 4.0, "whole_ratio": 3.0,
        "apart": {"ndcg@10": 0.0, "recall@10": 0.0}, "ours": side, "theirs": side | {"marking_s": 4.0},
    }  # fmt: skip
    page = parity_page.whole(section(), found)
    assert "| lenskit | 0.500 | 4.000 | 4.500 | 100 | 200 |" in page
    assert "4.0 times as long to mark" in page


def test_every_grid_has_as_many_trials() -> None:
    assert {name: len(grid) for name, grid in grids.GRIDS.items()} == dict.fromkeys(grids.GRIDS, grids.TRIALS)
    assert all(len({str(settings) for settings in grid}) == grids.TRIALS for grid in grids.GRIDS.values())


def test_every_compared_system_is_written_by_a_runner_that_is_there(tmp_path: Path) -> None:
    written = {file.stem for job in run.JOBS for file in job.files(tmp_path)}
    assert {name for pair in compare.PAIRS for name in pair} <= written
    assert all((run.HERE / job.command[0]).is_file() for job in run.JOBS)
    assert {job.environment for job in run.JOBS} - {run.OURS} == set(run.ENVIRONMENTS)


def test_every_package_of_an_environment_is_pinned() -> None:
    assert all("==" in pin for pins in run.ENVIRONMENTS.values() for pin in pins)


@pytest.fixture
def place(tmp_path: Path) -> run.Place:
    return run.Place(split=tmp_path / "split.npz", work=tmp_path / "work")


GOOD = """
import pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.write_text("lists")
with out.with_suffix(".count").open("a") as count:
    count.write("x")
"""
BAD = "import sys; print('so far so good'); sys.exit('no module named cupy in /usr/lib/python3/site.py')"


def job_of(name: str, program: str, folder: Path, **changes: Any) -> run.Job:
    script = folder / f"{name}.py"
    script.write_text(program)
    return run.Job(name, run.OURS, (str(script),), **changes)


def here(_name: str) -> Path:
    return Path(sys.executable)


def test_a_runner_that_fails_is_a_row_with_the_last_it_said_and_the_others_run(
    place: run.Place, tmp_path: Path
) -> None:
    jobs = [job_of("bad", BAD, tmp_path), job_of("good", GOOD, tmp_path)]
    assert run.run_all(jobs, place, here) == {"bad": "no module named cupy in site.py"}
    assert (place.lists / "good.npz").is_file()


def test_a_run_goes_on_where_it_stopped(place: run.Place, tmp_path: Path) -> None:
    good, bad = job_of("good", GOOD, tmp_path), job_of("bad", BAD, tmp_path)
    run.run_all([good, bad], place, here)
    (tmp_path / "bad.py").write_text(GOOD)
    assert run.run_all([good, bad, job_of("late", GOOD, tmp_path)], place, here).keys() == {"bad"}
    assert (place.lists / "good.count").read_text() == (place.lists / "late.count").read_text() == "x"
    place.failure("bad").unlink()
    assert run.run_all([good, bad], place, here) == {}


def test_a_peer_that_does_not_install_is_a_row_with_the_reason(place: run.Place, tmp_path: Path) -> None:
    def broken(name: str) -> Path:
        raise run.Failed(f"no matching distribution found for {name}")

    job = replace(job_of("peer", GOOD, tmp_path), environment="lenskit")
    assert run.run_all([job], place, broken) == {"peer": "no matching distribution found for lenskit"}


def test_a_runner_that_takes_too_long_is_stopped_and_says_so(place: run.Place, tmp_path: Path) -> None:
    job = job_of("slow", "import time; time.sleep(60)", tmp_path)
    assert run.run_all([job], replace(place, longest=0.5), here) == {"slow": "stopped after 0 s"}


def test_what_was_not_given_is_asked_for_and_not_kept_as_a_failure(place: run.Place, tmp_path: Path) -> None:
    job = job_of("net", GOOD, tmp_path, checkout="bert4rec")
    assert run.run_all([job], place, here) == {"net": "needs the folder bert4rec in --checkouts"}
    (tmp_path / "bert4rec").mkdir()
    assert run.run_all([job], replace(place, checkouts=tmp_path), here) == {}


def test_the_reason_of_pip_is_its_last_error_and_names_no_folder() -> None:
    log = "Collecting a\nERROR: Could not build /tmp/x/wheels/a.whl\n\n[notice] A new release of pip\n"
    assert run.reason(log, 1) == "ERROR: Could not build a.whl"
    assert run.reason("", -9) == "ended with -9 and said nothing"


def by_like(split: Split, settings: Mapping[str, Any]) -> trials.Fitted:
    """Rank by likes in train, or the other way round."""
    counts = settings["sign"] * np.bincount(split.train.items, minlength=split.n)
    return trials.Fitted(trials.ranked(lambda given: np.tile(counts, (given.shape[0], 1))), seconds=1.5)


def test_the_best_of_the_trials_is_written_beside_the_defaults_with_its_wait(made: Split, tmp_path: Path) -> None:
    grid: grids.Grid = ({"sign": -1.0}, {"sign": 1.0})
    method = trials.Method("peer", "library 1", partial(by_like, made), {"sign": -1.0}, grid)
    trials.run(method, made, tmp_path / "peer.npz")
    defaults, tuned = (compare.judged(tmp_path / f"peer-{how}.npz", made.test_targets) for how in ("defaults", "tuned"))
    assert tuned.facts == "library 1, sign 1.0"
    assert tuned.values.mean() > defaults.values.mean()
    assert tuned.wait_ms is not None
    assert 0 < tuned.wait_ms < 1000


def test_the_wait_is_the_median_of_single_users(made: Split) -> None:
    asked: list[int] = []

    def ask(row: sparse.csr_matrix) -> None:
        asked.append(row.shape[0])
        ends = time.process_time() + (0.05 if len(asked) == 1 else 0.002)  # the first is slow, as everywhere
        while time.process_time() < ends:
            pass

    wait = exchange.wait_of(ask, made.test_given, made.n)
    assert asked == [1] * made.test_given.n_users
    assert 2 <= wait < 50


def test_lists_of_before_have_no_wait(made: Split, tmp_path: Path) -> None:
    exchange.Result("old", np.zeros((made.test_given.n_users, 100), dtype=np.int32), 1.0, "").save(tmp_path / "new.npz")
    assert compare.judged(tmp_path / "new.npz", made.test_targets).wait_ms is None
    with np.load(tmp_path / "new.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files if name not in ("wait_ms", "alone")}
    np.savez(tmp_path / "old.npz", **kept)
    assert compare.judged(tmp_path / "old.npz", made.test_targets).wait_ms is None


def test_a_short_list_is_filled_up_with_nothing() -> None:
    tops = ease_libraries.placed(np.array([0, 0, 2]), np.array([7, 3, 5]), 3)
    assert tops[:, :3].tolist() == [[7, 3, -1], [-1, -1, -1], [5, -1, -1]]


def test_two_sides_that_mark_differently_are_refused() -> None:
    costs = {"containers_s": 1.0, "marking_s": 2.0, "before_mb": 1.0, "peak_mb": 2.0, "version": "1"}
    n_targets = np.array([5, 20])
    ours = costs | {"ndcg@10": np.array([0.5, 0.25]), "recall@10": np.array([0.4, 0.1])}
    theirs = costs | {"marking_s": 8.0, "ndcg@10": np.array([0.5, 0.25]), "recall@10": np.array([0.4, 0.2])}
    found = metrics_speed.compared(ours, theirs, n_targets)
    assert (found["marking_ratio"], found["whole_ratio"]) == (4.0, 3.0)
    with pytest.raises(SystemExit, match="recall@10"):
        metrics_speed.compared(ours, theirs | {"recall@10": np.array([0.4, 0.1])}, n_targets)
