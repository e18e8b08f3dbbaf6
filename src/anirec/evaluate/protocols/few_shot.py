"""`few-shot-N`: the users and targets of `heldout-users`, but only N of the likes are given.

What a newcomer gets who names a few favourites. Weaknesses: those of `heldout-users`; and favourites that people would
name are not random likes, but better known ones.
"""

from __future__ import annotations

from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols import heldout_users
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset

NAME = "few-shot"
VERSION = 1
USUAL = (1, 3, 5, 10, 20)


def make(dataset: Dataset, asked: Asked, *, likes: int) -> Exam:
    """Give at most so many likes of each, and nothing else; fewer are always part of more."""
    split = heldout_users.split_of(dataset, asked).few(likes)
    parameters = asked.parameters | {"users": len(split.cases), "given": f"{likes} of the likes"}
    return Exam(f"{NAME}-{likes}", VERSION, parameters, split.train, split.cases)
