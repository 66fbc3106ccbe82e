"""Each answer of the API tells its version; what goes away says since when, until when, and what to use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest
from aiohttp import web

from artfactoryd.web.api.openapi import described
from artfactoryd.web.api.versions import Versions, headers_of
from artfactoryd.web.routes import Leaving, Query, Route
from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def nothing(request: web.Request, query: Query) -> web.StreamResponse:
    return web.Response()


OLD = Route(
    "GET", "/api/v1/old", nothing, "text/plain", "An old one.",
    leaving=Leaving(date(2026, 12, 1), date(2027, 6, 1), "/api/v1/new"),
)  # fmt: skip
NEW = Route("GET", "/api/v1/new", nothing, "text/plain", "A new one.")
GOES = {
    "API-Version": "1", "Deprecation": f"@{int(datetime.combine(date(2026, 12, 1), time(), UTC).timestamp())}",
    "Sunset": "Tue, 01 Jun 2027 00:00:00 GMT", "Link": '</api/v1/new>; rel="successor-version"',
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "leaving", "headers"),
    [
        ("/api/v1/old", OLD.leaving, GOES), ("/api/v1/new", None, {"API-Version": "1"}),
        ("/api", None, {"API-Version": "1"}), ("/", None, {}), ("/apiary", None, {}), ("/metrics", None, {}),
    ],
)  # fmt: skip
def test_answers_of_the_api_tell_its_version_and_what_goes_away(
    path: str, leaving: Leaving | None, headers: dict[str, str]
) -> None:
    assert headers_of(path, leaving) == headers


async def test_they_are_on_what_is_answered_and_on_what_is_refused(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def routes(self: Versions) -> Iterator[Route]:
        yield from (OLD, NEW)

    monkeypatch.setattr(Versions, "routes", routes)
    async with visited(home, monkeypatch) as (_, visitor):
        for path, names in (("old", GOES), ("old?what=1", GOES), ("new", {"API-Version": "1"})):
            told = (await visitor.ask(f"/api/v1/{path}")).headers
            assert {name: told.get(name) for name in GOES} == {**dict.fromkeys(GOES), **names}


def test_the_description_tells_of_it() -> None:
    paths = described([OLD, NEW])["paths"]
    assert isinstance(paths, dict)
    old, new = (paths[route.path]["get"] for route in (OLD, NEW))
    assert old["deprecated"] is True and "deprecated" not in new
    assert old["responses"]["200"]["headers"].keys() == GOES.keys()
