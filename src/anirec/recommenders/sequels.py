"""Sequels: who likes one title of a franchise, how surely do they like another.

What it does: counts for every two titles of a franchise how many of those who like the first like the second, which is
the chance P(j | i) = both / (likes of i + shrink); a title's score is the chance that at least one of the profile's
titles brings it along, 1 - prod_i (1 - liking_i P(j | i)). What it does not: say anything of other franchises.

Source: conditional probability, Deshpande and Karypis 2004, "Item-Based Top-N Recommendation Algorithms", section 4.2,
within franchises only; joined as a noisy OR (Pearl 1988, "Probabilistic Reasoning in Intelligent Systems").
It mends what EASE cannot know: EASE shares a sequel's weight out among all seasons before it, as most lists hold them
all, and so has too little for it where only the first is given.

Memory: 8 bytes for each ordered pair within a franchise. Workable sizes: any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, found_in
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.runs import runs
from anirec.core.state import State
from anirec.prepare.dataset import Dataset
from anirec.recommenders.leaving_out import Left
from anirec.recommenders.likings import known

MOST = np.float32(0.99)
"""No chance is taken to be greater: nothing is certain."""


@dataclass(frozen=True)
class SequelsConfig:
    """How chances are counted. shrink: likes of a title at which chances are halved. least: 0..1, below it none."""

    shrink: float = 5.0
    least: float = 0.02

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not 0 <= self.shrink < np.inf or not 0 <= self.least < 1:
            raise InputError(f"sequels need shrink >= 0 and least in 0..1 (below 1); got {self}")


@dataclass(frozen=True)
class Sequels:
    """A fitted model.

    items: int32 [n], titles that bring others of their franchise along, or are brought. What liking item i says stands
    at indptr[i]:indptr[i + 1] (int64 [n + 1]) of targets (int32, place in `items`, ascending) and chances (float32,
    0..1).
    """

    items: NDArray[np.int32]
    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    chances: NDArray[np.float32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        """Return float32 [p, n]: chances, 0 where nothing of the franchise is on the profile."""
        scores = np.zeros((len(profiles), len(self.items)), dtype=np.float32)
        for row, profile in zip(scores, profiles, strict=True):
            rows, liking = known(self.items, profile)
            rows, liking = rows[liking > 0], liking[liking > 0]
            starts, stops = self.indptr[rows], self.indptr[rows + 1]
            places = runs(starts, stops)
            chances = np.minimum(self.chances[places] * np.repeat(liking, stops - starts), MOST)
            missed = np.ones_like(row)
            np.multiply.at(missed, self.targets[places], 1 - chances)
            np.subtract(1, missed, out=row)
        return scores

    def without(
        self,
        profile: Profile,
        rows: NDArray[np.int64],
        every: NDArray[np.float32] | None = None,  # noqa: ARG002 - each title stands by itself
    ) -> Left:
        """Return what some items score without each entry of a profile: what is missed is divided by its own share."""
        own, which = found_in(self.items, profile.anime_ids)
        speaks = profile.liking[which] > 0
        entries, own = np.flatnonzero(which)[speaks], own[speaks]
        column = np.full(len(self.items), -1, dtype=np.int64)
        column[rows] = np.arange(len(rows))
        starts, stops = self.indptr[own], self.indptr[own + 1]
        places = runs(starts, stops)
        columns = column[self.targets[places]]
        hits = np.flatnonzero(columns >= 0)
        giver = np.repeat(entries, stops - starts)[hits]
        chances = np.zeros((len(profile), len(rows)), dtype=np.float32)
        chances[giver, columns[hits]] = np.minimum(self.chances[places[hits]] * profile.liking[giver], MOST)
        missed = np.prod(1 - chances, axis=0, dtype=np.float32)
        return Left(1 - missed, 1 - missed / (1 - chances))

    def state(self) -> State:
        """Return what a bundle keeps."""
        arrays = {name: getattr(self, name) for name in ("items", "indptr", "targets", "chances")}
        return State(kind="sequels", arrays=arrays)


def fit(
    dataset: Dataset,
    config: SequelsConfig,
    rng: np.random.Generator,  # noqa: ARG001 - counting leaves nothing to chance
    *,
    catalogue: Catalogue,
) -> Sequels:
    """Count. Titles of which the catalogue knows no relatives are left out."""
    from scipy import sparse  # noqa: PLC0415 - serving must not pay for it

    places = np.flatnonzero(np.isin(dataset.anime_ids, catalogue.anime_ids))
    franchise = np.full(len(dataset.anime_ids), -1, dtype=np.int64)
    franchise[places] = catalogue.franchise[catalogue.rows_of(dataset.anime_ids[places])]
    likes = sparse.csc_array(
        (np.ones(int(dataset.liked.sum()), np.float32), (dataset.users[dataset.liked], dataset.items[dataset.liked])),
        shape=(dataset.n_users, len(dataset.anime_ids)),
    )
    counts = dataset.like_counts()
    order = np.lexsort((places, franchise[places]))
    members = [group for group in _groups(places[order], franchise) if len(group) > 1]
    sources: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    targets: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    chances: list[NDArray[np.float64]] = [np.empty(0)]
    for group in members:
        of_group = likes[:, group]
        both = (of_group.T @ of_group).toarray().astype(np.float64)
        np.fill_diagonal(both, 0)
        chance = both / np.maximum(counts[group] + config.shrink, 1)[:, np.newaxis]
        source, target = np.nonzero(chance > config.least)
        sources.append(group[source])
        targets.append(group[target])
        chances.append(chance[source, target])
    source, target = np.concatenate(sources), np.concatenate(targets)
    kept = np.union1d(source, target)
    order = np.lexsort((target, source))
    return Sequels(
        items=dataset.anime_ids[kept],
        indptr=np.searchsorted(source[order], np.append(kept, len(dataset.anime_ids))).astype(np.int64),
        targets=np.searchsorted(kept, target[order]).astype(np.int32),
        chances=np.concatenate(chances)[order].astype(np.float32),
    )


def _groups(places: NDArray[np.int64], franchise: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the places, which are sorted by franchise, franchise by franchise."""
    return np.split(places, np.flatnonzero(np.diff(franchise[places])) + 1)


def restore(state: State) -> Sequels:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    model = Sequels(**{name: state.arrays[name] for name in ("items", "indptr", "targets", "chances")})
    n, entries = len(model.items), len(model.targets)
    shaped = model.indptr.shape == (n + 1,) and model.chances.shape == (entries,) and model.indptr[-1] == entries
    if not shaped or np.any(np.diff(model.indptr) < 0) or model.targets.max(initial=-1) >= n:
        raise ValueError("the chances of sequels do not fit their items")
    if model.targets.min(initial=0) < 0 or not ((model.chances >= 0) & (model.chances <= 1)).all():
        raise ValueError("the chances of sequels are no chances")
    return model
