"""Puts together who works on items, once, and passes on what others may tell them."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from artfactoryd.clock import day_of
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.choosing import Choosing
from artfactoryd.execution.collection import Collection
from artfactoryd.execution.delivery import Delivery
from artfactoryd.execution.dispatcher import Dispatcher
from artfactoryd.execution.doubts import Doubts
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.pacing.health import Health
from artfactoryd.execution.pacing.machine import Disk, Room
from artfactoryd.execution.pacing.uploads import UploadWaits
from artfactoryd.execution.payload import Calls
from artfactoryd.execution.purchase import Purchase
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.execution.reconciliation import Reconciliation
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.reuse import Reuse
from artfactoryd.execution.shelving.again import Again
from artfactoryd.execution.shelving.bin import Bin
from artfactoryd.execution.shelving.cards import Cards
from artfactoryd.execution.shelving.clones import Clones
from artfactoryd.execution.shelving.eye import Eye
from artfactoryd.execution.shelving.filing import Placed
from artfactoryd.execution.shelving.later import LaterLook
from artfactoryd.execution.single_flight import SingleFlight
from artfactoryd.execution.worker import Worker
from artfactoryd.factories import Factory, Reconciles
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.reporting.disk import no_room
from artfactoryd.settings import Settings
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.shelf.staging import Staging
from artfactoryd.storage.rows import ItemKey
from artfactoryd.storage.writer import Books

Service = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Execution:
    """From an item to its products. What it knows is changed by its own modules, and from outside by these verbs."""

    gates: Mapping[str, Gate]
    queues: Queues
    flights: Flights
    capped: CappedOrders
    receipts: ReceiptsDue
    disk: Disk
    health: Health
    doubts: Doubts
    worker: Worker
    later: LaterLook
    cards: Cards
    clones: Clones
    bin: Bin
    dispatcher: Dispatcher
    reconciliation: Reconciliation
    clock: Callable[[], datetime]
    placed: Placed
    scanner: Scanner

    @property
    def services(self) -> Sequence[Service]:
        """What goes on beside the items, for as long as the program is at work."""
        return self.later.run, self.cards.run, self.clones.run, self.bin.run

    @property
    def is_arranged(self) -> bool:
        """What was said before this start lies on the shelf, too."""
        return self.clones.at_rest and self.bin.at_rest

    async def arrange(self) -> None:
        """All that was said of products lies on the shelf then, as far as the disk takes it."""
        await self.bin.follow()
        await self.cards.write_all()
        await self.clones.follow_all()

    def wake(self, order_id: str | None = None) -> None:
        """New or changed orders (None: any of them): every queue looks again."""
        if order_id:
            self.receipts.add(order_id)  # one that waits from the beginning says why in its receipt
        self.queues.look_again(order_id)

    def lift_cap(self, order_id: str) -> None:
        """A person lets it go on; `wake` follows."""
        self.capped.lift(order_id)

    def money_came_back(self, order_id: str) -> None:
        """By what a person decided."""
        self.capped.money_came_back(order_id)

    def cancel(self, items: Iterable[ItemKey]) -> None:
        """A person did, of items that may run: their providers are told."""
        for key in items:
            self.flights.cancel(key)

    def unstick(self, order_id: str) -> int:
        """A person says so: what a defect has stopped is taken up again. How many those are."""
        return len(self.flights.unstick(order_id))

    def heed_date(self) -> None:
        """On another day, orders that a cap of day or month has stopped are tried again."""
        self.capped.heed_date(day_of(self.clock()))

    def use(self, settings: Settings) -> None:
        """The gates follow other settings."""
        for name, gate in self.gates.items():
            provider = settings.provider(name)
            gate.use(provider.concurrency, provider.requests_per_minute)
        self.wake()


def assemble(
    home: Home, books: Books, factories: Mapping[str, Factory], settings: LiveSettings, fetcher: Fetcher,
    clock: Callable[[], datetime], scanner: Scanner,
) -> Execution:  # fmt: skip
    """Each takes those above it that it uses, and none below. Nothing runs until `dispatch` and `reconcile` do."""
    index = books.index
    gates = _gates(settings.now, factories)
    queues, flights, single_flight, receipts = Queues(index, gates), Flights(), SingleFlight(), ReceiptsDue()
    capped = CappedOrders(queues)
    doubts = Doubts(name for name, factory in factories.items() if isinstance(factory, Reconciles))
    disk = Disk(Room(lambda: no_room(home, settings.now, index), time.monotonic), time.monotonic)
    recorder = Recorder(books, doubts, capped, receipts)
    health = Health(books, factories, gates, flights, receipts, clock)
    uploads, placed = UploadWaits(), Placed()
    calls = Calls(home, books, factories, clock, uploads)
    choosing = Choosing(Staging(home.work), fetcher, recorder, settings, clock)
    delivery, eye = Delivery(home, books, settings, factories, fetcher, recorder, clock, placed, scanner), Eye()
    again = Again(home, index, settings, factories, fetcher, eye, clock)
    later = LaterLook(home, books, settings, recorder, again, eye, lambda: delivery.at_work)
    worker = Worker(
        index, gates, queues, flights, single_flight, capped, disk, receipts, recorder,
        Reuse(index, single_flight, queues, recorder, home, clock),
        Purchase(home, index, factories, gates, queues, flights, recorder, health, calls, uploads, settings, clock),
        Collection(index, factories, gates, queues, flights, recorder, health, choosing),
        delivery, later,
    )  # fmt: skip
    return Execution(
        gates, queues, flights, capped, receipts, disk, health, doubts, worker, later, Cards(home, books, settings),
        Clones(home, books, settings), Bin(home, books, clock),
        Dispatcher(index, gates, queues, flights, health, disk, doubts, receipts),
        Reconciliation(books, factories, gates, flights, doubts, recorder, receipts, worker.put_back, clock),
        clock, placed, scanner,
    )  # fmt: skip


def _gates(settings: Settings, factories: Iterable[str]) -> dict[str, Gate]:
    providers = {name: settings.provider(name) for name in factories}
    return {
        name: Gate(provider.concurrency, time.monotonic, provider.requests_per_minute)
        for name, provider in providers.items()
    }
