"""What is in hand just now, and the pen for what happens to it.

Shared by those who work on items: `purchase` sends, `foreman` makes, `lines` lets through, `steering`
changes its mind. Nothing here survives a restart, and nothing needs to: it follows from the index.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from artfactoryd import failpoints
from artfactoryd.clock import day_of
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.errors import OverCap, StorageFull
from artfactoryd.execution.gate import ASK_EVERY, Gate
from artfactoryd.execution.queue import Turns
from artfactoryd.factories import Factory, Probes, Reconciles, Ticket
from artfactoryd.storage.events import Failure, OfAttempt, Pause, Release, TicketTaken, Tombstone
from artfactoryd.storage.rows import AttemptRow, ItemKey, ItemRow, OrderRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

WRITE_AGAIN = 1.0  # seconds until a line about money is tried again on a full disk
ROOM_AGAIN = 60.0  # seconds until a full disk is looked at again


class Workbench:
    def __init__(
        self,
        books: Books,
        factories: Mapping[str, Factory],
        gates: Mapping[str, Gate],
        clock: Callable[[], datetime],
    ) -> None:
        self.books, self.factories, self.gates, self.clock = books, factories, gates, clock
        self.turns = {name: Turns(books.index, name) for name in factories}
        self.sending: set[ItemKey] = set()  # creates on the way: a stop gives them a moment
        self.making: set[ItemKey] = set()
        self.waiting: set[ItemKey] = set()  # of these, what waits for a person or for room on the disk
        self.asking: dict[str, set[ItemKey]] = {name: set() for name in factories}  # of these, what has a ticket out
        self.owed: dict[str, set[ItemKey]] = {
            name: set() for name in factories
        }  # bought before, and not asked about since
        self.outages: dict[str, datetime] = {}  # since when a provider does not answer
        self.adopted: set[ItemKey] = set()  # of these, what was about to be sent and turned out to be bought already
        self._bought: dict[str, ItemKey] = {}  # by an item's key, who is about to buy it
        self._equals: dict[str, set[ItemKey]] = {}  # by an item's key, those that wait for an equal one
        self.stops: set[ItemKey] = set()  # running items that a person cancelled
        self.blocked: dict[str, str] = {}  # order id -> why nothing more of it is sent
        self.over: dict[str, str] = {}  # of these, order id -> the day whose cap, or whose month's, it waits for
        self.stuck: dict[ItemKey, str] = {}  # our own defects; left alone until a restart
        # Set where a doubt arises that the provider may resolve; `hopeful`: an answer may come within minutes.
        self.unsure = {name: asyncio.Event() for name, each in factories.items() if isinstance(each, Reconciles)}
        self.hopeful: set[str] = set()
        self.stopping = False
        self.full = ""  # why nothing is created at all
        self.unfiled: dict[
            ItemKey, str
        ] = {}  # bought, come, and why the disk does not take it: till then nothing is sent
        self.full_until = clock()  # the ledger itself had no room: not asked again before
        self.touched: set[str] = set()  # orders whose receipt is behind
        self.moved = asyncio.Event()  # something happened that a watcher may want to look at

    def touch(self, order_id: str) -> None:
        self.touched.add(order_id)
        self.moved.set()

    def wake(self, order_id: str | None = None) -> None:
        """New or changed orders: every line looks again."""
        self.touched |= {order_id} if order_id else set()  # one that waits from the beginning says why in its receipt
        for turns in self.turns.values():
            turns.look_again(order_id)
        for gate in self.gates.values():
            gate.wake()

    def block(self, row: ItemRow, error: OverCap) -> None:
        """Nothing more of this order is sent until money comes back, a new day begins, or a person says so."""
        self.blocked[row.order_id] = str(error)
        if error.day:
            self.over[row.order_id] = error.day
        self.turns[row.provider].leave(row.order_id)

    def doubt(self, provider: str) -> None:
        """Something there is in doubt, and is asked about soon."""
        self.hopeful.add(provider)
        self.unsure[provider].set()

    def heed_date(self) -> None:
        """On another day, orders that a cap of day or month has stopped are tried again."""
        if self.over:
            day = day_of(self.clock())
            self._unblock([order_id for order_id, reached in self.over.items() if reached != day])

    def at_stake(self, row: ItemRow) -> int:
        """What the item's last attempt costs as far as that is known, else what was set aside for it."""
        return self.attempt(row).at_stake

    def attempt(self, row: ItemRow) -> AttemptRow:
        """The item's last; only of one that was ever sent or copied."""
        attempt = self.books.index.attempt(row.attempt) if row.attempt else None
        assert attempt is not None
        return attempt

    def disk_is_full(self, reason: str) -> None:
        self.full, self.full_until = reason, self.clock() + timedelta(seconds=ROOM_AGAIN)

    def cannot_file(self, row: ItemRow, reason: str) -> None:
        key = row.item_key
        self.unfiled[key] = reason
        self.waiting.add(key)
        self.touch(row.order_id)

    # --- items that are the same ---

    def claim(self, same: str, key: ItemKey) -> bool:
        """Whether it is the one of its equals that may be bought; until it is put back."""
        self._equals.get(same, set()).discard(key)
        return self._bought.setdefault(same, key) == key

    def wait_for(self, same: str, row: ItemRow) -> None:
        """It does not come again until an equal item has ended."""
        key = row.item_key
        if self._bought.get(same) == key:
            del self._bought[same]
        self._equals.setdefault(same, set()).add(key)
        self.turns[row.provider].wait(row)

    def _let_equals_come(self, row: ItemRow, key: ItemKey) -> None:
        same = row.key
        if same is None or key in self._equals.get(same, ()):
            return
        if self._bought.get(same) == key:
            del self._bought[same]
        if waiting := self._equals.pop(same, None):
            self.turns[row.provider].come(waiting)

    def put_back(self, row: ItemRow) -> None:
        """Nobody works on it any more; if it is still planned, its turn comes again."""
        key = row.item_key
        self._let_equals_come(row, key)
        for hand in (self.making, self.waiting, self.stops):
            hand.discard(key)
        self.asked(row)
        if not self.stopping:  # the last receipt still says so
            self.unfiled.pop(key, None)
        self.touch(row.order_id)
        if key not in self.stuck:
            self.turns[row.provider].back(key)
        self.gates[row.provider].wake()

    def asked(self, row: ItemRow) -> None:
        """It need not be waited for any longer before something new is bought."""
        self.owed[row.provider].discard(row.item_key)
        self.gates[row.provider].wake()

    def order(self, row: ItemRow | AttemptRow) -> OrderRow:
        order = self.books.index.order(row.order_id)
        assert order is not None
        return order

    def fresh(self, key: ItemKey) -> ItemRow:
        """The item as it is now."""
        item = self.books.index.item(*key)
        assert item is not None
        return item

    # --- the pen ---

    async def record(self, event: OfAttempt | Tombstone) -> ItemRow:
        """Written down, however long the disk takes to have room for it. The item as it is then."""
        while True:
            try:
                await self.books.record(event)
                break
            except StorageFull as error:
                log.error("a %s waits to be written: %s", event.kind, error)
                await asyncio.sleep(WRITE_AGAIN)
        attempt = self.books.index.attempt(event.attempt) if event.attempt else None
        failpoints.point(f"recorded_{event.kind}")
        self.touch(event.order)
        if attempt is not None and attempt.cost is not None and attempt.cost < attempt.reserved:
            self._unblock([event.order, *self.over])  # money came back
        return self.fresh(ItemKey(event.order, event.item))

    async def fail(self, row: ItemRow, verdict: Verdict, reason: str, cost: int | None) -> ItemRow:
        """`cost`: in micro-dollars; None of what is in doubt."""
        assert row.attempt is not None
        ask = verdict == Verdict.IN_DOUBT and row.provider in self.unsure
        failure = Failure(
            order=row.order_id, item=row.number, attempt=row.attempt, verdict=str(verdict), reason=reason, cost=cost,
            ask=ask,
        )  # fmt: skip
        failed = await self.record(failure)
        if ask:
            self.doubt(row.provider)
        return failed

    async def release(self, row: ItemRow, reason: str, attempt: str | None = None) -> ItemRow:
        """It was surely not sent. `attempt`: an earlier one than its last."""
        of = attempt or row.attempt
        assert of is not None
        return await self.record(Release(order=row.order_id, item=row.number, attempt=of, reason=reason))

    async def take_ticket(self, row: ItemRow, ticket: Ticket, attempt: str | None = None) -> ItemRow:
        """`attempt`: an earlier one than its last."""
        of = attempt or row.attempt
        assert of is not None
        return await self.record(TicketTaken(order=row.order_id, item=row.number, attempt=of, ticket=ticket.text))

    async def stop_provider(self, provider: str, reason: str, *, of_key: bool = False) -> None:
        """Nothing is sent there until a person lifts it; of a bad key, also a free question answered well."""
        if self.gates[provider].stopped is not None:
            return
        of_key = of_key and isinstance(self.factories[provider], Probes)
        self.gates[provider].stop(reason, ask_in=ASK_EVERY if of_key else None)
        try:
            await self.books.record(Pause(provider=provider, on=True, reason=reason, of_key=of_key))
        except StorageFull as error:  # the next start tries it once more
            log.error("that %s is stopped (%s) could not be written down: %s", provider, reason, error)

    def _unblock(self, order_ids: Sequence[str]) -> None:
        """Orders that waited for a cap are tried again."""
        found = [order_id for order_id in order_ids if self.blocked.pop(order_id, None)]
        for order_id in order_ids:
            self.over.pop(order_id, None)
        for order_id in found:
            for turns in self.turns.values():
                turns.look_again(order_id)
        for gate in self.gates.values() if found else ():
            gate.wake()
