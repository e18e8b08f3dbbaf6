"""`item-similarity`: one title is given; what people named as "if you liked this, try that" is to be found.

A fifth of all pairs is held back, each from both its titles, and nobody may learn from it. A target is worth
log2(1 + votes); a pair that is only listed counts as one vote. What was learned from beside the title is no candidate.
Weaknesses: people name what they know, so the popular is named more, and nobody names the obvious next season; what
nobody has named yet counts as a miss, however alike it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.pairs import Pairs
from anirec.prepare.splits import Case

NAME = "item-similarity"
VERSION = 1
HELD = 0.2


@dataclass(frozen=True)
class Questions:
    """Titles that are asked about; gains and barred as in `Exam`.

    cases: one title given, those named beside it to be found; a case's user is its title.
    """

    cases: tuple[Case, ...]
    gains: tuple[NDArray[np.float64], ...]
    barred: tuple[NDArray[np.int32], ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.cases)

    def at(self, places: NDArray[np.int64]) -> Questions:
        """Return those at these places."""
        cases, gains, barred = (tuple(of_all[i] for i in places) for of_all in (self.cases, self.gains, self.barred))
        return Questions(cases, gains, barred)


def questions(held: Pairs, learned: Pairs, known: NDArray[np.int32]) -> Questions:
    """Return a question for each title of a held-out pair, ascending.

    Pairs have no direction: whoever holds a pair back holds it back from both its titles. known: int32, ids; pairs with
    other titles ask nothing.
    """
    asked, beside = _by_title(held.known_to(known)), _by_title(learned.known_to(known))
    nothing = np.empty(0, dtype=np.int32)
    return Questions(
        cases=tuple(Case(title, Profile.of_likes([title]), ids) for title, (ids, _) in asked.items()),
        gains=tuple(gains_of(votes) for _, votes in asked.values()),
        barred=tuple(beside[title][0] if title in beside else nothing for title in asked),
    )


def gains_of(votes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log2(1 + votes); a pair that is only listed counts as one vote."""
    gains: NDArray[np.float64] = np.log2(1.0 + np.nan_to_num(votes.astype(np.float64), nan=1.0))
    return gains


def _by_title(pairs: Pairs) -> dict[int, tuple[NDArray[np.int32], NDArray[np.float32]]]:
    """Return by title, ascending, the ids that it is paired with, ascending, and the votes of each."""
    one, other = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    order = np.lexsort((other, one))
    titles, first = np.unique(one[order], return_index=True)
    votes = np.concatenate([pairs.votes, pairs.votes])[order]
    parts = zip(np.split(other[order], first[1:]), np.split(votes, first[1:]), strict=True)
    return dict(zip(titles.tolist(), parts, strict=False)) if len(titles) else {}


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Hold pairs back and ask for them; `asked.users` is the number of titles asked about.

    Raises:
        InputError: there are no pairs of titles that the dataset knows.
    """
    learned, held = asked.pairs.known_to(dataset.anime_ids).parted(HELD, asked.rng(8))
    every = questions(held, learned, dataset.anime_ids)
    if not len(every):
        raise InputError("nobody named two titles together; this protocol needs a table of recommendations")
    chosen = every.at(asked.chosen(len(every)))
    return Exam(
        NAME,
        VERSION,
        asked.parameters | {"titles": len(chosen), "pairs held back": len(held), "pairs to learn from": len(learned)},
        dataset,
        chosen.cases,
        gains=chosen.gains,
        barred=chosen.barred,
        pairs=learned,
    )
