"""The application: routes under `/api/v1`, the page beside them, and the layers around both."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from anirec.web import metrics, problems, schemas, traces
from anirec.web.caching import Caching
from anirec.web.limits import Gate, RateLimit
from anirec.web.logs import RequestLog, template_of
from anirec.web.routes import about, anime, atlas, browse, docs, groups, lists, page, recommend, search
from anirec.web.security import SecurityHeaders, TrustedHosts
from anirec.web.served import Served
from anirec.web.settings import Images

PREFIX: Final = "/api/v1"
DESCRIPTION: Final = (
    "Recommends anime: from your list, a few favourites, one title, or a mood in your own words. Nothing that you send "
    "is kept. Errors are problem documents (RFC 9457) with a stable `type`."
)
ROUTERS: Final = (recommend, anime, search, lists, groups, browse, atlas, about)
LEAST_ZIPPED: Final = 1_000
"""Bytes from which an answer is zipped."""
SWITCH_SECONDS: Final = 0.001
"""How long a thread may hold the interpreter while another waits: with Python's 5 ms, whoever asks for the server's
health would wait behind every sum."""

WARM_SECONDS: Final = 10.0
"""That a server which is stopped while it is getting warm waits for that at most."""
SILENT: Final[Any] = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI's own telemetry (from 0.16x on) puts paths and queries into spans, and what errors say into logs: those say
who likes what. `web.traces` is in its place. Older ones keep the argument and do nothing with it."""

_PROBLEM: Final[dict[str, Any]] = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
}
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: _PROBLEM | {"description": about}
    for status, about in {
        400: "This is no request.",
        404: "Not known here, or not in this bundle.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        415: "Not a kind of file that is read here.",
        421: "This server does not answer to that name.",
        422: "The request cannot be used as it is.",
        429: "Too many requests; `Retry-After` says when to come again.",
    }.items()
}


def create_app(served: Served, folder: Path | None = None) -> FastAPI:
    """Return the application that answers from what is served. folder: of the built page, None = the API alone."""
    app = FastAPI(
        title="anirec",
        summary="Anime recommendations with reasons.",
        description=DESCRIPTION,
        version=version("anirec"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
        lifespan=_lifespan(served),
        telemetry=SILENT,
    )
    problems.add_handlers(app)
    for of_subject in ROUTERS:
        routes = of_subject.router(served)
        app.include_router(routes, prefix=PREFIX, responses=PROBLEMS)
    app.include_router(about.life(served), include_in_schema=False)
    app.include_router(docs.router())
    _add_metrics(app)
    if served.settings.images is Images.PROXY:
        from anirec.web.routes import images  # noqa: PLC0415 - an HTTP client, .1 s to load

        app.include_router(images.router(served))
    app.include_router(page.router(served, folder))
    _describe(app)
    _surround(app, served)
    return app


def _lifespan(served: Served) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        anyio.to_thread.current_default_thread_limiter().total_tokens = served.settings.threads
        served.show()
        warming = threading.Thread(target=served.warm, name="warm", daemon=True)
        warming.start()
        yield
        await anyio.to_thread.run_sync(warming.join, WARM_SECONDS)  # a thread that is in C++ must not be cut off

    return lifespan


def _add_metrics(app: FastAPI) -> None:
    @app.get("/metrics", include_in_schema=False)
    def exposed() -> Response:
        content, kind = metrics.exposition()
        return Response(content, headers={"content-type": kind})


def _surround(app: FastAPI, served: Served) -> None:
    """Put the layers around the application, the innermost first."""
    settings, lasting = served.settings, served.lasting
    app.add_middleware(Gate, settings=settings, everybody=lasting.everybody, uploads=lasting.uploads)
    app.add_middleware(Caching, version=f"{version('anirec')}-{served.bundle_hash[:16]}-{settings.images}")
    app.add_middleware(RateLimit, bucket=lasting.bucket)
    app.add_middleware(GZipMiddleware, minimum_size=LEAST_ZIPPED, compresslevel=4)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors),
            allow_methods=["GET", "POST"],
            allow_headers=["content-type", "x-request-id"],
            expose_headers=["etag", "retry-after", "x-request-id"],
        )
    app.add_middleware(TrustedHosts, hosts=settings.trusted_hosts)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(RequestLog)
    if (tracer := traces.tracer()) is not None:
        app.add_middleware(traces.Traced, tracer=tracer, template=template_of)


def _operation_id(route: APIRoute) -> str:
    """Return the name of an operation in generated clients."""
    return route.name


def _describe(app: FastAPI) -> None:
    """Put into the OpenAPI document what FastAPI does not: schemas that are read by hand or in errors."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            named = document["components"]["schemas"]
            for model in (schemas.Problem, schemas.SiteListRequest):
                whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
                named.update({**whole.pop("$defs", {}), model.__name__: whole})
            for name in ("HTTPValidationError", "ValidationError"):
                named.pop(name, None)
        return app.openapi_schema or made()

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI names for it
