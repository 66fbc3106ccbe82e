"""Receipts brought up to date: at most once a second each, and none forgotten at a stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from artfactoryd import clock, news
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.daemon.app import App
from artfactoryd.errors import StorageFull
from artfactoryd.reporting import receipt, waiting
from artfactoryd.shelf import order_folders
from artfactoryd.storage import spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

log = logging.getLogger(__name__)

ENDS: Mapping[str, type[news.OrderEnded]] = {  # that an order is cancelled was told when it was
    OrderState.COMPLETED: news.OrderCompleted, OrderState.PARTIAL: news.OrderPartial,
    OrderState.FAILED: news.OrderFailed,
}  # fmt: skip


class Receipts:
    """Writes those that are due. One that cannot be written stays due, and is named once."""

    def __init__(self, app: App, refused: Callable[[], str]) -> None:
        """`refused`: what this machine refuses the work just now."""
        self._app, self._refused = app, refused
        self._pen = threading.Lock()
        self._late: set[str] = set()

    async def bring_up_to_date(self) -> None:
        due = self._app.execution.receipts
        for order_id in due.orders:
            due.take(order_id)
            try:
                await asyncio.to_thread(self._write, order_id)
                self._late.discard(order_id)
            except (StorageFull, OSError) as error:
                if order_id not in self._late:
                    log.warning("the receipt of order %s waits: %s", order_id, error)
                self._late.add(order_id)
                due.add(order_id)
            except asyncio.CancelledError:
                due.add(order_id)
                raise

    def _write(self, order_id: str) -> None:
        with self._pen:  # a stop leaves the thread of a cancelled writing to its end: the later one comes after it
            write(self._app, order_id, self._refused())


def write(app: App, order_id: str, refused: str = "") -> None:
    """Bring one order's receipt up to date with the index; the first that says the order has ended is told."""
    index = app.books.index
    row = index.order(order_id)
    if row is None or row.folder is None:
        return
    day, unfiled = clock.day_of(app.clock()), app.execution.disk.unfiled(order_id)
    notes = waiting.outlook(index, row, app.home, app.settings.now, day, unfiled, refused).reasons
    folder = app.home.root / row.folder
    before = receipt.receipt_state(folder)
    order_folders.write_receipt(folder, receipt.receipt(index, row, notes).encode())
    after = receipt.receipt_state(folder)
    if before not in (None, after) and after is not None and after in ENDS:
        news.tell(_end(ENDS[after], index, row, folder))  # a kill just before loses the news; none is told twice


def _end(kind: type[news.OrderEnded], index: Index, row: OrderRow, folder: Path) -> news.OrderEnded:
    counts = index.counts(row.id)
    return kind(
        order=row.id, name=row.name, items=row.all_items, completed=counts.get(ItemState.COMPLETED, 0),
        failed=counts.get(ItemState.FAILED, 0), products=index.products_made(row.id),
        usd=usd(spend.of_order(index, row.id).spent) or 0.0, folder=str(folder),
    )  # fmt: skip
