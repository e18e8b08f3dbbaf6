"""Figures of a report as SVG, drawn by matplotlib.

Text stays text, and what would be black takes the colour of the text around it, so that a chart is read in the dark,
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from anirec.evaluate.intervals import Interval
from anirec.evaluate.report import FLOORS, Report, Slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f")
"""Told apart by colour-blind people, too (Okabe & Ito 2008); floors are grey."""
MARKS: Final = "os^Dv<>p"
GREY: Final = "#8a8a8a"
TEXT: Final = "#010203"
"""Stands for the colour of the text around it until the SVG is written."""
WIDTH: Final = 7.6


@dataclass(frozen=True)
class Chart:
    """A picture with the words for those who do not see it. svg: the element."""

    title: str
    svg: str
    about: str


@dataclass(frozen=True)
class Look:
    """How each model is drawn, in every chart the same."""

    colour: str
    mark: str
    line: str


def looks_of(models: Sequence[str]) -> dict[str, Look]:
    """Return a look for each model; floors are grey and dashed."""
    real = [name for name in models if name not in FLOORS]
    found = {name: Look(COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)], "-") for i, name in enumerate(real)}
    floors = [name for name in models if name in FLOORS]
    return found | {name: Look(GREY, "x+"[i % 2], "--") for i, name in enumerate(floors)}


def by_parts(parts: Sequence[Slice], looks: Mapping[str, Look]) -> Chart:
    """Return one line a model over the parts of one slice, in their order, with intervals."""
    first = parts[0]
    title = f"{first.metric} by {first.by} ({first.figure})"
    with drawing(3.1) as (axes, done):
        for at, (name, look) in enumerate(looks.items()):
            here = [(x, part.rows[name]) for x, part in enumerate(parts) if name in part.rows]
            if here:
                shift = 0.05 * (at - len(looks) / 2) / max(len(looks) / 2, 1)
                _points(axes, [x + shift for x, _ in here], [i for _, i in here], name, look)
        labels = [f"{part.label}\n{max(i.n for i in part.rows.values()):,} cases" for part in parts]
        axes.set_xticks(range(len(parts)), labels, fontsize=8)
        axes.set_ylabel(first.metric)
        axes.set_ylim(bottom=0)
        _legend(axes)
    best = "; ".join(f"{p.label}: {max(p.rows.items(), key=lambda one: one[1].mean)[0]}" for p in parts)
    return Chart(title, done[0], f"{title}. Best of each part: {best}.")


def plane(report: Report, figure: str, looks: Mapping[str, Look]) -> Chart | None:
    """Return accuracy against novelty: a point a model, with both intervals; None where novelty is not known."""
    rows = [row for row in report.rows if row.figure == figure and "novelty" in row.beyond]
    if not rows:
        return None
    with drawing(3.6) as (axes, done):
        for row in rows:
            x, y, look = row.beyond["novelty"], row.metrics["ndcg@10"], looks[row.model]
            axes.errorbar(
                x.mean, y.mean, xerr=_bars([x]), yerr=_bars([y]), color=look.colour, marker=look.mark, markersize=5
            )
            axes.annotate(row.model, (x.mean, y.mean), xytext=(6, 5), textcoords="offset points", fontsize=8)
        axes.set_xlabel("novelty of the first ten, bits (further right: known to fewer)")
        axes.set_ylabel("NDCG@10")
        axes.set_ylim(bottom=0)
    told = "; ".join(f"{r.model} {r.metrics['ndcg@10'].mean:.3f} at {r.beyond['novelty'].mean:.1f} bits" for r in rows)
    return Chart(f"Accuracy against novelty ({figure})", done[0], f"{told}.")


def bars(report: Report, figure: str, measures: Mapping[str, str], title: str) -> Chart | None:
    """Return horizontal bars of some measures side by side, a bar a model. measures: what to call each, by name."""
    rows = [row for row in report.rows if row.figure == figure and set(measures) & set(row.beyond)][::-1]
    if not rows:
        return None
    with drawing(0.8 + 0.26 * len(rows), columns=len(measures)) as (every, done):
        for axes, (name, label) in zip([every] if len(measures) == 1 else every, measures.items(), strict=True):
            here = [(at, row.beyond[name]) for at, row in enumerate(rows) if name in row.beyond]
            spans = [interval for _, interval in here]
            axes.barh(
                [at for at, _ in here],
                [interval.mean for interval in spans],
                xerr=_bars(spans),
                color=[GREY if rows[at].model in FLOORS else COLOURS[0] for at, _ in here],
                ecolor=TEXT,
            )
            axes.set_yticks(range(len(rows)), [row.model for row in rows])
            axes.set_title(label, fontsize=9)
    told = "; ".join(
        f"{row.model}: " + ", ".join(f"{name} {row.beyond[name].mean:.3f}" for name in measures if name in row.beyond)
        for row in rows[::-1]
    )
    return Chart(f"{title} ({figure})", done[0], f"{told}.")


@contextmanager
def drawing(height: float, columns: int = 1) -> Iterator[tuple[Any, list[str]]]:
    """Give axes to draw on, one or several side by side; afterwards the list holds the SVG. height: inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    plain = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style: Any = dict.fromkeys(plain, TEXT) | {
        "svg.fonttype": "none",
        "svg.hashsalt": "anirec",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "errorbar.capsize": 2,
        "grid.alpha": 0.25,
        "axes.grid": True,
    }
    done: list[str] = []
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure.subplots(1, columns, sharey=columns > 1), done
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    done.append(svg[svg.index("<svg") :].replace(TEXT, "currentColor"))


def _points(axes: Axes, x: list[float], found: list[Interval], name: str, look: Look) -> None:
    y = [interval.mean for interval in found]
    axes.errorbar(
        x, y, yerr=_bars(found), color=look.colour, marker=look.mark, linestyle=look.line, markersize=4, label=name
    )


def _bars(found: Sequence[Interval]) -> list[list[float]]:
    return [[max(i.mean - i.low, 0) for i in found], [max(i.high - i.mean, 0) for i in found]]


def _legend(axes: Axes) -> None:
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
