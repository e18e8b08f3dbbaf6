"""What is served, what can be filtered by, and whether it lives."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
from fastapi import APIRouter, Response

from anirec.core.catalogue import KINDS
from anirec.recommenders.blend import Blend
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.served import Served


def router(served: Served) -> APIRouter:
    """Return the routes under `/api/v1`."""
    routes = routes_about("about")
    routes.include_router(life(served))

    @routes.get("/genres", response_model=schemas.Genres)
    def genres() -> Response:
        """Return what can be filtered by."""
        return json_answer(genres_json(served))

    @routes.get("/model", response_model=schemas.ModelAbout)
    def model() -> Response:
        """Return what is served, how good it was found to be, and what it can do."""
        return json_answer(model_json(served))

    return routes


def life(served: Served) -> APIRouter:
    """Return the routes that stand at the root, too."""
    routes = routes_about("about")

    def last_swap() -> dict[str, Any] | None:
        last = served.lasting.last
        return last.public() if last else None

    @routes.get("/health", response_model=schemas.Health)
    async def health() -> Response:
        """Return that the process lives."""
        return json_answer({"status": "ok"})

    @routes.get("/ready", response_model=schemas.Ready)
    async def ready() -> Response:
        """Return that requests are answered, from which bundle, and what became of the last wish for another one."""
        return json_answer({"status": "ok", "bundle": served.bundle_hash[:12], "last_swap": last_swap()})

    @routes.get("/version", response_model=schemas.Version)
    async def which_version() -> Response:
        """Return which anirec runs, with which bundle."""
        bundle = served.bundle_hash[:12]
        return json_answer({"version": version("anirec"), "bundle": bundle, "last_swap": last_swap()})

    return routes


def genres_json(served: Served) -> dict[str, Any]:
    """Return `Genres`."""
    catalogue = served.service.catalogue
    years = catalogue.years[catalogue.years > 0]
    labels = served.labels
    return {
        "genres": labels["genres"],
        "themes": labels["themes"],
        "demographics": labels["demographics"],
        "types": [kind for code, kind in enumerate(KINDS) if code and np.any(catalogue.kinds == code)],
        "airing": labels["airing"],
        "years": [int(years.min()), int(years.max())] if len(years) else [0, 0],
    }


def model_json(served: Served) -> dict[str, Any]:
    """Return `ModelAbout`."""
    service = served.service
    return {
        "name": service.path.name,
        "models": sorted(service.models),
        "parts": _parts(served),
        "lenses": list(service.lenses),
        "default_model": service.default_model,
        "created": service.manifest.get("created"),
        "figures": card_tables(served.card),
        "card_markdown": served.card,
        "has": {
            "search": served.search is not None,
            "map": served.atlas is not None,
            "passages": served.search is not None and served.search.index.chunks.passages is not None,
            "crowd": "crowd" in service.lenses,
            "lists": served.sites.available,
        },
    }


def _parts(served: Served) -> list[str]:
    model = served.service.model()
    return list(model.parts) if isinstance(model, Blend) else []


def card_tables(markdown: str) -> list[dict[str, Any]]:
    """Return the rows of a model card's tables, by column."""
    rows: list[dict[str, Any]] = []
    columns: list[str] = []
    for line in markdown.splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not columns:
            columns = cells
        elif not _is_rule(cells):
            rows.append(dict(zip(columns, cells, strict=False)))
    return rows


def _is_rule(cells: Iterable[str]) -> bool:
    return all(set(cell) <= set("-: ") for cell in cells)
