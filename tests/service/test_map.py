"""A map from the bundle to its answers, over a world of islands."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from anirec.atlas.atlas import Atlas, restore
from anirec.atlas.drawing import write_graphml
from anirec.atlas.layout import LayoutConfig
from anirec.core.errors import DamagedBundle, InputError, MissingAbility, UnknownTitle
from anirec.service.atlas import Map, within
from anirec.service.mapping import MapConfig, make_map
from anirec.stores.bundle import read_bundle, write_atlas
from anirec.wiring.atlas import add_map, atlas_of, load_map
from anirec.wiring.serve import load
from islands import ADULT, EACH, GENRES, HORROR, NASTY, UNKNOWN, UNRATED, N, island_of, write_planted_bundle

pytest.importorskip("openTSNE", reason="it comes with the extra map")
pytest.importorskip("networkx", reason="it comes with the extra map")

QUICK = MapConfig(layout=LayoutConfig(near=20, early=80, late=120), judged=100)


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted_bundle(tmp_path_factory.mktemp("islands"))


@pytest.fixture(scope="module")
def bundle(plain: Path) -> Path:
    out = plain.parent / "mapped"
    add_map(plain, out, QUICK, seed=0, progress=silent)
    return out


@pytest.fixture(scope="module")
def world(bundle: Path) -> Map:
    return load_map(bundle)


def islands_of(atlas: Atlas) -> np.ndarray:
    return np.array([island_of(int(i)) if i not in UNKNOWN else -1 for i in atlas.ids])


def test_islands_stay_islands_on_the_map(world: Map) -> None:
    atlas, island = world.atlas, islands_of(world.atlas)
    known = np.flatnonzero(island >= 0)
    xy = atlas.xy[known].astype(np.float64)
    away = np.linalg.norm(xy[:, np.newaxis] - xy, axis=2)
    np.fill_diagonal(away, np.inf)
    near = np.argsort(away, axis=1)[:, :5]
    assert (island[known][near] == island[known][:, np.newaxis]).mean() > 0.9
    assert np.abs(atlas.xy).max() <= 1


def test_a_community_is_an_island_and_is_called_after_its_genre(world: Map) -> None:
    atlas, island = world.atlas, islands_of(world.atlas)
    called = {label.community: label for label in world.atlas.labels if label.community >= 0}
    for number, genre in enumerate(GENRES):
        found = atlas.community[island == number]
        most = np.bincount(found[found >= 0]).argmax()
        assert (found == most).mean() > 0.9
        assert genre in called[int(most)].text
    assert set(called) == set(range(len(GENRES)))


def test_titles_without_ratings_stand_beside_what_they_resemble(world: Map) -> None:
    atlas = world.atlas
    horror = [i for i in range(1, N + 1) if i not in UNKNOWN and i not in UNRATED and island_of(i) == HORROR]
    middle = np.median(atlas.xy[atlas.rows_of(horror)], axis=0)
    others = np.median(atlas.xy[atlas.rows_of(list(range(1, EACH * HORROR + 1)))], axis=0)
    own = atlas.xy[atlas.rows_of(list(UNRATED))]
    assert (np.linalg.norm(own - middle, axis=1) < np.linalg.norm(own - others, axis=1)).all()
    assert atlas.facts["set_beside"] == len(UNRATED)


def test_of_whom_nothing_is_known_stands_apart_without_a_community_or_neighbours(world: Map) -> None:
    rows = world.atlas.rows_of(list(UNKNOWN))
    assert (np.linalg.norm(world.atlas.xy[rows], axis=1) > 1).all()
    assert world.atlas.community[rows].tolist() == [-1, -1]
    assert (world.atlas.neighbours[rows] == -1).all()
    assert world.atlas.genre[rows].tolist() == [255, 255]
    assert any(label.size == 2 and "too little" in label.text for label in world.atlas.labels)


def test_the_map_is_trustworthier_than_chance_which_has_about_a_half(world: Map) -> None:
    facts = world.atlas.facts
    assert facts["trustworthiness"]["10"] > 0.85
    assert 0.4 < facts["random"]["10"] < 0.6
    laid_out = facts["judged"]["laid_out"]
    assert set(laid_out) == {"map", "random", "pca"}
    assert laid_out["map"]["trustworthiness"]["10"] > laid_out["pca"]["trustworthiness"]["10"] > 0.6


def test_the_same_bundle_and_seed_give_the_same_bytes_and_another_seed_another_map(plain: Path, bundle: Path) -> None:
    again = plain.parent / "again"
    _, sha256, _ = add_map(plain, again, QUICK, seed=0, progress=silent)
    for file in (bundle / "atlas").iterdir():
        assert (again / "atlas" / file.name).read_bytes() == file.read_bytes()
    assert (bundle / "manifest.json").read_bytes() == (again / "manifest.json").read_bytes()
    _, other, _ = add_map(plain, again, QUICK, seed=1, progress=silent)
    assert other != sha256


def test_a_map_made_anew_lies_as_it_lay_whatever_the_seed(bundle: Path, world: Map) -> None:
    made, _, _ = add_map(bundle, bundle.parent / "anew", QUICK, seed=5, progress=silent)
    island, middles = islands_of(made), []
    for atlas in (made, world.atlas):
        xy = np.stack([np.median(atlas.xy[island == number], axis=0) for number in range(len(GENRES))])
        middles.append((xy - xy.mean(axis=0)).ravel())
    turned = [middles[0].reshape(-1, 2) @ turn for turn in (-np.eye(2), np.diag([-1, 1]), np.diag([1, -1]))]
    likeness = [float(xy.ravel() @ middles[1]) for xy in (middles[0].reshape(-1, 2), *turned)]
    assert likeness[0] == max(likeness) > 0


def test_the_rest_of_the_bundle_stays_byte_by_byte(plain: Path, bundle: Path) -> None:
    before = {file.relative_to(plain): file.read_bytes() for file in plain.rglob("*") if file.is_file()}
    after = {file.relative_to(bundle): file.read_bytes() for file in bundle.rglob("*") if file.is_file()}
    assert {name for name in after if name.parts[0] != "atlas"} == set(before)
    assert all(after[name] == data for name, data in before.items() if name.name != "manifest.json")
    assert load(bundle).similar("Show 1", k=3).items


def test_what_was_kept_comes_back(bundle: Path, world: Map) -> None:
    state = world.atlas.state()
    again = restore(state, world.service.catalogue.anime_ids)
    for name in ("ids", "xy", "community", "genre", "neighbours", "weights"):
        assert getattr(again, name).tobytes() == getattr(world.atlas, name).tobytes()
    assert again.labels == world.atlas.labels
    assert again.genres == world.atlas.genres == ("Action", *sorted(GENRES))
    facts = json.loads((bundle / "atlas" / "manifest.json").read_text())
    assert facts["points"] == N
    assert facts["trustworthiness"]["10"] == world.atlas.facts["trustworthiness"]["10"]


@pytest.mark.parametrize(
    ("name", "harm", "message"),
    [
        ("xy", lambda a: a * np.float32(3), "out of range"),
        ("xy", lambda a: a[:-1], "differ in length"),
        ("xy", lambda a: np.full_like(a, np.nan), "out of range"),
        ("ids", lambda a: a[::-1], "not those of the catalogue"),
        ("ids", lambda a: a + np.int32(5), "not those of the catalogue"),
        ("neighbours", lambda a: a + np.int32(1000), "out of range"),
        ("weights", lambda a: -a, "out of range"),
        ("genre", lambda a: np.full_like(a, 99), "out of range"),
        ("community", lambda a: np.full_like(a, -2), "out of range"),
    ],
)
def test_a_map_that_does_not_fit_is_refused_with_the_reason(
    world: Map, tmp_path: Path, bundle: Path, name: str, harm: object, message: str
) -> None:
    assert callable(harm)
    state = world.atlas.state()
    harmed = replace(state, arrays={**state.arrays, name: harm(state.arrays[name])})
    write_atlas(read_bundle(bundle), tmp_path / "harmed", harmed)
    with pytest.raises(DamagedBundle, match=f"the map of the bundle .* is damaged: .*{message}.*anirec map"):
        load_map(tmp_path / "harmed")


def test_a_map_without_what_is_said_of_it_is_refused(world: Map) -> None:
    state = world.atlas.state()
    ids = world.service.catalogue.anime_ids
    for broken in (
        replace(state, kind="a recipe"),
        replace(state, facts={}),
        replace(state, facts={**state.facts, "labels": [{"x": 1}]}),
    ):
        with pytest.raises(ValueError, match=r"kind|lacks"):
            restore(broken, ids)


def test_a_file_of_the_map_that_was_changed_is_noticed(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write_atlas(read_bundle(bundle), copy, load_map(bundle).atlas.state())
    file = copy / "atlas" / "xy.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(DamagedBundle, match=r"xy\.npy differs"):
        read_bundle(copy)


def test_a_bundle_without_a_map_says_how_to_get_one(plain: Path) -> None:
    with pytest.raises(MissingAbility, match="has no map; add one with `anirec map"):
        load_map(plain)
    assert read_bundle(plain).atlas is None


def test_too_few_titles_make_no_map(small_bundle: Path) -> None:
    with pytest.raises(InputError, match="a map needs 100 titles that are rated and like one another"):
        make_map(load(small_bundle), QUICK, seed=0, progress=silent)


def test_neighbours_are_best_first_and_adult_ones_come_only_when_asked_for(world: Map) -> None:
    found = world.neighbours(1, adult=True)
    assert 5 <= len(found) <= 10
    weights = [one.weight for one in found]
    assert weights == sorted(weights, reverse=True)
    assert all(0 < weight <= 1 for weight in weights)
    for title in range(1, EACH + 1):
        shown = {one.anime.anime_id for one in world.neighbours(title)}
        whole = {one.anime.anime_id for one in world.neighbours(title, adult=True)}
        assert shown == whole - set(ADULT)
    assert any(set(ADULT) & {n.anime.anime_id for n in world.neighbours(t, adult=True)} for t in range(1, EACH + 1))
    with pytest.raises(UnknownTitle):
        world.neighbours("no such title anywhere")


def test_a_walk_goes_from_neighbour_to_neighbour_and_nowhere_twice(world: Map) -> None:
    passed = [anime.anime_id for anime in world.walk("Show 40", 12, seed=1)]
    assert passed[0] == 40
    assert len(passed) == len(set(passed)) == 13
    for one, other in itertools.pairwise(passed):
        assert other in {n.anime.anime_id for n in world.neighbours(one, adult=True)}
    assert [a.anime_id for a in world.walk(40, 12, seed=1)] == passed
    assert len({tuple(a.anime_id for a in world.walk(40, 6, seed=seed)) for seed in range(5)}) > 1
    assert len(world.walk(UNKNOWN[0], 5, seed=0)) == 1


def test_a_way_leads_along_ties_to_the_other_end_or_there_is_none(world: Map) -> None:
    way = [anime.anime_id for anime in world.way(35, 50)]
    assert (way[0], way[-1]) == (35, 50)
    rows = world.atlas.rows_of(way)
    assert all(world.atlas.graph[one, other] > 0 for one, other in itertools.pairwise(rows))
    assert not set(way) & set(ADULT)
    assert world.way(35, UNKNOWN[0]) == ()
    assert [anime.anime_id for anime in world.way(35, 35)] == [35]


def test_the_points_of_the_page_are_what_their_layout_says(world: Map) -> None:
    points = world.points()
    read = {}
    for array in points.layout:
        assert array["offset"] % 4 == 0
        read[array["name"]] = np.frombuffer(points.data, array["type"], array["count"], array["offset"])
    assert list(read) == ["x", "y", "anime_id", "community", "genre", "year", "size", "adult"]
    np.testing.assert_array_equal(np.stack([read["x"], read["y"]], axis=1), world.atlas.xy)
    assert read["anime_id"].tolist() == list(range(1, N + 1))
    assert np.flatnonzero(read["adult"]).tolist() == [anime_id - 1 for anime_id in ADULT]
    assert (read["community"] == 65535).tolist() == (world.atlas.community < 0).tolist()
    assert read["year"][0] == 1970
    assert read["year"][-1] == 0
    assert (np.diff(read["size"]) >= 0).all()  # planted: the higher the id, the better known
    assert read["size"].max() == 8


def test_what_a_page_is_told_is_json_and_fits_the_points(world: Map) -> None:
    about = json.loads(json.dumps(world.about()))
    assert (about["points"], about["bytes"]) == (N, len(world.points().data))
    assert about["layout"][-1]["name"] == "adult"
    assert len(about["communities"]) == world.atlas.communities == len(GENRES)
    assert len(about["labels"]) == len(world.atlas.labels)
    assert about["trustworthiness"]["10"] > about["random"]["10"]
    hidden = replace(world.atlas, labels=tuple(replace(label, adult=True) for label in world.atlas.labels))
    assert Map(world.service, hidden).about()["labels"] == []
    assert set(Map(world.service, hidden).about()["communities"]) == {""}
    assert len(Map(world.service, hidden).about(adult=True)["labels"]) == len(world.atlas.labels)


def test_a_lasso_holds_what_is_inside_best_known_first_and_says_what_that_is(world: Map) -> None:
    sports = [i for i in range(1, EACH + 1) if i not in ADULT]
    xy = world.atlas.xy[world.atlas.rows_of(sports)]
    low, high = np.quantile(xy, [0.05, 0.95], axis=0)
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    held = world.inside([(float(x), float(y)) for x, y in corners])
    rows = world.atlas.rows_of(held.anime_ids)
    inside = world.atlas.xy[rows]
    assert ((inside >= low) & (inside <= high)).all()
    assert (np.diff(held.anime_ids) < 0).all()
    assert not set(held.anime_ids.tolist()) & set(ADULT)
    assert "Sports" in held.labels
    assert set(world.inside([(-1, -1), (1, -1), (1, 1), (-1, 1)], adult=True).anime_ids) == set(range(1, N + 1))


def test_a_hollow_polygon_is_hollow() -> None:
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], dtype=float)
    hook = np.array([[0, 0], [4, 0], [4, 4], [3, 4], [3, 1], [0, 1]], dtype=float)
    points = np.array([[0.5, 0.5], [3.5, 3.5], [1, 3], [5, 5], [-1, 0.5]])
    assert within(points, square).tolist() == [True, True, True, False, False]
    assert within(points, hook).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([], "3 to"),
        ([(0, 0), (1, 1)], "3 to"),
        ([(0, 0), (1, 1), (float("nan"), 0)], "finite"),
        ([(0, 0)] * 10_001, "3 to"),
    ],
)
def test_a_lasso_that_is_none_is_refused(world: Map, corners: list[tuple[float, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        world.inside(corners)


def test_what_stands_around_a_title_is_near_in_steps_and_tied(world: Map) -> None:
    one = world.around(35, 1, 99)
    ids = {node.anime.anime_id for node in one.nodes}
    assert ids == {35} | {n.anime.anime_id for n in world.neighbours(35)}
    assert [node.anime.anime_id for node in one.nodes if node.marked] == [35]
    two = world.around(35, 2, 99)
    assert ids < {node.anime.anime_id for node in two.nodes}
    assert len(world.around(35, 4, 7).nodes) == 7
    for a, b, weight in two.edges:
        rows = world.atlas.rows_of([two.nodes[a].anime.anime_id, two.nodes[b].anime.anime_id])
        assert a < b
        assert weight == world.atlas.graph[rows[0], rows[1]]


def test_parts_by_list_and_by_community_are_the_best_known_of_those(world: Map) -> None:
    assert [n.anime.anime_id for n in world.of_ids([7, 9, 999, 8, 7, 5], 2).nodes] == [8, 9]
    with pytest.raises(InputError, match="none of these titles is on the map"):
        world.of_ids([999], 5)
    number = int(world.atlas.community[world.atlas.rows_of([40])[0]])
    part = world.of_community(number, 5)
    assert {node.community for node in part.nodes} == {number}
    assert all(node.about for node in part.nodes)
    with pytest.raises(InputError, match="there is no community 99; this map has 0 to 5"):
        world.of_community(99, 5)


def test_graphml_is_read_back_by_another_program_with_all_that_is_known(world: Map, tmp_path: Path) -> None:
    import networkx

    file = tmp_path / "all.graphml"
    drawn = world.whole(adult=True)
    write_graphml(drawn, file)
    net = networkx.read_graphml(file)
    assert (net.number_of_nodes(), net.number_of_edges()) == (N, len(drawn.edges))
    assert net.nodes["n3"]["title"] == NASTY.replace("\x07", "")
    assert net.nodes["n41"]["genres"] == "Mecha; Action"
    assert net.nodes["n41"]["year"] == 2010
    assert net.nodes["n5"]["adult"] is True
    assert "year" not in net.nodes[f"n{N}"]
    for one, other, data in net.edges(data=True):
        rows = world.atlas.rows_of([int(one[1:]), int(other[1:])])
        assert data["weight"] == pytest.approx(world.atlas.graph[rows[0], rows[1]], abs=1e-4)
    assert ElementTree.parse(file).getroot().tag.endswith("graphml")  # noqa: S314 - our own file


def test_an_atlas_of_an_opened_bundle_is_the_one_that_was_written(bundle: Path, world: Map) -> None:
    assert atlas_of(read_bundle(bundle)).xy.tobytes() == world.atlas.xy.tobytes()
