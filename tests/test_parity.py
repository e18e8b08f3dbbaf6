"""What the comparison with peers is made with: `benchmarks/peers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import compare
import exchange
import parity_page
import split
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
    assert row["seconds_to_quality"] == {"ours": None, "theirs": 2.0}
    assert not compare.compared(theirs, ours, np.random.default_rng(0))["below"]


def test_the_page_names_each_pair_and_marks_what_is_below() -> None:
    def mean(value: float) -> dict[str, float]:
        return {"mean": value, "low": value - 0.01, "high": value + 0.01, "n": 482}

    pair = {
        "ours": "ours", "theirs": "theirs", "below": True, "fit_s": {"ours": 1.0, "theirs": 2.0},
        "ndcg@10": {"ours": mean(0.2), "theirs": mean(0.3), "difference": mean(-0.1)},
        "facts": {"ours": "k=1", "theirs": "version 2"}, "seconds_to_quality": {"ours": None, "theirs": 1.5},
    }  # fmt: skip
    split = {"users": 8000, "titles": 3568, "likes": 529775, "test_users": 482}
    found = {"pairs": [pair], "split": split, "seconds_are": "of one processor", "commit": "0123456789"}
    page = parity_page.whole({**found, "did_not_run": {"recbole": "not tried"}})
    assert "| ours | theirs | 0.2000 | 0.3000 | -0.1000 [-0.1100, -0.0900] **below** | 1.0 | 2.0 | – | 1.5 |" in page
    assert "- recbole: not tried" in page
