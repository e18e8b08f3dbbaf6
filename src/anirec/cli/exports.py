"""`anirec export`: a bundle, or what it says, for places where anirec does not run."""

from __future__ import annotations

from pathlib import Path

import click

from anirec.cli import options, render
from anirec.cli.commands import cli, load

out_argument = click.argument("out", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@cli.group()
def export() -> None:
    """Write a bundle, or what it says, for elsewhere: Hugging Face, a Space, a site without a server.

    \b
    anirec export hf hub
    anirec export space my-space --title "Anime for us"
    anirec export static site/data -k 12
    """


@export.command()
@out_argument
@options.bundle_option
@options.json_option
def hf(out: Path, bundle: str | None, as_json: bool) -> None:
    """Write a bundle in the layout of the Hugging Face Hub: safetensors, config.json, a model card.

    \b
    anirec export hf hub
    """
    from anirec.service.hub import to_hub
    from anirec.stores.bundle import read_bundle
    from anirec.wiring.serve import bundle_at

    told = to_hub(read_bundle(bundle_at(bundle)), out)
    if as_json:
        render.print_json(told)
    else:
        click.echo(
            f"{out}: {told['arrays']} arrays, {told['bytes'] / 1e6:.1f} MB; `anirec export from-hf` reads it back"
        )


@export.command(name="from-hf")
@click.argument("folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@options.folder_option("--out", required=True, metavar="BUNDLE", about="Folder to write.")
def from_hf(folder: Path, out: Path) -> None:
    """Write the bundle that a folder in the layout of the Hugging Face Hub holds: the same, byte by byte.

    \b
    anirec export from-hf hub --out bundle
    """
    from anirec.service.hub import from_hub

    click.echo(f"{out}: sha256 {from_hub(folder, out)}")


@export.command()
@out_argument
@click.option("--title", default="anirec", show_default=True, help="What the Space is called.")
@options.file_option(
    "--wheel", about="A wheel of anirec with its page.  [default: the released one of this version, from PyPI]"
)
@options.bundle_option
def space(out: Path, title: str, wheel: Path | None, bundle: str | None) -> None:
    """Write a Hugging Face Space (Docker SDK) that serves the page and the API over a bundle.

    \b
    anirec export space my-space --title "Anime for us"
    """
    from anirec.service.space import to_space
    from anirec.stores.bundle import read_bundle
    from anirec.wiring.serve import bundle_at

    to_space(read_bundle(bundle_at(bundle)), out, title=title, wheel=wheel)
    click.echo(f"{out}: README.md, Dockerfile, bundle; push it to a Space, or `docker build` it")


@export.command()
@out_argument
@click.option("-k", "--count", "k", default=20, show_default=True, type=click.IntRange(1, 100), help="How many each.")
@options.bundle_option
@options.json_option
def static(out: Path, k: int, bundle: str | None, as_json: bool) -> None:
    """Write what is similar to every title as JSON, for a site without a server; some minutes for a large bundle.

    \b
    anirec export static site/data -k 12
    """
    from anirec.service.static import to_static

    with render.progress_bar(quiet=as_json) as progress:
        told = to_static(load(bundle), out, k=k, progress=progress)
    if as_json:
        render.print_json(told)
    else:
        click.echo(f"{out}: {told['lists']:,} lists of {told['titles']:,} titles; index.json says where each is")
