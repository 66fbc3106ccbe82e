"""Everything a running home needs, put together once: books, claims, factories, gates, foreman, steering.

    async with open_house(home, settings) as house: ...

The holder of the home's lock opens it; leaving it closes connections and books. Nothing runs in
it by itself: `daemon` moves in and works.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from artfactoryd.clock import now
from artfactoryd.daemon.control import Steering
from artfactoryd.daemon.story import Story
from artfactoryd.execution.delivery import Delivery
from artfactoryd.execution.dispatcher import Lines
from artfactoryd.execution.gate import Gate
from artfactoryd.execution.payload import Calls
from artfactoryd.execution.purchase import Purchase
from artfactoryd.execution.reconciliation import Doubts
from artfactoryd.execution.reuse import Reuse
from artfactoryd.execution.state import Workbench
from artfactoryd.execution.worker import Foreman
from artfactoryd.factories import Factory
from artfactoryd.factories.registry import make_factories
from artfactoryd.home import Home
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.proof_hold import Proofs
from artfactoryd.planning.accepted import expander
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.settings import Provider, Settings
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.storage import rebuild
from artfactoryd.storage.writer import Books


@dataclass
class House:
    home: Home
    settings: Settings  # replaced when the file changes
    books: Books
    claims: Claims
    intake: Intake
    bench: Workbench
    foreman: Foreman
    lines: Lines
    doubts: Doubts
    proofs: Proofs
    steering: Steering
    factories: dict[str, Factory]
    clock: Callable[[], datetime] = now

    def use(self, settings: Settings) -> None:
        """New settings take effect for what has not begun; addresses and keys at the next start."""
        self.settings = settings
        for name, gate in self.bench.gates.items():
            gate.use(settings.provider(name).concurrency, settings.provider(name).requests_per_minute)
        self.bench.wake()


@asynccontextmanager
async def open_house(
    home: Home, settings: Settings, environ: dict[str, str], clock: Callable[[], datetime] = now
) -> AsyncIterator[House]:
    """`clock` gives aware datetimes."""
    await asyncio.to_thread(rebuild.mend, home, expander, clock)
    books = await asyncio.to_thread(Books, home.ledger, home.index_file, expander, clock, Story().hear)
    fetcher = Fetcher(home.work)
    factories = make_factories(home, settings, environ)
    try:
        yield _furnish(home, settings, books, factories, fetcher, clock)
    finally:
        for factory in factories.values():
            await factory.close()
        await fetcher.close()
        await asyncio.to_thread(books.close)


def _furnish(
    home: Home, settings: Settings, books: Books, factories: dict[str, Factory], fetcher: Fetcher,
    clock: Callable[[], datetime],
) -> House:  # fmt: skip
    claims = Claims(home.claims, home.rejected, home.held)
    gates = {name: _gate(settings.provider(name)) for name in factories}
    house: House

    def current() -> Settings:
        return house.settings

    intake = Intake(home, claims, books, current, clock, Descriptions(home.told, factories))
    delivery = Delivery(home, books, current, factories, fetcher, clock)
    bench = Workbench(books, factories, gates, clock)
    purchase = Purchase(bench, Calls(home, books, factories, clock), current)
    foreman = Foreman(bench, purchase, delivery, Reuse(bench, home))
    lines = Lines(bench, home, current)
    steering = Steering(books, claims, intake, bench, lines)
    doubts, proofs = Doubts(bench), Proofs(books, claims, bench, home.work)
    house = House(
        home, settings, books, claims, intake, bench, foreman, lines, doubts, proofs, steering, factories, clock
    )
    return house


def _gate(settings: Provider) -> Gate:
    return Gate(settings.concurrency, time.monotonic, settings.requests_per_minute)
