"""Which sentence stands beside a recommendation, in the planted world of `quoted`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anirec.core.anime import Anime
from anirec.explain import Reason
from anirec.service.answers import Recommendation
from anirec.service.quotes import Quote, Quotes, quotes_of
from anirec.service.search import Search
from quoted import GENRES, quoted_search


@pytest.fixture(scope="module")
def search(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    pytest.importorskip("Stemmer", reason="the extra text is not installed")
    return quoted_search(small_bundle, tmp_path_factory.mktemp("quoted"))


@pytest.fixture
def quotes(search: Search) -> Quotes:
    found = quotes_of(search.index)
    assert found is not None
    return found


def show(anime_id: int) -> Anime:
    return Anime(anime_id=anime_id, title=f"Show {anime_id}", genres=tuple(GENRES.get(anime_id, ())))


def item(anime_id: int, *, because: tuple[Reason, ...] = (), shared: tuple[str, ...] = ()) -> Recommendation:
    return Recommendation(1, show(anime_id), 1.0, because, shared=shared)


def test_a_sentence_that_names_both_titles_is_quoted_before_any_other(quotes: Quotes) -> None:
    said = Quote("Whoever loved Show 4 will feel at home with these people at once.", about=5, names=4)
    why = (Reason(6, 0.6), Reason(4, 0.4))
    assert quotes.of(item(5, because=why, shared=("Drama", "Comedy")), {4: show(4), 6: show(6)}) == said


def test_it_may_stand_in_what_was_written_of_the_title_that_i_like(quotes: Quotes) -> None:
    found = quotes.of(item(4, because=(Reason(5, 1.0),)), {5: show(5)})
    assert found is not None
    assert (found.about, found.names) == (5, 4)


def test_a_title_that_pushed_down_is_no_reason_and_not_quoted(quotes: Quotes) -> None:
    assert quotes.of(item(5, because=(Reason(4, -1.0),)), {4: show(4)}) is None


def test_a_name_is_a_whole_name(quotes: Quotes) -> None:
    found = quotes.of(item(9, because=(Reason(1, 1.0),)), {1: show(1)})
    assert found is None, '"Show 1" does not stand in "Show 41"'


def test_else_a_sentence_speaks_of_what_is_shared(quotes: Quotes) -> None:
    found = quotes.of(item(6, shared=("Comedy",)), {})
    assert found == Quote("Every minute of it is pure comedy, and I laughed until I cried.", about=6)


def test_a_sentence_that_denies_it_is_not_quoted(quotes: Quotes) -> None:
    assert quotes.of(item(7, shared=("Drama",)), {}) is None


def test_a_sentence_of_two_words_is_not_quoted(quotes: Quotes) -> None:
    assert quotes.of(item(8, shared=("Drama",)), {}) is None


def test_who_has_no_text_has_no_quote(quotes: Quotes) -> None:
    assert quotes.of(item(14, shared=("Drama",), because=(Reason(15, 1.0),)), {15: show(15)}) is None


def test_the_name_of_a_series_is_no_news_in_a_text_about_its_second_season(quotes: Quotes) -> None:
    second = replace(show(5), title="Show 4 Second Season")
    assert quotes.of(replace(item(5, because=(Reason(4, 1.0),)), anime=second), {4: show(4)}) is None


def test_a_bundle_without_texts_has_no_quotes(search: Search) -> None:
    bare = replace(search.index, chunks=replace(search.index.chunks, passages=None))
    assert quotes_of(bare) is None
    assert quotes_of(None) is None
