"""A bundle elsewhere: read back it is the same, and what was written says what the service says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from anirec.core.errors import DamagedBundle, InputError, MissingAbility
from anirec.service.hub import from_hub, hub_card, to_hub
from anirec.service.space import PORT, to_space
from anirec.service.static import INDEX, SHARDS, shard_of, to_static
from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.tables import sha256
from anirec.wiring.serve import load, starter_bundle
from web.processes import running


@pytest.fixture
def hub(small_bundle: Path, tmp_path: Path) -> Path:
    pytest.importorskip("safetensors", reason="the extra hf is not installed")
    to_hub(read_bundle(small_bundle), tmp_path / "hub")
    return tmp_path / "hub"


def test_what_comes_back_from_the_hub_is_the_same_bundle_byte_by_byte(
    small_bundle: Path, hub: Path, tmp_path: Path
) -> None:
    assert {"README.md", "config.json", "model.safetensors", "anime.parquet"} <= {file.name for file in hub.iterdir()}
    assert from_hub(hub, tmp_path / "back") == sha256(small_bundle / MANIFEST)
    assert bytes_of(tmp_path / "back") == bytes_of(small_bundle)
    answers = [load(bundle).recommend(like=[4, ("Show 5", 9)], k=5) for bundle in (small_bundle, tmp_path / "back")]
    one, other = ([(r.anime, r.score) for r in answer] for answer in answers)
    assert one == other != []


def bytes_of(bundle: Path) -> dict[str, bytes]:
    return {str(file.relative_to(bundle)): file.read_bytes() for file in bundle.rglob("*") if file.is_file()}


def test_the_hub_s_own_readers_understand_the_layout(hub: Path, small_bundle: Path) -> None:
    from safetensors import safe_open

    with safe_open(hub / "model.safetensors", framework="np") as weights:
        assert weights.metadata()["bundle"] == sha256(small_bundle / MANIFEST)
        ids = weights.get_tensor("catalogue/anime_ids.npy")
    np.testing.assert_array_equal(ids, read_bundle(small_bundle).catalogue.anime_ids)
    assert json.loads((hub / "config.json").read_text())["model_type"] == "anirec-bundle"
    card = (hub / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: anirec\n")
    assert card.count("\n---\n") == 1
    assert "# Model card" in card


def test_the_card_holds_the_figures_and_sources_of_the_bundle() -> None:
    opened = read_bundle(starter_bundle())
    card = hub_card(opened)
    assert (opened.path / "card.md").read_text(encoding="utf-8").rstrip() in card


@pytest.mark.parametrize("harm", ["cut weights", "turned bit", "lost table", "other config"])
def test_what_was_harmed_on_its_way_is_refused_and_nothing_is_written(hub: Path, tmp_path: Path, harm: str) -> None:
    weights = hub / "model.safetensors"
    whole = bytearray(weights.read_bytes())
    if harm == "cut weights":
        weights.write_bytes(whole[: len(whole) // 2])
    elif harm == "turned bit":
        whole[-1] ^= 1
        weights.write_bytes(whole)
    elif harm == "lost table":
        (hub / "titles.parquet").unlink()
    else:
        (hub / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError if harm == "other config" else DamagedBundle):
        from_hub(hub, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_without_safetensors_the_extra_is_named(
    small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingAbility, match=r"anirec\[hf\]"):
        to_hub(read_bundle(small_bundle), tmp_path / "hub")


def test_a_space_says_what_it_is_and_its_command_serves_its_bundle(small_bundle: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "anirec-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    space = to_space(read_bundle(small_bundle), tmp_path / "space", title="For us", wheel=wheel)
    front = (space / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    told = dict(line.split(": ", 1) for line in front.splitlines())
    assert (told["title"], told["sdk"], told["app_port"]) == ("For us", "docker", str(PORT))
    docker = (space / "Dockerfile").read_text(encoding="utf-8")
    assert f"COPY {wheel.name} /tmp/" in docker
    assert re.search(r"^USER anirec$", docker, re.MULTILINE)
    for copied in re.findall(r"^COPY (?:--\S+ )?(\S+) ", docker, re.MULTILINE):
        assert (space / copied).exists(), copied
    command = json.loads(re.findall(r"^CMD (\[.*\])$", docker, re.MULTILINE)[-1])
    assert command[:2] == ["anirec", "serve"]
    assert command[2:] == shlex.split(f"--host 0.0.0.0 --port {PORT} --bundle /app/bundle --no-sites")
    with running(tmp_path, space / "bundle") as server:
        answer = server.get("/api/v1/anime/4/similar?k=5").json()
    found = load(small_bundle).similar(4, k=5)
    assert [item["anime"]["anime_id"] for item in answer["items"]] == [r.anime.anime_id for r in found]


def test_a_space_without_a_wheel_takes_the_released_one_and_a_bad_one_is_refused(
    small_bundle: Path, tmp_path: Path
) -> None:
    opened = read_bundle(small_bundle)
    docker = (to_space(opened, tmp_path / "space") / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r'pip install "anirec\[serve,text\]==[\d.]+"', docker)
    with pytest.raises(InputError, match="is no wheel"):
        to_space(opened, tmp_path / "other", wheel=tmp_path / "nothing.whl")
    with pytest.raises(InputError, match="one line"):
        to_space(opened, tmp_path / "other", title="a\nsdk: static")


def test_every_list_of_a_site_is_what_the_service_says(small_bundle: Path, tmp_path: Path) -> None:
    service = load(small_bundle)
    told = to_static(service, tmp_path / "site", k=6)
    index = json.loads((tmp_path / "site" / INDEX).read_text(encoding="utf-8"))
    ids = [row[0] for row in index["titles"]]
    assert ids == [i for i in range(1, 26) if i != 20]  # 20 is for adults
    assert index["titles"][1][:3] == [2, "Show 2", "The Second Show"]
    assert (index["shards"], index["bundle"]) == (SHARDS, sha256(small_bundle / MANIFEST))
    lists = 0
    for anime_id in ids:
        of_shard = json.loads((tmp_path / "site" / shard_of(anime_id)).read_text(encoding="utf-8"))
        try:
            wanted = [r.anime.anime_id for r in service.similar(anime_id, k=6, explain=False)]
        except MissingAbility:
            wanted = []
        assert [row[0] for row in of_shard.get(str(anime_id), [])] == wanted
        lists += bool(wanted)
    assert told == {"titles": len(ids), "lists": lists}
    assert lists > 10


def test_an_export_replaces_an_older_one_whole(small_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(small_bundle, tmp_path / "site")
    to_static(load(small_bundle), tmp_path / "site", k=3)
    assert not (tmp_path / "site" / "catalogue").exists()
