"""The command that teaches a text encoder: `train-encoder`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anirec.cli import options, render
from anirec.cli.commands import cli

if TYPE_CHECKING:
    from anirec.wiring.encoders import Taught

NOT_BETTER = 7
"""Exit status where training went well and the encoder did not become better."""


@cli.command(name="train-encoder")
@options.data_option(options.TEXTS_HELP)
@click.option(
    "--encoder", required=True, metavar="MODEL", help="The Sentence Transformer to begin with, by folder or name."
)
@options.folder_option(
    "--out",
    required=True,
    about="Where the int8 encoder goes, and beside it, in DIR.sentence, the Sentence Transformer.",
)
@options.file_option(
    "--labelled",
    metavar="QUERIES.json",
    about='What it is judged by: a list of {"id", "text", "relevant": {anime id: 1..3}}. Nothing is learned from it.  '
    "[default: queries made up for anime that are held out]",
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Choice(["labels", "pairs", "openings"]),
    help="What queries are made up from; may be repeated: labels and tags of an anime, titles named beside it, first "
    "sentences of its texts.  [default: labels]",
)
@click.option("--generator", metavar="MODEL", help="A net that writes queries for passages (T5 and the like), besides.")
@click.option(
    "--teacher",
    metavar="MODEL",
    help="Learn margins from it: a cross-encoder, or another encoder, by folder or name.  [default: learn to tell "
    "answers from the rest]",
)
@click.option("--questions", default=40_000, show_default=True, type=click.IntRange(min=20), help="Made up, at most.")
@click.option(
    "--nearer",
    default=0.02,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="A made-up query is trusted if at most this share of passages is nearer to it than its answer; 1 = always, "
    "for a model that knows nothing yet.",
)
@click.option("--epochs", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--batch", default=16, show_default=True, type=click.IntRange(min=2))
@click.option("--lr", default=3e-5, show_default=True, type=click.FloatRange(min=0, min_open=True))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@options.folder_option("--work", about="Where encoded texts are kept and found again.  [default: DIR.texts]")
@click.option("--resume", is_flag=True, help="Go on with a training that was cut short, where it stopped.")
@options.json_option
def train_encoder(
    *,
    folder: Path,
    encoder: str,
    out: Path,
    labelled: Path | None,
    sources: tuple[str, ...],
    generator: str | None,
    teacher: str | None,
    questions: int,
    nearer: float,
    epochs: int,
    batch: int,
    lr: float,
    seed: int,
    work: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Teach a text encoder what people call things in anime, and keep it if it answers better than before.

    Queries are made up for the texts of DIR; for each a passage that answers it and one that does not are found.
    Exit status 7: it did not become better, and nothing was written.

    \b
    anirec train-encoder --data my-data --encoder all-MiniLM-L6-v2 --out my-encoder --labelled queries.json
    anirec index --data my-data --bundle my-bundle --encoder my-encoder
    """
    from anirec.recommenders.neural.settings import LoopConfig
    from anirec.service.encoders import EncoderTraining
    from anirec.wiring.encoders import Named, sentence_of
    from anirec.wiring.encoders import train_encoder as run

    config = EncoderTraining(
        sources=sources or (() if generator else ("labels",)),
        questions=questions,
        nearer=nearer,
        batch=batch,
        loop=LoopConfig(epochs=epochs, patience=epochs, lr=lr, weight_decay=0.01, warm_up=100),
        seed=seed,
    )
    kept = work if work is not None else out.with_name(f"{out.name}.texts")
    with render.progress_bar(quiet=as_json) as progress:
        taught = run(folder, out, Named(encoder, teacher, generator, labelled), config, kept, progress, resume=resume)
    if as_json:
        render.print_json(_as_json(taught))
    else:
        _print(taught)
        click.echo(f"written: {out} and {sentence_of(out)}" if taught.kept else "not better: nothing is written")
    if not taught.kept:
        sys.exit(NOT_BETTER)


def _as_json(taught: Taught) -> dict[str, object]:
    stages = {"before": taught.before, "after": taught.after, "int8": taught.small}
    figures = {name: {figure: asdict(of) for figure, of in judged.figures.items()} for name, judged in stages.items()}
    told = {"queries": taught.queries, "triples": taught.triples, "epochs": list(taught.epochs), "kept": taught.kept}
    return {**told, "rise": asdict(taught.rise), "figures": figures}


def _print(taught: Taught) -> None:
    click.echo(
        f"{taught.triples:,} made-up queries learned from; judged by {taught.queries:,} queries not learned from:"
    )
    for name, judged in (("before", taught.before), ("after", taught.after), ("after, int8", taught.small)):
        click.echo(f"  {name:12}" + "   ".join(f"{figure} {of}" for figure, of in judged.figures.items()))
    click.echo(f"  NDCG@10 rose by {taught.rise}, paired by query")
    lost = taught.after.figures["ndcg@10"].mean - taught.small.figures["ndcg@10"].mean
    click.echo(f"  int8 costs {lost:.4f} of NDCG@10")
