"""What people named together as questions of `item-similarity`, and how answers are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.evaluate.protocols.item_similarity import Questions, questions
from anirec.evaluate.run import case_by_case
from anirec.prepare.pairs import Pairs, pairs_of
from worlds import catalogue_of

NAN = float("nan")
IDS = np.arange(1, 31, dtype=np.int32)


def pairs(*edges: tuple[int, int, float]) -> Pairs:
    first, second, votes = (np.array([edge[i] for edge in edges]) for i in range(3))
    return pairs_of(first.astype(np.int32), second.astype(np.int32), votes.astype(np.float32))


@dataclass(frozen=True)
class Ordered:
    """Puts the same titles in front of everybody; the others cannot be told apart, or not be found at all."""

    best_first: tuple[int, ...]
    others: float = 0.0

    @property
    def items(self) -> NDArray[np.int32]:
        return IDS

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        scores = np.full(len(self.items), self.others, dtype=np.float32)
        for place, anime_id in enumerate(self.best_first):
            scores[anime_id - 1] = len(self.items) - place
        return np.tile(scores, (len(profiles), 1))


def marks(
    best_first: Sequence[int], asked: Questions, catalogue: Catalogue, metric: str = "ndcg@10", others: float = 0.0
) -> dict[str, list[float]]:
    """Return by figure what each question's answer is worth, nan for those without a target."""
    model = Ordered(tuple(best_first), others)
    found = case_by_case(model, asked.cases, catalogue, gains=asked.gains, barred=asked.barred)
    return {figure: of_figure.of(metric).tolist() for figure, of_figure in found.items()}


def test_a_pair_is_asked_for_from_both_sides() -> None:
    asked = questions(pairs((2, 5, 3)), pairs((1, 2, 1)), IDS)
    assert [(case.user_id, case.targets.tolist()) for case in asked.cases] == [(2, [5]), (5, [2])]
    assert [case.given.liked_ids.tolist() for case in asked.cases] == [[2], [5]]


def test_gains_rise_with_votes_and_a_listed_pair_counts_as_one_vote() -> None:
    asked = questions(pairs((1, 2, 1), (1, 3, 7), (1, 4, NAN)), pairs((9, 10, 1)), IDS)
    assert asked.gains[0].tolist() == [1, 3, 1]


def test_what_was_learned_from_is_no_candidate_for_its_title() -> None:
    asked = questions(pairs((1, 5, 1)), pairs((1, 2, 1), (1, 3, 1)), IDS)
    assert [barred.tolist() for barred in asked.barred] == [[2, 3], []]
    assert marks([2, 3, 5], asked, catalogue_of(30))["raw"][0] == pytest.approx(1)


def test_titles_that_are_not_known_ask_nothing() -> None:
    assert len(questions(pairs((1, 99, 4)), pairs((98, 99, 1)), IDS)) == 0


def test_relatives_are_neither_candidates_nor_targets_of_the_unrelated_figure() -> None:
    catalogue = catalogue_of(30, franchises=[[1, 2, 3]])
    asked = questions(pairs((1, 2, 9), (1, 7, 1)), pairs((20, 21, 1)), IDS)
    found = marks([3, 2, 7], asked, catalogue)
    assert found["unrelated"][0] == pytest.approx(1)
    assert found["raw"][0] < 1


def test_a_question_whose_targets_are_all_relatives_is_left_out_of_the_unrelated_figure() -> None:
    catalogue = catalogue_of(30, franchises=[[1, 2]])
    asked = questions(pairs((1, 2, 9), (5, 6, 1)), pairs((20, 21, 1)), IDS)
    found = marks([3], asked, catalogue)
    assert np.isnan(found["raw"]).sum() == 0
    assert np.isnan(found["unrelated"]).tolist() == [True, True, False, False]


def test_the_gain_is_that_of_the_definition_worked_out_by_hand() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        targets = rng.choice(np.arange(2, 31), int(rng.integers(1, 15)), replace=False)
        votes = rng.integers(1, 40, len(targets))
        asked = questions(
            pairs(*zip([1] * len(targets), targets.tolist(), votes.tolist(), strict=True)), pairs((1, 99, 1)), IDS
        )
        top = rng.permutation(np.arange(2, 31))[:10]
        gain = dict(zip(targets.tolist(), np.log2(1 + votes), strict=True))
        found = sum(gain.get(one, 0) / np.log2(place + 2) for place, one in enumerate(top.tolist()))
        ideal = sum(g / np.log2(place + 2) for place, g in enumerate(sorted(gain.values(), reverse=True)[:10]))
        assert marks(top.tolist(), asked, catalogue_of(30))["raw"][0] == pytest.approx(found / ideal)


def test_titles_that_cannot_be_found_are_no_hits_and_a_hit_is_one_among_ten() -> None:
    asked = questions(pairs((1, 12, 1)), pairs((20, 21, 1)), IDS)
    assert marks(range(2, 13), asked, catalogue_of(30), "hit@10")["raw"][0] == 0  # it is the eleventh
    assert marks(range(3, 13), asked, catalogue_of(30), "hit@10")["raw"][0] == 1
    assert marks([], asked, catalogue_of(30), others=-np.inf)["raw"][0] == 0
