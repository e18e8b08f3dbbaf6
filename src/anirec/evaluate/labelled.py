"""Queries that people labelled, and how well an answer meets the labels.

A file of queries is a JSON list of {"id", "text", "relevant": {anime id: grade}}; grades are 1 (partly fits), 2
(clearly fits) and 3 (exactly this); what is not named is 0. Other fields are passed over.

A franchise is one answer: its best grade counts, once, as results show one title of each. The gain of a grade g is
2^g - 1 (Burges et al. 2005); discounted and divided by the best possible, it is NDCG.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from anirec.core.errors import InputError

TOP: Final = 10
SUCCESS: Final = 5
CLEARLY: Final = 2
"""The grade from which an answer is a success."""
GRADES: Final = (1, 2, 3)


@dataclass(frozen=True)
class LabelledQuery:
    """id: unique. text: as it is typed. relevant: the grade of each relevant anime."""

    id: str
    text: str
    relevant: Mapping[int, int]


def read_labelled(file: Path) -> tuple[LabelledQuery, ...]:
    """Return the queries of a file in its order.

    Raises:
        InputError: it is no such file.
    """
    try:
        return tuple(labelled(entry) for entry in json.loads(file.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{file} is no file of labelled queries: {type(error).__name__} {error}") from error


def labelled(entry: Mapping[str, Any]) -> LabelledQuery:
    """Return one query of a file.

    Raises:
        KeyError, ValueError: something is missing, or is no grade.
    """
    relevant = {int(anime_id): grade for anime_id, grade in entry["relevant"].items()}
    if bad := {grade for grade in relevant.values() if grade not in GRADES}:
        raise ValueError(f"grades of {entry['id']} are 1, 2 or 3, not {sorted(bad, key=str)}")
    return LabelledQuery(str(entry["id"]), str(entry["text"]), relevant)


def figures(found: Iterable[int], relevant: Mapping[int, int], franchise_of: Mapping[int, int]) -> tuple[float, float]:
    """Return NDCG@10 and success@5 (1.0 or 0.0) of one answer.

    found: ids of anime, best first, one of each franchise. franchise_of: by id; labels of others are passed over.
    """
    best: dict[int, int] = {}
    for anime_id, grade in relevant.items():
        if (franchise := franchise_of.get(anime_id)) is not None:
            best[franchise] = max(grade, best.get(franchise, 0))
    grades = [best.get(franchise_of[anime_id], 0) for anime_id in found][:TOP]
    ideal = _discounted(sorted(best.values(), reverse=True)[:TOP])
    success = any(grade >= CLEARLY for grade in grades[:SUCCESS])
    return (_discounted(grades) / ideal if ideal else 0.0), float(success)


def _discounted(grades: Sequence[int]) -> float:
    return float(sum((2**grade - 1) / np.log2(place + 2) for place, grade in enumerate(grades)))
