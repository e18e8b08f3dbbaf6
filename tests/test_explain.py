from __future__ import annotations

import numpy as np

from anirec.explain import Reason, reasons


def named(*contributions: float, most: int = 3) -> list[Reason]:
    ids = np.arange(1, len(contributions) + 1, dtype=np.int32)
    return reasons(ids, np.array(contributions, dtype=np.float32), most)


def test_the_strongest_pulls_come_first_with_their_share_and_then_one_push() -> None:
    found = named(1, 4, -2, 2, -1)
    assert [reason.anime_id for reason in found] == [2, 4, 1, 3]
    np.testing.assert_allclose([reason.share for reason in found], [0.4, 0.2, 0.1, -0.2], rtol=1e-6)


def test_what_is_weak_beside_the_strongest_is_not_named() -> None:
    assert [reason.anime_id for reason in named(8, 1.9, 2, -1.9)] == [1, 3]


def test_among_hundreds_of_titles_the_strongest_are_still_named() -> None:
    assert [reason.anime_id for reason in named(3, 2, *[0.4] * 400)] == [1, 2]


def test_equal_reasons_are_ordered_by_id_and_no_more_than_asked_for_are_named() -> None:
    assert [reason.anime_id for reason in named(1, 1, 1, 1, most=2)] == [1, 2]


def test_where_nothing_has_a_say_there_is_no_reason() -> None:
    assert named(0, 0) == []
