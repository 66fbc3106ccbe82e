"""Which versions of the API there are, and how whoever uses an address is told that it goes away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from artfactoryd import __version__
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.web.replies import tagged
from artfactoryd.web.routes import Leaving, Query, Route

VERSION = "1"
HEADER = "API-Version"
IN_SHORT = (
    "Within a version nothing is taken away and nothing changes its meaning; names may be added. What is to go answers "
    "for at least half a year with the headers Deprecation (since when), Sunset (until when) and Link (what to use)."
)


@dataclass(frozen=True, slots=True)
class VersionDocument(JsonObject):
    """`status`: current or deprecated."""

    version: str
    path: str
    description: str  # the address of its OpenAPI description
    status: str


@dataclass(frozen=True, slots=True)
class VersionsDocument(JsonObject):
    """`program`: the version of the program."""

    program: str
    versions: Sequence[VersionDocument]
    promise: str


class Versions:
    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/api", self.show, VersionsDocument, "The versions of this API.")

    async def show(self, request: web.Request, query: Query) -> web.StreamResponse:
        version = VersionDocument(VERSION, f"/api/v{VERSION}", f"/api/v{VERSION}/openapi.json", "current")
        return tagged(request, VersionsDocument(__version__, [version], IN_SHORT))


def headers_of(path: str, leaving: Leaving | None) -> Mapping[str, str]:
    """Of an answer, whatever it says; `leaving`: of an address that goes away."""
    if not f"{path}/".startswith("/api/"):
        return {}
    return {HEADER: VERSION, **(leaving.headers if leaving else {})}
