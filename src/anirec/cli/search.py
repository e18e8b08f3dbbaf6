"""The commands that search in one's own words: `search`, `search-batch`, `index`, `vectors`, `export-encoder`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anirec.cli import options, render
from anirec.cli.commands import cli, print_batch
from anirec.core.errors import InputError
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query

if TYPE_CHECKING:
    from anirec.service.search import Results

SCORINGS = ("fused", "rrf", "dense", "words", "votes")
LEAST = 3
"""Signs from which a query is answered while it is typed."""
TYPED = 8
"""Results shown while a query is typed."""
ENTER, BACK, LEAVE = ("\r", "\n"), ("\x7f", "\x08"), ("\x03", "\x04", "\x1b")


@cli.command()
@click.argument("query", required=False)
@options.count_option
@options.offset_option
@click.option(
    "--taste",
    "tastes",
    multiple=True,
    metavar="TITLE[:SCORE]",
    help="A title that you like: results lean to your taste; may be repeated.",
)
@options.file_option(
    "--taste-list",
    "list_file",
    about="Your own list, as for `anirec recommend --list`: results lean to your taste, what is on it is left out.",
)
@options.franchise_option
@options.popularity_option
@options.filter_options
@click.option(
    "--scoring",
    type=click.Choice(SCORINGS),
    default="fused",
    show_default=True,
    help="fused: vectors, words and labels, weighed. rrf: the same by places, nothing learned. dense: nearest texts. "
    "words: BM25. votes: how many of the nearest texts are of an anime, and nothing else.",
)
@click.option(
    "--rerank",
    metavar="MODEL",
    help="Let a cross-encoder (a folder, or a name at the model hub) read the best passages and order them anew.",
)
@options.bundle_option
@options.vectors_option
@options.json_option
def search(
    *,
    query: str | None,
    k: int,
    offset: int,
    tastes: tuple[str, ...],
    list_file: Path | None,
    franchise: str,
    popularity: float,
    scoring: str,
    rerank: str | None,
    bundle: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Find anime by a mood, a theme, a setting, in your own words.

    Without QUERY it asks for one, and shows what is found while you type; Ctrl-C ends it.

    \b
    anirec search "crime drama" -k 12
    anirec search "isekai without harem" --type TV --year-from 2015
    anirec search "like Death Note but funny" --taste Monster --taste "Steins;Gate:10"
    anirec search
    """
    from anirec.wiring.search import load_search

    found = load_search(bundle, rerank=rerank, warm=query is None)
    own = found.service.read_list(list_file) if list_file else None
    entries = own.entries if own else ()
    chosen = options.filters_of(**filters)

    def answer(text: str, most: int = k) -> Results:
        return found.search(
            text,
            k=most,
            offset=offset,
            like=tastes,
            entries=entries,
            franchise=franchise,
            popularity=popularity,
            filters=chosen,
            scoring=scoring,
        )

    if query is not None:
        show(answer(query), as_json=as_json)
    elif sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        _live(answer)
    else:
        for line in sys.stdin:
            if any(sign.isalnum() for sign in line):
                show(answer(line), as_json=as_json)


def show(found: Results, *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        render.print_json(render.results_json(found))
    else:
        render.print_results(found)


def _live(answer: Callable[..., Results]) -> None:
    """Answer while somebody types."""
    from rich.console import Group
    from rich.live import Live

    console = render.console()
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def shown(text: str, found: Any) -> None:
            live.update(Group(f"> {text}", found), refresh=True)

        shown("", "Say what you are in the mood for. Enter keeps the list, Ctrl-C ends.")
        for text in typed(_keys(), lambda text: shown(text, _preview(answer, text))):
            live.console.print(f"> {text}")
            live.console.print(_preview(answer, text, whole=True))


def typed(keys: Iterator[str], changed: Callable[[str], None]) -> Iterator[str]:
    """Yield each line that is typed; `changed` is told the line so far, after every key. Ends where somebody leaves."""
    text = ""
    for key in keys:
        if key in LEAVE:
            return
        if key in ENTER:
            if text.strip():
                yield text
            text = ""
        elif key in BACK:
            text = text[:-1]
        elif key == "\x15":  # Ctrl-U
            text = ""
        elif key.isprintable():
            text += key
        changed(text)


def _keys() -> Iterator[str]:
    while True:
        try:
            key = click.getchar()
        except (KeyboardInterrupt, EOFError):
            return
        yield key if len(key) == 1 or key.isprintable() else ""


def _preview(answer: Callable[..., Results], text: str, *, whole: bool = False) -> Any:
    if sum(sign.isalnum() for sign in text) < LEAST:
        return ""
    try:
        return render.results_table(answer(text) if whole else answer(text, TYPED))
    except InputError as error:
        return str(error)


@cli.command(name="search-batch")
@options.file_option("--queries", required=True, metavar="IN.txt", about="One query a line, in UTF-8.")
@options.each_option(100, "query")
@options.rows_option("query_id (number of the line, from 1)")
@options.franchise_option
@click.option("--scoring", type=click.Choice(SCORINGS), default="fused", show_default=True, help="As for search.")
@options.bundle_option
@options.json_option
def search_batch(
    queries: Path, k: int, out: Path, franchise: str, scoring: str, bundle: str | None, as_json: bool
) -> None:
    """Answer many queries at once, over the whole catalogue (adult titles too: nothing is filtered).

    A line without a letter or digit gets no rows; lines are numbered with empty ones counted.

    \b
    anirec search-batch --queries in.txt --out out.parquet
    anirec search-batch --queries in.txt --k 20 --out out.parquet --franchise anything
    """
    from anirec.service.batch import search_batch as run
    from anirec.wiring.search import load_search

    asked = Query(k=k, filters=NO_FILTERS, franchise=FranchiseMode(franchise))
    with render.progress_bar(quiet=as_json) as progress:
        report = run(load_search(bundle), queries, out, asked, scoring=scoring, progress=progress)
    print_batch(report, out, "queries", as_json=as_json)


@cli.command()
@options.data_option(options.TEXTS_HELP)
@options.bundle_option
@options.changed_option
@click.option(
    "--encoder",
    metavar="FOLDER",
    help="What turns texts into vectors: a folder of `anirec export-encoder`, or a Sentence Transformer by folder or "
    "name.  [default: the bundle's own, else that of the starter bundle]",
)
@options.work_option("the same command goes on after Ctrl-C")
@click.option("--reviews", default=0, type=click.IntRange(min=0), help="Of each anime only the N most helpful.")
@click.option("--windows", default=0, type=click.IntRange(min=0), help="Of each review only N windows.")
@click.option("--words", default=0, type=click.IntRange(min=0), help="Of each anime only the N most telling words.")
@click.option(
    "--chunks", default=0, type=click.IntRange(min=0), help="Vectors of N chunks only, those of known anime first."
)
@click.option("--small", is_flag=True, help="Vectors in 4 bits instead of 8: half the size, nearly as good.")
@click.option("--no-passages", is_flag=True, help="Keep no text, only numbers: for a bundle that others are to get.")
@options.json_option
def index(
    *,
    folder: Path,
    bundle: str | None,
    out: Path | None,
    encoder: str | None,
    work: Path | None,
    reviews: int,
    windows: int,
    words: int,
    chunks: int,
    small: bool,
    no_passages: bool,
    as_json: bool,
) -> None:
    """Put synopses and reviews into a bundle, for `anirec search`.

    Nearly all of the time goes into encoding; what is encoded is kept in --work, and is not encoded again.

    \b
    anirec index --data my-data --bundle my-bundle
    anirec index --data my-data --bundle my-bundle --reviews 4 --windows 2
    anirec search --bundle my-bundle "crime drama"
    """
    from anirec.wiring.index import IndexLimits, add_texts

    limits = IndexLimits(
        reviews=reviews, windows=windows, words=words, chunks=chunks, passages=not no_passages, small=small
    )
    started = time.monotonic()
    with render.progress_bar(quiet=as_json) as progress:
        made, written = add_texts(folder, bundle, out, encoder, work, limits, progress)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        render.print_json(
            {"bundle": str(written), "sha256": made.sha256, "seconds": seconds, "counts": dict(made.counts)}
        )
        return
    counts = made.counts
    click.echo(
        f"{written}: {counts['chunks']:,} chunks of {counts['texts']:,} texts about {counts['anime']:,} anime, "
        f"{counts['words']:,} words, in {seconds:g} s; sha256 {made.sha256}"
    )


@cli.command()
@click.argument("url")
@options.bundle_option
@options.json_option
def vectors(*, url: str, bundle: str | None, as_json: bool) -> None:
    """Put the vectors of a bundle's texts into the store at URL, for many replicas to look into.

    Vectors that are there already stay; those of other bundles do, too.

    \b
    anirec vectors --bundle my-bundle postgresql://anirec@db/anirec
    anirec vectors --bundle my-bundle qdrant://vectors:6333
    anirec serve --bundle my-bundle --vectors qdrant://vectors:6333
    """
    from functools import partial

    from anirec.wiring.vectors import put_vectors, without_secrets

    with render.progress_bar(quiet=as_json) as progress:
        name, n, new = put_vectors(bundle, url, partial(progress, "sending vectors"))
    if as_json:
        render.print_json({"name": name, "vectors": n, "new": new})
        return
    click.echo(f"{without_secrets(url)}: {n:,} vectors as {name}{'' if new else ', which were there already'}")


@cli.command(name="export-encoder")
@click.argument("source", type=click.Path(file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--name", default="", help="What it is called.  [default: the folder's name]")
@click.option("--origin", default="", help="Where its weights are from, for the manifest.")
@click.option("--whole", is_flag=True, help="Keep 32-bit weights: four times the size.")
def export_encoder(*, source: Path, out: Path, name: str, origin: str, whole: bool) -> None:
    """Make of a Sentence Transformer in the folder SOURCE an int8 ONNX encoder, which runs without torch.

    \b
    anirec export-encoder all-MiniLM-L6-v2 --out encoder
    anirec index --data my-data --bundle my-bundle --encoder encoder
    """
    from anirec.search.encoders.export import export

    facts = export(source, out, name=name, origin=origin, int8=not whole)
    size = (out / "model.onnx").stat().st_size / 1e6
    score = "cosine" if facts.normalise else "inner product"
    click.echo(f"{out}: {facts.size} numbers a text, {facts.pooling} pooling, {score}; {size:.1f} MB")
