"""How a map gets into a bundle, and out of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anirec.atlas import atlas
from anirec.core.errors import DamagedBundle, MissingAbility
from anirec.service.atlas import Map
from anirec.service.progress import Progress
from anirec.stores.bundle import Bundle, read_bundle, write_atlas
from anirec.wiring.serve import bundle_at, service_of, starter_bundle, writable

if TYPE_CHECKING:
    from anirec.service.mapping import MapConfig


def load_map(bundle: Path | str | None = None) -> Map:
    """Open a bundle and return its map; bundle as in `serve.load`.

    Raises:
        BundleError: there is no sound bundle there, or its map is damaged.
        MissingAbility: it has no map.
    """
    opened = read_bundle(bundle_at(bundle))
    return Map(service_of(opened), atlas_of(opened))


def atlas_of(opened: Bundle) -> atlas.Atlas:
    """Return the map of an opened bundle; errors as in `load_map`."""
    if opened.atlas is None:
        raise MissingAbility(
            f"the bundle at {opened.path} has no map; add one with `anirec map --bundle BUNDLE` "
            '(making it needs pip install "anirec[map]", showing it does not)'
        )
    try:
        return atlas.restore(opened.atlas, opened.catalogue.anime_ids)
    except ValueError as error:
        raise DamagedBundle(
            f"the map of the bundle at {opened.path} is damaged: {error}. Make it again with `anirec map`."
        ) from error


def add_map(
    bundle: Path | str | None, out: Path | None, config: MapConfig, *, seed: int, progress: Progress
) -> tuple[atlas.Atlas, str, Path]:
    """Make a bundle's map and write the bundle anew with it; returns the map, the bundle's SHA-256, and where it is.

    out: None = the bundle's own folder. The map is turned to lie as the one that the bundle had, or else as that of the
    starter bundle, as far as they share titles.

    Raises:
        BundleError: there is no sound bundle.
        InputError, MissingAbility: as in `make_map`.
    """
    from anirec.service.mapping import make_map  # noqa: PLC0415 - showing a map does not load what makes it

    target = writable(bundle, out)
    opened = read_bundle(bundle_at(bundle))
    made = make_map(service_of(opened), config, seed=seed, progress=progress, earlier=_earlier(opened))
    return made, write_atlas(opened, target, made.state()), target


def _earlier(opened: Bundle) -> atlas.Atlas | None:
    """Return the map that the new one is laid upon; one that is damaged or missing is none."""
    for candidate in (opened, None):
        try:
            found = candidate or read_bundle(starter_bundle())
            return atlas_of(found)
        except (DamagedBundle, MissingAbility):
            continue
    return None
