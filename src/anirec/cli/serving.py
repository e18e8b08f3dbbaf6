"""How a bundle becomes a server: in this process, or in several that this one starts."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anirec.core.errors import BundleError, DamagedBundle, MissingAbility

if TYPE_CHECKING:
    from fastapi import FastAPI

    from anirec.search.encoders import TextEncoder
    from anirec.web.lasting import Lasting
    from anirec.web.served import Served
    from anirec.web.settings import WebSettings
    from anirec.web.swap import Opened, Swapping

LOGGER: Final = logging.getLogger("anirec")
INSTALL: Final = "serving needs FastAPI and uvicorn: pip install 'anirec[serve]'"
VARIABLE: Final = "ANIREC_SERVE"
"""Tells the processes of one server what to serve and how; set by the command, not by people."""
METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
TRIES: Final = 3
"""How often a bundle is opened that is replaced while it is read."""
STARTUP_FAILURE: Final = 3
"""Exit code where the port is taken, as uvicorn has it."""
DESCRIPTORS: Final = 65_536
HANGUP: Final = getattr(signal, "SIGHUP", None)
"""Not everywhere."""


def more_descriptors() -> None:
    """Let this process hold as many connections as the system allows: each takes a descriptor."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run_alone(
    bundle: str | None,
    settings: WebSettings,
    folder: Path | None,
    admin_socket: Path | None,
    common: Mapping[str, Any],
) -> None:
    """Serve in this process until it is told to end. folder: of the built page, None = the API alone.

    common: as `uvicorn.Config` takes it.

    Raises:
        BundleError: there is no sound bundle.
        InputError: there can be no socket at `admin_socket`.
    """
    import uvicorn

    from anirec.web.admin import listening
    from anirec.web.swap import Control
    from anirec.wiring.serve import bundle_at

    more_descriptors()
    control = Control(bundle, partial(bundle_at, stale=False), bundle_at(bundle))
    swapping = swapping_of(settings, folder, control.ask)
    config = uvicorn.Config(swapping, **common)  # sets logging up
    if (error := control.join(swapping).error) is not None:
        raise error
    if HANGUP is not None:
        signal.signal(HANGUP, lambda _signal, _frame: control.ask())
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises it once more when all is answered
    with listening(control, admin_socket), suppress(KeyboardInterrupt):
        server = uvicorn.Server(config)
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def run_several(
    bundle: str | None,
    settings: WebSettings,
    folder: Path | None,
    admin_socket: Path | None,
    common: Mapping[str, Any],
) -> None:
    """Serve in processes that this one starts and watches. common: as `uvicorn.Config` takes it, with `workers`.

    Raises:
        BundleError: there is no sound bundle.
        InputError: there can be no socket at `admin_socket`.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # processes are as many as there are cores to use
        os.environ.setdefault(name, "1")
    private = Path(tempfile.mkdtemp(prefix="anirec-serve-"))
    counts = private / "counts"
    counts.mkdir()
    os.environ.setdefault(METRICS_VARIABLE, str(counts))  # read when the figures are made, by the imports below

    import uvicorn

    from anirec.stores.bundle import read_bundle
    from anirec.web.admin import listening
    from anirec.web.fleet import Fleet, gathering
    from anirec.web.sockets import sockets_of
    from anirec.web.swap import Control
    from anirec.wiring.serve import bundle_at

    page = str(folder) if folder else None
    address = str(private / "control")
    told = {"control": address, "page": page, "settings": asdict(settings)}
    if sys.platform != "win32":
        from anirec.web import shares

        shares.prepare(private / "shares", common["workers"])
        told["shares"] = str(private / "shares")
    os.environ[VARIABLE] = json.dumps(told)
    more_descriptors()
    try:
        control = Control(bundle, partial(bundle_at, stale=False), bundle_at(bundle))
        read_bundle(control.path)  # once here: processes that cannot open it would be started again and again
        config = uvicorn.Config("anirec.cli.serving:application", factory=True, **common)
        with listening(control, admin_socket), gathering(control, address):
            Fleet(config, sockets_of(config), control.ask).run()
    finally:
        shutil.rmtree(private, ignore_errors=True)


def application() -> Swapping:
    """Return the application of one of several processes, which `run_several` told what to serve."""
    from anirec.web.fleet import follow
    from anirec.web.settings import Images, WebSettings

    told: Mapping[str, Any] = json.loads(os.environ[VARIABLE])
    said = dict(told["settings"])
    lists = {name: tuple(said[name]) for name in ("trusted_hosts", "cors")}
    settings = WebSettings(**{**said, **lists, "images": Images(said["images"])})
    if "shares" in told:
        from anirec.web.patience import Patient
        from anirec.web.shares import Shares

        Patient.shares = Shares(Path(told["shares"]))
    swapping = swapping_of(settings, Path(told["page"]) if told["page"] else None, _ask_parent)
    if HANGUP is not None:
        signal.signal(HANGUP, signal.SIG_IGN)  # of a terminal that closes: the parent hears it, too
    follow(told["control"], swapping)
    return swapping


def _ask_parent() -> None:
    """Ask the process that started this one for the bundle anew, as a person would."""
    if HANGUP is not None:
        os.kill(os.getppid(), HANGUP)


def swapping_of(settings: WebSettings, folder: Path | None, again: Callable[[], None]) -> Swapping:
    """Return an application that serves one bundle after another, and none so far.

    again: asks for the bundle anew; called where a folder was replaced while the first answers were given.
    """
    from anirec.web.lasting import Lasting
    from anirec.web.swap import Swapping

    lasting = Lasting(settings)

    return Swapping(
        lasting,
        first=lambda path: opened_first(path, settings, folder, lasting, again),
        beside=lambda path: opened_beside(path, settings, folder, lasting),
    )


def opened_first(
    path: Path, settings: WebSettings, folder: Path | None, lasting: Lasting, again: Callable[[], None]
) -> Opened:
    """Open a bundle that is served before it is warm; errors as in `served_of`."""
    from anirec.web.settling import settle

    def look() -> None:
        if _manifest(path) != served.bundle_hash:  # some of its files were read after it was replaced
            again()

    served = served_of(path, settings, lasting)
    return _opened(replace(served, warmers=(*served.warmers, look, settle)), folder)


def opened_beside(path: Path, settings: WebSettings, folder: Path | None, lasting: Lasting) -> Opened:
    """Open a bundle beside one that is served, warm, tried out, and not changed meanwhile; errors as in `served_of`."""
    for _ in range(TRIES):
        before = _manifest(path)
        try:
            served = served_of(path, settings, lasting)
            served.warm()
            served.try_out()
        except BundleError:
            if _manifest(path) == before:
                raise
            continue
        if served.bundle_hash == before == _manifest(path):
            return _opened(served, folder)
    raise DamagedBundle(f"the bundle at {path} was replaced {TRIES} times while it was read; ask again")


def _manifest(path: Path) -> str | None:
    """Return the hash of the manifest that is there now, None where there is none."""
    from anirec.stores.bundle import MANIFEST
    from anirec.tables import sha256

    try:
        return sha256(path / MANIFEST)
    except OSError:
        return None


def _opened(served: Served, folder: Path | None) -> Opened:
    from anirec.web.app import create_app
    from anirec.web.swap import Opened

    return Opened(create_app(served, folder), served.bundle_hash, served.show)


def application_of(bundle: str | None, settings: WebSettings, folder: Path | None = None) -> FastAPI:
    """Open a bundle and return the application that answers from it. folder: of the built page, None = the API alone.

    Raises:
        BundleError: there is no sound bundle there.
        MissingAbility: what serving needs is not installed.
    """
    try:
        from anirec.web.app import create_app
    except ImportError as error:
        raise MissingAbility(INSTALL) from error

    from anirec.wiring.serve import bundle_at

    return create_app(served_of(bundle_at(bundle), settings), folder)


def served_of(path: Path, settings: WebSettings, lasting: Lasting | None = None) -> Served:
    """Open a bundle for serving. lasting: what bundles before it left, None = it is the first.

    Raises:
        BundleError: there is no sound bundle there.
    """
    from anirec.service.atlas import Map
    from anirec.stores.bundle import MANIFEST, read_bundle
    from anirec.stores.facts import FactsTable
    from anirec.tables import sha256
    from anirec.web.served import Served
    from anirec.wiring.atlas import atlas_of
    from anirec.wiring.search import open_later, search_of
    from anirec.wiring.serve import service_of

    opened = read_bundle(path)
    facts = FactsTable(opened.anime_table)
    service = replace(service_of(opened), facts=facts)
    search = None
    try:
        search = search_of(opened, service, encoder=open_later)
    except MissingAbility as error:
        LOGGER.warning("without search: %s", str(error))  # the error itself would hold on to what it met
    atlas = Map(service, atlas_of(opened)) if opened.atlas is not None else None
    card = service.path / "card.md"
    return Served(
        service,
        settings,
        search=search,
        atlas=atlas,
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
        bundle_hash=sha256(service.path / MANIFEST),
        warmers=(facts.fill, *([partial(_open, search.encoder)] if search else [])),
        inherited=lasting,
    )


def _open(encoder: TextEncoder) -> None:
    encoder.encode(["anime"])
