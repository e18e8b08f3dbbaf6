"""POST /lists/import: a person's own list, from a file or from a site. Nothing of it is kept or logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import anyio
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from anirec.core.anime import Anime
from anirec.service.lists import Site
from anirec.sources.own_list import OwnList
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import STATUS_NAMES
from anirec.web.served import Served

FILE: Final = {
    "type": "string",
    "format": "binary",
    "description": "MyAnimeList's export (.xml, .xml.gz), AniList's JSON, or a CSV with ids or titles.",
}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": FILE}, "required": ["file"]}},
            "application/json": {"schema": {"$ref": "#/components/schemas/SiteListRequest"}},
        },
    }
}


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("lists")
    readers = anyio.CapacityLimiter(2)  # large files and slow sites must not hold those who ask for recommendations

    @routes.post("/lists/import", response_model=schemas.ImportedList, openapi_extra=BODY)
    async def import_list(request: Request) -> Response:
        """Read a list: a file that a site exports, or the public list of a user of a named site.

        Give `file` as `multipart/form-data`, or `{"site": ..., "user": ...}` as JSON. It is read, answered, and
        forgotten.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            asked = _asked(await request.body())
            own = await anyio.to_thread.run_sync(served.sites.read, Site(asked.site), asked.user, limiter=readers)
        elif kind == "multipart/form-data":
            data = await _file(request)
            own = await anyio.to_thread.run_sync(served.read_upload, data, limiter=readers)
        else:
            raise HTTPException(415, "send a file as multipart/form-data, or a site and a user as application/json")
        return await run_in_threadpool(lambda: json_answer(imported_json(served, own)))

    return routes


def _asked(body: bytes) -> schemas.SiteListRequest:
    try:
        return schemas.SiteListRequest.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise HTTPException(422, f"the body is no JSON: {error}") from error
    except ValidationError as error:
        raise RequestValidationError([dict(found) for found in error.errors()]) from error


async def _file(request: Request) -> bytes:
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HTTPException(422, 'there is no file in the field "file"')
        return await file.read()


def imported_json(served: Served, own: OwnList) -> dict[str, Any]:
    """Return an `ImportedList`."""
    facts = served.service.facts.of(entry.anime_id for entry in own.entries)
    return {
        "source": own.kind,
        "entries": [
            {"anime_id": entry.anime_id, "score": entry.score, "status": STATUS_NAMES.get(entry.status)}
            for entry in own.entries
        ],
        "found": len(own.entries),
        "unknown": [{"title": row.title, "id": row.number, "reason": row.reason} for row in own.unused],
        "unknown_count": own.rows - len(own.entries),
        "adult_hidden": _n_adult(list(facts.values())),
        "titles": {str(anime_id): served.card_of(anime) for anime_id, anime in facts.items() if not anime.adult},
    }


def _n_adult(anime: Sequence[Anime]) -> int:
    return sum(one.adult for one in anime)
