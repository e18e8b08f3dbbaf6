"""`new-titles`: some titles are hidden from all that learn, as if they came out tomorrow, and must still be ranked.

A tenth of the titles with likes lose all their ratings. People held out give their likes of the other titles; what they
like of the hidden ones is to be found: among all titles (`raw` and the rest), and among the hidden ones alone (`new`),
where popularity knows nothing and only what a title is about can tell. Weaknesses: titles are drawn evenly, new ones
are not; facts of the catalogue, such as how many have a title on their lists, are those of today.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anirec.core.errors import InputError
from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols import heldout_users
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset

NAME = "new-titles"
VERSION = 1
HIDDEN = 0.1
MIN_LIKES = 10
"""Likes a title must have to be hidden, so that there is somebody to ask for it."""
FIGURE = "new"


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Hide titles, then hold users out as `heldout-users` does.

    Raises:
        InputError: no title has enough likes, or nobody asked likes one that is hidden.
    """
    able = np.flatnonzero(dataset.like_counts() >= MIN_LIKES)
    hidden = np.sort(asked.rng(6).choice(able, int(np.ceil(HIDDEN * len(able))), replace=False))
    ids = dataset.anime_ids[hidden]
    split = heldout_users.split_of(dataset, asked)
    cases = []
    for case in split.cases:
        own = case.given.liked_ids[np.isin(case.given.liked_ids, ids)]
        targets = np.union1d(own, case.targets[np.isin(case.targets, ids)]).astype(np.int32)
        given = case.given.where(~np.isin(case.given.anime_ids, ids))
        if len(targets) and len(given):
            cases.append(replace(case, given=given, targets=targets))
    if not cases:
        raise InputError(f"nobody held out likes one of {len(ids)} hidden titles; this protocol needs more ratings")
    is_hidden = np.zeros(len(dataset.anime_ids), dtype=np.bool_)
    is_hidden[hidden] = True
    train = split.train.where(~is_hidden[split.train.items])
    parameters = asked.parameters | {"users": len(cases), "hidden": len(ids), "given": "80 % of the likes, none hidden"}
    return Exam(NAME, VERSION, parameters, train, tuple(cases), among={FIGURE: ids})
