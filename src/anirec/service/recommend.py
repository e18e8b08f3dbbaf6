"""From titles that somebody likes to titles that they may like: what `anirec.load()` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anirec.core.anime import Anime
from anirec.core.catalogue import Catalogue
from anirec.core.errors import InputError, MissingAbility, TitleMatch
from anirec.core.profile import Entry, Profile
from anirec.core.protocols import Personal, Recommender
from anirec.core.ranking import DEFAULT_KINDS, Filters, FranchiseMode, Query, Ranking
from anirec.explain import Reason, reasons
from anirec.rank import align, rank
from anirec.recommenders.similar import Similar
from anirec.titles import TitleIndex

if TYPE_CHECKING:
    from anirec.sources.own_list import OwnList

ALL_LENSES = "blend"
VIEWERS = "viewers"
LENSES = {
    VIEWERS: "hold ratings",
    "genres": "say what titles are about",
    "crowd": "hold what people recommend beside one another",
}
"""The lenses of `similar` that training knows, and what it takes to have each."""

DISLIKE_SCORE = 2.0
"""A plain dislike counts like a score of 2 ("horrible" on MyAnimeList's scale)."""


class Facts(Protocol):
    """Where facts about anime come from."""

    def of(self, anime_ids: Iterable[int]) -> dict[int, Anime]:
        """Return the facts of these anime by id, without those that are not known."""
        ...

    def by_anilist_id(self) -> dict[int, int]:
        """Return the id of each anime by its AniList id, of those that have one."""
        ...


@dataclass(frozen=True)
class Likeness:
    """Why a title is like another one.

    lenses: each lens's share, 0..1, in its score, largest first; without those of no say. shared: labels and tags that
    both carry, see `Anime`. votes: how many people named the two together, 0 = nobody, or the bundle does not know.
    """

    lenses: Mapping[str, float]
    shared: tuple[str, ...]
    votes: int


@dataclass(frozen=True)
class Recommendation:
    """One recommended anime. rank: from 1. score: the model's, comparable within one list only.

    because: titles of the profile by their share in the score, strongest first; negative = it spoke against it.
    likeness: to the title that was asked for, None where several were given.
    """

    rank: int
    anime: Anime
    score: float
    because: tuple[Reason, ...]
    likeness: Likeness | None = None


@dataclass(frozen=True)
class Understood:
    """How one text was read: the anime it was taken to mean, and others of the same title that it may have meant."""

    text: str
    anime_id: int
    others: tuple[TitleMatch, ...]


@dataclass(frozen=True)
class Recommendations:
    """A list of recommendations, how the input was read, and the facts of the titles that the reasons name."""

    items: tuple[Recommendation, ...]
    understood: tuple[Understood, ...]
    named: Mapping[int, Anime]

    def __iter__(self) -> Iterator[Recommendation]:
        """Iterate over the recommendations, best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)


@dataclass(frozen=True)
class Place:
    """Where an anime stands in its franchise. order: in watch order, from 0. entry: a newcomer may start here."""

    anime: Anime
    order: int
    entry: bool


@dataclass(frozen=True)
class Info:
    """One anime, and its franchise in watch order (itself among them)."""

    anime: Anime
    franchise: tuple[Place, ...]


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
        franchise: FranchiseMode | str = FranchiseMode.ENTRY,
        popularity: float = 0.0,
        filters: Filters | None = None,
        use_dislikes: bool = True,
        model: str | None = None,
    ) -> Recommendations:
        """Recommend anime to somebody who likes these.

        like: titles in any language, MyAnimeList ids, `"title:score"` or pairs (title, score 1..10). dislike: what to
        move away from. seen: only to be left out. entries: further opinions, as `read_list` finds them in a file; what
        is said above goes before them. k: how many, at least 1. franchise: see `FranchiseMode`. popularity: -1..1, see
        `Query`.
        filters: None = no adult titles, music videos or commercials. use_dislikes: whether what was disliked or dropped
        speaks against titles like it; if not, it is only left out. model: a name in the bundle, None = its default.

        Raises:
            UnknownTitle, AmbiguousTitle: a text fits no anime, or several; the error lists the nearest.
            InputError: a score outside 1..10, an unknown genre or type, an id that the bundle does not know.
        """
        understood: list[Understood] = []
        said: list[Entry] = []
        for wish in like:
            text, score = _text_and_score(wish, self.titles)
            understood.append(self._understand(text))
            said.append(Entry(understood[-1].anime_id, score))
        for wish in dislike:
            understood.append(self._understand(_text(wish)))
            said.append(Entry(understood[-1].anime_id, DISLIKE_SCORE))
        _refuse_contradictions(said, self._name)
        ignored: list[int] = []
        for wish in seen:
            understood.append(self._understand(_text(wish)))
            ignored.append(understood[-1].anime_id)
        named = {entry.anime_id for entry in said}
        profile = Profile.of([*said, *(entry for entry in entries if entry.anime_id not in named)])
        if not use_dislikes:
            ignored += profile.anime_ids[profile.disliked].tolist()
            profile = profile.where(~profile.disliked)
        ranking = self.rank(
            profile,
            Query(k=k, filters=self.filters(filters), franchise=_mode(franchise), popularity=popularity),
            model=model,
            seen=np.array(ignored, dtype=np.int32),
        )
        return self._explained(profile, ranking, understood)

    def similar(
        self,
        title: str | int,
        *,
        by: str = ALL_LENSES,
        k: int = 20,
        franchise: FranchiseMode | str = FranchiseMode.ENTRY,
        popularity: float = 0.0,
        filters: Filters | None = None,
    ) -> Recommendations:
        """Return the anime most like one title; arguments and errors as in `recommend`, and as in `lens`.

        by: the lens to look through (see `lenses`), or "blend" for all of them in the weights that serve best.
        """
        understood = self._understand(_text(title))
        query = Query(k=k, filters=self.filters(filters), franchise=_mode(franchise), popularity=popularity)
        ranking = self.rank_similar(understood.anime_id, query, by=by)
        profile = Profile.of_likes([understood.anime_id])
        answer = self._explained(profile, ranking, [understood])
        return replace(answer, items=self._likened(answer, profile, understood.anime_id, by))

    def rank_similar(self, anime_id: int, query: Query, *, by: str = ALL_LENSES) -> Ranking:
        """Rank the anime most like one that the catalogue knows.

        A lens that does not know it looks at those of its franchise that it knows.

        Raises:
            MissingAbility: no lens knows anything about it or its franchise; or as in `lens`.
            InputError: as in `lens`.
        """
        model, profile = self.lens(by), self._view(anime_id, by)
        if profile is None:
            others = f"; the bundle has the lenses {', '.join(self.lenses)}" if by != ALL_LENSES else ""
            raise MissingAbility(
                f'too little is known of the anime {anime_id} to say what is like it by "{by}"{others}'
            )
        seen = np.array([anime_id], dtype=np.int32)
        return self._ranked(model, profile, query, seen)

    @property
    def lenses(self) -> tuple[str, ...]:
        """Names of the lenses that this bundle can look through; the blend of them has the name "blend"."""
        whole = self.models[self.similar_model]
        return tuple(whole.lenses) if isinstance(whole, Similar) else (VIEWERS,)

    def lens(self, by: str = ALL_LENSES) -> Recommender:
        """Return what answers `similar` through one lens.

        Raises:
            InputError: there is no such lens in any bundle.
            MissingAbility: this bundle lacks it.
        """
        if by not in (ALL_LENSES, *self.lenses, *LENSES):
            known = dict.fromkeys((ALL_LENSES, *LENSES, *self.lenses))
            raise InputError(f'there is no lens "{by}"; there are {", ".join(known)}')
        if by != ALL_LENSES and by not in self.lenses:
            raise MissingAbility(
                f'this bundle has no lens "{by}", it has {", ".join(self.lenses)}; train one with `anirec train` on '
                f"data that {LENSES[by]}"
            )
        whole = self.models[self.similar_model]
        return self._alone[by] if by != ALL_LENSES and isinstance(whole, Similar) else whole

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
        anime_id = self._understand(_text(title)).anime_id
        row = int(self.catalogue.rows_of(np.array([anime_id], dtype=np.int32))[0])
        rows = np.flatnonzero(self.catalogue.franchise == self.catalogue.franchise[row])
        rows = rows[np.argsort(self.catalogue.order[rows], kind="stable")]
        facts = self.facts.of(self.catalogue.anime_ids[rows].tolist())
        places = tuple(
            Place(
                anime=facts[int(self.catalogue.anime_ids[r])],
                order=int(self.catalogue.order[r]),
                entry=bool(self.catalogue.requires[r] < 0),
            )
            for r in rows
        )
        return Info(anime=facts[anime_id], franchise=places)

    def can_compare(self, anime_id: int, *, by: str = ALL_LENSES) -> bool:
        """Return whether `similar` can answer for this id; errors as in `lens`."""
        return self._view(anime_id, by) is not None

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
        self, recommender: Recommender, profile: Profile, query: Query, seen: NDArray[np.int32] | None
    ) -> Ranking:
        scores = recommender.score([profile])[0]
        known = profile if seen is None or len(seen) == 0 else with_seen(profile, seen)
        return rank(align(scores, self._rows[id(recommender)], self.catalogue), known, self.catalogue, query)

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
        )

    def _label(self, wanted: str) -> str:
        for name in self.catalogue.labels.names:
            if name.casefold() == wanted.casefold():
                return name
        return wanted  # ranking refuses it and says which there are

    def _understand(self, text: str) -> Understood:
        resolved = self.titles.resolve(text)
        return Understood(text=text, anime_id=resolved.anime_id, others=resolved.others)

    def _name(self, anime_id: int) -> str:
        return self.facts.of([anime_id])[anime_id].title

    @cached_property
    def _comparable(self) -> NDArray[np.bool_]:
        """[catalogue] whether ratings say anything about a title."""
        return np.isin(self.catalogue.anime_ids, self.explainer.items)

    def _stand_ins(self, anime_id: int) -> NDArray[np.int64]:
        """Return the row of the title if it was rated enough, else the rows of those of its franchise that were."""
        row = self.catalogue.rows_of(np.array([anime_id], dtype=np.int32))
        if len(row) == 0 or self._comparable[row[0]]:
            return row
        return np.flatnonzero((self.catalogue.franchise == self.catalogue.franchise[row[0]]) & self._comparable)

    @cached_property
    def _rows(self) -> dict[int, NDArray[np.int64]]:
        """Where the items of each model stand in the catalogue, by the model's identity."""
        models = (*self.models.values(), *self._alone.values())
        return {id(model): self.catalogue.rows_of(model.items) for model in models}

    @cached_property
    def _alone(self) -> dict[str, Similar]:
        """Every lens by itself, by name."""
        whole = self.models[self.similar_model]
        return {name: whole.by(name) for name in whole.lenses} if isinstance(whole, Similar) else {}

    def _view(self, anime_id: int, by: str) -> Profile | None:
        """Return what `similar` is asked with for a title, None where nothing is known of it."""
        model = self.lens(by)
        if isinstance(model, Similar):
            profile = Profile.of_likes([anime_id])
            return profile if model.views(profile) else None
        rows = self._stand_ins(anime_id)
        return Profile.of_likes(self.catalogue.anime_ids[rows].tolist()) if len(rows) else None

    def _likened(self, answer: Recommendations, profile: Profile, anime_id: int, by: str) -> tuple[Recommendation, ...]:
        """Return the items with why they are like the title, where the bundle says so."""
        model = self.lens(by)
        if not isinstance(model, Similar) or not answer.items:
            return answer.items
        found = np.array([item.anime.anime_id for item in answer], dtype=np.int32)
        shares, votes = model.shares(profile, found), model.votes(anime_id, found)
        asked = answer.named[anime_id]
        carried = {*asked.genres, *asked.themes, *asked.demographics, *asked.tags}
        return tuple(
            replace(
                item,
                likeness=Likeness(
                    lenses={name: float(of[i]) for name, of in shares.items() if of[i] > 0},
                    shared=tuple(label for label in _labels(item.anime) if label in carried),
                    votes=int(votes[i]),
                ),
            )
            for i, item in enumerate(answer)
        )

    def _explained(self, profile: Profile, ranking: Ranking, understood: Sequence[Understood]) -> Recommendations:
        whys: list[tuple[Reason, ...]] = [() for _ in range(len(ranking))]
        if len(profile) > 1:
            parts = self.explainer.contributions(profile, ranking.anime_ids)
            whys = [tuple(reasons(profile.anime_ids, parts[:, i])) for i in range(len(ranking))]
        named_ids = sorted({*profile.anime_ids.tolist(), *(u.anime_id for u in understood)})
        facts = self.facts.of([*ranking.anime_ids.tolist(), *named_ids])
        items = tuple(
            Recommendation(rank=i + 1, anime=facts[int(anime_id)], score=float(ranking.scores[i]), because=whys[i])
            for i, anime_id in enumerate(ranking.anime_ids)
        )
        named = {anime_id: facts[anime_id] for anime_id in named_ids}
        return Recommendations(items=items, understood=tuple(understood), named=named)


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


def _labels(anime: Anime) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*anime.genres, *anime.themes, *anime.demographics, *anime.tags)))


def _mode(mode: FranchiseMode | str) -> FranchiseMode:
    try:
        return FranchiseMode(mode)
    except ValueError:
        modes = ", ".join(FranchiseMode)
        raise InputError(f'there is no franchise mode "{mode}"; modes are {modes}') from None


def _text(wish: str | int) -> str:
    return f"#{wish}" if isinstance(wish, int) else wish


def _text_and_score(wish: str | int | tuple[str | int, float], titles: TitleIndex) -> tuple[str, float | None]:
    """Split `Trigun:9` and `6:9`; a text that is itself a title stays whole."""
    if isinstance(wish, tuple):
        return _text(wish[0]), float(wish[1])
    text = _text(wish).strip()
    title, colon, score = text.rpartition(":")
    if not colon or titles.is_title(text):
        return text, None
    try:
        return title, float(score)
    except ValueError:
        return text, None


def _refuse_contradictions(entries: Sequence[Entry], name: Callable[[int], str]) -> None:
    scores: dict[int, float | None] = {}
    for entry in entries:
        if entry.anime_id in scores and scores[entry.anime_id] != entry.score:
            title = f"{name(entry.anime_id)} [{entry.anime_id}]"
            raise InputError(f"{title} is named twice with different opinions; keep one of them")
        scores[entry.anime_id] = entry.score
