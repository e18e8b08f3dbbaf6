"""Training as a user meets it: progress, Ctrl-C, --resume, --track, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anirec.cli import render
from anirec.cli.render import progress_lines
from cli.test_commands import anirec
from cli.test_journey import csv_folder
from cli.test_models import QUICK, tables

__all__ = ["csv_folder", "tables"]

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    return lambda *words: anirec(capsys, monkeypatch, *words)


def command(tables: Path, out: Path, *models: str) -> list[str]:
    words = ["train", "--quick", "--data", str(tables), "--out", str(out)]
    for model in models:
        words += ["--model", model]
        words += [word for setting in QUICK[model] for word in ("--set", f"{model}.{setting}")]
    return words


class Shown:
    """A progress that remembers, and that is interrupted when it is told of a stage and an epoch."""

    def __init__(self, stage: str = "", epoch: int = -1) -> None:
        self.stop = (stage, epoch)
        self.told: list[tuple[str, int, int]] = []

    @contextmanager
    def bar(self, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
        assert quiet in (True, False)
        yield self.report

    def report(self, stage: str, done: int, total: int) -> None:
        self.told.append((stage, done, total))
        if (stage, done) == self.stop:
            raise KeyboardInterrupt

    def epochs(self, model: str) -> list[int]:
        return [done for stage, done, _ in self.told if stage == f"training {model}, epochs"]


def files(bundle: Path) -> dict[str, bytes]:
    return {str(file.relative_to(bundle)): file.read_bytes() for file in sorted(bundle.rglob("*")) if file.is_file()}


OTHERS = ("recvae", "masked-set", "hybrid", "two-heads", "mult-dae")


@pytest.mark.parametrize(
    "models", [("mult-vae", "ncf"), *(pytest.param((name,), marks=pytest.mark.slow) for name in OTHERS)]
)
def test_after_ctrl_c_resume_goes_on_to_the_same_bytes(
    models: tuple[str, ...], tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    whole, out = tmp_path / "whole", tmp_path / "bundle"
    assert ask(*command(tables, whole, *models))[0] == 0
    cut = Shown(f"training {models[-1]}, epochs", 2)
    monkeypatch.setattr(render, "progress_bar", cut.bar)
    code, _, err = ask(*command(tables, out, *models))
    assert code == 130
    assert err.strip() == (
        f"interrupted; the finished epochs are in {out}.training: add --resume to go on, or remove it to start anew"
    )
    assert not out.exists()
    code, _, err = ask(*command(tables, out, *models))
    assert (code, "add --resume" in err) == (2, True)
    again = Shown()
    monkeypatch.setattr(render, "progress_bar", again.bar)
    assert ask(*command(tables, out, *models), "--resume")[0] == 0
    assert again.epochs(models[-1])[0] == 2  # nothing is done twice
    if len(models) > 1:
        assert set(again.epochs(models[0])) == {cut.epochs(models[0])[-1]}  # the first net was complete
    assert files(out) == files(whole)
    assert not out.with_name("bundle.training").exists()


def test_a_training_is_not_resumed_with_other_settings_or_data(
    tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    out = tmp_path / "bundle"
    monkeypatch.setattr(render, "progress_bar", Shown("training mult-dae, epochs", 1).bar)
    assert ask(*command(tables, out, "mult-dae"))[0] == 130
    code, _, err = ask(*command(tables, out, "mult-dae"), "--set", "mult-dae.hidden=8", "--resume")
    assert (code, "config.mult-dae.hidden: 16 there, 8 now" in err) == (2, True)
    code, _, err = ask(*command(tables, out, "mult-dae"), "--seed", "5", "--resume")
    assert (code, "seed: 0 there, 5 now" in err) == (2, True)
    other = tmp_path / "other"
    other.mkdir()
    for name, content in files(tables).items():
        if name != "recommendations.parquet":
            (other / name).write_bytes(content)
    code, _, err = ask(*command(other, out, "mult-dae"), "--resume")
    assert (code, "data.recommendations: " in err) == (2, True)


def test_models_without_epochs_leave_no_folder_and_have_nothing_to_resume(
    tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = ask(*command(tables, tmp_path / "bundle"), "--resume")
    assert (code, "nothing to resume" in err) == (2, True)
    monkeypatch.setattr(render, "progress_bar", Shown("fitting on everybody", 1).bar)
    code, _, err = ask(*command(tables, tmp_path / "bundle"))
    assert (code, err.strip()) == (130, "interrupted; nothing half-written was left behind")
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_no_number_is_an_error_that_names_model_and_batch(
    tables: Path, tmp_path: Path, ask: Ask
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    wild = ["--set", "mult-dae.loop.lr=1e37", "--set", "mult-dae.loop.warm_up=0"]
    code, out, err = ask(*command(tables, tmp_path / "bundle", "mult-dae"), *wild)
    assert (code, out) == (2, "")
    assert err.startswith("anirec: training mult-dae was stopped: the loss is ")
    assert " of epoch " in err
    assert "lower the learning rate, its setting loop.lr" in err
    assert not list(tmp_path.iterdir())
    code, _, err = ask(*command(tables, tmp_path / "bundle", "mult-dae"), *wild, "--json")
    assert json.loads(err)["error"] == "Diverged"


def test_a_run_is_tracked_from_settings_to_figures(
    tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    monkeypatch.chdir(tmp_path)
    code, out, err = ask(*command(tables, tmp_path / "bundle"), "--track", "--json")
    assert (code, err) == (0, "")
    digest = json.loads(out)["sha256"]
    assert ask("evaluate", "--quick", "--data", str(tables), "--users", "30", "--track", "mlruns")[0] == 0
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    found = client.search_runs([client.get_experiment_by_name("anirec").experiment_id])
    train, evaluate = (next(run for run in found if run.info.run_name == name) for name in ("train bundle", "evaluate"))
    assert train.data.params["sha256"] == digest
    assert train.data.params["seed"] == "0"
    assert len(train.data.params["data.tables.ratings"]) == 64
    assert "config.ease.l2" in train.data.params
    assert {file.path for file in client.list_artifacts(train.info.run_id)} == {"bundle", "card.md", "report.json"}
    for run in (train, evaluate):
        assert run.info.status == "FINISHED"
        value, low = run.data.metrics["ease.raw.ndcg_at_10"], run.data.metrics["ease.raw.ndcg_at_10.low"]
        assert low < value > 0.5
    assert ask(*command(tables, tmp_path / "untracked"))[0] == 0
    assert len(client.search_runs([train.info.experiment_id])) == 2


def test_tuning_is_tracked_trial_by_trial(
    tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    pytest.importorskip("optuna", reason='Optuna is not installed; pip install "anirec[tune]"')
    monkeypatch.chdir(tmp_path)
    code, _, err = ask("tune", "--data", str(tables), "--model", "ease", "--trials", "2", "--json", "--track", "runs")
    assert (code, err) == (0, "")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "runs").as_uri())
    found = client.search_runs([client.get_experiment_by_name("anirec").experiment_id])
    assert {run.info.run_name for run in found} == {"tune ease", "trial 0", "trial 1"}


def test_lines_of_progress_are_few_and_say_how_long_it_takes() -> None:
    lines: list[str] = []
    now = [0.0]
    report = progress_lines(lines.append, lambda: now[0])
    for epoch in range(11):
        report("training ncf, epochs", epoch, 10)
        now[0] += 20.0
    assert lines == [
        "training ncf, epochs: 2 of 10, 3 min left",
        "training ncf, epochs: 4 of 10, 2 min left",
        "training ncf, epochs: 6 of 10, 80 s left",
        "training ncf, epochs: 8 of 10, 40 s left",
        "training ncf, epochs: 10 of 10, 0 s left",
    ]
    now[0] += 7200.0
    report("training ncf, epochs", 3, 10)  # another net, resumed
    assert lines[-1] == "training ncf, epochs: 3 of 10"
    now[0] += 7200.0
    report("training ncf, epochs", 4, 10)
    assert lines[-1] == "training ncf, epochs: 4 of 10, 12 h 0 min left"


def test_quick_work_writes_no_line(tables: Path, tmp_path: Path, ask: Ask) -> None:
    code, _, err = ask(*command(tables, tmp_path / "bundle"))
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", [("train", "--out", "bundle"), ("evaluate", "--users", "30")])
def test_without_torch_training_says_that_the_blend_goes_without_its_net(
    command: tuple[str, ...], tables: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("models", "train"):
        monkeypatch.setattr(f"anirec.wiring.{module}.can_train_nets", lambda: False)
    code, out, err = ask(*command, "--data", str(tables), "--json")
    assert code == 0, err
    assert 'torch is not installed, so the blend goes without its net; pip install "anirec[train]"' in err
    assert "mult-dae" not in out
