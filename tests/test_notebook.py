"""notebooks/: every cell works in a process of its own, from start to end, and nothing of a run is kept in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def cells_of(notebook: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(notebook.read_text(encoding="utf-8"))
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    return [cell for cell in found["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_start_to_end_and_leaves_nothing(notebook: Path, tmp_path: Path) -> None:
    cells = ["".join(cell["source"]) for cell in cells_of(notebook, "code")]
    assert len(cells) > 5
    code = "\n".join(f"exec(compile({cell!r}, 'cell {n}', 'exec'))" for n, cell in enumerate(cells, start=1))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "NDCG@10" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_kept_in_a_notebook(notebook: Path) -> None:
    for cell in cells_of(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    ids = [cell["id"] for kind in ("code", "markdown") for cell in cells_of(notebook, kind)]
    assert len(ids) == len(set(ids))
    assert tempfile.gettempdir() not in notebook.read_text(encoding="utf-8")


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == ["start-to-end.ipynb"]
