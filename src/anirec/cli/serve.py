"""`anirec serve`: the API and the page; `anirec openapi`: what the API is, as a document."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from anirec.cli import options
from anirec.cli.commands import cli
from anirec.core.errors import InputError, MissingAbility

if TYPE_CHECKING:
    from fastapi import FastAPI

    from anirec.search.encoders import TextEncoder
    from anirec.web.served import Served
    from anirec.web.settings import WebSettings

INSTALL: Final = "serving needs FastAPI and uvicorn: pip install 'anirec[serve]'"
VARIABLE: Final = "ANIREC_SERVE"
"""Tells the processes of one server what to serve and how; set by the command, not by people."""
METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
OPEN_RATE: Final = 600
"""Requests a minute from one address where others than this machine may ask, unless something else is said."""
GRACE: Final = 20
"""Seconds that answers which are being worked on have when the server is stopped."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 = all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.")
@options.bundle_option
@options.vectors_option
@click.option("--public-url", metavar="URL", help="Where people reach it: https://anime.example.org")
@click.option(
    "--trusted-host",
    "trusted_hosts",
    multiple=True,
    metavar="NAME",
    help="A name that it answers to; may be repeated.  [default: that of --public-url; on this machine alone: "
    "localhost; else any]",
)
@click.option("--cors", multiple=True, metavar="ORIGIN", help="A page that may ask from elsewhere; may be repeated.")
@click.option(
    "--images",
    type=click.Choice(["link", "proxy", "none"]),
    default="link",
    show_default=True,
    help="Posters: link: browsers ask the sites that have them. proxy: this server does. none: nobody does.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Requests a minute from one address; 0 = any number.  [default: 0 on this machine alone, else {OPEN_RATE}]",
)
@click.option("--behind-proxy", metavar="ADDRESS", help="Believe this address when it says for whom it asks.")
@click.option("--no-page", is_flag=True, help="The API alone.")
@click.option("--no-sites", is_flag=True, help="Never ask a site for somebody's list.")
@click.option("--log-level", type=click.Choice(["info", "warning", "error"]), default="info", show_default=True)
def serve(
    *, host: str, port: int, workers: int, bundle: str | None, behind_proxy: str | None, log_level: str, **how: Any
) -> None:
    """Serve the API and the page until Ctrl-C.

    Nothing that people send is kept. Logs are JSON lines on standard error; figures for Prometheus are at /metrics.

    \b
    anirec serve
    anirec serve --host 0.0.0.0 --workers 2 --public-url https://anime.example.org --behind-proxy 127.0.0.1
    anirec serve --images none --no-sites
    """
    try:
        import uvicorn

        from anirec.web.logs import configuration
        from anirec.web.page import page_files
    except ImportError as error:
        raise MissingAbility(INSTALL) from error

    folder = None if how.pop("no_page") else page_files()  # may build it, once, before any process starts
    settings = settings_of(host=host, **how)
    common: dict[str, Any] = {
        "host": host,
        "port": port,
        "log_config": configuration(log_level.upper()),
        "access_log": False,
        "server_header": False,
        "proxy_headers": behind_proxy is not None,
        "forwarded_allow_ips": behind_proxy,
        "timeout_graceful_shutdown": GRACE,
    }
    if workers == 1:
        uvicorn.run(application_of(bundle, settings, folder), **common)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # processes are as many as there are cores to use
        os.environ.setdefault(name, "1")
    counts = tempfile.mkdtemp(prefix="anirec-metrics-")
    os.environ.setdefault(METRICS_VARIABLE, counts)
    page = str(folder) if folder else None
    os.environ[VARIABLE] = json.dumps({"bundle": bundle, "page": page, "settings": asdict(settings)})
    try:
        uvicorn.run("anirec.cli.serve:application", factory=True, workers=workers, **common)
    finally:
        shutil.rmtree(counts, ignore_errors=True)


def settings_of(
    *,
    host: str,
    public_url: str | None = None,
    trusted_hosts: tuple[str, ...] = (),
    cors: tuple[str, ...] = (),
    images: str = "link",
    rate: int | None = None,
    no_sites: bool = False,
) -> WebSettings:
    """Return the settings that options mean; what is not said depends on who can reach `host`.

    Raises:
        InputError: an address is none.
    """
    from anirec.web.security import LOOPBACK
    from anirec.web.settings import Images, WebSettings

    for url in (*([public_url] if public_url else []), *cors):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InputError(f'"{url}" is no address of a site; write it as https://anime.example.org')
    alone = is_loopback(host)
    hosts = trusted_hosts or ((str(urlsplit(public_url).hostname),) if public_url else ())
    return WebSettings(
        public_url=public_url.rstrip("/") if public_url else None,
        trusted_hosts=(*hosts, *LOOPBACK) if hosts or alone else (),
        cors=tuple(origin.rstrip("/") for origin in cors),
        images=Images(images),
        sites=not no_sites,
        rate=(0 if alone else OPEN_RATE) if rate is None else rate,
    )


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def application() -> FastAPI:
    """Return the application of one of several processes, which `serve` told what to serve."""
    from anirec.web.settings import Images, WebSettings

    told: Mapping[str, Any] = json.loads(os.environ[VARIABLE])
    said = dict(told["settings"])
    lists = {name: tuple(said[name]) for name in ("trusted_hosts", "cors")}
    settings = WebSettings(**{**said, **lists, "images": Images(said["images"])})
    return application_of(told["bundle"], settings, Path(told["page"]) if told["page"] else None)


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

    return create_app(served_of(bundle, settings), folder)


def served_of(bundle: str | None, settings: WebSettings) -> Served:
    """Open a bundle for serving.

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
    from anirec.wiring.serve import default_bundle, service_of

    opened = read_bundle(Path(bundle) if bundle is not None else default_bundle())
    facts = FactsTable(opened.anime_table)
    service = replace(service_of(opened), facts=facts)
    search = None
    try:
        search = search_of(opened, service, encoder=open_later)
    except MissingAbility as error:
        click.echo(f"anirec: without search: {error}", err=True)
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
    )


def _open(encoder: TextEncoder) -> None:
    encoder.encode(["anime"])


@cli.command()
@options.bundle_option
@options.file_option("--out", about="[default: standard output]")
def openapi(bundle: str | None, out: Path | None) -> None:
    """Write the OpenAPI document of the API, for those who generate a client from it.

    \b
    anirec openapi --out openapi.json
    """
    try:
        from anirec.web.settings import WebSettings
    except ImportError as error:
        raise MissingAbility(INSTALL) from error

    document = application_of(bundle, WebSettings()).openapi()
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
