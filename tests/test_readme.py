"""What the README, the glossary and `.ci/run` say is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from anirec.cli import EXIT_CODES
from anirec.cli.commands import EXIT_CODE_HELP, cli
from anirec.sources.importer import LAYOUTS

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme() -> None:
    assert [name for name in cli.commands if f"anirec {name}" not in README] == []


def test_every_command_around_data_is_in_its_document() -> None:
    document = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
    group = cli.commands["data"]
    assert isinstance(group, click.Group)
    fetch = group.commands["fetch"]
    assert isinstance(fetch, click.Group)
    words = [*(f"data {name}" for name in group.commands), *(f"data fetch {name}" for name in fetch.commands)]
    assert [word for word in words if f"anirec {word}" not in document] == []
    assert [known.name for known in LAYOUTS if f"`{known.name}`" not in document] == []


def test_the_two_commands_stand_on_the_first_screen() -> None:
    first_screen = "\n".join(README.split("\n")[:24])
    assert './anirec recommend --like "Cowboy Bebop" --like "Samurai Champloo" --like Trigun' in first_screen
    assert "make check" in first_screen


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    commands = [line for line in (REPOSITORY / ".ci" / "run").read_text().split("\n") if line and line[0] != "#"]
    assert commands[:2] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."']
    assert commands[-1] == "make check"
    prepared = "\n".join(commands[2:-1])  # a browser for the tests of the page, where it may be installed
    assert set(re.findall(r"(?:apt-get|pip|npm|make|pytest) (?:-\S+ )*(\w+)", prepared)) <= {"update", "install"}


def test_every_exit_code_is_documented() -> None:
    for code in EXIT_CODES.values():
        assert re.search(rf"\b{code}\b", EXIT_CODE_HELP)
        assert re.search(rf"\b{code} when\b", README)


def test_the_tables_and_the_example_are_made_from_the_newest_results() -> None:
    script = REPOSITORY / "benchmarks" / "tables.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_file_names_a_registry_or_a_path_of_the_machine() -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z"],
        check=True, capture_output=True, text=True, cwd=REPOSITORY,
    ).stdout.split("\0")  # fmt: skip
    texts = [REPOSITORY / name for name in files if name.endswith((".py", ".md", ".txt", ".toml", ".json", "Makefile"))]
    telling = re.compile(
        r"/work/(main|shared)|/root/|index-url|files\.pythonhosted|/usr/local/|artifactory", re.IGNORECASE
    )
    this = REPOSITORY / "tests" / "test_readme.py"
    assert [str(f) for f in texts if f.exists() and f != this and telling.search(f.read_text(encoding="utf-8"))] == []


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert len(capsys.readouterr().out.strip().split("\n")) == 20
