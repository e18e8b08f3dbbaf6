"""One JSON object a line on standard error: what was asked by the route's template, never with what.

A log holds no path of a request, no query, no body and no address: those say who likes what. A mistake of ours is
logged by its kind and the places in the code, without the message, which may hold a title or an id. A line has none but
the `FIELDS`: what is not named there cannot get in, whoever logs it.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
import time
import traceback
import uuid
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.stdlib import BoundLogger, ProcessorFormatter

from anirec.web import metrics
from anirec.web.problems import BY_STATUS, problem

FIELDS: Final = (
    *("time", "level", "event", "id", "trace"),
    *("method", "route", "status", "ms"),
    *("error", "at"),
    *("what", "bundle", "served", "why", "detail"),
)
"""What a line may have, in this order. id: of the request. trace: of OpenTelemetry. detail: of a bundle that was
refused: files and folders of the server."""
API: Final = "/api/v1"
GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
QUIET: Final = frozenset({"/health", "/ready", "/metrics", "/api/v1/health", "/api/v1/ready"})
"""Asked every few seconds by what watches the server; logged only where they fail."""

Line = MutableMapping[str, Any]


def logger(name: str) -> BoundLogger:
    """Return a logger; everything it says has the id of the request that it is said in."""
    wrapped: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            merge_contextvars,
            _placed,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )
    return wrapped


def formatter() -> ProcessorFormatter:
    """Return what makes a line of a record, ours or another package's."""
    return ProcessorFormatter(foreign_pre_chain=[_placed], processors=[_known, _rendered])


def _placed(_logger: Any, _method: str, line: Line) -> Line:
    """Say of an error what it is and where it came from, instead of what it says."""
    found = line.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        line["error"], line["at"] = type(error).__name__, places_of(error)
    return line


def _known(_logger: Any, _method: str, line: Line) -> Line:
    record: logging.LogRecord = line["_record"]
    line["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    line["level"] = record.levelname.lower()
    return {name: line[name] for name in FIELDS if name in line}


def _rendered(_logger: Any, _method: str, line: Mapping[str, Any]) -> str:
    return orjson.dumps(line, default=str).decode()


def places_of(error: BaseException | None) -> list[str]:
    """Return where in the code an error came from, outermost first: `recommend.py:41 item_json`."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


LOGGER: Final = logger("anirec.web")


def configuration(level: str = "INFO") -> dict[str, Any]:
    """Return a `logging.config` for the server; uvicorn takes it as `log_config`."""
    own = {"handlers": ["lines"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "anirec.web.logs.formatter"}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "loggers": {"anirec": own, "uvicorn": own, "uvicorn.access": {"handlers": [], "propagate": False}},
        "root": {"handlers": ["lines"], "level": "WARNING"},  # other packages: that they cannot reach a collector, say
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
        with bound_contextvars(id=name):
            await self._logged(name, scope, receive, send)

    async def _logged(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
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
            LOGGER.exception("mistake")
            if status == 0:
                detail = "this is a mistake in anirec, not in your request; the log has it under this request's id"
                await problem(BY_STATUS[500], detail, request_id=name)(scope, receive, noted)
        _note(scope, status, time.perf_counter() - started)


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = template_of(scope)
    metrics.SECONDS.labels(scope["method"], route, str(status)).observe(seconds)
    if route in QUIET and status < 400:
        return
    LOGGER.info("request", method=scope["method"], route=route, status=status, ms=round(1e3 * seconds, 2))


def template_of(scope: Scope) -> str:
    """Return the route of a request as it was declared, "other" for what is none of ours, or was not let in."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return "other"
    inside = scope["path"].startswith(API) and not path.startswith(API)  # a router's own routes do not say where it is
    return f"{API}{path}" if inside else str(path)
