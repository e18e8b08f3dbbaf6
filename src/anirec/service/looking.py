"""Looking at one title through the lenses of a bundle: what `similar` is asked with, and what makes titles alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Profile
from anirec.core.protocols import Personal, Recommender
from anirec.recommenders.similar import Similar
from anirec.service.answers import Likeness, Recommendation, Recommendations

ALL_LENSES: Final = "blend"
VIEWERS: Final = "viewers"
LENSES: Final = {
    VIEWERS: "hold ratings",
    "genres": "say what titles are about",
    "crowd": "hold what people recommend beside one another",
    "reviews": "hold reviews, with gensim installed",
    "synopsis": "hold synopses, with --encoder",
}
"""The lenses of `similar` that training knows, and what it takes to have each."""
UNBUILT: Final = {
    "characters": "no layout that anirec reads says what characters are like; look through genres or reviews"
}
"""Lenses that others have and we do not, and what to do."""


@dataclass(frozen=True)
class Looking:
    """The lenses of one bundle. whole: all of them, the model that is served for `similar`.

    rated: knows the titles that ratings say something about.
    """

    catalogue: Catalogue
    whole: Recommender
    rated: Personal

    @property
    def lenses(self) -> tuple[str, ...]:
        """Names of the lenses that there are; all of them together are called `ALL_LENSES`."""
        return tuple(self.whole.lenses) if isinstance(self.whole, Similar) else (VIEWERS,)

    def lens(self, by: str) -> Recommender:
        """Return what answers `similar` through one lens.

        Raises:
            InputError: there is no such lens in any bundle.
            MissingAbility: this bundle lacks it, or no bundle can have it.
        """
        if by in UNBUILT and by not in self.lenses:
            raise MissingAbility(f'there is no lens "{by}": {UNBUILT[by]}')
        if by not in (ALL_LENSES, *self.lenses, *LENSES):
            known = dict.fromkeys((ALL_LENSES, *LENSES, *self.lenses))
            raise InputError(f'there is no lens "{by}"; there are {", ".join(known)}')
        if by != ALL_LENSES and by not in self.lenses:
            raise MissingAbility(
                f'this bundle has no lens "{by}", it has {", ".join(self.lenses)}; train one with `anirec train` on '
                f"data that {LENSES[by]}"
            )
        return self.alone.get(by, self.whole)

    @cached_property
    def alone(self) -> Mapping[str, Similar]:
        """Every lens by itself, by name; none where the bundle has no `Similar`."""
        return {name: self.whole.by(name) for name in self.whole.lenses} if isinstance(self.whole, Similar) else {}

    def view(self, anime_id: int, by: str) -> Profile | None:
        """Return what a lens is asked with for a title, None where nothing is known of it; errors as in `lens`."""
        model = self.lens(by)
        if isinstance(model, Similar):
            profile = Profile.of_likes([anime_id])
            return profile if model.views(profile) else None
        rows = self._stand_ins(anime_id)
        return Profile.of_likes(self.catalogue.anime_ids[rows].tolist()) if len(rows) else None

    def likened(self, answer: Recommendations, anime_id: int, by: str) -> tuple[Recommendation, ...]:
        """Return what was found beside a title, with why it is like it, where the bundle says so."""
        model = self.lens(by)
        if not isinstance(model, Similar) or not answer.items:
            return answer.items
        found = np.array([item.anime.anime_id for item in answer], dtype=np.int32)
        shares, votes = model.shares(Profile.of_likes([anime_id]), found), model.votes(anime_id, found)
        asked = answer.named[anime_id]
        carried = {*asked.genres, *asked.themes, *asked.demographics, *asked.tags}
        return tuple(
            replace(
                item,
                likeness=Likeness(
                    lenses={name: float(of[i]) for name, of in shares.items() if of[i] > 0},
                    shared=tuple(label for label in item.anime.labels if label in carried),
                    votes=int(votes[i]),
                ),
            )
            for i, item in enumerate(answer)
        )

    def _stand_ins(self, anime_id: int) -> NDArray[np.int64]:
        """Return the row of the title if it was rated enough, else the rows of those of its franchise that were."""
        row = self.catalogue.rows_of(np.array([anime_id], dtype=np.int32))
        if len(row) == 0 or self._comparable[row[0]]:
            return row
        return np.flatnonzero((self.catalogue.franchise == self.catalogue.franchise[row[0]]) & self._comparable)

    @cached_property
    def _comparable(self) -> NDArray[np.bool_]:
        """[catalogue] whether ratings say anything about a title."""
        return np.isin(self.catalogue.anime_ids, self.rated.items)
