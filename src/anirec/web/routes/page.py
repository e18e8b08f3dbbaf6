"""The page: its built files, its one document for every address in it, and what search engines read of an anime.

What is written into the document's head comes from the bundle and is data: it is escaped for where it stands.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from anirec.core.anime import Anime
from anirec.web.served import Served

ADDRESSES: Final = ("/", "/list", "/results", "/browse", "/map", "/group", "/compare", "/model")
"""Addresses within the page; it shows them itself."""
HEAD_END: Final = "</head>"
GENERAL_ABOUT: Final = re.compile(r'\s*<meta name="description"[^>]*>')
"""What the page says of itself; an anime's own description takes its place."""
YEAR: Final = "public, max-age=31536000, immutable"
"""For files under assets/: their names hold a hash of what is in them."""
ASK_AGAIN: Final = "no-cache"
MOST_IN_SITEMAP: Final = 50_000
SITEMAP_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
)


def router(served: Served, folder: Path | None) -> APIRouter:
    """Return the routes. folder: of the built page, None = there is none, and the root says where the API is."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/robots.txt")
    def robots(request: Request) -> Response:
        base = base_of(served, request)
        return PlainTextResponse(f"User-agent: *\nDisallow: /api/\nAllow: /\nSitemap: {base}/sitemap.xml\n")

    @routes.get("/sitemap.xml")
    def sitemap(request: Request) -> Response:
        return Response(sitemap_of(served, base_of(served, request)), media_type="application/xml")

    if folder is None:

        @routes.get("/")
        def root() -> Response:
            return HTMLResponse(
                '<!doctype html><html lang="en"><title>anirec</title><p>anirec serves its API; the page is not built. '
                '<a href="/api/docs">What the API is</a>.'
            )

        return routes
    _add_page(routes, served, folder)
    return routes


def _add_page(routes: APIRouter, served: Served, folder: Path) -> None:
    document = (folder / "index.html").read_text(encoding="utf-8")
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}

    def page() -> Response:
        return HTMLResponse(document, headers={"cache-control": ASK_AGAIN})

    for address in ADDRESSES:
        routes.add_api_route(address, page, methods=["GET"])

    @routes.get("/anime/{anime_id}")
    def anime_page(request: Request, anime_id: Annotated[str, InPath(max_length=20)]) -> Response:
        found = served.service.facts.of([int(anime_id)]) if anime_id.isdecimal() and len(anime_id) < 10 else {}
        if not found:
            return HTMLResponse(document, status_code=404, headers={"cache-control": ASK_AGAIN})
        (anime,) = found.values()
        whole = with_head(document, anime, served, base_of(served, request))
        return HTMLResponse(whole, headers={"cache-control": ASK_AGAIN})

    @routes.get("/{name:path}")
    def file(name: str) -> Response:
        if name not in files:  # only names that were there at the start: no path is ever put together
            raise HTTPException(404, "there is no such page")
        kept = YEAR if name.startswith("assets/") else ASK_AGAIN
        return FileResponse(files[name], headers={"cache-control": kept})


def base_of(served: Served, request: Request) -> str:
    """Return the address of the server as people reach it, without a slash at the end."""
    return served.settings.public_url or str(request.base_url).rstrip("/")


def sitemap_of(served: Served, base: str) -> str:
    """Return the addresses of the page and of every anime that is not for adults, the best known first."""
    catalogue = served.service.catalogue
    rows = (-catalogue.members.astype("int64")).argsort(kind="stable")
    ids = [int(i) for i in catalogue.anime_ids[rows[~catalogue.adult[rows]]]][: MOST_IN_SITEMAP - len(ADDRESSES)]
    addresses = [*ADDRESSES, *(f"/anime/{anime_id}" for anime_id in ids)]
    base = html.escape(base)
    return SITEMAP_HEAD + "".join(f"<url><loc>{base}{address}</loc></url>\n" for address in addresses) + "</urlset>\n"


def with_head(document: str, anime: Anime, served: Served, base: str) -> str:
    """Return the document with title, Open Graph, canonical link and structured data of an anime in its head."""
    name = anime.title_english or anime.title
    about = description_of(anime)
    address = f"{base}/anime/{anime.anime_id}"
    image = served.image_url(anime)
    tags = {
        "og:type": "video.other",
        "og:title": name,
        "og:description": about,
        "og:url": address,
        "og:site_name": "anirec",
        "og:image": image if image and image.startswith("https://") else f"{base}{image}" if image else None,
    }
    head = [
        f'<meta name="description" content="{html.escape(about)}">',
        f'<link rel="canonical" href="{html.escape(address)}">',
        *(f'<meta property="{key}" content="{html.escape(value)}">' for key, value in tags.items() if value),
        f'<script type="application/ld+json">{script_json(linked_data(anime, address, tags["og:image"]))}</script>',
    ]
    before, title, rest = document.partition("<title>")
    if title:
        document = f"{before}{title}{html.escape(name)} – anirec</title>{rest.partition('</title>')[2]}"
    document = GENERAL_ABOUT.sub("", document)
    before, end, rest = document.partition(HEAD_END)
    return f"{before}{''.join(head)}{end}{rest}" if end else document


def description_of(anime: Anime) -> str:
    """Return facts in one line, as `TV, 2009, 64 episodes. Action, Drama.`, and what the page is about."""
    episodes = f"{anime.episodes} episode{'s' if anime.episodes != 1 else ''}" if anime.episodes else None
    facts = ", ".join(str(fact) for fact in (anime.type, anime.year, episodes) if fact)
    labels = ", ".join((*anime.genres, *anime.themes)[:6])
    return " ".join(f"{part}." for part in (facts, labels, "What is like it, and in which order to watch it") if part)


def linked_data(anime: Anime, address: str, image: str | None) -> dict[str, Any]:
    """Return schema.org's description of an anime."""
    rating = {
        "@type": "AggregateRating",
        "ratingValue": round(anime.score, 2) if anime.score else None,
        "bestRating": 10,
        "worstRating": 1,
        "ratingCount": anime.scored_by,
    }
    facts = {
        "@context": "https://schema.org",
        "@type": "Movie" if anime.type == "Movie" else "TVSeries",
        "name": anime.title,
        "alternateName": [title for title in (anime.title_english, anime.title_japanese) if title] or None,
        "url": address,
        "image": image,
        "genre": [*anime.genres, *anime.themes] or None,
        "datePublished": anime.start_date,
        "numberOfEpisodes": anime.episodes if anime.type != "Movie" else None,
        "aggregateRating": rating if anime.score and anime.scored_by else None,
        "sameAs": [f"https://myanimelist.net/anime/{anime.anime_id}"],
    }
    return {name: value for name, value in facts.items() if value is not None}


def script_json(value: Any) -> str:
    """Return JSON that may stand inside a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
