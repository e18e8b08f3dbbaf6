"""A report in HTML: what stands in it, that it needs nothing else, and that titles cannot do anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from anirec.cli.report import html as written
from anirec.core.errors import MissingAbility
from anirec.evaluate.exam import Exam
from anirec.evaluate.report import Report
from anirec.evaluate.run import run
from evaluate.planted import CATALOGUE, TRAIN, ByProfile, Fixed, N, case, silent

pytest.importorskip("matplotlib")
TITLES = {anime_id: f"Title {anime_id}" for anime_id in range(1, N + 1)} | {7: '<script>alert("7")</script> & "Seven"'}
CASES = (
    case([1, 2], [7, 8], user=990_001),
    case([3], [9], user=990_002),
    case([1, 4, 5, 6, 11, 12], [20, 21, 22], user=990_003),
)


def report() -> Report:
    """Of two people everything is found, of the third nothing."""
    knows = ByProfile.oracle(CASES)
    knows.wanted[CASES[2].given.anime_ids.tobytes()] = (np.array([30, 31], np.int32), np.ones(2))
    return run(
        {"knowing": knows, "plain": Fixed.of({1: 1.0, 7: 0.5, 8: 0.25})},
        Exam("heldout-users", 1, {"users": 3, "given": "most <b>likes</b>"}, TRAIN, CASES),
        CATALOGUE,
        rng=np.random.default_rng(0),
        progress=silent,
        examples=2,
    )


def html(made: Report | None = None) -> str:
    return written.html_of(made or report(), TITLES, about={"data": "planted"})


class Tags(HTMLParser):
    """Collects what would load or run something, and whether elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "action") or (
                name.endswith("href") and not str(value).startswith("#")
            ):
                self.loads.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(str(value))
            assert not name.startswith("on"), name
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_file_loads_nothing_and_runs_nothing() -> None:
    tags = Tags()
    tags.feed(html())
    assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(tags.names)
    assert tags.loads == []
    assert tags.open == []
    assert "@import" not in html()
    assert "url(http" not in html()


def test_titles_are_shown_as_they_are_and_do_nothing() -> None:
    assert "&lt;script&gt;alert(&#34;7&#34;)&lt;/script&gt; &amp; &#34;Seven&#34;" in html()
    assert "most &lt;b&gt;likes&lt;/b&gt;" in html()


def test_nobody_s_number_stands_in_it() -> None:
    assert "9900" not in html()


def test_best_and_worst_profiles_are_shown_with_what_was_hidden_from_whom() -> None:
    made = report()
    assert [(one.model, round(one.ndcg, 3)) for one in made.examples] == [
        ("knowing", 1),
        ("knowing", 1),
        ("knowing", 0),
    ]
    assert [one.targets for one in made.examples] == [(7, 8), (9,), (20, 21, 22)]  # of equals the one with more to find
    shown = html(made)
    assert shown.count("One of the best") == 2
    assert shown.count("One of the worst") == 1
    worst = shown[shown.index("One of the worst") :]
    assert "Title 20" in worst
    assert 'class="hit"' not in worst
    assert shown.count('class="hit"') == 2 * 3  # three targets, each once recommended and once hidden


def test_every_mean_of_the_tables_has_its_interval() -> None:
    made, shown = report(), html()
    for row in made.rows:
        for column in written.COLUMNS:
            found = row.metrics[column]
            assert f"<td>{found.mean:.3f}<small>{found.low:.3f} … {found.high:.3f}</small></td>" in shown


def test_charts_say_in_words_what_they_show() -> None:
    about = re.findall(r'role="img" aria-label="([^"]+)"', html())
    assert len(about) == html().count("<figure")
    assert any("to 5: knowing" in words for words in about)


def test_the_same_report_gives_the_same_bytes() -> None:
    made = report()
    assert html(made) == html(made)


def test_no_profiles_without_being_asked_for() -> None:
    made = run({}, Exam("x", 1, {}, TRAIN, CASES), CATALOGUE, rng=np.random.default_rng(0), progress=silent)
    assert made.examples == ()
    assert "Best and worst" not in html(made)


def test_what_is_missing_is_named_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "find_spec", lambda name: None if name == "matplotlib" else object())
    with pytest.raises(MissingAbility, match=r'needs matplotlib; pip install "anirec\[report\]"'):
        written.check()


def test_the_file_is_written_as_utf8(tmp_path: Path) -> None:
    written.write_html(report(), {7: "進撃の巨人"}, tmp_path / "report.html", about={})
    assert "進撃の巨人" in (tmp_path / "report.html").read_text(encoding="utf-8")
