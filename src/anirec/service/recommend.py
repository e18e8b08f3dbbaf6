"""From titles that somebody likes to titles that they may like: what `anirec.load()` returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Entry, Profile
from anirec.core.protocols import Personal, Recommender
from anirec.core.ranking import DEFAULT_KINDS, Among, Filters, FranchiseMode, Query, Ranking
from anirec.explain import Reason
from anirec.rank import align, rank
from anirec.recommenders.blend import Blend
from anirec.recommenders.similar import Similar
from anirec.service.answers import Facts, Info, Recommendations, Understood
from anirec.service.explaining import Explaining, popularity_ranks
from anirec.service.looking import ALL_LENSES, Looking
from anirec.service.places import watch_order
from anirec.service.understanding import mode_of, read_profile, understand
from anirec.titles import TitleIndex

if TYPE_CHECKING:
    from anirec.sources.own_list import OwnList

WELL_KNOWN = 50_000
"""Members from which a title may be called the opposite of another, unless the filters say how many: of hardly known
ones everything is unlike everything."""


@dataclass(frozen=True)
class Service:
    """A loaded bundle, ready to answer. Make one with `anirec.load()`; it holds no state between calls."""

    catalogue: Catalogue
    titles: TitleIndex
    facts: Facts
    models: Mapping[str, Recommender]
    default_model: str
    explainer: Personal
    similar_model: str
    manifest: Mapping[str, Any]
    path: Path

    def recommend(  # noqa: PLR0913 - what a person may say, each by its name
        self,
        like: Sequence[str | int | tuple[str | int, float]] = (),
        *,
        dislike: Sequence[str | int] = (),
        seen: Sequence[str | int] = (),
        entries: Iterable[Entry] = (),
        k: int = 20,
        offset: int = 0,
        franchise: FranchiseMode | str = FranchiseMode.ENTRY,
        popularity: float = 0.0,
        filters: Filters | None = None,
        use_dislikes: bool = True,
        model: str | None = None,
        weights: Mapping[str, float] | None = None,
        explain: bool = True,
    ) -> Recommendations:
        """Recommend anime to somebody who likes these.

        like: titles in any language, MyAnimeList ids, `"title:score"` or pairs (title, score 1..10). dislike: what to
        move away from. seen: only to be left out. entries: further opinions, as `read_list` finds them in a file; what
        is said above goes before them. k: how many, at least 1. offset: how many of the best are passed over, for the
        next page. franchise: see `FranchiseMode`. popularity: -1..1, see `Query`.
        filters: None = no adult titles, music videos or commercials. use_dislikes: whether what was disliked or dropped
        speaks against titles like it; if not, it is only left out. model: a name in the bundle, None = its default.
        weights: by part of a blend, how much it says, times what it has learned to say; see `Blend.weighed`. explain:
        whether to say why each title is there and what to expect of it, see `Recommendation`; it takes some
        milliseconds.

        Raises:
            UnknownTitle, AmbiguousTitle: a text fits no anime, or several; the error lists the nearest.
            InputError: a score outside 1..10, an unknown genre or type, an id that the bundle does not know, or weights
                that are no weights of its parts.
            MissingAbility: weights are given, but the model is not a blend.
        """
        profile, understood = self._read(like, dislike, entries)
        ignored: list[int] = []
        for wish in seen:
            understood.append(understand(wish, self.titles))
            ignored.append(understood[-1].anime_id)
        if not use_dislikes:
            ignored += profile.anime_ids[profile.disliked].tolist()
            profile = profile.where(~profile.disliked)
        query = Query(k, self.filters(filters), mode_of(franchise), popularity=popularity, offset=offset)
        recommender = self.model(model) if weights is None else self._weighed(model, weights)
        heard = recommender.heard(profile) if isinstance(recommender, Blend) else None
        scores = recommender.score([profile])[0] if heard is None else heard.chances
        ranking = self._ranked(recommender, profile, and_one(query), np.array(ignored, dtype=np.int32), scores)
        return self._explaining.page(recommender, profile, ranking, query, understood, explain=explain, heard=heard)

    def profile(
        self,
        like: Sequence[str | int | tuple[str | int, float]] = (),
        *,
        dislike: Sequence[str | int] = (),
        entries: Iterable[Entry] = (),
    ) -> Profile:
        """Return the profile of somebody who says this; arguments and errors as in `recommend`."""
        return self._read(like, dislike, entries)[0]

    def _read(
        self,
        like: Sequence[str | int | tuple[str | int, float]],
        dislike: Sequence[str | int],
        entries: Iterable[Entry],
    ) -> tuple[Profile, list[Understood]]:
        return read_profile(like, dislike, entries, titles=self.titles, name=self._name)

    def similar(  # noqa: PLR0913 - what a person may say, each by its name
        self,
        title: str | int,
        *,
        by: str = ALL_LENSES,
        opposite: bool = False,
        k: int = 20,
        offset: int = 0,
        franchise: FranchiseMode | str = FranchiseMode.ENTRY,
        popularity: float = 0.0,
        filters: Filters | None = None,
        explain: bool = True,
    ) -> Recommendations:
        """Return the anime most like one title; arguments and errors as in `recommend`, and as in `lens`.

        by: the lens to look through (see `lenses`), or "blend" for all of them in the weights that serve best.
        opposite: the least like it instead, of titles with `WELL_KNOWN` members or as many as the filters say.
        """
        understood = understand(title, self.titles)
        query = Query(k, self.filters(filters), mode_of(franchise), popularity=popularity, offset=offset)
        if opposite and query.filters.min_members is None:
            query = replace(query, filters=replace(query.filters, min_members=WELL_KNOWN))
        ranking = self.rank_similar(understood.anime_id, and_one(query), by=by, opposite=opposite)
        profile = Profile.of_likes([understood.anime_id])
        answer = self._explaining.page(self.model(), profile, ranking, query, [understood], explain=explain)
        if not explain:
            return answer
        items = self._looking.likened(answer, understood.anime_id, by)
        if opposite:  # what a lens has to say for them is not why they are here
            items = tuple(
                (item.likeness and replace(item, likeness=replace(item.likeness, lenses={}))) or item for item in items
            )
        return replace(answer, items=items)

    def rank_similar(self, anime_id: int, query: Query, *, by: str = ALL_LENSES, opposite: bool = False) -> Ranking:
        """Rank the anime most like one that the catalogue knows, or least.

        A lens that does not know it looks at those of its franchise that it knows.

        Raises:
            MissingAbility: no lens knows anything about it or its franchise; or as in `lens`.
            InputError: as in `lens`.
        """
        model, profile = self.lens(by), self._looking.view(anime_id, by)
        if profile is None:
            others = f"; the bundle has the lenses {', '.join(self.lenses)}" if by != ALL_LENSES else ""
            raise MissingAbility(
                f'too little is known of the anime {anime_id} to say what is like it by "{by}"{others}'
            )
        seen = np.array([anime_id], dtype=np.int32)
        if not opposite:
            return self._ranked(model, profile, query, seen)
        scores = model.unlike(profile) if isinstance(model, Similar) else -model.score([profile])[0]
        aligned = align(scores, self._rows[id(model)], self.catalogue)
        return rank(aligned, with_seen(profile, seen), self.catalogue, query)

    @property
    def lenses(self) -> tuple[str, ...]:
        """Names of the lenses that this bundle can look through; the blend of them has the name "blend"."""
        return self._looking.lenses

    def lens(self, by: str = ALL_LENSES) -> Recommender:
        """Return what answers `similar` through one lens; errors as in `Looking.lens`."""
        return self._looking.lens(by)

    def read_list(self, path: Path) -> OwnList:
        """Read a person's own list: MyAnimeList's export (.xml, .xml.gz), AniList's JSON, or a CSV with ids or titles.

        Pass its `entries` to `recommend`.

        Raises:
            BadTable: the file is missing, empty, broken, or no list of anime.
        """
        from anirec.sources.own_list import read_list  # noqa: PLC0415 - who brings no list should not pay for readers

        ids = set(self.catalogue.anime_ids.tolist())
        return read_list(
            path,
            known=ids.__contains__,
            from_anilist=self.facts.by_anilist_id().get,
            resolve=lambda title: self.titles.resolve(title).anime_id,
        )

    def info(self, title: str | int) -> Info:
        """Return the facts of one anime and its franchise in watch order; errors as in `recommend`."""
        anime_id = understand(title, self.titles).anime_id
        franchise = watch_order(self.catalogue, self.facts, anime_id)
        return Info(
            anime=next(place.anime for place in franchise if place.anime.anime_id == anime_id), franchise=franchise
        )

    def can_compare(self, anime_id: int, *, by: str = ALL_LENSES) -> bool:
        """Return whether `similar` can answer for this id; errors as in `lens`."""
        return self._looking.view(anime_id, by) is not None

    def rank(
        self,
        profile: Profile,
        query: Query,
        *,
        model: str | None = None,
        seen: NDArray[np.int32] | None = None,
    ) -> Ranking:
        """Score one profile and rank: what `recommend`, `similar` and `batch` share.

        seen: int32 ids that are on the profile for ranking (left out, their franchises known) but say nothing of taste.
        """
        return self._ranked(self.model(model), profile, query, seen)

    def _ranked(
        self,
        recommender: Recommender,
        profile: Profile,
        query: Query,
        seen: NDArray[np.int32] | None,
        scores: NDArray[np.float32] | None = None,
    ) -> Ranking:
        scores = recommender.score([profile])[0] if scores is None else scores
        known = profile if seen is None or len(seen) == 0 else with_seen(profile, seen)
        rows = self._rows.get(id(recommender))
        rows = self.catalogue.rows_of(recommender.items) if rows is None else rows
        return rank(align(scores, rows, self.catalogue), known, self.catalogue, query)

    def model(self, name: str | None = None) -> Recommender:
        """Return a model of the bundle by name, None = the default one.

        Raises:
            InputError: the bundle has no model of this name.
        """
        wanted = name or self.default_model
        if wanted not in self.models:
            raise InputError(f'this bundle has no model "{wanted}"; it has {", ".join(sorted(self.models))}')
        return self.models[wanted]

    def filters(self, filters: Filters | None) -> Filters:
        """Return the filters with kinds filled in where none are asked for, and labels in the catalogue's spelling."""
        filters = filters or Filters()
        return replace(
            filters,
            kinds=DEFAULT_KINDS if filters.kinds is None else filters.kinds,
            genres_in=frozenset(self._label(label) for label in filters.genres_in),
            genres_out=frozenset(self._label(label) for label in filters.genres_out),
            among=self._airing(frozenset(map(str.casefold, filters.airing))) if filters.airing else filters.among,
        )

    def _airing(self, wanted: frozenset[str]) -> Among:
        """Return the rows of which the facts say one of these.

        Raises:
            InputError: no anime is said to be so.
        """
        if (kept := self._kept_airing.get(wanted)) is not None:
            return kept
        told = self.facts.calendar()
        missing = np.ma.getmaskarray(told["airing"])
        texts = ["" if m else str(t) for t, m in zip(np.ma.getdata(told["airing"]), missing, strict=True)]
        if unknown := wanted - {text.casefold() for text in texts}:
            known = ", ".join(sorted(set(texts) - {""})) or "none: this bundle does not say"
            raise InputError(f'no anime is said to be "{min(unknown)}"; there are {known}')
        ids = np.ma.getdata(told["anime_id"]).astype(np.int32)
        passing = np.zeros(len(self.catalogue), dtype=np.bool_)
        passing[self.catalogue.rows_of(ids[[text.casefold() in wanted for text in texts]])] = True
        return self._kept_airing.setdefault(wanted, Among(passing))

    def _label(self, wanted: str) -> str:
        for name in self.catalogue.labels.names:
            if name.casefold() == wanted.casefold():
                return name
        return wanted  # ranking refuses it and says which there are

    def _name(self, anime_id: int) -> str:
        return self.facts.of([anime_id])[anime_id].title

    @cached_property
    def _kept_airing(self) -> dict[frozenset[str], Among]:
        """What was asked for before: the same object each time, so that ranking keeps what passes, too."""
        return {}

    @cached_property
    def _rows(self) -> dict[int, NDArray[np.int64]]:
        """Where the items of each model stand in the catalogue, by the model's identity."""
        models = (*self.models.values(), *self._looking.alone.values())
        return {id(model): self.catalogue.rows_of(model.items) for model in models}

    def why(
        self, profile: Profile, anime_ids: NDArray[np.int32], *, model: str | None = None
    ) -> tuple[list[tuple[Reason, ...]], list[int | None]]:
        """Return why a model would recommend each of these titles to a profile, and its match, see `Recommendation`."""
        recommender = self.model(model)
        reasons = self._explaining.because(recommender, profile, anime_ids)
        return reasons, self._explaining.matches(recommender, profile, anime_ids)

    def page(self, profile: Profile, ranking: Ranking, query: Query, *, explain: bool) -> Recommendations:
        """Return a page of a list that was ranked elsewhere, see `Explaining.page`."""
        return self._explaining.page(self.model(), profile, ranking, query, (), explain=explain)

    def popularity_rank(self, anime_id: int) -> int:
        """Return the place of an anime that the catalogue has among all by members, 1 = most."""
        (row,) = self.catalogue.rows_of(np.array([anime_id], dtype=np.int32))
        return int(popularity_ranks(self.catalogue)[row])

    @cached_property
    def _looking(self) -> Looking:
        return Looking(self.catalogue, self.models[self.similar_model], self.explainer)

    @cached_property
    def _explaining(self) -> Explaining:
        return Explaining(self.catalogue, self.facts, self.explainer)

    def _weighed(self, name: str | None, weights: Mapping[str, float]) -> Recommender:
        model = self.model(name)
        if not isinstance(model, Blend):
            blends = [known for known, other in self.models.items() if isinstance(other, Blend)]
            raise MissingAbility(
                f'the model "{name or self.default_model}" is made of no parts to be weighed; '
                f"{', '.join(blends) or 'no model of this bundle'} can be"
            )
        return model.weighed(weights)


def and_one(query: Query) -> Query:
    """Return the query for one title more, which tells whether there is another page."""
    return replace(query, k=query.k + 1) if query.k >= 1 else query


def with_seen(profile: Profile, seen: NDArray[np.int32]) -> Profile:
    """Return the profile with further ids on it, which carry no opinion."""
    more = np.setdiff1d(seen, profile.anime_ids)
    anime_ids = np.concatenate([profile.anime_ids, more])
    order = np.argsort(anime_ids)
    return Profile(
        anime_ids=anime_ids[order],
        scores=np.concatenate([profile.scores, np.full(len(more), np.nan, np.float32)])[order],
        statuses=np.concatenate([profile.statuses, np.zeros(len(more), np.int8)])[order],
    )
