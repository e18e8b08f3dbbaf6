"""Names of people: read where a source has them, found nowhere after that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from anirec import cli
from anirec.core.columns import TABLES
from anirec.wiring.serve import starter_bundle
from sources.files import folder_of
from sources.web.fault_server import serving
from sources.web.runs import fetch
from sources.web.sites import PERSON, FakeAniList, FakeJikan, FakeMal

REPOSITORY = Path(__file__).parents[1]
NAME = "Planted_Penguin_77"
"""Whoever this is, nobody may read it but the reader of the file."""

LISTS = f"""username,anime_id,my_watched_episodes,my_start_date,my_finish_date,my_score,my_status,my_rewatching,\
my_rewatching_ep,my_last_updated,my_tags
{NAME},1,12,0000-00-00,0000-00-00,8,2,0,0,1362307973,
{NAME},2,12,0000-00-00,0000-00-00,88,2,0,0,1362307973,
{NAME},x,12,0000-00-00,0000-00-00,8,2,0,0,1362307973,
{NAME},too,few
{NAME},3,12,0000-00-00,0000-00-00,8,"not closed
"""
SCORES = f"user_id,Username,anime_id,Anime Title,rating\n1,{NAME},1,T,9\n2,{NAME},1,T\n3,{NAME},1,T,99\n"
DETAILS = f"""Mal ID,Username,Gender,Birthday,Location,Joined,Days Watched,Mean Score,Watching,Completed,On Hold,\
Dropped,Plan to Watch,Total Entries,Rewatched,Episodes Watched
1,{NAME},Male,,{NAME},2004-11-05T00:00:00+00:00,142.3,7.37,1.0,233.0,8.0,93.0,64.0,399.0,60.0,8458.0
y,{NAME},Male,,{NAME},2004-11-05T00:00:00+00:00,142.3,7.37,1.0,233.0,8.0,93.0,64.0,399.0,60.0,8458.0
2,{NAME}
"""
REVIEWS = f"""uid,profile,anime_uid,text,score,scores,link
1,{NAME},1,Good.,8,{{}},https://x/{NAME}
z,{NAME},1,Good.,8,{{}},https://x/{NAME}
2,{NAME},1
"""
PROFILES = f"profile,gender,birthday,favorites_anime,link\n{NAME},,,\"['1']\",https://x/{NAME}\n{NAME},bad\n"

FILES = {
    "azathoth2018": {"UserAnimeList__csv": LISTS},
    "dbdmobile2023": {"users-score-2023__csv": SCORES, "users-details-2023__csv": DETAILS},
    "marlesson2020": {"reviews__csv": REVIEWS, "profiles__csv": PROFILES},
}


def everything_in(folder: Path) -> str:
    """All that can be read in the files of a folder, Parquet unpacked."""
    texts = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            with duckdb.connect() as con:
                table = con.execute(f"SELECT * FROM '{file}'")
                texts += [str([column[0] for column in table.description or ()]), str(table.fetchall())]
        else:
            texts.append(file.read_bytes().decode("utf-8", "replace"))
    return "\n".join(texts)


def anirec(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> str:
    """Run a command; returns all that it says."""
    monkeypatch.setattr("sys.argv", ["anirec", *map(str, words)])
    cli.main()
    said = capfd.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("layout", FILES)
def test_names_in_public_sets_reach_no_table_no_list_of_rejects_and_no_message(
    layout: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(tmp_path, **FILES[layout]), tmp_path / "out"
    said = anirec(capfd, monkeypatch, "data", "import", folder, "--to", out, "--max-rejects", "1")
    assert f"the layout {layout}" in said
    assert "left out" in said
    said += anirec(capfd, monkeypatch, "data", "status", out)
    assert NAME not in said
    assert NAME not in everything_in(out)


@pytest.mark.parametrize("site", [FakeMal(), FakeAniList(), FakeJikan()], ids=["mal", "anilist", "jikan"])
def test_names_at_sites_reach_no_table_and_no_message(
    site: FakeMal | FakeAniList | FakeJikan,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = {FakeMal: "mal", FakeAniList: "anilist", FakeJikan: "jikan"}[type(site)]
    said: list[str] = []
    with serving(site) as server:
        fetch(name, server.url, tmp_path / "pages", said=said)
    said.append(anirec(capfd, monkeypatch, "data", "import", tmp_path / "pages", "--to", tmp_path / "out"))
    said.append(anirec(capfd, monkeypatch, "data", "build", tmp_path / "out", "--to", tmp_path / "joined"))
    rows = {table: (tmp_path / "joined" / f"{table}.parquet").is_file() for table in ("ratings", "reviews")}
    assert any(rows.values())
    for word in re.split(r"\W", PERSON):
        if len(word) > 2:
            assert word not in "\n".join(said)
            assert word not in everything_in(tmp_path / "out")
            assert word not in everything_in(tmp_path / "joined")


def test_no_canonical_table_has_a_column_for_names() -> None:
    columns = {name for table in TABLES.values() for name in table}
    assert not [name for name in columns if re.search("name|profile|user(?!_id$)", name)]


def test_the_starter_bundle_names_nobody() -> None:
    bundle = starter_bundle()
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert not re.search("user_?name", json.dumps(manifest), re.IGNORECASE)
    said = everything_in(bundle)
    assert len(said) > 10**6
    assert not re.search(r"/profile/|/animelist/|/user/", said)


MADE_UP = {NAME, "somebody", "else", "other", PERSON}
"""Who fixtures may be about."""


def test_fixtures_are_about_nobody_who_exists() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    found = set()
    for name in listed.stdout.decode().split("\0"):
        if not name.endswith((".py", ".md", ".json", ".csv", ".yaml", ".txt", ".toml")):
            continue
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        found |= set(re.findall(r"(?:myanimelist\.net|anilist\.co)/(?:profile|animelist|user)s?/([\w-]+)", text))
        found |= set(re.findall(r"[\"']user_?name[\"']:\s*[\"']([^\"']+)[\"']", text, re.IGNORECASE))
    assert found <= MADE_UP


def test_searching_leaves_no_note_of_it_for_anybody(tmp_path: Path) -> None:
    for module in ("onnxruntime", "tokenizers", "Stemmer"):
        if find_spec(module) is None:
            pytest.skip("the extra text is not installed")
    folders = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    rest = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    script = "from anirec.wiring.search import load_search; load_search().search('crime drama', k=3)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=rest | folders, check=True)
    assert list(tmp_path.rglob("*")) == []  # a library that reports keeps what it has to report
