"""OpenTelemetry, where the environment asks for it: one span a request, named by the route's template.

`OTEL_TRACES_EXPORTER=otlp` (or `console`) switches it on; where to is told by `OTEL_EXPORTER_OTLP_ENDPOINT` and more,
as OpenTelemetry has them. A span says no more than a line of the log does: no path, no query, no body, no address.
Without it the SDK is not even loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from anirec.core.errors import InputError, MissingAbility

VARIABLE: Final = "OTEL_TRACES_EXPORTER"
INSTALL: Final = f"{VARIABLE} asks for traces, which need OpenTelemetry: pip install 'anirec[trace]'"


def wanted() -> str | None:
    """Return the exporter that the environment asks for, None = traces are off."""
    named = os.environ.get(VARIABLE, "none").strip().lower()
    off = named in ("", "none") or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return None if off else named


@cache
def tracer() -> Any | None:
    """Return what makes spans in this process, None where traces are off.

    Raises:
        InputError: the environment asks for an exporter that is not known.
        MissingAbility: OpenTelemetry is not installed.
    """
    named = wanted()
    if named is None:
        return None
    if named not in EXPORTERS:
        raise InputError(f"{VARIABLE} is {named}; known are {', '.join(EXPORTERS)} and none")
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        exporter = EXPORTERS[named]()
    except ImportError as error:
        raise MissingAbility(INSTALL) from error
    name = os.environ.get("OTEL_SERVICE_NAME", "anirec")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))  # a collector that is down holds no request up
    return provider.get_tracer("anirec")


def _otlp() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra

    return OTLPSpanExporter()


def _console() -> Any:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - an extra

    return ConsoleSpanExporter()


EXPORTERS: Final[Mapping[str, Callable[[], Any]]] = {"otlp": _otlp, "console": _console}


class Traced:
    """Makes a span of every request, within that of who asked where a `traceparent` names it."""

    def __init__(self, app: ASGIApp, tracer: Any, template: Callable[[Scope], str]) -> None:
        """Wrap an application. tracer: makes spans. template: says the route of a request."""
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._app, self._tracer, self._template = app, tracer, template
        self._kind, self._error = SpanKind.SERVER, StatusCode.ERROR
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named = {b"traceparent": "traceparent", b"tracestate": "tracestate"}
        carrier = {named[key]: value.decode("latin-1") for key, value in scope["headers"] if key in named}
        context = self._propagator.extract(carrier)
        with self._tracer.start_as_current_span(scope["method"], context=context, kind=self._kind) as span:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._told(span, scope, message["status"])
                await send(message)

            with bound_contextvars(trace=format(span.get_span_context().trace_id, "032x")):
                await self._app(scope, receive, noted)

    def _told(self, span: Any, scope: Scope, status: int) -> None:
        route = self._template(scope)
        span.update_name(f"{scope['method']} {route}")
        span.set_attributes(
            {
                "http.request.method": scope["method"],
                "http.route": route,
                "http.response.status_code": status,
                "anirec.request_id": scope.get("anirec.request_id", ""),
            }
        )
        if status >= 500:
            span.set_status(self._error)
