"""The folder of checkpoints beside a bundle: what starts, what goes on, what is refused, and when it goes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anirec.core.engine import Local
from anirec.core.errors import Diverged, InputError
from anirec.service.checkpoints import Watch, begun, beside, check, fingerprint, kept
from worlds import dataset_of, two_tastes

FACTS = {"seed": 0, "config": {"mult-dae": {"hidden": 16, "loop": {"lr": 0.001}}}}


def cut_short(folder: Path, *, epochs: bool = True, by: type[BaseException] = KeyboardInterrupt) -> None:
    def training() -> None:
        with kept(folder, FACTS, resume=False):
            if epochs:
                (folder / "mult-dae-1.pt").write_bytes(b"weights")
            raise by

    with pytest.raises(by):
        training()


def test_the_folder_stands_beside_the_bundle(tmp_path: Path) -> None:
    assert beside(tmp_path / "my.bundle") == tmp_path / "my.bundle.training"


def test_what_was_cut_short_stays_and_goes_when_the_bundle_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "b.training"
    cut_short(folder)
    assert begun(folder)
    with kept(folder, FACTS, resume=True):
        assert (folder / "mult-dae-1.pt").read_bytes() == b"weights"
    assert not folder.exists()


def test_an_interrupt_before_the_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "b.training"
    cut_short(folder, epochs=False)
    assert not folder.exists()


def test_a_loss_that_is_no_number_leaves_nothing_as_it_would_come_again(tmp_path: Path) -> None:
    folder = tmp_path / "b.training"
    cut_short(folder, by=Diverged)
    assert not folder.exists()


def test_a_training_is_neither_started_over_nor_taken_up_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "b.training"
    with pytest.raises(InputError, match="nothing to resume"):
        check(folder, resume=True)
    cut_short(folder)
    with pytest.raises(InputError, match="add --resume to go on with it, or remove it"):
        check(folder, resume=False)
    assert begun(folder)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "b.training"
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(InputError, match="in the way"), kept(folder, FACTS, resume=False):
        pass
    assert (folder / "notes.txt").exists()


def test_checkpoints_of_other_settings_are_refused_and_the_difference_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "b.training"
    cut_short(folder)
    other = {"seed": 1, "config": {"mult-dae": {"hidden": 16, "loop": {"lr": 0.01}}}}
    with pytest.raises(InputError) as caught, kept(folder, other, resume=True):
        pass
    assert str(caught.value).splitlines()[1:] == [
        "  seed: 0 there, 1 now",
        "  config.mult-dae.loop.lr: 0.001 there, 0.01 now",
    ]
    assert begun(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\ud800"])
def test_damaged_facts_are_refused(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "b.training"
    cut_short(folder)
    (folder / "facts.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match="cannot be read"), kept(folder, FACTS, resume=True):
        pass


def test_two_trainings_of_one_model_have_a_file_each_and_the_same_training_the_same(tmp_path: Path) -> None:
    watch = Watch(folder=tmp_path).of("ncf")
    whole, part = two_tastes(users=40), two_tastes(users=39)
    files = [watch.run(data).checkpoint for data in (whole, part, two_tastes(users=40))]
    assert files[0] == files[2] != files[1]
    assert str(files[0]).startswith(str(tmp_path / "ncf-"))
    assert Watch().run(whole).checkpoint is None


def test_every_value_of_a_dataset_counts() -> None:
    data = dataset_of({1: {3: 7, 5: 9}, 2: {3: 4}}, n=5)
    found = {fingerprint(data)}
    for field in fields(data):
        value = getattr(data, field.name)
        other: Any = value + 1 if isinstance(value, np.ndarray) else ("elsewhere",)
        found.add(fingerprint(replace(data, **{field.name: other})))
    assert len(found) == len(fields(data)) + 1


@pytest.mark.parametrize(("ranks", "said"), [(1, "training ncf, epochs"), (3, "training ncf on 3 workers, epochs")])
def test_progress_names_the_model_and_how_many_workers_train_it(ranks: int, said: str) -> None:
    seen: list[tuple[str, int, int]] = []
    watch = Watch(lambda *told: seen.append(told), name="ncf", engine=Local(ranks=ranks))
    watch.run(dataset_of({1: {3: 7}}, n=5)).progress("training", 2, 9)
    assert seen == [(said, 2, 9)]
