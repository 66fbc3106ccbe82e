"""The API's description, made of what is served: its routes, and the documents that they answer with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aiohttp import web

from artfactoryd import __version__
from artfactoryd.web.api import schemas
from artfactoryd.web.api.schemas import Schema
from artfactoryd.web.api.versions import IN_SHORT, headers_of
from artfactoryd.web.replies import tagged
from artfactoryd.web.routes import Asked, Body, Query, Route

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
    known: dict[str, Schema] = {"Problem": PROBLEM}
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        if route.told:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Art Factory", "version": __version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": known, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


DESCRIPTION = (
    "What a home is at, and what a person may say to it. Lists go on where `next` of the page before says. Answers "
    "have an ETag. A program that changes something sends JSON, or YAML, and no form. " + IN_SHORT
)


def _operation(route: Route, known: dict[str, Schema]) -> dict[str, object]:
    names = re.findall(r"\{(\w+)\}", route.path)
    path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    said = "_".join(part.strip("{}") for part in route.path.split("/") if part).replace(".", "_")
    operation: dict[str, object] = {
        "operationId": f"{route.method.lower()}_{said}",
        "summary": route.words,
        "parameters": [*path, *map(_parameter, route.asked)],
        "responses": _responses(route, known),
    }
    if route.leaving:
        operation["deprecated"] = True
    if isinstance(route.body, str):
        operation["requestBody"] = {"required": route.needs_body, "content": _content(route.body, known)}
    elif route.body is not None:
        content = {"application/json": {"schema": schemas.body(route.body, known)}}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    return operation


def _responses(route: Route, known: dict[str, Schema]) -> dict[str, object]:
    answer = {"description": route.words, "headers": _headers(route), "content": _content(route.answer, known)}
    responses: dict[str, object] = {str(status): answer for status in (route.status, *route.also)}
    if route.method == "GET":
        responses["304"] = {"description": "As it was when it was asked for last (If-None-Match)."}
    responses["default"] = {
        "description": "It was not done; why is said in words.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return responses


def _headers(route: Route) -> dict[str, object]:
    return {name: {"schema": {"type": "string"}} for name in headers_of(route.path, route.leaving)}


def _parameter(asked: Asked) -> dict[str, object]:
    schema: Schema = {"type": "string", "default": asked.default}
    if asked.most:
        schema |= {"type": "integer", "minimum": asked.least, "maximum": asked.most}
    if asked.choices:
        schema["enum"] = list(asked.choices)
    if asked.pattern:
        schema["pattern"] = f"^({asked.pattern})?$"
    return {"name": asked.name, "in": "query", "description": asked.words, "schema": schema}


def _content(body: Body, known: dict[str, Schema]) -> dict[str, object]:
    if isinstance(body, str):
        return {body: {"schema": {"type": "string"} if body.startswith("text/") else {}}}
    return {"application/json": {"schema": schemas.described(body, known)}}
