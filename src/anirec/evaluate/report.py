"""What an evaluation found, as plain values: rows with intervals, and every pair of models compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from anirec.evaluate.intervals import Interval

POPULARITY: Final = "popularity"
RANDOM: Final = "random"
"""Names of the two rows that every report has."""
FLOORS: Final = frozenset({POPULARITY, RANDOM})

FIGURE_WORDS: Final[Mapping[str, str]] = {
    "raw": "anything not given may be recommended",
    "unrelated": "relatives of the given titles taken out of candidates and targets",
    "franchises": "as served: one opener per new franchise; targets are franchises",
    "new": "the hidden titles alone are candidates",
}
"""What each figure counts, for people."""


@dataclass(frozen=True)
class Row:
    """One recommender under one figure.

    candidates: how many anime it can recommend; None where another system's lists do not say. metrics: by name. Over
    the first tens of all users: coverage, the share of the candidates (or else of the titles liked in train) that stand
    in one of them; gini, 0..1, how unevenly they share the places; popularity, the mean number of likes in train of
    what stands in them; popularity_percentile, 0..1, the median share of liked titles that have fewer likes than what
    stands in them. beyond: means over users of what `evaluate.beyond` measures, as far as it is known.
    """

    model: str
    figure: str
    candidates: int | None
    metrics: Mapping[str, Interval]
    coverage: float
    gini: float
    popularity: float
    popularity_percentile: float
    beyond: Mapping[str, Interval]


@dataclass(frozen=True)
class SampledRow:
    """One recommender on sampled candidates. candidates: how many, the target among them. metrics: by name."""

    model: str
    candidates: int
    metrics: Mapping[str, Interval]


@dataclass(frozen=True)
class Slice:
    """One part of the cases, or of the targets. rows: by model; its n says of how many cases."""

    by: str
    figure: str
    metric: str
    label: str
    rows: Mapping[str, Interval]


@dataclass(frozen=True)
class Example:
    """One case as it was answered, to be looked at. given, targets, recommended: ids; the last best first, ten at most.

    ndcg: NDCG@10 of the list under the figure.
    """

    model: str
    figure: str
    ndcg: float
    given: tuple[int, ...]
    targets: tuple[int, ...]
    recommended: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """All rows, and under every figure the models compared with each other.

    protocol, version, parameters: how cases were made. cases: how many had a target, by figure; the others are left out
    of it. A figure without a case has no rows. differences: by figure, model and other model, the mean of NDCG@10 of
    the one minus that of the other, with the paired interval; chances: p of the same, corrected over all pairs. slices:
    the same lists by parts. sampled: rows among sampled candidates, of protocols that have them. examples: the best and
    the worst cases of the best model, if they were asked for: lists of people, to be kept to oneself.
    """

    protocol: str
    version: int
    parameters: Mapping[str, Any]
    cases: Mapping[str, int]
    rows: tuple[Row, ...]
    differences: Mapping[str, Mapping[str, Mapping[str, Interval]]]
    chances: Mapping[str, Mapping[str, Mapping[str, float]]]
    slices: tuple[Slice, ...] = ()
    sampled: tuple[SampledRow, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def over_popularity(self) -> Mapping[str, Mapping[str, Interval]]:
        """By figure and model, the paired difference in NDCG@10 to popularity."""
        return {
            figure: {model: others[POPULARITY] for model, others in models.items() if model != POPULARITY}
            for figure, models in self.differences.items()
        }

    def tables(self) -> Mapping[tuple[str, str, str], list[Slice]]:
        """Return the slices that stand side by side: by what, figure and metric; each in the order of the report."""
        tables: dict[tuple[str, str, str], list[Slice]] = {}
        for one in self.slices:
            tables.setdefault((one.by, one.figure, one.metric), []).append(one)
        return tables

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON-able values (if its parameters are)."""
        return asdict(self)

    def row(self, model: str, figure: str = "raw") -> Row:
        """Return one row; KeyError if there is none."""
        for row in self.rows:
            if (row.model, row.figure) == (model, figure):
                return row
        raise KeyError((model, figure))
