"""One section of results -> docs/parity.md: ours beside public implementations. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """# Parity

Made by `make tables` from the newest results; do not edit it. How to run it again: `benchmarks/peers/README.md`.

Ours and public implementations on one split: {users:,} users to learn from, {titles:,} titles, {likes:,} likes;
{tests:,} users held out wholly, 80 % of their likes given, NDCG@10 over the full catalogue; 95 % intervals of the
paired difference over users. Seconds are {seconds}. Measured at commit `{commit}`.

Each cell of a cost is ours / theirs. Tuned: the best of {trials} trials on the validation users, as many for a peer as
for ours; nets have a budget of seconds instead, the same on both sides of a row. s to 99 %: until NDCG@10 is first
within 1 % of what the lower of the two comes to. Peak MB: of the process that loads the split and the library, fits,
tunes and makes the lists. ms a list: of the processor, from the likes of one user to 100 titles, the median over users
asked for one by one; – is not measured, * is the time of a batch by its users; † was measured earlier{earlier}.
`ease` scores with the whole matrix, as peers do; `ease-served` is what a bundle holds.
"""

SIDES = ("ours", "theirs")


def whole(parity: Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> str:
    """Return the text of docs/parity.md. metrics: the section of `peers/metrics_speed.py`, if it was measured."""
    split = parity["split"]
    settings = {pair[side]: pair["facts"][side] for pair in parity["pairs"] for side in SIDES}
    commits = sorted({pair["commit"] for pair in parity["pairs"] if "commit" in pair})
    lines = [
        HEAD.format(
            earlier=f", at `{'`, `'.join(commits)}`" if commits else "",
            users=split["users"],
            titles=split["titles"],
            likes=split["likes"],
            tests=split["test_users"],
            seconds=parity["seconds_are"],
            commit=parity["commit"],
            trials=parity["trials"],
        ),
        *table(parity),
        *([] if metrics is None else ["", *_metrics(metrics)]),
        "",
        "## Settings",
        "",
        *(f"- {name}: {facts}" for name, facts in settings.items()),
    ]
    return "\n".join(lines) + "\n"


def table(parity: Mapping[str, Any]) -> list[str]:
    """Return the lines of the table: a row for each pair, and one for each peer that did not run, with the reason."""
    return [
        "| ours | theirs | NDCG@10, ours | theirs | ours - theirs | fit s | s to 99 % | peak MB | ms a list |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(pair) for pair in parity["pairs"]),
        *(f"| | {name} | | | did not run: {_cell(why)} | | | | |" for name, why in parity["did_not_run"].items()),
    ]


def _line(pair: Mapping[str, Any]) -> str:
    found = pair["ndcg@10"]
    apart = found["difference"]
    means = [f"{found[side]['mean']:.4f}" for side in SIDES]
    mark = " **below**" if pair["below"] else ""
    interval = f"{apart['mean']:+.4f} [{apart['low']:.4f}, {apart['high']:.4f}]{mark}"
    costs = [
        _both(pair["fit_s"], ".1f"),
        _both(pair["seconds_to_quality"], ".1f"),
        _both(pair["peak_mb"], ",.0f"),
        _both(pair["wait_ms"], ".2f", {side: "" if pair["alone"][side] else "*" for side in SIDES}),
    ]
    ours = f"{pair['ours']} †" if "commit" in pair else pair["ours"]
    return f"| {' | '.join([ours, pair['theirs'], *means, interval, *costs])} |"


def _both(values: Mapping[str, float | None], form: str, marks: Mapping[str, str] | None = None) -> str:
    """Return both sides of a cost; – where one is not known."""
    marks = marks or dict.fromkeys(SIDES, "")
    return " / ".join("–" if (value := values[side]) is None else f"{value:{form}}{marks[side]}" for side in SIDES)


METRICS = """## Marking the same lists

{users:,} users, 100 titles each, marked by ours and by LensKit ({version}): NDCG@10 differs by at most {ndcg:.0e} for a
user, recall@10 by {recall:.0e} at the same denominator (LensKit's is at most the length of the list). Definitions that
differ: `benchmarks/peers/metrics_speed.py`. Least seconds of the processor of {repeats} runs, peak memory of the
process, and what it was before marking. Measured at commit `{commit}`.
"""


def _metrics(found: Mapping[str, Any]) -> list[str]:
    rows = (("anirec", found["ours"]), ("lenskit", found["theirs"]))
    return [
        METRICS.format(
            users=found["users"],
            version=found["version"],
            ndcg=found["apart"]["ndcg@10"],
            recall=found["apart"]["recall@10"],
            repeats=found["repeats"],
            commit=found["commit"],
        ),
        "| marked by | containers of the arrays, s | marking, s | both, s | MB before | peak MB |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {name} | {one['containers_s']:.3f} | {one['marking_s']:.3f} "
            f"| {one['containers_s'] + one['marking_s']:.3f} | {one['before_mb']:,.0f} | {one['peak_mb']:,.0f} |"
            for name, one in rows
        ),
        "",
        f"LensKit takes {found['marking_ratio']:.1f} times as long to mark, "
        f"{found['whole_ratio']:.1f} times with the containers.",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
