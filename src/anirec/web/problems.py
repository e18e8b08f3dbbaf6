"""Errors as RFC 9457's problem documents, each kind under a name that stays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from anirec.core.errors import (
    AmbiguousTitle,
    AnirecError,
    BadTable,
    BundleError,
    InputError,
    MissingAbility,
    SiteError,
    TitleError,
    TitleMatch,
    UnknownTitle,
    Unreachable,
)
from anirec.service.lists import NoSuchUser
from anirec.web.answers import json_answer
from anirec.web.served import UnknownAnime
from anirec.web.sites import SiteBusy

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, its name in `type`, and a title."""

    status: int
    slug: str
    title: str


KINDS: Final[Mapping[type[AnirecError], Kind]] = {
    UnknownAnime: Kind(404, "unknown-anime", "Unknown anime"),
    NoSuchUser: Kind(404, "unknown-user", "Unknown user"),
    SiteBusy: Kind(429, "site-busy", "Too much is asked of the site"),
    UnknownTitle: Kind(422, "unknown-title", "Unknown title"),
    AmbiguousTitle: Kind(422, "ambiguous-title", "Ambiguous title"),
    InputError: Kind(422, "bad-input", "This cannot be used as it is"),
    BadTable: Kind(422, "bad-list", "No list of anime"),
    MissingAbility: Kind(404, "not-in-this-bundle", "Not in this bundle"),
    SiteError: Kind(502, "site", "A site does not answer"),
    Unreachable: Kind(503, "unreachable", "Something it depends on does not answer"),
    BundleError: Kind(503, "bundle", "The bundle cannot be read"),
}
"""Looked up by the nearest base of an error."""

BY_STATUS: Final[Mapping[int, Kind]] = {
    400: Kind(400, "bad-request", "This is no request"),
    404: Kind(404, "not-found", "Nothing here"),
    405: Kind(405, "method", "Not asked for like this"),
    408: Kind(408, "slow", "Too slow"),
    413: Kind(413, "too-large", "Too large"),
    415: Kind(415, "media-type", "Not a kind of file that is read here"),
    421: Kind(421, "host", "Not this server"),
    422: Kind(422, "bad-request", "This request cannot be read"),
    429: Kind(429, "too-many-requests", "Too many requests"),
    500: Kind(500, "mistake", "A mistake of ours"),
}


def problem(
    kind: Kind, detail: str, *, request_id: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem document. more: further members, as `matches`."""
    document = {"type": f"/problems/{kind.slug}", "title": kind.title, "status": kind.status, "detail": detail}
    answer = json_answer(
        document | ({"instance": request_id} if request_id else {}) | more, status=kind.status, media_type=MEDIA_TYPE
    )
    answer.headers.update(headers or {})
    return answer


def kind_of(error: AnirecError) -> Kind:
    """Return the kind of problem that an error is."""
    return next((KINDS[base] for base in type(error).__mro__ if base in KINDS), BY_STATUS[500])


def match_json(match: TitleMatch) -> dict[str, Any]:
    """Return a `TitleMatch` as it goes over HTTP."""
    facts = {"anime_id": match.anime_id, "title": match.title, "year": match.year, "type": match.kind}
    return facts | {"similarity": round(match.similarity, 1)}


def request_id(request: Request) -> str | None:
    """Return the id that the request was given."""
    found = request.scope.get("anirec.request_id")
    return str(found) if found else None


def add_handlers(app: FastAPI) -> None:
    """Let an application answer every error with a problem document."""
    app.add_exception_handler(AnirecError, _deliberate)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)


async def _deliberate(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnirecError)  # noqa: S101 - registered for these alone
    kind = kind_of(error)
    more: dict[str, Any] = {}
    detail = str(error)
    if isinstance(error, TitleError):
        more = {"matches": [match_json(match) for match in error.candidates]}
        detail = detail.splitlines()[0]
    if isinstance(error, SiteBusy):
        return problem(kind, detail, request_id=request_id(request), headers=_again(error.seconds))
    return problem(kind, detail, request_id=request_id(request), **more)


def _again(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(seconds))}


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these alone
    fields = [
        {"field": ".".join(str(part) for part in found["loc"]), "problem": str(found["msg"])}
        for found in error.errors()[:20]
    ]
    detail = "; ".join(f"{found['field']}: {found['problem']}" for found in fields[:3]) or "it cannot be read"
    return problem(BY_STATUS[422], detail, request_id=request_id(request), fields=fields)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    kind = BY_STATUS.get(error.status_code, Kind(error.status_code, f"http-{error.status_code}", str(error.detail)))
    return problem(kind, str(error.detail), request_id=request_id(request), headers=error.headers)
