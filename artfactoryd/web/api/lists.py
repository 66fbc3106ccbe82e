"""What is read as data: status, orders, items, products, projects, models, providers, figures."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiohttp import web

from artfactoryd.errors import NoSuchProduct, Refusal, WrongUse
from artfactoryd.reporting import models, pictures, products, providers
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import OrderDocument
from artfactoryd.reporting.pictures import WholeProduct
from artfactoryd.reporting.products import ProductsDocument
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import project_lists
from artfactoryd.web.api import metrics
from artfactoryd.web.api.schemas import UUID
from artfactoryd.web.front import Front
from artfactoryd.web.queries import ItemsPage, OrdersPage
from artfactoryd.web.refusals import Refused
from artfactoryd.web.replies import as_json, tagged
from artfactoryd.web.routes import Asked, Query, Route

LIMIT, NEXT = "How many, at the most.", "The `next` of the page before."
ORDERS, ITEMS, PRODUCTS = (50, 200), (100, 1000), (50, 500)  # a page's length: unasked, and at the most
MOST_ITEMS = 10**12  # that any order has
LONGEST = 10.0  # seconds for files and keychains to answer


@dataclass(frozen=True, slots=True)
class Health(JsonObject):
    """`inbox`, `waits`: in words, where something is wrong."""

    alive: bool
    books: bool
    inbox_seconds_ago: float


@dataclass(frozen=True, slots=True)
class ProjectDocument(JsonObject):
    """`newest`: when its newest product was made."""

    name: str
    products: int
    liked: int
    newest: str


@dataclass(frozen=True, slots=True)
class ProjectsDocument(JsonObject):
    projects: Sequence[ProjectDocument]


class Lists:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> Iterator[Route]:
        yield from self._of_the_house()
        yield from self._of_orders()
        yield from self._of_products()

    def _of_the_house(self) -> Iterator[Route]:
        yield Route("GET", "/healthz", self.health, Health, "200 while the daemon is at work, else 503.", also=[503])
        yield Route("GET", "/metrics", self.metrics, metrics.MEDIA, "Figures, as Prometheus reads them.")
        yield Route("GET", "/api/v1/status", self.status, StatusDocument, "The document of `status --json`.")
        who = "Who can be ordered from, and what stops them; nobody is asked."
        yield Route("GET", "/api/v1/providers", self.providers, providers.ProvidersDocument, who)
        only = [Asked("provider", "Only this one's."), Asked("family", "Only of this family."),
                Asked("modality", "Only what does this.")]  # fmt: skip
        what = "What can be ordered, and its price."
        yield Route("GET", "/api/v1/models", self.models, models.ModelsDocument, what, only)

    def _of_orders(self) -> Iterator[Route]:
        asked = [Asked("limit", LIMIT, ORDERS[0], 1, ORDERS[1]), Asked("before", NEXT, pattern=UUID)]
        yield Route("GET", "/api/v1/orders", self.orders, OrdersPage, "Orders, newest first.", asked)
        words = "One order, by its id, the beginning of it, or its name, with its first 1000 products."
        yield Route("GET", "/api/v1/orders/{order_id}", self.order, OrderDocument, words)
        asked = [Asked("limit", LIMIT, ITEMS[0], 1, ITEMS[1]), Asked("after", NEXT, 0, 0, MOST_ITEMS)]
        yield Route(
            "GET", "/api/v1/orders/{order_id}/items", self.items, ItemsPage, "Its items, in their order.", asked
        )

    def _of_products(self) -> Iterator[Route]:
        query = Asked("query", "As of `products`; nothing finds everything.")
        asked = [query, Asked("limit", LIMIT, PRODUCTS[0], 1, PRODUCTS[1]), Asked("before", NEXT, pattern=UUID)]
        words = "What a query finds, newest first."
        yield Route("GET", "/api/v1/products", self.products, ProductsDocument, words, asked)
        yield Route("GET", "/api/v1/products/{product_id}", self.product, WholeProduct, "One product, by its id.")
        words = "Projects with a product in them, the one worked on last first."
        yield Route("GET", "/api/v1/projects", self.projects, ProjectsDocument, words)

    async def health(self, request: web.Request, query: Query) -> web.StreamResponse:
        health = self._front.health()
        return as_json(health, 200 if health["alive"] else 503)

    async def metrics(self, request: web.Request, query: Query) -> web.StreamResponse:
        text = await metrics.read(self._front)
        return web.Response(text=text, headers={"Content-Type": f"{metrics.MEDIA}; version=0.0.4; charset=utf-8"})

    async def status(self, request: web.Request, query: Query) -> web.StreamResponse:
        return tagged(request, await self._front.status_now())

    async def orders(self, request: web.Request, query: Query) -> web.StreamResponse:
        return tagged(request, await self._front.reads.orders(query.number("limit"), query.text("before")))

    async def order(self, request: web.Request, query: Query) -> web.StreamResponse:
        return tagged(request, await self._front.reads.order(request.match_info["order_id"]))

    async def items(self, request: web.Request, query: Query) -> web.StreamResponse:
        order_id, after = request.match_info["order_id"], query.number("after")
        return tagged(request, await self._front.reads.items(order_id, after, query.number("limit")))

    async def products(self, request: web.Request, query: Query) -> web.StreamResponse:
        asked, most, before = query.text("query"), query.number("limit"), query.text("before")
        root = self._front.app.home.root
        try:
            read = lambda index: products.page(index, root, asked, most, before)  # noqa: E731
            return tagged(request, await self._front.reads.ask(read))
        except NoSuchProduct:
            raise
        except WrongUse as error:
            raise Refused(400, "Not such a query", str(error), code="query") from error

    async def product(self, request: web.Request, query: Query) -> web.StreamResponse:
        home, given = self._front.app.home, request.match_info["product_id"]
        return tagged(request, await self._front.reads.ask(lambda index: pictures.whole_product(index, home, given)))

    async def projects(self, request: web.Request, query: Query) -> web.StreamResponse:
        return tagged(request, await self._front.reads.ask(_projects))

    async def providers(self, request: web.Request, query: Query) -> web.StreamResponse:
        home, settings = self._front.app.home, self._front.app.settings.now
        async with asyncio.timeout(LONGEST):
            return tagged(request, await asyncio.to_thread(providers.known, home, settings, dict(os.environ)))

    async def models(self, request: web.Request, query: Query) -> web.StreamResponse:
        wanted = [query.text(name) or None for name in ("family", "modality", "provider")]
        async with asyncio.timeout(LONGEST):
            try:
                document = await asyncio.to_thread(lambda: models.listed(self._front.app.home, *wanted))
            except Refusal as refusal:  # of a model file of this home
                raise Refused(503, "A model file is wrong", " ".join(map(str, refusal.problems[:3]))) from None
        return tagged(request, document)


def _projects(index: Index) -> ProjectsDocument:
    made = project_lists.projects(index)
    return ProjectsDocument([ProjectDocument(one.name, one.products, one.liked, one.newest) for one in made])
