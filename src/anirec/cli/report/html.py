"""A report -> one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from anirec.cli.report import charts
from anirec.core.errors import MissingAbility
from anirec.evaluate import protocols
from anirec.evaluate.report import FIGURE_WORDS, FLOORS, POPULARITY, Example, Report, Row

EXAMPLES: Final = 4
"""Best profiles shown, and as many of the worst."""
GIVEN: Final = 24
"""Titles shown of what was given and of what was to be found, at most."""
COLUMNS: Final = ("ndcg@10", "ndcg@100", "recall@10", "recall@100", "mrr")
CALIBRATION: Final = {"genre miscalibration": "genres, nats", "era miscalibration": "eras, nats"}
UNWANTED: Final = {"disliked@10": "disliked", "dropped@10": "dropped"}


def check() -> None:
    """Raise MissingAbility where what it is drawn with is not installed, before minutes are spent on measuring."""
    if missing := [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]:
        raise MissingAbility(f'a report in HTML needs {" and ".join(missing)}; pip install "anirec[report]"')


@dataclass(frozen=True)
class Shown:
    """An example in titles.

    targets, recommended: with each title whether it is a hit. given_more, targets_more: how many are not shown.
    """

    kind: str
    model: str
    ndcg: str
    given: Sequence[str]
    given_more: int
    targets: Sequence[tuple[str, bool]]
    targets_more: int
    recommended: Sequence[tuple[str, bool]]


def write_html(report: Report, titles: Mapping[int, str], file: Path, *, about: Mapping[str, Any]) -> None:
    """Write it as one file. titles: by anime id. about: what was measured on, for its head, by name."""
    file.write_text(html_of(report, titles, about=about), encoding="utf-8")


def html_of(report: Report, titles: Mapping[int, str], *, about: Mapping[str, Any]) -> str:
    """Return the text of the file. titles: by anime id; the same report gives the same bytes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["chance"] = _chance
    models = list(dict.fromkeys(row.model for row in report.rows))
    return environment.get_template("report.html.j2").render(
        report=report,
        protocol=protocols.explained(report.protocol).partition(": ")[2].strip().split("\n\n"),
        version=version("anirec"),
        about=about,
        parameters={name: value for name, value in report.parameters.items() if not isinstance(value, Mapping)},
        figures=[(name, FIGURE_WORDS[name], report.cases[name], _of_figure(report, name)) for name in report.cases],
        columns=COLUMNS,
        floors=FLOORS,
        popularity=POPULARITY,
        charts=_charts(report, charts.looks_of(models)),
        examples=[_shown(report, i, one, titles) for i, one in enumerate(report.examples)],
    )


def _of_figure(report: Report, figure: str) -> list[Row]:
    """Return the rows of a figure, best first."""
    rows = [row for row in report.rows if row.figure == figure]
    return sorted(rows, key=lambda row: -row.metrics["ndcg@10"].mean)


def _charts(report: Report, looks: Mapping[str, charts.Look]) -> list[charts.Chart]:
    served = "franchises" if report.cases.get("franchises") else "raw"
    besides = [
        charts.plane(report, served, looks),
        charts.bars(
            report, served, CALIBRATION, "Miscalibration: how far lists are from the profile's mix, 0 = the same"
        ),
        charts.bars(report, served, UNWANTED, "Share of the first ten that the person is known not to want"),
    ]
    several = [charts.by_parts(parts, looks) for parts in report.tables().values() if len(parts) > 1]
    return [*several, *(chart for chart in besides if chart is not None)]


def _shown(report: Report, place: int, example: Example, titles: Mapping[int, str]) -> Shown:
    def named(ids: Sequence[int]) -> list[str]:
        return [titles.get(anime_id, f"anime {anime_id}") for anime_id in ids]

    wanted, found = set(example.targets), set(example.recommended)
    first = sorted(example.targets, key=lambda anime_id: anime_id not in found)[:GIVEN]
    return Shown(
        kind="best" if 2 * place < len(report.examples) else "worst",
        model=example.model,
        ndcg=f"{example.ndcg:.3f}",
        given=named(example.given[:GIVEN]),
        given_more=max(len(example.given) - GIVEN, 0),
        targets=list(zip(named(first), [one in found for one in first], strict=True)),
        targets_more=max(len(example.targets) - GIVEN, 0),
        recommended=list(zip(named(example.recommended), [one in wanted for one in example.recommended], strict=True)),
    )


def _chance(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}"
