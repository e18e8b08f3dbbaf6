from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anirec.core.errors import BundleError, BundleVersion, DamagedBundle, NotABundle
from anirec.core.state import State
from anirec.stores.bundle import BundleContent, read_bundle, write_bundle
from anirec.tables import new_file, new_folder
from worlds import catalogue_of


def content(**about: object) -> BundleContent:
    model = State(kind="toy", arrays={"weights": np.arange(5000, dtype=np.float32)}, facts={"colour": "青"})
    return BundleContent(
        catalogue=catalogue_of(30, adult=[3], franchises=[[1, 2]], genres={1: ["Drama"], 2: ["Space"]}),
        models={"toy": model},
        default_model="toy",
        tables={},
        about=about,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", content())
    return tmp_path / "bundle"


def test_what_is_written_is_what_is_read(bundle: Path) -> None:
    opened = read_bundle(bundle)
    assert opened.default_model == "toy"
    assert opened.models["toy"].facts == {"colour": "青"}
    np.testing.assert_array_equal(opened.models["toy"].arrays["weights"], np.arange(5000))
    wanted = content().catalogue
    np.testing.assert_array_equal(opened.catalogue.requires, wanted.requires)
    assert opened.catalogue.labels.names == ("Drama", "Space")
    assert opened.catalogue.labels.rows_with("Space", 30).tolist() == wanted.labels.rows_with("Space", 30).tolist()


def test_arrays_are_memory_mapped_and_cannot_be_written(bundle: Path) -> None:
    weights = read_bundle(bundle).models["toy"].arrays["weights"]
    assert isinstance(weights.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 1


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write_bundle(tmp_path / name, content()) for name in ("one", "two"))
    assert one == two
    for file in (tmp_path / "one").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_nothing_in_a_bundle_can_be_executed(bundle: Path) -> None:
    assert {file.suffix for file in bundle.rglob("*") if file.is_file()} <= {".json", ".npy", ".parquet"}
    for file in bundle.rglob("*.npy"):
        np.load(file, allow_pickle=False)


def test_an_array_that_holds_objects_is_refused_on_reading(bundle: Path) -> None:
    file = bundle / "models" / "toy" / "weights.npy"
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    vouch_for(bundle, "models/toy/weights.npy")
    with pytest.raises(DamagedBundle, match="cannot be read"):
        read_bundle(bundle)


def vouch_for(bundle: Path, name: str) -> None:
    """Make the manifest agree with a file, as somebody who means harm would."""
    from anirec.tables import sha256

    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": (bundle / name).stat().st_size, "sha256": sha256(bundle / name)}
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def edit_manifest(bundle: Path, **changes: object) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(manifest | changes))


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_one_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)


WEIGHTS = "models/toy/weights.npy"


@pytest.mark.parametrize(
    ("harm", "kind", "message"),
    [
        (lambda b: (b / "manifest.json").unlink(), NotABundle, r"writing was cut short: it has no manifest\.json"),
        (lambda b: cut_in_half(b / "manifest.json"), NotABundle, "cannot be read"),
        (lambda b: (b / "manifest.json").write_text("[1, 2]"), NotABundle, "not the manifest of a bundle"),
        (lambda b: edit_manifest(b, format="a recipe"), NotABundle, 'its "format" is not "anirec-bundle"'),
        (lambda b: edit_manifest(b, version=99), BundleVersion, "format version 99; this anirec reads 1.*install"),
        (lambda b: edit_manifest(b, files=None), DamagedBundle, "lacks files"),
        (lambda b: (b / WEIGHTS).unlink(), DamagedBundle, r"weights\.npy is missing from the bundle"),
        (lambda b: cut_in_half(b / WEIGHTS), DamagedBundle, "bytes where the manifest says 20,128"),
        (lambda b: flip_one_bit(b / WEIGHTS), DamagedBundle, r"differs from what the manifest says \(SHA-256\)"),
        (lambda b: edit_manifest(b, files={"../x": {}}), DamagedBundle, 'names a file outside of it: "../x"'),
    ],
)
def test_a_damaged_or_foreign_bundle_is_refused_with_the_reason(
    bundle: Path, harm: Callable[[Path], object], kind: type[BundleError], message: str
) -> None:
    harm(bundle)
    with pytest.raises(kind, match=message):
        read_bundle(bundle)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotABundle, match="there is no such folder"):
        read_bundle(tmp_path / "nowhere")


def test_arrays_of_different_length_are_refused(bundle: Path) -> None:
    np.save(bundle / "catalogue" / "years.npy", np.zeros(7, dtype=np.int16))
    vouch_for(bundle, "catalogue/years.npy")
    with pytest.raises(DamagedBundle, match="differ in length"):
        read_bundle(bundle)


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(bundle: Path) -> None:
    before = {file: file.read_bytes() for file in bundle.parent.rglob("*") if file.is_file()}
    broken = content(unwritable={1, 2, 3})  # a set is not JSON: the manifest, written last, fails
    with pytest.raises(TypeError):
        write_bundle(bundle, broken)
    assert {file: file.read_bytes() for file in bundle.parent.rglob("*") if file.is_file()} == before


def test_a_new_bundle_replaces_the_old_one_whole(bundle: Path) -> None:
    (bundle / "left-over.txt").write_text("old")
    write_bundle(bundle, content(note="new"))
    assert read_bundle(bundle).manifest["note"] == "new"
    assert not (bundle / "left-over.txt").exists()
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def half_a_folder(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "half").write_text("...")
        raise KeyboardInterrupt


def half_a_file(path: Path) -> None:
    with new_file(path) as file:
        file.write_text("half")
        raise KeyboardInterrupt


def test_an_interrupted_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        half_a_folder(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_file_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        half_a_file(tmp_path / "out")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out", "old")]
