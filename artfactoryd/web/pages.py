"""What a browser shows: the page, more pictures, one of them, and where an order is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from aiohttp import web

from artfactoryd.errors import WrongUse
from artfactoryd.factories.registry import Unmade
from artfactoryd.reporting import pictures, status
from artfactoryd.storage.index import Index
from artfactoryd.web import overview, page
from artfactoryd.web.front import Front
from artfactoryd.web.overview import Overview
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused
from artfactoryd.web.routes import Asked, Query, Route

WEB = Path(__file__).with_name("assets")
ASSETS = {
    "page.css": "text/css", "page.js": "text/javascript", "viewer.js": "text/javascript",
    "writer.js": "text/javascript", "icon.svg": "image/svg+xml",
}  # fmt: skip
FOLDERS = ("held", "rejected")
MOST_ENTRIES = 10**9
QUERY = Asked("q", "A query.")


class Pages:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._assets = {name: (WEB / name).read_bytes() for name in ASSETS}

    def routes(self) -> Iterator[Route]:
        route = partial(Route, "GET", answer="text/html", words="", told=False)
        yield route("/", self.page, asked=(QUERY,))
        yield route("/pictures", self.more, asked=(QUERY, Asked("before", "")))
        yield route("/pictures/{product_id}", self.picture)
        yield route("/write", self.write, asked=(Asked("product", ""), Asked("order", "")))
        for name in FOLDERS:
            yield route(f"/{name}", partial(self.entries, name), asked=(Asked("first", "", 0, 0, MOST_ENTRIES),))
        yield route("/web/{name}", self.asset, pace=Pace.PICTURES)

    async def page(self, request: web.Request, query: Query) -> web.StreamResponse:
        app, asked, told = self._front.app, query.text("q"), await self._front.status_now()
        broken = {name: factory.why for name, factory in app.factories.items() if isinstance(factory, Unmade)}
        providers = {name: broken.get(name, "") for name in sorted({*app.factories, *told.providers})}

        def read(index: Index) -> Overview:
            orders = overview.read_orders(index, told)
            try:
                return Overview(told, orders, overview.read_pictures(index, app.home, asked), asked, "", providers)
            except WrongUse as error:
                return Overview(told, orders, None, asked, str(error), providers)

        seen, token = await self._front.reads.ask(read), self._front.forms.token
        return _html(await asyncio.to_thread(page.draw, seen, token))  # some milliseconds, and the loop has other work

    async def more(self, request: web.Request, query: Query) -> web.StreamResponse:
        home, asked, before = self._front.app.home, query.text("q"), query.text("before")
        try:
            read = partial(overview.read_pictures, home=home, query=asked, before=before)
            return _html(page.draw_pictures(await self._front.reads.ask(lambda index: read(index)), asked))
        except WrongUse as error:
            raise Refused(400, "Not such a query", str(error), code="query") from error

    async def picture(self, request: web.Request, query: Query) -> web.StreamResponse:
        home, given = self._front.app.home, request.match_info["product_id"]
        product = await self._front.reads.ask(lambda index: pictures.whole_product(index, home, given))
        return _html(page.draw_picture(product, self._front.forms.token))

    async def write(self, request: web.Request, query: Query) -> web.StreamResponse:
        """The script fills in what it is to start from."""
        return _html(page.draw_writer(query.text("product"), query.text("order"), self._front.forms.token))

    async def entries(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        """All that is held, or was rejected, with the reasons."""
        home, first = self._front.app.home, query.number("first")
        folder, suffix = (home.held, status.HELD_WORDS) if name == "held" else (home.rejected, status.REJECTED_WORDS)
        words, count = await asyncio.to_thread(status.entries, folder, suffix, first, page.MOST_NAMES)
        return _html(page.draw_entries(name.capitalize(), words, first, count))

    async def asset(self, request: web.Request, query: Query) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in self._assets:
            raise web.HTTPNotFound
        return web.Response(body=self._assets[name], content_type=ASSETS[name], charset="utf-8")


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
