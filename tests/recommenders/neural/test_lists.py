"""Tables of weights, and the parts of lists that nets are trained on."""

from __future__ import annotations

import numpy as np
import pytest

from anirec.recommenders.neural.arrays import Table
from anirec.recommenders.neural.lists import ListsConfig, drawn, items_of, lists_of
from anirec.recommenders.neural.validation import hold_out
from worlds import dataset_of, two_tastes

VALUES = np.random.default_rng(0).normal(size=(30, 7)).astype(np.float32) * np.arange(30)[:, np.newaxis]


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.5 / 127), ("float16", 1e-3), ("float32", 0.0)])
def test_a_table_errs_by_a_share_of_each_rows_largest_number(precision: str, share: float) -> None:
    table = Table.of(VALUES, precision)
    assert table.steps.dtype == precision
    assert np.all(np.abs(table.values - VALUES) <= (share + 1e-6) * np.abs(VALUES).max(axis=1, keepdims=True))
    rows, weights = np.array([3, 29, 4]), np.array([0.5, -1, 2], dtype=np.float32)
    np.testing.assert_allclose(table.sum_of(rows, weights), weights @ table.values[rows], rtol=1e-4, atol=1e-4)


def test_a_table_of_another_shape_or_of_no_numbers_is_refused() -> None:
    arrays = Table.of(VALUES, "float32").arrays("t")
    with pytest.raises(ValueError, match="30 rows of 8"):
        Table.restored(arrays, "t", (30, 8))
    arrays["t_steps"][0, 0] = np.nan
    with pytest.raises(ValueError, match="no number"):
        Table.restored(arrays, "t", (30, 7))


def test_only_users_with_enough_likes_are_learned_from_and_only_by_what_is_known() -> None:
    data = dataset_of({1: {1: 9, 2: 8, 3: 2}, 2: {1: 9, 4: 1}, 3: {2: 7, 3: 8, 4: 10}})
    lists = lists_of(data, items_of(data, 2), min_list=2)  # 1 and 2 have two likes
    assert lists.indptr.tolist() == [0, 2]
    assert lists.items.tolist() == [0, 1]
    assert lists.scores.tolist() == [9, 8]


def test_entries_of_a_batch_are_those_of_its_users_in_its_order() -> None:
    lists = lists_of(two_tastes(), np.arange(1, 26, dtype=np.int32), min_list=1)
    users = np.array([5, 0, 17])
    rows, owner = lists.entries(users)
    for place, user in enumerate(users):
        expected = np.arange(lists.indptr[user], lists.indptr[user + 1])
        np.testing.assert_array_equal(rows[owner == place], expected)


def test_an_input_keeps_about_its_share_and_a_short_one_may_have_any_length() -> None:
    owner = np.repeat(np.arange(3000), 100)
    rng = np.random.default_rng(0)
    kept = np.bincount(owner[drawn(owner, ListsConfig(dropout=0.3, short=0.0), rng)], minlength=3000)
    assert kept.mean() == pytest.approx(70, abs=1)
    assert kept.std() == pytest.approx(np.sqrt(100 * 0.3 * 0.7), rel=0.1)
    short = np.bincount(owner[drawn(owner, ListsConfig(dropout=0.3, short=1.0), rng)], minlength=3000)
    assert short.min() == 1
    assert short.max() == 100
    assert np.mean(short < 10) == pytest.approx(np.log(10) / np.log(101), abs=0.03)  # as many below 10 as up to 100


def test_of_validation_users_equal_parts_are_given_everything_few_and_very_few_likes() -> None:
    data = two_tastes(users=300)
    _, whole = hold_out(data, data.anime_ids, 30, np.random.default_rng(0))
    _, mixed = hold_out(data, data.anime_ids, 30, np.random.default_rng(0), few=(1, 2))
    lengths = [len(case.given) for case in mixed.cases]
    assert lengths[1::3] == [1] * len(lengths[1::3])
    assert lengths[2::3] == [2] * len(lengths[2::3])
    assert lengths[::3] == [len(case.given) for case in whole.cases[::3]]
    assert [case.user_id for case in mixed.cases] == [case.user_id for case in whole.cases]
