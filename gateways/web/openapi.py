"""The OpenAPI 3.1 document, printed from the table of routes. Schemas come from the very types that validate."""

import re
from collections.abc import Sequence
from typing import Any, get_origin

import msgspec

from gateways.web.idempotency import HEADER
from gateways.web.problems import CATALOGUE, MEDIA_TYPE, ProblemBody
from gateways.web.table import Route, Scope

_REF = "#/components/schemas/{name}"
_TITLE = "Voltroupe admin API"
_DESCRIPTION = """Bearer token. Errors are problem details (RFC 9457) with a stable `type`. Lists are
`{"items": [...], "next": cursor or null}`. Times are RFC 3339 in UTC, energy `_wh`, power `_w`, money
`{"amount_minor": 1234, "currency": "EUR"}`, a cost `{"excl", "incl", "vat"}`. A `/` inside an id is written `%2F`."""

_EXAMPLE_PATHS = {
    "tenant": "acme", "station": "CS-0001", "type": "ISO14443", "uid": "04A2B3C4D5E681", "action": "RemoteStartTransaction",
    "book": "monitor", "request_id": "1",
}  # fmt: skip


def document(routes: Sequence[Route], version: str, url: str | None) -> dict[str, Any]:
    types = [ProblemBody]
    for route in routes:
        types += [type_ for type_ in (route.body, route.answer) if type_ not in (None, bytes, str)]
        types += [query.type for query in route.query]
    unique = list({repr(type_): type_ for type_ in types}.values())
    schemas, components = msgspec.json.schema_components(unique, schema_hook=_hook, ref_template=_REF)
    known = dict(zip((repr(type_) for type_ in unique), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": _TITLE,
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url or "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {slug: _problem_response(slug) for slug in CATALOGUE},
        },
    }


def _hook(type_: Any) -> dict[str, Any]:
    """Types that msgspec has no schema for: the API says 'any JSON'."""
    return {}


def _operation(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route, known), *_header_parameters(route)],
        "responses": _responses(route, known),
    }
    if route.description:
        operation["description"] = route.description
    if route.scope is Scope.PUBLIC:
        operation["security"] = []
    if route.body is not None:
        schema = {"type": "string"} if route.body is bytes else known[repr(route.body)]
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {route.body_media: {"schema": schema}},
        }
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            **({"example": _EXAMPLE_PATHS[name]} if name in _EXAMPLE_PATHS else {}),
        }
        for name in route.parameters
    ]


def _query_parameters(route: Route, known: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for query in route.query:
        schema = dict(known[repr(query.type)])
        if query.name == "limit":
            schema |= {"minimum": 1, "maximum": 1000}
        if query.default is not None:
            schema["default"] = query.default
        found.append(
            {"name": query.name, "in": "query", "required": query.required, "description": query.description, "schema": schema}
        )
    return found


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.stream:
        return [{"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "Resume after this event"}]
    if route.method != "POST":
        return []
    text = "The same key and body again: the answer of the first, done once"
    return [{"name": HEADER, "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}, "description": text}]


def _responses(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.answer is not None:
        schema = {"type": "string"} if route.answer in (str, bytes) else known[repr(route.answer)]
        content = {"content": {route.answer_media.partition(";")[0]: {"schema": schema}}}
    responses: dict[str, Any] = {str(route.status): {"description": route.summary, **content}}
    for status, meaning in route.other_statuses.items():
        responses[str(status)] = {"description": meaning, **content}
    by_status: dict[int, list[str]] = {}
    for slug in _slugs(route):
        by_status.setdefault(CATALOGUE[slug][0], []).append(slug)
    for status, slugs in sorted(by_status.items()):
        if str(status) not in responses:
            responses[str(status)] = (
                {"$ref": f"#/components/responses/{slugs[0]}"} if len(slugs) == 1 else _problem_response(*slugs)
            )
    return responses


def _slugs(route: Route) -> list[str]:
    slugs = ["invalid-parameter", "internal-error"]
    if route.scope is Scope.PUBLIC:
        return slugs
    slugs += ["unauthenticated", "too-many-requests", "forbidden", "not-found"]
    slugs += ["overloaded", "actor-stopped", "database-away", "actor-crashed", "timeout"]
    if route.body is not None:
        slugs += ["malformed-body", "invalid-body", "too-large", "unsupported-media-type"]
    if route.method == "POST":
        slugs += ["idempotency-conflict", "idempotency-mismatch"]
    if route.writes:
        slugs += ["conflict", "refused"]
    return [*dict.fromkeys([*slugs, *route.problems])]


def _problem_response(*slugs: str) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{slug}`: {CATALOGUE[slug][1]}" for slug in slugs),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }


def schema_name(type_: Any) -> str:
    """How people read a type in the docs page."""
    if type_ in (None, bytes, str):
        return {None: "", bytes: "text", str: "text"}[type_]
    if get_origin(type_) is dict:
        return "object"
    return re.sub(r"[\w.]+\.", "", str(type_) if get_origin(type_) else type_.__name__)
