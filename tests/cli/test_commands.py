from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anirec import cli
from anirec.wiring.serve import load, starter_bundle

Ask = Callable[..., tuple[int, str, str]]


def anirec(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Run the command line; returns exit code, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["anirec", *words])
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, small_bundle: Path) -> Ask:
    monkeypatch.setenv("ANIREC_BUNDLE", str(small_bundle))
    return lambda *words: anirec(capsys, monkeypatch, *words)


def test_recommendations_leave_out_the_input_and_name_their_reasons(ask: Ask) -> None:
    code, out, _ = ask("recommend", "--like", "Show 4", "--like", "show 5:9", "-k", "5", "--json")
    answer = json.loads(out)
    assert code == 0
    assert [u["anime_id"] for u in answer["understood"]] == [4, 5]
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    assert not {4, 5, 20} & {item["anime_id"] for item in answer["items"]}
    assert {because["title"] for because in answer["items"][0]["because"]} <= {"Show 4", "Show 5"}


def test_a_list_in_a_file_is_used_and_what_is_typed_goes_before_it(ask: Ask, tmp_path: Path) -> None:
    own = tmp_path / "list.csv"
    own.write_text("anime_id,score,status\n4,9,completed\n5,8,\n15,2,dropped\n999,9,\n")
    code, out, _ = ask("recommend", "--list", str(own), "-k", "5", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["list"] == {
        "kind": "CSV",
        "rows": 4,
        "entries": 3,
        "rejects": [{"reason": "no such anime in this bundle", "rows": 1, "first": "line 5, 999"}],
    }
    assert {item["anime_id"] for item in answer["items"]} <= {1, 6, 7, 8, 9, 10}
    code, _, err = ask("recommend", "--list", str(own), "--like", "15", "--dislike", "4", "--dislike", "5", "-k", "5")
    assert (code, err.strip()) == (
        0,
        "CSV: 3 of 4 entries; 1 not used: no such anime in this bundle (first: line 5, 999)",
    )
    code, _, err = ask("recommend", "--list", str(tmp_path / "nowhere.xml"))
    assert code == 3
    assert "cannot be read" in err


def test_a_group_gets_what_nobody_has_seen_and_the_same_as_the_service_gives(ask: Ask, tmp_path: Path) -> None:
    own = tmp_path / "ben.csv"
    own.write_text("anime_id,score\n12,9\n13,8\n")
    words = ["group", "--member", "Ann: Show 4:9, 5", "--list", str(own), "-k", "4"]
    code, out, _ = ask(*words, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["strategy"], answer["next_offset"]) == ("fairness", 4)
    assert [view["name"] for view in answer["items"][0]["members"]] == ["Ann", "ben"]
    assert not {4, 5, 12, 13} & {item["anime_id"] for item in answer["items"]}
    code, out, _ = ask(*words)
    assert (code, "Ann" in out, "ben" in out) == (0, True, True)
    for bad, message in (
        ("Ann", "who likes what"),
        ("Ann: ", "who likes what"),
        ("Ann: No Such Thing At All", "no anime"),
    ):
        code, _, err = ask("group", "--member", bad, "--list", str(own))
        assert (code, message in err) == (2, True)


def test_looking_around_shows_anime_or_says_what_the_bundle_lacks(ask: Ask) -> None:
    code, out, _ = ask("random", "--seed", "3", "--json")
    assert (code, json.loads(out)["anime_id"] in range(1, 26)) == (0, True)
    assert ask("random", "--seed", "3", "--json")[1] == out
    code, _, err = ask("trending")
    assert (code, "start dates" in err) == (5, True)
    code, _, err = ask("season", "2020", "spring")
    assert (code, "start dates" in err) == (5, True)
    code, _, err = ask("season", "2020", "autumn")
    assert (code, "winter" in err) == (2, True)


def test_the_watch_order_of_a_franchise_is_shown(ask: Ask) -> None:
    code, out, _ = ask("watch-order", "Show 2", "--json")
    assert code == 0
    places = [(item["anime_id"], item["order"], item["entry"], item["optional"]) for item in json.loads(out)["items"]]
    assert places == [(1, 0, True, False), (2, 1, False, False), (3, 2, False, False)]
    code, out, _ = ask("watch-order", "Show 2", "--no-optional")
    assert (code, "Show 3" in out) == (0, True)


def test_parts_of_the_blend_may_be_weighed(ask: Ask) -> None:
    def ids(*words: str) -> list[int]:
        code, out, _ = ask("recommend", "--like", "4", "--json", *words)
        assert code == 0
        return [item["anime_id"] for item in json.loads(out)["items"]]

    assert ids("--weight", "ease=0") == ids("--model", "popularity") != ids("--weight", "ease=2")
    code, _, err = ask("recommend", "--like", "4", "--weight", "ease")
    assert (code, "is not PART=FACTOR" in err) == (2, True)


@pytest.mark.parametrize("words", [["recommend", "--like", "4", "--like", "5"], ["similar", "4"]])
def test_the_second_page_goes_on_where_the_first_ended(ask: Ask, words: list[str]) -> None:
    pages = [json.loads(ask(*words, "-k", "4", "--offset", at, "--json")[1]) for at in ("0", "4")]
    whole = json.loads(ask(*words, "-k", "8", "--json")[1])
    assert pages[0]["items"] + pages[1]["items"] == whole["items"]
    assert [page["next_offset"] for page in pages] == [4, 8]
    every = json.loads(ask(*words, "-k", "100", "--json")[1])
    assert every["next_offset"] is None
    last = json.loads(ask(*words, "-k", "4", "--offset", str(len(every["items"]) - 4), "--json")[1])
    assert (last["items"], last["next_offset"]) == (every["items"][-4:], None)


def test_the_table_shows_titles_and_reasons(ask: Ask) -> None:
    code, out, _ = ask("recommend", "--like", "4", "--like", "5", "-k", "3")
    assert code == 0
    assert "because of" in out
    assert "Show 4" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["recommend", "--like", "Nothing Like It At All"], 2, "no anime is called"),
        (["recommend", "--like", "Show 4:11"], 2, "score 11 lies outside 1..10"),
        (["recommend", "--like", "Show 4:9", "--dislike", "Show 4"], 2, "named twice with different opinions"),
        (["recommend", "--like", "Show 4", "--genre", "Dramedy"], 2, 'no genre "Dramedy"; genres are Drama'),
        (["recommend", "--like", "Show 4", "--model", "oracle"], 2, "no model"),
        (["recommend", "-k", "0"], 2, "0 is not in the range"),
        (["similar"], 2, "Missing argument"),
        (["info", "Show 4", "--bundle", "/nowhere"], 4, "there is no such folder"),
        (["data", "import", "/nowhere", "--to", "x"], 3, "is not a folder"),
    ],
)
def test_bad_input_has_its_exit_code_and_says_what_is_wrong(
    ask: Ask, words: list[str], code: int, message: str
) -> None:
    got, _, err = ask(*words)
    assert got == code
    assert message in err


def test_errors_are_json_where_json_was_asked_for(ask: Ask) -> None:
    code, out, err = ask("info", "Shaw 99", "--json")
    complaint = json.loads(err)
    assert (code, out) == (2, "")
    assert complaint["error"] in ("UnknownTitle", "AmbiguousTitle")
    assert complaint["candidates"]


def test_info_lists_the_franchise_in_watch_order(ask: Ask) -> None:
    _, out, _ = ask("info", "The Second Show", "--json")
    answer = json.loads(out)
    assert [(p["anime_id"], p["entry"]) for p in answer["franchise"]] == [(1, True), (2, False), (3, False)]


def test_doctor_calls_a_sound_bundle_sound_and_a_damaged_one_damaged(ask: Ask, tmp_path: Path) -> None:
    code, out, _ = ask("doctor", "--json")
    assert code == 0
    assert json.loads(out)["sound"] is True
    code, out, err = ask("doctor", "--bundle", str(tmp_path))
    assert code == 4
    assert "sound: False" in out
    assert "not a bundle" in err


@pytest.mark.parametrize(
    "command",
    [
        "recommend",
        "similar",
        "info",
        "train",
        "evaluate",
        "batch",
        "similar-batch",
        "doctor",
        "search",
        "search-batch",
        "index",
        "export-encoder",
        "group",
        "random",
        "trending",
        "season",
        "watch-order",
    ],
)
def test_every_command_explains_itself_with_an_example(ask: Ask, command: str) -> None:
    code, out, _ = ask(command, "--help")
    assert code == 0
    assert f"anirec {command}" in out.split("Options:")[0].split("\n", 1)[1]


def test_help_needs_neither_scipy_nor_duckdb() -> None:
    script = (
        "import sys; sys.argv = ['anirec', '--version']\n"
        "from anirec.cli import main\n"
        "main()\n"
        "heavy = {'scipy', 'duckdb', 'rapidfuzz', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_dislikes_may_be_ignored_and_still_do_not_come_back(ask: Ask) -> None:
    def scores(*words: str) -> dict[int, float]:
        out = ask("recommend", "--like", "Show 4", "-k", "20", "--franchise", "anything", "--json", *words)[1]
        return {item["anime_id"]: item["match_score"] for item in json.loads(out)["items"]}

    plain, against = scores(), scores("--dislike", "Show 5")
    ignored = scores("--dislike", "Show 5", "--ignore-dislikes")
    assert 5 in plain
    assert 5 not in against
    assert ignored == {anime_id: score for anime_id, score in plain.items() if anime_id != 5} | {
        anime_id: score for anime_id, score in ignored.items() if anime_id not in plain
    }
    assert any(against[i] != plain[i] for i in against.keys() & plain.keys())


def test_only_what_is_airing_now_can_be_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = ("--bundle", str(starter_bundle()))
    asked = ("recommend", "--like", "Mushishi", "--airing")
    _, out, _ = anirec(capsys, monkeypatch, *asked, "currently airing", "-k", "5", "--json", *bundle)
    found = [item["anime_id"] for item in json.loads(out)["items"]]
    facts = load(starter_bundle()).facts.of(found)
    assert [facts[anime_id].airing for anime_id in found] == ["Currently Airing"] * 5
    code, _, err = anirec(capsys, monkeypatch, *asked, "soon", *bundle)
    assert code == 2
    assert "Currently Airing, Finished Airing, Not yet aired" in err
