"""Where the page's files come from: a wheel, a checkout, or nowhere, and then the log says why."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anirec.web import page

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a frontend of three files, and no package beside it."""
    frontend = tmp_path / "frontend"
    (frontend / "src").mkdir(parents=True)
    (frontend / "package.json").write_text("{}", encoding="utf-8")
    (frontend / "package-lock.json").write_text("{}", encoding="utf-8")
    (frontend / "src" / "main.tsx").write_text("1", encoding="utf-8")
    monkeypatch.setattr(page, "FRONTEND", frontend)
    monkeypatch.setattr(page, "PACKAGED", tmp_path / "nothing")
    return frontend


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Node and an npm that note what they are asked and write one file; the note is returned."""
    folder, note = tmp_path / "bin", tmp_path / "asked.txt"
    folder.mkdir()
    (folder / "node").write_text("#!/bin/sh\necho v22.0.0\n", encoding="utf-8")
    steps = f'echo "$@" >> {note}; mkdir -p dist node_modules; echo "<html>" > dist/index.html; exit ${{FAIL:-0}}'
    (folder / "npm").write_text(f"#!/bin/sh\n{steps}\n", encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return note


def test_a_checkout_builds_the_page_once_and_again_when_a_source_changes(checkout: Path, npm: Path) -> None:
    assert page.page_files() == checkout / "dist"
    assert page.page_files() == checkout / "dist"
    assert npm.read_text().splitlines() == ["ci", "run build"]
    (checkout / "src" / "main.tsx").write_text("2", encoding="utf-8")
    assert page.page_files() == checkout / "dist"
    assert npm.read_text().splitlines() == ["ci", "run build", "run build"], "what is installed stays"


def test_who_wants_the_page_while_another_builds_it_waits_and_builds_nothing(checkout: Path, npm: Path) -> None:
    slow = npm.parent / "bin" / "npm"
    slow.write_text(slow.read_text().replace("mkdir", "sleep 0.3; mkdir", 1), encoding="utf-8")
    with ThreadPoolExecutor(3) as several:
        found = list(several.map(lambda _: page.page_files(), range(3)))
    assert found == [checkout / "dist"] * 3
    assert npm.read_text().splitlines() == ["ci", "run build"]


def test_the_page_is_built_once_before_any_worker_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the extra serve is not installed")
    from anirec.cli import serve, serving

    happened: list[object] = []

    def build() -> Path:
        happened.append("built")
        return tmp_path

    def several(_bundle: object, _settings: object, folder: Path, _socket: object, common: Mapping[str, Any]) -> None:
        happened.append((folder, common["workers"]))

    monkeypatch.setattr(page, "page_files", build)
    monkeypatch.setattr(serving, "run_several", several)
    serve.serve.main(["--workers", "3"], standalone_mode=False)
    assert happened == ["built", (tmp_path, 3)]


def test_a_generated_file_is_no_change(checkout: Path, npm: Path) -> None:
    page.page_files()
    generated = checkout / page.GENERATED
    generated.parent.mkdir(parents=True, exist_ok=True)
    generated.write_text("types", encoding="utf-8")
    assert page.is_current(checkout)
    assert npm.exists()


def test_without_node_there_is_no_page_and_the_log_says_what_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    with caplog.at_level(logging.WARNING, logger="anirec"):
        assert page.page_files() is None
    assert "install Node 20.19 or later" in caplog.text
    assert checkout.exists()


def test_an_old_node_is_named(checkout: Path, npm: Path, caplog: pytest.LogCaptureFixture) -> None:
    (npm.parent / "bin" / "node").write_text("#!/bin/sh\necho v18.19.0\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="anirec"):
        assert page.page_files() is None
    assert "Node is v18.19.0" in caplog.text
    assert checkout.exists()


def test_a_build_that_fails_says_how_and_serves_what_was_built_before(
    checkout: Path, npm: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page.page_files()
    (checkout / "src" / "main.tsx").write_text("2", encoding="utf-8")
    monkeypatch.setenv("FAIL", "3")
    with caplog.at_level(logging.WARNING, logger="anirec"):
        assert page.page_files() == checkout / "dist"
    assert "`npm run build` failed" in caplog.text
    assert "before its last changes" in caplog.text
    assert npm.exists()


def test_nothing_is_built_where_that_is_not_wanted(checkout: Path, npm: Path) -> None:
    assert page.page_files(build=False) is None
    assert not npm.exists()
    assert not (checkout / "dist").exists()


def test_a_wheel_brings_its_own_files(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "page_files"
    packaged.mkdir()
    (packaged / "index.html").write_text("<html>", encoding="utf-8")
    monkeypatch.setattr(page, "PACKAGED", packaged)
    assert page.page_files() == packaged
    assert not (checkout / "dist").exists()


def test_the_lock_file_names_no_registry_and_pins_every_package() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: found for name, found in lock["packages"].items() if name}
    assert packages
    assert [name for name, found in packages.items() if "resolved" in found] == []
    assert [name for name, found in packages.items() if "integrity" not in found and not found.get("inBundle")] == []
    wanted = json.loads((ROOT / "frontend" / "package.json").read_text(encoding="utf-8"))
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}.values()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_the_client_is_made_from_the_api_as_it_is() -> None:
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    from anirec.cli.serving import application_of
    from anirec.web.settings import WebSettings

    kept = json.loads((ROOT / "frontend" / "openapi.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(application_of(None, WebSettings()).openapi()))
    kept["info"].pop("version")
    now["info"].pop("version")
    assert kept == now, "make it anew: anirec openapi --out frontend/openapi.json"
