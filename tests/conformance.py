"""What every recommender owes. A new model joins by a line in `tests/recommenders/test_conformance.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.profile import Entry, Profile
from anirec.core.protocols import Recommender

Oracle = Callable[[Profile], NDArray[np.float64]]


@dataclass(frozen=True)
class Subject:
    """A fitted model, the same model after a round trip through a bundle, and a slow definition of its scores.

    tolerance: how far the scores may be from the definition, absolute.
    """

    model: Recommender
    restored: Recommender
    oracle: Oracle
    tolerance: float


PROFILES = [
    Profile.of([]),
    Profile.of_likes([3]),
    Profile.of([Entry(3, 9), Entry(4, 10), Entry(12, 2), Entry(5, 6)]),
    Profile.of_likes(range(1, 21)),
]


class Conformance:
    """Subclassed once per model, with a fixture `subject`."""

    def test_items_are_ascending_ids_without_repetition(self, subject: Subject) -> None:
        assert subject.model.items.dtype == np.int32
        assert np.all(np.diff(subject.model.items) > 0)

    def test_there_is_one_finite_score_for_every_profile_and_item(self, subject: Subject) -> None:
        scores = subject.model.score(PROFILES)
        assert scores.shape == (len(PROFILES), len(subject.model.items))
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_no_profiles_give_no_scores(self, subject: Subject) -> None:
        assert subject.model.score([]).shape == (0, len(subject.model.items))

    @pytest.mark.parametrize("unknown", [[999_999], [-5], [0, 2**31 - 1]])
    def test_unknown_ids_change_nothing(self, subject: Subject, unknown: list[int]) -> None:
        known = [Entry(3, 9), Entry(12, 8)]
        # Two unknown titles make the profile longer, which a blend may weigh; so both have the same length.
        stranger = Profile.of([*known, *(Entry(i, 9) for i in unknown)])
        silent = Profile(
            anime_ids=stranger.anime_ids,
            scores=np.where(np.isin(stranger.anime_ids, unknown), np.float32(1), stranger.scores),
            statuses=stranger.statuses,
        )
        np.testing.assert_array_equal(subject.model.score([stranger]), subject.model.score([silent]))

    def test_the_order_of_the_profile_changes_nothing(self, subject: Subject) -> None:
        entries = [Entry(i, 5 + i % 6) for i in (1, 3, 4, 8, 12, 15)]
        forward, backward = Profile.of(entries), Profile.of(entries[::-1])
        np.testing.assert_array_equal(subject.model.score([forward]), subject.model.score([backward]))

    def test_profiles_are_scored_independently(self, subject: Subject) -> None:
        together = subject.model.score(PROFILES)
        alone = np.concatenate([subject.model.score([profile]) for profile in PROFILES])
        np.testing.assert_allclose(together, alone, atol=1e-6)

    def test_scores_survive_a_bundle_to_the_bit(self, subject: Subject) -> None:
        np.testing.assert_array_equal(subject.model.score(PROFILES), subject.restored.score(PROFILES))

    def test_scores_are_those_of_the_definition(self, subject: Subject) -> None:
        for profile in PROFILES:
            np.testing.assert_allclose(
                subject.model.score([profile])[0], subject.oracle(profile), atol=subject.tolerance
            )
