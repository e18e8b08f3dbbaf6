"""One title, through every lens: bundles trained on data with and without what the lenses need, and an old bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from anirec.core.errors import InputError, MissingAbility
from anirec.core.ranking import NO_FILTERS, Filters, FranchiseMode, Query
from anirec.service.batch import similar_batch
from anirec.service.recommend import Service
from anirec.service.training import train
from anirec.wiring.serve import load
from anirec.wiring.train import open_data, recipe
from cli.test_commands import anirec
from worlds import two_tastes

LABELS = ["Action", "Drama", "Mecha", "Sports", "Music"]


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def trained(folder: Path, *, genres: bool, pairs: bool) -> Path:
    """People like 1..10 or 11..20; labels go by the rest of the id divided by 5; i is named beside i + 10; 25 has no
    ratings, and is named beside 5."""
    data = two_tastes(users=600)
    source = folder / "source"
    source.mkdir()
    named = [f"Show {i}" for i in range(1, 26)]
    anime = [f"{i},{name},{LABELS[i % 5] if genres else ''},,12,7.5,1000" for i, name in enumerate(named, start=1)]
    ratings = [
        f"{data.user_ids[user]},{data.anime_ids[item]},{score}"
        for user, item, score in zip(data.users, data.items, data.scores, strict=True)
    ]
    (source / "anime.csv").write_text("\n".join(["anime_id,name,genre,type,episodes,rating,members", *anime, ""]))
    (source / "rating.csv").write_text("\n".join(["user_id,anime_id,rating", *ratings, ""]))
    canonical = folder / "canonical"
    material = open_data(source, canonical, silent)
    if pairs:
        with duckdb.connect() as con:
            con.execute(
                "COPY (SELECT i::INTEGER AS anime_a, (i + 10)::INTEGER AS anime_b, 4 AS votes FROM range(1, 11) t(i) "
                f"UNION ALL SELECT 5, 25, 7) TO '{canonical}/recommendations.parquet' (FORMAT parquet)"
            )
        material = open_data(canonical, canonical, silent)
    train(material, folder / "bundle", recipe(material), silent)
    return folder / "bundle"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("full"), genres=True, pairs=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings and titles, nothing else."""
    return trained(tmp_path_factory.mktemp("bare"), genres=False, pairs=False)


def ids(service: Service, title: int, by: str, k: int) -> list[int]:
    found = service.similar(title, by=by, k=k, franchise=FranchiseMode.ANYTHING, filters=NO_FILTERS)
    return [r.anime.anime_id for r in found]


def test_a_trained_bundle_has_all_lenses_and_each_finds_what_was_planted(full: Path) -> None:
    service = load(full)
    assert service.lenses == ("viewers", "genres", "crowd")
    assert set(ids(service, 3, "viewers", 5)) <= set(range(1, 11))
    assert set(ids(service, 3, "genres", 4)) == {8, 13, 18, 23}
    assert ids(service, 3, "crowd", 1) == [13]
    assert ids(service, 3, "blend", 1) == [13]


def test_a_title_that_nobody_rated_is_compared_by_what_is_known_of_it(full: Path) -> None:
    service = load(full)
    assert ids(service, 25, "blend", 1) == [5]
    with pytest.raises(
        MissingAbility, match=r'too little is known of the anime 25 .* by "viewers".* lenses viewers, gen'
    ):
        service.similar(25, by="viewers")


def test_data_without_labels_or_pairs_still_train_and_say_which_lens_is_missing(bare: Path) -> None:
    service = load(bare)
    assert service.lenses == ("viewers",)
    assert set(ids(service, 3, "blend", 5)) <= set(range(1, 11))
    with pytest.raises(MissingAbility, match=r'no lens "genres", it has viewers; .* say what titles are about'):
        service.similar(3, by="genres")
    with pytest.raises(MissingAbility, match="too little is known of the anime 25"):
        service.similar(25)


def test_an_old_bundle_answers_by_viewers_and_says_that_it_lacks_the_rest(small_bundle: Path) -> None:
    service = load(small_bundle)
    assert service.lenses == ("viewers",)
    assert ids(service, 12, "viewers", 5) == ids(service, 12, "blend", 5)
    for lens in ("genres", "crowd"):
        with pytest.raises(MissingAbility, match=f'this bundle has no lens "{lens}", it has viewers'):
            service.similar(12, by=lens)


def test_a_lens_that_no_bundle_has_is_bad_input_and_the_error_lists_those_there_are(full: Path) -> None:
    with pytest.raises(InputError, match='no lens "smell"; there are blend, viewers, genres, crowd'):
        load(full).similar(3, by="smell")


def test_the_opposite_is_what_the_other_taste_likes_among_titles_that_people_know(full: Path) -> None:
    service = load(full)
    assert len(service.similar(3, opposite=True)) == 0, "nothing has 50,000 members here"
    asked = Filters(min_members=1000)
    found = service.similar(3, by="viewers", opposite=True, k=4, filters=asked)
    assert {item.anime.anime_id for item in found} <= set(range(11, 21))
    assert all(item.likeness is not None and item.likeness.lenses == {} for item in found)
    page = service.similar(3, by="viewers", opposite=True, k=2, offset=2, filters=asked)
    assert page.items == found.items[2:]


def test_a_lens_for_characters_is_missing_and_the_error_says_what_to_do(full: Path) -> None:
    with pytest.raises(MissingAbility, match=r'"characters".*look through genres'):
        load(full).similar(3, by="characters")


def test_a_trained_bundle_says_why_how_likely_and_which_score(full: Path) -> None:
    found = load(full).recommend(like=["1:9", "2:8", "3:9", "4:7"], dislike=[12], k=8, filters=NO_FILTERS)
    first = found.items[0]
    assert first.anime.anime_id in range(5, 11)
    assert first.match is not None
    assert 50 < first.match <= 100
    assert {why.anime_id for why in first.because if why.share > 0} <= {1, 2, 3, 4}


def test_every_row_says_which_lenses_saw_it_what_both_are_about_and_how_many_named_them(full: Path) -> None:
    found = load(full).similar(3, k=1).items[0]
    assert found.likeness is not None
    assert found.likeness.shared == ("Sports",)
    assert found.likeness.votes == 4
    assert set(found.likeness.lenses) <= {"viewers", "genres", "crowd"}
    assert sum(found.likeness.lenses.values()) == pytest.approx(1, abs=1e-5)


def test_the_command_looks_through_a_lens_and_shows_why(
    full: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        return anirec(capsys, monkeypatch, "similar", "Show 3", "--bundle", str(full), *words)

    code, out, _ = ask("--by", "crowd", "-k", "1", "--json")
    answer: dict[str, Any] = json.loads(out)
    assert code == 0
    assert [item["anime_id"] for item in answer["items"]] == [13]
    assert answer["items"][0]["likeness"] == {"lenses": {"crowd": 1.0}, "shared": ["Sports"], "votes": 4}
    code, out, _ = ask("-k", "3")
    assert code == 0
    assert "named by 4" in out
    assert "Sports" in out


def test_the_command_refuses_a_missing_lens_with_its_exit_code(
    small_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        return anirec(capsys, monkeypatch, *words, "--bundle", str(small_bundle))

    code, out, err = ask("similar", "Show 4", "--by", "genres")
    assert (code, out) == (5, "")
    assert 'no lens "genres"' in err
    code, _, err = ask("similar", "Show 4", "--by", "smell")
    assert code == 2
    assert "there are blend, viewers" in err


def test_many_titles_at_once_go_through_a_lens_and_what_it_does_not_know_is_counted(
    full: Path, small_bundle: Path, tmp_path: Path
) -> None:
    file, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT unnest([3, 24, 999]) AS anime_id) TO '{file}' (FORMAT parquet)")
    query = Query(k=1, filters=NO_FILTERS, franchise=FranchiseMode.ANYTHING)
    report = similar_batch(load(full), file, out, query, by="crowd")
    assert (report.answered, report.unknown_anime) == (1, 2)
    with duckdb.connect() as con:
        assert con.execute(f"SELECT query_anime_id, anime_id FROM '{out}'").fetchall() == [(3, 13)]
    with pytest.raises(MissingAbility):
        similar_batch(load(small_bundle), file, tmp_path / "none.parquet", query, by="crowd")
    assert not (tmp_path / "none.parquet").exists()
