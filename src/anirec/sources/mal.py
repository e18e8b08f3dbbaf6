"""What the public sets taken from MyAnimeList have in common, as SQL over text columns."""

from __future__ import annotations

from typing import Final

from anirec.sources.layout import checks

DEMOGRAPHICS: Final = ("Josei", "Kids", "Seinen", "Shoujo", "Shounen")

GENRES: Final = (
    *("Action", "Adventure", "Avant Garde", "Award Winning", "Boys Love", "Comedy", "Drama", "Ecchi", "Erotica"),
    *("Fantasy", "Girls Love", "Gourmet", "Hentai", "Horror", "Mystery", "Romance", "Sci-Fi", "Slice of Life"),
    *("Sports", "Supernatural", "Suspense"),
)
"""What the site calls genres today; what it used to call so (School, Mecha ...) is themes and demographics now."""

RENAMED: Final = {
    "Dementia": "Avant Garde",
    "Shounen Ai": "Boys Love",
    "Yaoi": "Boys Love",
    "Shoujo Ai": "Girls Love",
    "Yuri": "Girls Love",
    "Thriller": "Suspense",
    "Cars": "Racing",
    "Demons": "Mythology",
    "Police": "Detective",
    "Game": "Strategy Game",
}
"""Old names of labels and what they are called now."""


def bad_anime_id(column: str, number: str | None = None) -> dict[str, tuple[str, str]]:
    """Return the check that a column holds the id of an anime. number: SQL of it as a number, where that is at hand."""
    return {f"{column} is not a whole number from 1": (f"coalesce({number or f'whole({column})'} < 1, true)", column)}


def bad_number(column: str, number: str | None = None) -> dict[str, tuple[str, str]]:
    """Return the check that a column holds a whole number; whether a score lies in 1..10 is seen for all layouts alike.

    number: SQL of it as a number, where that is at hand.
    """
    return {f"{column} is not a whole number": (f"{number or f'whole({column})'} IS NULL", column)}


BAD_ANIME_ID: Final = bad_anime_id("anime_id")


def scored_lists(rows: str, *, source: str, none: int, status: str) -> str:
    """Return SQL for the table of ratings from rows of user_id, anime_id and rating as text; each number is read once.

    rows: SQL that is evaluated once. none: the rating that means that there is none. status: SQL over `rows`.
    """
    bad = bad_number("user_id", "u") | bad_anime_id("anime_id", "a") | bad_number("rating", "r")
    return (
        f"SELECT u AS user_id, a AS anime_id, nullif(r, {none}) AS score, status, '{source}' AS source, {checks(bad)} "
        f"FROM (SELECT user_id, anime_id, rating, whole(user_id) AS u, whole(anime_id) AS a, whole(rating) AS r, "
        f"{status} AS status FROM ({rows}))"
    )


def labels(column: str, *, adult: bool = True) -> str:
    """Return SQL for the columns genres, themes, demographics (and adult) from one list with commas."""
    renamed = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in RENAMED.items())
    every = f"list_sort(list_distinct(list_transform(parts({column}), lambda g: CASE g {renamed} ELSE g END)))"
    genres, demographics = _texts(GENRES), _texts(DEMOGRAPHICS)
    sql = (
        f"list_filter({every}, lambda g: list_contains({genres}, g)) AS genres, "
        f"list_filter({every}, lambda g: NOT list_contains({genres}, g) AND NOT list_contains({demographics}, g)) "
        f"AS themes, list_filter({every}, lambda g: list_contains({demographics}, g)) AS demographics"
    )
    return f"{sql}, list_contains(parts({column}), 'Hentai') AS adult" if adult else sql


def adult_by(rating: str, genres: str) -> str:
    """Return SQL: whether the age rating or a genre says that a title is for adults only."""
    return f"(coalesce(starts_with({rating}, 'Rx'), false) OR list_contains(parts({genres}), 'Hentai'))"


def first_date(column: str) -> str:
    """Return SQL for the first date of `Apr 3, 1998 to Apr 24, 1999`: ISO, as much as is known, else NULL."""
    first = f"split_part(known({column}), ' to ', 1)"
    day, month = f"try_strptime({first}, '%b %d, %Y')", f"try_strptime({first}, '%b %Y')"
    year = f"CASE WHEN regexp_full_match({first}, '[12][0-9]{{3}}') THEN {first} END"
    return f"coalesce(strftime({day}, '%Y-%m-%d'), strftime({month}, '%Y-%m'), {year})"


def minutes(column: str) -> str:
    """Return SQL for the minutes in `1 hr. 55 min.` or `24 min. per ep.`; seconds alone are 1 minute; else NULL."""
    hours = f"TRY_CAST(regexp_extract({column}, '([0-9]+) hr', 1) AS INTEGER)"
    rest = f"TRY_CAST(regexp_extract({column}, '([0-9]+) min', 1) AS INTEGER)"
    seconds = f"CASE WHEN {column} LIKE '% sec%' THEN 1 END"
    return (
        f"CASE WHEN {hours} IS NULL AND {rest} IS NULL THEN {seconds} "
        f"ELSE coalesce({hours}, 0) * 60 + coalesce({rest}, 0) END"
    )


def _texts(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
