"""The map over HTTP: what is said of the bytes is what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from anirec.atlas.layout import LayoutConfig
from anirec.service.mapping import MapConfig
from anirec.web import schemas
from anirec.web.app import create_app
from anirec.wiring.atlas import add_map, load_map
from islands import ADULT, write_planted_bundle
from web import serving
from web.serving import API

pytest.importorskip("openTSNE", reason="it comes with the extra map")
pytest.importorskip("networkx", reason="it comes with the extra map")


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Any:
    plain = write_planted_bundle(tmp_path_factory.mktemp("islands"))
    out: Path = plain.parent / "mapped"
    config = MapConfig(layout=LayoutConfig(near=20, early=80, late=120), judged=100)
    add_map(plain, out, config, seed=0, progress=lambda _stage, _done, _total: None)
    mapped = load_map(out)
    with TestClient(create_app(replace(serving.served(out), service=mapped.service, atlas=mapped))) as client:
        yield client


def test_the_bytes_are_laid_out_as_said(asking: TestClient) -> None:
    about = schemas.MapAbout.model_validate(asking.get(f"{API}/map").json(), strict=True)
    data = asking.get(about.url).content
    arrays = {
        field.name: np.frombuffer(data, np.dtype(field.dtype).newbyteorder("<"), field.length, field.offset)
        for field in about.layout
    }
    assert {len(array) for array in arrays.values()} == {about.points}
    assert np.abs(arrays["x"]).max() <= 1
    assert (np.diff(arrays["anime_id"]) > 0).all()
    known = arrays["community"] < 65535
    assert arrays["community"][known].max() < len(about.colours["community"])
    assert 0 < about.trustworthiness["10"] <= 1


def test_neighbours_are_cards_nearest_first_and_none_for_adults(asking: TestClient) -> None:
    items = asking.get(f"{API}/map/neighbours/1").json()
    found = schemas.MapNeighbours.model_validate(items, strict=True).items
    weights = [one.weight for one in found]
    assert weights == sorted(weights, reverse=True) != []
    assert not any(one.anime.adult or one.anime.anime_id in ADULT for one in found)
    assert asking.get(f"{API}/map/neighbours/999999").status_code == 404
