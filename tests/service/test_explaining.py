"""What is said beside a recommendation: reasons, shared labels, match, predicted score, place by members."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Entry
from anirec.explain import shared_labels
from anirec.recommenders.blend import Blend
from anirec.recommenders.expectations import Expectations, Expecting, Offsets
from anirec.recommenders.newcomers import Newcomers
from anirec.service.recommend import Service
from anirec.wiring.serve import load


@pytest.fixture(scope="module")
def plain(small_bundle: Path) -> Service:
    return load(small_bundle)


@pytest.fixture(scope="module")
def service(plain: Service) -> Service:
    """The small world, with a blend that knows what its chances mean."""
    model = plain.model("blend")
    assert isinstance(model, Blend)
    offsets = Offsets(7.0, model.items, np.where(model.items % 2 == 1, 0.5, -0.5).astype(np.float16))
    told = Expectations(np.array([1.0, 0.3, 0, 0]), offsets, np.array([0.0, 1, 1, 0, 0, 0]), Expecting())
    return replace(plain, models={**plain.models, "blend": replace(model, expects=told)})


def test_reasons_are_signed_and_a_dislike_speaks_against_what_is_like_it(service: Service) -> None:
    found = service.recommend(like=["4:9", "5:9", "14:9"], dislike=[11, 12], k=20)
    of_first_taste = next(item for item in found if item.anime.anime_id in range(6, 11))
    of_second = next(item for item in found if item.anime.anime_id in range(13, 20))
    assert {why.anime_id for why in of_first_taste.because if why.share > 0} <= {4, 5}
    assert {why.anime_id for why in of_second.because if why.share < 0} <= {11, 12}
    assert any(why.share < 0 for item in found for why in item.because)
    assert all(abs(why.share) <= 1 for item in found for why in item.because)


def test_match_rises_with_the_chance_and_is_none_of_a_bundle_that_has_not_learned_it(
    service: Service, plain: Service
) -> None:
    found = service.recommend(like=[4, 5], k=10)
    matches = [item.match for item in found]
    assert matches == sorted(matches, reverse=True)  # type: ignore[type-var]
    assert all(match is not None and 0 <= match <= 100 for match in matches)
    assert matches[0] != matches[-1]
    assert {item.match for item in plain.recommend(like=[4, 5], k=10)} == {None}
    assert {item.match for item in service.recommend(like=[4, 5], k=10, model="ease")} == {None}


def test_of_newcomers_nothing_is_promised(service: Service) -> None:
    model = service.model("blend")
    assert isinstance(model, Blend)
    one = np.ones((1, 1), np.float32)
    new = Newcomers(np.array([6], np.int32), np.array([[7]], np.int32), one, one[0])
    other = replace(service, models={**service.models, "blend": replace(model, newcomers=new)})
    told = {item.anime.anime_id: item for item in other.recommend(like=["4:9", "5:9", "7:8"], k=10)}
    assert (told[6].match, told[6].predicted_score) == (None, None)
    assert told[8].match is not None
    assert told[8].predicted_score is not None


def test_a_score_is_predicted_for_who_gave_scores(service: Service) -> None:
    generous, strict = (
        {
            item.anime.anime_id: item.predicted_score or 0.0
            for item in service.recommend(like=[f"{i}:{score}" for i in (4, 5, 6, 7)], k=10)
        }
        for score in (10, 7)
    )
    assert {item.predicted_score for item in service.recommend(like=[4, 5, 6], k=10)} == {None}
    assert all(1 <= score <= 10 for score in generous.values())
    assert all(generous[i] > strict[i] for i in generous.keys() & strict.keys())
    odd, even = ([score for i, score in strict.items() if i % 2 == rest] for rest in (1, 0))
    assert min(odd) > max(even)


def test_a_page_has_what_the_same_places_of_the_whole_list_have(service: Service) -> None:
    whole = service.recommend(like=["4:9", "5:8", "6:7"], k=8)
    page = service.recommend(like=["4:9", "5:8", "6:7"], k=4, offset=4)
    assert page.items == whole.items[4:]


def test_without_explaining_the_list_is_the_same_and_nothing_is_said(service: Service) -> None:
    told, untold = (service.recommend(like=["4:9", "5:8", "6:7"], k=8, explain=explain) for explain in (True, False))
    assert [item.anime for item in told] == [item.anime for item in untold]
    assert {(item.because, item.shared, item.match, item.predicted_score) for item in untold} == {((), (), None, None)}
    assert all(item.popularity_rank is not None for item in untold)


def test_places_by_members_count_from_one_and_ties_go_by_id(service: Service) -> None:
    found = service.recommend(like=[4, 5], k=30, franchise="anything")
    assert all(item.popularity_rank == item.anime.anime_id for item in found), "all have 1000 members"


def test_shared_labels_are_those_of_what_spoke_for_it_most_carried_first() -> None:
    assert shared_labels(["a", "b", "c", "d"], [["b", "d"], ["d"], ["x"]]) == ("d", "b")
    assert shared_labels(["a"], []) == ()


def test_similar_titles_have_a_match_too(service: Service) -> None:
    assert all(item.match is not None for item in service.similar(4, k=5))


def test_weights_make_a_part_say_more_or_less(service: Service) -> None:
    def ids(weights: dict[str, float] | None) -> list[int]:
        return [item.anime.anime_id for item in service.recommend(like=[4, 5], k=8, weights=weights)]

    by_popularity = [item.anime.anime_id for item in service.recommend(like=[4, 5], k=8, model="popularity")]
    assert ids({"ease": 0}) == by_popularity
    assert ids({"ease": 1, "popularity": 1}) == ids(None) != by_popularity
    assert ids({"ease": 3}) != ids({"ease": 0})
    assert service.recommend(like=[4, 5], weights={"ease": 2}).items[0].match is None, "nobody has measured that"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"nobody": 1}, "no part nobody; it has ease, popularity"),
        ({"ease": -1}, "from 0 to 3"),
        ({"ease": float("nan")}, "from 0 to 3"),
        ({"ease": 0, "popularity": 0}, "leave one of them"),
    ],
)
def test_weights_that_make_no_sense_are_refused(service: Service, weights: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        service.recommend(like=[4], weights=weights)


def test_a_model_without_parts_says_which_has_some(service: Service) -> None:
    with pytest.raises(MissingAbility, match=r'"ease" is made of no parts.*blend'):
        service.recommend(like=[4], model="ease", weights={"ease": 1})


def test_reasons_of_an_imported_list_name_its_titles(service: Service) -> None:
    found = service.recommend(entries=[Entry(4, 9), Entry(5, 8), Entry(15, 2)], k=5)
    assert {why.anime_id for item in found for why in item.because} <= {4, 5, 15}
    assert all(why.anime_id in found.named for item in found for why in item.because)
