from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anirec.search import lexical
from anirec.search.lexical import LexicalConfig
from anirec.search.words import counted, keys_of, stems, words

CONFIG = LexicalConfig()


def test_a_name_inside_a_sentence_is_no_word_of_the_text() -> None:
    assert "yuri" not in counted("He trains with Yuri every day.")[0]
    assert "yuri" in counted("It is a yuri romance.")[0]
    assert "yuri" in counted("Yuri at its best.")[0]  # it begins the sentence: it may be a word like any other


def test_what_is_denied_is_not_said() -> None:
    said, denied = counted("The hero is not overpowered, but he is brave. There is no romance.")
    assert (set(stems("overpowered romance")), "brave" in said) == (denied & set(stems("overpowered romance")), True)
    assert not set(said) & set(stems("overpowered romance"))


def test_a_denial_ends_with_its_clause() -> None:
    assert counted("Not a comedy, a tragedy.")[1] == set(stems("comedy"))


def test_what_a_text_says_as_well_is_not_denied() -> None:
    assert counted("He is not strong. Later he is strong.")[1] == set()


def test_forms_of_a_word_are_one_stem_and_stop_words_are_none() -> None:
    assert stems("travelling travels travel") == ["travel"] * 3
    assert stems("the and of") == []


def test_signs_without_blanks_between_words_are_read_in_pairs() -> None:
    assert [word.stem for word in words("異世界転生")] == ["異世", "世界", "界転", "転生"]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    said, denied = counted(text)
    assert not denied & set(said)


def slow_bm25(texts: list[str], asked: str, config: LexicalConfig) -> list[float]:
    """The definition, with one field."""
    found = [Counter(counted(text)[0]) for text in texts]
    lengths = [sum(c.values()) for c in found]
    mean = sum(n for n in lengths if n) / sum(1 for n in lengths if n)
    scores = []
    for counter, length in zip(found, lengths, strict=True):
        total = 0.0
        for stem in set(stems(asked)):
            df = sum(1 for c in found if stem in c)
            if df and stem in counter:
                n = sum(1 for n in lengths if n)
                idf = np.log(1 + (n - df + 0.5) / (df + 0.5))
                tf = counter[stem] / (1 - config.b + config.b * length / mean)
                total += idf * tf / (config.k1 + tf)
        scores.append(total)
    return scores


TEXTS = [
    "a mafia boss and a detective", "a detective solves murders, murders and murders", "girls drink tea",
    "", "tea with a detective in the rain and in the snow and in the wind",
]  # fmt: skip


def built(config: LexicalConfig = CONFIG) -> lexical.Lexical:
    return lexical.build({"synopsis": [Counter(counted(t)[0]) for t in TEXTS]}, {"synopsis": 1.0}, config)


@pytest.mark.parametrize("asked", ["detective", "detective murders", "tea in the rain", "dragon", "detective dragon"])
def test_the_index_scores_as_the_definition_does(asked: str) -> None:
    scores, most = built().score(stems(asked))
    np.testing.assert_allclose(scores, slow_bm25(TEXTS, asked, CONFIG), atol=0.01)
    assert (scores <= most + 0.01).all()


def test_a_word_said_twice_in_a_query_counts_once() -> None:
    index = built()
    np.testing.assert_array_equal(index.score(["detect", "detect"])[0], index.score(["detect"])[0])


def test_only_the_most_telling_words_are_kept_where_that_is_asked() -> None:
    kept = built(LexicalConfig(most=1))
    assert len(kept.rows) == sum(1 for text in TEXTS if text)
    assert not kept.knows("detect") or kept.knows("murder")


def test_an_index_comes_back_from_its_arrays_and_damage_is_seen() -> None:
    index = built()
    again = lexical.restore(index.arrays(), index.n)
    np.testing.assert_array_equal(again.score(["detect"])[0], index.score(["detect"])[0])
    with pytest.raises(ValueError, match="do not fit"):
        lexical.restore(index.arrays() | {"rows": index.rows[:-1]}, index.n)
    with pytest.raises(ValueError, match="do not fit"):
        lexical.restore(index.arrays(), 1)


def test_what_reviewers_say_much_of_one_title_is_by_how_much_more_than_usual() -> None:
    usual = Counter({"hero": 10, "music": 10})
    rows = [Counter(usual) for _ in range(lexical.SAID_OF + 5)] + [Counter()]
    for row in rows[: lexical.SAID_OF]:
        row["sword"] = 1
    rows[0]["sword"] = 12
    rows[1]["rare"] = 30  # of one title alone: a name
    said = lexical.build_said(rows)
    scores = said.score(["sword"])[0]
    total = sum(row.total() for row in rows)
    expected = rows[0].total() * sum(row["sword"] for row in rows) / total
    idf = math.log((len(rows) - 1) / lexical.SAID_OF)
    assert scores[0] == pytest.approx(idf * math.log((12 + 2) / (expected + 2)), rel=0.01)
    assert scores.argmax() == 0
    assert not said.knows("rare")
    assert said.score(["hero"])[0].max() == pytest.approx(0, abs=1e-6)  # all speak of it alike
    assert len(lexical.build_said(rows, most=1).rows) <= len(said.rows)


def test_an_index_without_words_finds_nothing() -> None:
    empty = lexical.build({"synopsis": [Counter(), Counter()]}, {"synopsis": 1.0}, CONFIG)
    assert empty.score(["detect"])[0].tolist() == [0, 0]


def test_keys_are_the_same_in_every_process() -> None:
    assert keys_of(["travel"]).tolist() == [int.from_bytes(bytes.fromhex("5570b9a32e36f97e"), "little")]
