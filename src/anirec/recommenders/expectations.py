"""What somebody may expect of a title: how likely they are to like it once they have seen it, and how they score it.

What they do: `match` makes of a blend's chance (which says what people go on to see and like, among all titles) the
share of those who liked it among those who saw it, by logistic regression on the chance and the length of the profile.
`scores` predicts a score from the mean of the person's scores, how much better than usual people score the title, how
the person scored the titles that EASE finds nearest to it, and the chance, by linear regression. Both are learned on
users whom no part has seen, from scores that were hidden: from the first `Expecting.front` titles of their lists, as
those are what is shown.
What they do not: order anything.

Source: calibration of scores, Platt 1999, "Probabilistic Outputs for Support Vector Machines"; offsets of users and
titles and the neighbours' residuals, Koren 2008, "Factorization Meets the Neighborhood", sections 2.1 and 2.2, with
EASE's weights as similarities.

Memory: 2 bytes a title. Workable sizes: any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in, rows_of
from anirec.core.columns import MAX_SCORE, MIN_SCORE
from anirec.core.errors import InputError
from anirec.core.profile import LIKED_FROM, Profile
from anirec.core.protocols import Personal, Recommender
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Hidden

LEAST_CHANCE: Final = 1e-9
ROUNDS: Final = 30  # of Newton's method, which takes some six


@dataclass(frozen=True)
class Expecting:
    """How expectations are learned.

    users: at most so many, of those held out to learn the blend's weights. share: of each one's scores that are hidden.
    front: of each list, what is looked at. enough: scores on a profile from which more are predicted. doubt_user,
    doubt_title: scores at which the offset of a user or title is halved. doubt_near: the same of neighbours' residuals,
    in weights of EASE. ridge: price of the coefficients of both regressions. few: a second profile of each user is at
    most so many of their likes, without scores, see `Hidden.few`.
    """

    users: int = 1500
    share: float = 0.2
    front: int = 200
    enough: int = 3
    doubt_user: float = 3.0
    doubt_title: float = 5.0
    doubt_near: float = 0.2
    ridge: float = 1.0
    few: int = 30

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        doubts = (self.doubt_user, self.doubt_title, self.doubt_near, self.ridge)
        if min(self.users, self.front, self.enough, self.few) < 1 or not 0 < self.share < 1 or min(doubts) <= 0:
            raise InputError(f"expectations need counts of at least 1, a share in 0..1 and doubts above 0; got {self}")


@dataclass(frozen=True)
class Offsets:
    """How people score.

    mean: of all scores. items: int32 [n], ascending. offset: float16 [n], how much better each is scored than its users
    score else, drawn to 0 where few scored it.
    """

    mean: float
    items: NDArray[np.int32]
    offset: NDArray[np.float16]

    @classmethod
    def of(cls, dataset: Dataset, config: Expecting) -> Self:
        """Take them from all scores; users count by their own mean, drawn to that of all where they have few."""
        scored = dataset.scores > 0
        users, items = dataset.users[scored], dataset.items[scored]
        scores = dataset.scores[scored].astype(np.float64)
        mean = float(scores.mean()) if len(scores) else 0.0
        count = np.bincount(users, minlength=dataset.n_users)
        of_user = np.bincount(users, scores - mean, minlength=dataset.n_users) / (count + config.doubt_user)
        left = scores - mean - of_user[users]
        n = len(dataset.anime_ids)
        of_item = np.bincount(items, left, minlength=n) / (np.bincount(items, minlength=n) + config.doubt_title)
        return cls(mean, dataset.anime_ids, of_item.astype(np.float16))

    def at(self, anime_ids: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return float64 [len(anime_ids)], 0 for those that are not known."""
        offsets = np.zeros(len(anime_ids))
        rows, known = found_in(self.items, anime_ids)
        offsets[known] = self.offset[rows]
        return offsets

    def of_user(self, profile: Profile, config: Expecting) -> tuple[float, NDArray[np.float64]]:
        """Return the person's own offset, and [m] what each score has above both offsets; 0 where there is none."""
        scored = ~np.isnan(profile.scores)
        left = np.where(scored, profile.scores - self.mean - self.at(profile.anime_ids), 0.0)
        own = float(left.sum() / (scored.sum() + config.doubt_user))
        return own, np.where(scored, left - own, 0.0)


@dataclass(frozen=True)
class Expectations:
    """What was learned.

    matching: float64 [4], see `_matched`. offsets, scoring: what scores are predicted from, float64 [6], see
    `_scored`; None where that was no better than the offsets alone. doubts: how it was learned. found: figures of users
    who were held out once more, see `fit`.
    """

    matching: NDArray[np.float64]
    offsets: Offsets
    scoring: NDArray[np.float64] | None
    doubts: Expecting = field(default_factory=Expecting)
    found: Mapping[str, float] = field(default_factory=dict)

    def match(self, chances: NDArray[np.float32], size: int) -> NDArray[np.float64]:
        """Return float64 [n], 0..1: of people who saw titles of such chances, the share who liked them (7 or more).

        size: titles on the profile that the chances are of.
        """
        odds = _matched(chances, size) @ self.matching
        shares: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
        return shares

    def scores(
        self, profile: Profile, anime_ids: NDArray[np.int32], chances: NDArray[np.float32], near: NDArray[np.float32]
    ) -> NDArray[np.float64] | None:
        """Return float64 [n], 1..10: which scores to expect; None where the profile has few, or nothing was learned.

        near: float32 [m, n], see `nearness`.
        """
        if self.scoring is None or not self.predicts(profile):
            return None
        told = _scored(self.offsets, self.doubts, profile, anime_ids, chances, near)
        expected: NDArray[np.float64] = np.clip(self.offsets.mean + told @ self.scoring, MIN_SCORE, MAX_SCORE)
        return expected

    def predicts(self, profile: Profile) -> bool:
        """Return whether `scores` has an answer."""
        return self.scoring is not None and int((~np.isnan(profile.scores)).sum()) >= self.doubts.enough

    def carried_over(self, offsets: Offsets) -> Self:
        """Return the same with offsets from more people."""
        return type(self)(self.matching, offsets, self.scoring, self.doubts, self.found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle keeps, besides `facts`."""
        kept: dict[str, NDArray[Any]] = {"expected_matching": self.matching}
        if self.scoring is not None:
            kept |= {"expected_scoring": self.scoring}
        kept |= {"expected_items": self.offsets.items, "expected_offset": self.offsets.offset}
        return kept

    def facts(self) -> dict[str, Any]:
        """Return the numbers that a bundle keeps in its manifest."""
        doubts = {name: getattr(self.doubts, name) for name in Expecting.__dataclass_fields__}
        return {"mean": self.offsets.mean, "learned": doubts, "found": dict(self.found)}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Self:
        """Rebuild them from what `arrays` and `facts` returned.

        Raises:
            ValueError: they do not fit together.
        """
        items, offset = arrays["expected_items"], arrays["expected_offset"]
        matching, scoring = arrays["expected_matching"], arrays.get("expected_scoring")
        known = {name: facts["learned"][name] for name in Expecting.__dataclass_fields__}
        fits = items.shape == offset.shape and matching.shape == (4,) and (scoring is None or scoring.shape == (6,))
        numbers = np.concatenate([matching, offset, [facts["mean"]], () if scoring is None else scoring])
        if not fits or not np.isfinite(numbers).all():
            raise ValueError("what the blend expects does not fit together")
        return cls(
            matching, Offsets(float(facts["mean"]), items, offset), scoring, Expecting(**known), dict(facts["found"])
        )


def nearness(contributions: NDArray[np.float32], profile: Profile) -> NDArray[np.float32]:
    """Return float32 [m, n], at least 0: how near each title of the profile is to others, by EASE's weights.

    contributions: [m, n], see `Personal`; what each adds is its liking times the weight.
    """
    liking = profile.liking[:, np.newaxis]
    told = np.abs(liking) > 0
    near: NDArray[np.float32] = np.maximum(
        np.divide(contributions, liking, out=np.zeros_like(contributions), where=told), 0
    )
    return near


def fit(
    blend: Recommender,
    personal: Personal,
    offsets: Offsets,
    cases: Sequence[Hidden],
    config: Expecting,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Expectations | None:
    """Learn from hidden scores; None where no case has any among the front of its list.

    blend, personal: fitted on others than the users of the cases; offsets: of the same others. What `found` says is of
    every second case, with coefficients learned on the others: rmse and mae of the prediction (`scores`), of the
    offsets of user and title (`user_and_title`), and of the title's alone (`title`); brier of match, and of the share
    that all titles have (`brier_of_all`). Scores are predicted only if that was better than the offsets of both.
    """
    seen: list[_Look] = []
    for number, case in enumerate(cases):
        progress(number, len(cases))
        for one in (case, case.few(config.few, rng)):
            seen += _looks(blend, personal, offsets, one, config, number) if one else []
    progress(len(cases), len(cases))
    liked = np.array([one.score >= LIKED_FROM for one in seen])
    if not seen or liked.all() or not liked.any():
        return None
    odd = np.array([one.case % 2 == 1 for one in seen])
    worth = _worth(np.array([one.case for one in seen]))
    about = np.stack([one.matched for one in seen])
    rated = np.array([one.told is not None for one in seen])
    told = np.stack([one.told if one.told is not None else np.zeros(6) for one in seen])
    score = np.array([one.score for one in seen]) - offsets.mean
    learn, test = ~odd & rated, odd & rated
    matching = logistic(about[~odd], liked[~odd], worth[~odd], config.ridge) if not odd.all() else np.zeros(4)
    found = {
        "titles": float(odd.sum()),
        "liked": float(np.average(liked[odd], weights=worth[odd])) if odd.any() else 0.0,
        **_briers(about, liked, worth, odd, matching),
    }
    scoring = None
    if learn.any() and test.any():
        trial = linear(told[learn], score[learn], worth[learn], config.ridge)
        ways = {
            "scores": told[test] @ trial,
            "user_and_title": told[test][:, 1:3].sum(axis=1),
            "title": told[test][:, 2],
        }
        for way, expected in ways.items():
            missed = np.clip(expected + offsets.mean, MIN_SCORE, MAX_SCORE) - offsets.mean - score[test]
            found[f"rmse_{way}"] = float(np.sqrt(np.average(missed**2, weights=worth[test])))
            found[f"mae_{way}"] = float(np.average(np.abs(missed), weights=worth[test]))
        if found["rmse_scores"] < found["rmse_user_and_title"]:
            scoring = linear(told[rated], score[rated], worth[rated], config.ridge)
    return Expectations(logistic(about, liked, worth, config.ridge), offsets, scoring, config, found)


@dataclass(frozen=True)
class _Look:
    """One hidden score in the front of a list. matched, told: what is known beforehand, see `_matched`, `_scored`."""

    case: int
    score: float
    matched: NDArray[np.float64]
    told: NDArray[np.float64] | None


def _looks(
    blend: Recommender, personal: Personal, offsets: Offsets, case: Hidden, config: Expecting, number: int
) -> list[_Look]:
    """Look at the hidden titles that stand in front of what the blend says to what is given."""
    chances = blend.score([case.given])[0]
    free = chances.copy()
    free[rows_of(blend.items, case.given.anime_ids)] = -1
    rows, known = found_in(blend.items, case.hidden.anime_ids)
    front = np.partition(free, -config.front)[-config.front] if len(free) > config.front else -1.0
    shown = free[rows] >= front
    ids, rows, scores = case.hidden.anime_ids[known][shown], rows[shown], case.hidden.scores[known][shown]
    if not len(ids):
        return []
    about = _matched(chances[rows], len(case.given))
    told: NDArray[np.float64] | None = None
    if np.count_nonzero(~np.isnan(case.given.scores)) >= config.enough:
        near = nearness(personal.contributions(case.given, ids), case.given)
        told = _scored(offsets, config, case.given, ids, chances[rows], near)
    return [_Look(number, float(s), about[i], None if told is None else told[i]) for i, s in enumerate(scores)]


def _matched(chances: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """Return float64 [n, 4]: 1, the logarithm of the chance, that of the profile's length, and their product."""
    chance, length = np.log(np.maximum(chances, LEAST_CHANCE).astype(np.float64)) + 6.0, np.log1p(size)
    return np.stack([np.ones_like(chance), chance, np.full_like(chance, length), chance * length], axis=1)


def _scored(
    offsets: Offsets,
    config: Expecting,
    profile: Profile,
    anime_ids: NDArray[np.int32],
    chances: NDArray[np.float32],
    near: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return float64 [n, 6]: 1, offsets of person and title, the neighbours' residual, and logarithms as above."""
    own, left = offsets.of_user(profile, config)
    scored = ~np.isnan(profile.scores)
    weights = near[scored].astype(np.float64)
    residual = left[scored] @ weights / (weights.sum(axis=0) + config.doubt_near)
    about = _matched(chances, len(profile))
    ones = np.ones(len(anime_ids))
    return np.stack([ones, own * ones, offsets.at(anime_ids), residual, about[:, 1], about[:, 2]], axis=1)


def logistic(
    told: NDArray[np.float64], true: NDArray[np.bool_], worth: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Return the coefficients, float64 [v], that make what is true likeliest; the first column's goes without price.

    told: [n, v]. true: [n]. worth: [n], above 0. By Newton's method.
    """
    price = np.full(told.shape[1], ridge)
    price[0] = 1e-6
    weights = np.zeros(told.shape[1])
    for _ in range(ROUNDS):
        shares = 1 / (1 + np.exp(-np.clip(told @ weights, -30, 30)))
        slope = told.T @ (worth * (true - shares)) - price * weights
        bend = (told * (worth * shares * (1 - shares))[:, np.newaxis]).T @ told + np.diag(price)
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def linear(
    told: NDArray[np.float64], true: NDArray[np.float64], worth: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Return the coefficients, float64 [v], of least squares; arguments as in `logistic`, true: float64 [n]."""
    price = np.full(told.shape[1], ridge)
    price[0] = 1e-6
    weighed = told * worth[:, np.newaxis]
    return np.asarray(np.linalg.solve(weighed.T @ told + np.diag(price), weighed.T @ true), dtype=np.float64)


def _worth(case: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return float64 [n]: a user counts as the root of the number of their titles."""
    return np.asarray(1 / np.sqrt(np.bincount(case)[case]), dtype=np.float64)


def _briers(
    about: NDArray[np.float64],
    liked: NDArray[np.bool_],
    worth: NDArray[np.float64],
    odd: NDArray[np.bool_],
    matching: NDArray[np.float64],
) -> dict[str, float]:
    if odd.all() or not odd.any():
        return {}
    shares = 1 / (1 + np.exp(-(about[odd] @ matching)))
    of_all = np.average(liked[~odd], weights=worth[~odd])
    missed = {"brier": shares - liked[odd], "brier_of_all": of_all - liked[odd]}
    return {name: float(np.average(off**2, weights=worth[odd])) for name, off in missed.items()}
