"""The wheel: built, installed in an empty environment without extras, and used there from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import anirec

REPOSITORY = Path(__file__).parents[1]
MOST_BYTES = 250e6
FAVOURITES = ["--like", "Cowboy Bebop", "--like", "Samurai Champloo", "--like", "Trigun"]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ANIREC", "VIRTUAL"))}
    return subprocess.run(command, cwd=cwd, env=kept | more, capture_output=True, text=True, check=False)


def build(what: str, checkout: Path, out: Path) -> Path:
    """Build a wheel or an sdist of a checkout; returns the file."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", what, "-d", out, cwd=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.iterdir()
    return made


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it. packages: its site-packages. elsewhere: a folder that is no checkout."""

    commands: Path
    packages: Path
    elsewhere: Path

    def anirec(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run(self.commands / "anirec", *words, cwd=self.elsewhere)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "venv", with_pip=False)
    commands = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    done = run(
        *(sys.executable, "-m", "pip", "--python", commands / "python", "--disable-pip-version-check"),
        *("install", "--quiet", wheel),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    (packages,) = (folder / "venv").rglob("site-packages")
    (folder / "elsewhere").mkdir()
    return Installed(commands, packages, folder / "elsewhere")


def test_it_recommends_what_the_checkout_does(installed: Installed) -> None:
    done = installed.anirec("recommend", *FAVOURITES, "-k", "10", "--json")
    assert done.returncode == 0, done.stderr
    here = anirec.load().recommend(like=FAVOURITES[1::2], k=10)
    assert [item["anime_id"] for item in json.loads(done.stdout)["items"]] == [found.anime.anime_id for found in here]


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["search", "crime drama"], "text"),
        (["serve"], "serve"),
        (["train", "--data", ".", "--out", "bundle"], "fit"),
        (["map", "--out", "with-map"], "map"),
        (["graph", "--out", "near.graphml", "--around", "Monster"], "fit"),
    ],
)
def test_what_is_not_installed_is_named_by_its_extra(installed: Installed, words: list[str], extra: str) -> None:
    done = installed.anirec(*words)
    assert (done.returncode, done.stdout) == (5, ""), done.stderr
    assert f"anirec[{extra}]" in done.stderr


def test_it_finds_itself_sound(installed: Installed) -> None:
    done = installed.anirec("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["sound"], found["packages"]["scipy"]) == (0, True, "not installed")
    assert Path(found["bundle"]).is_relative_to(installed.packages)


def test_all_that_is_installed_has_less_than_250_megabytes(installed: Installed, figure: Callable[[str], None]) -> None:
    files = [path.stat() for path in installed.packages.rglob("*") if path.is_file() and not path.is_symlink()]
    told, taken = sum(file.st_size for file in files), 512 * sum(file.st_blocks for file in files)
    by_package = {
        package.name: sum(file.stat().st_size for file in package.rglob("*") if file.is_file())
        or package.stat().st_size
        for package in installed.packages.iterdir()
    }
    largest = sorted(by_package.items(), key=lambda one: -one[1])[:6]
    figure(
        f"installed without extras: {told / 1e6:.1f} MB in files, {taken / 1e6:.1f} MB on disk; "
        + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in largest)
    )
    assert not (installed.packages / "pip").exists()
    assert max(told, taken) < MOST_BYTES


def test_it_holds_the_page_where_node_is_and_the_licences(wheel: Path) -> None:
    from anirec.web.page import PageNotBuilt, build_page, is_current

    names = zipfile.ZipFile(wheel).namelist()
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names}
    frontend = REPOSITORY / "frontend"
    try:
        built = frontend / "dist" if is_current(frontend) else build_page(frontend)
    except PageNotBuilt as error:
        pytest.skip(f"no page was built: {error}")
    of_page = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    inside = "anirec/web/page_files/"
    assert {name.removeprefix(inside) for name in names if name.startswith(inside)} == of_page


def test_a_wheel_of_the_sdist_has_the_same_files_but_the_page(wheel: Path, tmp_path: Path) -> None:
    packed = build("sdist", REPOSITORY, tmp_path / "sdist")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (checkout,) = (tmp_path / "unpacked").iterdir()
    assert not [path for path in checkout.rglob("*") if path.name in ("node_modules", ".venv", "dist")]
    done = run(
        *(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again"),
        cwd=checkout,
        PATH="",  # no Node, so that this takes seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (again,) = (tmp_path / "again").iterdir()
    page = "anirec/web/page_files/"
    files = [
        {info.filename: info.CRC for info in zipfile.ZipFile(file).infolist() if not info.filename.endswith("/RECORD")}
        for file in (wheel, again)
    ]
    assert {name: crc for name, crc in files[0].items() if not name.startswith(page)} == {
        name: crc for name, crc in files[1].items() if not name.startswith(page)
    }
