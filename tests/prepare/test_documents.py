from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from anirec.core.errors import BadTable
from anirec.prepare.documents import read_documents


def reviews(folder: Path, rows: str) -> Path:
    duckdb.sql(
        f"COPY (SELECT * FROM (VALUES {rows}) t(anime_id, review_id, text)) "
        f"TO '{folder / 'reviews.parquet'}' (FORMAT parquet)"
    )
    return folder


def test_texts_stand_under_their_anime_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = reviews(tmp_path, "(7, 3, 'late'), (2, 9, 'other'), (7, 1, 'early'), (9, 1, NULL)")
    found = read_documents(folder, "reviews")
    assert found.anime_ids.tolist() == [2, 7]
    assert found.texts == (("other",), ("early", "late"))


def test_texts_of_anime_that_are_not_known_are_left_out(tmp_path: Path) -> None:
    folder = reviews(tmp_path, "(7, 3, 'late'), (2, 9, 'other'), (7, 1, 'early'), (9, 1, 'x')")
    found = read_documents(folder, "reviews").known_to(np.array([1, 7, 9], np.int32))
    assert found.anime_ids.tolist() == [7, 9]
    assert found.texts == (("early", "late"), ("x",))


def test_a_folder_without_the_table_has_no_documents(tmp_path: Path) -> None:
    assert len(read_documents(tmp_path, "synopses")) == 0


def test_a_damaged_table_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "reviews.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadTable, match=r"reviews\.parquet cannot be read as a table of reviews"):
        read_documents(tmp_path, "reviews")
