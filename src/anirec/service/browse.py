"""Looking around without a wish: one by chance, what is new, a season; the last in the order of one's taste, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.core.ranking import Filters, FranchiseMode, Query
from anirec.rank import align, rank
from anirec.recommenders.blend import Blend
from anirec.service.answers import Recommendations
from anirec.service.recommend import Service, and_one, with_seen

SEASONS: Final = ("winter", "spring", "summer", "fall")
"""Three months each: winter begins in January."""
KNOWN: Final = 1000
"""Members from which a title may come up by chance, unless the filters say how many."""
NEW: Final = 365
"""Days since they began in which titles may trend."""
SETTLED: Final = 30
"""Days that a title counts as running at least: people put it on their lists before it begins."""
UNKNOWN_DAY: Final = -(10**6)


@dataclass(frozen=True)
class Calendar:
    """When the catalogue's anime begin; arrays are [n] and aligned with it.

    day: int32, days since 1970, of what is known only by month or year the first; `UNKNOWN_DAY` where nothing is. year:
    int32, 0 = unknown. season: int8, index into `SEASONS`, -1 = unknown. begun: bool, said to be airing or finished.
    """

    day: NDArray[np.int32]
    year: NDArray[np.int32]
    season: NDArray[np.int8]
    begun: NDArray[np.bool_]

    @property
    def today(self) -> int:
        """The day of the data: the last on which a title began, `UNKNOWN_DAY` where none did."""
        return int(self.day[self.begun].max(initial=UNKNOWN_DAY))


@dataclass(frozen=True)
class Browse:
    """Answers from a service; what it works out of the calendar it keeps."""

    service: Service

    def random(self, *, filters: Filters | None = None, seed: int | None = None) -> Anime:
        """Return an anime by chance: any that a newcomer may start with and that passes the filters, all as likely.

        Of titles with fewer than `KNOWN` members none, unless the filters say how many there should be. seed: the same
        gives the same; None = another each time.

        Raises:
            InputError: nothing passes the filters; or as in `Service.recommend`.
        """
        filters = self.service.filters(filters)
        if filters.min_members is None and filters.max_members is None:
            filters = replace(filters, min_members=KNOWN)
        catalogue = self.service.catalogue
        drawn = np.random.default_rng(seed).random(len(catalogue), dtype=np.float32)
        scores = np.where(catalogue.requires < 0, drawn, np.float32(-np.inf))
        found = rank(scores, Profile.of([]), catalogue, Query(1, filters, FranchiseMode.ANYTHING)).anime_ids.tolist()
        if not found:
            raise InputError("nothing passes these filters; loosen one of them")
        return self.service.facts.of(found)[found[0]]

    def trending(self, *, k: int = 20, offset: int = 0, filters: Filters | None = None) -> Recommendations:
        """Return what gathers people fastest: most members for each day since it began.

        Only titles that began in the `NEW` days before the newest that did. It is told from one count of members and
        the day of the start, as bundles hold no history; a day is at least `SETTLED`. score: members a day.

        Raises:
            MissingAbility: the bundle does not know when anything began.
            InputError: as in `Service.recommend`.
        """
        calendar = self.calendar
        age = calendar.today - calendar.day
        new = calendar.begun & (calendar.day > UNKNOWN_DAY) & (age >= 0) & (age < NEW)
        if calendar.today == UNKNOWN_DAY:
            raise MissingAbility(f"this bundle does not know when anime began; {_CURE}")
        a_day = self.service.catalogue.members / np.maximum(age, SETTLED)
        scores = np.where(new, a_day, -np.inf).astype(np.float32)
        return self._page(scores, Profile.of([]), Query(k, self.service.filters(filters), _ALL, offset=offset))

    def season(  # noqa: PLR0913 - what a person may say, each by its name
        self,
        year: int,
        season: str,
        *,
        profile: Profile | None = None,
        seen: NDArray[np.int32] | None = None,
        k: int = 20,
        offset: int = 0,
        franchise: FranchiseMode = FranchiseMode.ANYTHING,
        filters: Filters | None = None,
        explain: bool = True,
    ) -> Recommendations:
        """Return the anime that began in a season: most members first, or in the order of a person's taste.

        Of titles that nobody has rated yet, taste goes by what they are about; those of which even that is not known
        come last. What is on the profile does not come back, and sequels do, unless `franchise` says otherwise.
        seen: int32 ids, only to be left out. score: members without a profile.

        Raises:
            InputError: there is no such season; or as in `Service.recommend`.
            MissingAbility: the bundle does not know when anything began.
        """
        if season not in SEASONS:
            raise InputError(f'there is no season "{season}"; there are {", ".join(SEASONS)}')
        calendar, catalogue = self.calendar, self.service.catalogue
        if not (calendar.season >= 0).any():
            raise MissingAbility(f"this bundle does not know when anime began; {_CURE}")
        within = (calendar.year == year) & (calendar.season == SEASONS.index(season))
        scores = catalogue.members.astype(np.float32)
        if profile is not None and len(profile):
            model = self.service.model()
            liked = align(model.score([profile])[0], catalogue.rows_of(model.items), catalogue)
            known = (liked > -np.inf) & self._told(model)
            least = np.float32(liked[known].min(initial=0))
            scores = np.where(known, liked, least - 1 + scores / np.float32(1e9))
        scores = np.where(within, scores, np.float32(-np.inf)).astype(np.float32)
        query = Query(k, self.service.filters(filters), franchise, offset=offset)
        return self._page(scores, profile or Profile.of([]), query, explain=explain, seen=seen)

    def _told(self, model: Recommender) -> NDArray[np.bool_]:
        """Return bool [n]: the titles of which a blend can tell more than how many like them."""
        ids = self.service.catalogue.anime_ids
        if not isinstance(model, Blend) or model.newcomers is None:
            return np.ones(len(ids), dtype=np.bool_)
        return np.isin(ids, self.service.explainer.items) | np.isin(ids, model.newcomers.items)

    def _page(
        self,
        scores: NDArray[np.float32],
        profile: Profile,
        query: Query,
        *,
        explain: bool = False,
        seen: NDArray[np.int32] | None = None,
    ) -> Recommendations:
        known = profile if seen is None or len(seen) == 0 else with_seen(profile, seen)
        ranking = rank(scores, known, self.service.catalogue, and_one(query))
        return self.service.page(profile, ranking, query, explain=explain)

    @cached_property
    def calendar(self) -> Calendar:
        """When the catalogue's anime begin."""
        told = self.service.facts.calendar()
        n = len(self.service.catalogue)
        day, year = np.full(n, UNKNOWN_DAY, dtype=np.int32), np.zeros(n, dtype=np.int32)
        season, begun = np.full(n, -1, dtype=np.int8), np.zeros(n, dtype=np.bool_)
        rows = self.service.catalogue.rows_of(np.ma.getdata(told["anime_id"]).astype(np.int32))
        columns = [_texts(told[name]) for name in ("start_date", "season", "airing")]
        years = np.ma.filled(told["year"], 0)
        for row, start, named, airing, of_year in zip(rows, *columns, years, strict=True):
            began, said = _began(start)
            if began:
                day[row] = (began - date(1970, 1, 1)).days
            year[row] = of_year or (began.year if began else 0)
            if named in SEASONS:
                season[row] = SEASONS.index(named)
            elif began and said > 1:
                season[row] = (began.month - 1) // 3
            begun[row] = airing in BEGUN
        return Calendar(day, year, season, begun)


BEGUN: Final = ("Currently Airing", "Finished Airing")
_ALL: Final = FranchiseMode.ANYTHING
_CURE: Final = "train it on data whose anime have start dates, with `anirec train`"


def _texts(column: NDArray[np.object_]) -> Sequence[str]:
    missing = np.ma.getmaskarray(column)
    return ["" if m or not text else str(text) for text, m in zip(np.ma.getdata(column), missing, strict=True)]


def _began(start: str) -> tuple[date | None, int]:
    """Return the date of `2014-04-06`, `2014-04` or `2014`, the first of what is not said; and how much is said."""
    parts = start.split("-")[:3]
    try:
        year, month, day = (*(int(part) for part in parts), 1, 1)[:3]
        return date(year, month, day), len(parts)
    except (ValueError, OverflowError):
        return None, 0
