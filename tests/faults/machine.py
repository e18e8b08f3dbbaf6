"""Processes that are killed where it hurts, and disks that are small or cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from web.processes import environment

RUN = "import sys; sys.argv[0] = 'anirec'; from anirec.cli import main; main()"

KILLED_AT = """
import os, signal, sys
import anirec.tables as tables
at, real, seen = int(sys.argv.pop(1)), tables._flush, [0]

def flush(path):
    seen[0] += 1
    if seen[0] == at:
        os.kill(os.getpid(), signal.SIGKILL)
    real(path)

tables._flush = flush
"""
"""Kills its own process, as only the system can, before a file reaches the disk: the nth that does."""


Done = subprocess.CompletedProcess[str]


def ran(
    *words: str | Path, code: str = RUN, before: Sequence[str] = (), within: Path | None = None, **more: str
) -> Done:
    """Run anirec in a process of its own. before: what it is run by. within: where it is."""
    command = [*before, sys.executable, "-c", code, *map(str, words)]
    env = environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", **more)
    return subprocess.run(command, env=env, cwd=within, capture_output=True, text=True, check=False, timeout=300)


def killed(at: int, *words: str | Path) -> bool:
    """Run anirec, killed before the nth flush; returns whether it came so far."""
    done = ran(str(at), *words, code=KILLED_AT + RUN)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


@contextmanager
def disk(folder: Path, size: str = "1m") -> Iterator[Path]:
    """Yield a small disk of its own; a test is skipped where none can be mounted."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def read_only(folder: Path) -> None:
    """Let nobody write to a disk any more, not even root."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
