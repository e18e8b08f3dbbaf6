"""Trainings that may be cut short: where nets are kept, epoch by epoch, until the bundle is written.

    BUNDLE.training/facts.json        of what: hashes of the data, settings, seed, version
    BUNDLE.training/NAME-HASH.pt      one training of one net; the hash is of the lists that it learns from

A model may be trained more than once for one bundle, on all users and without those held out: hence the hash.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from anirec.core.engine import LOCAL, Engine
from anirec.core.errors import Diverged, InputError
from anirec.core.settings import flattened
from anirec.prepare.dataset import Dataset
from anirec.recommenders.neural.settings import Run
from anirec.service.progress import Progress, silent
from anirec.tables import new_file

FACTS: Final = "facts.json"


@dataclass(frozen=True)
class Watch:
    """Over the trainings of a model. folder: where checkpoints are written; None = nowhere. name: of the model.

    engine: where the work of those that can be parted is done.
    """

    progress: Progress = silent
    folder: Path | None = None
    name: str = "model"
    engine: Engine = LOCAL

    def of(self, name: str) -> Watch:
        """Return the same over another model."""
        return replace(self, name=name)

    def run(self, dataset: Dataset) -> Run:
        """Return what one training needs. dataset: what it learns from."""
        where = f" on {self.engine.ranks} workers" if self.engine.ranks > 1 else ""

        def progress(stage: str, done: int, total: int) -> None:
            self.progress(f"{stage} {self.name}{where}, epochs", done, total)

        file = self.folder / f"{self.name}-{fingerprint(dataset)}.pt" if self.folder else None
        return Run(progress, file)


UNWATCHED: Final = Watch()
"""Over trainings that nobody follows and that leave nothing behind."""


def fingerprint(dataset: Dataset) -> str:
    """Return 16 hexadecimal digits that differ wherever a value of the datasets does."""
    digest = hashlib.sha256()
    for field in fields(dataset):
        value = getattr(dataset, field.name)
        array = np.ascontiguousarray(value) if isinstance(value, np.ndarray) else None
        digest.update(f"{field.name} {array.shape if array is not None else value}\n".encode())
        if array is not None:
            digest.update(array.data)
    return digest.hexdigest()[:16]


def beside(bundle: Path) -> Path:
    """Return the folder of the checkpoints of a bundle that is to be written."""
    whole = bundle.absolute()
    return whole.with_name(f"{whole.name}.training")


def begun(folder: Path) -> bool:
    """Return whether there is a checkpoint."""
    return any(folder.glob("*.pt"))


def check(folder: Path, *, resume: bool) -> None:
    """Refuse to start over what is there, or to go on with what is not.

    Raises:
        InputError: there are checkpoints and `resume` was not asked for, or the other way round; or it is not ours.
    """
    if folder.exists() and not (folder / FACTS).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is in the way: checkpoints would go there; move it, or choose another --out")
    if begun(folder) and not resume:
        raise InputError(
            f"{folder} holds a training that was cut short: add --resume to go on with it, or remove it to start anew"
        )
    if resume and not begun(folder):
        raise InputError(f"there is nothing to resume: {folder} holds no checkpoint; leave --resume out")


@contextmanager
def kept(folder: Path, facts: Mapping[str, Any], *, resume: bool) -> Iterator[None]:
    """Have a folder for checkpoints while the block trains; when it ends well, the folder goes.

    After an error or an interrupt it stays if a checkpoint is in it, but for a loss that is no number: the same
    training would get there again. facts: of what; JSON-able.

    Raises:
        InputError: as `check` does, or the checkpoints are of other facts.
    """
    check(folder, resume=resume)
    if resume:
        _compare(folder, facts)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        with new_file(folder / FACTS) as work:
            work.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    try:
        yield
    except BaseException as error:
        if isinstance(error, Diverged) or not begun(folder):
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _compare(folder: Path, facts: Mapping[str, Any]) -> None:
    try:
        then = flattened(json.loads((folder / FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{folder / FACTS} cannot be read ({error}); remove {folder} to start anew") from error
    now = flattened(json.loads(json.dumps(facts)))
    differ = [name for name in then | now if then.get(name) != now.get(name)]
    if differ:
        listed = "".join(f"\n  {name}: {then.get(name)} there, {now.get(name)} now" for name in differ)
        raise InputError(
            f"{folder} holds a training of something else: ask for the same again, or remove it to start anew.{listed}"
        )
