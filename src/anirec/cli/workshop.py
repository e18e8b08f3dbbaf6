"""The commands for those who bring data, train and measure."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anirec.cli import options, render
from anirec.cli.commands import cli
from anirec.core.errors import InputError

if TYPE_CHECKING:
    from anirec.service.checkpoints import Watch
    from anirec.service.training import Material
    from anirec.service.tuning import Tuned
    from anirec.wiring.models import Chosen

data_option = options.data_option("A folder of any known layout (see `anirec data import --help`).")
quick_option = click.option(
    "--quick",
    is_flag=True,
    help="Leave nets out of the blend and texts out of `similar`: no torch, minutes less, worse with short profiles.",
)
encoder_option = options.folder_option(
    "--encoder",
    metavar="FOLDER",
    exists=True,
    about='A text encoder (a folder with encoder.json) for the lens "synopsis"; else the one of the package.',
)
seed_option = click.option("--seed", default=0, show_default=True, help="Same data and seed, same result.")

model_options = (
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help="A further model, beside the blend and its parts; may be repeated. `--model help` lists them.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="[MODEL.]NAME=VALUE",
        help="A setting of the model, as l2=300; may be repeated. With several models, say of which: ease.l2=300.",
    ),
)


@cli.command()
@data_option
@options.folder_option(
    "--out",
    required=True,
    metavar="BUNDLE",
    about="Folder to write; an old bundle there is replaced when the new one is complete.",
)
@seed_option
@model_options[0]
@model_options[1]
@quick_option
@encoder_option
@options.work_option("they are encoded once")
@click.option(
    "--hold-out",
    type=click.IntRange(min=10),
    metavar="N",
    help="Learn nothing from N users, drawn by the seed: `anirec promote` asks the bundle for them.",
)
@click.option("--resume", is_flag=True, help="Go on with a training of nets that was cut short, where it stopped.")
@options.engine_option
@options.track_option
@options.json_option
def train(
    *,
    folder: Path,
    out: Path,
    seed: int,
    models: tuple[str, ...],
    settings: tuple[str, ...],
    quick: bool,
    encoder: Path | None,
    work: Path | None,
    hold_out: int | None,
    resume: bool,
    engine: str,
    track: str | None,
    as_json: bool,
) -> None:
    """Fit the parts of the blend, the blend and what else is asked for on ratings, and write a bundle.

    The bundle serves the first further model that is named, else the blend; the others are there for `--model`.
    While nets are trained, every finished epoch is kept in BUNDLE.training; after Ctrl-C, the same command with
    --resume goes on from there to the same bundle.

    \b
    anirec train --data ../shared/data --out my-bundle
    anirec train --data ../shared/data --out my-bundle --model ease --set l2=300
    anirec train --data ../shared/data --out my-bundle --model mult-vae --track
    anirec train --data ../shared/data --out my-bundle --model mult-vae --resume
    anirec train --data ../shared/data --out my-bundle --engine ray
    anirec recommend --bundle my-bundle --like "Cowboy Bebop"
    """
    from anirec.service import checkpoints, tracking
    from anirec.service.gate import without_users
    from anirec.service.training import train as run
    from anirec.wiring.engine import opened
    from anirec.wiring.texts import default_encoder, left_out
    from anirec.wiring.train import facts_of, open_data, recipe

    wanted = _wanted(models, settings)
    kept = checkpoints.beside(out)
    checkpoints.check(kept, resume=resume)
    started = time.monotonic()
    with opened(engine) as where, _resumable(kept), tracking.tracked(track, f"train {out.name}", say=_say) as tracker:
        with tempfile.TemporaryDirectory() as cache, render.progress_bar(quiet=as_json) as progress:
            material = open_data(folder, Path(cache) / "canonical", progress)
            material = material if hold_out is None else without_users(material, hold_out, seed)
            watch = checkpoints.Watch(progress, kept, engine=where)
            _say_what_is_left_out(quick=quick)
            encoder, work = encoder or default_encoder(), work or out.with_name(f"{out.name}.texts")
            for reason in () if quick else left_out(material, encoder):
                click.echo(reason, err=True)
            extra = _chosen(material, wanted, watch)
            asked = recipe(material, seed, extra, watch=watch, quick=quick, encoder=encoder, work=work)
            tracking.note_asked(tracker, material.facts, asked.config, seed=seed, model=asked.default)
            with checkpoints.kept(kept, facts_of(material, asked), resume=resume):
                made = run(material, out, asked, progress, engine=where)
        seconds = round(time.monotonic() - started, 1)
        if as_json:
            render.print_json({"bundle": str(out), "sha256": made.sha256, "seconds": seconds, "data": material.facts})
        else:
            users, anime = material.facts["users"], material.facts["anime"]
            click.echo(f"{out}: trained on {users:,} users and {anime:,} anime in {seconds:g} s; sha256 {made.sha256}")
        tracker.parameters({"sha256": made.sha256})
        tracker.figures({"seconds": seconds})
        tracking.note_report(tracker, made.report)
        tracker.document("card.md", made.card)
        tracker.folder("bundle", out)


def _say(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _resumable(kept: Path) -> Iterator[None]:
    """Say after Ctrl-C how to go on, if there is something to go on with."""
    from anirec.service.checkpoints import begun

    try:
        yield
    except KeyboardInterrupt as stop:
        if begun(kept):
            told = f"interrupted; the finished epochs are in {kept}: add --resume to go on, or remove it to start anew"
            raise click.Abort(told) from stop
        raise


@cli.command()
@data_option
@click.option(
    "--users", default=1500, show_default=True, type=click.IntRange(min=10), help="Users to hold out and test on."
)
@click.option(
    "--protocol",
    default="heldout-users",
    show_default=True,
    metavar="NAME",
    help="What is asked; `--protocol help` lists what there is.",
)
@seed_option
@model_options[0]
@model_options[1]
@quick_option
@options.popularity_option
@click.option(
    "--lists",
    multiple=True,
    metavar="NAME=FILE.parquet",
    help="Lists of another system, to be shown beside: profile_id, rank, anime_id; may be repeated. It learns from, "
    "and answers, what --export writes with the same data, protocol, users and seed.",
)
@options.folder_option(
    "--export", about="Write what may be learned from, what is given and what is to be found, and measure nothing."
)
@options.file_option("--out", metavar="FILE.json", about="Write the whole report here, too.")
@options.file_option(
    "--html",
    metavar="FILE.html",
    about="Write the report to be looked at, with curves and the best and worst profiles; takes the extra `report`.",
)
@options.engine_option
@options.track_option
@options.json_option
def evaluate(
    *,
    folder: Path,
    users: int,
    protocol: str,
    seed: int,
    models: tuple[str, ...],
    settings: tuple[str, ...],
    quick: bool,
    popularity: float,
    lists: tuple[str, ...],
    export: Path | None,
    out: Path | None,
    html: Path | None,
    engine: str,
    track: str | None,
    as_json: bool,
) -> None:
    """Measure the models on users whom they have never seen, ranking the full catalogue.

    Each held-out user gives a random 80 % of the titles they like; the rest are to be found. Other protocols ask other
    things. A row of chance and one of popularity are always there, and every figure has a 95 % interval over users.

    \b
    anirec evaluate --data ../shared/data
    anirec evaluate --data ../shared/data --users 500 --json
    anirec evaluate --data ../shared/data --protocol few-shot-3
    anirec evaluate --data ../shared/data --model recent --set half_life=180
    anirec evaluate --data ../shared/data --export exam
    anirec evaluate --data ../shared/data --lists mine=lists.parquet
    anirec evaluate --data ../shared/data --html report.html
    """
    from anirec.cli.report import html as html_report
    from anirec.cli.report import text
    from anirec.evaluate import protocols
    from anirec.evaluate.exchange import read_rankings, write_exam
    from anirec.prepare.catalogue import read_titles
    from anirec.service import tracking
    from anirec.service.checkpoints import Watch
    from anirec.service.training import evaluate as run
    from anirec.service.training import exam_of
    from anirec.wiring.engine import opened
    from anirec.wiring.train import open_data, recipe, unpruned

    if protocol == "help":
        click.echo("\n".join(f"{name}: {about}" for name, about in protocols.listed().items()))
        return
    protocols.protocol(protocol)  # so that a typo is found before minutes are spent on reading
    if html is not None:
        html_report.check()
    files = dict(_named_file(one) for one in lists)
    wanted = _wanted(models, settings)
    with opened(engine) as where, tracking.tracked(track, "evaluate", say=_say) as tracker:
        with tempfile.TemporaryDirectory() as cache, render.progress_bar(quiet=as_json) as progress:
            material = open_data(folder, Path(cache) / "canonical", progress)
            exam = exam_of(material, protocol, users, seed)
            if export is not None:
                written = write_exam(exam, export)
                told = ", ".join(f"{rows:,} rows of {name}" for name, rows in written.items())
                render.print_json(written) if as_json else click.echo(f"{export}: {len(exam.cases):,} cases; {told}")
                return
            material = material.of_exam(exam)
            foreign = {name: read_rankings(file, exam.cases) for name, file in files.items()}
            watch = Watch(progress, engine=where)
            _say_what_is_left_out(quick=quick)
            asked = recipe(material, seed, _chosen(material, wanted, watch), watch=watch, quick=quick)
            tracking.note_asked(
                tracker, material.facts, asked.config, seed=seed, users=users, protocol=protocol, popularity=popularity
            )
            report = run(
                material,
                asked,
                exam,
                extra=unpruned(where),
                progress=progress,
                popularity=popularity,
                foreign=foreign,
                examples=html_report.EXAMPLES if html is not None else 0,
                engine=where,
            )
            titles = read_titles(material.folder) if html is not None else {}
        if out is not None:
            render.write_json(report.to_json(), out)
        if html is not None:
            html_report.write_html(report, titles, html, about=_data_of(material))
        if as_json:
            render.print_json(report.to_json())
        else:
            text.print_report(report)
        tracking.note_report(tracker, report)


@cli.command()
@data_option
@click.option("--model", required=True, metavar="NAME", help="What to tune; `--model help` lists what there is.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Leave a setting at this; may be repeated."
)
@click.option("--trials", default=20, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--likes", type=click.IntRange(min=1), metavar="N", help="Give only N titles of each user.  [default: 80 % of them]"
)
@click.option(
    "--at-once",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Draw so many trials before any of them is known; with `--engine ray` they are tried side by side.",
)
@seed_option
@options.engine_option
@options.track_option
@options.json_option
def tune(
    *,
    folder: Path,
    model: str,
    settings: tuple[str, ...],
    trials: int,
    likes: int | None,
    at_once: int,
    seed: int,
    engine: str,
    track: str | None,
    as_json: bool,
) -> None:
    """Look for better settings of a model, on users who are neither learned from nor tested on by `evaluate`.

    \b
    anirec tune --data ../shared/data --model ease --trials 20
    anirec tune --data ../shared/data --model ease --set dropout=0.2 --likes 3
    anirec tune --data ../shared/data --model ials --at-once 8 --engine ray
    """
    from dataclasses import asdict

    from anirec.service import tracking
    from anirec.service.checkpoints import UNWATCHED, Watch
    from anirec.service.tuning import tune as run
    from anirec.wiring.engine import opened
    from anirec.wiring.models import check, tunable
    from anirec.wiring.train import open_data

    config = asdict(check(model, settings))
    with opened(engine) as where, tracking.tracked(track, f"tune {model}", say=_say) as tracker:
        with tempfile.TemporaryDirectory() as cache, render.progress_bar(quiet=as_json) as progress:
            material = open_data(folder, Path(cache) / "canonical", progress)
            fit, ranges = tunable(material, model, settings, UNWATCHED if where.apart else Watch(progress))
            tracking.note_asked(
                tracker, material.facts, {model: config}, seed=seed, trials=trials, likes=likes, at_once=at_once
            )
            found = run(
                material,
                model,
                fit,
                ranges,
                n_trials=trials,
                n_likes=likes,
                seed=seed,
                progress=progress,
                at_once=at_once,
                engine=where,
            )
        if as_json:
            render.print_json(asdict(found))
        else:
            _print_tuned(found)
        tracking.note_tuned(tracker, found)


def _data_of(material: Material) -> dict[str, str]:
    """Return what a report in HTML says of the data."""
    facts = material.facts
    return {
        "data": f"{facts['users']:,} users, {facts['list_entries']:,} list entries, {facts['anime']:,} anime",
        "sources": ", ".join(facts["sources"]),
        "ratings, SHA-256": facts["tables"]["ratings"],
    }


def _print_tuned(found: Tuned) -> None:
    rows = [
        [*(f"{value:.4g}" for value in trial.settings.values()), *(f"{v:.4f}" for v in trial.figures.values())]
        for trial in sorted(found.trials, key=lambda trial: -trial.value)[:10]
    ]
    columns = [*found.best.settings, *found.best.figures]
    render.print_table(columns, rows, right=columns)
    words = " ".join(f"--set {name}={value:.6g}" for name, value in found.best.settings.items())
    click.echo(f"NDCG@10 of {found.users:,} validation users; as it is: mean {found.default.value:.4f}")
    click.echo(f"best: mean {found.best.value:.4f} with {words}")


def _say_what_is_left_out(*, quick: bool) -> None:
    from anirec.wiring.models import can_train_nets

    if not quick and not can_train_nets():
        click.echo('torch is not installed, so the blend goes without its net; pip install "anirec[train]"', err=True)


def _wanted(models: tuple[str, ...], settings: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the settings by model, checked as far as they can be before the data are read.

    Raises:
        InputError: no such model or setting.
    """
    from anirec.wiring.models import check

    by_model: dict[str, list[str]] = {name: [] for name in models}
    for setting in settings:
        name, dot, rest = setting.partition(".")
        if dot and name in by_model:
            by_model[name].append(rest)
        elif len(by_model) == 1:
            by_model[models[0]].append(setting)
        else:
            raise InputError(f'"{setting}": say of which model, as NAME.{setting}, and name it with --model')
    for name, own in by_model.items():
        check(name, own)
    return by_model


def _chosen(material: Material, wanted: dict[str, list[str]], watch: Watch) -> list[Chosen]:
    from anirec.wiring.models import chosen

    return [chosen(material, name, settings, watch) for name, settings in wanted.items()]


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise InputError(f'--lists takes NAME=FILE.parquet, not "{text}"')
    return name, Path(file)
