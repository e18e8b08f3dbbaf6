"""`leave-one-out`: one like of each person is to be found, the last one; all else they have is given, and learned from.

Its franchise-excluded twin is the figure `unrelated`, which every report has: who is left a second season is asked for
nothing new. Last is by time where all likes of a person have one, else in the order stored, which is by id. Weaknesses:
what is last by id is newer than the rest, and no taste; with one target NDCG@10 is mostly 0 or luck; and the people
asked were learned from, which flatters models that keep a vector for each.
"""

from __future__ import annotations

from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import leave_one_out

NAME = "leave-one-out"
VERSION = 1


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Leave the last like out of at most `asked.users` users with two likes or more."""
    split = leave_one_out(dataset, n_users=asked.users, rng=asked.rng(1), eligible_sources=asked.full_lists)
    parameters = asked.parameters | {"users": len(split.cases), "given": "all but the last like"}
    return Exam(NAME, VERSION, parameters, split.train, split.cases)
