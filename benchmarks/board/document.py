"""One section of results -> docs/leaderboard.md, and the short table of the README. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from board.plan import NATURAL

Board = Mapping[str, Any]
Line = Mapping[str, Any]

FIGURES: Final = {"raw": "anything", "unrelated": "no relatives", "franchises": "new franchises"}
SERVED: Final = "franchises"
SHOWN: Final = (SERVED, "raw")
EXPLAINED: Final = {SERVED: "New franchises only, as served", "raw": "Anything may be recommended"}
GIVEN: Final = {
    "heldout-users": "80 % of the likes given",
    "few-shot-10": "10 likes given",
    "few-shot-3": "3 likes given",
    "few-shot-1": "1 like given",
}
NONE: Final = "–"


def whole(board: Board) -> str:
    """Return the text of docs/leaderboard.md."""
    parts = [
        "# Leaderboard",
        "Made by `make tables` from the newest results; do not edit it.",
        _protocol(board),
        *(f"## {given[0].upper()}{given[1:]}\n\n{_accuracy(board, name)}" for name, given in GIVEN.items()),
        f"## Other measures, with 80 % of the likes given\n\n{_measures(board)}",
        f"## By the length of the profile\n\n{_buckets(board)}",
        f"## The deep tail\n\n{_tail(board)}",
        f"## The slider\n\n{_slider(board)}",
        f"## What it costs\n\n{_costs(board)}",
        f"## Settings\n\n{_settings(board)}",
        "## Once more\n\n`make leaderboard` measures what is not measured yet, files it, and writes this page. It may "
        "be stopped at any time. `benchmarks/leaderboard.py measure --help` says how to measure some rows only, for so "
        "many minutes, on other data.",
    ]
    return "\n\n".join(parts) + "\n"


def short(board: Board) -> str:
    """Return the tables of the README: under every protocol, what is served and what is raw; and what it costs."""
    head = ["model", *GIVEN.values(), "fit CPU s", "MB", "answer p50 ms"]
    tables = []
    for figure in SHOWN:
        lines = [
            [
                line["name"],
                *(_interval(line["figures"][protocol].get(figure)) for protocol in GIVEN),
                f"{line['fit_cpu_seconds']:,.0f}",
                _megabytes(line),
                f"{line['p50_ms']:.1f}",
            ]
            for line in _ordered(board, NATURAL)
        ]
        tables.append(f"**{EXPLAINED[figure]}** (`{figure}`)\n\n{_table(head, lines)}")
    return "\n\n".join(
        [
            f"NDCG@10, measured at commit `{board['commit']}` (`make leaderboard`). "
            "All figures: `docs/leaderboard.md`; beside public implementations: `docs/parity.md`.",
            *tables,
        ]
    )


def _protocol(board: Board) -> str:
    commits = ", ".join(f"`{commit}`" for commit in board["commits"])
    changed = " (with changes that were not committed)" if board["changed_since_commit"] else ""
    missing = [f"{name} ({n} {'training' if n == 1 else 'trainings'})" for name, n in board["missing"].items()]
    cases = board["cases"][NATURAL]
    counted = ", ".join(f"{cases[figure]:,} users have a target under *{said}*" for figure, said in FIGURES.items())
    lines = [
        f"- **Users.** {board['users']:,} users with 5 likes or more, drawn once (seed {board['split_seed']}) and the "
        "same for every row; no row learned anything of them. Sources: " + ", ".join(board["sources"]) + ".",
        "- **Given and sought.** A random 80 % of the likes (a like is a score of 7 or more) are given, or 10, 3 or 1 "
        "of these; the rest are the targets, the same each time. Who has fewer likes than that is given what there is.",
        "- **Candidates.** All titles that a model knows, never a sample; `candidates` says how many. A target that it "
        "does not know counts as missed.",
        "- **Figures.** *anything*: every title may be recommended; *no relatives*: relatives of what was given are "
        "left out of candidates and targets; *new franchises*: as served, each franchise once, by its opener. With "
        f"80 % given, {counted}.",
        "- **Floors.** `popularity` is the same list for everybody, `random` is chance.",
        "- **Chance.** Rows whose training leaves something to chance were trained with several seeds (of the blend, "
        "the users vary, too, on whom its weights are chosen): the value is the mean, ± the standard deviation over "
        "trainings. The others are closed forms and were fitted once.",
        "- **Intervals** in brackets: 95 %, percentile bootstrap over users, of the mean over trainings. They say "
        "nothing of the chance in training; ± does.",
        f"- **Differences** to `{board['baseline']}`: paired by user, with interval and p (random flips of signs, "
        "corrected after Holm over the rows of a table and figure).",
        "- **Choosing.** The blend's weights, and what `anirec tune` tries, are chosen on other users; but who picks "
        "the best of many rows picks a little luck, too.",
    ]
    if board.get("kept"):
        kept = ", ".join(board["kept"])
        lines.append(f"- **Measured earlier** and kept, with p as it was corrected beside the rows of then: {kept}.")
    if missing:
        lines.append(f"- **Not measured**: {', '.join(missing)}.")
    head = f"Measured at {commits}{changed} until {board['when']}, on {'; '.join(board['machines'])}."
    return f"## Protocol\n\n{head}\n\n" + "\n".join(lines)


def _accuracy(board: Board, protocol: str) -> str:
    head = ["NDCG@10", "candidates"]
    for said in FIGURES.values():
        head += [said, f"against {board['baseline']}"]
    lines = []
    for line in _ordered(board, protocol):
        cells = [line["name"], f"{line['candidates']:,}"]
        for figure in FIGURES:
            found = line["figures"][protocol].get(figure)
            cells += [_interval(found), _difference(found)]
        lines.append(cells)
    return _table(head, lines)


def _measures(board: Board) -> str:
    names = ("ndcg@100", "recall@10", "recall@100", "precision@10", "hit@10", "mrr")
    parts = []
    for figure, said in FIGURES.items():
        head = [said, *names, "coverage", "popularity"]
        lines = []
        for line in _ordered(board, NATURAL):
            found = line["figures"][NATURAL].get(figure)
            if found:
                cells = [f"{found['metrics'][name]:.3f}" for name in names]
                lines.append(
                    [line["name"], *cells, f"{found['coverage']:.1%}", f"{found['popularity_percentile']:.1%}"]
                )
        parts.append(_table(head, lines))
    parts.append(
        "Coverage: share of a model's candidates that stand in the first ten of at least one user. Popularity: median, "
        "over all first tens, of the share of liked titles that have fewer likes."
    )
    return "\n\n".join(parts)


def _buckets(board: Board) -> str:
    parts = []
    for figure, said in FIGURES.items():
        found = board["buckets"][figure]
        spans = [f"{b['low']}–{b['high']}" if b["high"] else f"{b['low']} and more" for b in found]
        head = [said, *(f"{span} ({b['users']:,} users)" for span, b in zip(spans, found, strict=True))]
        lines = [[line["name"], *(in_bucket(b, line["name"]) for b in found)] for line in _ordered(board, NATURAL)]
        parts.append(_table(head, lines))
    parts.append(
        "NDCG@10 by the number of titles given, with 80 % of the likes given; after it the difference to the best "
        "single model of the column (in bold; no blend), paired, with its interval, where the two were measured beside "
        "each other. The best was picked on these very users, which favours it a little."
    )
    return "\n\n".join(parts)


def in_bucket(bucket: Mapping[str, Any], name: str) -> str:
    """Return the cell of a row: its mean, in bold if that of the best single model, else with the difference."""
    found = bucket["rows"].get(name)
    if found is None:
        return NONE
    mean = f"{found['ndcg@10']['mean']:.3f}"
    if name == bucket.get("best"):
        return f"**{mean}**"
    return f"{mean}; {_signed(found['difference'])}" if "difference" in found else mean


def _tail(board: Board) -> str:
    lines = [
        [line["name"], _bracketed(line["tail"]["tail"]), _bracketed(line["tail"]["recall"])]
        for line in sorted(board["rows"], key=lambda line: -(line["tail"]["tail"] or {"mean": 0})["mean"])
    ]
    said = (
        f"Recall@100 of targets that are not among the {board['tail_from']:,} most liked titles in train "
        f"({board['cases']['tail']:,} users have such a target), and of all targets; anything may be recommended."
    )
    return f"{said}\n\n{_table(['model', 'deep tail', 'all targets'], lines)}"


def _slider(board: Board) -> str:
    if not board["slider"]:
        return "The blend is not measured."
    head = ["`--popularity`"]
    for said in FIGURES.values():
        head += [f"NDCG@10, {said}", "popularity", "coverage"]
    lines = []
    for stop, found in board["slider"].items():
        cells = [f"{float(stop):+g}" if float(stop) else "0"]
        for figure in FIGURES:
            one = found[figure]
            cells += [f"{one['ndcg@10']:.3f}", f"{one['popularity_percentile']:.1%}", f"{one['coverage']:.1%}"]
        lines.append(cells)
    return f"The blend, with 80 % of the likes given.\n\n{_table(head, lines)}"


def _costs(board: Board) -> str:
    head = ["model", "trainings", "fit s", "CPU s", "peak MB", "of which data", "size MB", "answer p50 ms", "p95 ms"]
    lines = [
        [
            line["name"],
            str(line["trainings"]),
            f"{line['fit_seconds']:,.1f}",
            f"{line['fit_cpu_seconds']:,.1f}",
            f"{line['peak_mb']:,}",
            f"{line['before_mb']:,}",
            _megabytes(line),
            f"{line['p50_ms']:.2f}",
            f"{line['p95_ms']:.2f}",
        ]
        for line in sorted(board["rows"], key=lambda line: float(line["fit_cpu_seconds"]))
    ]
    said = (
        "Each training ran in a process of its own; where others ran beside it, seconds on the clock say less than "
        "those of the processor, and answers are slower, too. Peak memory includes the data, and what reading them "
        "took at most; size is what a bundle keeps of the model, a blend's parts included; a blend's fit includes "
        "choosing its "
        f"weights. An answer is one profile of {board['rows'][0]['profile']} titles, scored, filtered and ranked."
    )
    return f"{said}\n\n{_table(head, lines)}"


def _settings(board: Board) -> str:
    lines = [[line["name"], _flat(line["config"]) or NONE] for line in board["rows"]]
    return _table(["model", "settings"], lines, right=False)


def _flat(config: Mapping[str, Any], before: str = "") -> str:
    cells = []
    for name, value in config.items():
        cells.append(_flat(value, f"{before}{name}.") if isinstance(value, Mapping) else f"`{before}{name}={value}`")
    return " ".join(cells)


def _ordered(board: Board, protocol: str) -> list[Line]:
    """Return the rows, the best mean over the figures first."""

    def mean(line: Line) -> float:
        found = line["figures"][protocol].values()
        return float(sum(one["ndcg@10"]["mean"] for one in found))

    return sorted(board["rows"], key=mean, reverse=True)


def _interval(found: Line | None) -> str:
    if not found:
        return NONE
    sd = found["spread"]["sd"]
    spread = "" if sd is None else f" ±{sd:.3f}"
    return f"{found['ndcg@10']['mean']:.3f}{spread} [{found['ndcg@10']['low']:.3f}, {found['ndcg@10']['high']:.3f}]"


def _difference(found: Line | None) -> str:
    if not found or "difference" not in found:
        return NONE
    p = found["difference"]["p"]
    return f"{_signed(found['difference'])}, p {'< .001' if p < 0.001 else f'= {p:.3f}'.replace('0.', '.', 1)}"


def _signed(interval: Line) -> str:
    return f"{interval['mean']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]"


def _bracketed(interval: Line | None) -> str:
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]" if interval else NONE


def _megabytes(line: Line) -> str:
    return f"{line['bytes'] / 1e6:,.1f}" if line["bytes"] else NONE


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], *, right: bool = True) -> str:
    marks = ["---", *(["--:" if right else "---"] * (len(head) - 1))]
    rows = [head, marks, *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
