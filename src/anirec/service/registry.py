"""Bundles under a name in MLflow's registry: `mlflow://NAME@champion` is a bundle like any other.

A version of a name is a bundle that a run keeps, with the SHA-256 of its manifest; `champion` is the one to be served.
What was fetched once lies in a cache by that hash, and is found there also when the registry does not answer.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anirec.core.errors import DamagedBundle, InputError, SiteError
from anirec.service.tracking import Tracker, address_of, asked, begun, client_of
from anirec.stores.bundle import MANIFEST
from anirec.tables import new_file, new_folder, sha256

SCHEME: Final = "mlflow://"
CHAMPION: Final = "champion"
HASH: Final = "sha256"
FOLDER: Final = "bundle"
"""What a run calls the bundle that it keeps."""
URI_VARIABLE: Final = "MLFLOW_TRACKING_URI"
DEFAULT_URI: Final = "mlruns"
CACHE_VARIABLE: Final = "ANIREC_CACHE"
_NAMED: Final = re.compile(r"mlflow://(?P<name>[\w.-]+)(?:@(?P<alias>[\w.-]+)|/(?P<version>[1-9][0-9]*))?")


@dataclass(frozen=True)
class Registered:
    """A bundle of the registry, by name and alias or version."""

    name: str
    alias: str | None = CHAMPION
    version: str | None = None

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{SCHEME}{self.name}{f'/{self.version}' if self.version else f'@{self.alias}'}"


def is_registered(named: str) -> bool:
    """Return whether a bundle is named as one of the registry."""
    return named.startswith(SCHEME)


def registered(named: str) -> Registered:
    """Read `mlflow://NAME@ALIAS`, `mlflow://NAME/VERSION`, or `mlflow://NAME`, which is the champion.

    Raises:
        InputError: it is none of these.
    """
    found = _NAMED.fullmatch(named)
    if found is None:
        raise InputError(f'"{named}" is no bundle of a registry; write {SCHEME}NAME@{CHAMPION} or {SCHEME}NAME/3')
    version = found["version"]
    return Registered(found["name"], None if version else found["alias"] or CHAMPION, version)


def registry_uri() -> str:
    """Return where the registry is: `$MLFLOW_TRACKING_URI`, else the folder mlruns."""
    return os.environ.get(URI_VARIABLE) or DEFAULT_URI


def cache_folder() -> Path:
    """Return where fetched bundles are kept: `$ANIREC_CACHE`, else the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anirec"


def fetched(
    named: str,
    *,
    uri: str | None = None,
    cache: Path | None = None,
    stale: Callable[[str], None] | None = None,
) -> Path:
    """Return the folder of a bundle of the registry, fetched if it is not in the cache.

    uri, cache: None = the defaults. stale: told where the registry does not answer and what it said last is taken;
    None = that is an error.

    Raises:
        InputError: there is no such name, alias or version.
        SiteError: the registry does not answer.
        DamagedBundle: what came is not what was registered.
        MissingAbility: MLflow is not installed.
    """
    wanted, address = registered(named), address_of(uri or registry_uri())
    cache = cache or cache_folder()
    remembered = cache / "registry" / f"{wanted.name}@{wanted.alias or wanted.version}.json"
    try:
        client = client_of(address)
        version = _version(client, address, wanted)
        folder = _in_cache(client, address, version, cache / "bundles")
    except SiteError as error:
        last = _remembered(remembered, cache / "bundles")
        if stale is None or last is None:
            raise
        stale(f"{error}. Taken instead: {wanted} as it was when the registry last answered, {last}")
        return last
    with new_file(remembered) as file:
        file.write_text(json.dumps({HASH: folder.name, "version": version.version}) + "\n", encoding="utf-8")
    return folder


def _version(client: Any, address: str, wanted: Registered) -> Any:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra

    def ask() -> Any:
        try:
            if wanted.version is not None:
                return client.get_model_version(wanted.name, wanted.version)
            return client.get_model_version_by_alias(wanted.name, wanted.alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    found = asked(address, ask)
    if found is None:
        raise InputError(f"the registry at {address} has no {wanted}; `anirec promote` puts one there")
    if HASH not in found.tags:
        raise InputError(f"{wanted} at {address} is no bundle of anirec: it has no tag {HASH}")
    return found


def _in_cache(client: Any, address: str, version: Any, bundles: Path) -> Path:
    """Return the folder of a version, by its hash; fetched if it is not there, or not whole."""
    target = bundles / str(version.tags[HASH])
    if not re.fullmatch("[0-9a-f]{64}", target.name):
        raise DamagedBundle(f"the tag {HASH} of {version.name} {version.version} at {address} is no hash")
    if (target / MANIFEST).is_file() and sha256(target / MANIFEST) == target.name:
        return target
    bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundles) as scratch:
        came = Path(asked(address, lambda: client.download_artifacts(version.run_id, FOLDER, scratch)))
        if not (came / MANIFEST).is_file() or sha256(came / MANIFEST) != target.name:
            raise DamagedBundle(
                f"what the registry at {address} gave for {version.name} {version.version} is not what was registered "
                f"(its manifest's SHA-256 is not {target.name[:12]}...); register it again with `anirec promote`"
            )
        with new_folder(target) as work:
            for file in came.iterdir():
                file.rename(work / file.name)
    return target


def _remembered(file: Path, bundles: Path) -> Path | None:
    try:
        folder = bundles / str(json.loads(file.read_text(encoding="utf-8"))[HASH])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return folder if (folder / MANIFEST).is_file() else None


def register(
    name: str,
    bundle: Path,
    *,
    uri: str,
    parameters: Mapping[str, Any],
    figures: Mapping[str, float],
    documents: Mapping[str, str],
    alias: str = CHAMPION,
) -> str:
    """Keep a bundle in a run of its own, and let an alias name it; returns the version.

    The alias changes last, when all the rest is there.

    Raises:
        InputError, SiteError: it cannot be kept there; the alias names what it named.
        MissingAbility: MLflow is not installed.
    """
    address = address_of(uri)
    with begun(uri, f"promote {name}") as tracker:
        _note(tracker, bundle, parameters, figures, documents)
        client = client_of(address)
        run_id = tracker.run_id

        def made() -> str:
            if not client.search_registered_models(filter_string=f"name = '{name}'"):
                client.create_registered_model(name)
            source = f"{client.get_run(run_id).info.artifact_uri}/{FOLDER}"
            tags = {HASH: sha256(bundle / MANIFEST)}
            version = client.create_model_version(name, source=source, run_id=run_id, tags=tags)
            client.set_registered_model_alias(name, alias, version.version)
            return str(version.version)

        return asked(address, made)


def _note(
    tracker: Tracker,
    bundle: Path,
    parameters: Mapping[str, Any],
    figures: Mapping[str, float],
    documents: Mapping[str, str],
) -> None:
    tracker.parameters(parameters)
    tracker.figures(figures)
    for file, text in documents.items():
        tracker.document(file, text)
    tracker.folder(FOLDER, bundle)
