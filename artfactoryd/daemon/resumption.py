"""What the last run left, before anything new: tickets and outputs first, then claims, then orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from artfactoryd.core.lifecycle import OrderState
from artfactoryd.daemon import cleanup
from artfactoryd.daemon.app import App
from artfactoryd.daemon.run import RunOptions, Tally
from artfactoryd.intake.consumer import Consumer
from artfactoryd.reporting import receipt
from artfactoryd.storage import ledger
from artfactoryd.storage.derived import RECEIPTS
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import ItemRow, OrderRow

MOST_LOOKED_AT = 1000  # receipts of a home whose last release did not note how far they were
Step = Callable[[], Coroutine[Any, Any, None]]


class Resumption:
    """`steps`: to be done in their order. Each may be begun again when the system refused something in the middle."""

    def __init__(
        self, app: App, options: RunOptions, tally: Tally, consumer: Consumer, start: Callable[[ItemRow], None],
        begin: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`start` works on an item, `begin` on an accepted order."""
        self._app, self._options, self._tally, self._consumer = app, options, tally, consumer
        self._start, self._begin = start, begin
        self.steps: Sequence[Step] = (
            self._forget_outages, self._look_over, self._clear_leftovers, self._resume_items, self._take_up_doubts,
            self._take_up_claims, self._begin_orders,
        )  # fmt: skip

    async def _forget_outages(self) -> None:
        """As it was then; it is tried at once."""
        for provider in self._app.books.index.outages():
            await self._app.books.note_outage(provider, None)

    async def _look_over(self) -> None:
        """Orders that are not finished, and those whose receipt a kill has left behind."""
        index, receipts = self._app.books.index, self._app.execution.receipts
        for row in order_lists.unfinished(index):
            if not self._options.only or row.id in self._options.orders:
                self._tally.meet([row.id])
            if row.folder:
                receipts.add(row.id)
        receipts.add_all(await asyncio.to_thread(self._behind))

    def _behind(self) -> list[str]:
        """Of what came into the ledger since all receipts were last up to date; of a home of an earlier release, of the
        newest orders."""
        index = self._app.books.index
        if place := index.meta(RECEIPTS):
            lines = ledger.read(self._app.home.ledger, ledger.Position.parse(place))
            touched = dict.fromkeys(str(line["order"]) for line, _ in lines if line.get("order"))
            rows = [row for order_id in touched if (row := index.order(order_id))]
        else:
            rows = index.orders(MOST_LOOKED_AT)
        return [row.id for row in rows if row.folder and self._receipt_is_behind(row.folder, index.state(row))]

    def _receipt_is_behind(self, folder: str, state: OrderState) -> bool:
        """A receipt that a person removed stays removed."""
        written = receipt.receipt_state(self._app.home.root / folder)
        return written is not None and written != state

    async def _clear_leftovers(self) -> None:
        home, orders = self._app.home, self._app.execution.receipts.orders
        everywhere = await asyncio.to_thread(cleanup.mark, home)
        await asyncio.to_thread(cleanup.clear, home, self._app.books.index, orders, everywhere=everywhere)

    async def _resume_items(self) -> None:
        self._app.execution.dispatcher.resume_all(self._start)

    async def _take_up_doubts(self) -> None:
        self._app.execution.reconciliation.take_up()

    async def _take_up_claims(self) -> None:
        if not self._options.only:
            await self._consumer.take_up()

    async def _begin_orders(self) -> None:
        for row in self._app.books.index.unexpanded_orders():
            self._begin(row.id)


def unfinished(app: App) -> list[OrderRow]:
    """Orders that are worked on and have a receipt."""
    return [row for row in order_lists.unfinished(app.books.index) if row.folder]
