"""Search as a whole, over a planted world of which the right answers are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility
from anirec.core.profile import Profile
from anirec.core.ranking import Filters, FranchiseMode
from anirec.core.state import State
from anirec.recommenders.similar import Similar
from anirec.search.building import IndexConfig, build
from anirec.search.documents import DocumentConfig
from anirec.search.index import restore
from anirec.search.stores import Guarded
from anirec.service.batch import search_batch
from anirec.service.search import Results, Scoring, Search
from anirec.stores.bundle import read_bundle, write_search
from anirec.stores.facts import FactsTable
from anirec.wiring.search import load_search
from anirec.wiring.serve import load
from fake_encoder import FakeEncoder
from flaky_store import Flaky
from small import N

LABELS = {
    1: (["Comedy"], []), 2: (["Comedy"], []), 3: (["Comedy"], []),
    4: (["Drama", "Girls Love"], ["School"]), 5: (["Girls Love"], []), 6: (["Girls Love", "Horror"], []),
    7: (["Sports"], ["Ice Skating"]), 8: (["Drama"], ["Travel"]), 9: (["Sci-Fi"], ["Time Travel"]),
    10: (["Sci-Fi"], ["Time Travel"]), 11: (["Adventure"], ["Travel"]), 12: (["Adventure"], ["Travel"]),
    13: (["Sci-Fi"], ["Time Travel"]), 14: (["Sports"], ["Ice Skating"]), 15: (["Sports"], ["Ice Skating"]),
    16: (["Horror", "Drama"], []), 17: (["Horror"], []), 18: (["Isekai"], ["Female Harem"]), 19: (["Isekai"], []),
    20: (["Girls Love"], []), 21: (["Isekai"], ["Female Harem"]), 22: (["Isekai"], ["Female Harem"]),
}  # fmt: skip
SYNOPSES = {
    1: "A comedian tells jokes.", 4: "Two girls fall in love at school.", 7: "The skater trains with Yuri on the ice.",
    8: "A widow wanders through the country and meets people.", 9: "A student travels through time in a machine.",
    12: "A caravan crosses the desert.", 16: "A monster hunts children.", 19: "A clerk wakes up in another world.",
}  # fmt: skip
REVIEWS = [
    (19, "The hero is overpowered from the first minute. Nobody can stand against him, he is so overpowered."),
    (18, "The hero is not overpowered at all. He loses all of his fights and that is why I like it."),
    (21, "The dragon guards a treasure of emeralds in the mountain."),
]


def write_texts(folder: Path) -> None:
    con = duckdb.connect()
    small = Path(folder / "anime.parquet")
    con.execute("CREATE TABLE labels (i INTEGER, genres VARCHAR[], tags VARCHAR[])")
    con.executemany("INSERT INTO labels VALUES (?, ?, ?)", [(i, *LABELS.get(i, ([], []))) for i in range(1, N + 1)])
    con.execute(
        f"COPY (SELECT i AS anime_id, genres, NULL::VARCHAR[] AS themes, NULL::VARCHAR[] AS demographics, tags, "
        f"NULL::VARCHAR[] AS studios, 1000 AS members FROM labels) TO '{small}' (FORMAT parquet)"
    )
    con.execute("CREATE TABLE s (anime_id INTEGER, text VARCHAR, source VARCHAR)")
    con.executemany("INSERT INTO s VALUES (?, ?, 'test')", list(SYNOPSES.items()))
    con.execute(f"COPY s TO '{folder / 'synopses.parquet'}' (FORMAT parquet)")
    con.execute("CREATE TABLE r (anime_id INTEGER, text VARCHAR, review_id INTEGER, helpful INTEGER)")
    con.executemany("INSERT INTO r VALUES (?, ?, ?, 1)", [(*row, i) for i, row in enumerate(REVIEWS)])
    con.execute(f"COPY r TO '{folder / 'reviews.parquet'}' (FORMAT parquet)")


@pytest.fixture(scope="module")
def search(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    pytest.importorskip("Stemmer", reason="the extra text is not installed")
    folder = tmp_path_factory.mktemp("texts")
    write_texts(folder)
    service, encoder = load(small_bundle), FakeEncoder()
    config = IndexConfig(DocumentConfig(language=""))
    made = build(folder, service.catalogue, encoder, folder / "cache", config, lambda *_: None)
    return Search(service, made.index, encoder)


def ids(search: Search, text: str, **wishes: object) -> list[int]:
    return [r.anime.anime_id for r in search.search(text, **wishes)]  # type: ignore[arg-type]


def test_a_label_is_found_by_its_name_and_by_what_fans_call_it(search: Search) -> None:
    assert set(ids(search, "girls love", k=3)) == set(ids(search, "yuri", k=3)) == {4, 5, 6}


def test_a_skater_called_yuri_is_not_yuri(search: Search) -> None:
    assert set(ids(search, "wholesome yuri", k=3)) == {4, 5, 6}
    found = search.score("wholesome yuri").found
    row = int(search.index.catalogue.rows_of(np.array([7], dtype=np.int32))[0])
    assert (found.views["words"][row], found.views["named"][row]) == (0, 0)


def test_travelling_does_not_find_time_travel(search: Search) -> None:
    found = ids(search, "travelling", k=3)
    assert set(found) == {8, 11, 12}
    assert not {10, 13} & set(ids(search, "lots of travelling"))


def test_time_travel_does_not_find_travelling(search: Search) -> None:
    assert set(ids(search, "time travel", k=3)) == {9, 10, 13}


def test_what_is_not_wanted_goes_behind(search: Search) -> None:
    found = ids(search, "isekai without harem")
    assert found[0] == 19
    assert set(ids(search, "isekai", k=4)) == {18, 19, 21, 22}


def test_a_text_that_denies_it_does_not_speak_for_it(search: Search) -> None:
    found = ids(search, "overpowered hero", scoring=Scoring.WORDS)
    assert found[0] == 19
    scored = search.score("overpowered", scoring=Scoring.DENSE)
    rows = search.index.catalogue.rows_of(np.array([18, 19], dtype=np.int32))
    assert scored.scores[rows[1]] > 0
    assert scored.scores[rows[0]] == -np.inf


def test_a_word_of_one_review_finds_its_anime_and_shows_the_sentence(search: Search) -> None:
    (first, *_) = search.search("emeralds of a dragon", k=3)
    assert first.anime.anime_id == 21
    assert first.evidence.passage == REVIEWS[2][1]


def test_evidence_names_labels_that_were_asked_for(search: Search) -> None:
    (first, *_) = search.search("girls love drama", k=1)
    assert first.anime.anime_id == 4
    assert {"Girls Love", "Drama"} <= set(first.evidence.labels)


def test_adult_titles_and_filters_are_as_in_recommend(search: Search) -> None:
    assert 20 not in ids(search, "girls love")
    assert 20 in ids(search, "girls love", filters=Filters(adult=True))
    assert ids(search, "girls love", filters=Filters(genres_in=frozenset({"Drama"}))) == [4]


def test_what_is_like_the_first_answers_comes_though_nothing_says_so(search: Search) -> None:
    """The lens stands for people who like a title beside what answers, whatever it is labelled."""
    catalogue = search.index.catalogue
    answers = np.unique(catalogue.franchise[search.score("yuri").scores > -np.inf])
    stranger = int(np.flatnonzero(~np.isin(catalogue.franchise, answers) & ~catalogue.adult)[0])
    n = len(catalogue)
    alike = np.zeros((n, n), dtype=np.float32)
    alike[:, stranger] = 1.0

    class People:
        items = catalogue.anime_ids

        def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
            return np.stack([alike[self.items.searchsorted(p.anime_ids)].sum(axis=0) for p in profiles])

        def state(self) -> State:
            raise NotImplementedError

    lens = Similar({"viewers": People()}, {"viewers": "people"}, {"viewers": 1.0}, catalogue.anime_ids,
                   np.zeros(n, np.int32), catalogue.franchise)  # fmt: skip
    service = replace(search.service, models={**search.service.models, search.service.similar_model: lens})
    weights = replace(search.weights, kin_viewers=5.0)
    without = replace(search, weights=replace(weights, kin_viewers=0.0, kin_genres=0.0, kin_crowd=0.0))
    kin_of = replace(without, service=service, weights=weights)
    wanted = int(catalogue.anime_ids[stranger])
    asked: dict[str, Any] = {"k": 5, "franchise": "anything"}
    assert wanted not in ids(without, "yuri", **asked)
    assert wanted in ids(kin_of, "yuri", **asked)


def test_an_opener_has_the_match_of_the_best_of_its_franchise(search: Search) -> None:
    catalogue, scored = search.index.catalogue, search.score("yuri")
    franchises = dict(zip(catalogue.anime_ids.tolist(), catalogue.franchise.tolist(), strict=True))
    for found in search.search("yuri", k=10):
        mates = catalogue.franchise == franchises[found.anime.anime_id]
        assert found.match == round(100 * float(scored.scores[mates].max()))


def test_a_franchise_is_shown_once_at_its_opener(search: Search) -> None:
    assert [i for i in ids(search, "comedy") if i in (1, 2, 3)] == [1]
    assert set(ids(search, "comedy", k=3, franchise=FranchiseMode.ANYTHING)) == {1, 2, 3}


def test_a_taste_changes_the_order_and_what_is_on_it_does_not_come_back(search: Search) -> None:
    plain = search.search("sci-fi", k=10)
    leaning = search.search("sci-fi", k=10, like=["#11", "#12", "#14", "#15"])
    first_taste = search.search("sci-fi", k=10, like=["#1", "#4", "#9"])
    assert {r.anime.anime_id for r in leaning} >= {9, 10, 13}
    before, after = ([r.anime.anime_id for r in found].index(13) for found in (plain, leaning))
    assert after < before  # it is of the second taste, 11..20
    assert 9 not in [r.anime.anime_id for r in first_taste]
    assert [r.match for r in leaning if r.anime.anime_id == 13] == [r.match for r in plain if r.anime.anime_id == 13]


def test_a_named_title_is_resembled_and_not_found_itself(search: Search) -> None:
    found = search.search("like Show 4")
    assert [anime.anime_id for anime in found.like] == [4]
    assert 4 not in [r.anime.anime_id for r in found]
    assert {r.anime.anime_id for r in found.items[:3]} <= {1, 5, 6, 7, 8, 9, 10}


@pytest.mark.parametrize("scoring", [Scoring.FUSED, Scoring.WORDS])
@pytest.mark.parametrize("like", [[], [9]])
def test_a_page_goes_on_where_the_one_before_it_ended(search: Search, scoring: Scoring, like: list[int]) -> None:
    def page(k: int, offset: int) -> Results:
        text = "girls skater widow student caravan monster clerk"
        return search.search(text, k=k, offset=offset, scoring=scoring, franchise="anything", like=like)

    whole, pages = page(6, 0), [page(3, 0), page(3, 3)]
    assert (*pages[0].items, *pages[1].items) == whole.items
    assert [pages[0].next_offset, pages[1].next_offset] == [3, whole.next_offset]


def test_match_is_0_to_100_and_falls(search: Search) -> None:
    matches = [r.match for r in search.search("girls love school drama")]
    assert matches == sorted(matches, reverse=True)
    assert 0 <= min(matches) <= max(matches) <= 100


def test_counting_is_still_there_and_counts(search: Search) -> None:
    assert search.score("overpowered", scoring=Scoring.VOTES).scores.max() >= 1


@pytest.mark.parametrize("text", ["", "   ", "?!", "🙂", "--"])
def test_a_query_of_nothing_is_refused(search: Search, text: str) -> None:
    with pytest.raises(InputError, match="say what you are looking for"):
        search.search(text)


GREETINGS = [
    "αγάπη", "любовь", "爱", "愛", "사랑", "प्यार", "حب", "אהבה", "ความรัก", "tình yêu", "miłość",
    "láska", "liebe", "amour", "amor", "amore", "rakkaus", "kärlek", "kjærlighed", "aşk",
    "szerelem", "dragoste", "ljubav", "meilė", "mīlestība", "armastus", "სიყვარული", "սեր",
    "upendo", "cinta", "ást", "grá",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000, "dragon " * 2000, "the of and", '"quotes" & ampersands', "'; DROP TABLE anime; --", "<b>bold</b>",
        "100%", "\x00\x01a", "not", "without", "like", "like ", "no no no", "90s", "(((a", "a\\b[c]{d}", *GREETINGS,
    ],
)  # fmt: skip
def test_odd_input_is_answered_and_twice_the_same(search: Search, text: str) -> None:
    first, again = search.search(text, k=5), search.search(text, k=5)
    assert [(r.anime.anime_id, r.score) for r in first] == [(r.anime.anime_id, r.score) for r in again]


def test_at_least_thirty_languages_were_tried() -> None:
    assert len(GREETINGS) >= 30


def test_an_unknown_scoring_is_refused(search: Search) -> None:
    with pytest.raises(InputError, match="there are fused, rrf, dense, words, votes"):
        search.search("girls", scoring="magic")


def test_a_reranker_orders_what_has_passages_and_leaves_the_rest(search: Search) -> None:
    class Longest:
        def score(self, _query: str, texts: list[str]) -> NDArray[np.float32]:
            return np.array([float(len(text)) for text in texts], dtype=np.float32)

    from dataclasses import replace

    plain = search.search("hero in another world", k=25)
    anew = replace(search, reranker=Longest()).search("hero in another world", k=25)  # type: ignore[arg-type]
    assert sorted(r.score for r in plain) == pytest.approx(sorted(r.score for r in anew))
    with_text = [r for r in anew if r.evidence.passage]
    lengths = [len(next(p for i, p in [*SYNOPSES.items(), *REVIEWS] if i == r.anime.anime_id)) for r in with_text]
    assert lengths == sorted(lengths, reverse=True)


def test_a_bundle_keeps_it_and_gives_it_back(search: Search, small_bundle: Path, tmp_path: Path) -> None:
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    (encoder / "encoder.json").write_text("{}")
    state = search.index.state()
    first = write_search(read_bundle(small_bundle), tmp_path / "one", state, encoder, {})
    assert first == write_search(read_bundle(small_bundle), tmp_path / "two", state, encoder, {})
    again = write_search(read_bundle(tmp_path / "one"), tmp_path / "one", state, encoder, {})
    assert again == first
    opened = read_bundle(tmp_path / "one")
    assert opened.search is not None
    back = Search(search.service, restore(opened.search, opened.catalogue), FakeEncoder())
    for text in ("yuri", "emeralds of a dragon", "isekai without harem"):
        one, two = search.search(text), back.search(text)
        assert [(r.anime.anime_id, r.match, r.evidence) for r in one] == [
            (r.anime.anime_id, r.match, r.evidence) for r in two
        ]


def test_a_bundle_without_texts_says_how_to_add_them(small_bundle: Path) -> None:
    with pytest.raises(MissingAbility, match="anirec index --data"):
        load_search(small_bundle)


def test_of_many_chunks_half_are_of_synopses_and_half_of_reviews(search: Search, tmp_path: Path) -> None:
    write_texts(tmp_path)

    def kept(most: int) -> list[str | None]:
        config = IndexConfig(DocumentConfig(language=""), chunks=most)
        index = build(tmp_path, search.index.catalogue, FakeEncoder(), tmp_path / "cache", config, lambda *_: None)
        assert index.index.words.knows("emerald")  # words are of all texts
        return [index.index.chunks.passage(i) for i in range(index.counts["chunks"])]

    synopses, reviews = list(SYNOPSES.values()), {text for _, text in REVIEWS}
    few = kept(3)
    assert few[:2] == synopses[:2]
    assert few[2] in reviews
    more = kept(9)  # reviews are three: what they leave goes to synopses
    assert more[:6] == synopses[:6]
    assert set(more[6:]) == reviews


def test_vectors_in_four_bits_answer_nearly_alike(search: Search, tmp_path: Path) -> None:
    write_texts(tmp_path)
    config = IndexConfig(DocumentConfig(language=""), small=True)
    index = build(tmp_path, search.index.catalogue, FakeEncoder(), tmp_path / "cache", config, lambda *_: None).index
    state = index.state()
    assert state.arrays["chunk_vectors"].nbytes <= (search.index.state().arrays["chunk_vectors"].nbytes + 1) // 2
    again = replace(search, index=restore(state, search.index.catalogue))
    np.testing.assert_array_equal(again.index.chunks.vectors.steps, index.chunks.vectors.steps)
    assert (
        ids(again, "overpowered hero", scoring=Scoring.DENSE)[0] == ids(search, "overpowered hero", scoring="dense")[0]
    )


def test_facts_in_memory_are_those_of_the_file(small_bundle: Path) -> None:
    table = FactsTable(small_bundle / "anime.parquet")
    assert table.warmed().of([3, 1, 999]) == table.of([3, 1, 999])


def test_a_bundle_for_others_holds_no_text(search: Search, tmp_path: Path) -> None:
    write_texts(tmp_path)
    config = IndexConfig(DocumentConfig(language=""), passages=False)
    made = build(tmp_path, search.index.catalogue, FakeEncoder(), tmp_path / "cache", config, lambda *_: None)
    arrays = made.index.state().arrays
    assert "passages" not in arrays
    assert not any(b"emerald" in np.ascontiguousarray(array).tobytes().lower() for array in arrays.values())


def test_a_batch_answers_every_line_by_its_number(search: Search, tmp_path: Path) -> None:
    from anirec.core.ranking import NO_FILTERS, Query

    (tmp_path / "in.txt").write_text("girls love\n\n?!\ntime travel\n", encoding="utf-8")
    report = search_batch(search, tmp_path / "in.txt", tmp_path / "out.parquet", Query(k=2, filters=NO_FILTERS))
    with duckdb.connect() as con:
        told = con.execute(f"SELECT * FROM '{tmp_path / 'out.parquet'}'")
        assert [column[0] for column in told.description or ()] == ["query_id", "rank", "anime_id", "score"]
        rows = told.fetchall()
    assert [row[:2] for row in rows] == [(1, 1), (1, 2), (4, 1), (4, 2)]
    assert (report.answered, report.rows_read, report.rows_written) == (2, 3, 4)
    with pytest.raises(InputError, match="cannot be read"):
        search_batch(search, tmp_path / "nowhere.txt", tmp_path / "out.parquet", Query(k=2))


def test_what_is_typed_is_answered_key_by_key() -> None:
    from anirec.cli.search import typed

    seen: list[str] = []
    keys = iter(["a", "b", "\x7f", "c", "\r", "x", "\x15", "\r", "d", "\n", "\x03", "z"])
    assert list(typed(keys, seen.append)) == ["ac", "d"]
    assert seen == ["a", "ab", "a", "ac", "", "x", "", "", "d", ""]


def test_the_command_prints_titles_matches_and_reasons(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from anirec.cli.commands import cli
    from anirec.wiring import search as wiring

    monkeypatch.setattr(wiring, "load_search", lambda *_, **__: search)
    told = json.loads(CliRunner().invoke(cli, ["search", "girls love", "-k", "2", "--json"]).stdout)
    assert [item["rank"] for item in told["items"]] == [1, 2]
    assert {"match", "title", "year", "type", "evidence"} <= set(told["items"][0])
    table = CliRunner().invoke(cli, ["search", "girls love", "-k", "2"])
    assert table.exit_code == 0
    assert "match" in table.stdout
    assert "Show 5" in table.stdout
    piped = CliRunner().invoke(cli, ["search", "-k", "1"], input="girls love\n\ntime travel\n")
    assert piped.exit_code == 0


def test_search_goes_on_by_words_and_labels_says_so_and_recovers(search: Search) -> None:
    now = [0.0]
    flaky = Flaky(search.index.chunks.vectors)
    far = replace(search, index=replace(search.index, nearest=Guarded(flaky, clock=lambda: now[0])))

    for text in ("overpowered hero", "time travel", "emeralds"):
        assert ids(far, text) == ids(search, text)
    assert far.search("isekai").without_vectors is None
    flaky.up = False
    found = far.search("time travel", k=3)
    assert found.without_vectors == "the store is down"
    assert {result.anime.anime_id for result in found} == {9, 10, 13}
    assert ids(far, "emeralds") == [21]
    flaky.up, now[0] = True, 60.0
    assert far.search("time travel").without_vectors is None
