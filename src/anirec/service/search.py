"""From a mood in one's own words to anime that have it, with what made us think so.

query -> read -> look (vectors, words, labels) -> chance -> taste -> rank -> evidence
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.catalogue import Catalogue
from anirec.core.errors import MissingAbility
from anirec.core.profile import Entry, Profile
from anirec.core.ranking import Filters, FranchiseMode, Query, Ranking
from anirec.rank import align, rank
from anirec.recommenders.similar import Similar
from anirec.search.asked import Asked, read_query
from anirec.search.chunks import sentences
from anirec.search.encoders import TextEncoder
from anirec.search.fusion import FIRST, FusionWeights, Views, chances, reciprocal
from anirec.search.index import Found, SearchIndex
from anirec.search.rerank import Reranker, reranked
from anirec.search.words import stems
from anirec.service.kin import NEAR, PREFIX, kin, seeds
from anirec.service.recommend import Service, and_one, with_seen
from anirec.service.understanding import mode_of, one_of, understand

TASTE: Final = 0.4
"""How much a profile has to say beside the query, 0..1: the power of its share in a geometric mean."""
MOST_LABELS: Final = 4
"""Labels named beside a result."""
OF_STUDIO: Final = 5
"""Titles that stand for a studio whose work is to be resembled."""
RERANKED: Final = 50
"""Titles at most that a reranker orders."""
PASSAGE: Final = 240
"""Signs of a passage that are shown."""


class Scoring(StrEnum):
    """How anime are scored."""

    FUSED = "fused"
    """All views, weighed as labelled queries taught (the default)."""
    RRF = "rrf"
    """Vectors, words and labels by their places in each list; nothing learned."""
    DENSE = "dense"
    """Votes of the nearest chunks alone."""
    WORDS = "words"
    """BM25 alone."""
    VOTES = "votes"
    """How many of the nearest texts are of an anime, and nothing else: what the old system did."""


@dataclass(frozen=True)
class Evidence:
    """Why an anime answers a query.

    labels: of it, that the query speaks of or comes near. passage: the sentence of a review or synopsis that comes
    nearest; None where the bundle has no texts, or none came near.
    """

    labels: tuple[str, ...]
    passage: str | None


@dataclass(frozen=True)
class Result:
    """One found anime.

    rank: from 1, over all pages. match: 0..100, how likely it is what was asked for; with a scoring other than `fused`,
    the place on that scoring's own scale, best of all pages = 100. score: what it was ranked by.
    """

    rank: int
    anime: Anime
    match: int
    score: float
    evidence: Evidence


@dataclass(frozen=True)
class Results:
    """What was found, best first.

    like: the titles that the query names, to be resembled. next_offset: where the next page begins, None = there is
    none. without_vectors: why words and labels alone were looked at, None = everything was.
    """

    items: tuple[Result, ...]
    like: tuple[Anime, ...] = ()
    next_offset: int | None = None
    without_vectors: str | None = None

    def __iter__(self) -> Iterator[Result]:
        """Iterate over the results, best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)


@dataclass(frozen=True)
class Scored:
    """A query with every anime's score, float32 [catalogue]; -inf where nothing speaks for it."""

    asked: Asked
    found: Found
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Search:
    """Answers queries from a bundle that has texts' vectors and words. It holds no state between calls.

    weights: of all views; first: without kin, see `service.kin`. reranker: orders the best `RERANKED` anew by their
    passages; None = they stay as they are.
    """

    service: Service
    index: SearchIndex
    encoder: TextEncoder
    weights: FusionWeights = field(default_factory=FusionWeights)
    first: FusionWeights = FIRST
    reranker: Reranker | None = None

    def search(  # noqa: PLR0913 - what a person may say, each by its name
        self,
        text: str,
        *,
        k: int = 20,
        offset: int = 0,
        like: Sequence[str | int | tuple[str | int, float]] = (),
        dislike: Sequence[str | int] = (),
        entries: Iterable[Entry] = (),
        seen: Sequence[str | int] = (),
        franchise: FranchiseMode | str = FranchiseMode.ENTRY,
        popularity: float = 0.0,
        filters: Filters | None = None,
        scoring: Scoring | str = Scoring.FUSED,
    ) -> Results:
        """Find anime that answer a query, one of each franchise unless asked otherwise.

        like, dislike, entries: a person's taste, as in `Service.recommend`; empty = everybody's. What is on it does
        not come back. seen: only to be left out. The other arguments as there. scoring: see `Scoring`.

        Raises:
            InputError: the query has no letter or digit; or as in `Service.recommend`.
        """
        filters = self.service.filters(filters)
        query = Query(k, filters, mode_of(franchise), popularity=popularity, offset=offset)
        profile = self.service.profile(like, dislike=dislike, entries=entries)
        known = [understand(wish, self.service.titles).anime_id for wish in seen]
        ignored = np.unique(np.array(known, dtype=np.int32))
        scored = self.score(text, scoring=scoring)
        if self.reranker is not None:
            scored = self._reranked(scored, query, self.reranker)
        ranking = self.rank(scored, and_one(query), profile=profile, seen=ignored)
        whole = replace(query, offset=0)
        first = self.rank(scored, whole, profile=profile, seen=ignored) if offset else ranking.cut(k)
        return self._explained(scored, ranking, first, query, fused=Scoring(scoring) is Scoring.FUSED)

    def score(self, text: str, *, scoring: Scoring | str = Scoring.FUSED) -> Scored:
        """Score every anime for a query; errors as in `search`."""
        asked = read_query(text, self.index.labels, self.service.titles.exactly, self._best_known)
        scoring = one_of(Scoring, scoring, "scoring")
        found = self.index.look(asked, self.encoder, self._like(asked))
        if scoring is Scoring.FUSED:
            found = replace(found, views={**found.views, **self._kin(found)})
        scores = _SCORERS[scoring](found, self.weights)
        scores = np.where(_spoken_for(found.views) & (scores > 0), scores, np.float32(-np.inf))
        if not asked.themselves:
            scores[self.index.catalogue.rows_of(np.array(sorted(asked.like), dtype=np.int32))] = -np.inf
        return Scored(asked, found, scores)

    def _kin(self, found: Found) -> Views:
        """Return the views of what is like the first answers; none where the bundle has one lens alone."""
        lens = self.service.lens()
        if not isinstance(lens, Similar):
            return {}
        first = np.where(_spoken_for(found.views), chances(found.views, self.first), np.float32(-np.inf))
        return kin(seeds(first, self.index.catalogue), lens, self.index.catalogue)

    def rank(
        self,
        scored: Scored,
        query: Query,
        *,
        profile: Profile | None = None,
        seen: NDArray[np.int32] | None = None,
    ) -> Ranking:
        """Rank what was scored, in a profile's taste if it has anything. seen: int32 ids that are only left out."""
        profile = profile if profile is not None else Profile.of_likes([])
        scores = scored.scores
        if len(profile):
            scores = np.where(scores > -np.inf, self._in_taste(np.maximum(scores, 1e-9), profile), scores)
        known = profile if seen is None or len(seen) == 0 else with_seen(profile, seen)
        return rank(scores.astype(np.float32), known, self.index.catalogue, query)

    def _reranked(self, scored: Scored, query: Query, reranker: Reranker) -> Scored:
        """Let the reranker order the best of those that have a passage.

        Raises:
            MissingAbility: the bundle has no texts to read.
        """
        if self.index.chunks.passages is None:
            raise MissingAbility("this bundle has no texts for a reranker to read; add them with `anirec index`")
        leading = self.rank(scored, replace(query, k=RERANKED, offset=0))
        passages = {
            int(row): self._passage(scored, int(row)) for row in self.index.catalogue.rows_of(leading.anime_ids)
        }
        held = {row: text for row, text in passages.items() if text}
        scores = reranked(scored.scores, list(held), list(held.values()), scored.asked.text, reranker)
        return replace(scored, scores=scores)

    def _passage(self, scored: Scored, row: int) -> str | None:
        """Return the nearest chunk of an anime, None where none came near or the bundle has no texts."""
        own = scored.found.chunks[self.index.chunks.rows[scored.found.chunks] == row]
        return self.index.chunks.passage(int(own[0])) if len(own) else None

    def _in_taste(self, scores: NDArray[np.float32], profile: Profile) -> NDArray[np.float32]:
        """Return the geometric mean of each score and the share of all anime that the profile would like less."""
        model = self.service.model()
        rows = self.index.catalogue.rows_of(model.items)
        liked = align(model.score([profile])[0], rows, self.index.catalogue)
        order = np.argsort(liked, kind="stable")
        share = np.empty(len(liked), dtype=np.float32)
        share[order] = (np.arange(len(liked)) + 1) / len(liked)
        found: NDArray[np.float32] = scores ** (1 - TASTE) * share**TASTE
        return found

    def _best_known(self, studio: int) -> tuple[int, ...]:
        """Return the anime of a studio that most people know, at most `OF_STUDIO`."""
        catalogue = self.index.catalogue
        rows = np.flatnonzero(self.index.labels.carried(studio))
        best = rows[np.argsort(-catalogue.members[rows], kind="stable")][:OF_STUDIO]
        return tuple(int(anime_id) for anime_id in catalogue.anime_ids[best])

    def _like(self, asked: Asked) -> NDArray[np.float32] | None:
        """Return float32 [catalogue], 0..1: how alike each is to the titles that the query names, as a share of all."""
        known = [anime_id for anime_id in asked.like if self.service.can_compare(anime_id)]
        if not known:
            return None
        model = self.service.lens()
        scores = model.score([Profile.of_likes([anime_id]) for anime_id in known])
        rows = self.index.catalogue.rows_of(model.items)
        alike = np.zeros(len(self.index.catalogue), dtype=np.float32)
        for of_title in scores:
            top = max(float(of_title.max()), 1e-9)
            alike[rows] += np.sqrt(np.clip(of_title / top, 0, 1)).astype(np.float32) / len(known)
        return alike

    def _explained(self, scored: Scored, ranking: Ranking, first: Ranking, query: Query, *, fused: bool) -> Results:
        """Return a page with its evidence. ranking: of one more than the query asks for. first: the first page."""
        following = query.offset + query.k if len(ranking) > query.k else None
        ranking = ranking.cut(query.k)
        ids = ranking.anime_ids.tolist()
        facts = self.service.facts.of([*ids, *scored.asked.like])
        rows = self.index.catalogue.rows_of(ranking.anime_ids)
        best = self.index.catalogue.rows_of(first.anime_ids)
        chance = _as_shown(scored.scores, self.index.catalogue, query.franchise)
        whole = 1.0 if fused or not len(best) else max(float(chance[best].max()), 1e-9)
        items = tuple(
            Result(
                rank=query.offset + place + 1,
                anime=facts[anime_id],
                match=round(100 * max(0.0, float(chance[row])) / whole) if np.isfinite(chance[row]) else 0,
                score=float(score),
                evidence=self._evidence(scored, int(row)),
            )
            for place, (anime_id, row, score) in enumerate(zip(ids, rows, ranking.scores, strict=True))
        )
        like = tuple(facts[i] for i in scored.asked.like if i in facts)
        return Results(items, like, following, scored.found.without_vectors)

    def _evidence(self, scored: Scored, row: int) -> Evidence:
        carried = self.index.labels.of_row(row, scored.found.labels)[:MOST_LABELS]
        names = tuple(dict.fromkeys(self.index.labels.names[label] for label in carried))
        text = self._passage(scored, row)
        return Evidence(names, nearest_sentence(text, scored.asked.stems) if text else None)


def nearest_sentence(text: str, wanted: Sequence[str]) -> str:
    """Return the sentence of a passage with most of the wanted stems, the first of several, cut to `PASSAGE` signs."""
    said = sentences(text)
    held = [len(set(stems(sentence)) & set(wanted)) for sentence in said]
    return shortened(said[held.index(max(held))] if said else text)


def shortened(text: str) -> str:
    """Return a text cut at a word to `PASSAGE` signs."""
    return text if len(text) <= PASSAGE else re.sub(r"\s+\S*$", "", text[:PASSAGE]) + " …"


def _as_shown(scores: NDArray[np.float32], catalogue: Catalogue, mode: FranchiseMode) -> NDArray[np.float32]:
    """Return the scores, those of openers as good as the best of their franchise, since they stand for it."""
    if mode is not FranchiseMode.ENTRY:
        return scores
    best = np.full(int(catalogue.franchise.max(initial=-1)) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, catalogue.franchise, scores)
    found: NDArray[np.float32] = best[catalogue.franchise]
    return found


def _spoken_for(views: Views) -> NDArray[np.bool_]:
    """Return bool [catalogue]: what something speaks for; fame and what speaks against it do not."""
    speaks = np.zeros(len(views["fame"]), dtype=np.bool_)
    for name, view in views.items():
        if name in ("dense", "words", "said", "named", "near", "like"):
            speaks |= view > 0
        elif name.startswith(PREFIX):
            speaks |= view >= NEAR
    return speaks


def _fused(found: Found, weights: FusionWeights) -> NDArray[np.float32]:
    return chances(found.views, weights)


_SCORERS: Final[dict[Scoring, Callable[[Found, FusionWeights], NDArray[np.float32]]]] = {
    Scoring.FUSED: _fused,
    Scoring.RRF: lambda found, _: reciprocal(found.views),
    Scoring.DENSE: lambda found, _: found.views["dense"],
    Scoring.WORDS: lambda found, _: found.views["words"],
    Scoring.VOTES: lambda found, _: found.counts,
}
