"""An encoder is taught on a planted world, where only who has learned it knows which texts a label's name means."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anirec.core.errors import InputError
from anirec.search.encoders.onnx import open_onnx
from anirec.search.training import objective
from anirec.service.encoders import EncoderTraining
from cli.test_commands import Ask, anirec
from subjects import write_queries, write_subjects, write_tiny_transformer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in ("sentence_transformers", "onnx", "onnxruntime", "Stemmer"):
        pytest.importorskip(needed, reason="the extra text-train is not installed")
    folder = tmp_path_factory.mktemp("world")
    write_subjects(folder / "data")
    write_queries(folder / "queries.json")
    write_tiny_transformer(folder / "tiny")
    return folder


@pytest.fixture
def train(world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`train-encoder` on the world, to a folder, with whatever else is asked for."""
    common = ["train-encoder", "--data", str(world / "data"), "--encoder", str(world / "tiny"), "--batch", "8"]
    judged = ["--lr", "3e-3", "--nearer", "1", "--labelled", str(world / "queries.json"), "--work", str(world / "work")]
    return lambda out, *more: anirec(capsys, monkeypatch, *common, *judged, "--out", out, *more)


def test_a_taught_encoder_finds_what_an_untaught_one_does_not_and_can_be_searched_with(
    train: Ask, tmp_path: Path
) -> None:
    code, out, err = train(str(tmp_path / "out"), "--epochs", "8", "--json")
    assert code == 0, err
    told = json.loads(out)
    figures = {name: told["figures"][name]["ndcg@10"]["mean"] for name in ("before", "after", "int8")}
    assert figures["before"] < 0.35
    assert figures["int8"] > 2 * figures["before"]
    assert abs(figures["int8"] - figures["after"]) < 0.1
    assert told["kept"]
    assert told["rise"]["low"] > 0
    assert not (tmp_path / "out.training").exists()
    encoder = open_onnx(tmp_path / "out")
    crime, robots = encoder.encode(["detective murder clue", "robot cockpit reactor"])
    (asked,) = encoder.encode(["crime anime"])
    assert asked @ crime > asked @ robots
    code, out, err = train(str(tmp_path / "pupil"), "--epochs", "8", "--teacher", str(tmp_path / "out"), "--json")
    assert code == 0, err  # a teacher's margins teach, too
    pupil = json.loads(out)["figures"]
    assert pupil["int8"]["ndcg@10"]["mean"] > 1.5 * pupil["before"]["ndcg@10"]["mean"]


@pytest.mark.slow
def test_an_encoder_that_became_no_better_is_not_kept(train: Ask, world: Path, tmp_path: Path) -> None:
    wrong = json.loads((world / "queries.json").read_text())
    names = [query["text"] for query in wrong]
    for query, other in zip(wrong, [*names[1:], names[0]], strict=True):
        query["text"] = other  # who learns what is true answers these worse
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    code, out, _ = train(str(tmp_path / "out"), "--epochs", "8", "--labelled", str(tmp_path / "wrong.json"))
    assert code == 7
    assert "not better: nothing is written" in out
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
def test_what_was_cut_short_goes_on_to_the_same_encoder(
    train: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(str(tmp_path / "whole"), "--epochs", "4")[0] == 0
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(objective, "beaten", CutShort(objective.beaten))
        assert train(str(out), "--epochs", "4")[0] == 130
    assert (tmp_path / "out.training").is_dir()
    assert not out.exists()
    assert "add --resume to go on" in train(str(out), "--epochs", "4")[2]
    assert train(str(out), "--epochs", "5", "--resume")[0] == 2  # another training
    assert train(str(out), "--epochs", "4", "--resume")[0] == 0
    for file in ("model.onnx", "tokenizer.json"):
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


class CutShort:
    """Ctrl-C after the second epoch."""

    def __init__(self, beaten: Callable[..., float]) -> None:
        self.beaten, self.epochs = beaten, 0

    def __call__(self, *given: object) -> float:
        self.epochs += 1
        if self.epochs > 1:
            raise KeyboardInterrupt
        return self.beaten(*given)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--encoder", "/nowhere/at/all"], "there is no Sentence Transformer"),
        (["--data", "."], "has no known layout"),
        (["--labelled", "/nowhere.json"], "is no file of labelled queries"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_left(
    train: Ask, tmp_path: Path, more: list[str], message: str
) -> None:
    code, _, err = train(str(tmp_path / "out"), *more)
    assert code in (2, 3)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_folder_without_texts_teaches_nothing(train: Ask, world: Path, tmp_path: Path) -> None:
    shutil.copytree(world / "data", tmp_path / "data")
    for name in ("reviews", "synopses"):
        (tmp_path / "data" / f"{name}.parquet").unlink()
    assert "there is no synopsis or review" in train(str(tmp_path / "out"), "--data", str(tmp_path / "data"))[2]


@pytest.mark.parametrize("bad", [{"sources": ("hearsay",)}, {"batch": 1}, {"passages": 0}])
def test_settings_that_make_no_sense_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        EncoderTraining(**bad)
