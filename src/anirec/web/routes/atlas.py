"""GET /map: all anime as points, and the similarity graph that they were laid out by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from anirec.service.atlas import Map
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.served import Served

Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="MyAnimeList's id.", examples=[5114])]
BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("map")

    @routes.get("/map", response_model=schemas.MapAbout)
    def about_map(asked: Annotated[schemas.AdultQuery, Query()]) -> Response:
        """Return what the map is, its labels and colours, and how its points are laid out in `/map/points`."""
        return json_answer(map_json(served.mapped(), adult=asked.adult))

    @routes.get("/map/points", response_class=Response, responses=BYTES)
    def points() -> Response:
        """Return the points as little-endian arrays, one after the other, as `layout` of `/map` says."""
        return Response(served.mapped().points().data, media_type="application/octet-stream")

    @routes.get("/map/neighbours/{anime_id}", response_model=schemas.MapNeighbours)
    def neighbours(anime_id: Id, asked: Annotated[schemas.AdultQuery, Query()]) -> Response:
        """Return the neighbours of an anime in the similarity graph, nearest first."""
        served.known(anime_id)
        beside = served.mapped().neighbours(anime_id, adult=asked.adult)
        return json_answer(
            {"items": [{"anime": served.card_of(one.anime), "weight": round(one.weight, 4)} for one in beside]}
        )

    return routes


def map_json(atlas: Map, *, adult: bool) -> dict[str, Any]:
    """Return a `MapAbout`."""
    about = atlas.about(adult=adult)
    labels = [
        {name: label[name] for name in ("x", "y", "text", "weight", "level", "community")} for label in about["labels"]
    ]
    return {
        "points": about["points"],
        "url": "/api/v1/map/points",
        "layout": [
            {"name": one["name"], "dtype": one["type"], "offset": one["offset"], "length": one["count"]}
            for one in about["layout"]
        ],
        "colours": {"genre": about["genres"], "community": about["communities"]},
        "labels": labels,
        "trustworthiness": _by_size(about.get("trustworthiness", {})),
        "random": _by_size(about.get("random", {})),
        "method": str(about.get("method", "")),
    }


def _by_size(figures: Any) -> dict[str, float]:
    """Return figures by the number of neighbours that they were measured with."""
    known = figures.get("trustworthiness", figures) if isinstance(figures, dict) else {}
    return {str(size): float(value) for size, value in known.items() if isinstance(value, int | float)}
