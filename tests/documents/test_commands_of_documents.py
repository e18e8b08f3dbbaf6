"""Every command in the documents: run where it can be, and else taken by click as it is written."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from anirec import cli
from anirec.wiring.serve import starter_bundle
from documents.blocks import DOCS, PAGES, REPOSITORY, Block, blocks_of, programs_of, spans_of
from documents.parsing import problem_of
from documents.workspace import write_workspace

ALL = [REPOSITORY / "README.md", *PAGES]
ELSEWHERE = {"api.md": "tests/web/test_docs.py", "README.md": "tests/test_readme.py"}
"""Pages whose blocks another test runs."""
GIVEN_A_BUNDLE = {"map.md"}
"""Pages whose `my-bundle` is one that was trained before: the starter bundle."""
NEEDS = {"map.md": ["networkx", "matplotlib"], "how-to/mood-search.md": ["onnxruntime", "tokenizers", "Stemmer"]}
NEEDS |= {"index.md": NEEDS["how-to/mood-search.md"], "how-to/serving.md": ["fastapi"]}
NEEDS |= {"how-to/training.md": [*NEEDS["how-to/mood-search.md"], "torch", "optuna", "mlflow", "jinja2", "matplotlib"]}
PROGRAMS = {
    "anirec",
    "cd",
    "curl",
    "docker",
    "kill",
    "dvc",
    "git",
    "kubectl",
    "make",
    "pip",
    "printf",
    "python",
    "tar",
    "sha256sum",
}
"""What the documents may ask people to have."""
LANGUAGES = {"sh", "python", "json", "js", ""}


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix().removeprefix("docs/")


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks_of(page) if block.language in ("sh", "python") and block.reason is None]


RUN = [page for page in PAGES if name_of(page) not in ELSEWHERE and runnable(page)]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "files"
    folder.mkdir()
    write_workspace(folder)
    return folder


@pytest.fixture
def place(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents speak of, which is also the home of whoever types."""
    here = tmp_path / "here"
    shutil.copytree(files, here)
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "anirec").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "from anirec.cli import main; main()" "$@"\n'
    )
    (commands / "anirec").chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.delenv("ANIREC_BUNDLE", raising=False)
    monkeypatch.chdir(here)
    return here


def run_shell(command: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a line: in this process where it is a command of ours and nothing else, as that is quicker."""
    programs = list(programs_of(command))
    plain = re.sub(r'"[^"]*"|\'[^\']*\'', "", command.partition("  #")[0])
    if len(programs) == 1 and programs[0][0] == "anirec" and not re.search(r"[|&;<>$*]", plain):
        words = [word.replace("~/", f"{Path.home()}/") for word in shlex.split(command, comments=True)]
        monkeypatch.setattr(sys, "argv", ["anirec", *words[1:]])
        code = exit_code()
        assert code == 0, f"{command}\n{capfd.readouterr().err}"
    else:
        done = subprocess.run(["sh", "-ec", command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def exit_code() -> int:
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_the_commands_of_a_page_work_one_after_the_other(
    page: Path, place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in NEEDS.get(name_of(page), []):
        pytest.importorskip(module, reason=f"{module} is not installed")
    if name_of(page) in GIVEN_A_BUNDLE:
        (place / "my-bundle").symlink_to(starter_bundle(), target_is_directory=True)
    for block in runnable(page):
        if block.language == "python":
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), {})  # noqa: S102 - our own documents
        else:
            for command in block.commands:
                run_shell(command, capfd, monkeypatch)


def test_the_pages_that_others_run_are_run_there() -> None:
    for name, test in ELSEWHERE.items():
        assert name in (REPOSITORY / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_every_command_is_one_that_click_takes(page: Path) -> None:
    said = {}
    for block in blocks_of(page):
        for command in block.commands if block.language == "sh" else ():
            for words in programs_of(command):
                if words[0] == "anirec" and (problem := problem_of(words)):
                    said[command] = problem
    for words in spans_of(page):
        if problem := problem_of(words, whole=False):
            said[" ".join(words)] = problem
    assert said == {}


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_every_other_program_is_asked_for_what_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = page.read_text(encoding="utf-8")
    for block in blocks_of(page):
        for command in block.commands if block.language == "sh" else ():
            for words in programs_of(command):
                assert words[0] in PROGRAMS, command
                if words[0] == "make":
                    assert {word for word in words[1:] if "=" not in word} <= targets, command
                if words[0] == "python" and words[1].endswith(".py"):
                    assert (REPOSITORY / words[1]).is_file(), command
    named = [name for found in re.findall(r'pip install "?[\w.]+\[([\w,-]+)\]', text) for name in found.split(",")]
    assert set(named) <= set(extras)
    assert set(re.findall(r"`make ([\w-]+)`", text)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_says_its_language_and_one_that_is_not_run_says_why(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"line {block.line}"
        if block.language == "":
            assert not re.search(r"^(\./)?anirec |^\$ ", block.text, re.MULTILINE), f"line {block.line}: call it sh"
        assert ("Not run" in block.text) == (block.reason is not None), f"line {block.line}: the reason ends in a dot"


def test_the_tests_that_a_reason_names_are_there() -> None:
    reasons = [block.reason for page in PAGES for block in blocks_of(page) if block.reason]
    assert len(reasons) > 5
    named = [path.rstrip(".") for reason in reasons for path in re.findall(r"tests/[\w./]+", reason)]
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("anirec recommend --lik Trigun", "--lik"),
        ("anirec recommends --like Trigun", "no command"),
        ("anirec recommend --like Trigun -k many", "many"),
        ("anirec similar Trigun --franchise all", "all"),
        ("anirec similar", "title is missing"),
        ("anirec info Trigun Monster", "too many"),
        ("anirec data fetch mal --season 2026/fall", "folder is missing"),
    ],
)
def test_a_command_that_click_would_refuse_is_found(line: str, problem: str) -> None:
    assert problem in str(problem_of(shlex.split(line)))


def test_programs_are_found_in_lines_of_shell() -> None:
    line = 'A=1 ./anirec info "a;b|c" --json > x.json && printf "a,b" | python -c "1"  # and so on'
    assert list(programs_of(line)) == [["anirec", "info", "a;b|c", "--json"], ["printf", "a,b"], ["python", "-c", "1"]]


def test_every_page_of_the_site_is_looked_at(record_property: Callable[[str, object], None]) -> None:
    commands = sum(len(block.commands) for page in RUN for block in runnable(page) if block.language == "sh")
    left = sum(len(b.commands) for page in PAGES for b in blocks_of(page) if b.language == "sh" and b.reason)
    record_property("figure", f"documents: {commands} commands run on {len(RUN)} pages, {left} parsed only")
    assert {DOCS / "index.md", DOCS / "how-to" / "training.md", DOCS / "map.md"} <= set(RUN)
