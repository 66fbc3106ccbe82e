"""The API's description, made of what is served: its routes, and the documents that they answer with."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from aiohttp import web

from artfactoryd import __version__
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.reporting.caps import Period
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import OrderDocument
from artfactoryd.web.api.marking import Marks
from artfactoryd.web.api.versions import IN_SHORT, headers_of
from artfactoryd.web.replies import tagged
from artfactoryd.web.routes import Asked, Body, Query, Route

Schema = dict[str, Any]
SIMPLE: Mapping[object, Schema] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
    type(None): {"type": "null"}, Any: {}, object: {},
}  # fmt: skip
FLAT = frozenset({"product", "summary", "key", "money"})  # documents whose keys stand beside the others
OPTIONAL = frozenset({"overruns", "products"})  # of an order: told where it is asked for alone
PROBLEM: Schema = {
    "type": "object", "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "code": {"type": "string"}, "confirm_usd": {"type": "string"},
        "blockers": {"type": "array", "items": {
            "type": "object", "required": ["code", "who", "provider", "text"], "properties": {
                "code": {"type": "string"}, "who": {"type": "string"}, "text": {"type": "string"},
                "provider": {"type": ["string", "null"]},
            },
        }},
    },
}  # fmt: skip


class Description:
    """Served with the rest, and told the rest before anybody asks."""

    def __init__(self) -> None:
        self._routes: Sequence[Route] = ()

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/api/v1/openapi.json", self.show, "application/json", "This description.")

    def tell(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def show(self, request: web.Request, query: Query) -> web.StreamResponse:
        return tagged(request, described(self._routes))


def described(routes: Sequence[Route]) -> dict[str, object]:
    schemas: dict[str, Schema] = {"Problem": PROBLEM}
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        if route.told:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Art Factory", "version": __version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


DESCRIPTION = (
    "What a home is at, and what a person may say to it. Lists go on where `next` of the page before says. Answers "
    "have an ETag. A program that changes something sends JSON, or YAML, and no form. " + IN_SHORT
)


def _operation(route: Route, schemas: dict[str, Schema]) -> dict[str, object]:
    names = re.findall(r"\{(\w+)\}", route.path)
    path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    said = "_".join(part.strip("{}") for part in route.path.split("/") if part).replace(".", "_")
    operation: dict[str, object] = {
        "operationId": f"{route.method.lower()}_{said}",
        "summary": route.words,
        "parameters": [*path, *map(_parameter, route.asked)],
        "responses": {
            str(route.status): {
                "description": route.words,
                "headers": _headers(route),
                "content": _content(route.answer, schemas),
            },
            "default": {
                "description": "It was not done; why is said in words.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.leaving:
        operation["deprecated"] = True
    if route.body is not None:
        operation["requestBody"] = {"required": False, "content": _content(route.body, schemas)}
        if not isinstance(route.body, str):  # what means nothing is refused, not ignored
            schemas[route.body.__name__]["additionalProperties"] = False
    return operation


def _headers(route: Route) -> dict[str, object]:
    return {name: {"schema": {"type": "string"}} for name in headers_of(route.path, route.leaving)}


def _parameter(asked: Asked) -> dict[str, object]:
    schema: Schema = {"type": "string", "default": asked.default}
    if asked.most:
        schema |= {"type": "integer", "minimum": asked.least, "maximum": asked.most}
    if asked.choices:
        schema["enum"] = list(asked.choices)
    return {"name": asked.name, "in": "query", "description": asked.words, "schema": schema}


def _content(body: Body, schemas: dict[str, Schema]) -> dict[str, object]:
    if isinstance(body, str):
        return {body: {"schema": {"type": "string"} if body.startswith("text/") else {}}}
    return {"application/json": {"schema": _of_type(body, schemas)}}


def _of_type(kind: Any, schemas: dict[str, Schema]) -> Schema:
    if kind in SIMPLE:
        return dict(SIMPLE[kind])
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of_type(one, schemas) for one in inner]}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of_type(inner[1], schemas)}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": _of_type(inner[0], schemas)}
    if isinstance(kind, type) and issubclass(kind, JsonObject):
        return _of_object(kind, schemas)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [str(member.value) for member in kind]}
    return {"type": "object"}


def _of_object(kind: type[JsonObject], schemas: dict[str, Schema]) -> Schema:
    if kind.__name__ not in schemas:
        schemas[kind.__name__] = {}  # it may hold itself
        schemas[kind.__name__] = _object(kind, schemas)
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _object(kind: type[JsonObject], schemas: dict[str, Schema]) -> Schema:
    hints, properties = get_type_hints(kind), dict[str, Schema]()
    required: list[str] = []
    for member in fields(kind):  # type: ignore[arg-type]  # every one is a dataclass
        told = hints[member.name]
        if member.name in FLAT and isinstance(told, type) and issubclass(told, JsonObject):
            whole = _object(told, schemas)
            properties |= whole["properties"]
            required += whole["required"]
            continue
        properties[member.name] = _of_type(told, schemas)
        required += [member.name] if _is_required(member) else []
    schema: Schema = {"type": "object", "properties": properties, "required": required}
    if words := _words(kind):
        schema["description"] = words
    own = OWN.get(kind)
    return own(schema) if own else schema


def _is_required(member: Field[Any]) -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _words(kind: type) -> str:
    """None of those that Python writes itself."""
    words = kind.__doc__ or ""
    return "" if words.startswith(f"{kind.__name__}(") else " ".join(words.split())


def _order(schema: Schema) -> Schema:
    """Counts stand beside the rest."""
    properties = {name: value for name, value in schema["properties"].items() if name != "items_by_state"}
    properties |= {f"{state}_items": {"type": "integer"} for state in ItemState}
    required = [name for name in schema["required"] if name != "items_by_state" and name not in OPTIONAL]
    return {**schema, "properties": properties, "required": required}


def _period(schema: Schema) -> Schema:
    """Its name is a key, of the date."""
    properties = {name: value for name, value in schema["properties"].items() if name not in ("name", "date")}
    properties |= {"day": {"type": "string"}, "month": {"type": "string"}}
    return {**schema, "properties": properties, "required": ["counted_usd", "cap_usd", "left_usd"]}


def _some(schema: Schema) -> Schema:
    return {**schema, "minProperties": 1}


OWN: Mapping[type, Callable[[Schema], Schema]] = {OrderDocument: _order, Period: _period, Marks: _some}
