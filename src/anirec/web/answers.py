"""JSON in and out, each read and made once: routes give plain dictionaries, which go out as they are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute


def json_answer(content: Any, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Return a response that holds `content` as JSON in UTF-8."""
    return Response(orjson.dumps(content), status_code=status, media_type=media_type)


class JsonRequest(Request):
    """A request whose JSON is read by orjson: strict, fast, and no deeper than 1,024 levels."""

    async def json(self) -> Any:
        """Return what the body holds; errors are those that FastAPI knows."""
        return orjson.loads(await self.body())


class JsonRoute(APIRoute):
    """A route that reads its request as a `JsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handled


def routes_about(subject: str) -> APIRouter:
    """Return a router for what belongs together in the document."""
    return APIRouter(tags=[subject], route_class=JsonRoute)
