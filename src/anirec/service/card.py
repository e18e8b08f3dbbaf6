"""A model card: what a bundle was made from, how good it was found to be and on whom, and what it cannot do.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anirec.evaluate.figures import FIGURES
from anirec.evaluate.intervals import Interval
from anirec.evaluate.report import Report
from anirec.evaluate.run import MAIN

EXPLAINED: Final = {
    "raw": "anything that was not given may be recommended",
    "unrelated": "relatives of what was given are taken out",
    "franchises": "as served: one opener for each franchise that is new to the user",
}

LIMITS: Final = """\
- Learned from people who publish what they watch; they are not everybody, and like what such people like.
- An anime that hardly anybody has rated is ranked where known ones like it stand: by what it is about, not how good.
- A like is a score of 7 or more. What people would have liked and never met counts as a miss.
- Franchises are found by relations and titles; a few per cent of them are wrong (`tests/prepare`).
- Whether a title is for adults is taken from its source; what the source does not mark is not hidden.
- Ratings end where the data end: a new season's titles are in the bundle only when it is built anew."""


def model_card(facts: Mapping[str, Any], config: Mapping[str, Any], report: Report, default: str) -> str:
    """Return the card as Markdown.

    facts: of the data, see `service.training.Material`. config: of the models. report: on validation users, whom the
    models had not seen. default: the model that is served.
    """
    lines = ["# Model card", "", f"Serves `{default}`. Made by `anirec train`.", "", "## Data", ""]
    lines.append(
        f"{facts['users']:,} users with {facts['list_entries']:,} list entries, of which {facts['likes']:,} likes, "
        f"over {facts['anime']:,} anime. Sources: {', '.join(facts['sources'])}. Their hashes are in the manifest."
    )
    users = report.parameters["users"]
    lines += ["", "## Figures", ""]
    lines.append(
        f"{MAIN.upper()} [95 % interval over users] on {users:,} users who were held out to choose the blend's "
        "weights: no model, and no net that orders its front, had learned from them, but the weights were chosen on "
        "them and others. 80 % of a user's likes given, the rest to be found, full catalogue. `anirec evaluate` "
        "measures on users of whom nothing was used."
    )
    lines += ["", f"| model | candidates | {' | '.join(FIGURES)} |", f"|---|--:|{'--:|' * len(FIGURES)}"]
    for model in dict.fromkeys(row.model for row in report.rows):
        rows = {row.figure: row for row in report.rows if row.model == model}
        cells = [_interval(rows[figure].metrics[MAIN]) if figure in rows else "" for figure in FIGURES]
        lines.append(f"| {model} | {next(iter(rows.values())).candidates:,} | {' | '.join(cells)} |")
    lines += ["", *(f"- {figure}: {EXPLAINED[figure]}" for figure in FIGURES), "", "## Limits", "", LIMITS]
    lines += ["", "## Settings", ""]
    for model, settings in config.items():
        lines.append(f"- {model}: {', '.join(f'{name} {value}' for name, value in settings.items())}")
    return "\n".join([*lines, ""])


def _interval(found: Interval) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
