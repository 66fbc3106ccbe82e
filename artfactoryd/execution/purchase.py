"""Buying one item: the durable wish, one create, the ticket. What a failed create means is decided here, once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import uuid_utils

from artfactoryd import clock, failpoints
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.errors import AskAgain, CallRefused, InDoubt, ProviderStopped, Throttled, Unreachable
from artfactoryd.execution import health
from artfactoryd.execution.payload import Calls
from artfactoryd.execution.state import Workbench
from artfactoryd.factories import Call
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
from artfactoryd.storage.events import Wish
from artfactoryd.storage.rows import ItemRow, OrderRow

log = logging.getLogger(__name__)

UPLOAD_AGAIN = 5.0  # seconds until a picture that could not be uploaded is tried again


class Purchase:
    def __init__(self, bench: Workbench, calls: Calls, settings: Callable[[], Settings]) -> None:
        self._bench, self._calls, self._settings = bench, calls, settings

    async def send(self, row: ItemRow) -> ItemRow:
        """A planned item: sent at most once. The row as it is then: running, planned again, failed, or in doubt.

        Raises OverCap before anything is uploaded or written when it would pass a cap.
        """
        order = self._bench.order(row)
        budget.heed(self._bench.books.index, order, **self._money(row, order))
        try:
            call = await self._calls.of(row, order)  # uploads; nothing is bought yet
        except (ProviderStopped, AskAgain) as error:
            return await self._not_ready(row, error)
        except CallRefused as error:
            row = await self._wish(row, order, self._refused(row, order))
            return await self._bench.fail(row, Verdict.REFUSED, str(error), cost=0)
        key = row.item_key
        self._bench.sending.add(key)
        try:
            return await self._send(row, order, call)
        finally:
            self._bench.sending.discard(key)

    async def _send(self, row: ItemRow, order: OrderRow, call: Call) -> ItemRow:
        row = await self._wish(row, order, call)
        if self._bench.stopping:
            return await self._bench.release(row, "the program was stopped before this was sent")
        try:
            failpoints.point("before_submit")
            ticket = await self._bench.factories[row.provider].submit(call)
            failpoints.point("after_submit")
        except (ProviderStopped, Throttled, Unreachable, CallRefused, InDoubt) as error:
            return await self._not_sent(row, error)
        except Exception as error:
            log.exception("submit failed in an unknown way; in doubt")
            return await self._not_sent(row, InDoubt(f"The sending failed in an unknown way ({error!r})."))
        row = await self._bench.take_ticket(row, ticket)
        await health.took(self._bench, row.provider)
        return row

    async def _wish(self, row: ItemRow, order: OrderRow, call: Call) -> ItemRow:
        """The durable wish; from here on the item may cost money. The item with its new attempt."""
        attempt, nth = str(uuid_utils.uuid7()), row.attempts + 1
        money = self._money(row, order)
        wish = Wish(
            order=row.order_id, item=row.number, attempt=attempt, nth=nth, provider=row.provider, model=call.model,
            actual=dict(call.parameters), reserved=money["reserved"], day=money["day"], caps=money["in_force"],
        )  # fmt: skip
        await self._bench.books.record(wish)
        failpoints.point("recorded_wish")
        self._bench.touch(row.order_id)
        return replace(row, attempt=attempt, attempts=nth)

    def _money(self, row: ItemRow, order: OrderRow) -> dict[str, Any]:
        """What the wish for an item says of money."""
        reserved, day = budget.set_aside(order, row.upper), clock.day_of(self._bench.clock())
        return {"reserved": reserved, "day": day, "in_force": budget.caps(self._settings())}

    async def _not_ready(self, row: ItemRow, error: ProviderStopped | AskAgain) -> ItemRow:
        """A picture could not be put where the provider reads it; the item was never wished for."""
        provider, gate = row.provider, self._bench.gates[row.provider]
        if isinstance(error, ProviderStopped):
            await self._bench.stop_provider(provider, str(error), of_key=error.of_key)
        elif isinstance(error, Unreachable):
            await health.failed(self._bench, provider, gate.creating, str(error))
        else:
            log.warning("an upload waits: %s", error)
            gate.wait(error.after or UPLOAD_AGAIN)
        return row

    async def _not_sent(self, row: ItemRow, error: Exception) -> ItemRow:
        """What a failed sending means; only InDoubt leaves money at stake."""
        reason = str(error)
        if isinstance(error, InDoubt):
            row = await self._bench.fail(row, Verdict.IN_DOUBT, reason, cost=None)
        elif isinstance(error, CallRefused):
            row = await self._bench.fail(row, Verdict.REFUSED, reason, cost=0)
        else:
            row = await self._bench.release(row, reason)
        await self._heed(row.provider, error)
        return row

    async def _heed(self, provider: str, error: Exception) -> None:
        """What a failed sending says about the provider."""
        gate = self._bench.gates[provider]
        if isinstance(error, InDoubt | Unreachable):  # an outage must not turn everything into doubt
            await health.failed(self._bench, provider, gate.creating, str(error))
        elif isinstance(error, CallRefused):
            await health.took(self._bench, provider)
        elif isinstance(error, ProviderStopped):
            await self._bench.stop_provider(provider, str(error), of_key=error.of_key)
        elif isinstance(error, Throttled):
            gate.wait(error.after)

    async def lost(self, row: ItemRow) -> ItemRow:
        """Found at start: a wish without a ticket. It is asked about, and never sent again unasked."""
        reason = "The program ended while this was being sent; the provider may have taken it."
        return await self._bench.fail(row, Verdict.IN_DOUBT, reason, cost=None)

    def sent(self, row: ItemRow) -> Call:
        """The call of the item's last attempt, as it left."""
        attempt = self._bench.attempt(row)
        return Call(attempt.model, self._bench.order(row).snapshots[row.model]["version"], attempt.actual)

    @staticmethod
    def _refused(row: ItemRow, order: OrderRow) -> Call:
        """What would have been sent, of an item whose picture cannot be had."""
        model = order.snapshots[row.model]
        return Call(model["id"], model["version"], row.generation)
