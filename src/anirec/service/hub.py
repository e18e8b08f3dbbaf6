"""A bundle in the layout of the Hugging Face Hub, and back: the same bundle, byte by byte.

    model.safetensors   all arrays, by their path in the bundle     config.json   the manifest
    anime.parquet, titles.parquet, search/encoder/*, atlas/manifest.json           as they are
    README.md           the model card, with the Hub's metadata

Nothing in it can run, and nothing is sent anywhere: `git push` or the Hub's own tools do that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, InputError, MissingAbility
from anirec.stores.bundle import MANIFEST, Bundle, read_bundle
from anirec.tables import new_folder

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"
CARD: Final = "README.md"
KIND: Final = "anirec-bundle"
INSTALL: Final = 'the layout of Hugging Face needs safetensors; pip install "anirec[hf]"'
METADATA: Final = """\
---
library_name: anirec
pipeline_tag: tabular-classification
tags:
- recommender-system
- anime
- anirec
license: other
license_name: see-sources
language:
- en
- ja
---
"""
USE: Final = """\

## Use

```text
pip install "anirec[hf,serve,text]"
anirec export from-hf THIS_FOLDER --out bundle
anirec recommend --bundle bundle --like "Cowboy Bebop"
anirec serve --bundle bundle
```

Numbers and facts only: no list of any person, no user name, and no text that somebody wrote unless the bundle was made
with `anirec index` and its passages. What it was learned from, and on which terms: see above, and anirec's NOTICE.
"""


def to_hub(opened: Bundle, out: Path) -> dict[str, Any]:
    """Write a bundle in the Hub's layout into a new folder; returns how many arrays and bytes it has.

    Raises:
        MissingAbility: safetensors is not installed.
        InputError: the bundle has files that the layout has no place for.
    """
    try:
        from safetensors.numpy import save_file  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(INSTALL) from error
    names = list(opened.manifest["files"])
    if {CARD, CONFIG, WEIGHTS} & set(names):
        raise InputError(f"the bundle at {opened.path} has files that are called as those of the layout")
    arrays = {name: _array(opened.path / name) for name in names if name.endswith(".npy")}
    manifest = (opened.path / MANIFEST).read_text(encoding="utf-8")
    with new_folder(out) as folder:
        about = {"format": "np", "anirec": version("anirec"), "bundle": hashlib.sha256(manifest.encode()).hexdigest()}
        save_file(arrays, folder / WEIGHTS, metadata=about)
        (folder / CONFIG).write_text(_config(manifest), encoding="utf-8")
        for name in names:
            if not name.endswith(".npy"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes((opened.path / name).read_bytes())
        (folder / CARD).write_text(hub_card(opened), encoding="utf-8")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"arrays": len(arrays), "bytes": size, "sha256": about["bundle"]}


def from_hub(folder: Path, out: Path) -> str:
    """Write the bundle that a folder in the Hub's layout holds; returns the SHA-256 of its manifest, which is the same.

    Raises:
        InputError: the folder is not in that layout.
        DamagedBundle: a file is missing or changed; nothing is written.
        MissingAbility: safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError  # noqa: PLC0415 - an extra
        from safetensors.numpy import load_file  # noqa: PLC0415
    except ImportError as error:
        raise MissingAbility(INSTALL) from error
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if config["model_type"] != KIND:
            raise InputError(f"{folder / CONFIG} is of the model type {config['model_type']}, not {KIND}")
        manifest, names = str(config["manifest"]), list(json.loads(config["manifest"])["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no bundle in the layout of Hugging Face: {error}") from error
    with new_folder(out) as work:
        try:
            arrays = load_file(folder / WEIGHTS)
            for name in names:
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                if name.endswith(".npy"):
                    np.save(work / name, arrays[name], allow_pickle=False)
                else:
                    (work / name).write_bytes(_inside(folder, name).read_bytes())
        except (OSError, KeyError, SafetensorError) as error:
            raise DamagedBundle(f"{folder} lacks {error}; fetch it again") from error
        (work / MANIFEST).write_text(manifest, encoding="utf-8")
        read_bundle(work)  # every file against its SHA-256
    return hashlib.sha256(manifest.encode()).hexdigest()


def _inside(folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DamagedBundle(f'the manifest in {folder} names a file outside of it: "{name}"')
    return folder / name


def _array(file: Path) -> NDArray[Any]:
    return np.ascontiguousarray(np.load(file, allow_pickle=False))


def _config(manifest: str) -> str:
    """Return `config.json`: for the eye what the bundle serves, and the manifest to the letter."""
    known = json.loads(manifest)
    told = {
        "model_type": KIND,
        "architectures": sorted({model["kind"] for model in known["models"].values()}),
        "default_model": known["default_model"],
        "models": sorted(known["models"]),
        "anirec_version": version("anirec"),
        "data": known.get("data", {}),
        "manifest": manifest,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def hub_card(opened: Bundle) -> str:
    """Return the model card with the Hub's metadata before it, and how to use the bundle after it."""
    card = opened.path / "card.md"
    told = card.read_text(encoding="utf-8") if card.is_file() else _short_card(opened.manifest, opened.models)
    return f"{METADATA}\n{told.rstrip()}\n{USE}"


def _short_card(manifest: Mapping[str, Any], models: Iterable[str]) -> str:
    return f"# Model card\n\nServes `{manifest['default_model']}`; it has {', '.join(sorted(models))}.\n"
