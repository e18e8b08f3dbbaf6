from __future__ import annotations

import pytest

from anirec.search import texts


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("A boy finds a sword.  \n\n[Written by MAL Rewrite]", "A boy finds a sword."),
        ("A boy finds a sword. (Source: ANN)", "A boy finds a sword."),
        ("A boy finds a sword.\n(Source: AniDB)\n\n[Written by MAL Rewrite]", "A boy finds a sword."),
        ("Set in Kyoto (Source: of all evil) it ends.", "Set in Kyoto (Source: of all evil) it ends."),
        ("Tom &amp; Jerry&rsquo;s <i>fight</i>", "Tom & Jerry’s fight"),
    ],
)
def test_credits_and_markup_of_a_synopsis_go_and_nothing_else(written: str, left: str) -> None:
    assert texts.synopsis(written) == left


def test_rating_tables_headings_and_words_about_the_review_go() -> None:
    written = (
        "This is my first review, so bear with me.\nStory: 8/10\nArt - 9\nSound (7.5/10)\nOverall:\n"
        "The hero walks from town to town.\n----------\nEnjoyment 10\nHelpful or not, thanks for reading!"
    )
    assert texts.review(written) == "The hero walks from town to town."


def test_a_sentence_that_a_fold_broke_is_mended_and_paragraphs_stay() -> None:
    assert texts.review("They travel to\n\nearn money.\n\nEvery week a bounty.") == (
        "They travel to earn money.\nEvery week a bounty."
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The story of a boy who is looking for his father in the mountains", "en"),
        ("Der Junge sucht seinen Vater und findet ihn nicht in den Bergen", "de"),
        ("Le garçon cherche son père dans les montagnes et ne le trouve pas", "fr"),
        ("El niño busca a su padre en las montañas pero no lo encuentra", "es"),
        ("少年は父を探している。", "ja"),
        ("主角一开始就无敌的动漫", "zh"),
        ("спокойное аниме про жизнь в деревне", "ru"),
        ("소년이 아버지를 찾는다", "ko"),
        ("12345 !!! 🙂", ""),
        ("", ""),
    ],
)
def test_languages_are_told_by_script_and_by_function_words(text: str, language: str) -> None:
    assert texts.language(text) == language
