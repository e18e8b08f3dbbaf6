"""Lists by parts: on worlds small enough to be counted by hand, and against a slow definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.ranking import FranchiseMode
from anirec.evaluate import slices
from anirec.evaluate.figures import Judge
from anirec.evaluate.slices import Found
from evaluate.planted import CATALOGUE, N, case
from worlds import catalogue_of

CASES = (case([1], [2, 3]), case(list(range(1, 8)), [8], user=2))
JUDGE = Judge.of(FranchiseMode.ANYTHING, CASES, CATALOGUE)


def lists(*of_cases: list[int], depth: int = 4) -> np.ndarray:
    found = np.full((len(of_cases), depth), -1, dtype=np.int64)
    for row, ids in zip(found, of_cases, strict=True):
        row[: len(ids)] = CATALOGUE.rows_of(np.array(ids, dtype=np.int32))
    return found


def test_profiles_are_grouped_by_how_much_is_given() -> None:
    groups = slices.by_size(CASES, {"a": np.array([0.5, 0.25])})
    assert [g.label for g in groups] == ["to 5", "6 to 20", "21 to 60", "61 to 150", "151 and more"]
    np.testing.assert_array_equal(groups[0].values["a"], [0.5, np.nan])
    np.testing.assert_array_equal(groups[1].values["a"], [np.nan, 0.25])


def test_every_target_is_looked_up_in_every_list() -> None:
    found = Found.of(JUDGE, {"a": lists([9, 3], [8]), "b": lists([], [7, 6, 5, 8])})
    assert found.case.tolist() == [0, 0, 1]
    assert CATALOGUE.anime_ids[found.row].tolist() == [2, 3, 8]
    assert {name: place.tolist() for name, place in found.place.items()} == {"a": [4, 1, 0], "b": [4, 4, 3]}


def test_recall_by_popularity_is_of_the_targets_of_a_band() -> None:
    likes = np.zeros(len(CATALOGUE), dtype=np.int64)
    likes[CATALOGUE.rows_of(np.array([3], dtype=np.int32))] = 5  # the most liked; all others share the rest by row
    found = Found.of(JUDGE, {"a": lists([3], [8])})
    groups = {g.label: g.values["a"] for g in slices.by_popularity(found, likes, {"a": 4})}
    np.testing.assert_array_equal(groups["to 100"], [0.5, 1])  # 2 is among the first hundred, too
    assert np.isnan(groups["3001 and more"]).all()


def test_years_that_are_not_known_are_a_group_of_their_own() -> None:
    dated = catalogue_of(N, years={2: 0, 3: 1995, 8: 2021})
    groups = slices.by_year(Found.of(JUDGE, {"a": lists([3], [8])}), dated, {"a": 4})
    values = {g.label: g.values["a"].tolist() for g in groups if not np.isnan(g.values["a"]).all()}
    assert set(values) == {"not known", "1990 to 1999", "2020 and more"}
    assert [values[label][0] for label in ("not known", "1990 to 1999")] == [0, 1]


def test_at_equal_recall_the_better_list_is_read_less_far() -> None:
    found = Found.of(
        JUDGE, {"good": lists([2, 3], [8]), "late": lists([9, 2, 3], [7, 6, 8]), "bad": lists([9, 7, 3], [])}
    )
    # The worst finds a quarter on average; the good one has as much at its first place, the late one at its second.
    assert slices.equal_recall(found, ["good", "late", "bad"], 4) == {"good": 1, "late": 2, "bad": 3}
    assert slices.equal_recall(found, [], 4) == {}


@given(st.integers(0, 2**32 - 1))
def test_places_are_those_of_a_slow_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cases = [
        case([1], np.sort(rng.choice(np.arange(2, N), rng.integers(1, 6), replace=False)).tolist(), user=u)
        for u in range(3)
    ]
    judge = Judge.of(FranchiseMode.ANYTHING, cases, CATALOGUE)
    rows = np.array([rng.permutation(12)[:6] for _ in cases])
    rows[rng.random(rows.shape) < 0.2] = -1
    found = Found.of(judge, {"a": rows})
    slow = [
        rows[c].tolist().index(r) if r in rows[c].tolist() else 6
        for c, r in zip(found.case.tolist(), found.row.tolist(), strict=True)
    ]
    assert found.place["a"].tolist() == slow
