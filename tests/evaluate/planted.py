"""Planted worlds for the protocol, and models in them whose quality is known before anything is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.evaluate.exam import Exam
from anirec.evaluate.report import Report
from anirec.evaluate.run import run
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case
from worlds import catalogue_of, dataset_of

N, USERS, LIKES, GIVEN = 400, 250, 15, 12
CATALOGUE = catalogue_of(N)
TRAIN = dataset_of({user: dict.fromkeys(range(1, N + 1), 9) for user in range(2)})
"""Everybody likes everything: every title is a candidate, and nothing is more popular than anything else."""


@dataclass(frozen=True)
class ByProfile:
    """Scores that are looked up by what is given."""

    items: NDArray[np.int32]
    wanted: dict[bytes, tuple[NDArray[np.int32], NDArray[np.float64]]]

    @classmethod
    def oracle(cls, cases: Sequence[Case], n: int = N, gains: Sequence[NDArray[np.float64]] | None = None) -> ByProfile:
        """Knows the targets of every case, and what each is worth."""
        worth = gains or [np.ones(len(case.targets)) for case in cases]
        wanted = {c.given.anime_ids.tobytes(): (c.targets, g) for c, g in zip(cases, worth, strict=True)}
        return cls(np.arange(1, n + 1, dtype=np.int32), wanted)

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in enumerate(profiles):
            ids, gains = self.wanted[profile.anime_ids.tobytes()]
            scores[row, np.searchsorted(self.items, ids)] = gains
        return scores


@dataclass(frozen=True)
class Fixed:
    """The same scores for everybody."""

    items: NDArray[np.int32]
    scores: NDArray[np.float32]

    @classmethod
    def of(cls, scores: dict[int, float]) -> Fixed:
        return cls(np.array(list(scores), np.int32), np.array(list(scores.values()), np.float32))

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        return np.tile(self.scores, (len(profiles), 1))


def random_cases(seed: int = 1, n: int = USERS) -> tuple[Case, ...]:
    """Users who like 15 titles drawn at random, of which 12 are given."""
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(N, LIKES, replace=False) + 1 for _ in range(n)]
    return tuple(
        Case(user, Profile.of_likes(likes[:GIVEN].tolist()), np.sort(likes[GIVEN:]).astype(np.int32))
        for user, likes in enumerate(drawn)
    )


def case(given: Sequence[int], targets: Sequence[int], user: int = 1) -> Case:
    return Case(user, Profile.of_likes(given), np.array(targets, dtype=np.int32))


def report_of(
    models: Mapping[str, Recommender],
    cases: Sequence[Case],
    catalogue: Catalogue = CATALOGUE,
    seed: int = 0,
    train: Dataset = TRAIN,
) -> Report:
    return run(
        models,
        Exam("planted", 1, {"users": len(cases)}, train, tuple(cases)),
        catalogue,
        rng=np.random.default_rng(seed),
        progress=silent,
    )


def silent(_model: str, _done: int, _total: int) -> None:
    """Report no progress."""
