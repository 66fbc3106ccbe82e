"""Contact sheets brought up to date: at most every few seconds while an order is made, and once more when it is over.

That one is due is remembered in .artfactory, so that a kill forgets none. Where a person put a file of the name, theirs
stays; a sheet that a person took away stays away until something of its order moves.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from artfactoryd import durable
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.core.sheets.sheet import Sheet, file_name
from artfactoryd.daemon.app import App
from artfactoryd.medium import in_words
from artfactoryd.reporting import sheets
from artfactoryd.shelf.sheets.marks import place_for
from artfactoryd.storage.lists import sheet_lists
from artfactoryd.storage.rows import OrderRow, ProductRow

log = logging.getLogger(__name__)

EVERY = 4.0  # seconds, at least, between two drawings of one order's sheet while it is made
SHARE = 0.2  # of a processor that drawings of one order may take meanwhile
LOOK = 0.2  # seconds until it is seen again whether one that is due may be drawn
DUE = "sheets"  # below .artfactory: an empty file for each order
MADE = frozenset({OrderState.QUEUED, OrderState.PROCESSING})


class Sheets:
    def __init__(self, app: App, is_idle: Callable[[], bool]) -> None:
        """`is_idle`: nothing is made or looked at just now, so nobody needs to wait for more to come."""
        self._app, self._is_idle = app, is_idle
        self._folder = app.home.private / DUE
        self._due: dict[str, set[int]] = {}  # by order the items that came since
        self._marked: set[str] = set()  # orders that are remembered
        self._drawing: str | None = None
        self._knows_left = False  # what an earlier run left is remembered
        self._next: dict[str, float] = {}  # when an order's sheet may be drawn again while it is made
        self._came = asyncio.Event()

    def came(self, products: Iterable[ProductRow]) -> None:
        """They were looked at. What was imported has no order."""
        for product in products:
            if product.order_id:
                self.touch(product.order_id, product.number)

    def touch(self, order_id: str, item: int | None = None) -> None:
        """Something of it moved."""
        if order_id not in self._marked:
            with suppress(OSError):
                durable.make_folders(self._folder, 0o700)
            durable.write_note(self._folder / order_id, b"")
            self._marked.add(order_id)
            self._next.setdefault(order_id, asyncio.get_running_loop().time() + EVERY)
        items = self._due.setdefault(order_id, set())
        if item is not None:
            items.add(item)
        self._came.set()

    @property
    def owes(self) -> bool:
        """Whether any is still to be drawn, those that an earlier run left among them."""
        return not self._knows_left or bool(self._due) or self._drawing is not None

    async def run(self) -> None:
        """For as long as the program is at work."""
        for order_id in await asyncio.to_thread(self._left):
            self.touch(order_id)
        self._knows_left = True
        while True:
            await self._came.wait()
            self._came.clear()
            for order_id in list(self._due):
                await self._look_at(order_id)
            if self._due:
                await asyncio.sleep(LOOK)
                self._came.set()
            else:
                await self._app.execution.later.rest()

    def _left(self) -> list[str]:
        return sorted(os.listdir(self._folder)) if self._folder.is_dir() else []

    async def _look_at(self, order_id: str) -> None:
        clock = asyncio.get_running_loop().time
        if not self._is_idle() and clock() < self._next.get(order_id, 0.0):
            return
        items, self._drawing = self._due.pop(order_id), order_id
        try:
            row, is_over = await asyncio.to_thread(self._judged, order_id)
            took = 0.0
            if row is not None:
                took = await self._draw(row, None if is_over or not items else {max(items)})
            self._next[order_id] = clock() + max(EVERY, took / SHARE)
            if (row is None or is_over) and order_id not in self._due:
                self._forget(order_id)
        except OSError as error:
            log.warning("the contact sheet of order %s waits for the next start: %s", order_id, in_words(error))
        finally:
            self._drawing = None

    def _judged(self, order_id: str) -> tuple[OrderRow | None, bool]:
        """None where it is to have no sheet; whether nothing more comes."""
        index = self._app.books.index
        row = index.order(order_id)
        if row is None or row.folder is None or not sheets.is_wanted(row):
            return None, True
        return row, index.state(row) not in MADE and not sheet_lists.has_unlooked(index, order_id)

    def _forget(self, order_id: str) -> None:
        self._marked.discard(order_id)
        self._next.pop(order_id, None)
        with suppress(OSError):
            (self._folder / order_id).unlink()

    async def _draw(self, row: OrderRow, items: Collection[int] | None) -> float:
        """What looks as it did is left as it is. The seconds of the processor that it took."""
        index, root, took = self._app.books.index, self._app.home.root, 0.0
        pages = sheets.of_order(index, root, row, items)
        while (sheet := await asyncio.to_thread(next, pages, None)) is not None:
            if any(picture.product for picture in sheet.pictures):
                took += await self._draw_page(row, sheet)
        return took

    async def _draw_page(self, row: OrderRow, sheet: Sheet) -> float:
        assert row.folder is not None
        folder = (self._app.home.root / row.folder / file_name(sheet.page)).parent
        if not folder.parent.is_dir():
            return 0.0  # the order's folder is somewhere else by now
        if sheet.page > 1:
            await asyncio.to_thread(durable.make_folders, folder)
        name = file_name(sheet.page).rpartition("/")[2]
        target, mark = await asyncio.to_thread(place_for, folder, name, sheet.order, sheet.page)
        if mark is not None and mark.digest == sheet.digest:
            return 0.0
        return await self._app.execution.later.draw(sheet, target)
