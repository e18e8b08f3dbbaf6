"""From a public data set's files to recommendations, as somebody with data of their own would go."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from cli.test_commands import anirec
from worlds import two_tastes

GENRES = {1: "Drama", 2: "Space"}


@pytest.fixture(scope="module")
def csv_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tastes in CooperUnion's files: people like either 1..10 or 11..20."""
    folder = tmp_path_factory.mktemp("download")
    data = two_tastes(users=600)
    anime = [f'{i},Show {i},"{GENRES[1 if i <= 10 else 2]}",TV,12,7.5,{1000 + i}' for i in range(1, 26)]
    ratings = [
        f"{data.user_ids[user]},{data.anime_ids[item]},{score}"
        for user, item, score in zip(data.users, data.items, data.scores, strict=True)
    ]
    (folder / "anime.csv").write_text("\n".join(["anime_id,name,genre,type,episodes,rating,members", *anime, ""]))
    (folder / "rating.csv").write_text("\n".join(["user_id,anime_id,rating", *ratings, "1,2,11", ""]))
    return folder


def test_from_csv_files_to_a_bundle_that_recommends(
    csv_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        return anirec(capsys, monkeypatch, *words)

    code, out, _ = ask("data", "import", str(csv_folder), "--to", str(tmp_path / "canonical"))
    assert code == 0
    assert "left out: 1 row of rating.csv: score outside 1..10 (first: line" in out
    code, out, _ = ask("data", "status", str(tmp_path / "canonical"), "--json")
    found = json.loads(out)
    assert (code, found["layout"]) == (0, "cooperunion2016")
    assert [(t["table"], t["rows"]) for t in found["tables"]] == [
        ("anime", 25),
        ("ratings", found["tables"][1]["rows"]),
    ]
    code, out, _ = ask(
        "data", "sql", "select count(*) as n from anime", "--data", str(tmp_path / "canonical"), "--json"
    )
    assert (code, json.loads(out)) == (0, [{"n": 25}])
    code, _, err = ask("data", "sql", "select x from anime", "--data", str(tmp_path / "canonical"))
    assert code == 2
    assert "tables: anime, ratings" in err
    for name in ("one", "two"):
        assert ask("train", "--data", str(tmp_path / "canonical"), "--out", str(tmp_path / name), "--json")[0] == 0
    one, two = (tmp_path / name / "manifest.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()  # same data, same seed, same hashes
    card = (one.parent / "card.md").read_text()
    for row in ("| random | ", "| popularity | ", "| ease | ", "| blend | 25 | "):
        assert row in card
    assert "Sources: cooperunion2016" in card
    code, out, _ = ask(
        "recommend", "--like", "Show 3", "--like", "Show 5", "-k", "5", "--bundle", str(one.parent), "--json"
    )
    assert code == 0
    assert {item["anime_id"] for item in json.loads(out)["items"]} <= {1, 2, 4, 6, 7, 8, 9, 10}
    code, out, _ = ask(
        "recommend", "--like", "15", "-k", "3", "--genre", "drama", "--bundle", str(one.parent), "--json"
    )
    assert {genre for item in json.loads(out)["items"] for genre in item["genres"]} == {"Drama"}


@pytest.mark.parametrize(("words", "protocol"), [([], "heldout-users"), (["--protocol", "few-shot-2"], "few-shot-2")])
def test_evaluation_finds_the_planted_tastes_and_popularity_cannot(
    csv_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    protocol: str,
) -> None:
    code, out, _ = anirec(
        capsys, monkeypatch, "evaluate", "--quick", "--data", str(csv_folder), "--users", "60", "--json", *words
    )
    report = json.loads(out)
    assert (code, report["protocol"], report["parameters"]["users"]) == (0, protocol, 60)
    row = {r["model"]: r["metrics"]["ndcg@10"] for r in report["rows"] if r["figure"] == "raw"}
    assert set(row) == {"random", "popularity", "ease", "blend", "ease-unpruned"}
    assert row["ease"]["low"] > row["popularity"]["high"]
    assert row["blend"]["low"] > row["popularity"]["high"]


def test_another_system_learns_from_an_export_and_is_shown_beside(
    csv_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", "--quick", "--data", str(csv_folder), "--users", "40")
    code, out, _ = anirec(capsys, monkeypatch, *words, "--export", str(tmp_path / "exam"))
    assert code == 0
    assert "40 cases" in out
    con = duckdb.connect()
    con.execute(
        f"COPY (SELECT profile_id, row_number() OVER (PARTITION BY profile_id) AS rank, anime_id "
        f"FROM '{tmp_path}/exam/targets.parquet') TO '{tmp_path}/cheat.parquet' (FORMAT parquet)"
    )
    code, out, _ = anirec(capsys, monkeypatch, *words, "--json", "--lists", f"cheat={tmp_path}/cheat.parquet")
    row = {r["model"]: r["metrics"]["ndcg@10"]["mean"] for r in json.loads(out)["rows"] if r["figure"] == "raw"}
    assert (code, row["cheat"]) == (0, 1)
    code, out, _ = anirec(capsys, monkeypatch, *words, "--lists", f"cheat={tmp_path}/cheat.parquet")
    assert code == 0
    for said in ("cheat", "recall at equal overall recall by popularity of the target", "The first ten besides right"):
        assert said in out


def test_a_report_to_look_at_is_written_with_titles(
    csv_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", "--quick", "--data", str(csv_folder), "--users", "40", "--html", str(tmp_path / "report.html"))
    assert anirec(capsys, monkeypatch, *words)[0] == 0
    written = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "One of the worst" in written
    assert "blend" in written
    assert "NaN" not in written


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--protocol", "few-shots"], "there is no protocol"),
        (["--lists", "lists.parquet"], "NAME=FILE.parquet"),
        (["--lists", "a=nowhere.parquet"], "there is no file"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(
    csv_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    code, _, err = anirec(capsys, monkeypatch, "evaluate", "--data", str(csv_folder), "--users", "40", *words)
    assert code == 2
    assert said in err


def test_protocols_are_listed(
    csv_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = anirec(capsys, monkeypatch, "evaluate", "--data", str(csv_folder), "--protocol", "help")
    assert code == 0
    assert "plan-to-watch: what unseen users plan to watch" in out


def test_settings_reach_the_model_that_is_trained_and_the_manifest(
    csv_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("train", "--quick", "--data", str(csv_folder), "--out", str(tmp_path / "b"), "--json")
    code, _, _ = anirec(capsys, monkeypatch, *words, "--model", "ease", "--set", "l2=12.5", "--set", "ease.keep=9")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert code == 0
    assert (manifest["config"]["ease"]["l2"], manifest["config"]["ease"]["keep"]) == (12.5, 9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "help"], "ease: which titles are liked together"),
        (["--model", "ease", "--set", "l3=4"], "There are: l2=100.0, dropout=0.23"),
        (["--model", "ease", "--set", "l2=-4"], "EASE needs l2 > 0"),
        (["--set", "l2=4"], "say of which model"),
        (["--model", "ease", "--model", "popularity", "--set", "l2=4"], "say of which model"),
    ],
)
def test_models_and_settings_that_do_not_exist_are_said_before_anything_is_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    for command in (["train", "--out", str(tmp_path / "b")], ["evaluate"]):
        code, _, err = anirec(capsys, monkeypatch, *command, "--data", str(tmp_path), *words)
        assert code == 2
        assert said in err


def test_tuning_begins_with_the_settings_as_they_are_and_names_the_best(
    csv_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna", reason='Optuna is not installed; pip install "anirec[tune]"')
    words = ("tune", "--data", str(csv_folder), "--model", "ease", "--set", "dropout=0.1", "--trials", "4", "--json")
    code, out, _ = anirec(capsys, monkeypatch, *words)
    found = json.loads(out)
    assert (code, len(found["trials"])) == (0, 4)
    assert found["default"]["settings"] == {"l2": 100.0}
    assert found["best"]["value"] == max(trial["value"] for trial in found["trials"])
    assert json.loads(anirec(capsys, monkeypatch, *words)[1]) == found
    code, _, err = anirec(capsys, monkeypatch, "tune", "--data", str(csv_folder), "--model", "popularity")
    assert (code, "no setting that is worth tuning" in err) == (2, True)


def test_too_few_users_are_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anime.csv").write_text("anime_id,name,genre,type,episodes,rating,members\n1,A,,TV,1,7,5\n")
    (tmp_path / "rating.csv").write_text("user_id,anime_id,rating\n1,1,9\n")
    code, _, err = anirec(capsys, monkeypatch, "train", "--data", str(tmp_path), "--out", str(tmp_path / "bundle"))
    assert code == 3
    assert "too few users" in err
    assert "import more lists" in err
    assert not (tmp_path / "bundle").exists()


def test_data_without_a_catalogue_are_refused_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rating.csv").write_text("user_id,anime_id,rating\n1,1,9\n")
    code, _, err = anirec(capsys, monkeypatch, "evaluate", "--data", str(tmp_path))
    assert code == 3
    assert "anime.parquet is missing" in err
