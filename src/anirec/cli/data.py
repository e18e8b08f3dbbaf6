"""The commands around tables of data."""

from __future__ import annotations

from pathlib import Path

import click

from anirec.cli import options, render
from anirec.cli.commands import cli

folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
to_option = options.folder_option("--to", "out", required=True, about="Folder to write; replaced when complete.")


@cli.group()
def data() -> None:
    """Bring data from elsewhere into canonical tables."""


@data.command(name="import")
@click.argument("path", type=click.Path(path_type=Path))
@to_option
@click.option(
    "--max-rejects",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Refuse a table of which a larger share of rows is unusable.",
)
@options.folder_option(
    "--ids", about="Canonical folder of an id map: finds anime of which only another site's number is known."
)
@options.json_option
def import_(path: Path, out: Path, max_rejects: float, ids: Path | None, as_json: bool) -> None:
    """Read the folder PATH, whichever known layout it has, and write canonical Parquet tables.

    Rows that cannot be used are counted by reason, with the line of the first, and listed in DIR/rejects.csv.

    \b
    anirec data import ../shared/data --to canonical
    anirec data import ~/Downloads/anime-recommendations-database --to canonical --json
    """
    from anirec.sources.importer import import_folder

    with render.progress_bar(quiet=as_json) as progress:
        report = import_folder(path, out, max_reject_share=max_rejects, ids=ids, progress=progress)
    if as_json:
        render.print_json(report.to_json())
        return
    click.echo(f"{out}: the layout {report.layout}")
    for table, kept in report.kept.items():
        click.echo(f"  {table}: {kept:,} rows")
    for reject in report.rejects:
        click.echo(f"  left out: {reject}")
    if report.rejects:
        click.echo(f"  one by one in {out / 'rejects.csv'}")


@data.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(file_okay=False, path_type=Path), metavar="TABLES..."
)
@to_option
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="NAME",
    help="What works the tables out: local (DuckDB), spark (Spark on this machine), or a cluster's master: "
    "spark://HOST:PORT, yarn, k8s://... The files are the same; a cluster must find the folders in the same place.",
)
@options.json_option
def build(folders: tuple[Path, ...], out: Path, engine: str, as_json: bool) -> None:
    """Join canonical folders into one and find the franchises.

    Anime are joined by id, never by title. Of two facts about an anime the earlier folder's is taken; where folders do
    not agree on its number at another site, no number is, and the table `conflicts` lists the claims.

    \b
    anirec data build tables/mal tables/anilist tables/id-map --to tables/all
    anirec data build tables/mal tables/anilist --to tables/all --engine spark://master:7077
    anirec data sql "select * from conflicts" --data tables/all
    anirec train --data tables/all --out my-bundle
    """
    from dataclasses import asdict

    from anirec.service.data import build as run
    from anirec.wiring.engine import relations

    with relations(engine) as tables:
        found = run(folders, out, tables=tables)
    if as_json:
        render.print_json(asdict(found))
        return
    click.echo(f"{out}: {len(folders)} folders joined; {found.franchises:,} franchises")
    for table, n in found.rows.items():
        click.echo(f"  {table}: {n:,} rows")
    for what, n in found.conflicts.items():
        click.echo(f"  conflict: {what}: {n:,}, listed in the table conflicts")


@data.command()
@folder_argument
@options.json_option
def status(folder: Path, as_json: bool) -> None:
    """Say what the canonical folder DIR holds, where it is from, and whether its tables are whole.

    \b
    anirec data status canonical
    """
    from anirec.service.data import status as run

    found = run(folder)
    if as_json:
        render.print_json(found)
        return
    click.echo(f"{folder}: from the layout {found['layout'] or 'not said'}; licence: {found['licence'] or 'not said'}")
    rows = [
        [
            *(t["table"], f"{t['rows']:,}", "" if t["rejects"] is None else f"{t['rejects']:,}"),
            *(f"{t['megabytes']:.1f}", t["sha256"][:12], (t["made"] or "")[:10]),
            ", ".join(dict.fromkeys(source["layout"] for source in t["sources"] or ())),
        ]
        for t in found["tables"]
    ]
    columns = ["table", "rows", "left out", "MB", "SHA-256", "made", "from"]
    render.print_table(columns, rows, right=["rows", "left out", "MB"])
    for reject in found["rejects"]:
        click.echo(
            f"left out: {reject['rows']:,} rows of {reject['file']}: {reject['reason']} (first: {reject['first']})"
        )


@data.command()
@click.argument("query")
@click.option("--data", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@options.json_option
def sql(query: str, folder: Path, as_json: bool) -> None:
    """Ask the tables of the canonical folder DIR with SQL (DuckDB's); every table has its own name.

    \b
    anirec data sql "select title, members from anime order by members desc limit 5" --data canonical
    """
    from anirec.service.data import ask

    columns, rows = ask(folder, query)
    if as_json:
        render.print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        render.print_table(columns, [["" if value is None else str(value) for value in row] for row in rows])
