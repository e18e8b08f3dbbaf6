from __future__ import annotations

from anirec.service.training import not_rising


def test_weights_fall_with_the_size_of_the_profile_even_where_one_group_would_have_more() -> None:
    means = [{0.0: 0.1, 0.1: 0.2, 0.2: 0.3}, {0.0: 0.30, 0.1: 0.29, 0.2: 0.2}, {0.0: 0.3, 0.1: 0.35, 0.2: 0.3}]
    assert not_rising(means) == (0.2, 0.1, 0.1)


def test_of_equal_weights_the_least_is_chosen() -> None:
    assert not_rising([{0.0: 0.2, 0.1: 0.20001}, {0.0: 0.4, 0.1: 0.4}]) == (0.0, 0.0)
