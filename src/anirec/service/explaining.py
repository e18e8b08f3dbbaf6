"""Why each title of a list is there, and what the person may expect of it: what is shown beside a recommendation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan

import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.catalogue import Catalogue, found_in, rows_of
from anirec.core.profile import Profile
from anirec.core.protocols import Personal, Recommender
from anirec.core.ranking import Query, Ranking
from anirec.explain import Reason, reasons_of_all, shared_labels
from anirec.recommenders.blend import Blend, Heard
from anirec.recommenders.expectations import nearness
from anirec.recommenders.newcomers import Explained
from anirec.service.answers import Facts, Recommendation, Recommendations, Understood


@dataclass(frozen=True)
class Explaining:
    """Makes answers of rankings. linear: explains models that cannot themselves."""

    catalogue: Catalogue
    facts: Facts
    linear: Personal

    def page(
        self,
        model: Recommender,
        profile: Profile,
        ranking: Ranking,
        query: Query,
        understood: Sequence[Understood],
        *,
        explain: bool,
        heard: Heard | None = None,
    ) -> Recommendations:
        """Return a page of a list.

        ranking: of one title more than the query asks for, if there is one. explain: whether to say why, and what to
        expect; else because and shared are empty, match and predicted score None. heard: what a blend says of the
        profile, None = not at hand.
        """
        following = query.offset + query.k if len(ranking) > query.k else None
        ranking = ranking.cut(query.k)
        ids = ranking.anime_ids
        whys = self.because(model, profile, ids, heard) if explain else [() for _ in range(len(ids))]
        matches, expected = self.expected(model, profile, ids, heard) if explain else (None, None)
        about = {u.anime_id for u in understood} | {why.anime_id for of_one in whys for why in of_one}
        alone = {int(i) for i in profile.liked_ids} if explain and len(profile) == 1 else set()
        facts = self.facts.of([*ids.tolist(), *about, *alone])
        told, foretold = _as_match(matches, len(ids)), _as_score(expected, len(ids))
        ranks = popularity_ranks(self.catalogue)[self.catalogue.rows_of(ids)]
        items = tuple(
            Recommendation(
                rank=query.offset + i + 1,
                anime=facts[anime_id],
                score=float(ranking.scores[i]),
                because=whys[i],
                shared=_shared(facts, anime_id, [why.anime_id for why in whys[i] if why.share > 0] or sorted(alone)),
                match=told[i],
                predicted_score=foretold[i],
                popularity_rank=int(ranks[i]),
            )
            for i, anime_id in enumerate(ids.tolist())
        )
        named = {anime_id: facts[anime_id] for anime_id in sorted(about)}
        return Recommendations(items=items, understood=tuple(understood), named=named, next_offset=following)

    def because(
        self, model: Recommender, profile: Profile, anime_ids: NDArray[np.int32], heard: Heard | None = None
    ) -> list[tuple[Reason, ...]]:
        """Return the reasons of each title; none where there is only one title that could be one. heard: see `page`."""
        if len(profile) < 2:
            return [() for _ in range(len(anime_ids))]
        added = self._reasoner(model, heard).contributions(profile, anime_ids)
        return [tuple(of_one) for of_one in reasons_of_all(profile.anime_ids, added)]

    def matches(self, model: Recommender, profile: Profile, anime_ids: NDArray[np.int32]) -> list[int | None]:
        """Return the match of each title, 0..100, see `Recommendation`."""
        return _as_match(self.expected(model, profile, anime_ids)[0], len(anime_ids))

    def _reasoner(self, model: Recommender, heard: Heard | None) -> Personal:
        if isinstance(model, Blend):
            known = model if heard is None else heard
            return Explained(known, model.newcomers) if model.newcomers else known
        return model if isinstance(model, Personal) else self.linear

    def expected(
        self,
        model: Recommender,
        profile: Profile,
        anime_ids: NDArray[np.int32],
        heard: Heard | None = None,
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
        """Return match, 0..1, and predicted score, 1..10, of each title; None where the model has learned neither.

        nan for newcomers: nobody's scores of such titles have been looked at. heard: see `page`.
        """
        if not isinstance(model, Blend) or model.expects is None or not len(profile):
            return None, None
        rows = rows_of(model.items, anime_ids)
        if len(rows) != len(anime_ids):
            return None, None
        chances = (model.score([profile])[0] if heard is None else heard.chances)[rows]
        scores = None
        if model.expects.predicts(profile):
            near = nearness(self.linear.contributions(profile, anime_ids), profile)
            scores = model.expects.scores(profile, anime_ids, chances, near)
        matches = model.expects.match(chances, len(profile))
        if model.newcomers is not None:
            _, new = found_in(model.newcomers.items, anime_ids)
            matches[new] = np.nan
            scores = None if scores is None else np.where(new, np.nan, scores)
        return matches, scores


def _as_match(matches: NDArray[np.float64] | None, n: int) -> list[int | None]:
    """Return matches as they are shown, 0..100; None where there is none."""
    return [None] * n if matches is None else [None if isnan(m) else round(100 * m) for m in matches.tolist()]


def _as_score(scores: NDArray[np.float64] | None, n: int) -> list[float | None]:
    return [None] * n if scores is None else [None if isnan(s) else round(s, 1) for s in scores.tolist()]


def _shared(facts: Mapping[int, Anime], anime_id: int, pulling: Sequence[int]) -> tuple[str, ...]:
    return shared_labels(facts[anime_id].labels, [facts[other].labels for other in pulling]) if pulling else ()


@lru_cache(maxsize=4)
def popularity_ranks(catalogue: Catalogue) -> NDArray[np.int32]:
    """Return int32 [n]: each title's place by members, 1 = most; ties by id."""
    ranks = np.empty(len(catalogue), dtype=np.int32)
    ranks[np.argsort(-catalogue.members, kind="stable")] = np.arange(1, len(catalogue) + 1, dtype=np.int32)
    return ranks
