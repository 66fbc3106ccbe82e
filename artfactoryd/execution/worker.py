"""Makes items. `make` is the life of one item, entered at the state its row is in.

    planned -> wish -> submit -> ticket -> collect -> result -> deliver -> settlement
            -> reuse (an equal item was made) -------------> deliver -> settlement

Recovery is this same path: a start enters it at `delivering`, `running` or `submitting`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from artfactoryd.core.lifecycle import RESUMED, STUCK, ItemState, Verdict
from artfactoryd.errors import (
    IllegalMove,
    NotScanned,
    OutputBad,
    OutputLost,
    OutputTooLarge,
    OverCap,
    StorageFull,
    StorageSick,
)
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.collection import Collection
from artfactoryd.execution.delivery import Delivery
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing import machine
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.pacing.machine import Disk
from artfactoryd.execution.purchase import Purchase
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.reuse import Reuse
from artfactoryd.execution.rows import at_stake, item_now, order_of
from artfactoryd.execution.shelving.filing import is_copy
from artfactoryd.execution.shelving.later import LaterLook
from artfactoryd.execution.single_flight import SingleFlight
from artfactoryd.log import fields as log_fields
from artfactoryd.medium import in_words
from artfactoryd.storage import dependencies
from artfactoryd.storage.engines.troubles import is_passing
from artfactoryd.storage.events import Settlement
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, ItemRow

log = logging.getLogger(__name__)

UNDER_WAY = frozenset({ItemState.SUBMITTING, ItemState.RUNNING, ItemState.DELIVERING})
MACHINE_AGAIN = 1.0  # seconds until what the machine refused is tried again


class Worker:
    def __init__(
        self, index: Index, gates: Mapping[str, Gate], queues: Queues, flights: Flights, single_flight: SingleFlight,
        capped: CappedOrders, disk: Disk, receipts: ReceiptsDue, recorder: Recorder,
        reuse: Reuse, purchase: Purchase, collection: Collection, delivery: Delivery,
        later: LaterLook,
    ) -> None:  # fmt: skip
        self._index, self._gates, self._queues = index, gates, queues
        self._flights, self._single_flight, self._capped = flights, single_flight, capped
        self._disk, self._receipts, self._recorder = disk, receipts, recorder
        self._reuse, self._purchase, self._collection, self._delivery = reuse, purchase, collection, delivery
        self._later = later

    async def make(self, row: ItemRow) -> None:
        """From the state of `row` to its end. It holds a slot of its gate. Only a sick disk gets out as an error."""
        with log_fields(order=row.order_id, item=row.number):
            again = await self._make_once(row)
            # adopted meanwhile: it was bought after all, and is collected now; or it was stuck, and is let go
            while again or row.item_key in self._flights or await self._let_go(row.item_key):
                self._gates[row.provider].hold()
                again = await self._make_once(item_now(self._index, row.item_key))

    async def _make_once(self, row: ItemRow) -> bool:
        """What goes wrong on the way stops as much as it concerns: the item, its order, or all sending."""
        self._flights.begin(row)
        try:
            row = await self._buy(row)  # reuse, else wish, submit, ticket; then collect, result
            if row.state == ItemState.DELIVERING:
                await self._deliver(row)  # fetch, look, place, settlement
        except OverCap as error:
            self._capped.stop(row, error)
        except IllegalMove as error:
            log.info("item %s of order %s waits: %s", row.number, row.order_id, error)
        except StorageFull as error:
            self._disk.refused_ledger(str(error))
        except StorageSick:
            raise
        except Exception as error:
            if is_passing(error):
                return await self._wait_out(row, error)
            log.exception("item %s of order %s: a defect of this program", row.number, row.order_id)
            await self._stick(row, error)
        finally:
            self.put_back(row)
        return False

    async def _wait_out(self, row: ItemRow, error: Exception) -> bool:
        """The machine refuses. Whether it is to be gone on with here; what is still planned waits for its turn."""
        self._disk.refused_ledger(f"{in_words(error)} It is tried again by itself.")
        await asyncio.sleep(MACHINE_AGAIN)
        return item_now(self._index, row.item_key).state in UNDER_WAY

    async def _stick(self, row: ItemRow, error: Exception) -> None:
        """Left alone, with words in receipt and status, until a person says otherwise."""
        short = row.order_id[:13]
        words = f"{STUCK} ({type(error).__name__}: {in_words(error)}); the log has the details. "
        words += f"`retry {short}` tries it again, `cancel {short}` ends it."
        self._flights.stick(row.item_key, words)
        with contextlib.suppress(Exception):  # it may be the books that fail
            await self._recorder.note(row, words)

    async def _let_go(self, key: ItemKey) -> bool:
        """Whether it is to be taken up again where it was; that which was not sent yet takes its turn."""
        if not self._flights.is_stuck(key):
            return False
        await self._flights.released(key)
        row = item_now(self._index, key)
        if row.state == ItemState.PLANNED:
            self._queues[row.provider].back(key)
            self._gates[row.provider].wake()
        return row.state in RESUMED

    async def _buy(self, row: ItemRow) -> ItemRow:
        """From the state it is in to delivering, planned again, in doubt or an end. The slot is free then.

        Each step gives the row as it is after it.
        """
        try:
            if row.state == ItemState.PLANNED:
                row = await self._reuse_or_send(row)
            elif row.state == ItemState.SUBMITTING:
                row = await self._purchase.lost(row)  # the last run wished for it, and has no ticket
            if row.state == ItemState.RUNNING:
                row = await self._collection.collect(row)
            return row
        finally:
            self._gates[row.provider].let_go()

    async def _reuse_or_send(self, row: ItemRow) -> ItemRow:
        """What makes buying needless takes no create of the minute's."""
        gate = self._gates[row.provider]
        try:
            reused = await self._reuse.instead(row)
            if reused is None:
                return await self._purchase.send(row)  # wish, one create, ticket
            gate.spare()
            return reused
        finally:
            gate.creating.end()

    async def _deliver(self, row: ItemRow) -> None:
        """On the shelf and settled, or lost: then what it cost is written down."""
        try:
            settlement = await self._delivered(row)
            await self._recorder.record(settlement)
            self._later.wake()
            if dependencies.feeds(self._index, row):
                self._receipts.add(row.order_id)
                self._queues.look_again(row.order_id)
            self._delivery.discard(row)
            self._delivery.let_go(row)
        except (OutputLost, OutputBad) as error:
            if is_copy(row):
                await self._reuse.bury(row)
            else:
                await self._recorder.fail(row, Verdict.LOST, str(error), cost=at_stake(self._index, row))
            self._delivery.discard(row)

    async def _delivered(self, row: ItemRow) -> Settlement:
        """A disk that refuses is tried again each minute, what is larger than the settings allow when they allow more,
        and what cannot be scanned when it can, for as long as it takes."""
        key = row.item_key
        while True:
            if item_now(self._index, key).state != ItemState.DELIVERING:
                raise IllegalMove("A person ended it while it waited.")
            self._flights.delivers(key)
            try:
                return await self._delivery.deliver(row, order_of(self._index, row))
            except OutputTooLarge as error:
                log.error("a product waits for a larger bound: %s", error)
                await self._recorder.note(row, str(error))
                self._flights.waits_for_bound(key)
                self._asked_about(row)
                await self._delivery.larger_bound(row, error.bound)
                continue
            except NotScanned as error:
                log.error("a product waits to be scanned: %s", error)
                await self._recorder.note(row, str(error))
                self._flights.waits_for_scan(key)
                self._asked_about(row)
                await self._delivery.scanned_again(row, error.away)
                continue
            except StorageFull as error:
                self._disk.refused_product(key, str(error))
                self._flights.waits_for_room(key)
                self._receipts.touch(row.order_id)
                self._asked_about(row)
            await asyncio.sleep(machine.ROOM_AGAIN)

    def put_back(self, row: ItemRow) -> None:
        """Nobody works on it any more; if it is still planned, its turn comes again."""
        key = row.item_key
        if equals := self._single_flight.end(row.key, key):
            self._queues[row.provider].come(equals)
        self._flights.end(key)
        if not self._flights.stopping:  # else the last receipt still says so
            self._disk.took_product(key)
        self._receipts.touch(row.order_id)
        if not self._flights.is_stuck(key):
            self._queues[row.provider].back(key)
        self._gates[row.provider].wake()

    def _asked_about(self, row: ItemRow) -> None:
        """It need not be waited for any longer before something new is bought."""
        self._flights.asked_about(row.item_key)
        self._gates[row.provider].wake()
