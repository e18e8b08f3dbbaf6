"""What areas are called, which genre stands for a title, and communities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from anirec.atlas import communities
from anirec.atlas.areas import Known, genres_of, labels_of
from anirec.atlas.communities import CommunityConfig
from anirec.atlas.naming import Words, log_odds, telling, told_apart

EVERYWHERE, SPORTS, RARE, DECADE = "Action", "Sports", "Golf", "1990s"


def world() -> tuple[Words, np.ndarray]:
    """400 titles of sport among 4,000; Action is everywhere, golf on thirty; half of sport is from the 1990s."""
    titles = []
    for i in range(4000):
        inside = i < 400
        words = [EVERYWHERE] * (i % 2) + [SPORTS] * inside + [RARE] * (i < 30)
        titles.append([*words, DECADE if i % (2 if inside else 5) == 0 else "2000s"])
    return Words.of(titles, {EVERYWHERE: 1.0, SPORTS: 1.0, RARE: 1.0}), np.arange(400)


def test_an_area_is_called_after_what_it_has_more_of_than_the_rest() -> None:
    words, sport = world()
    everywhere = words.counts(np.arange(4000))
    assert telling(words, sport, everywhere) == (SPORTS, DECADE)
    assert telling(words, np.arange(0, 4000, 7), everywhere) == ()  # a draw has nothing of its own


def test_what_a_title_is_about_goes_before_when_it_was_made() -> None:
    titles = [["Sports", "1990s"] if i < 40 else ["Drama", "2000s"] for i in range(400)]
    titles[41].append("Sports")  # the decade tells better by a hair
    words = Words.of(titles, {"Sports": 1.0, "Drama": 1.0})
    z = dict(zip(words.names, log_odds(words.counts(np.arange(40)), words.counts(np.arange(400))), strict=True))
    assert z["1990s"] > z["Sports"]
    assert telling(words, np.arange(40), words.counts(np.arange(400)), 1) == ("Sports",)


def test_two_words_for_the_same_titles_are_one_too_many() -> None:
    titles = [["Sports", "Team Sports"] if i < 40 else ["Drama"] for i in range(400)]
    words = Words.of(titles)
    assert len(telling(words, np.arange(40), words.counts(np.arange(400)))) == 1


def test_log_odds_are_those_of_the_paper() -> None:
    inside, everywhere = np.array([30, 10]), np.array([50, 150])
    a = 500.0 * everywhere / 200
    here, there = inside + a, (everywhere - inside) + a
    delta = np.log(here[0] / here[1]) - np.log(there[0] / there[1])  # of two words the other is all the rest
    assert log_odds(inside, everywhere)[0] == pytest.approx(delta / np.sqrt(1 / here[0] + 1 / there[0]))
    assert log_odds(inside, everywhere)[1] == pytest.approx(-delta / np.sqrt(1 / here[1] + 1 / there[1]))
    assert log_odds(everywhere, everywhere).tolist() == [0, 0]
    assert log_odds(np.array([0, 0]), np.array([0, 0])).tolist() == [0, 0]


def test_two_areas_of_one_name_are_told_apart_by_their_best_known_title() -> None:
    assert told_apart(["Mecha", "Sports", "Mecha", "Trigun", "Trigun"], ["Gundam", "Haikyu", "Eva", "Trigun", ""]) == [
        "Mecha (Gundam)",
        "Sports",
        "Mecha (Eva)",
        "Trigun",
        "Trigun",
    ]


def test_labels_stand_where_their_titles_do_and_name_the_best_known_without_adult_ones() -> None:
    rng = np.random.default_rng(0)
    middles = np.array([[-0.5, -0.5], [0.5, 0.5]])
    xy = np.concatenate([middle + 0.05 * rng.standard_normal((60, 2)) for middle in middles])
    community = np.repeat(np.array([0, 1], np.int16), 60)
    known = Known(
        words=Words.of([["Sports"] if i < 60 else ["Hentai"] for i in range(120)]),
        members=np.arange(120, dtype=np.int32),
        adult=np.isin(np.arange(120), [59, *range(60, 120)]),
        ids=np.arange(1000, 1120, dtype=np.int32),
        names=[f"Show {i}" for i in range(120)],
    )
    labels = labels_of(xy, np.arange(120), community, known, seed=0)
    first = {label.community: label for label in labels if label.level == 0}
    assert (first[0].text, first[1].text) == ("Sports", "Hentai")
    assert np.linalg.norm(middles[0] - (first[0].x, first[0].y)) < 0.1
    assert first[0].titles == (1058, 1057, 1056)
    assert (first[0].adult, first[1].adult) == (False, True)
    assert all(0 < label.weight <= 1 for label in labels)
    areas = [label for label in labels if label.level == 2]
    assert len(areas) == 2
    assert sum(label.size for label in areas) == 120


def test_of_a_titles_genres_the_one_that_is_frequent_around_it_stands_for_it() -> None:
    carried = [["Action", "Sports"], ["Sports"], ["Sports"], ["Action"], ["Action"], [], ["Action", "Sports"]]
    neighbours = np.array([[1, 2], [0, 2], [0, 1], [4, 6], [3, 6], [0, -1], [3, 4]], np.int32)
    genre, names = genres_of(carried, neighbours)
    assert names == ("Action", "Sports")
    assert genre.tolist() == [1, 1, 1, 0, 0, 255, 0]
    assert genres_of([[], []], np.full((2, 1), -1, np.int32))[0].tolist() == [255, 255]


def cliques(*sizes: int) -> sparse.csr_array[np.float64]:
    """Cliques, each tied to the next by one weak edge, but for the last."""
    n, start = sum(sizes), 0
    dense = np.zeros((n, n))
    for number, size in enumerate(sizes):
        dense[start : start + size, start : start + size] = 1
        if 0 < number < len(sizes) - 1:
            dense[start, start - 1] = dense[start - 1, start] = 0.1
        start += size
    np.fill_diagonal(dense, 0)
    return sparse.csr_array(dense)


def test_communities_are_the_planted_ones_numbered_by_their_people() -> None:
    pytest.importorskip("networkx", reason="it comes with the extra map")
    members = np.array([1] * 8 + [5] * 10 + [1] * 9, np.int32)
    found = communities.find(cliques(8, 10, 9), members, CommunityConfig(least=5), seed=0)
    assert found.tolist() == [2] * 8 + [0] * 10 + [1] * 9


def test_a_small_community_joins_the_one_it_is_tied_to_or_stays_alone() -> None:
    pytest.importorskip("networkx", reason="it comes with the extra map")
    found = communities.find(cliques(12, 3, 4), np.ones(19, np.int32), CommunityConfig(least=6), seed=0)
    assert found.tolist() == [0] * 15 + [communities.NONE] * 4
