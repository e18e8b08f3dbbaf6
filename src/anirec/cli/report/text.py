"""A report as tables in a terminal."""

from __future__ import annotations

import click

from anirec.cli import render
from anirec.evaluate.intervals import Interval
from anirec.evaluate.report import FIGURE_WORDS, Report

SHOWN = ("ndcg@10", "ndcg@20", "ndcg@100", "recall@10", "recall@50", "recall@100", "mrr")


def print_report(report: Report) -> None:
    """Print a table for each figure, then what else was found."""
    for figure, cases in report.cases.items():
        click.echo(f"\n{figure}: {FIGURE_WORDS[figure]} ({cases:,} users, full catalogue)")
        rows = [
            [
                *(row.model, "" if row.candidates is None else f"{row.candidates:,}"),
                *(_mean(row.metrics[name]) for name in SHOWN),
                *(f"{row.coverage:.1%}", f"{row.popularity:,.0f}"),
            ]
            for row in report.rows
            if row.figure == figure
        ]
        columns = ["model", "candidates", *SHOWN, "coverage@10", "popularity@10"]
        render.print_table(columns, rows, right=columns[1:])
    _print_beyond(report)
    _print_slices(report)
    if report.sampled:
        click.echo(f"\nAmong {report.sampled[0].candidates:,} sampled titles: read it beside the full ranking above")
        names = list(report.sampled[0].metrics)
        sampled = [[row.model, *(_mean(row.metrics[name]) for name in names)] for row in report.sampled]
        render.print_table(["model", *names], sampled, right=names)
    difference = report.over_popularity["raw"].get("ease")
    if difference is not None:
        click.echo(f"EASE over popularity, NDCG@10, raw, paired: {difference}")


def _print_beyond(report: Report) -> None:
    """Print what the first tens are like besides right."""
    served = [row for row in report.rows if row.figure == "franchises"] or list(report.rows)
    names = list(dict.fromkeys(name for row in served for name in row.beyond))
    rows = [
        [row.model, f"{row.gini:.3f}", *(_mean(row.beyond[name]) if name in row.beyond else "" for name in names)]
        for row in served
    ]
    if rows:
        click.echo(f"\nThe first ten besides right ({served[0].figure})")
        render.print_table(["model", "gini", *names], rows, right=["gini", *names])


def _print_slices(report: Report) -> None:
    """Print every table of parts: a column a part, a row a model."""
    for (by, figure, metric), parts in report.tables().items():
        click.echo(f"\n{metric} by {by} ({figure})")
        models = list(dict.fromkeys(name for part in parts for name in part.rows))
        columns = [f"{part.label} ({max(i.n for i in part.rows.values()):,})" for part in parts]
        rows = [[name, *(_mean(part.rows[name]) if name in part.rows else "" for part in parts)] for name in models]
        render.print_table(["model", *columns], rows, right=columns)


def _mean(interval: Interval) -> str:
    return f"{interval.mean:.3f} ±{(interval.high - interval.low) / 2:.3f}"
