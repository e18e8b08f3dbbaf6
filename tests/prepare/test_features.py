from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from anirec.core.columns import ANIME, RECOMMENDATIONS
from anirec.core.errors import BadTable, InputError
from anirec.prepare.features import GROUPS, Features, build_features, features_of_catalogue, read_features
from anirec.prepare.pairs import Pairs, pairs_of, read_pairs
from worlds import catalogue_of


def write(folder: Path, table: str, columns: dict[str, str], rows: list[dict[str, object]]) -> Path:
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        for row in rows:
            con.execute(f"INSERT INTO t ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        con.execute(f"COPY t TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder


def carried(features: Features, anime_id: int) -> dict[tuple[str, str], float]:
    """By group and name, what one title has."""
    row = features.matrix.toarray()[features.anime_ids.tolist().index(anime_id)]
    return {
        (GROUPS[group], name): round(float(value), 6)
        for group, name, value in zip(features.groups, features.names, row, strict=True)
        if value
    }


ROWS: list[dict[str, object]] = [
    {
        **{"anime_id": 7, "genres": ["Drama"], "themes": ["School"], "demographics": ["Josei"], "tags": ["Rain"]},
        **{"studios": ["Ghibli"], "source": "Manga", "type": "TV", "year": 2012, "start_date": "2012-04"},
        **{"score": 8.5, "scored_by": 1000},
    },
    {
        **{"anime_id": 3, "genres": [], "themes": [], "demographics": [], "tags": ["school", "Rain"], "studios": []},
        **{"year": 2010},
    },
    {"anime_id": 5, "genres": ["Drama"], "themes": None, "demographics": [], "tags": [None, "Rain"], "studios": None},
]


def test_features_of_a_table_are_its_lists_and_words_by_group(tmp_path: Path) -> None:
    features = read_features(write(tmp_path, "anime", ANIME, ROWS), min_titles=1)
    assert features.anime_ids.tolist() == [3, 5, 7]
    assert carried(features, 7) == {
        **dict.fromkeys([("label", "Drama"), ("label", "School"), ("label", "Josei"), ("tag", "Rain")], 1.0),
        **dict.fromkeys([("studio", "Ghibli"), ("source", "Manga"), ("kind", "TV")], 1.0),
        **{("era", "2010"): 0.6, ("era", "2015"): 0.4},
    }


def test_a_tag_that_is_spelled_like_a_label_is_that_label(tmp_path: Path) -> None:
    features = read_features(write(tmp_path, "anime", ANIME, ROWS), min_titles=1)
    assert carried(features, 3) == {("label", "School"): 1.0, ("tag", "Rain"): 1.0, ("era", "2010"): 1.0}


def test_lists_that_are_missing_hold_nothing_and_hide_nothing(tmp_path: Path) -> None:
    features = read_features(write(tmp_path, "anime", ANIME, ROWS), min_titles=1)
    assert carried(features, 5) == {("label", "Drama"): 1.0, ("tag", "Rain"): 1.0}


def test_a_feature_of_too_few_titles_is_left_out(tmp_path: Path) -> None:
    features = read_features(write(tmp_path, "anime", ANIME, ROWS), min_titles=3)
    assert features.names == ("Rain",)
    assert features.matrix.toarray().tolist() == [[1], [1], [1]]


def test_ratings_raters_and_first_days_come_as_numbers_and_what_is_missing_as_none(tmp_path: Path) -> None:
    features = read_features(write(tmp_path, "anime", ANIME, ROWS))
    np.testing.assert_array_equal(features.ratings, np.array([np.nan, np.nan, 8.5], np.float32))
    assert features.raters.tolist() == [0, 0, 1000]
    assert features.started.tolist() == [20100000, 0, 20120400]


def test_a_folder_without_the_table_or_with_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="missing"):
        read_features(tmp_path)
    write(tmp_path, "anime", {"anime_id": "INTEGER"}, [{"anime_id": 1}])
    with pytest.raises(BadTable, match="cannot be read"):
        read_features(tmp_path)


def test_a_catalogue_alone_gives_labels_kinds_and_eras() -> None:
    catalogue = catalogue_of(3, kinds={2: "Movie", 3: "Unknown"}, years={1: 2000, 3: 0}, genres={1: ["Drama"]})
    features = features_of_catalogue(catalogue, min_titles=1)
    assert carried(features, 1) == {("label", "Drama"): 1.0, ("kind", "TV"): 1.0, ("era", "2000"): 1.0}
    assert carried(features, 2) == {("kind", "Movie"): 1.0, ("era", "2010"): 1.0}
    assert carried(features, 3) == {}


def test_nothing_known_of_anything_gives_no_features() -> None:
    features = build_features(np.array([1, 2], np.int32), {"label": [[], []]}, np.zeros(2, np.int16))
    assert features.matrix.shape == (2, 0)


def test_pairs_are_read_as_they_are_and_unknown_votes_as_nan(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"anime_a": 2, "anime_b": 9, "votes": 3}, {"anime_a": 1, "anime_b": 4}]
    pairs = read_pairs(write(tmp_path, "recommendations", RECOMMENDATIONS, rows))
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(1, 4), (2, 9)]
    np.testing.assert_array_equal(pairs.votes, np.array([np.nan, 3], np.float32))


def test_a_folder_without_recommendations_has_no_pairs(tmp_path: Path) -> None:
    assert len(read_pairs(tmp_path)) == 0


def some_pairs() -> Pairs:
    return pairs_of(np.arange(100, dtype=np.int32), np.arange(1, 101, dtype=np.int32), np.ones(100, np.float32))


@pytest.mark.parametrize(("first", "second", "votes"), [([1], [1], [1]), ([1, 2], [2, 1], [1, 1]), ([1], [2], [0])])
def test_pairs_of_one_title_or_twice_or_without_a_vote_are_refused(
    first: list[int], second: list[int], votes: list[float]
) -> None:
    with pytest.raises(BadTable, match="pairs"):
        pairs_of(np.array(first, np.int32), np.array(second, np.int32), np.array(votes, np.float32))


def test_parts_of_pairs_are_all_of_them_each_once() -> None:
    kept, held = some_pairs().parted(0.3, np.random.default_rng(0))
    assert 15 < len(held) < 45
    assert sorted([*kept.first.tolist(), *held.first.tolist()]) == list(range(100))


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(InputError, match="share"):
        some_pairs().parted(1.5, np.random.default_rng(0))


def test_only_pairs_of_known_titles_stay() -> None:
    assert some_pairs().known_to(np.array([3, 4, 6], np.int32)).first.tolist() == [3]
