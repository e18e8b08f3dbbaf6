"""GET /api/docs: the OpenAPI document as a plain page, without a script and without anything from elsewhere."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse


def router() -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/api/docs")
    def docs(request: Request) -> Response:
        return HTMLResponse(page_of(request.app.openapi()), headers={"cache-control": "no-cache"})

    return routes


def page_of(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>anirec: the API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>',
        f"<h1>{_text(document['info']['title'])} {_text(document['info']['version'])}</h1>",
        f"<p>{_text(document['info']['description'])} "
        '<a href="/api/v1/openapi.json">The OpenAPI document</a>, to generate a client from.</p>',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(method, path, operation, document))
    parts.append("<h2>Schemas</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(f'<h3 id="{_text(name)}">{_text(name)}</h3><p>{_text(schema.get("description", ""))}</p>')
        parts.append(_fields(schema))
    return "".join([*parts, "</body></html>"])


def _operation(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    parts = [f"<h2><code>{_text(method.upper())} {_text(path)}</code></h2><p>{_text(operation.get('description', ''))}"]
    for parameter in operation.get("parameters", ()):
        about = _kind(parameter["schema"])
        told = parameter.get("description") or parameter["schema"].get("description", "")
        parts.append(f"<li><code>{_text(parameter['name'])}</code>: {about}. {_text(told)}")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{_text(kind)}</code>: {_kind(content['schema'])}</p>")
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        examples = document["components"]["schemas"].get(name, {}).get("examples", ())
        parts += [f"<pre>{_text(json.dumps(one, ensure_ascii=False, indent=1))}</pre>" for one in examples]
    for kind, content in operation["responses"].get("200", {}).get("content", {}).items():
        parts.append(f"<p>Answer, <code>{_text(kind)}</code>: {_kind(content.get('schema', {}))}</p>")
    return "".join(parts)


def _fields(schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = [
        f"<li><code>{_text(name)}</code>{'' if name in needed else ' (may be left out)'}: {_kind(field)}. "
        f"{_text(field.get('description', ''))}"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"<ul>{''.join(rows)}</ul>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value is, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_text(name)}">{_text(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(_text(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return _text(" ".join([str(schema.get("type", "anything")), *bounds]))


def _text(value: object) -> str:
    return html.escape(str(value))
