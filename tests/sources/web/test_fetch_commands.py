"""`anirec data fetch`, as a person types it, against local sites; then `import` and `build` of what came."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anirec.cli.commands import cli
from anirec.core.errors import AnirecError, InputError, SiteError
from anirec.sources.web.pages import open_pages
from sources.files import rows
from sources.web.fault_server import Request, Response, as_json, serving
from sources.web.sites import PERSON, FakeAniList, FakeJikan, FakeMal, people_page


def anirec(*words: str | Path) -> Any:
    """Run a command; returns what it prints, parsed where it is JSON."""
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)
    if isinstance(result.exception, AnirecError):
        raise result.exception
    return json.loads(result.stdout) if "--json" in words else result.stdout


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIREC_MAL_CLIENT_ID", "the-key")


@pytest.mark.usefixtures("key")
def test_a_ranking_becomes_tables_at_one_request_a_second(tmp_path: Path) -> None:
    with serving(FakeMal(n=3)) as server:
        words = ("data", "fetch", "mal", "--to", tmp_path / "p", "--url", f"{server.url}/v2", "--ranking", "all")
        said = anirec(*words, "--top", "2", "--id", "3")
    assert "4 new" in said
    assert server.most_in(0.9) == 1  # of one a second; a busy machine holds some up on their way
    anirec("data", "import", tmp_path / "p", "--to", tmp_path / "t")
    assert rows(tmp_path / "t" / "anime.parquet", "anime_id, title, title_english, type, year, season, minutes") == [
        (i, f"Title {i}", f"English {i}", "TV", 2026, "fall", 24) for i in (1, 2, 3)
    ]
    facts = "source, age_rating, adult, genres, themes, demographics, studios, members, synonyms, airing, score"
    assert rows(tmp_path / "t" / "anime.parquet", facts)[2] == (
        *("Light novel", "Rx - Hentai", True, ["Action"], ["School"], ["Shounen"], ["Studio"], 3000, ["Other 3"]),
        *("Currently Airing", 7.5),
    )
    assert rows(tmp_path / "t" / "relations.parquet", "*") == [(2, "Sequel", 1), (3, "Sequel", 1)]
    assert rows(tmp_path / "t" / "recommendations.parquet", "*") == [(1, 2, 1), (1, 3, 3), (2, 3, 2)]
    assert rows(tmp_path / "t" / "titles.parquet", "lang, kind, title")[:2] == [
        ("en", "official", "English 1"),
        ("en", "official", "English 2"),
    ]


@pytest.mark.usefixtures("key")
def test_a_persons_list_becomes_ratings_of_a_number(tmp_path: Path) -> None:
    with serving(FakeMal(n=3)) as server:
        anirec("data", "fetch", "mal", "--to", tmp_path / "p", "--url", f"{server.url}/v2", "--list", PERSON)
    anirec("data", "import", tmp_path / "p", "--to", tmp_path / "t")
    assert rows(tmp_path / "t" / "ratings.parquet", "user_id, anime_id, score, status, updated_at, source") == [
        (1, 1, 10, 2, 1767225600, "mal_api"),
        (1, 2, None, 6, 1767312000, "mal_api"),
        (1, 3, 8, 2, 1767398400, "mal_api"),
    ]
    manifest = json.loads((tmp_path / "t" / "manifest.json").read_text())
    assert "mal_api" in manifest["full_list_sources"]


@pytest.mark.parametrize(
    ("score_format", "score"),
    [("POINT_100", 9), ("POINT_10_DECIMAL", 9), ("POINT_10", 8), ("POINT_5", 8), ("POINT_3", 9)],
)
def test_the_five_scales_of_anilist_become_one(tmp_path: Path, score_format: str, score: int) -> None:
    with serving(FakeAniList(score_format=score_format)) as server:
        anirec("data", "fetch", "anilist", "--to", tmp_path / "p", "--url", server.url, "--list", PERSON)
    out = anirec("data", "import", tmp_path / "p", "--to", tmp_path / "t")
    assert rows(tmp_path / "t" / "ratings.parquet", "anime_id, score") == [
        (1, score), (2, None), (3, score), (4, None), (6, None)
    ]  # fmt: skip
    assert "no MyAnimeList id is known for the AniList id" in out


def test_an_id_map_finds_the_anime_that_anilist_has_no_page_for(tmp_path: Path) -> None:
    fribb = [{"mal_id": 555, "anilist_id": 1005, "thetvdb_id": 9}, {"mal_id": 6, "anilist_id": 1006}]
    with serving(lambda _request: as_json(fribb, ETag='"1"')) as server:
        url = f"{server.url}/lists/anime-list-full.json"
        said = anirec("data", "fetch", "id-map", "--to", tmp_path / "m", "--url", url)
        assert "1 new" in said
    anirec("data", "import", tmp_path / "m", "--to", tmp_path / "ids")
    with serving(FakeAniList(n=6)) as server:
        anirec("data", "fetch", "anilist", "--to", tmp_path / "p", "--url", server.url, "--season", "2026/fall")
    out = anirec("data", "import", tmp_path / "p", "--to", tmp_path / "t", "--ids", tmp_path / "ids")
    assert "left out" not in out
    found = rows(tmp_path / "t" / "anime.parquet", "anime_id, anilist_id, title, genres, themes, tags, score")
    assert found[4:] == [
        (6, 1006, "Title 6", ["Action"], ["Mecha"], ["Robots"], 7.5),
        (555, 1005, "Title 5", ["Action"], ["Mecha"], ["Robots"], 7.5),
    ]
    assert (4, "Sequel", 555) in rows(tmp_path / "t" / "relations.parquet", "*")
    assert rows(tmp_path / "t" / "synopses.parquet", "text")[0] == ("One\ntwo & three",)


def test_a_server_of_ones_own_gives_reviews_and_texts(tmp_path: Path) -> None:
    with serving(FakeJikan()) as server:
        words = ("data", "fetch", "jikan", "--to", tmp_path / "p", "--url", f"{server.url}/v4/", "--id", "1")
        found = anirec(*words, "--review-pages", "2", "--recommendation-pages", "1", "--genre", "4", "--json")
    assert (found["new"], found["problems"]) == (7, {})
    anirec("data", "import", tmp_path / "p", "--to", tmp_path / "t")
    assert rows(tmp_path / "t" / "anime.parquet", "anime_id, minutes, year, demographics")[0] == (
        *(1, 65, 2014),
        ["Seinen"],
    )
    assert len(rows(tmp_path / "t" / "anime.parquet", "anime_id")) == 6
    assert rows(tmp_path / "t" / "reviews.parquet", "review_id, user_id, score, helpful, text") == [
        (110, 1, 8, 0, "I liked it, 0."),
        (111, 2, 8, 1, "I liked it, 1."),
        (120, 1, 8, 0, "I liked it, 0."),
        (121, 2, 8, 1, "I liked it, 1."),
    ]
    assert rows(tmp_path / "t" / "recommendation_texts.parquet", "anime_a, anime_b, user_id, text") == [
        (1, 2, 2, "Both are quiet.")
    ]


def test_a_file_is_fetched_again_only_when_it_changed(tmp_path: Path) -> None:
    content = [b'{"license": "x"}\n']

    def site(request: Request) -> Response:
        tag = f'"{len(content[0])}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(b"", 304)
        return Response(content[0], 200, {"ETag": tag})

    with serving(site) as server:
        words = ("data", "fetch", "file", "--to", tmp_path, "--url", f"{server.url}/a/anime-offline-database.jsonl")
        assert "1 new" in anirec(*words)
        assert "1 as before" in anirec(*words)
        content[0] += b'{"sources": ["https://myanimelist.net/anime/1"], "title": "A"}\n'
        assert "1 new" in anirec(*words)
    assert (tmp_path / "anime-offline-database.jsonl").read_bytes() == content[0]
    with open_pages(tmp_path) as store:
        assert [page.body for page in store.latest()] == content
    anirec("data", "import", tmp_path, "--to", tmp_path / "t")
    assert rows(tmp_path / "t" / "anime.parquet", "anime_id, title") == [(1, "A")]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with serving(lambda _request: Response(b"", 404)) as server, pytest.raises(SiteError, match="no such file"):
        anirec("data", "fetch", "file", "--to", tmp_path, "--url", f"{server.url}/x.json")


def test_people_are_hashes_unless_names_are_asked_for(tmp_path: Path) -> None:
    with serving(people_page) as server:
        words = ("data", "fetch", "people", "--url", f"{server.url}/users", "--enable", "--looks", "2", "--every", "1")
        assert anirec(*words, "--to", tmp_path / "hashed").startswith("3 people")
        assert anirec(*words, "--to", tmp_path / "named", "--keep-names").startswith("3 people")
    kept = {}
    for name in ("hashed", "named"):
        with open_pages(tmp_path / name) as store:
            kept[name] = json.loads(next(store.latest("online/")).body)
    assert kept["named"] == ["Blue_Pelican", "Red Heron", "anon-42"]
    assert all(text.startswith("~") and len(text) == 21 for text in kept["hashed"])
    with sqlite3.connect(tmp_path / "hashed" / "pages.sqlite") as con:
        dumped = "\n".join(con.iterdump())
    con.close()
    assert not [name for name in kept["named"] if name in dumped]
    looks = [logged.at for logged in server.log if logged.path == "/users"]
    assert looks[1] - looks[0] >= 1.0
    assert looks[3] - looks[2] >= 1.0


def test_people_are_not_collected_unless_enabled_and_never_where_robots_are_not_wanted(tmp_path: Path) -> None:
    with serving(people_page) as server:
        words = ("data", "fetch", "people", "--to", tmp_path, "--looks", "1")
        with pytest.raises(InputError, match="--enable"):
            anirec(*words, "--url", f"{server.url}/users")
        assert server.log == []
        with pytest.raises(InputError, match=r"robots\.txt does not allow"):
            anirec(*words, "--enable", "--url", f"{server.url}/private/users")
    assert [logged.path for logged in server.log] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mal"], "say what to fetch"),
        (["mal", "--id", "1"], "ANIREC_MAL_CLIENT_ID"),
        (["mal", "--season", "2026/autumn"], "write it as 2026/fall"),
        (["mal", "--ids-from", "IDS"], '"x7" is none'),
        (["anilist", *[word for i in range(26) for word in ("--list", f"p{i}")]], "26 people at once are too many"),
        (["jikan", "--url", "http://x"], "say what to fetch"),
        (["file", "--url", "http://x/"], "does not end in the name of a file"),
    ],
)
def test_what_cannot_be_fetched_is_said_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.delenv("ANIREC_MAL_CLIENT_ID", raising=False)
    (tmp_path / "ids.txt").write_text("5\nx7\n")
    words = [str(tmp_path / "ids.txt") if word == "IDS" else word for word in words]
    with pytest.raises(InputError, match=said):
        anirec("data", "fetch", *words, "--to", tmp_path / "p")


@pytest.mark.usefixtures("key")
def test_a_pause_shorter_than_the_site_bears_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one request in 1 s"):
        anirec("data", "fetch", "mal", "--to", tmp_path, "--id", "1", "--pause", "0.2")
