from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.search.chunks import ChunkConfig, first_of_each, sentences, windows

PROSE = st.text(alphabet="abc DE.!?\n,é漢。", max_size=400)
SIZES = st.builds(
    lambda tokens, overlap, least: ChunkConfig(tokens=tokens, overlap=min(overlap, tokens - 1), least=least),
    st.integers(1, 12), st.integers(0, 11), st.integers(0, 4),
)  # fmt: skip


def by_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def signs(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_sentences_end_at_their_borders_and_not_at_abbreviations() -> None:
    assert sentences('Dr. Tenma saves a boy. "Why?" he asks. Years later... the boy kills.\nNo. 5 ends it!') == [
        "Dr. Tenma saves a boy.", '"Why?"' + " he asks.", "Years later... the boy kills.", "No. 5 ends it!",
    ]  # fmt: skip


@given(PROSE)
def test_no_visible_sign_is_lost_or_doubled_by_sentences(text: str) -> None:
    assert signs("".join(sentences(text))) == signs(text)


@given(PROSE, SIZES)
def test_chunks_fit_unless_one_sign_alone_does_not(text: str, config: ChunkConfig) -> None:
    for chunk, size in zip(found := windows(text, by_words, config), by_words(found), strict=True):
        assert size <= config.tokens, chunk


@given(PROSE, SIZES)
def test_chunks_without_overlap_say_the_whole_text_once(text: str, config: ChunkConfig) -> None:
    whole = ChunkConfig(tokens=config.tokens, overlap=0, least=0)
    assert signs("".join(windows(text, by_words, whole))) == signs(text)


def test_a_window_begins_with_what_ended_the_one_before() -> None:
    text = "A b c. D e f. G h i. J k l."
    assert windows(text, by_words, ChunkConfig(tokens=6, overlap=3, least=0)) == [
        "A b c. D e f.", "D e f. G h i.", "G h i. J k l.",
    ]  # fmt: skip


def test_short_rests_are_left_out_but_a_short_text_is_not() -> None:
    config = ChunkConfig(tokens=6, overlap=0, least=3)
    assert windows("A b c d e f. G.", by_words, config) == ["A b c d e f."]
    assert windows("G.", by_words, config) == ["G."]
    assert windows("", by_words, config) == []


def test_of_many_windows_some_are_taken_evenly() -> None:
    text = " ".join(f"W{i} x." for i in range(10))
    config = ChunkConfig(tokens=2, overlap=0, least=0, most=2)
    assert windows(text, by_words, config) == ["W0 x.", "W5 x."]


def test_an_overlap_as_long_as_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap of 6 tokens does not fit windows of 6"):
        windows("A b.", by_words, ChunkConfig(tokens=6, overlap=6))


def test_the_same_words_in_other_dress_are_the_same_text() -> None:
    assert first_of_each(["Best show, ever!", "best show ever", "worst show ever"]) == [True, False, True]
