"""The site of docs/: it builds strictly, every page and link is there, and nothing is loaded from another host."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from documents.blocks import DOCS, PAGES, REPOSITORY

CONFIG = REPOSITORY / "zensical.toml"
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
RELATIONS = {"stylesheet", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "icon", "manifest"}
"""Of links, those that a browser follows by itself."""


@dataclass
class Page(HTMLParser):
    """What a page loads, where it links to, and the places in it that can be linked to."""

    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in said.items() if (tag, name) in LOADED]
        if tag == "link" and RELATIONS & set(said.get("rel", "").split()):
            self.loads.append(said.get("href", ""))
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        self.places |= {said[name] for name in ("id", "name") if name in said}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site, of a copy, so that the checkout stays as it is."""
    pytest.importorskip("zensical", reason="zensical is not installed")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copytree(
        REPOSITORY / "src", folder / "src", ignore=shutil.ignore_patterns("starter", "page_files", "__pycache__")
    )
    shutil.copy(CONFIG, folder)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / str(tomllib.loads(CONFIG.read_text())["project"]["site_dir"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path] = Page()
        found[path].feed(path.read_text(encoding="utf-8"))
    return found


def in_nav(nav: Any) -> Iterator[str]:
    for one in nav if isinstance(nav, list) else nav.values():
        if isinstance(one, str):
            yield one
        else:
            yield from in_nav(one)


def test_every_document_has_its_place_in_the_site(site: Path) -> None:
    listed = list(in_nav(tomllib.loads(CONFIG.read_text())["project"]["nav"]))
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES), "see nav in zensical.toml"
    assert [name for name in listed if not (site / name).with_suffix(".html").is_file()] == []


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    assert sum(len(page.loads) for page in pages.values()) > len(pages)
    elsewhere = {url for page in pages.values() for url in page.loads if urlsplit(url).netloc}
    assert elsewhere == set()
    for sheet in site.rglob("*.css"):
        asked = re.findall(r"(?:url\(|@import\s+)[\"']?(https?:)?//[^\s\"')]+", sheet.read_text(encoding="utf-8"))
        assert asked == [], sheet


def test_every_link_within_the_site_leads_to_a_page_and_a_place_in_it(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if path.name == "404.html" or parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages.get(target)
            if not target.is_file() or (known and parts.fragment and unquote(parts.fragment) not in known.places):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_the_reference_has_what_is_public_from_its_docstrings(site: Path, pages: dict[Path, Page]) -> None:
    places = pages[site / "reference" / "python.html"].places
    wanted = {
        "anirec.wiring.serve.load",
        "anirec.service.recommend.Service.recommend",
        "anirec.service.recommend.Service.similar",
        "anirec.service.search.Search.search",
        "anirec.core.ranking.Filters",
        "anirec.core.errors.MissingAbility",
    }
    assert wanted - places == set()
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert "a folder written by" in text, "the docstring of load"


def test_the_reference_of_the_command_line_is_what_the_commands_say() -> None:
    script = REPOSITORY / "tools" / "cli_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
