"""`heldout-users`: people of whom nothing was learned give a random 80 % of their likes; the rest is to be found.

Weaknesses: likes are drawn at random, so what came later may be given to find what came before; a title that a person
would have liked and never met counts as a miss; people who publish lists are not everybody.
"""

from __future__ import annotations

from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Split, held_out_users

NAME = "heldout-users"
VERSION = 1
GIVEN = 0.8
MIN_LIKES = 5


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Hold users out, at most `asked.users`, and at most the share of them that leaves enough to learn from."""
    split = split_of(dataset, asked)
    parameters = asked.parameters | {"users": len(split.cases), "given": "a random 80 % of the likes"}
    return Exam(NAME, VERSION, parameters, split.train, split.cases)


def split_of(dataset: Dataset, asked: Asked) -> Split:
    """Return the split, which other protocols ask other things of."""
    return held_out_users(
        dataset,
        n_users=asked.users,
        min_likes=MIN_LIKES,
        input_share=GIVEN,
        max_share=asked.max_share,
        rng=asked.rng(1),
        eligible_sources=asked.full_lists,
    )
