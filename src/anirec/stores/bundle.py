"""A bundle: one folder with all that serving needs. Plain arrays, Parquet and a manifest; nothing in it can run.

    manifest.json        what this is, from which data, and the size and SHA-256 of every other file
    anime.parquet        facts to show           titles.parquet   every title, for finding an anime by name
    catalogue/*.npy      what ranking needs      models/<name>/*.npy   the fitted models
    search/*.npy, search/encoder/*               what search looks into, where the bundle has it
    atlas/*.npy, atlas/manifest.json             the map, where the bundle has it

Arrays are memory-mapped. The folder is written under another name and renamed when complete; the manifest is written
last, so a folder without a manifest is one whose writing was cut short.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue, Labels
from anirec.core.errors import BundleVersion, DamagedBundle, NotABundle
from anirec.core.state import State
from anirec.tables import new_folder, sha256

FORMAT: Final = "anirec-bundle"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SEARCH: Final = "search"
ROLES_FILE: Final = "catalogue/roles.npy"
ATLAS: Final = "atlas"
CATALOGUE_ARRAYS: Final = (
    "anime_ids",
    "kinds",
    "years",
    "minutes",
    "episodes",
    "members",
    "adult",
    "franchise",
    "order",
    "requires",
)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened and found sound.

    path: its folder. manifest: as parsed. catalogue: memory-mapped. models: state by name; which of them answers when
    nothing else is asked for is `default_model`. search: what search looks into, None where the bundle has nothing.
    atlas: the map, None where the bundle has none.
    """

    path: Path
    manifest: Mapping[str, Any]
    catalogue: Catalogue
    models: Mapping[str, State]
    search: State | None = None
    atlas: State | None = None

    @property
    def default_model(self) -> str:
        """Name of the model that answers unless another is asked for."""
        return str(self.manifest["default_model"])

    @property
    def anime_table(self) -> Path:
        """Path of the Parquet file of facts."""
        return self.path / "anime.parquet"

    @property
    def titles_table(self) -> Path:
        """Path of the Parquet file of titles."""
        return self.path / "titles.parquet"

    @property
    def encoder(self) -> Path:
        """Path of the folder of the text encoder that search was built with."""
        return self.path / SEARCH / "encoder"


@dataclass(frozen=True)
class BundleContent:
    """What goes into a bundle. tables: Parquet files to copy, by file name. about: further facts for the manifest."""

    catalogue: Catalogue
    models: Mapping[str, State]
    default_model: str
    tables: Mapping[str, Path]
    about: Mapping[str, Any]


def write_bundle(path: Path, content: BundleContent) -> str:
    """Write a bundle and return the SHA-256 of its manifest, which stands for all of it.

    The same content gives the same bytes: no time, no machine, no path is written. An existing bundle at `path` is
    replaced only when the new one is complete.
    """
    with new_folder(path) as folder:
        for name, source in content.tables.items():
            (folder / name).write_bytes(source.read_bytes())
        for name in CATALOGUE_ARRAYS:
            _save(folder / "catalogue" / f"{name}.npy", getattr(content.catalogue, name))
        _save(folder / "catalogue" / "label_bits.npy", content.catalogue.labels.bits)
        if content.catalogue.roles is not None:
            _save(folder / ROLES_FILE, content.catalogue.roles)
        for model, state in content.models.items():
            for name, array in state.arrays.items():
                _save(folder / "models" / model / f"{name}.npy", array)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "default_model": content.default_model,
            "labels": list(content.catalogue.labels.names),
            "models": {
                model: {"kind": state.kind, "facts": dict(state.facts), "arrays": sorted(state.arrays)}
                for model, state in sorted(content.models.items())
            },
            **content.about,
        }
        return _write_manifest(folder, manifest)


def write_search(bundle: Bundle, out: Path, state: State, encoder: Path, about: Mapping[str, Any]) -> str:
    """Write a bundle anew with what search looks into, in place of what it had; returns the manifest's SHA-256.

    out: where; the bundle's own folder, too. encoder: the folder of the encoder, copied. about: facts for the manifest.
    Everything else stays as it is, byte by byte.
    """
    with new_folder(out) as folder:
        _copy_without(bundle, folder, SEARCH)
        for name, array in state.arrays.items():
            _save(folder / SEARCH / f"{name}.npy", array)
        for file in sorted(encoder.iterdir()):
            copy = folder / SEARCH / "encoder" / file.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
        facts = {"kind": state.kind, "facts": dict(state.facts), "arrays": sorted(state.arrays), "about": dict(about)}
        return _write_manifest(folder, {**bundle.manifest, SEARCH: facts})


def write_atlas(bundle: Bundle, out: Path, state: State) -> str:
    """Write a bundle anew with a map, in place of what it had; returns the manifest's SHA-256.

    out: where; the bundle's own folder, too. The map's facts go into `atlas/manifest.json`. Everything else stays as it
    is, byte by byte.
    """
    with new_folder(out) as folder:
        _copy_without(bundle, folder, ATLAS)
        for name, array in state.arrays.items():
            _save(folder / ATLAS / f"{name}.npy", array)
        text = json.dumps(dict(state.facts), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / ATLAS / MANIFEST).write_text(text, encoding="utf-8")
        return _write_manifest(folder, {**bundle.manifest, ATLAS: {"kind": state.kind, "arrays": sorted(state.arrays)}})


def _copy_without(bundle: Bundle, folder: Path, part: str) -> None:
    """Copy the files of a bundle, all but those of one part."""
    for name in bundle.manifest["files"]:
        if not name.startswith(f"{part}/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((bundle.path / name).read_bytes())


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> str:
    files = {
        str(file.relative_to(folder)): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    text = json.dumps({**manifest, "files": files}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def read_bundle(path: Path) -> Bundle:
    """Open a bundle and check every file of it against the manifest.

    Raises:
        NotABundle: there is no manifest, or it is not one of ours.
        BundleVersion: it is of another version.
        DamagedBundle: a file is missing, cut short or changed, or the arrays do not fit together.
    """
    manifest = _read_manifest(path)
    for name, facts in manifest["files"].items():
        _check_file(path, name, facts)
    try:
        catalogue = Catalogue(
            **{name: _load(path / "catalogue" / f"{name}.npy") for name in CATALOGUE_ARRAYS},
            labels=Labels(names=tuple(manifest["labels"]), bits=_load(path / "catalogue" / "label_bits.npy")),
            roles=_load(path / ROLES_FILE) if ROLES_FILE in manifest["files"] else None,
        )
        models = {
            model: State(
                kind=facts["kind"],
                arrays={name: _load(path / "models" / model / f"{name}.npy") for name in facts["arrays"]},
                facts=facts["facts"],
            )
            for model, facts in manifest["models"].items()
        }
        found = manifest.get(SEARCH)
        search = found and State(
            kind=found["kind"],
            arrays={name: _load(path / SEARCH / f"{name}.npy") for name in found["arrays"]},
            facts=found["facts"],
        )
        atlas = _read_atlas(path / ATLAS, manifest[ATLAS]) if ATLAS in manifest else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedBundle(f"the arrays of the bundle at {path} cannot be read: {error}. {_CURE}") from error
    n = len(catalogue)
    if any(getattr(catalogue, name).shape != (n,) for name in CATALOGUE_ARRAYS) or (
        catalogue.roles is not None and catalogue.roles.shape != (n,)
    ):
        raise DamagedBundle(f"the catalogue arrays of the bundle at {path} differ in length. {_CURE}")
    return Bundle(path=path, manifest=manifest, catalogue=catalogue, models=models, search=search, atlas=atlas)


def _read_atlas(folder: Path, found: Mapping[str, Any]) -> State:
    facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    arrays = {name: _load(folder / f"{name}.npy") for name in found["arrays"]}
    return State(kind=found["kind"], arrays=arrays, facts=facts)


_CURE = "Train it again with `anirec train`, or restore it from where you got it."


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise NotABundle(f"no bundle at {path}: there is no such folder")
    file = path / MANIFEST
    if not file.is_file():
        raise NotABundle(f"{path} is not a bundle, or its writing was cut short: it has no {MANIFEST}. {_CURE}")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotABundle(f"{file} cannot be read: {error}. {_CURE}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise NotABundle(f'{file} is not the manifest of a bundle (its "format" is not "{FORMAT}")')
    if manifest.get("version") != VERSION:
        raise BundleVersion(
            f"the bundle at {path} is of format version {manifest.get('version')}; this anirec reads {VERSION}. "
            "Train it again with `anirec train`, or install the anirec that wrote it."
        )
    wanted = {"files": dict, "labels": list, "models": dict, "default_model": str}
    if missing := [key for key, kind in wanted.items() if not isinstance(manifest.get(key), kind)]:
        raise DamagedBundle(f"{file} lacks {', '.join(missing)}. {_CURE}")
    return manifest


def _check_file(path: Path, name: str, facts: Mapping[str, Any]) -> None:
    file = path / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DamagedBundle(f'the manifest of {path} names a file outside of it: "{name}"')
    if not file.is_file():
        raise DamagedBundle(f"{file} is missing from the bundle. {_CURE}")
    size = file.stat().st_size
    if size != facts["bytes"]:
        raise DamagedBundle(f"{file} has {size:,} bytes where the manifest says {facts['bytes']:,}. {_CURE}")
    if sha256(file) != facts["sha256"]:
        raise DamagedBundle(f"{file} differs from what the manifest says (SHA-256). {_CURE}")


def _save(file: Path, array: NDArray[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def _load(file: Path) -> NDArray[Any]:
    if file.stat().st_size == 0:
        raise ValueError(f"{file.name} is empty")
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
