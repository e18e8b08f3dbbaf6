"""One JSON object a line on standard error: what was asked by the route's template, never with what.

A log holds no path, no query, no body and no address: those say who likes what. A mistake of ours is logged by its kind
and the places in the code, without the message, which may hold a title or an id.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
import traceback
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anirec.web import metrics
from anirec.web.problems import BY_STATUS, problem

LOGGER: Final = logging.getLogger("anirec.web")
API: Final = "/api/v1"
GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
QUIET: Final = frozenset({"/health", "/ready", "/metrics", "/api/v1/health", "/api/v1/ready"})
"""Asked every few seconds by what watches the server; logged only where they fail."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = places_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def places_of(error: BaseException | None) -> list[str]:
    """Return where in the code an error came from, outermost first: `recommend.py:41 item_json`."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


def configuration(level: str = "INFO") -> dict[str, Any]:
    """Return a `logging.config` for the server; uvicorn takes it as `log_config`."""
    own = {"handlers": ["lines"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "anirec.web.logs.JsonLines"}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "loggers": {"anirec": own, "uvicorn": own, "uvicorn.access": {"handlers": [], "propagate": False}},
    }


class RequestLog:
    """Gives every request an id, measures and logs it, and answers 500 where the application broke."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        name = given.decode() if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        scope["anirec.request_id"] = name
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            LOGGER.exception("mistake", extra={"facts": {"id": name}})
            if status == 0:
                detail = "this is a mistake in anirec, not in your request; the log has it under this request's id"
                await problem(BY_STATUS[500], detail, request_id=name)(scope, receive, noted)
        _note(scope, name, status, time.perf_counter() - started)


def _note(scope: Scope, name: str, status: int, seconds: float) -> None:
    route = template_of(scope)
    metrics.SECONDS.labels(scope["method"], route, str(status)).observe(seconds)
    if route in QUIET and status < 400:
        return
    facts = {"id": name, "method": scope["method"], "route": route, "status": status, "ms": round(1e3 * seconds, 2)}
    LOGGER.info("request", extra={"facts": facts})


def template_of(scope: Scope) -> str:
    """Return the route of a request as it was declared, "other" for what is none of ours, or was not let in."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return "other"
    inside = scope["path"].startswith(API) and not path.startswith(API)  # a router's own routes do not say where it is
    return f"{API}{path}" if inside else str(path)
