"""Lists from sites by a user's name: from a made-up site on this machine; politely, and nothing stays behind."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anirec.core.errors import MissingAbility, SiteError
from anirec.service import fetch
from anirec.service.lists import Lists, NoSuchUser, Site
from anirec.sources.web.client import Patience
from anirec.sources.web.keys import MAL_CLIENT_ID
from anirec.web import schemas, sites
from anirec.web.app import create_app
from anirec.web.sites import SiteBusy, Sites
from anirec.wiring.serve import load
from sources.web import sites as fakes
from sources.web.fault_server import FaultServer, Request, Response, as_json
from sources.web.fault_server import serving as site_at
from sources.web.sites import FakeAniList, FakeMal
from web import serving
from web.serving import API

NAME = "SomeBody-1"


def reads(bundle: Path, server: FaultServer, **more: Any) -> Sites:
    urls = {Site.ANILIST.value: server.url, Site.MYANIMELIST.value: f"{server.url}/v2"}
    return Sites(Lists(load(bundle), urls), pause=0.0, **more)


def nobody(_request: Request) -> Response:
    return as_json({"errors": [{"message": "User not found"}]}, 404)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pages lie for a moment."""
    monkeypatch.setenv(MAL_CLIENT_ID, "the-key")
    monkeypatch.setattr(fakes, "PERSON", NAME)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("site", "fake"), [("anilist", FakeAniList), ("myanimelist", FakeMal)])
def test_a_public_list_is_read_and_nothing_of_it_stays(small_bundle: Path, scratch: Path, site: str, fake: Any) -> None:
    served = serving.served(small_bundle)
    with site_at(fake()) as server:
        object.__setattr__(served, "sites", reads(small_bundle, server))
        with TestClient(create_app(served), base_url="http://localhost") as asking:
            answer = asking.post(f"{API}/lists/import", json={"site": site, "user": NAME})
        assert NAME in "".join(logged.name for logged in server.log)
    found = schemas.ImportedList.model_validate(answer.json(), strict=True)
    assert found.found > 0
    assert {entry.anime_id for entry in found.entries} <= set(range(1, 26))
    assert list(scratch.iterdir()) == []
    assert NAME not in answer.text


def test_who_is_not_there_is_said_so(small_bundle: Path) -> None:
    with site_at(nobody) as server, pytest.raises(NoSuchUser, match="is it spelled so, and public"):
        reads(small_bundle, server).read(Site.ANILIST, NAME)


def test_a_site_that_does_not_answer_is_given_up_soon(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Patience(attempts=2, first_wait=0.01, longest_wait=0.1, slow_wait=0.01, connect=1, read=1, deadline=2)
    monkeypatch.setattr(fetch, "WHILE_SOMEBODY_WAITS", quick)
    with site_at(lambda _request: as_json({}, 500)) as server, pytest.raises(SiteError, match="does not answer"):
        reads(small_bundle, server).read(Site.ANILIST, NAME)


def test_a_site_is_asked_no_more_a_day_than_it_bears(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "MOST_A_DAY", 2)
    now = [0.0]
    with site_at(nobody) as server:
        asking = reads(small_bundle, server, clock=lambda: now[0])
        for _ in range(2):
            with pytest.raises(NoSuchUser):
                asking.read(Site.ANILIST, NAME)
        with pytest.raises(SiteBusy, match="send the file instead") as refused:
            asking.read(Site.ANILIST, NAME)
        assert refused.value.seconds == pytest.approx(sites.DAY)
        now[0] = sites.DAY + 1
        with pytest.raises(NoSuchUser):
            asking.read(Site.ANILIST, NAME)


def test_one_list_of_a_site_is_read_after_the_other(small_bundle: Path) -> None:
    with site_at(nobody) as server:
        asking = replace(reads(small_bundle, server), pause=0.3)
        begun = time.monotonic()
        for _ in range(2):
            with pytest.raises(NoSuchUser):
                asking.read(Site.ANILIST, NAME)
        assert time.monotonic() - begun >= 0.3


def test_without_a_client_id_there_is_no_myanimelist_and_without_sites_none(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MAL_CLIENT_ID)
    asking = Sites(Lists(load(small_bundle)))
    assert asking.available == ["anilist"]
    with pytest.raises(MissingAbility, match="export the list there"):
        asking.read(Site.MYANIMELIST, NAME)
    assert replace(asking, enabled=False).available == []
