"""`anirec map` and `anirec graph`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from cli.test_commands import anirec
from islands import ADULT, UNKNOWN, UNRATED, N, write_planted_bundle

pytest.importorskip("openTSNE", reason="it comes with the extra map")
pytest.importorskip("networkx", reason="it comes with the extra map")

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    return lambda *words: anirec(capsys, monkeypatch, *words)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted_bundle(tmp_path_factory.mktemp("islands"))


@pytest.fixture(scope="module")
def mapped(plain: Path) -> Path:
    from anirec.service.mapping import MapConfig
    from anirec.wiring.atlas import add_map

    out = plain.parent / "mapped"
    add_map(plain, out, MapConfig(), seed=0, progress=lambda *_: None)
    return out


def test_map_writes_a_bundle_with_a_map_and_prints_how_far_it_can_be_believed(
    ask: Ask, plain: Path, mapped: Path, tmp_path: Path
) -> None:
    code, out, err = ask("map", "--bundle", str(plain), "--out", str(tmp_path / "b"))
    assert (code, "Traceback" in err) == (0, False)
    assert f"{N} titles: 180 laid out, {len(UNRATED)} set beside" in out
    assert f"{len(UNKNOWN)} apart" in out
    for word in ("trustworthiness@10", "continuity@30", "random", "pca", "Sports", "sha256"):
        assert word in out
    assert (tmp_path / "b" / "manifest.json").read_bytes() == (mapped / "manifest.json").read_bytes()


def test_map_in_json_says_the_same(ask: Ask, plain: Path, tmp_path: Path) -> None:
    code, out, _ = ask("map", "--bundle", str(plain), "--out", str(tmp_path / "b"), "--seed", "3", "--json")
    answer = json.loads(out)
    assert (code, answer["seed"], answer["points"]) == (0, 3, N)
    assert answer["trustworthiness"]["10"] > answer["judged"]["placed"]["random"]["trustworthiness"]["10"]
    assert not (plain / "atlas").exists()


def test_the_whole_graph_goes_into_graphml_without_adult_titles_unless_asked_for(
    ask: Ask, mapped: Path, tmp_path: Path
) -> None:
    for words, least in ((), len(ADULT)), (("--adult",), 0):
        code, out, _ = ask("graph", "--bundle", str(mapped), "--out", str(tmp_path / "all.graphml"), *words)
        root = ElementTree.parse(tmp_path / "all.graphml").getroot()  # noqa: S314 - our own file
        nodes = [element for element in root.iter() if element.tag.endswith("}node")]
        assert (code, len(nodes)) == (0, N - least)
        assert f"{N - least} titles" in out


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_shows_what_stands_around_a_title(ask: Ask, mapped: Path, tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib", reason="it comes with the extra report")
    file = tmp_path / f"around.{ending}"
    words = ("graph", "--bundle", str(mapped), "--out", str(file), "--around", "Show 40", "--depth", "2", "--json")
    code, out, err = ask(*words)
    assert (code, err) == (0, "")
    assert 10 < json.loads(out)["titles"] <= 60
    first = file.read_bytes()
    assert first.startswith(b"\x89PNG") if ending == "png" else b"Show 40" in first
    assert ask(*words)[0] == 0
    assert file.read_bytes() == first


def test_a_picture_takes_posters_where_there_are_some_and_strange_titles_as_text(
    ask: Ask, mapped: Path, tmp_path: Path
) -> None:
    image = pytest.importorskip("matplotlib.image", reason="it comes with the extra report")
    posters = tmp_path / "posters"
    posters.mkdir()
    image.imsave(posters / "3.png", np.random.default_rng(0).random((60, 42, 3)))
    file = tmp_path / "around.svg"
    words = ("graph", "--bundle", str(mapped), "--out", str(file), "--around", "#3", "--posters", str(posters))
    code, _, err = ask(*words)
    assert (code, err) == (0, "")
    text = file.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "data:image/png;base64" in text
    ElementTree.fromstring(text)  # noqa: S314 - our own file
    (posters / "3.png").write_bytes(b"no picture")
    code, _, err = ask(*words)
    assert code == 2
    assert "3.png cannot be read as a picture" in err


def test_a_list_and_a_community_are_drawn(ask: Ask, mapped: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="it comes with the extra report")
    own = tmp_path / "own.csv"
    own.write_text("anime_id,score\n" + "".join(f"{i},8\n" for i in (10, 11, 40, 70)))
    for words in (("--list", str(own)), ("--community", "0", "--most", "12")):
        file = tmp_path / "part.png"
        code, out, err = ask("graph", "--bundle", str(mapped), "--out", str(file), *words)
        assert (code, err) == (0, "")
        assert f"{4 if words[0] == '--list' else 12} titles" in out
        assert file.stat().st_size > 5000


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--out", "x.pdf"), 2, 'ends with ".pdf"; a graph is written as .graphml, .png, .svg'),
        (
            ("--out", "x.png", "--around", "Show 1", "--community", "1"),
            2,
            "take one of --around, --list and --community",
        ),
        (("--out", "x.graphml", "--posters", "."), 2, "--posters is for pictures"),
        (("--out", "x.svg", "--community", "77"), 2, "there is no community 77"),
        (("--out", "x.svg", "--around", "zzzzzzzz qqqqq"), 2, "no anime is called"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    ask: Ask,
    mapped: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _, err = ask("graph", "--bundle", str(mapped), *words)
    assert found == code
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_without_a_map_says_so(ask: Ask, plain: Path, tmp_path: Path) -> None:
    code, _, err = ask("graph", "--bundle", str(plain), "--out", str(tmp_path / "x.svg"))
    assert code == 5
    assert "has no map; add one with `anirec map" in err
