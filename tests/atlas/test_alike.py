"""Who is like whom, and the graph that comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from anirec.atlas.alike import NOBODY, Alike, GraphConfig, ask, neighbours_of
from islands import islands


def test_each_title_names_its_best_in_order_and_nobody_of_another_island() -> None:
    world = islands(each=8, count=3)
    alike = ask(world, world.items, GraphConfig(most=12))
    assert alike.others.shape == (24, 12)
    for row in range(24):
        told = [other for other in alike.others[row].tolist() if other != NOBODY]
        near = sorted(
            (r for r in range(24) if r != row and world.island[r] == world.island[row]),
            key=lambda r: (abs(world.at[r] - world.at[row]), r),
        )
        assert told == near
        assert (alike.scores[row, : len(told)] > 0).all()
        assert (alike.scores[row, len(told) :] == 0).all()


def test_equal_answers_go_by_id_and_a_score_at_the_least_does_not_count() -> None:
    world = islands(each=6, count=1)
    flat = type(world)(world.items, world.island, np.zeros(6))
    assert ask(flat, flat.items, GraphConfig(most=3)).others[2].tolist() == [0, 1, 3]
    assert (ask(flat, flat.items, GraphConfig(most=3, least=1.0)).others == NOBODY).all()


def test_some_of_a_models_items_may_be_asked_about_alone() -> None:
    world = islands(each=8, count=2)
    some = world.items[::2]
    alike = ask(world, some, GraphConfig(most=3))
    assert alike.anime_ids.tolist() == some.tolist()
    assert alike.others.max() < len(some)
    assert (world.island[::2][alike.others] == world.island[::2][:, np.newaxis]).all()


def test_what_two_say_of_each_other_is_the_mean_and_silence_counts_nothing() -> None:
    alike = Alike(
        anime_ids=np.array([3, 5, 9], np.int32),
        others=np.array([[1, 2], [0, NOBODY], [NOBODY, NOBODY]], np.int32),
        scores=np.array([[0.8, 0.4], [0.2, 0], [0, 0]], np.float32),
    )
    np.testing.assert_allclose(alike.mutual().toarray(), [[0, 0.5, 0.2], [0.5, 0, 0], [0.2, 0, 0]], rtol=1e-6)
    assert alike.known().tolist() == [True, True, True]  # of the third the first speaks


def test_few_neighbours_are_of_the_own_franchise_unless_nobody_else_is_left() -> None:
    world = islands(each=12, count=1)
    mutual = ask(world, world.items, GraphConfig(most=11)).mutual()
    franchise = np.array([0] * 9 + [1, 2, 3], np.int32)
    neighbours, weights = neighbours_of(mutual, franchise, GraphConfig(neighbours=6, relatives=2))
    assert (franchise[neighbours[0]] == 0).sum() == 3  # two, and one more since only three strangers are left
    assert (np.diff(weights, axis=1) <= 0).all()
    free, _ = neighbours_of(mutual, np.arange(12, dtype=np.int32), GraphConfig(neighbours=6))
    for row in range(12):
        dense = mutual.toarray()[row]
        assert free[row].tolist() == np.argsort(-dense, kind="stable")[:6].tolist()


@pytest.mark.parametrize("n", [1, 2])
def test_a_title_alone_has_nobody(n: int) -> None:
    world = islands(each=1, count=n)
    alike = ask(world, world.items, GraphConfig())
    assert (alike.others == NOBODY).all()
    assert not alike.known().any()
