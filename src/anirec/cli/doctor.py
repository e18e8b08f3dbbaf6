"""`anirec doctor`: what is installed, whether the bundle is sound, and how a running server fares."""

from __future__ import annotations

import http.client
import json
import os
import platform
import socket
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import click

from anirec.cli import options, render
from anirec.cli.commands import cli
from anirec.core.errors import BundleError, InputError, SiteError

PACKAGES: Final = ("anirec", "numpy", "scipy", "duckdb", "rapidfuzz", "click", "rich")
EXTRAS: Final = {
    "serve": ("fastapi", "orjson", "prometheus-client", "python-multipart", "httptools", "structlog", "uvicorn"),
    "text": ("onnxruntime", "tokenizers", "PyStemmer"),
    "track": ("mlflow-skinny",),
    "trace": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    "hf": ("safetensors",),
    "fit": ("scipy",),
    "train": ("torch",),
}
"""Packages of the extras that serving, tracking and training look for."""


@cli.command()
@options.bundle_option
@options.file_option(
    "--admin-socket", metavar="FILE", about="Of a running `anirec serve`: what it serves, and what became of swaps."
)
@options.json_option
def doctor(bundle: str | None, admin_socket: Path | None, as_json: bool) -> None:
    """Say what is installed, which bundle is used, and whether it is sound. Exit code 4 if it is not.

    \b
    anirec doctor
    anirec doctor --bundle my-bundle --json
    anirec doctor --admin-socket /run/anirec/admin
    """
    from anirec.stores.bundle import read_bundle
    from anirec.wiring.serve import BUNDLE_VARIABLE, bundle_at, service_of
    from anirec.wiring.vectors import VECTORS_VARIABLE, ask_vectors, without_secrets

    facts: dict[str, Any] = {
        "python": f"{platform.python_version()} ({sys.platform}, {platform.machine()})",
        "packages": {name: _version_of(name) for name in PACKAGES},
        "extras": {extra: _installed(packages) for extra, packages in EXTRAS.items()},
        "traces": os.environ.get("OTEL_TRACES_EXPORTER") or "off",
        "chosen_by": "--bundle" if bundle else _chosen_by(BUNDLE_VARIABLE),
    }
    if admin_socket is not None:
        facts["server"] = _told_by(admin_socket)
    broken: BundleError | None = None
    try:
        path = bundle_at(bundle)
        facts["bundle"] = str(path)
        started = time.perf_counter()
        opened = read_bundle(path)
        service = service_of(opened)
        loaded = time.perf_counter()
        answer = service.recommend(like=[int(service.model("ease").items[0])], k=5)
        facts |= {
            "sound": True,
            "anime": len(service.catalogue),
            "models": {name: f"{len(model.items):,} anime" for name, model in sorted(service.models.items())},
            "default_model": service.default_model,
            "data": service.manifest.get("data", {}),
            "megabytes": round(sum(f["bytes"] for f in service.manifest["files"].values()) / 1e6, 1),
            "load_ms": round(1000 * (loaded - started)),
            "first_answer_ms": round(1000 * (time.perf_counter() - loaded)),
            "answers": len(answer),
        }
        if url := os.environ.get(VECTORS_VARIABLE):
            facts["vectors"] = {"store": without_secrets(url), "state": ask_vectors(opened, url)}
    except BundleError as error:
        facts |= {"sound": False, "problem": str(error)}
        broken = error
    if as_json:
        render.print_json(facts)
    else:
        _print_facts(facts)
    if broken is not None:
        raise broken


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _installed(packages: tuple[str, ...]) -> str:
    """Return whether an extra is installed, and what of it is missing."""
    missing = []
    for name in packages:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if not missing:
        return "installed"
    return "not installed" if len(missing) == len(packages) else f"lacks {', '.join(missing)}"


def _told_by(admin_socket: Path) -> dict[str, Any]:
    """Return what a server says of itself, and what that means.

    Raises:
        InputError: there is no such socket.
        SiteError: nobody answers there.
    """
    if not admin_socket.exists():
        raise InputError(f"there is no socket at {admin_socket}; `anirec serve --admin-socket` makes it")
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.connect(str(admin_socket))
        connection.request("GET", "/admin/state")
        state: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SiteError(f"no server answers at {admin_socket} ({error}); is it running?") from error
    finally:
        connection.close()
    last = state.get("last")
    if last and last["what"] == "refused":
        state["means"] = (
            "the last bundle that was asked for was refused, and the one before is served on; mend or replace it and "
            "ask again: SIGHUP, or POST /admin/reload"
        )
    return state


def _chosen_by(variable: str) -> str:
    return f"${variable}" if os.environ.get(variable) else "default: the starter bundle"


def _print_facts(facts: dict[str, Any], indent: str = "") -> None:
    for name, value in facts.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            click.echo(f"{indent}{label}:")
            _print_facts(value, indent + "  ")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(f"{indent}{label}: {text}")
