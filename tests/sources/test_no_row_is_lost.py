"""Whatever stands in the cells of a file: rows in = rows kept + rows left out, by reason."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anirec.sources.importer import LAYOUTS
from sources.files import folder_of, imported

CSV_FILES = [
    (layout.name, file.name.replace("*", "any"), file.columns)
    for layout in LAYOUTS
    for file in layout.files
    if file.name.endswith(".csv") and file.name != "profiles.csv"  # a list in each row, not a row for each entry
]

TABLE_OF = {
    "rating.csv": "ratings",
    "animelist.csv": "ratings",
    "rating_complete.csv": "ratings",
    "UserAnimeList.csv": "ratings",
    "animelists_cleaned.csv": "ratings",
    "users-score-2023.csv": "ratings",
    "users-details-2023.csv": "users",
    "reviews.csv": "reviews",
    "any.csv": "reviews",
    "anime_with_synopsis.csv": "synopses",
}
"""The table that a file's rows become; `anime` for the others."""

cells = st.one_of(
    st.integers(-2, 12).map(str),
    st.integers(0, 40_000).map(str),
    st.sampled_from(["", "Unknown", "TV", "8.5", "['a', 'b']", "{'Sequel': [{'mal_id': 5, 'type': 'anime'}]}", "null"]),
    st.sampled_from(
        ["Apr 3, 1998 to ?", "24 min. per ep.", "https://x/anime/5/a", "Action, Hentai", "1e9", "nan", "∞"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize(("layout", "name", "columns"), CSV_FILES, ids=[f"{f[0]}:{f[1]}" for f in CSV_FILES])
@given(data=st.data())
def test_every_row_is_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory, layout: str, name: str, columns: tuple[str, ...], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=8))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *rows])
    folder = folder_of(tmp_path_factory.mktemp("fuzz"), **{name.replace(".", "__"): text.getvalue()})
    _, report = imported(folder, max_reject_share=1.0)
    assert report.layout == layout
    table = TABLE_OF.get(name, "anime")
    assert report.kept[table] + sum(r.rows for r in report.rejects if r.file == name) == len(rows)
