"""Processes of a server that have many connections give some to those that have few."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl")

from anirec.web.shares import FEW, MORE, Shares, prepare

ELSEWHERE = """
import sys
from pathlib import Path
from anirec.web.shares import Shares
shares = Shares(Path(sys.argv[1]))
print("here", flush=True)
for line in sys.stdin:
    shares.moved(int(line))
    print(int(shares.too_many()), flush=True)
"""


def another_process(path: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", ELSEWHERE, str(path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def told(process: subprocess.Popen[str], by: int) -> bool:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{by}\n")
    process.stdin.flush()
    return process.stdout.readline() == "1\n"


def test_who_has_more_than_the_others_gives_back_until_they_are_nearly_even(tmp_path: Path) -> None:
    prepare(tmp_path / "shares", 2)
    own = Shares(tmp_path / "shares")
    with another_process(tmp_path / "shares") as other:
        for _ in range(FEW):
            own.moved(1)
            assert not own.too_many()  # few: a browser keeps its connections, wherever they are
        own.moved(12)
        given = 0
        while own.too_many():
            own.moved(-1)
            assert not told(other, 1)
            given += 1
        assert 0 <= FEW + 12 - given - given <= MORE
        other.kill()


def test_one_that_ends_leaves_its_place_to_the_next_with_nothing_in_it(tmp_path: Path) -> None:
    prepare(tmp_path / "shares", 2)
    own = Shares(tmp_path / "shares")
    own.moved(FEW + MORE + 1)
    with another_process(tmp_path / "shares") as other:
        told(other, FEW + MORE + 1)
        assert not own.too_many()
        other.kill()
    with another_process(tmp_path / "shares") as next_one:
        assert own.too_many()
        next_one.kill()


def test_a_process_without_a_place_gives_nothing_back(tmp_path: Path) -> None:
    prepare(tmp_path / "shares", 1)
    with another_process(tmp_path / "shares") as first:
        late = Shares(tmp_path / "shares")
        late.moved(100)
        assert not late.too_many()
        assert not told(first, FEW + MORE + 1)  # it is the only one, and the most that it has is the fewest
        first.kill()
