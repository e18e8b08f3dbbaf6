"""The growth of time and memory: how it is measured, and how the table is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scale
import scaling_page
import synthetic

FIGURES = {"seconds": 1203.4, "cpu_seconds": 85.26, "peak_mb": 4409, "when": "2026-01-01T00:00:00+00:00"}


def filed(results: Path, commit: str, **steps: dict[str, dict[str, object]]) -> None:
    section = {"machine": "2 cores", "when": "2026-01-02", "steps": steps}
    (results / f"{commit}.json").write_text(json.dumps({"commit": commit, scaling_page.SECTION: section}))


def test_the_table_has_what_was_measured_last_and_says_where(tmp_path: Path) -> None:
    read = {**FIGURES, "users": 10, "anime": 5, "ratings": 1000}
    filed(tmp_path, "aaa", small={"prepare": {**FIGURES, "ratings": 1000}, "read": read})
    filed(tmp_path, "bbb", small={"prepare": {**FIGURES, "seconds": 7, "when": "2026-01-03T00:00:00+00:00"}})
    text = scaling_page.tables(scaling_page.collected(tmp_path))
    assert "`aaa`, `bbb` on 2 cores" in text
    assert "| 10 | 5 | 1,000 | 7.0 (85.3) | 4,409 | 1,203 (85.3) | 4,409 | – | – | – | – | – | – |" in text


def test_steps_grow_to_the_size_that_is_asked_for() -> None:
    sizes = [(step.ratings, step.anime, step.chunks) for step in scale.STEPS.values()]
    assert sizes == sorted(sizes)
    assert sizes[-1][:2] == (148_000_000, 20_000)


def test_what_a_commit_has_figures_of_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(part: str, _step: str, _folder: Path) -> dict[str, object]:
        asked.append(part)
        if part == "ease" and asked.count("ease") == 1:
            raise KeyboardInterrupt
        return dict(FIGURES)

    monkeypatch.setattr(scale, "_run", run)
    monkeypatch.setattr(scale, "WORK", tmp_path / "work")
    monkeypatch.setattr(scale, "source", lambda: {"commit": "abc", "changed_since_commit": False})
    monkeypatch.setattr(scale, "file_section", lambda commit, _name, found: filed(tmp_path, commit, **found["steps"]))
    monkeypatch.setattr(scaling_page, "of_commit", lambda commit: _of_commit(commit, tmp_path))
    parts = ("prepare", "read", "ease", "vectors")
    with pytest.raises(KeyboardInterrupt):
        scale.measure("small", parts, again=False, keep=False)
    assert asked == ["lists", "prepare", "read", "ease"]
    asked.clear()
    asked.append("ease")  # which is not cut short again
    scale.measure("small", parts, again=False, keep=False)
    assert asked[1:] == ["lists", "prepare", "ease", "vectors"]
    asked.clear()
    scale.measure("small", parts, again=False, keep=False)
    assert asked == []


_of_commit = scaling_page.of_commit


@pytest.mark.slow
def test_every_part_is_measured_on_small_data(tmp_path: Path) -> None:
    step = scale.Step(ratings=60_000, anime=3000, chunks=300)
    folder = tmp_path / "step"
    made = {part: scale.MEASURED[part](step, folder) for part in ("lists", *scale.OF_LISTS, "vectors")}
    assert (made["prepare"]["ratings"], made["prepare"]["rejects"]) == (60_000, 4)
    assert made["read"]["anime"] == 3000
    assert 60_000 / made["read"]["users"] == pytest.approx(82, rel=0.2)
    assert made["ease"]["gram_seconds"] <= made["ease"]["seconds"]
    assert made["vectors"]["recall@100"] == 1


def test_lists_have_the_length_and_the_anime_that_are_asked_for(tmp_path: Path) -> None:
    synthetic.write_lists(tmp_path, "hernan2020", 50_000, n_anime=3000, median=34)
    synthetic.write_anime(tmp_path, 3000)
    lines = (tmp_path / "animelist.csv").read_text().splitlines()[1:50_001]
    users, anime = ({line.split(",")[place] for line in lines} for place in (0, 1))
    known = {line.split(",")[0] for line in (tmp_path / "anime.csv").read_text().splitlines()[1:]}
    assert 50_000 / len(users) == pytest.approx(82, rel=0.2)
    assert anime <= known
    assert len(known) == 3000
