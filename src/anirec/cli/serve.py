"""`anirec serve`: the API and the page; `anirec openapi`: what the API is, as a document."""

from __future__ import annotations

import ipaddress
import json
import logging.config
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from anirec.cli import options, serving
from anirec.cli.commands import cli
from anirec.cli.serving import INSTALL, application_of
from anirec.core.errors import InputError, MissingAbility

if TYPE_CHECKING:
    from anirec.web.settings import WebSettings

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
@options.file_option(
    "--admin-socket",
    metavar="FILE",
    about="A Unix socket for who runs the server: POST /admin/reload, POST /admin/rollback, GET /admin/state.",
)
@click.option("--no-page", is_flag=True, help="The API alone.")
@click.option("--no-sites", is_flag=True, help="Never ask a site for somebody's list.")
@click.option("--log-level", type=click.Choice(["info", "warning", "error"]), default="info", show_default=True)
def serve(
    *,
    host: str,
    port: int,
    workers: int,
    bundle: str | None,
    behind_proxy: str | None,
    admin_socket: Path | None,
    log_level: str,
    **how: Any,
) -> None:
    """Serve the API and the page until Ctrl-C.

    Nothing that people send is kept. Logs are JSON lines on standard error; figures for Prometheus are at /metrics.
    After SIGHUP the bundle that is there now is served, if it is sound; no request is lost.

    \b
    anirec serve
    anirec serve --host 0.0.0.0 --workers 2 --public-url https://anime.example.org --behind-proxy 127.0.0.1
    anirec serve --images none --no-sites
    """
    try:
        from anirec.web.logs import configuration
        from anirec.web.page import page_files
        from anirec.web.patience import Patient
    except ImportError as error:
        raise MissingAbility(INSTALL) from error

    folder = None if how.pop("no_page") else page_files()  # may build it, once, before any process starts
    settings = settings_of(host=host, **how)
    common: dict[str, Any] = {
        "host": host,
        "port": port,
        "log_config": configuration(log_level.upper()),
        "access_log": False,
        "http": Patient,
        "ws": "none",  # there is nothing to ask for over WebSocket, and uvicorn logs the paths of those who try
        "server_header": False,
        "proxy_headers": behind_proxy is not None,
        "forwarded_allow_ips": behind_proxy,
        "timeout_graceful_shutdown": GRACE,
    }
    logging.config.dictConfig(common["log_config"])  # what is said before uvicorn does so is a line of JSON, too
    if workers == 1:
        serving.run_alone(bundle, settings, folder, admin_socket, common)
    else:
        serving.run_several(bundle, settings, folder, admin_socket, {**common, "workers": workers})


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
