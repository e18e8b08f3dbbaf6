"""Fetches a bundle from object storage before a replica starts: what it asks for is an archive and its SHA-256.

From the environment: BUNDLE_URL, of a .tar.gz of one bundle's folder; BUNDLE_SHA256, of the archive; BUNDLE_FOLDER,
where the folder `current` is put; BUNDLE_TOKEN, sent as a bearer's token if there is one. It ends with 0 when a sound
bundle is there, with 1 and a reason when there is none, and leaves nothing half-written behind.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from anirec.core.errors import BundleError
from anirec.stores.bundle import read_bundle

MOST_BYTES = 2 * 2**30
"""Of an archive, and of what it unpacks to."""
ATTEMPTS = 6
TIMEOUT = 30.0
MANIFEST = "manifest.json"


class NoBundle(Exception):
    """The reason why there is none."""


def main() -> int:
    """Fetch, check, unpack, check again, and only then put it in place."""
    try:
        url, wanted, folder = (os.environ[name] for name in ("BUNDLE_URL", "BUNDLE_SHA256", "BUNDLE_FOLDER"))
    except KeyError as missing:
        return _complain(f"{missing.args[0]} is not set")
    parts = Path(folder) / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    try:
        archive = parts / "bundle.tar.gz"
        _fetch(url, archive, wanted.lower(), os.environ.get("BUNDLE_TOKEN"))
        unpacked = _unpack(archive, parts / "unpacked")
        read_bundle(unpacked)
        current = Path(folder) / "current"
        shutil.rmtree(current, ignore_errors=True)
        unpacked.replace(current)
    except (NoBundle, BundleError, tarfile.TarError, OSError, EOFError) as error:
        return _complain(str(error) or type(error).__name__)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    sys.stdout.write(f"{current}: sound, of the archive {wanted}\n")
    return 0


def _fetch(url: str, archive: Path, wanted: str, token: str | None) -> None:
    """Write what is at an address to a file. A store that is busy, away, or cuts an answer short is asked again."""
    if token and not url.startswith("https://"):
        raise NoBundle("a token is sent by https:// only; BUNDLE_URL is another")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    wait = wait_exponential(multiplier=float(os.environ.get("BUNDLE_WAIT", "1")), max=30)
    attempts = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait, retry=retry_if_exception(_may_pass), reraise=True)
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True, headers=headers) as client:
            found = attempts(_written, client, url, archive)
    except httpx.HTTPStatusError as error:  # without the address: a signed one is as good as a token
        raise NoBundle(f"the store answers {error.response.status_code} to BUNDLE_URL") from error
    except httpx.HTTPError as error:
        raise NoBundle(f"the store does not answer: {type(error).__name__}") from error
    if found != wanted:
        raise NoBundle(f"the archive at BUNDLE_URL has the SHA-256 {found}, not {wanted} as BUNDLE_SHA256 says")


def _written(client: httpx.Client, url: str, archive: Path) -> str:
    """Write one answer; returns its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with client.stream("GET", url) as answer, archive.open("wb") as file:
        answer.raise_for_status()
        for part in answer.iter_raw():
            size += len(part)
            if size > MOST_BYTES:
                raise NoBundle(f"the archive is larger than {MOST_BYTES:,} bytes")
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack files and folders only, none outside the folder; returns the one that has a manifest."""
    with tarfile.open(archive, "r:gz") as packed:
        members = packed.getmembers()
        if sum(member.size for member in members) > MOST_BYTES:
            raise NoBundle(f"the archive unpacks to more than {MOST_BYTES:,} bytes")
        if not all(member.isfile() or member.isdir() for member in members):
            raise NoBundle("the archive holds something that is neither a file nor a folder")
        packed.extractall(folder, members, filter="data")
    found = [path.parent for path in (folder, *folder.iterdir()) for path in [path / MANIFEST] if path.is_file()]
    if len(found) != 1:
        raise NoBundle(f"the archive holds {len(found)} bundles, by their {MANIFEST}; it should be one")
    return found[0]


def _complain(reason: str) -> int:
    sys.stderr.write(f"no bundle: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
