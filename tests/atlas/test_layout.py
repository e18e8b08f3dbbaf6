"""Where titles stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.atlas import layout
from anirec.atlas.alike import GraphConfig, ask
from anirec.atlas.layout import LayoutConfig
from anirec.core.errors import InputError
from islands import islands


def spun(xy: np.ndarray, angle: float, *, mirrored: bool) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = xy @ np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray(turned * np.array([-1 if mirrored else 1, 1]))


@given(st.integers(0, 99), st.floats(0, 7), st.booleans())
def test_a_map_that_was_turned_mirrored_and_moved_comes_to_lie_as_it_lay(
    seed: int, angle: float, mirrored: bool
) -> None:
    rng = np.random.default_rng(seed)
    xy = rng.standard_normal((40, 2))
    shared = np.arange(0, 40, 3)
    back = layout.laid_upon(spun(xy, angle, mirrored=mirrored) + np.array([3, -7]), shared, xy[shared])
    np.testing.assert_allclose(back, xy - xy[shared].mean(axis=0), atol=1e-9)


@given(st.floats(0, 7), st.booleans())
def test_without_an_earlier_map_later_years_are_on_the_right_and_the_better_known_on_top(
    angle: float, mirrored: bool
) -> None:
    rng = np.random.default_rng(0)
    xy = rng.random((200, 2))
    years, fame = 1990 + 30 * xy[:, 0], xy[:, 1] + 0.1 * rng.random(200)
    years[::5] = np.nan
    back = layout.turned(spun(xy, angle, mirrored=mirrored), years, fame)
    assert np.corrcoef(back[:, 0], xy[:, 0])[0, 1] > 0.95
    assert np.corrcoef(back[:, 1], xy[:, 1])[0, 1] > 0.95


def test_where_nothing_is_known_of_years_the_map_stays_as_it_is() -> None:
    xy = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]])
    nothing = np.full(3, np.nan)
    np.testing.assert_allclose(layout.turned(xy, nothing, nothing), xy - xy.mean(axis=0))


@given(st.integers(0, 99))
def test_everything_fits_into_the_disc_and_a_stray_title_does_not_make_the_rest_small(seed: int) -> None:
    xy = np.random.default_rng(seed).standard_normal((800, 2))
    xy[0] = (900, 5)
    back = layout.fitted(xy)
    reach = np.linalg.norm(back, axis=1)
    assert reach.max() <= layout.RIM
    assert np.argmax(reach) == 0
    assert np.quantile(reach, 0.99) > 0.6


def test_the_disc_of_unknown_titles_touches_neither_the_map_nor_the_border() -> None:
    places = layout.disc(5000)
    assert np.abs(places).max() <= 1
    assert np.linalg.norm(places, axis=1).min() > layout.RIM
    assert len(layout.disc(0)) == 0


def test_who_is_not_laid_out_stands_beside_those_it_is_like_in_as_many_rounds_as_it_takes() -> None:
    world = islands(each=10, count=2, seed=4)
    alike = ask(world, world.items, GraphConfig(most=9))
    laid = np.array([*range(7), *range(10, 17)])
    places = 0.1 * np.random.default_rng(0).random((14, 2)) + np.where(laid < 10, 0, 50)[:, np.newaxis]
    rows, found = layout.set_beside(alike, laid, places)
    assert rows.tolist() == [r for r in range(20) if r not in laid]
    middles = np.where(world.island[rows, np.newaxis] == 0, [0.0, 0.0], [50.0, 50.0])
    assert np.linalg.norm(found - middles, axis=1).max() < 1
    alike.others[0:10, :] = -1  # who says nothing, and has nobody, has no place
    rows, _ = layout.set_beside(alike, laid, places)
    assert rows.tolist() == [17, 18, 19]


def test_pulls_are_shares_of_sharpened_answers_in_both_directions() -> None:
    world = islands(each=6, count=1)
    alike = ask(world, world.items, GraphConfig(most=5))
    pull = layout.pulls(alike, np.arange(6), LayoutConfig(near=2, sharpness=2.0)).toarray()
    said = np.zeros((6, 6))
    for row in range(6):
        weights = alike.scores[row, :2].astype(float) ** 2
        said[row, alike.others[row, :2]] = weights / weights.sum()
    np.testing.assert_allclose(pull, (said + said.T) / 12)


def test_small_parts_that_nothing_ties_to_the_rest_are_left_out_of_the_layout() -> None:
    world = islands(each=6, count=3)
    alike = ask(world, world.items, GraphConfig(most=5))
    keep = np.array([r for r in range(18) if r not in (0, 1, 2)])
    pull = layout.pulls(alike, keep, LayoutConfig())
    assert layout.hang_together(pull, least=4).tolist() == [False] * 3 + [True] * 12
    assert layout.hang_together(pull, least=99).tolist() == [False] * 3 + [True] * 12


def test_clusters_stay_clusters_and_the_same_seed_gives_the_same_numbers() -> None:
    pytest.importorskip("openTSNE", reason="it comes with the extra map")
    world = islands(each=30, count=4, seed=1)
    alike = ask(world, world.items, GraphConfig(most=20))
    pull = layout.pulls(alike, np.arange(120), LayoutConfig())
    steps: list[int] = []
    config = LayoutConfig(early=60, late=90)
    found = layout.lay_out(pull, config, 3, lambda done, _total: steps.append(done))
    assert layout.lay_out(pull, config, 3).tobytes() == found.tobytes()
    assert steps == sorted(steps)
    assert steps[-1] == 150
    away = np.linalg.norm(found[:, np.newaxis] - found, axis=2)
    np.fill_diagonal(away, np.inf)
    assert (world.island[away.argmin(axis=1)] == world.island).mean() > 0.97


def test_settings_and_worlds_that_make_no_map_are_refused() -> None:
    with pytest.raises(InputError, match="sharpness above 0"):
        LayoutConfig(sharpness=0)
    world = islands(each=1, count=3)
    alike = ask(world, world.items, GraphConfig())
    with pytest.raises(InputError, match="nothing to make a map of"):
        layout.pulls(alike, np.arange(3), LayoutConfig())
