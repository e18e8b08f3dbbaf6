"""Bundles and runs in MLflow: `promote` puts a bundle in another's place, `track` sends what could not be sent."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anirec.cli import options, render
from anirec.cli.commands import cli
from anirec.core.errors import InputError

if TYPE_CHECKING:
    from anirec.service.gate import Verdict

NOT_BETTER = 7
"""Exit status where all went well and the new bundle is worse than it may be."""


@cli.command()
@click.argument("bundle", metavar="BUNDLE")
@options.data_option("The data that BUNDLE was trained on, with --hold-out.")
@click.option(
    "--over",
    required=True,
    metavar="OLD",
    help="The bundle whose place it takes: a folder, which is replaced, or mlflow://NAME@champion, whose alias moves.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    metavar="NDCG",
    help="By how much it may seem worse at most: the lower end of the interval of the difference.  [default: 0.005]",
)
@click.option("--dry", is_flag=True, help="Say the figures, and change nothing.")
@options.json_option
def promote(*, bundle: str, folder: Path, over: str, margin: float | None, dry: bool, as_json: bool) -> None:
    """Let BUNDLE take OLD's place if it is not worse, for the users whom it was trained without.

    Both bundles' models recommend to the same users; the difference of their NDCG@10 has a 95 % interval over users,
    under `raw` (anything may be recommended) and `franchises` (as served). Exit code 7 where BUNDLE is worse, and OLD
    stays. Where OLD is not there yet, BUNDLE becomes it.

    \b
    anirec train --data joined --out new --hold-out 1500
    anirec promote new --data joined --over served
    anirec promote new --data joined --over mlflow://anirec@champion
    """
    from anirec.service import gate, registry
    from anirec.stores.bundle import MANIFEST, read_bundle
    from anirec.tables import new_folder, sha256
    from anirec.wiring.serve import bundle_at, service_of
    from anirec.wiring.train import open_data

    path = bundle_at(bundle, stale=False)
    opened = read_bundle(path)
    asked = gate.HeldOut.of(opened.manifest)
    if asked is None:
        raise InputError(f"{bundle} was trained on everybody: train it with --hold-out, so that it can be asked fairly")
    registered = registry.registered(over) if registry.is_registered(over) else None
    if registered is not None and registered.alias is None:
        raise InputError(
            f"{over} is a version, which stays what it is; name an alias: mlflow://{registered.name}@champion"
        )
    old = _old(over, registered)
    with tempfile.TemporaryDirectory() as cache, render.progress_bar(quiet=as_json) as progress:
        material = open_data(folder, Path(cache) / "canonical", progress)
        rival = service_of(opened if old is None else read_bundle(old)).model()
        verdict = gate.judge(
            service_of(opened).model(), rival, asked, material, margin=gate.MARGIN if margin is None else margin
        )
    told: dict[str, Any] = {
        "bundle": sha256(path / MANIFEST),
        "over": over,
        "first": old is None,
        "passed": verdict.passed,
    }
    if verdict.passed and not dry:
        if registered is None:
            with new_folder(Path(over)) as work:
                shutil.copytree(path, work, dirs_exist_ok=True)
        else:
            told["version"] = registry.register(
                registered.name,
                path,
                uri=registry.registry_uri(),
                parameters={**told, "users": asked.users, "seed": asked.seed, "protocol": asked.protocol},
                figures=verdict.flat(),
                documents={"card.md": (path / "card.md").read_text(encoding="utf-8")}
                if (path / "card.md").is_file()
                else {},
                alias=registered.alias or registry.CHAMPION,
            )
    _print_verdict(verdict, told, dry=dry, as_json=as_json)
    if not verdict.passed:
        sys.exit(NOT_BETTER)


def _old(over: str, registered: Any) -> Path | None:
    """Return where the old bundle is, None where there is none yet."""
    from anirec.service.registry import fetched

    if registered is None:
        return Path(over) if Path(over).exists() else None
    try:
        return fetched(over)
    except InputError:  # no such name or alias so far
        return None


def _print_verdict(verdict: Verdict, told: dict[str, Any], *, dry: bool, as_json: bool) -> None:
    if as_json:
        figures = {
            figure: {name: vars(interval) for name, interval in found.items()}
            for figure, found in verdict.figures.items()
        }
        render.print_json({**told, "margin": verdict.margin, "held_out": vars(verdict.asked), "figures": figures})
        return
    rows = [
        [figure, *(str(found[name]) for name in ("new", "old", "difference"))]
        for figure, found in verdict.figures.items()
    ]
    columns = ["ndcg@10", "new", "old", "difference"]
    render.print_table(columns, rows, right=columns[1:])
    users = next(iter(verdict.figures.values()))["new"].n
    click.echo(f"{users:,} users whom the new bundle never saw; it may seem worse by {verdict.margin:g} at most")
    if not verdict.passed:
        click.echo(f"worse: {told['over']} stays what it is")
    elif dry:
        click.echo(f"not worse: it could be {told['over']}; nothing was changed (--dry)")
    else:
        version = f", version {told['version']}" if "version" in told else ""
        click.echo(f"{'the first' if told['first'] else 'not worse'}: it is {told['over']} now{version}")


@cli.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER")
@click.option("--to", "uri", required=True, metavar="URI", help="The server (http://...) or folder that keeps runs.")
def track(folder: Path, uri: str) -> None:
    """Send what a command with --track could not send, because the server did not answer.

    \b
    anirec track untracked/train-bundle --to http://mlflow.example.org
    """
    from anirec.service.tracking import send

    click.echo(f"{uri}: {send(folder, uri)}")
