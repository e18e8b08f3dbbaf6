"""`plan-to-watch`: from what people like, what they plan to watch is to be found.

Intent instead of approval: nobody has to have watched a title for it to count. Weaknesses: what is planned is what is
talked about, or what came next on a page that itself recommends; many plan more than they will ever watch.
"""

from __future__ import annotations

import numpy as np

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case, drawn

NAME = "plan-to-watch"
VERSION = 1
MIN_LIKES = 3


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Hold users out who like at least three titles and plan one; the likes are given, the plans are the targets.

    Raises:
        InputError: nobody has both; the statuses of entries are not known.
    """
    planned = (dataset.statuses == Status.PLANNED) & ~dataset.liked
    likes = np.bincount(dataset.users[dataset.liked], minlength=dataset.n_users)
    plans = np.bincount(dataset.users[planned], minlength=dataset.n_users)
    able = np.flatnonzero((likes >= MIN_LIKES) & (plans > 0))
    if not len(able):
        raise InputError("nobody likes three titles and plans to watch one; this protocol needs entries with a status")
    users = drawn(able, asked.users, asked.max_share, asked.rng(1), least=1)
    cases = []
    for user in users.tolist():
        rows = slice(int(dataset.indptr[user]), int(dataset.indptr[user + 1]))
        given = dataset.profile(user).where(dataset.liked[rows])
        targets = dataset.anime_ids[dataset.items[rows][planned[rows]]]
        cases.append(Case(int(dataset.user_ids[user]), given, targets))
    parameters = asked.parameters | {"users": len(cases), "given": "all likes"}
    return Exam(NAME, VERSION, parameters, dataset.without_users(users), tuple(cases))
