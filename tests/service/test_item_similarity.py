"""The protocol `item-similarity` from data to figures: models learn from no pair that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anirec.service.progress import silent
from anirec.service.training import Material, evaluate, exam_of
from anirec.wiring.models import chosen
from anirec.wiring.train import recipe
from recommenders.described import features_of
from service.test_lenses import CATALOGUE, GROUPS, N, named, ratings


@pytest.fixture
def material(monkeypatch: pytest.MonkeyPatch) -> Material:
    """Fifteen titles of each group carry one label; people name titles of a group together."""
    features = features_of([[f"G{i % GROUPS}"] for i in range(1, N + 1)])
    monkeypatch.setattr("anirec.wiring.models._features", lambda _folder, _sha256: features)
    return Material(Path(), ratings(), CATALOGUE, None, {"tables": {}}, named())


def test_lenses_are_measured_on_pairs_that_none_of_them_learned_from(material: Material) -> None:
    exam = exam_of(material, "item-similarity", 150, 0)
    assert exam.pairs is not None
    assert len(exam.pairs) < len(material.pairs)
    allowed = material.of_exam(exam)
    asked = recipe(allowed, extra=[chosen(allowed, "crowd")], quick=True)
    report = evaluate(allowed, asked, exam, extra={}, progress=silent)
    ndcg = {row.model: row.metrics["ndcg@10"].mean for row in report.rows if row.figure == "raw"}
    assert set(ndcg) == {
        "random",
        "popularity",
        "similar",
        "similar-viewers",
        "similar-genres",
        "similar-crowd",
        "crowd",
    }
    assert ndcg["similar-genres"] > 0.3  # the label tells fifteen titles, of which some are asked for
    assert ndcg["similar"] > 0.3
    assert ndcg["popularity"] < 0.1

    cheat = recipe(material, extra=[chosen(material, "crowd")], quick=True)
    knowing = evaluate(material, cheat, exam, extra={}, progress=silent).row("crowd").metrics["ndcg@10"].mean
    assert knowing > ndcg["crowd"] + 0.2  # so what is held back would help whoever saw it


def test_more_votes_stand_in_the_report_as_gains(material: Material) -> None:
    exam = exam_of(material, "item-similarity", 150, 0)
    assert exam.gains is not None
    votes = np.concatenate([material.pairs.votes, material.pairs.votes])
    assert set(np.round(np.concatenate(exam.gains), 6)) <= set(np.round(np.log2(1 + votes.astype(float)), 6))
