"""Whether a new bundle may take an old one's place: both answer the same users, of whom the new one knows nothing.

The users are those that `anirec train --hold-out` left out of the same data: a protocol that is fixed by its name, the
data's hash, a number and a seed, all in the new bundle's manifest. The old bundle was made from other data or with
other settings, and may have learned from some of these users: if anything, that speaks for it.

"Not worse" is said as one says it of medicines: the lower end of the interval of the difference lies above what would
matter (`margin`). An interval that merely holds zero would let anything pass that was measured on few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.evaluate import protocols
from anirec.evaluate.figures import FIGURES
from anirec.evaluate.intervals import Interval, bootstrap
from anirec.evaluate.run import MAIN, case_by_case
from anirec.prepare.splits import Case
from anirec.service.training import Material, exam_of

MARGIN: Final = 0.005
"""Of NDCG@10: less than that nobody notices."""
DECIDES: Final = ("raw", "franchises")
"""Figures under which a bundle must not be worse: whatever may be recommended, and what is served."""


@dataclass(frozen=True)
class HeldOut:
    """Users who were left out of a training. ratings: SHA-256 of the table that they are of."""

    ratings: str
    users: int
    seed: int
    protocol: str = protocols.DEFAULT

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> HeldOut | None:
        """Return who was left out of the training of a bundle, None = nobody was."""
        found = manifest.get("data", {}).get("held_out")
        return cls(**found) if found else None


@dataclass(frozen=True)
class Verdict:
    """How two bundles did. figures: by figure the means of each and the difference, new less old; MAIN."""

    figures: Mapping[str, Mapping[str, Interval]]
    margin: float
    asked: HeldOut

    @property
    def passed(self) -> bool:
        """Whether the new one is not worse under any figure that decides."""
        found = [self.figures[figure]["difference"] for figure in DECIDES if figure in self.figures]
        return bool(found) and all(difference.low >= -self.margin for difference in found)

    def flat(self) -> dict[str, float]:
        """Return all numbers by name, for a tracker."""
        return {
            f"gate.{figure}.{name}.{part}": float(getattr(interval, part))
            for figure, found in self.figures.items()
            for name, interval in found.items()
            for part in ("mean", "low", "high")
        }


@dataclass(frozen=True)
class Within:
    """A recommender without the items that a catalogue does not know."""

    whole: Recommender
    places: NDArray[np.int64]

    @property
    def items(self) -> NDArray[np.int32]:
        """See `Recommender`."""
        found: NDArray[np.int32] = self.whole.items[self.places]
        return found

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """See `Recommender`."""
        found: NDArray[np.float32] = self.whole.score(profiles)[:, self.places]
        return found


def without_users(material: Material, users: int, seed: int) -> Material:
    """Return the material without some users, and with a word on them; errors as in `exam_of`."""
    train = exam_of(material, protocols.DEFAULT, users, seed).train
    told = HeldOut(str(material.facts["tables"]["ratings"]), users, seed)
    facts = {"users": len(np.unique(train.users)), "list_entries": train.n_rows, "likes": int(train.liked.sum())}
    return replace(material, dataset=train, facts={**material.facts, **facts, "held_out": asdict(told)})


def judge(new: Recommender, old: Recommender, asked: HeldOut, material: Material, *, margin: float = MARGIN) -> Verdict:
    """Ask both bundles' models for the users who were held out.

    Raises:
        InputError: the users are of other data.
    """
    own = material.facts["tables"]["ratings"]
    if asked.ratings != own:
        raise InputError(
            "the new bundle left users of other data out: train it on this data, or name the data that it was made from"
        )
    exam = exam_of(material, asked.protocol, asked.users, asked.seed)
    marks = {name: _marked(one, exam.cases, material.catalogue) for name, one in (("new", new), ("old", old))}
    rng = np.random.default_rng([asked.seed, 11])
    figures = {}
    for figure in FIGURES:
        both = np.stack([marks["new"][figure], marks["old"][figure]], axis=1)
        both = both[~np.isnan(both[:, 0])]
        if len(both):
            columns = np.column_stack([both, both[:, 0] - both[:, 1]])
            figures[figure] = dict(zip(("new", "old", "difference"), bootstrap(columns, rng), strict=True))
    return Verdict(figures, margin, asked)


def _marked(one: Recommender, cases: Sequence[Case], catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    places = np.flatnonzero(np.isin(one.items, catalogue.anime_ids))
    known = one if len(places) == len(one.items) else Within(one, places)
    return {figure: found.of(MAIN) for figure, found in case_by_case(known, cases, catalogue).items()}
