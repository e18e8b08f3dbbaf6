"""`sampled-100-uniform`, `sampled-100-popular`: the last like among 100 titles that were drawn, as AnimeRecBERT did.

Likes are scores of 7 or more; titles with fewer than 10 likes, then users with fewer than 10, are left out once; the
last like is the target, the one before it was its validation and is given here to nobody and learned by nobody. The
100 others are titles that the person does not like, drawn evenly, or as often as they are liked; for each person with
a generator of their own from the seed. Source: the evaluation of BERT4Rec-VAE-Pytorch, as AnimeRecBERT ran it.

Weaknesses: among 100 titles drawn evenly hardly one is known, so whoever knows which titles are popular finds nearly
every target; models cannot be told apart. That is why it is never shown without the full ranking of the same cases.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case, leave_one_out, without_last

NAMES = ("sampled-100-uniform", "sampled-100-popular")
VERSION = 1
NEGATIVES = 100
LEAST = 10


def make(dataset: Dataset, asked: Asked, *, popular: bool) -> Exam:
    """Filter once, hold the last two likes out of everybody who is asked, and draw what the last one is ranked among.

    Raises:
        InputError: there are not 100 titles besides what a person likes.
    """
    likes = filtered(dataset)
    last = leave_one_out(
        likes, n_users=asked.users, min_likes=LEAST, rng=asked.rng(1), eligible_sources=asked.full_lists
    )
    places = np.searchsorted(likes.user_ids, [case.user_id for case in last.cases])
    before = without_last(last.train, places)
    cases = tuple(replace(case, given=shorter.given) for case, shorter in zip(last.cases, before.cases, strict=True))
    counts = likes.like_counts()
    negatives = np.array(
        [
            _drawn(likes, counts, case, int(place), asked, popular=popular)
            for case, place in zip(cases, places, strict=True)
        ],
        dtype=np.int32,
    ).reshape(len(cases), NEGATIVES)
    parameters = asked.parameters | {"users": len(cases), "given": "all but the last two likes", "negatives": NEGATIVES}
    return Exam(NAMES[popular], VERSION, parameters, before.train, cases, negatives=negatives)


def filtered(dataset: Dataset) -> Dataset:
    """Return the likes of titles with enough of them by users with enough of those; each looked at once."""
    likes = dataset.where(dataset.liked)
    likes = likes.where(likes.like_counts()[likes.items] >= LEAST)
    return likes.where(np.diff(likes.indptr)[likes.users] >= LEAST)


def _drawn(
    likes: Dataset, counts: NDArray[np.int64], case: Case, place: int, asked: Asked, *, popular: bool
) -> NDArray[np.int32]:
    """Return the ids of 100 different titles that one user does not like."""
    own = likes.items[likes.indptr[place] : likes.indptr[place + 1]]
    left = np.setdiff1d(np.flatnonzero(counts), own)
    if len(left) < NEGATIVES:
        raise InputError(
            f"user {case.user_id} likes all but {len(left)} of the titles; {NEGATIVES} are needed to draw from"
        )
    rng = np.random.default_rng([asked.seed, 7, case.user_id % 2**63])
    chances = counts[left] / counts[left].sum() if popular else None
    drawn: NDArray[np.int32] = likes.anime_ids[rng.choice(left, NEGATIVES, replace=False, p=chances)]
    return drawn
