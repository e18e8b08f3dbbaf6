"""`temporal`: what was liked before a day is given and learned, what was liked from then on is to be found.

The only protocol in which the future cannot help to find the past. The day is that before which 90 % of the dated likes
lie. Weaknesses: only sources with times can be used; a time says when an entry was last changed, not when the title was
watched; and titles that came out after the day are known to nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime

from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import by_time, cut_at

NAME = "temporal"
VERSION = 1
BEFORE = 0.9


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Cut at one time for everybody, and ask at most `asked.users` of those who liked something on both sides.

    Raises:
        InputError: no like has a time.
    """
    cut = cut_at(dataset, BEFORE)
    split = by_time(dataset, cut=cut)
    cases = asked.some(split.cases)
    day = datetime.fromtimestamp(cut, UTC).date().isoformat()
    parameters = asked.parameters | {"users": len(cases), "cut": day, "given": f"what was liked before {day}"}
    return Exam(NAME, VERSION, parameters, split.train, cases)
