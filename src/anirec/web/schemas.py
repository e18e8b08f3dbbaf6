"""What goes over HTTP: every request and every answer, with limits and examples. The OpenAPI document is made of these.

Requests are strict: an unknown name is refused rather than passed over, since a misspelt filter would show nothing of
itself. Answers are built as plain dictionaries and are not validated again when served; tests hold them to these.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_K: Final = 100
MOST_OFFSET: Final = 1000
MOST_TITLES: Final = 5_000
"""Titles in one field of a request; nobody has seen more than there are good reasons to name."""
MOST_ENTRIES: Final = 20_000
MOST_TEXTS: Final = 50
"""Titles given as text in one request; each that is misspelt costs a look through all titles."""
MOST_CARDS: Final = 1_000
MOST_MEMBERS: Final = 16

AnimeId = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1, description="MyAnimeList's id.", examples=[5114])]
TitleText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, strip_whitespace=True),
    Field(description="A title in any language; `title:score` gives a score, too.", examples=["Cowboy Bebop"]),
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Score = Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)]
K = Annotated[int, Field(ge=1, le=MOST_K, description="How many.")]
Offset = Annotated[int, Field(ge=0, le=MOST_OFFSET, description="How many to pass over: `next_offset` of a page.")]
Popularity = Annotated[
    float, Field(ge=-1, le=1, allow_inf_nan=False, description="-1 = hidden gems, 0 = as it is, 1 = crowd-pleasers.")
]
FranchiseName = Literal["entry", "next", "mixed", "unrelated", "anything"]
StatusName = Literal["watching", "completed", "on_hold", "dropped", "planned"]
SeasonName = Literal["winter", "spring", "summer", "fall"]
Query = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    Field(description="What you are in the mood for.", examples=["wholesome adventure with lots of travelling"]),
]
StrategyName = Literal["average", "least-misery", "fairness"]

FRANCHISE_HELP: Final = (
    "entry: where a newcomer starts, only franchises new to you. next: what comes next in your series. mixed: both. "
    "unrelated: any season of franchises new to you. anything: no rule."
)


Match = Annotated[
    int | None,
    Field(
        ge=0,
        le=100,
        description="Of 100 people who saw titles of such a chance, so many liked them; null where the bundle has not "
        "learned it.",
    ),
]


class _Asked(BaseModel):
    """A part of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid")


class TitleMatch(_Told):
    """A title that a text may have meant."""

    anime_id: int
    title: str
    year: int | None
    type: str | None
    similarity: float = Field(description="0..100, higher is nearer.")


class FieldProblem(_Told):
    """One thing that is wrong with a request. field: where, with dots."""

    field: str
    problem: str


class Problem(_Told):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="A stable name of the kind of problem.", examples=["/problems/unknown-title"])
    title: str = Field(examples=["Unknown title"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What is wrong, and what to do.", examples=['no anime is called "Cowboi"'])
    instance: str | None = Field(default=None, description="The id of the request, as in its `X-Request-Id` header.")
    matches: list[TitleMatch] | None = Field(default=None, description="The nearest titles, where one was not found.")
    fields: list[FieldProblem] | None = Field(default=None, description="What is wrong with the request, by field.")


class AnimeCard(_Told):
    """The facts of an anime that every answer shows; null where not known."""

    anime_id: int
    title: str
    title_english: str | None
    title_japanese: str | None
    type: str | None
    year: int | None
    season: str | None
    episodes: int | None
    minutes: int | None = Field(description="Length of an episode.")
    airing: str | None
    score: float | None = Field(description="Mean score at the source, 1..10.")
    members: int | None = Field(description="People who have it on a list at the source.")
    popularity_rank: int = Field(description="1 = on most lists.")
    genres: list[str]
    themes: list[str]
    demographics: list[str]
    adult: bool
    image_url: str | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "anime_id": 5114,
                    "title": "Fullmetal Alchemist: Brotherhood",
                    "title_english": "Fullmetal Alchemist: Brotherhood",
                    "title_japanese": "鋼の錬金術師 FULLMETAL ALCHEMIST",
                    "type": "TV",
                    "year": 2009,
                    "season": "spring",
                    "episodes": 64,
                    "minutes": 24,
                    "airing": "Finished Airing",
                    "score": 9.1,
                    "members": 3300000,
                    "popularity_rank": 3,
                    "genres": ["Action", "Adventure", "Drama", "Fantasy"],
                    "themes": ["Military"],
                    "demographics": ["Shounen"],
                    "adult": False,
                    "image_url": None,
                }
            ]
        }
    )


class Links(_Told):
    """Where else to read about an anime."""

    myanimelist: str
    anilist: str | None


class FranchiseMember(_Told):
    """One anime of a franchise. order: in watch order, from 0. entry: a newcomer may start here. here: this one."""

    anime: AnimeCard
    order: int
    entry: bool
    here: bool


class AnimeFull(AnimeCard):
    """All facts of an anime, its franchise in watch order, and the lenses that know it."""

    synonyms: list[str]
    source: str | None
    start_date: str | None
    age_rating: str | None
    tags: list[str]
    studios: list[str]
    scored_by: int | None
    favorites: int | None
    anilist_id: int | None
    anidb_id: int | None
    kitsu_id: int | None
    links: Links
    franchise: list[FranchiseMember]
    lenses: list[str]


class Filters(_Asked):
    """What an anime must be. What is left out does not matter; an unknown fact never passes a bound on it."""

    types: list[Label] | None = Field(default=None, max_length=20, examples=[["TV", "Movie"]])
    year_from: int | None = Field(default=None, ge=1900, le=2200, examples=[2000])
    year_to: int | None = Field(default=None, ge=1900, le=2200)
    genres: list[Label] | None = Field(
        default=None,
        max_length=50,
        description="It must carry all: genres, themes, demographics.",
        examples=[["Drama"]],
    )
    not_genres: list[Label] | None = Field(default=None, max_length=50, description="It must carry none.")
    min_members: int | None = Field(default=None, ge=1, le=2**31 - 1)
    max_members: int | None = Field(default=None, ge=1, le=2**31 - 1)
    min_episodes: int | None = Field(default=None, ge=1, le=32767)
    max_episodes: int | None = Field(default=None, ge=1, le=32767)
    max_minutes: int | None = Field(default=None, ge=1, le=32767, description="Length of one episode.")
    airing: list[Label] | None = Field(default=None, max_length=10, description="Any of these.")
    adult: bool = Field(default=False, description="Whether adult titles may appear.")


class _Listing(Filters):
    """A page of a list, as query parameters."""

    k: K = 20
    offset: Offset = 0


class SimilarQuery(_Listing):
    """What to compare by, and what may come."""

    by: Label = Field(default="blend", description="A lens (see `lenses` of the anime), or blend for all of them.")
    opposite: bool = Field(default=False, description="The most unlike instead.")
    franchise: FranchiseName = Field(default="entry", description=FRANCHISE_HELP)
    popularity: Popularity = 0.0


class SearchQuery(_Listing):
    """A mood in one's own words."""

    q: Query
    franchise: FranchiseName = Field(default="entry", description=FRANCHISE_HELP)
    popularity: Popularity = 0.0


class TitlesQuery(_Asked):
    """What is typed so far."""

    q: Annotated[str, StringConstraints(max_length=200)] = Field(examples=["cowb"])
    k: int = Field(default=8, ge=1, le=50, description="How many.")
    adult: bool = Field(default=False, description="Whether adult titles may appear.")


class RandomQuery(Filters):
    """Which anime may come. seed: the same one gives the same anime."""

    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)


class AdultQuery(_Asked):
    """Whether adult titles may appear."""

    adult: bool = False


class BrowseQuery(_Listing):
    """How many, from where, and what may come."""


class ScoredAnime(_Asked):
    """A title with the score that somebody gave it."""

    anime_id: AnimeId
    score: Score


class Entry(_Asked):
    """One anime of a list. With neither score nor status it is a plain "I like this"."""

    anime_id: AnimeId
    score: Score | None = None
    status: StatusName | None = None


Liked = AnimeId | ScoredAnime | TitleText
Named = AnimeId | TitleText


class Taste(_Asked):
    """What somebody likes and does not."""

    likes: list[Liked] = Field(
        default_factory=list,
        max_length=MOST_TITLES,
        description="Ids, ids with scores, or titles as text.",
        examples=[[1, 6, {"anime_id": 5114, "score": 10}]],
    )
    dislikes: list[Named] = Field(default_factory=list, max_length=MOST_TITLES, description="To move away from.")
    entries: list[Entry] = Field(
        default_factory=list, max_length=MOST_ENTRIES, description="A list; what is said above goes before it."
    )


class _Wishes(_Asked):
    """What the list should be like."""

    k: K = 20
    offset: Offset = 0
    franchise: FranchiseName = Field(default="entry", description=FRANCHISE_HELP)
    popularity: Popularity = 0.0
    filters: Filters = Field(default_factory=Filters)


class RecommendationRequest(Taste, _Wishes):
    """Whom to recommend to, and what."""

    seen: list[Named] = Field(default_factory=list, max_length=MOST_ENTRIES, description="Only to be left out.")
    use_dislikes: bool = Field(default=True, description="Whether dislikes speak against titles like them.")
    model: Label | None = Field(default=None, description="A model of the bundle; null = its default.")
    weights: dict[Label, Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)]] | None = Field(
        default=None,
        max_length=20,
        description="How much parts of the blend say: 0 = nothing, 1 = as learned. See `parts` of `/model`.",
        examples=[{"popularity": 0}],
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"likes": [1, 6, {"anime_id": 5114, "score": 10}], "dislikes": [11757], "k": 10},
                {"likes": [457], "popularity": -0.75, "filters": {"types": ["Movie"], "year_from": 2000}},
            ]
        }
    )


class Because(_Told):
    """One title of the profile. share: -1..1 of everything that pulled up (plus) or pushed down (minus)."""

    anime_id: int
    title: str
    share: float


class Quote(_Told):
    """A sentence that somebody wrote, of a review or synopsis.

    about_anime_id: whose text it is of. names_anime_id: the other one of the two titles, where the sentence names it;
    null = it speaks of what they share.
    """

    text: str
    about_anime_id: int
    names_anime_id: int | None


class Reason(_Told):
    """Why a title is recommended. shared: labels that it carries with the titles that pulled it up."""

    because: list[Because]
    shared: list[str]
    quote: Quote | None = Field(description="Null where the bundle has no texts (`has.passages`), or none fits.")


class RecommendationItem(_Told):
    """One recommended anime."""

    rank: int = Field(description="From 1, counted on over pages.")
    anime: AnimeCard
    score: float = Field(description="The model's; comparable within one answer only.")
    match: Match
    predicted_score: float | None = Field(
        description="1..10, what this person would score it; null where they gave no scores."
    )
    reasons: Reason


class Understood(_Told):
    """How a text was read."""

    text: str
    anime_id: int
    title: str
    others: list[TitleMatch]


class Recommendations(_Told):
    """A page of recommendations, best first."""

    items: list[RecommendationItem]
    next_offset: int | None = Field(description="For the next page; null where this is the last.")
    model: str
    understood: list[Understood] = Field(description="How titles that were given as text were read.")


class Likeness(_Told):
    """Why two titles are alike. lenses: each one's share, 0..1. votes: people who named the two together."""

    lenses: dict[str, float]
    shared: list[str]
    votes: int


class SimilarItem(_Told):
    """One anime that is like, or, if that was asked for, most unlike another."""

    rank: int
    anime: AnimeCard
    score: float
    match: Match
    likeness: Likeness | None


class SimilarAnime(_Told):
    """A page of them."""

    items: list[SimilarItem]
    next_offset: int | None
    by: str


class WatchItem(_Told):
    """One step of a watch order. optional: the story is whole without it."""

    anime: AnimeCard
    order: int
    entry: bool
    role: str | None
    optional: bool


class WatchOrder(_Told):
    """A franchise in the order to watch it in."""

    items: list[WatchItem]


class SearchRequest(Taste, _Wishes):
    """A mood in one's own words, in one's own taste."""

    q: Query
    seen: list[Named] = Field(default_factory=list, max_length=MOST_ENTRIES, description="Only to be left out.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"q": "slow, quiet, rural, not sad", "likes": [457], "k": 10}]}
    )


class Evidence(_Told):
    """Why an anime answers a query. passage: a sentence, where the bundle has texts."""

    labels: list[str]
    passage: str | None


class SearchItem(_Told):
    """One found anime."""

    rank: int
    anime: AnimeCard
    match: int = Field(ge=0, le=100, description="How likely it is what was asked for.")
    score: float
    evidence: Evidence


class SearchResults(_Told):
    """A page of what was found, best first. like: the titles that the query names, to be resembled."""

    items: list[SearchItem]
    like: list[AnimeCard]
    next_offset: int | None
    without_vectors: bool = Field(description="The store of vectors does not answer: words and labels alone counted.")


class TitleItem(_Told):
    """One anime that what is typed may become. matched: the title that fits."""

    anime_id: int
    title: str
    matched: str
    year: int | None
    type: str | None
    members: int | None
    image_url: str | None
    similarity: float = Field(description="0..100.")


class Titles(_Told):
    """What is typed may become these, best first."""

    items: list[TitleItem]


class CardsRequest(_Asked):
    """Whose facts are wanted."""

    anime_ids: list[AnimeId] = Field(max_length=MOST_CARDS, examples=[[1, 6, 5114]])


class Cards(_Told):
    """Facts of anime, in the order asked for; ids that are not known are left out."""

    items: list[AnimeCard]


class SiteListRequest(_Asked):
    """Whose public list to read from which site."""

    site: Literal["myanimelist", "anilist"]
    user: Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]

    model_config = ConfigDict(json_schema_extra={"examples": [{"site": "anilist", "user": "someone"}]})


class ReadEntry(_Told):
    """One entry that was read of a list."""

    anime_id: int
    score: float | None
    status: StatusName | None


class UnknownTitle(_Told):
    """One row that was not used. title, id: as the file has them. reason: why not."""

    title: str
    id: int | None
    reason: str


class ImportedList(_Told):
    """What a list says. adult_hidden: entries about adult titles; their cards are not shown unless asked for."""

    source: str
    entries: list[ReadEntry]
    found: int
    unknown: list[UnknownTitle] = Field(description="The first rows that were not used.", max_length=50)
    unknown_count: int
    adult_hidden: int
    titles: dict[str, AnimeCard] = Field(description="Facts of the entries by id.")


class GroupMember(Taste):
    """One person of a group. seen: only to be left out for all."""

    name: Annotated[str, StringConstraints(max_length=60)] | None = None
    seen: list[Named] = Field(default_factory=list, max_length=MOST_ENTRIES)


class GroupRequest(_Wishes):
    """Several people who want to watch something together."""

    members: list[GroupMember] = Field(min_length=2, max_length=MOST_MEMBERS)
    strategy: StrategyName = Field(
        default="fairness",
        description="average: most liked by all together. least-misery: whom it pleases least decides. fairness: "
        "everybody is served in turn.",
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "members": [{"name": "A", "likes": [1, 6]}, {"name": "B", "likes": [457, 5114]}],
                    "strategy": "fairness",
                    "k": 10,
                }
            ]
        }
    )


class MemberMatch(_Told):
    """How well a title suits one of the group."""

    name: str
    match: Match
    place: int | None = Field(description="On the list that this member would get alone, from 1; null = not on it.")
    because: list[Because]


class GroupItem(RecommendationItem):
    """One anime for all of a group."""

    members: list[MemberMatch]


class GroupRecommendations(_Told):
    """A page of picks for a group."""

    items: list[GroupItem]
    next_offset: int | None
    strategy: StrategyName


class Ranked(_Told):
    """A page of anime in order."""

    items: list[AnimeCard]
    next_offset: int | None


class SeasonRequest(Taste):
    """In whose taste a season is to be ranked."""

    k: K = 50
    offset: Offset = 0
    filters: Filters = Field(default_factory=Filters)
    seen: list[Named] = Field(default_factory=list, max_length=MOST_ENTRIES, description="Only to be left out.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"likes": [1, 6, 5114], "k": 20}]})


class MapLabel(_Told):
    """A word on the map. x, y: -1..1. weight: larger ones are shown first. community: -1 = an area of several."""

    x: float
    y: float
    text: str
    weight: float
    level: int
    community: int


class MapField(_Told):
    """One array of the binary points. dtype: little-endian. offset: bytes from the beginning."""

    name: str
    dtype: Literal["float32", "int32", "uint16", "uint8"]
    offset: int
    length: int


class MapAbout(_Told):
    """The map: what the arrays of `url` mean.

    colours: what the numbers of the arrays genre (255 = none) and community (65535 = none) are called.
    trustworthiness: by how many neighbours it was measured with, 0..1.
    """

    points: int
    url: str
    layout: list[MapField]
    colours: dict[str, list[str]]
    labels: list[MapLabel]
    trustworthiness: dict[str, float]
    random: dict[str, float] = Field(description="The trustworthiness of points laid out by chance, to compare.")
    method: str


class MapNeighbour(_Told):
    """An edge of the similarity graph. weight: 0..1."""

    anime: AnimeCard
    weight: float


class MapNeighbours(_Told):
    """The neighbours of an anime in the similarity graph, nearest first."""

    items: list[MapNeighbour]


class Examples(_Told):
    """Queries to begin with."""

    queries: list[str]


class Genres(_Told):
    """What can be filtered by. years: the first and the last."""

    genres: list[str]
    themes: list[str]
    demographics: list[str]
    types: list[str]
    airing: list[str]
    years: list[int] = Field(min_length=2, max_length=2)


class Abilities(_Told):
    """What this bundle can do."""

    search: bool
    map: bool
    passages: bool
    crowd: bool
    lists: list[str] = Field(description="Sites whose lists can be read by a user's name.")


class ModelAbout(_Told):
    """What is served. figures: the tables of the model card, as rows by column."""

    name: str
    models: list[str]
    parts: list[str] = Field(description="What the blend is made of; `weights` are given by these names.")
    lenses: list[str]
    default_model: str
    created: str | None
    figures: list[dict[str, Any]]
    card_markdown: str
    has: Abilities


class Health(_Told):
    """Whether the process lives, or answers."""

    status: Literal["ok", "starting"]


class Swap(_Told):
    """What became of a wish for another bundle.

    when: ISO 8601. bundle: as in `Version`, of the one that was found, null where it was refused. why: the kind of
    error that it was refused for.
    """

    what: Literal["swapped", "unchanged", "rolled-back", "refused"]
    when: str
    bundle: str | None
    why: str | None


class Ready(_Told):
    """That requests are answered. bundle: as in `Version`. last_swap: null if no other bundle was wished for so far."""

    status: Literal["ok"]
    bundle: str
    last_swap: Swap | None


class Version(_Told):
    """What runs. bundle: the first signs of the SHA-256 of its manifest. last_swap: as in `Ready`."""

    version: str
    bundle: str
    last_swap: Swap | None
