"""Receipts brought up to date: at most once a second each, and none forgotten at a stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from artfactoryd import clock, news
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.core.names import made_words
from artfactoryd.daemon.app import App
from artfactoryd.errors import StorageFull, StorageSick
from artfactoryd.medium import in_words
from artfactoryd.reporting import receipt, waiting
from artfactoryd.shelf import desktop, order_folders, presence
from artfactoryd.storage import spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists, words
from artfactoryd.storage.rows import OrderRow

log = logging.getLogger(__name__)

SEARCHED = 4  # times that the words of products are taken in at one look
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
        self._place, self._noted = "", ""  # of the ledger: at the last look, and up to which all are known written

    async def bring_up_to_date(self) -> None:
        due = self._app.execution.receipts
        # one look old: whoever recorded what came before it has said since that a receipt is due
        place, self._place = self._place, self._app.books.index.meta("ledger")
        for order_id in due.orders:
            due.take(order_id)
            try:
                await asyncio.to_thread(self._write, order_id)
                self._late.discard(order_id)
            except (StorageFull, OSError) as error:
                if order_id not in self._late:
                    log.warning("the receipt of order %s waits: %s", order_id, in_words(error))
                self._late.add(order_id)
                due.add(order_id)
            except asyncio.CancelledError:
                due.add(order_id)
                raise
        if not due and place not in ("", self._noted):
            with suppress(StorageFull, StorageSick):  # more of them are looked at then
                await self._app.books.note_receipts(place)
                self._noted = place
        await self._take_into_search()

    async def _take_into_search(self) -> None:
        """A little of it: what is not taken in yet is found all the same, only slower."""
        for _ in range(SEARCHED):
            if not words.is_behind(self._app.books.index):
                return
            with suppress(StorageFull, StorageSick):
                await self._app.books.take_into_search()

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
    presence.check(app.home)
    lying = partial(order_folders.lying, app.home.projects, app.home.root / row.folder, row.id)
    folder = lying()
    before = receipt.receipt_state(folder)
    folder = order_folders.write_receipt(folder, receipt.receipt(index, row, notes).encode(), lying)
    if app.settings.now.desktop.labels:
        desktop.show(folder, [str(index.state(row))])
    after = receipt.receipt_state(folder)
    if before not in (None, after) and after is not None and after in ENDS:
        news.tell(_end(ENDS[after], index, row, folder))  # a kill just before loses the news; none is told twice


def _end(kind: type[news.OrderEnded], index: Index, row: OrderRow, folder: Path) -> news.OrderEnded:
    counts, made = index.counts(row.id), order_lists.made(index, row.id)
    return kind(
        order=row.id, name=row.name, items=row.all_items, completed=counts.get(ItemState.COMPLETED, 0),
        failed=counts.get(ItemState.FAILED, 0), products=made.products, pictures=made.kinds.get("image", 0),
        reused=made.reused, what=made_words(*made),
        usd=usd(spend.of_order(index, row.id).spent) or 0.0, folder=str(folder),
    )  # fmt: skip
