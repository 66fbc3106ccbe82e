"""What visitors of the status page ask of the index, one question after the other, off the loop.

One thread, one connection of its own: visitors wait for each other, and the work waits for none of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from artfactoryd.core import lifecycle
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.printable import printable
from artfactoryd.reporting import status, waiting
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import ItemDocument, OrderDocument, item_document, order_document
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow
from artfactoryd.web.subscriptions import News

T = TypeVar("T")
PATIENCE = 10.0  # seconds for the index to answer
MOST_PRODUCTS = 1000  # in one order document: a follower gets it again at every change


@dataclass(frozen=True, slots=True)
class OrdersPage(JsonObject):
    """`next`: the order to go on before; None where there are no more."""

    orders: Sequence[OrderDocument]
    next: str | None


@dataclass(frozen=True, slots=True)
class ItemsPage(JsonObject):
    """`next`: the item to go on after; None where there are no more."""

    order_id: str
    items: Sequence[ItemDocument]
    next: int | None


class Reads:
    """An order is named as everywhere (storage/naming). Raises NoSuchOrder, AmbiguousName, and TimeoutError when it
    takes long."""

    def __init__(self, home: Home, settings: LiveSettings) -> None:
        self._home, self._settings = home, settings
        self._thread = ThreadPoolExecutor(1, "status")
        self._index: Index | None = None

    async def status(self) -> StatusDocument:
        home, live = self._home, self._settings
        return await self.ask(lambda index: status.status(home, index, live.now, home.at_work(), live.trouble))

    async def orders(self, most: int, before: str) -> OrdersPage:
        """Newest first."""

        def read(index: Index) -> OrdersPage:
            rows = index.orders(most, before)
            documents = [self._document(index, row, products=False) for row in rows]
            return OrdersPage(documents, rows[-1].id if len(rows) == most else None)

        return await self.ask(read)

    async def order(self, given: str) -> OrderDocument:
        return await self.ask(lambda index: self._document(index, naming.order_named(index, given), products=True))

    async def news(self, order_id: str) -> News:
        return await self.ask(
            lambda index: as_news(self._document(index, naming.order_named(index, order_id), products=True))
        )

    async def items(self, given: str, after: int, most: int) -> ItemsPage:
        """In their order."""

        def read(index: Index) -> ItemsPage:
            order_id = naming.order_named(index, given).id
            rows = index.items_after(order_id, after, most)
            documents = [item_document(row) for row in rows]
            return ItemsPage(order_id, documents, rows[-1].number if len(rows) == most else None)

        return await self.ask(read)

    def close(self) -> None:
        """Does not wait: a question under way is answered to nobody."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def ask(self, question: Callable[[Index], T]) -> T:
        answer = asyncio.get_running_loop().run_in_executor(self._thread, lambda: question(self._open()))
        async with asyncio.timeout(PATIENCE):
            return await answer

    def _open(self) -> Index:
        if self._index is not None and not self._index.is_current:
            self._close()
            self._index = None
        if self._index is None:
            self._index = Index.look(self._home.index_file)
        return self._index

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()

    def _document(self, index: Index, row: OrderRow, *, products: bool) -> OrderDocument:
        reasons = waiting.reasons(index, row, self._home, self._settings.now)
        return order_document(index, row, reasons, products=products, most=MOST_PRODUCTS)


def as_news(order: OrderDocument) -> News:
    return News(as_text(order), order.status not in lifecycle.UNFINISHED_ORDERS)


def as_text(document: JsonObject) -> str:
    return printable(json.dumps(document.to_json(), ensure_ascii=False))
