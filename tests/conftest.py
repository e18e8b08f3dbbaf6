from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the suite runs in as many processes as there are cores

import pytest
from hypothesis import settings

from small import write_small_bundle

REPOSITORY = Path(__file__).parents[1]

settings.register_profile("unhurried", deadline=None)  # a busy machine is no mistake of ours
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What `anirec serve` does to logging, in a test as in a process of its own, ends with the test."""
    yield
    for name in ("anirec", "uvicorn", "uvicorn.access"):
        changed = logging.getLogger(name)
        if not changed.propagate or changed.handlers:
            changed.handlers.clear()
            changed.propagate = True
            changed.setLevel(logging.NOTSET)
            for handler in [one for one in logging.root.handlers if type(one) is logging.StreamHandler]:
                logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data; a test that needs it is skipped, and says so, where it is absent."""
    folder = Path(os.environ.get("ANIREC_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set ANIREC_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle over a world of two tastes, see `small`."""
    return write_small_bundle(tmp_path_factory.mktemp("small"))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Put a line into the summary of the run, whichever process measured it."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for line in sorted({str(text) for report in reports for name, text in report.user_properties if name == "figure"}):
        terminalreporter.write_line(line)
