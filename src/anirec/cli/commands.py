"""The commands. Each one reads its arguments, calls one use case, and prints the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anirec.cli import options, render
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query

if TYPE_CHECKING:
    from anirec.service.answers import Info, Recommendations

EXIT_CODE_HELP = """\b
Exit codes: 0 done. 1 a mistake in anirec. 2 fix what you typed (unknown or ambiguous title, bad option or file).
3 fix the data. 4 no sound bundle. 5 something is not installed or not in this bundle. 6 a site, an engine or a store
does not answer: ask again later. 7 a new bundle or encoder is not good enough. 8 the disk is full or cannot be written,
or memory does not suffice. 130 interrupted."""


@click.group(epilog=EXIT_CODE_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="anirec", message="anirec %(version)s")
def cli() -> None:
    """Recommend anime: from a few favourites, one title, or a mood in your own words, on your own machine.

    \b
    anirec recommend --like "Cowboy Bebop" --like "Trigun:9" --dislike "Naruto"
    anirec similar "Steins;Gate" --year-from 2015
    anirec info 5114
    anirec search "wholesome adventure with lots of travelling"
    """


@cli.command()
@click.option(
    "--like",
    multiple=True,
    metavar="TITLE[:SCORE]",
    help="A title or MyAnimeList id, with your score if you like; may be repeated.",
)
@click.option("--dislike", multiple=True, metavar="TITLE", help="Move away from this; may be repeated.")
@click.option("--seen", multiple=True, metavar="TITLE", help="Leave this out; may be repeated.")
@options.list_option(
    "Your own list: MyAnimeList's export (.xml, .xml.gz), AniList's JSON, or a CSV with ids or titles."
)
@options.count_option
@options.offset_option
@options.franchise_option
@options.popularity_option
@options.filter_options
@click.option("--ignore-dislikes", is_flag=True, help="What you dislike or dropped is left out, and says nothing more.")
@options.model_option
@options.weights_option
@options.bundle_option
@options.json_option
def recommend(
    *,
    like: tuple[str, ...],
    dislike: tuple[str, ...],
    seen: tuple[str, ...],
    list_file: Path | None,
    k: int,
    offset: int,
    franchise: str,
    popularity: float,
    ignore_dislikes: bool,
    model: str | None,
    weights: dict[str, float] | None,
    bundle: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Recommend anime to somebody who likes these titles.

    Titles may be English, romaji or Japanese, and a typo or two is forgiven; a number is a MyAnimeList id.

    \b
    anirec recommend --like "Cowboy Bebop" --like "Samurai Champloo" --like Trigun
    anirec recommend --like 5114:10 --like "進撃の巨人:8" --dislike "Sword Art Online" -k 10
    anirec recommend --like Mushishi --type Movie --year-from 2000 --max-members 200000
    anirec recommend --like "Mob Psycho 100" --franchise next
    anirec recommend --like Mushishi --popularity hidden-gems
    anirec recommend --list animelist.xml.gz --genre Mystery
    """
    from anirec.stores.bundle import read_bundle
    from anirec.wiring.search import quotes_in
    from anirec.wiring.serve import bundle_at, service_of

    opened = read_bundle(bundle_at(bundle))
    service = service_of(opened)
    own = service.read_list(list_file) if list_file else None
    if own and not as_json:
        click.echo(str(own), err=True)
    answer = service.recommend(
        like,
        dislike=dislike,
        seen=seen,
        entries=own.entries if own else (),
        k=k,
        offset=offset,
        franchise=franchise,
        popularity=popularity,
        filters=options.filters_of(**filters),
        use_dislikes=not ignore_dislikes,
        model=model,
        weights=weights,
    )
    quoting = quotes_in(opened)
    quotes = {r.anime.anime_id: quoting.of(r, answer.named) for r in answer} if quoting else {}
    if as_json:
        found = render.recommendations_json(answer, quotes)
        render.print_json(found | ({"list": render.list_json(own)} if own else {}))
    else:
        render.print_recommendations(answer, quotes)


@cli.command()
@click.argument("title")
@options.lens_option
@click.option("--opposite", is_flag=True, help="The least like it instead, of titles that at least 50,000 people know.")
@options.count_option
@options.offset_option
@options.franchise_option
@options.popularity_option
@options.filter_options
@options.bundle_option
@options.json_option
def similar(
    *,
    title: str,
    by: str,
    opposite: bool,
    k: int,
    offset: int,
    franchise: str,
    popularity: float,
    bundle: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the anime most like TITLE: in whom they please, in what they are about, in what people name beside it.

    \b
    anirec similar "Steins;Gate"
    anirec similar "Steins;Gate" --by genres
    anirec similar Monster --genre Mystery --json
    anirec similar "Steins;Gate" --opposite
    """
    chosen = options.filters_of(**filters)
    answer = load(bundle).similar(
        title, by=by, opposite=opposite, k=k, offset=offset, franchise=franchise, popularity=popularity, filters=chosen
    )
    show(answer, as_json=as_json)


@cli.command()
@click.argument("title")
@options.bundle_option
@options.json_option
def info(title: str, bundle: str | None, as_json: bool) -> None:
    """Show the facts of one anime, and its franchise in watch order.

    \b
    anirec info "Cowboy Bebop"
    anirec info 9253 --json
    """
    show_info(load(bundle).info(title), as_json=as_json)


@cli.command()
@options.file_option(
    "--profiles",
    required=True,
    metavar="IN.parquet",
    about="Columns profile_id, anime_id, score (1..10 or null), status (or null).",
)
@options.each_option(100, "profile")
@options.rows_option("profile_id")
@click.option("--allow-franchise", is_flag=True, help="Switch the franchise rules off (same as --franchise anything).")
@options.franchise_option
@click.option("--model", metavar="NAME", help="A model of the bundle.  [default: the bundle's]")
@options.bundle_option
@options.json_option
def batch(
    profiles: Path,
    k: int,
    out: Path,
    allow_franchise: bool,
    franchise: str,
    model: str | None,
    bundle: str | None,
    as_json: bool,
) -> None:
    """Recommend for many profiles at once, over the whole catalogue (adult titles too: nothing is filtered).

    Anime that the bundle does not know are passed over and counted; what is on a profile never comes back.

    \b
    anirec batch --profiles in.parquet --k 100 --out out.parquet
    anirec batch --profiles in.parquet --out out.parquet --allow-franchise
    """
    from anirec.service.batch import recommend_batch

    mode = FranchiseMode.ANYTHING if allow_franchise else FranchiseMode(franchise)
    with render.progress_bar(quiet=as_json) as progress:
        report = recommend_batch(
            load(bundle), profiles, out, Query(k=k, filters=NO_FILTERS, franchise=mode), model=model, progress=progress
        )
    print_batch(report, out, "profiles", as_json=as_json)


@cli.command(name="similar-batch")
@options.file_option("--ids", required=True, metavar="IN.parquet", about="A column anime_id.")
@options.each_option(50, "title")
@options.rows_option("query_anime_id")
@click.option("--allow-franchise", is_flag=True, help="Let relatives of the title and later seasons appear.")
@options.lens_option
@options.bundle_option
@options.json_option
def similar_batch(
    ids: Path, k: int, out: Path, allow_franchise: bool, by: str, bundle: str | None, as_json: bool
) -> None:
    """List the nearest anime to many titles at once, over the whole catalogue.

    \b
    anirec similar-batch --ids in.parquet --k 50 --out out.parquet
    """
    from anirec.service.batch import similar_batch as run

    mode = FranchiseMode.ANYTHING if allow_franchise else FranchiseMode.ENTRY
    with render.progress_bar(quiet=as_json) as progress:
        report = run(load(bundle), ids, out, Query(k=k, filters=NO_FILTERS, franchise=mode), by=by, progress=progress)
    print_batch(report, out, "titles", as_json=as_json)


def print_batch(report: Any, out: Path, what: str, *, as_json: bool) -> None:
    """Print what a batch did. what: the things that were answered."""
    if as_json:
        render.print_json(vars(report))
        return
    click.echo(f"{report.answered:,} {what} answered, {report.rows_written:,} rows in {out}")
    if report.unknown_anime:
        click.echo(f"{report.unknown_anime:,} of {report.rows_read:,} rows name anime that are not known: passed over")
    if report.duplicates:
        click.echo(f"{report.duplicates:,} of {report.rows_read:,} rows say again what another row says: merged")


def show(answer: Recommendations, *, as_json: bool) -> None:
    """Print a list."""
    if as_json:
        render.print_json(render.recommendations_json(answer))
    else:
        render.print_recommendations(answer)


def show_info(answer: Info, *, as_json: bool) -> None:
    """Print what is known of one anime."""
    if as_json:
        render.print_json(render.info_json(answer))
    else:
        render.print_info(answer)


def load(bundle: str | None) -> Any:
    """Return the service that answers from a bundle, None = the default one."""
    from anirec.wiring.serve import load as opened

    return opened(bundle)
