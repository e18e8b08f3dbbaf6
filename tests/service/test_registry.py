"""Bundles by name, kept and fetched by MLflow in a folder: what comes is what was registered, or nothing does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from anirec.core.errors import DamagedBundle, InputError, SiteError
from anirec.service import registry
from anirec.service.registry import Registered, fetched, register, registered
from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.tables import sha256
from anirec.wiring.serve import bundle_at, writable
from small import write_small_bundle

CHAMPION = "mlflow://anirec@champion"


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("mlflow://anirec@champion", Registered("anirec")),
        ("mlflow://anirec", Registered("anirec")),
        ("mlflow://a-b.c/12", Registered("a-b.c", None, "12")),
        ("mlflow://anirec@next", Registered("anirec", "next")),
    ],
)
def test_a_bundle_is_named_by_alias_or_version(named: str, meant: Registered) -> None:
    assert registered(named) == meant
    assert registered(str(meant)) == meant


@pytest.mark.parametrize(
    "named", ["mlflow://", "mlflow:anirec", "mlflow://a/b", "mlflow://a@b@c", "mlflow://../x", "mlflow://a/0"]
)
def test_what_names_no_bundle_is_refused(named: str) -> None:
    with pytest.raises(InputError, match="is no bundle of a registry"):
        registered(named)


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    pytest.importorskip("mlflow", reason='MLflow is not installed; pip install "anirec[track]"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(registry.URI_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(registry.CACHE_VARIABLE, str(tmp_path / "cache"))
    return str(tmp_path / "runs")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    return write_small_bundle(tmp_path / "other", note="other")


def put(bundle: Path, uri: str) -> str:
    return register(
        "anirec", bundle, uri=uri, parameters={"seed": 1}, figures={"x": 0.5}, documents={"card.md": "# Card\n"}
    )


def test_the_champion_is_what_was_registered_last(small_bundle: Path, other: Path, uri: str, tmp_path: Path) -> None:
    assert put(small_bundle, uri) == "1"
    first = bundle_at(CHAMPION)
    assert sha256(first / MANIFEST) == first.name == sha256(small_bundle / MANIFEST)
    assert read_bundle(first).manifest == read_bundle(small_bundle).manifest
    assert put(other, uri) == "2"
    assert fetched(CHAMPION).name == sha256(other / MANIFEST)
    assert fetched("mlflow://anirec/1") == first
    assert not (tmp_path / "mlflow.db").exists()  # MLflow's registry of folders likes to make one


def test_what_was_fetched_is_not_fetched_again(small_bundle: Path, uri: str) -> None:
    put(small_bundle, uri)
    folder = fetched(CHAMPION)
    for artifacts in Path(uri).rglob("artifacts/bundle"):
        shutil.rmtree(artifacts)
    assert fetched(CHAMPION) == folder


def test_what_came_and_is_not_what_was_registered_is_refused_and_not_kept(
    small_bundle: Path, uri: str, tmp_path: Path
) -> None:
    put(small_bundle, uri)
    (manifest,) = Path(uri).rglob(f"artifacts/bundle/{MANIFEST}")
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(DamagedBundle, match="is not what was registered"):
        fetched(CHAMPION)
    assert list((tmp_path / "cache" / "bundles").iterdir()) == []


def test_a_file_that_changed_on_its_way_is_found_when_the_bundle_is_opened(small_bundle: Path, uri: str) -> None:
    put(small_bundle, uri)
    (file,) = Path(uri).rglob("artifacts/bundle/catalogue/years.npy")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(DamagedBundle, match="SHA-256"):
        read_bundle(fetched(CHAMPION))


def test_a_name_that_is_not_there_says_how_it_gets_there(small_bundle: Path, uri: str) -> None:
    for named in (CHAMPION, "mlflow://anirec/7"):
        with pytest.raises(InputError, match="`anirec promote` puts one there"):
            fetched(named)
    put(small_bundle, uri)
    with pytest.raises(InputError, match="has no mlflow://anirec@next"):
        fetched("mlflow://anirec@next")


def test_a_registry_that_does_not_answer_is_remembered_at_the_start_and_an_error_later(
    small_bundle: Path, uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(small_bundle, uri)
    folder = bundle_at(CHAMPION)

    def down(_address: str) -> Any:
        raise SiteError("MLflow does not answer")

    monkeypatch.setattr(registry, "client_of", down)
    assert bundle_at(CHAMPION) == folder
    assert "Taken instead: mlflow://anirec@champion as it was" in caplog.text
    with pytest.raises(SiteError):
        bundle_at(CHAMPION, stale=False)
    with pytest.raises(SiteError):  # never fetched, so nothing is remembered
        bundle_at("mlflow://anirec@next")


def test_a_bundle_of_the_registry_is_never_changed(uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert uri
    with pytest.raises(InputError, match="say with --out"):
        writable(CHAMPION, None)
    monkeypatch.setenv("ANIREC_BUNDLE", CHAMPION)
    with pytest.raises(InputError, match="say with --out"):
        writable(None, None)
    assert writable(CHAMPION, tmp_path) == tmp_path
