"""One section of results -> docs/parity.md: ours beside public implementations. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """# Parity

Made by `make tables` from the newest results; do not edit it. How to run it again: `benchmarks/peers/README.md`.

Ours and public implementations on one split: {users:,} users to learn from, {titles:,} titles, {likes:,} likes;
{tests:,} users held out wholly, 80 % of their likes given, NDCG@10 over the full catalogue; 95 % intervals of the
paired difference over users. Seconds are {seconds}. Measured at commit `{commit}`.
"""


def whole(parity: Mapping[str, Any]) -> str:
    """Return the text of docs/parity.md."""
    split = parity["split"]
    lines = [
        HEAD.format(
            users=split["users"],
            titles=split["titles"],
            likes=split["likes"],
            tests=split["test_users"],
            seconds=parity["seconds_are"],
            commit=parity["commit"],
        ),
        "| ours | theirs | ours | theirs | ours - theirs | fit s, ours | theirs | s to 99 % of theirs, ours | theirs |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(pair) for pair in parity["pairs"]),
        "",
        "Settings:",
        "",
        *(f"- {pair[side]}: {pair['facts'][side]}" for pair in parity["pairs"] for side in ("ours", "theirs")),
    ]
    if parity["did_not_run"]:
        lines += ["", "Not run:", "", *(f"- {name}: {why}" for name, why in parity["did_not_run"].items())]
    return "\n".join(lines) + "\n"


def _line(pair: Mapping[str, Any]) -> str:
    found = pair["ndcg@10"]
    apart = found["difference"]
    means = [f"{found[side]['mean']:.4f}" for side in ("ours", "theirs")]
    mark = " **below**" if pair["below"] else ""
    fit = [f"{pair['fit_s'][side]:.1f}" for side in ("ours", "theirs")]
    reached = pair.get("seconds_to_quality") or {}
    until = [f"{reached[side]:.1f}" if reached.get(side) is not None else "–" for side in ("ours", "theirs")]
    interval = f"{apart['mean']:+.4f} [{apart['low']:.4f}, {apart['high']:.4f}]{mark}"
    return f"| {' | '.join([pair['ours'], pair['theirs'], *means, interval, *fit, *until])} |"
