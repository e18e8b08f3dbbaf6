"""A dataset -> what may be learned from, and cases to be tested on. Same data and seed, same split.

A case is one user: the profile that a recommender is given, and the liked titles that it should find. No target is
ever in the train data of its user.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import DISLIKED_TO, Profile
from anirec.prepare.dataset import Dataset


def _none() -> NDArray[np.int32]:
    return np.empty(0, dtype=np.int32)


@dataclass(frozen=True)
class Case:
    """One user to be tested on.

    given: what the recommender sees. targets: int32, ids of liked titles kept from it, ascending, at least one.
    disliked, dropped: int32, ids, ascending, of titles kept from it that the user gave a 4 or less, or dropped
    and did not like.
    """

    user_id: int
    given: Profile
    targets: NDArray[np.int32]
    disliked: NDArray[np.int32] = field(default_factory=_none)
    dropped: NDArray[np.int32] = field(default_factory=_none)


@dataclass(frozen=True)
class Hidden:
    """One user with some scores hidden. given: the rest of the list. hidden: entries with a score, at least one."""

    given: Profile
    hidden: Profile

    def few(self, most: int, rng: np.random.Generator) -> Hidden | None:
        """Return the same user as somebody who names a few favourites, without scores; None if there is no like.

        How many is drawn from 1..most, evenly on a logarithmic scale. What is hidden stays the same: what is not given
        any more were mostly not likes, and would make it seem that little is liked.
        """
        liked = np.flatnonzero(self.given.liked & self.given.seen)
        if not len(liked):
            return None
        number = int(np.exp(rng.uniform(0, np.log(most + 1))))
        named = np.sort(rng.permutation(liked)[:number])
        return replace(self, given=Profile.of_likes(self.given.anime_ids[named].tolist()))


def hide_scores(
    dataset: Dataset, user_ids: Collection[int], share: float, rng: np.random.Generator
) -> tuple[Hidden, ...]:
    """Hide a random share (0..1) of each user's scores; users whose draw hides none are left out. Ascending by user."""
    cases = []
    for user in np.flatnonzero(np.isin(dataset.user_ids, np.array(list(user_ids), dtype=np.int64))):
        profile = _known(dataset, int(user))
        hide = (rng.random(len(profile)) < share) & ~np.isnan(profile.scores)
        if hide.any():
            cases.append(Hidden(profile.where(~hide), profile.where(hide)))
    return tuple(cases)


@dataclass(frozen=True)
class Split:
    """train: what may be learned from. cases: ascending by user id."""

    train: Dataset
    cases: tuple[Case, ...]

    def few(self, n: int) -> Split:
        """Return the same split with at most n liked titles given to each case, and nothing else; the targets stay.

        The n are drawn anew by a generator seeded with the user's id, so fewer are always part of more.
        """
        return replace(self, cases=tuple(_with_few(case, n) for case in self.cases))

    def cut(self, most: int, rng: np.random.Generator) -> Split:
        """Return the cases that can be cut to fewer likes, each to a number of its own; see `few`.

        The numbers are drawn from 1..most, evenly on a logarithmic scale.
        """
        numbers = np.exp(rng.uniform(0, np.log(most + 1), len(self.cases))).astype(np.int64)
        pairs = [(case, int(n)) for case, n in zip(self.cases, numbers, strict=True)]
        return replace(self, cases=tuple(_with_few(case, n) for case, n in pairs if n < case.given.liked.sum()))


def held_out_users(
    dataset: Dataset,
    *,
    n_users: int,
    rng: np.random.Generator,
    min_likes: int = 5,
    input_share: float = 0.8,
    max_share: float = 1.0,
    eligible_sources: Collection[str] | None = None,
    likes_only: bool = True,
) -> Split:
    """Hold whole users out: none of their rows may be learned from.

    n_users: at most so many, and at most a `max_share` of those eligible, to leave somebody to learn from. They are
    drawn from those with at least `min_likes` (>= 2) likes and a row from one of the `eligible_sources` (None:
    any). Each is given a random `input_share` (above 0, below 1) of the likes, rounded to the
    nearest (a half to the even one), at least one and not all; the rest are targets. likes_only: give nothing but
    likes; otherwise everything on the list that is not a target, see `_known`.

    Raises:
        InputError: `min_likes`, `input_share` or `max_share` lies outside its range.
    """
    if not 0 < input_share < 1:
        raise InputError(f"input_share is {input_share:g}; it must lie above 0 and below 1")
    if not 0 < max_share <= 1:
        raise InputError(f"max_share is {max_share:g}; it must lie above 0 and not above 1")
    chosen = _draw(dataset, n_users, min_likes, eligible_sources, rng, max_share=max_share)
    cases = tuple(_parted(dataset, int(user), input_share, rng, likes_only=likes_only) for user in chosen)
    return Split(train=dataset.without_users(chosen), cases=cases)


def parted_anew(
    dataset: Dataset, cases: Sequence[Case], rng: np.random.Generator, *, input_share: float = 0.8
) -> tuple[Case, ...]:
    """Return the users of some cases of `held_out_users` with other likes given and other targets, ascending by user.

    dataset: what that was called with; nothing but likes is given.
    """
    users = np.flatnonzero(np.isin(dataset.user_ids, np.array([case.user_id for case in cases], dtype=np.int64)))
    return tuple(_parted(dataset, int(user), input_share, rng, likes_only=True) for user in users)


def leave_one_out(
    dataset: Dataset,
    *,
    n_users: int,
    rng: np.random.Generator,
    min_likes: int = 2,
    eligible_sources: Collection[str] | None = None,
) -> Split:
    """Hold the last like of each chosen user out: the latest where all their likes have times, else the last stored.

    Users are drawn as by `held_out_users`; their other rows are both given and learned from.

    Raises:
        InputError: `min_likes` is less than 2.
    """
    return without_last(dataset, _draw(dataset, n_users, min_likes, eligible_sources, rng))


def without_last(dataset: Dataset, users: NDArray[np.int64]) -> Split:
    """Do what `leave_one_out` does with these users (places in `user_ids`, ascending), each with two likes at least."""
    held = np.zeros(dataset.n_rows, dtype=np.bool_)
    for user in users:
        rows = np.arange(dataset.indptr[user], dataset.indptr[user + 1])
        liked = rows[dataset.liked[rows]]
        times = dataset.updated_at[liked]
        held[liked[np.lexsort((liked, times))[-1] if np.all(times >= 0) else -1]] = True
    return _split_rows(dataset, ~held, held, users)


def by_time(dataset: Dataset, *, cut: int) -> Split:
    """Learn from what happened before `cut` (epoch seconds UTC); what users liked from then on are the targets.

    A user with a like from then on is a case if an earlier like is known too, and is given what came before. Rows
    without a time may be from after the cut: they are learned from only where the user has no row from the cut on, and
    are neither given nor targets.
    """
    timed = dataset.updated_at >= 0
    late = timed & (dataset.updated_at >= cut)
    early = timed & ~late
    has_target, has_input, has_late = (
        np.bincount(dataset.users[rows], minlength=dataset.n_users) > 0
        for rows in (late & dataset.liked, early & dataset.liked, late)
    )
    keep = early | (~timed & ~has_late[dataset.users])
    return _split_rows(dataset, keep, late & dataset.liked, np.flatnonzero(has_target & has_input))


def cut_at(dataset: Dataset, share: float) -> int:
    """Return the time (epoch seconds UTC) before which about `share` (0..1) of the dated likes lie.

    Raises:
        InputError: no like has a time.
    """
    times = dataset.updated_at[dataset.liked & (dataset.updated_at >= 0)]
    if len(times) == 0:
        raise InputError("no like in the ratings has a time; a split by time needs `updated_at`")
    return int(np.quantile(times, share, method="nearest"))


def _draw(
    dataset: Dataset,
    n_users: int,
    min_likes: int,
    sources: Collection[str] | None,
    rng: np.random.Generator,
    *,
    max_share: float = 1.0,
) -> NDArray[np.int64]:
    """Return the places of at most `n_users` users with enough likes and a row from one of the sources, ascending."""
    if min_likes < 2:
        raise InputError(f"min_likes is {min_likes}; a case needs 2 likes, one to give and one to find")
    eligible = np.bincount(dataset.users[dataset.liked], minlength=dataset.n_users) >= min_likes
    if sources is not None:
        wanted = np.array([name in sources for name in dataset.source_names], dtype=np.bool_)
        eligible &= np.bincount(dataset.users[wanted[dataset.sources]], minlength=dataset.n_users) > 0
    return drawn(np.flatnonzero(eligible), n_users, max_share, rng)


def drawn(
    users: NDArray[np.int64], n_users: int, max_share: float, rng: np.random.Generator, *, least: int = 0
) -> NDArray[np.int64]:
    """Return random ones of these users: `n_users` or a `max_share` of them, whichever is less, but `least` at least.

    Ascending.
    """
    most = max(int(max_share * len(users)), least)
    return np.sort(rng.choice(users, min(n_users, most), replace=False))


def _split_rows(dataset: Dataset, keep: NDArray[np.bool_], held: NDArray[np.bool_], users: NDArray[np.int64]) -> Split:
    """Learn from the rows to keep; each of the users is given its kept rows and has the held ones as targets."""
    train = dataset.where(keep)
    cases = []
    for user in users:
        rows = slice(int(dataset.indptr[user]), int(dataset.indptr[user + 1]))
        targets = dataset.anime_ids[dataset.items[rows][held[rows]]]
        cases.append(Case(user_id=int(dataset.user_ids[user]), given=_known(train, int(user)), targets=targets))
    return Split(train=train, cases=tuple(cases))


def _parted(dataset: Dataset, user: int, share: float, rng: np.random.Generator, *, likes_only: bool) -> Case:
    profile = _known(dataset, user)
    liked = dataset.liked[int(dataset.indptr[user]) : int(dataset.indptr[user + 1])]
    shuffled = rng.permutation(np.flatnonzero(liked))
    n_given = min(max(round(share * len(shuffled)), 1), len(shuffled) - 1)
    held = np.sort(shuffled[n_given:])
    give = liked.copy() if likes_only else np.ones(len(profile), dtype=np.bool_)
    give[held] = False
    low, dropped = profile.scores <= DISLIKED_TO, (profile.statuses == Status.DROPPED) & ~liked
    kept = (profile.anime_ids[~give & flags] for flags in (low, dropped))
    return Case(int(dataset.user_ids[user]), _part(profile, give), profile.anime_ids[held], *kept)


def _known(dataset: Dataset, user: int) -> Profile:
    """Return a user's profile, with entries that say nothing marked as planned.

    On a profile an entry with neither score nor status means "I like this"; on a list it may be only planned. What
    `Dataset.liking` teaches as nothing must not be given as a like.
    """
    profile = dataset.profile(user)
    liked = dataset.liked[int(dataset.indptr[user]) : int(dataset.indptr[user + 1])]
    silent = np.isnan(profile.scores) & (profile.statuses == Status.UNKNOWN) & ~liked
    return replace(profile, statuses=np.where(silent, np.int8(Status.PLANNED), profile.statuses))


def _with_few(case: Case, n: int) -> Case:
    liked = np.flatnonzero(case.given.liked)
    first = np.random.default_rng(case.user_id % 2**64).permutation(liked)[:n]  # ids may be negative, seeds may not
    keep = np.zeros(len(case.given), dtype=np.bool_)
    keep[first] = True
    return replace(case, given=_part(case.given, keep))


def _part(profile: Profile, keep: NDArray[np.bool_]) -> Profile:
    return Profile(profile.anime_ids[keep], profile.scores[keep], profile.statuses[keep])
