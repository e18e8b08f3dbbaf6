"""Texts into a bundle: what `anirec index` does. Apart from `train`, for neither needs the other to be done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from anirec.search.building import IndexConfig, build
from anirec.search.encoders import TextEncoder
from anirec.search.encoders.facts import read_facts
from anirec.service.progress import Progress
from anirec.stores.bundle import Bundle, write_search
from anirec.tables import sha256

TABLES = ("anime", "synopses", "reviews")


@dataclass(frozen=True)
class Indexed:
    """What indexing made. sha256: stands for the whole bundle. counts: how much there was of what."""

    sha256: str
    counts: Mapping[str, int]


def add_index(
    bundle: Bundle,
    folder: Path,
    out: Path,
    encoder: TextEncoder,
    encoder_folder: Path,
    config: IndexConfig,
    work: Path,
    progress: Progress,
) -> Indexed:
    """Build what search looks into from a canonical folder and write the bundle anew with it.

    out: may be the bundle's own folder. work: where encoded texts are kept, so that a build that was cut short goes
    on; each encoder has a folder of its own in it. Same data, same encoder, same bytes.

    Raises:
        BadTable: a table cannot be read.
    """
    cache = work / fingerprint(encoder_folder)
    made = build(folder, bundle.catalogue, encoder, cache, config, progress)
    tables = {name: folder / f"{name}.parquet" for name in TABLES}
    about = {
        "data": {name: sha256(file) for name, file in tables.items() if file.is_file()},
        "config": asdict(config),
        "counts": dict(made.counts),
        "encoder": {"name": read_facts(encoder_folder).name, "origin": read_facts(encoder_folder).origin},
    }
    return Indexed(write_search(bundle, out, made.index.state(), encoder_folder, about), made.counts)


def fingerprint(encoder_folder: Path) -> str:
    """Return a name for an encoder that no other one has: from the hashes of its files."""
    hashes = {file.name: sha256(file) for file in sorted(encoder_folder.iterdir())}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]
