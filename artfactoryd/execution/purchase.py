"""Buying one item: the durable wish, one create, the ticket. What a failed create means is decided here, once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import uuid_utils

from artfactoryd import clock, failpoints
from artfactoryd.core.lifecycle import UPLOAD_LASTS, UPLOAD_WAITS, Verdict
from artfactoryd.errors import AskAgain, CallRefused, IllegalMove, InDoubt, ProviderStopped, Throttled, Unreachable
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.pacing.health import Health
from artfactoryd.execution.pacing.uploads import AWAITED, UploadWaits
from artfactoryd.execution.payload import Calls
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import item_now, order_of
from artfactoryd.factories import Call, Factory
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.storage import budget
from artfactoryd.storage.events import Wish
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Money:
    """What a wish says of money: micro-dollars set aside, the local day they count for, the caps of day and month."""

    reserved: int
    day: str
    in_force: Mapping[str, int]


class Purchase:
    def __init__(
        self, home: Home, index: Index, factories: Mapping[str, Factory], gates: Mapping[str, Gate], queues: Queues,
        flights: Flights, recorder: Recorder, health: Health, calls: Calls, uploads: UploadWaits,
        settings: LiveSettings, clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._queues, self._uploads = queues, uploads
        self._index, self._factories, self._gates, self._flights = index, factories, gates, flights
        self._recorder, self._health, self._calls = recorder, health, calls
        self._home, self._settings, self._clock = home, settings, clock

    async def send(self, row: ItemRow) -> ItemRow:
        """A planned item: sent at most once. The row as it is then: running, planned again, failed, or in doubt.

        Raises OverCap before anything is uploaded or written when it would pass a cap, and HomeMoved before anything is
        written when the home is not where it was.
        """
        order = order_of(self._index, row)
        money = self._money(row, order)
        budget.heed(self._index, order, money.reserved, money.day, money.in_force)
        try:
            with self._gates[row.provider].aside():
                call = await self._calls.of(row, order)  # uploads; nothing is bought yet
            sent = self._calls.with_secrets(call, order.model_of(row))
        except ProviderStopped as error:
            await self._health.stop(row.provider, error)
            return row
        except (AskAgain, Throttled) as error:
            return await self._upload_waits(row, error)
        except CallRefused as error:
            row = await self._wish(row, order, _refused(row, order))
            return await self._recorder.fail(row, Verdict.REFUSED, str(error), cost=0)
        for waiting in self._uploads.went_well(row.provider, row.item_key):
            self._queues[row.provider].rest(waiting, 0.0)
        if self._gates[row.provider].creating.crowded:  # an outage began, and another tries whether it is over
            self._gates[row.provider].spare()
            return row
        with self._flights.sending(row.item_key):
            return await self._send(row, order, call, sent)

    async def _send(self, row: ItemRow, order: OrderRow, call: Call, sent: Call) -> ItemRow:
        """Wish, one create, ticket. `sent`: the call with its secrets, which nobody writes down."""
        row = await self._wish(row, order, call)
        if self._flights.stopping:  # asked after the last await before the create: nothing leaves after a stop
            return await self._recorder.release(row, "the program was stopped before this was sent")
        try:
            failpoints.point("before_submit")
            ticket = await self._factories[row.provider].submit(replace(sent, attempt=row.attempt or ""))
            failpoints.point("after_submit")
        except (ProviderStopped, Throttled, Unreachable, CallRefused, InDoubt) as error:
            return await self._not_sent(row, error)
        except Exception as error:
            log.exception("submit failed in an unknown way; in doubt")
            return await self._not_sent(row, InDoubt(f"The sending failed in an unknown way ({error!r})."))
        row = await self._recorder.take_ticket(row, ticket)
        await self._health.create_answered(row.provider)
        return row

    async def _wish(self, row: ItemRow, order: OrderRow, call: Call) -> ItemRow:
        """The durable wish; from here on the item may cost money. The item with its new attempt."""
        attempt, nth = str(uuid_utils.uuid7()), row.attempts + 1
        money = self._money(row, order)  # anew: while pictures were uploaded the day may have ended
        wish = Wish(
            order=row.order_id, item=row.number, attempt=attempt, nth=nth, provider=row.provider, model=call.model,
            actual=dict(call.parameters), reserved=money.reserved, day=money.day, caps=money.in_force,
        )  # fmt: skip
        if item_now(self._index, row.item_key).waits:  # since it was chosen to be sent
            raise IllegalMove("Its picture is marked no more.")
        self._home.check_held()  # else the wish would stand in a ledger that the next start does not read
        await self._recorder.wish(wish)
        return replace(row, attempt=attempt, attempts=nth)

    def _money(self, row: ItemRow, order: OrderRow) -> Money:
        day = clock.day_of(self._clock())
        return Money(budget.set_aside(order, row.upper), day, budget.caps(self._settings.now, order))

    async def _upload_waits(self, row: ItemRow, error: AskAgain | Throttled) -> ItemRow:
        """A file could not be put where the provider reads it; the item was never wished for. It rests, alone."""
        pause, tries = self._uploads.failed(row.provider, row.item_key, error.after)
        words = f"{UPLOAD_WAITS}: {error} It is tried again by itself."
        if tries >= AWAITED:
            words = f"{UPLOAD_LASTS} ({tries} tries so far): {error}"
        log.warning("item %s of order %s: %s", row.number, row.order_id, words)
        await self._recorder.note(row, words)
        self._gates[row.provider].spare()
        self._queues[row.provider].rest(row.item_key, pause, is_awaited=tries < AWAITED)
        return row

    async def _not_sent(self, row: ItemRow, error: Exception) -> ItemRow:
        """What a failed sending means; only InDoubt leaves money at stake."""
        reason = str(error)
        if isinstance(error, InDoubt):
            row = await self._recorder.fail(row, Verdict.IN_DOUBT, reason, cost=None)
        elif isinstance(error, CallRefused):
            row = await self._recorder.fail(row, Verdict.REFUSED, reason, cost=0)
        else:
            row = await self._recorder.release(row, reason)
        await self._heed(row.provider, error)
        return row

    async def _heed(self, provider: str, error: Exception) -> None:
        """What a failed sending says about the provider."""
        if isinstance(error, InDoubt | Unreachable):  # an outage must not turn everything into doubt
            await self._health.create_failed(provider, str(error))
        elif isinstance(error, CallRefused):
            await self._health.create_answered(provider)
        elif isinstance(error, ProviderStopped):
            await self._health.stop(provider, error)
        elif isinstance(error, Throttled):
            self._gates[provider].hold_creates(error.after)

    async def lost(self, row: ItemRow) -> ItemRow:
        """A start met a wish without a ticket. It is asked about, and never sent again unasked."""
        reason = "The program ended while this was being sent; the provider may have taken it."
        return await self._recorder.fail(row, Verdict.IN_DOUBT, reason, cost=None)


def _refused(row: ItemRow, order: OrderRow) -> Call:
    """What would have been sent, of an item whose picture cannot be had."""
    model = order.snapshots[row.model]
    return Call(model["id"], model["version"], row.generation)
