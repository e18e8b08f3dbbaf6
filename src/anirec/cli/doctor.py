"""`anirec doctor`: what is installed, and whether the bundle is sound."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any

import click

from anirec.cli import options, render
from anirec.cli.commands import cli
from anirec.core.errors import BundleError


@cli.command()
@options.bundle_option
@options.json_option
def doctor(bundle: str | None, as_json: bool) -> None:
    """Say what is installed, which bundle is used, and whether it is sound. Exit code 4 if it is not.

    \b
    anirec doctor
    anirec doctor --bundle my-bundle --json
    """
    from anirec.wiring.serve import BUNDLE_VARIABLE, default_bundle, load

    packages = ("anirec", "numpy", "scipy", "duckdb", "rapidfuzz", "click", "rich")
    facts: dict[str, Any] = {
        "python": f"{platform.python_version()} ({sys.platform}, {platform.machine()})",
        "packages": {name: _version_of(name) for name in packages},
        "bundle": str(bundle or default_bundle()),
        "chosen_by": "--bundle" if bundle else _chosen_by(BUNDLE_VARIABLE),
    }
    broken: BundleError | None = None
    try:
        started = time.perf_counter()
        service = load(bundle)
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
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


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
