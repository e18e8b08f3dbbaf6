"""A bundle of which a part is missing, or in which a bit was turned, is refused, whichever part and whichever bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anirec.core.errors import BundleError
from anirec.stores.bundle import MANIFEST, read_bundle
from anirec.wiring.serve import load
from faults.machine import ran
from small import write_small_bundle

PARTS = 16


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("damage"))


def files_of(bundle: Path, *, manifest_first: bool) -> list[Path]:
    """All files, as a copy would write them: by name, with the manifest at either end."""
    files = sorted(file for file in bundle.rglob("*") if file.is_file() and file.name != MANIFEST)
    manifest = bundle / MANIFEST
    return [manifest, *files] if manifest_first else [*files, manifest]


@pytest.mark.parametrize("manifest_first", [True, False])
@pytest.mark.parametrize("part", range(PARTS))
def test_a_bundle_that_ends_too_early_is_refused(bundle: Path, tmp_path: Path, part: int, manifest_first: bool) -> None:
    target = tmp_path / "bundle"
    shutil.copytree(bundle, target)
    files = files_of(target, manifest_first=manifest_first)
    left = sum(file.stat().st_size for file in files) * part // PARTS
    for file in files:
        size = file.stat().st_size
        if left >= size:
            left -= size
            continue
        if left:
            with file.open("r+b") as handle:
                handle.truncate(left)
        else:
            file.unlink()
        left = 0
    with pytest.raises(BundleError, match=r"\w+"):
        load(target)


def test_a_bit_that_was_turned_is_found_in_every_file_at_its_begin_middle_and_end(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    shutil.copytree(bundle, target)
    tried = 0
    for file in files_of(target, manifest_first=True)[1:]:
        whole = file.read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1}:
            harmed = bytearray(whole)
            harmed[at] ^= 1 << (at % 8)
            file.write_bytes(harmed)
            with pytest.raises(BundleError, match="SHA-256"):
                read_bundle(target)
            tried += 1
        file.write_bytes(whole)
    assert tried > 30
    read_bundle(target)


def test_doctor_says_which_file_is_harmed_and_what_to_do(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    shutil.copytree(bundle, target)
    file = target / "catalogue" / "years.npy"
    harmed = bytearray(file.read_bytes())
    harmed[-1] ^= 4
    file.write_bytes(harmed)
    done = ran("doctor", "--bundle", target)
    assert done.returncode == 4
    assert "years.npy differs from what the manifest says (SHA-256)" in done.stderr
    assert "restore it from where you got it" in done.stderr
