"""What each title of a profile does to the scores of a few others: the scores with it, less the scores without it.

What it does: takes from each part of a blend what a few titles would score if one title of the profile were not there,
for each of them; reads that as the blend reads scores; and adds the differences up in the blend's weights: how much
each title raises (plus) or lowers (minus) the logarithm of another's chance. A linear part's differences are its
contributions, exactly. Sequels and nets say `without` in closed form; what can do neither is asked once for each title.
Two things are held still. The weights are those of the whole profile's length. And logits of nets, which mean something
up to a constant alone, are compared with the mean of all titles': a title is pulled up if it is pulled up more than
titles are. Compared by their chances, half of what is recommended would be pushed down by everything that is liked:
chances add up to 1, and those of the first few are most of it.
What it does not: look at more than `MOST` titles of a profile; of longer ones it takes those that say most by a linear
part, or else by their liking.

Source: leave-one-out differences as attributions, Robnik-Šikonja & Kononenko 2008, "Explaining Classifications For
Individual Instances".

Memory and time: of each part 4 bytes times titles of the profile times titles asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anirec.core.profile import Profile
from anirec.core.protocols import Personal, Recommender

MOST: Final = 300
"""Titles of a profile that are left out, one at a time."""
ASKED: Final = 60
"""The same for parts that have to be asked anew for each."""


@dataclass(frozen=True)
class Left:
    """Scores of a few titles.

    whole: float32 [n], with everything. without: float32 [m, n], without each entry; None = the same. every: float32
    [items], what all titles score with everything; None where nobody had to work that out.
    """

    whole: NDArray[np.float32]
    without: NDArray[np.float32] | None
    every: NDArray[np.float32] | None = None


@runtime_checkable
class LeavesOut(Protocol):
    """A model that can say cheaply what scores would be without each title of a profile."""

    @property
    def items(self) -> NDArray[np.int32]:
        """[items] ids, ascending."""
        ...

    def without(self, profile: Profile, rows: NDArray[np.int64], every: NDArray[np.float32] | None = None) -> Left:
        """Return the scores of the items at these places; logits as if their mean stayed as it is.

        every: what `score` says of the profile, None = not at hand.
        """
        ...


def left_out(
    part: Recommender,
    profile: Profile,
    rows: NDArray[np.int64],
    *,
    logits: bool,
    every: NDArray[np.float32] | None = None,
) -> Left:
    """Return what the items at some places of a part score with and without each entry of a profile.

    logits: scores are logarithms of chances up to a constant, which is set so that their mean stays. every: float32
    [items], what the part scores with the whole profile; None = not at hand.
    """
    if hasattr(part, "without"):  # asking whether it is a `LeavesOut` takes as long as the answer
        return cast("LeavesOut", part).without(profile, rows, every)
    if hasattr(part, "contributions") and not logits:
        added = cast("Personal", part).contributions(profile, part.items[rows])
        whole = added.sum(axis=0)
        return Left(whole, whole - added)
    every = part.score([profile])[0] if every is None else every
    return _asked(part, profile, rows, every, logits=logits)


def _asked(
    part: Recommender, profile: Profile, rows: NDArray[np.int64], every: NDArray[np.float32], *, logits: bool
) -> Left:
    without = np.tile(every[rows], (len(profile), 1))
    telling = np.argsort(-np.abs(profile.liking), kind="stable")[:ASKED]
    for entry in telling.tolist():
        keep = np.arange(len(profile)) != entry
        scores = part.score([profile.where(keep)])[0]
        moved = scores.mean() - every.mean() if logits else np.float32(0)
        without[entry] = scores[rows] - moved
    return Left(every[rows], without, every)
