"""Runs kept in MLflow: with which settings, on which data, with which figures. Nothing is kept unless asked for.

A tracker is the seam: what is noted, whoever keeps it. Names are what MLflow allows: `ease.raw.ndcg_at_10`, and
`ease.raw.ndcg_at_10.low` and `.high` for the ends of its interval.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from anirec.core.errors import InputError, MissingAbility, SiteError
from anirec.core.settings import flattened
from anirec.evaluate.report import Report
from anirec.service.tuning import Tuned

EXPERIMENT: Final = "anirec"

SWITCHES: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
"""What must be set before MLflow is imported, so that it asks nobody but the server that was named."""
DEFAULTS: Final = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a plain folder is in maintenance there, and refused without this
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
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


@contextmanager
def tracked(uri: str | None, name: str) -> Iterator[Tracker]:
    """Keep a run for as long as the block works; it ends as FINISHED, as FAILED or, when interrupted, as KILLED.

    uri: of a server (`http://...`), a folder, or what else MLflow knows; None = nothing is kept. name: of the run.

    Raises:
        MissingAbility: MLflow is not installed.
        InputError: runs cannot be kept there.
        SiteError: the server does not answer, or refuses.
    """
    if uri is None:
        yield NoTracker()
        return
    os.environ.update(SWITCHES)
    for switch, value in DEFAULTS.items():
        os.environ.setdefault(switch, value)
    try:
        from mlflow.tracking import MlflowClient  # noqa: PLC0415 - an extra, and it takes seconds
    except ImportError as error:
        raise MissingAbility('--track needs MLflow; pip install "anirec[track]"') from error
    address = uri if ":" in uri else Path(uri).absolute().as_uri()

    def begin() -> tuple[Any, str]:
        client = MlflowClient(tracking_uri=address)
        known = client.get_experiment_by_name(EXPERIMENT)
        return client, known.experiment_id if known else client.create_experiment(EXPERIMENT)

    client, experiment = _asked(address, begin)
    with _run(client, address, experiment, name, {}) as tracker:
        yield tracker


@contextmanager
def _run(client: Any, address: str, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[Tracker]:
    run = _asked(address, lambda: client.create_run(experiment, run_name=name, tags=dict(tags)))
    run_id = str(run.info.run_id)
    try:
        yield _Mlflow(client, address, experiment, run_id)
    except BaseException as error:
        with suppress(InputError, SiteError):  # the error at hand says more
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            _asked(address, lambda: client.set_terminated(run_id, status))
        raise
    _asked(address, lambda: client.set_terminated(run_id, "FINISHED"))


class _Mlflow:
    """A run that MLflow keeps."""

    def __init__(self, client: Any, address: str, experiment: str, run_id: str) -> None:
        self._client, self._address, self._experiment, self._run_id = client, address, experiment, run_id

    def parameters(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param  # noqa: PLC0415 - an extra

        params = [Param(_name(name), str(value)) for name, value in values.items()]
        for start in range(0, len(params), BATCH):
            self._ask(self._client.log_batch, params=params[start : start + BATCH])

    def figures(self, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415 - an extra

        now = int(1000 * time.time())
        metrics = [Metric(_name(name), float(value), now, 0) for name, value in values.items()]
        for start in range(0, len(metrics), BATCH):
            self._ask(self._client.log_batch, metrics=metrics[start : start + BATCH])

    def document(self, name: str, text: str) -> None:
        self._ask(self._client.log_text, text=text, artifact_file=name)

    def inner(self, name: str) -> AbstractContextManager[Tracker]:
        parent = {"mlflow.parentRunId": self._run_id}
        return _run(self._client, self._address, self._experiment, name, parent)

    def _ask(self, ask: Callable[..., object], **what: Any) -> None:
        _asked(self._address, lambda: ask(self._run_id, **what))


def _name(text: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", text.replace("@", "_at_"), flags=re.ASCII)


def _asked(address: str, ask: Callable[[], Result]) -> Result:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra

    try:
        return ask()
    except (MlflowException, OSError) as error:
        kind = SiteError if address.startswith("http") else InputError
        raise kind(f"MLflow cannot keep this run at {address}: {error}") from error
    except ImportError as error:
        raise MissingAbility(f"keeping runs at {address} needs more of MLflow; pip install mlflow ({error})") from error
