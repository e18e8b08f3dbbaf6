"""What is noted of a run, by a tracker that remembers; and that MLflow keeps it, read back with its own client."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anirec.core.errors import InputError, MissingAbility, SiteError
from anirec.evaluate.intervals import Interval
from anirec.evaluate.report import Report, Row
from anirec.service import tracking
from anirec.service.tracking import NoTracker, Tracker, begun, note_asked, note_report, note_tuned, send, tracked
from anirec.service.tuning import Trial, Tuned

ROW = Row("ease", "raw", 25, {"ndcg@10": Interval(0.5, 0.4, 0.6, 30)}, 0.75, 0.5, 120.0, 0.9, {})
REPORT = Report("heldout-users", 1, {"seed": 0}, {"raw": 30}, (ROW,), {}, {})
FACTS = {"tables": {"anime": "ab12"}, "users": 40}
CONFIG = {"mult-dae": {"hidden": 16, "loop": {"lr": 0.001}}}
TRIALS = (Trial({"l2": 100.0}, {"raw": 0.1, "franchises": 0.3}, 0.2), Trial({"l2": 50.0}, {"raw": 0.4}, 0.4))
TUNED = Tuned("ease", 30, TRIALS[0], TRIALS[1], TRIALS)


class Remembered:
    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.found: dict[str, float] = {}
        self.files: dict[str, str] = {}
        self.runs: dict[str, Remembered] = {}

    def parameters(self, values: Mapping[str, Any]) -> None:
        self.asked |= values

    def figures(self, values: Mapping[str, float]) -> None:
        self.found |= values

    def document(self, name: str, text: str) -> None:
        self.files[name] = text

    def folder(self, name: str, path: Path) -> None:
        self.files[name] = str(path)

    @contextmanager
    def inner(self, name: str) -> Iterator[Tracker]:
        self.runs[name] = Remembered()
        yield self.runs[name]


def test_settings_and_data_hashes_are_noted_flat() -> None:
    tracker = Remembered()
    note_asked(tracker, FACTS, CONFIG, seed=3)
    assert tracker.asked == {
        "seed": 3,
        "data.tables.anime": "ab12",
        "data.users": 40,
        "config.mult-dae.hidden": 16,
        "config.mult-dae.loop.lr": 0.001,
    }


def test_figures_are_noted_by_model_and_figure_with_their_intervals() -> None:
    tracker = Remembered()
    note_report(tracker, REPORT)
    assert tracker.found == {
        "ease.raw.ndcg@10": 0.5,
        "ease.raw.ndcg@10.low": 0.4,
        "ease.raw.ndcg@10.high": 0.6,
        "ease.raw.coverage@10": 0.75,
        "ease.raw.popularity@10": 120.0,
    }
    assert json.loads(tracker.files["report.json"]) == json.loads(json.dumps(REPORT.to_json()))


def test_every_trial_is_a_run_of_its_own() -> None:
    tracker = Remembered()
    note_tuned(tracker, TUNED)
    assert tracker.found == {"best": 0.4, "as_it_is": 0.2, "users": 30}
    assert tracker.asked == {"best.l2": 50.0}
    assert [run.asked for run in tracker.runs.values()] == [{"l2": 100.0}, {"l2": 50.0}]
    assert tracker.runs["trial 0"].found == {"raw.ndcg@10": 0.1, "franchises.ndcg@10": 0.3, "ndcg@10": 0.2}


def test_nothing_is_kept_and_mlflow_is_not_loaded_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    with tracked(None, "train") as tracker:
        assert isinstance(tracker, NoTracker)
        note_asked(tracker, FACTS, CONFIG)
        note_report(tracker, REPORT)
        note_tuned(tracker, TUNED)
    assert not any(name.startswith("mlflow") for name in set(sys.modules) - before)
    assert not list(tmp_path.iterdir())


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(MissingAbility, match=r"anirec\[track\]"), tracked("mlruns", "train"):
        pass


@pytest.fixture
def client(tmp_path: Path) -> Any:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    with tracked(str(tmp_path / "runs"), "first"):
        pass
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=(tmp_path / "runs").as_uri())


def runs(client: Any) -> dict[str, Any]:
    found = client.search_runs([client.get_experiment_by_name("anirec").experiment_id])
    return {run.info.run_name: run for run in found}


def test_mlflow_keeps_what_is_noted(client: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with tracked(str(tmp_path / "runs"), "train b") as tracker:
        note_asked(tracker, FACTS, CONFIG, seed=3, many=dict.fromkeys(map(str, range(150)), "x"))
        note_report(tracker, REPORT)
        tracker.document("card.md", "# Model card\n")
    run = runs(client)["train b"]
    assert run.info.status == "FINISHED"
    assert run.data.params["config.mult-dae.loop.lr"] == "0.001"
    assert len(run.data.params) == 155
    assert run.data.metrics["ease.raw.ndcg_at_10"] == 0.5
    assert run.data.metrics["ease.raw.ndcg_at_10.high"] == 0.6
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"card.md", "report.json"}
    card = Path(client.download_artifacts(run.info.run_id, "card.md", str(tmp_path)))
    assert card.read_text() == "# Model card\n"
    assert capfd.readouterr() == ("", "")


def test_trials_lie_within_their_run(client: Any, tmp_path: Path) -> None:
    with tracked((tmp_path / "runs").as_uri(), "tune ease") as tracker:
        note_tuned(tracker, TUNED)
    found = runs(client)
    trial = found["trial 1"]
    assert trial.data.tags["mlflow.parentRunId"] == found["tune ease"].info.run_id
    assert (trial.data.params, trial.data.metrics["ndcg_at_10"]) == ({"l2": "50.0"}, 0.4)


def test_a_run_that_fails_says_so(client: Any, tmp_path: Path) -> None:
    for error, name in ((ValueError("bad"), "failing"), (KeyboardInterrupt(), "stopped")):
        with pytest.raises(type(error)), tracked(str(tmp_path / "runs"), name):
            raise error
    found = runs(client)
    assert (found["failing"].info.status, found["stopped"].info.status) == ("FAILED", "KILLED")


def test_a_server_that_does_not_answer_and_a_place_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(SiteError, match="cannot keep this run at http"), begun("http://127.0.0.1:9", "x"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot keep this run at file"), tracked(str(tmp_path / "file" / "in"), "x"):
        pass
    with pytest.raises(InputError, match="cannot keep this run at nothing"), tracked("nothing://x", "x"):
        pass


class Server:
    """MLflow as a server that is up and down: a folder behind a door."""

    def __init__(self, client: Any) -> None:
        self.client, self.up = client, True

    def __getattr__(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        def ask(*words: Any, **named: Any) -> Any:
            if not self.up:
                raise MlflowException("connection refused")
            return getattr(self.client, name)(*words, **named)

        return ask


@pytest.fixture
def server(client: Any, monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server(client)
    monkeypatch.setattr(tracking, "client_of", lambda _address: found)
    return found


@pytest.mark.parametrize("goes_down", ["before", "during", "at the end", "within"])
def test_a_server_that_goes_down_holds_no_work_up_and_nothing_is_lost(
    server: Server, tmp_path: Path, goes_down: str
) -> None:
    said: list[str] = []
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    server.up = goes_down != "before"
    with tracked("http://somewhere", "train b", untracked=tmp_path / "untracked", say=said.append) as tracker:
        note_asked(tracker, FACTS, CONFIG, seed=3)
        server.up = server.up and goes_down != "during"
        with tracker.inner("trial 0") as own:
            own.parameters({"l2": 5})
            server.up = server.up and goes_down != "within"
            own.figures({"ndcg@10": 0.5})
        note_report(tracker, REPORT)
        tracker.document("card.md", "# Model card\n")
        tracker.folder("bundle", tmp_path / "bundle")
        server.up = server.up and goes_down != "at the end"
    assert "The work goes on without it." in said[0]
    assert len(said) == 2
    (kept,) = (tmp_path / "untracked").iterdir()
    assert f"anirec track {kept} --to http://somewhere" in said[1]
    with pytest.raises(SiteError):
        send(kept, "http://somewhere")
    server.up = True
    assert send(kept, "http://somewhere") == "train b"
    assert not kept.exists()
    run = next(
        run for run in whole_runs(server.client) if run.info.run_name == "train b" and "card.md" in names(server, run)
    )
    assert run.data.params["config.mult-dae.loop.lr"] == "0.001"
    assert run.data.metrics["ease.raw.ndcg_at_10"] == 0.5
    assert names(server, run) == {"card.md", "report.json", "bundle"}
    trials = [
        found for found in whole_runs(server.client) if found.data.tags.get("mlflow.parentRunId") == run.info.run_id
    ]
    assert [(trial.data.params, trial.data.metrics) for trial in trials] == [({"l2": "5"}, {"ndcg_at_10": 0.5})]


def whole_runs(client: Any) -> list[Any]:
    return list(client.search_runs([client.get_experiment_by_name("anirec").experiment_id]))


def names(server: Server, run: Any) -> set[str]:
    return {file.path for file in server.client.list_artifacts(run.info.run_id)}


def test_a_folder_without_notes_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no notes of a run"):
        send(tmp_path, "mlruns")
