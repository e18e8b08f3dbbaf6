"""Runs kept in MLflow: with which settings, on which data, with which figures. Nothing is kept unless asked for.

A tracker is the seam: what is noted, whoever keeps it. Names are what MLflow allows: `ease.raw.ndcg_at_10`, and
`ease.raw.ndcg_at_10.low` and `.high` for the ends of its interval.

A server that does not answer, or no longer, holds no work up: what was noted is kept in a folder, and `send` brings it
to a server later.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from anirec.core.errors import InputError, MissingAbility, SiteError
from anirec.core.settings import flattened
from anirec.evaluate.report import Report
from anirec.service.tuning import Tuned
from anirec.tables import new_folder

EXPERIMENT: Final = "anirec"

SWITCHES: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
"""What must be set before MLflow is imported, so that it asks nobody but the server that was named."""
DEFAULTS: Final = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a plain folder is in maintenance there, and refused without this
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
UNTRACKED: Final = "untracked"
"""The folder for what could not be sent."""
NOTES: Final = "notes.json"
BATCH: Final = 100
"""Values sent at once; MLflow takes no more parameters in one request."""

Result = TypeVar("Result")


class Tracker(Protocol):
    """Who keeps what is noted of one run."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Note what was asked for, by name; kept as text."""
        ...

    def figures(self, values: Mapping[str, float]) -> None:
        """Note what came out, by name."""
        ...

    def document(self, name: str, text: str) -> None:
        """Keep a file."""
        ...

    def folder(self, name: str, path: Path) -> None:
        """Keep all files of a folder, under this name."""
        ...

    def inner(self, name: str) -> AbstractContextManager[Tracker]:
        """Begin a run within this one."""
        ...


class NoTracker:
    """Keeps nothing."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Pass over it."""

    def figures(self, values: Mapping[str, float]) -> None:
        """Pass over it."""

    def document(self, name: str, text: str) -> None:
        """Pass over it."""

    def folder(self, name: str, path: Path) -> None:
        """Pass over it."""

    def inner(self, name: str) -> AbstractContextManager[Tracker]:  # noqa: ARG002 - the seam's
        """Return itself."""
        return nullcontext(self)


def note_asked(tracker: Tracker, facts: Mapping[str, Any], config: Mapping[str, Any], **more: Any) -> None:
    """Note what a run starts from. facts: of the data, see `training.Material`. config: settings by model."""
    tracker.parameters(flattened({**more, "data": facts, "config": config}))


def note_report(tracker: Tracker, report: Report) -> None:
    """Note all rows of a report with their intervals, and keep the report as `report.json`."""
    values: dict[str, float] = {}
    for row in report.rows:
        name = f"{row.model}.{row.figure}"
        for metric, found in row.metrics.items():
            values[f"{name}.{metric}"] = found.mean
            values |= {f"{name}.{metric}.low": found.low, f"{name}.{metric}.high": found.high}
        values |= {f"{name}.coverage@10": row.coverage, f"{name}.popularity@10": row.popularity}
    tracker.figures(values)
    tracker.document("report.json", json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")


def note_tuned(tracker: Tracker, tuned: Tuned) -> None:
    """Note the best trial and the first, and every trial as a run within this one."""
    tracker.figures({"best": tuned.best.value, "as_it_is": tuned.default.value, "users": tuned.users})
    tracker.parameters({f"best.{name}": value for name, value in tuned.best.settings.items()})
    for place, trial in enumerate(tuned.trials):
        with tracker.inner(f"trial {place}") as own:
            own.parameters(trial.settings)
            own.figures({f"{figure}.ndcg@10": value for figure, value in trial.figures.items()})
            own.figures({"ndcg@10": trial.value})


Say = Callable[[str], None]
"""Tells a person."""


@contextmanager
def tracked(
    uri: str | None, name: str, *, untracked: Path = Path(UNTRACKED), say: Say = lambda _text: None
) -> Iterator[Tracker]:
    """Keep a run for as long as the block works; it ends as FINISHED, as FAILED or, when interrupted, as KILLED.

    uri: of a server (`http://...`), a folder, or what else MLflow knows; None = nothing is kept. name: of the run.
    untracked: where notes go if the server does not answer, before the block or during it; say: tells so.

    Raises:
        MissingAbility: MLflow is not installed.
        InputError: runs cannot be kept there.
    """
    if uri is None:
        yield NoTracker()
        return
    keeping = _Keeping(name, say)
    try:
        with keeping.within(lambda: begun(uri, name)):
            yield keeping
    finally:
        if keeping.failed:
            place = _free(untracked / re.sub(r"[^\w.-]+", "-", name))
            keeping.write(place)
            say(f"what was to be kept in MLflow is in {place}; send it with `anirec track {place} --to {uri}`")


def send(folder: Path, uri: str) -> str:
    """Send what could not be sent before, and remove it; returns the name of the run.

    Raises:
        InputError: the folder holds nothing of that kind.
        SiteError: the server does not answer.
    """
    try:
        told = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        name, notes = str(told["name"]), list(told["notes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} holds no notes of a run that could not be sent ({error})") from error
    with begun(uri, name) as tracker:
        _replay(tracker, notes)
    (folder / NOTES).unlink()
    with suppress(OSError):  # others have put something there
        folder.rmdir()
    return name


def _replay(tracker: Tracker, notes: list[Any]) -> None:
    for kind, *what in notes:
        if kind == "inner":
            with tracker.inner(what[0]) as own:
                _replay(own, what[1])
        elif kind == "folder":
            if Path(what[1]).is_dir():
                tracker.folder(what[0], Path(what[1]))
        else:
            getattr(tracker, kind)(*what)


def _free(place: Path) -> Path:
    """Return the place, or the first of its kind that is not taken."""
    taken = 1
    free = place
    while free.exists():
        taken += 1
        free = place.with_name(f"{place.name}-{taken}")
    return free


@dataclass
class _Keeping:
    """Passes notes on for as long as somebody takes them, and keeps them all for when nobody does."""

    name: str
    say: Say
    notes: list[Any] = field(default_factory=list)
    failed: bool = False
    _to: Tracker | None = None

    def parameters(self, values: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._note("parameters", {key: str(value) for key, value in values.items()})

    def figures(self, values: Mapping[str, float]) -> None:
        """See `Tracker`."""
        self._note("figures", {key: float(value) for key, value in values.items()})

    def document(self, name: str, text: str) -> None:
        """See `Tracker`."""
        self._note("document", name, text)

    def folder(self, name: str, path: Path) -> None:
        """See `Tracker`."""
        self._note("folder", name, path.absolute())

    @contextmanager
    def inner(self, name: str) -> Iterator[Tracker]:
        own = _Keeping(name, self.say, failed=self.failed)
        self.notes.append(["inner", name, own.notes])
        to = self._to
        with nullcontext() if to is None else own.within(lambda: to.inner(name)):
            yield own
        self.failed = self.failed or own.failed

    @contextmanager
    def within(self, begin: Callable[[], AbstractContextManager[Tracker]]) -> Iterator[None]:
        """Pass notes on to a run for as long as the block works."""
        try:
            run = begin()
            self._to = run.__enter__()
        except SiteError as error:
            self._fail(error)
            yield
            return
        try:
            yield
        except BaseException:
            run.__exit__(*sys.exc_info())
            raise
        try:
            run.__exit__(None, None, None)
        except SiteError as error:
            self._fail(error)

    def write(self, folder: Path) -> None:
        """Keep all notes in a new folder."""
        with new_folder(folder) as work:
            told = {"name": self.name, "notes": self.notes}
            text = json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n"
            (work / NOTES).write_text(text, encoding="utf-8")

    def _note(self, kind: str, *what: Any) -> None:
        self.notes.append([kind, *(str(one) if isinstance(one, Path) else one for one in what)])
        if self._to is None or self.failed:
            return
        try:
            getattr(self._to, kind)(*what)
        except SiteError as error:
            self._fail(error)

    def _fail(self, error: SiteError) -> None:
        if not self.failed:
            self.say(f"{error}. The work goes on without it.")
        self.failed = True


def address_of(uri: str) -> str:
    """Return where MLflow finds what was named: a server, a folder, or what else it knows."""
    return uri if ":" in uri else Path(uri).absolute().as_uri()


def client_of(address: str) -> Any:
    """Return MLflow's client.

    Raises:
        MissingAbility: MLflow is not installed.
        InputError, SiteError: as in `asked`.
    """
    os.environ.update(SWITCHES)
    for switch, value in DEFAULTS.items():
        os.environ.setdefault(switch, value)
    try:
        from mlflow.tracking import MlflowClient, set_tracking_uri  # noqa: PLC0415 - an extra, and it takes seconds
    except ImportError as error:
        raise MissingAbility('keeping runs needs MLflow; pip install "anirec[track]"') from error

    def made() -> Any:
        set_tracking_uri(address)  # its registry of folders asks whatever is the default, and makes a database there
        return MlflowClient(tracking_uri=address, registry_uri=address)

    return asked(address, made)


@contextmanager
def begun(uri: str, name: str) -> Iterator[MlflowRun]:
    """Keep a run for as long as the block works; errors as in `client_of`. Nothing is kept elsewhere."""
    address = address_of(uri)
    client = client_of(address)

    def experiment() -> str:
        known = client.get_experiment_by_name(EXPERIMENT)
        return str(known.experiment_id if known else client.create_experiment(EXPERIMENT))

    with _run(client, address, asked(address, experiment), name, {}) as tracker:
        yield tracker


@contextmanager
def _run(client: Any, address: str, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[MlflowRun]:
    run = asked(address, lambda: client.create_run(experiment, run_name=name, tags=dict(tags)))
    run_id = str(run.info.run_id)
    try:
        yield MlflowRun(client, address, experiment, run_id)
    except BaseException as error:
        with suppress(InputError, SiteError):  # the error at hand says more
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            asked(address, lambda: client.set_terminated(run_id, status))
        raise
    asked(address, lambda: client.set_terminated(run_id, "FINISHED"))


class MlflowRun:
    """A run that MLflow keeps."""

    def __init__(self, client: Any, address: str, experiment: str, run_id: str) -> None:
        self._client, self._address, self._experiment, self._run_id = client, address, experiment, run_id

    @property
    def run_id(self) -> str:
        """MLflow's name of the run."""
        return self._run_id

    def parameters(self, values: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        from mlflow.entities import Param  # noqa: PLC0415 - an extra

        params = [Param(_name(name), str(value)) for name, value in values.items()]
        for start in range(0, len(params), BATCH):
            self._ask(self._client.log_batch, params=params[start : start + BATCH])

    def figures(self, values: Mapping[str, float]) -> None:
        """See `Tracker`."""
        from mlflow.entities import Metric  # noqa: PLC0415 - an extra

        now = int(1000 * time.time())
        metrics = [Metric(_name(name), float(value), now, 0) for name, value in values.items()]
        for start in range(0, len(metrics), BATCH):
            self._ask(self._client.log_batch, metrics=metrics[start : start + BATCH])

    def document(self, name: str, text: str) -> None:
        """See `Tracker`."""
        self._ask(self._client.log_text, text=text, artifact_file=name)

    def folder(self, name: str, path: Path) -> None:
        """See `Tracker`."""
        self._ask(self._client.log_artifacts, local_dir=str(path), artifact_path=name)

    def inner(self, name: str) -> AbstractContextManager[Tracker]:
        """See `Tracker`."""
        parent = {"mlflow.parentRunId": self._run_id}
        return _run(self._client, self._address, self._experiment, name, parent)

    def _ask(self, ask: Callable[..., object], **what: Any) -> None:
        asked(self._address, lambda: ask(self._run_id, **what))


def _name(text: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", text.replace("@", "_at_"), flags=re.ASCII)


def asked(address: str, ask: Callable[[], Result]) -> Result:
    """Return what MLflow says.

    Raises:
        SiteError: it is a server, which does not answer or refuses.
        InputError: nothing can be kept there.
        MissingAbility: that kind of place needs more of MLflow.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra

    try:
        return ask()
    except (MlflowException, OSError) as error:
        kind = SiteError if address.startswith("http") else InputError
        raise kind(f"MLflow cannot keep this run at {address}: {error}") from error
    except ImportError as error:
        raise MissingAbility(f"keeping runs at {address} needs more of MLflow; pip install mlflow ({error})") from error
